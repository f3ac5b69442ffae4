"""What the simulated QuickBooks sends is taken by the connector, and what others send is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from syncd_quickbooks import CONNECTOR
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.sandbox import REALM

from syncd.sdk.webhooks import Announced, WebhookAnswer
from tests.builders_quickbooks_books import settings
from tests.builders_quickbooks_company import START, asked

CONFIG = QuickBooksConfig.model_validate(settings("http://127.0.0.1:9"))


def received(headers: dict[str, str], body: bytes) -> WebhookAnswer:
    assert CONNECTOR.webhooks is not None
    return CONNECTOR.webhooks.receive(CONFIG, headers, body, START + timedelta(seconds=5))


@pytest.mark.parametrize("form", ["cloud", "old"])
async def test_both_forms_announce_the_same_things(form: str) -> None:
    async with asked() as app:
        paid = app.hand.pay(app.hand.invoice("101", "A", 100))
        (message,) = app.hand.notify(form=form)
        answer = received(message.headers, message.body)
        assert (answer.status, answer.refusal) == (200, "")
        told = {(one.what, one.remote, one.book) for one in answer.announcements}
        assert told == {
            (Announced.DOCUMENT, "145", REALM),
            (Announced.PAYMENT, paid, REALM),
        }


@pytest.mark.parametrize("form", ["cloud", "old"])
async def test_repeats_have_the_key_of_the_first_in_whatever_order_they_come(form: str) -> None:
    async with asked() as app:
        app.hand.pay(app.hand.invoice("101", "A", 100))
        once = app.hand.notify(form=form, each=True)
        again = app.hand.notify(form=form, each=True, backwards=True, times=2)
        keys = [
            one.key
            for message in (*once, *again)
            for one in received(message.headers, message.body).announcements
        ]
        assert len(keys) == 3 * len(once)
        assert len(set(keys)) == len(once)


@pytest.mark.parametrize("forged", ["signature", "unsigned", "body"])
async def test_what_others_send_is_refused(forged: str) -> None:
    async with asked() as app:
        app.hand.invoice("101", "A", 100)
        (message,) = app.hand.notify(forged=forged)
        answer = received(message.headers, message.body)
        assert answer.status == 401
        assert answer.announcements == ()
