"""Xero's webhooks: the vendor's own test of a receiver, forgeries, repetitions and old events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from syncd_xero import CONNECTOR
from syncd_xero.webhooks import FORGED, MALFORMED, OFF, STALE, signature

from syncd.sdk.webhooks import Announced, WebhookAnswer
from tests.builders_xero_books import config

KEY = "whk_demo_key"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
INTENT = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"ABCDEFGHIJ"}'
PROOF = "i0lZdfqsGCJltzvowjK4iPwL1CVLjw/k6sv+zyBkji0="


def event(**more: Any) -> dict[str, Any]:
    return {
        "resourceUrl": "https://api.xero.com/api.xro/2.0/Invoices/ABC",
        "resourceId": "AAAAAAAA-0000-0000-0000-000000000001",
        "eventDateUtc": "2026-11-21T11:59:00.1234567",
        "eventType": "UPDATE",
        "eventCategory": "INVOICE",
        "tenantId": "BBBBBBBB-0000-0000-0000-000000000001",
        "tenantType": "ORGANISATION",
        **more,
    }


def sent(*events: dict[str, Any], key: str = KEY, body: bytes | None = None) -> WebhookAnswer:
    raw = json.dumps({"events": list(events)}).encode() if body is None else body
    headers = {"x-xero-signature": signature(key, raw).decode()}
    return received(headers, raw)


def received(headers: dict[str, str], body: bytes) -> WebhookAnswer:
    webhooks = CONNECTOR.webhooks
    assert webhooks is not None
    return webhooks.receive(config(webhook_key=KEY), headers, body, NOW)


def test_the_vendors_own_vector_is_answered_well_and_its_forgery_is_not() -> None:
    assert received({"x-xero-signature": PROOF}, INTENT) == WebhookAnswer(status=200)
    forged = received({"x-xero-signature": PROOF[:-3] + "A0="}, INTENT)
    assert forged == WebhookAnswer(status=401, refusal=FORGED)


@pytest.mark.parametrize("given", ["", "no base64 at all", "é" * 44, PROOF + "=", PROOF.lower()])
def test_whatever_is_not_the_signature_is_refused(given: str) -> None:
    assert received({"x-xero-signature": given}, INTENT).refusal == FORGED
    assert received({}, INTENT).status == 401


def test_one_changed_byte_of_the_body_is_refused() -> None:
    assert received({"x-xero-signature": PROOF}, INTENT + b" ").refusal == FORGED


def test_without_a_key_nothing_is_taken() -> None:
    webhooks = CONNECTOR.webhooks
    assert webhooks is not None
    assert not webhooks.enabled(config())
    assert webhooks.receive(config(), {"x-xero-signature": PROOF}, INTENT, NOW).refusal == OFF
    assert webhooks.enabled(config(webhook_key=KEY))


def test_an_event_says_what_changed_and_where() -> None:
    kinds = ("INVOICE", "CREDITNOTE", "CONTACT", "OVERPAYMENT", "SUBSCRIPTION")
    answer = sent(*(event(eventCategory=kind) for kind in kinds))
    assert answer.status == 200
    assert [one.what for one in answer.announcements] == [
        Announced.DOCUMENT, Announced.DOCUMENT, Announced.CONTACT, Announced.PAYMENT,
        Announced.OTHER,
    ]  # fmt: skip
    first = answer.announcements[0]
    assert first.remote == "aaaaaaaa-0000-0000-0000-000000000001"
    assert first.book == "bbbbbbbb-0000-0000-0000-000000000001"
    assert first.at == datetime(2026, 11, 21, 11, 59, 0, 123456, tzinfo=UTC)


def test_a_repetition_has_the_same_key_and_everything_else_another_one() -> None:
    [one] = sent(event()).announcements
    [again] = sent(event()).announcements
    assert one.key == again.key
    others = [
        event(eventDateUtc="2026-11-21T11:59:01"),
        event(eventType="CREATE"),
        event(resourceId="AAAAAAAA-0000-0000-0000-000000000002"),
        event(tenantId="BBBBBBBB-0000-0000-0000-000000000002"),
    ]
    keys = {sent(other).announcements[0].key for other in others}
    assert len(keys | {one.key}) == 5


def test_old_events_are_refused_and_young_ones_beside_them_kept() -> None:
    old = event(eventDateUtc=(NOW - timedelta(days=32)).isoformat())
    ahead = event(eventDateUtc=(NOW + timedelta(days=1)).isoformat())
    assert sent(old) == WebhookAnswer(status=200, refusal=STALE)
    assert sent(ahead).refusal == STALE
    mixed = sent(old, event())
    assert (mixed.refusal, len(mixed.announcements)) == ("", 1)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"events":7}', b'{"events":[{}]}', b"\xff", b"[" * 100_000,
     json.dumps({"events": [event(eventDateUtc="yesterday")]}).encode(),
     json.dumps({"events": [event(resourceId=" ")]}).encode(),
     json.dumps({"events": [event()] * 5001}).encode()],
    ids=["empty", "cut", "list", "number", "hollow", "garbage", "deep", "date", "nobody", "many"],
)  # fmt: skip
def test_what_is_signed_and_malformed_is_refused_without_failing(body: bytes) -> None:
    assert sent(body=body) == WebhookAnswer(status=400, refusal=MALFORMED)
