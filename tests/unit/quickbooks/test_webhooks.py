"""Intuit's webhooks are proven, read in both forms, and refused where they are not sound."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from syncd_quickbooks import CONNECTOR
from syncd_quickbooks.webhooks import FORGED, MALFORMED, OFF, STALE, signature

from syncd.sdk.webhooks import Announced, WebhookAnswer
from tests.builders_quickbooks import VERIFIER, config

NOW = datetime(2026, 11, 20, 10, 0, 5, tzinfo=UTC)
VECTOR = (
    b'[{"specversion":"1.0","id":"00000000-0000-4000-8000-000000000001","source":"intuit.demo",'
    b'"type":"qbo.payment.created.v1","datacontenttype":"application/json",'
    b'"time":"2026-11-20T10:00:00Z","intuitentityid":"912","intuitaccountid":"4620816365",'
    b'"data":{}}]'
)
SIGNED = "m+FK+zjJkctoz1kh5TYw2c4XOWL2yBAEMzgkGgouZdk="
OLDER = {
    "eventNotifications": [
        {
            "realmId": "4620816365",
            "dataChangeEvent": {
                "entities": [
                    {
                        "id": "145",
                        "operation": "Update",
                        "name": "Invoice",
                        "lastUpdated": "2026-11-20T02:00:00-08:00",
                    },
                    {"id": "7", "operation": "Create", "name": "CreditMemo"},
                ]
            },
        }
    ]
}


def given(
    body: bytes, sign: str | None = None, now: datetime = NOW, **settings: Any
) -> WebhookAnswer:
    assert CONNECTOR.webhooks is not None
    known = config(**{"webhook_verifier": VERIFIER, **settings})
    headers = {"intuit-signature": signature(VERIFIER, body) if sign is None else sign}
    return CONNECTOR.webhooks.receive(known, headers, body, now)


def cloud(**more: Any) -> bytes:
    event = {**json.loads(VECTOR)[0], **more}
    return json.dumps([event]).encode()


def test_the_signature_of_the_vector_is_as_published() -> None:
    assert signature(VERIFIER, VECTOR) == SIGNED
    answer = given(VECTOR, SIGNED)
    assert answer.status == 200
    (one,) = answer.announcements
    assert (one.key, one.book, one.what, one.remote) == (
        "00000000-0000-4000-8000-000000000001",
        "4620816365",
        Announced.PAYMENT,
        "912",
    )
    assert one.at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_the_older_form_is_read_as_well() -> None:
    body = json.dumps(OLDER).encode()
    answer = given(body)
    assert [(one.what, one.remote) for one in answer.announcements] == [
        (Announced.DOCUMENT, "145"),
        (Announced.DOCUMENT, "7"),
    ]
    again = given(body, now=NOW + timedelta(minutes=5))
    assert [one.key for one in again.announcements] == [one.key for one in answer.announcements]
    assert answer.announcements[0].at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("qbo.invoice.updated.v1", Announced.DOCUMENT),
        ("QBO.CreditMemo.Deleted.v1", Announced.DOCUMENT),
        ("qbo.customer.merged.v1", Announced.CONTACT),
        ("qbo.vendor.created.v1", Announced.OTHER),
        ("something", Announced.OTHER),
    ],
)
def test_types_are_compared_whatever_their_case(kind: str, what: Announced) -> None:
    (one,) = given(cloud(type=kind)).announcements
    assert one.what is what


@pytest.mark.parametrize("sign", ["", "AAAA", SIGNED[:-2] + "A=", "ü", "m+FK"])
def test_a_forged_call_is_refused(sign: str) -> None:
    answer = given(VECTOR, sign)
    assert (answer.status, answer.refusal) == (401, FORGED)
    assert answer.announcements == ()


def test_a_changed_body_is_refused() -> None:
    assert given(VECTOR.replace(b"912", b"913"), SIGNED).refusal == FORGED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"{}",
        b"null",
        b'{"eventNotifications": 3}',
        b"[" * 5000,
        b"\xff\xfe",
        cloud(intuitentityid=""),
        cloud(intuitentityid="x" * 201),
        cloud(time="yesterday"),
        cloud(id=None),
    ],
    ids=[
        "empty", "cut", "nothing", "null", "shape", "deep", "bytes", "no-id", "long", "time", "id",
    ],
)  # fmt: skip
def test_a_malformed_call_is_refused(body: bytes) -> None:
    answer = given(body)
    assert (answer.status, answer.refusal) == (400, MALFORMED)


def test_a_call_of_another_year_is_refused() -> None:
    assert given(VECTOR, now=NOW + timedelta(days=31)).refusal == STALE
    assert given(VECTOR, now=NOW - timedelta(hours=2)).refusal == STALE
    assert given(VECTOR, now=NOW + timedelta(days=6)).status == 200


def test_a_call_with_too_many_events_is_refused() -> None:
    events = json.loads(VECTOR) * 1001
    assert given(json.dumps(events).encode()).refusal == MALFORMED


def test_without_a_verifier_nobody_is_heard() -> None:
    assert CONNECTOR.webhooks is not None
    assert not CONNECTOR.webhooks.enabled(config())
    assert given(VECTOR, SIGNED, webhook_verifier=None).refusal == OFF
    assert CONNECTOR.webhooks.enabled(config(webhook_verifier=VERIFIER))


def test_an_empty_list_is_accepted_and_says_nothing() -> None:
    answer = given(b"[]")
    assert (answer.status, answer.announcements) == (200, ())
