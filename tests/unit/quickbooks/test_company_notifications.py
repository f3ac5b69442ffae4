"""Webhooks as the simulated QuickBooks sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from syncd_quickbooks.sandbox import REALM, VERIFIER
from syncd_quickbooks.sandbox.notifications import Sender

from tests.builders_quickbooks_company import Asked, asked

VECTOR = (
    b'[{"specversion":"1.0","id":"00000000-0000-4000-8000-000000000001","source":"intuit.demo",'
    b'"type":"qbo.payment.created.v1","datacontenttype":"application/json",'
    b'"time":"2026-11-20T10:00:00Z","intuitentityid":"912","intuitaccountid":"4620816365",'
    b'"data":{}}]'
)


def events(app: Asked, **how: Any) -> list[list[tuple[str, str]]]:
    """Type and object of the events of each CloudEvents call."""
    return [
        [(one["type"], one["intuitentityid"]) for one in json.loads(message.body)]
        for message in app.hand.notify(**how)
    ]


def test_the_signature_is_that_of_a_known_example() -> None:
    signature = Sender(REALM, "verifier-demo").signature(VECTOR)
    assert signature == "m+FK+zjJkctoz1kh5TYw2c4XOWL2yBAEMzgkGgouZdk="


async def test_what_happened_is_told_in_the_new_form_and_in_the_old_one() -> None:
    async with asked() as app:
        one = app.hand.invoice("101", "A", 100)
        app.hand.delete(one)
        told = [("qbo.invoice.created.v1", "145"), ("qbo.invoice.deleted.v1", "145")]
        assert events(app) == [told]
        (old,) = app.hand.notify(form="old")
        changed = json.loads(old.body)["eventNotifications"][0]
        assert changed["realmId"] == REALM
        entities = changed["dataChangeEvent"]["entities"]
        assert [(e["name"], e["operation"]) for e in entities] == [
            ("Invoice", "Create"),
            ("Invoice", "Delete"),
        ]


async def test_calls_may_repeat_and_come_backwards() -> None:
    async with asked() as app:
        app.hand.pay(app.hand.invoice("101", "A", 100))
        first = app.hand.events()[0]
        kinds = [[name.split(".")[1] for name, _ in call] for call in events(app, each=True)]
        assert kinds == [["invoice"], ["payment"], ["invoice"]]
        back = events(app, each=True, backwards=True, times=2)
        assert [call[0][0] for call in back[:3]] == [
            "qbo.invoice.updated.v1",
            "qbo.invoice.updated.v1",
            "qbo.payment.created.v1",
        ]
        assert len(events(app, since=first)[0]) == 2


@pytest.mark.parametrize("forged", ["signature", "unsigned", "body"])
async def test_a_forged_call_does_not_carry_the_right_signature(forged: str) -> None:
    async with asked() as app:
        app.hand.invoice("101", "A", 100)
        (true,), (false,) = app.hand.notify(), app.hand.notify(forged=forged)
        right = Sender(REALM, VERIFIER)
        assert true.headers["intuit-signature"] == right.signature(true.body)
        assert false.headers.get("intuit-signature") != right.signature(false.body)


async def test_an_unknown_form_is_no_form() -> None:
    async with asked() as app:
        app.hand.invoice("101", "A", 100)
        with pytest.raises(ValueError, match="cloud or old"):
            app.hand.notify(form="xml")
