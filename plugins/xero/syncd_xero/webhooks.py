"""Xero's webhooks: proof by HMAC over the raw body; what they say is only that something changed.

While an address is being registered Xero sends empty bodies, some signed wrongly on purpose: these
must be answered 401 and the others 200.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from syncd.sdk.webhooks import Announced, Announcement, WebhookAnswer
from syncd_xero.config import XeroConfig
from syncd_xero.values import identifier, moment

SIGNATURE: Final = "x-xero-signature"

OFF: Final = "WEBHOOKS_OFF"
FORGED: Final = "SIGNATURE_WRONG"
MALFORMED: Final = "BODY_MALFORMED"
STALE: Final = "EVENTS_STALE"

MOST_EVENTS: Final = 5000
AHEAD: Final = timedelta(hours=1)
"""How far another clock may be ahead of ours."""

KINDS: Final = {
    "INVOICE": Announced.DOCUMENT,
    "CREDITNOTE": Announced.DOCUMENT,
    "CONTACT": Announced.CONTACT,
    "PREPAYMENT": Announced.PAYMENT,
    "OVERPAYMENT": Announced.PAYMENT,
}


class _Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    resource_id: str
    event_date_utc: str
    event_type: str
    event_category: str
    tenant_id: str


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    events: list[_Event]


def signature(key: str, body: bytes) -> bytes:
    """What Xero writes into the header for a body."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest())


def receive(
    config: XeroConfig, headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookAnswer:
    """Decide about one request; never raises for bad input.

    Args:
        config: holds the signing key.
        headers: by lower-case name.
        body: raw, as it came.
        now: UTC.
    """
    if config.webhook_key is None:
        return WebhookAnswer(status=401, refusal=OFF)
    expected = signature(config.webhook_key.get_secret_value(), body)
    given = headers.get(SIGNATURE, "").strip().encode("utf-8", errors="replace")
    if not hmac.compare_digest(expected, given):
        return WebhookAnswer(status=401, refusal=FORGED)
    try:
        events = msgspec.json.decode(body, type=_Body).events
        announced = [_announcement(event) for event in events[: MOST_EVENTS + 1]]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
        return WebhookAnswer(status=400, refusal=MALFORMED)
    if len(events) > MOST_EVENTS:
        return WebhookAnswer(status=400, refusal=MALFORMED)
    oldest, newest = now - timedelta(days=config.webhook_days), now + AHEAD
    fresh = tuple(one for one in announced if oldest <= one.at <= newest)
    if announced and not fresh:
        # Answered well: Xero would repeat them for a day, and they would not be younger then.
        return WebhookAnswer(status=200, refusal=STALE)
    return WebhookAnswer(status=200, announcements=fresh)


def _announcement(event: _Event) -> Announcement:
    """What an event says.

    Raises:
        ValueError: a part of it is empty or no moment.
    """
    remote, book = identifier(event.resource_id), identifier(event.tenant_id)
    if not remote or not book:
        message = "an event without ids"
        raise ValueError(message)
    parts = (book, remote, event.event_date_utc, event.event_type, event.event_category)
    return Announcement(
        key=hashlib.sha256("\n".join(parts).encode()).hexdigest(),
        book=book,
        what=KINDS.get(event.event_category.upper(), Announced.OTHER),
        remote=remote,
        at=moment(event.event_date_utc),
    )
