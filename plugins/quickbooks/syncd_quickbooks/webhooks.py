"""Calls of Intuit's webhooks: proof that they come from Intuit, and what they announce.

Two forms are read: the list of CloudEvents that Intuit sends since 2026, and the older form. The
announcements of all companies of the app come to one address; each names its company.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from syncd.sdk.webhooks import Announced, Announcement, WebhookAnswer
from syncd_quickbooks.config import QuickBooksConfig

SIGNATURE: Final = "intuit-signature"

OFF: Final = "WEBHOOKS_OFF"
FORGED: Final = "SIGNATURE_WRONG"
MALFORMED: Final = "BODY_MALFORMED"
STALE: Final = "EVENTS_STALE"

OLDEST: Final = timedelta(days=30)
"""As far as the feed of changes goes back; Intuit repeats for days, so younger ones are taken."""

AHEAD: Final = timedelta(hours=1)
MOST_EVENTS: Final = 1000
LONGEST_TEXT: Final = 200

_WHAT: Final = {
    "invoice": Announced.DOCUMENT,
    "creditmemo": Announced.DOCUMENT,
    "payment": Announced.PAYMENT,
    "customer": Announced.CONTACT,
}


class _CloudEvent(msgspec.Struct):
    id: str
    type: str
    time: datetime
    entity: str = msgspec.field(name="intuitentityid")
    realm: str = msgspec.field(name="intuitaccountid")


class _Changed(msgspec.Struct):
    id: str
    name: str
    operation: str = ""
    at: datetime | None = msgspec.field(name="lastUpdated", default=None)


class _DataChange(msgspec.Struct):
    entities: list[_Changed] = []


class _Notification(msgspec.Struct):
    realm: str = msgspec.field(name="realmId")
    change: _DataChange = msgspec.field(name="dataChangeEvent", default_factory=_DataChange)


class _Older(msgspec.Struct):
    notifications: list[_Notification] = msgspec.field(name="eventNotifications")


def receive(
    config: QuickBooksConfig, headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookAnswer:
    """Judge one call; never raises for bad input."""
    if config.webhook_verifier is None:
        return WebhookAnswer(status=401, refusal=OFF)
    if not _is_signed(config.webhook_verifier.get_secret_value(), headers, body):
        return WebhookAnswer(status=401, refusal=FORGED)
    try:
        announcements = _told(body, now)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return WebhookAnswer(status=400, refusal=MALFORMED)
    fresh = tuple(one for one in announcements if now - OLDEST <= one.at <= now + AHEAD)
    if announcements and not fresh:
        return WebhookAnswer(status=200, refusal=STALE)
    return WebhookAnswer(status=200, announcements=fresh)


def signature(verifier: str, body: bytes) -> str:
    """The signature of a body."""
    digest = hmac.new(verifier.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _is_signed(verifier: str, headers: Mapping[str, str], body: bytes) -> bool:
    given = headers.get(SIGNATURE, "").strip()
    return hmac.compare_digest(signature(verifier, body).encode(), given.encode())


def _told(body: bytes, now: datetime) -> list[Announcement]:
    if body.lstrip()[:1] == b"[":
        events = msgspec.json.decode(body, type=list[_CloudEvent])
        found = [_of_event(event) for event in events]
    else:
        older = msgspec.json.decode(body, type=_Older)
        found = [
            _of_change(one.realm, change, now)
            for one in older.notifications
            for change in one.change.entities
        ]
    if len(found) > MOST_EVENTS:
        raise ValueError("more events than one call holds")
    return found


def _of_event(event: _CloudEvent) -> Announcement:
    """A CloudEvent; its type is `qbo.<entity>.<operation>.v1`, in whatever case."""
    parts = event.type.casefold().split(".")
    what = _WHAT.get(parts[1], Announced.OTHER) if len(parts) > 1 else Announced.OTHER
    return Announcement(
        key=_short(event.id),
        book=_short(event.realm),
        what=what,
        remote=_short(event.entity),
        at=_utc(event.time),
    )


def _of_change(realm: str, change: _Changed, now: datetime) -> Announcement:
    """An event of the older form, which has no id of its own."""
    at = _utc(change.at) if change.at is not None else now
    facts = [realm, change.name, change.id, change.operation]
    facts.append(at.isoformat() if change.at is not None else "")
    return Announcement(
        key=hashlib.sha256("|".join(facts).encode()).hexdigest()[:40],
        book=_short(realm),
        what=_WHAT.get(change.name.casefold(), Announced.OTHER),
        remote=_short(change.id),
        at=at,
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _short(text: str) -> str:
    """Refuse what is no id.

    Raises:
        ValueError: it is empty or too long.
    """
    if not text or len(text) > LONGEST_TEXT or not text.isprintable():
        raise ValueError("an id of an event is none")
    return text
