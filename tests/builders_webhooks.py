"""A vendor that signs webhooks with a shared secret, and a desk that takes them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert

from syncd.core.service.webhooks import Refresh
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.core.store.webhooks import store_announcements
from syncd.sdk.testing.fakes import FakeClock, RecordingLog
from syncd.sdk.webhooks import Announced, Announcement, WebhookAnswer, Webhooks
from syncd.web.webhooks import Receiver, WebhookDesk

SECRET = "canary-webhook-secret"
BOOK = "org-1"


def receive(config: Any, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookAnswer:
    expected = hmac.new(config.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(headers.get("x-signature", ""), expected):
        return WebhookAnswer(status=401, refusal="FORGED")
    try:
        events = [
            Announcement(
                key=one["key"],
                book=one.get("book", BOOK),
                what=Announced(one.get("what", "document")),
                remote=one["remote"],
                at=now,
            )
            for one in json.loads(body)
        ]
    except (ValueError, KeyError, TypeError):
        return WebhookAnswer(status=400, refusal="MALFORMED")
    return WebhookAnswer(status=200, announcements=tuple(events))


WEBHOOKS = Webhooks(receive=receive, enabled=bool, answer_seconds=3.0)


def signed(*events: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(events).encode()
    return body, {"x-signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


class Desk:
    """A desk with one receiver, its log and whom it woke."""

    def __init__(self, desk: WebhookDesk, log: RecordingLog, woken: list[str], clock: FakeClock):
        self.desk, self.log, self.woken, self.clock = desk, log, woken, clock

    def be_patient(self, seconds: float) -> None:
        """The vendor waits so long."""
        one = self.desk.receivers["books"]
        webhooks = replace(one.webhooks, answer_seconds=seconds)
        self.desk.receivers = {"books": replace(one, webhooks=webhooks)}


async def desk_of(database: Database, *, max_open: int = 8, max_body_bytes: int = 4096) -> Desk:
    async with database.writer() as conn:
        connection = await ensure_connection(conn, "books", "fake")
    log, woken = RecordingLog(), []
    clock = FakeClock(datetime(2026, 11, 5, 9, tzinfo=UTC))
    receiver = Receiver(connection=connection, webhooks=WEBHOOKS, config=SECRET)
    desk = WebhookDesk(
        receivers={"books": receiver},
        database=database,
        clock=clock,
        log=log,
        max_body_bytes=max_body_bytes,
        max_open=max_open,
        wake=woken.append,
    )
    return Desk(desk, log, woken, clock)


@dataclass
class Vendor:
    """Counts who opens it and what is asked; fails as it is told."""

    opened: int = 0
    asked: list[tuple[Announced, tuple[str, ...]]] = field(default_factory=list)
    shut: Callable[[], Exception] | None = None
    refuses: Callable[[Announced], Exception | None] = lambda _what: None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Refresh]:
        self.opened += 1
        if self.shut is not None:
            raise self.shut()
        yield self._refresh

    async def _refresh(self, what: Announced, remotes: Sequence[str]) -> None:
        self.asked.append((what, tuple(remotes)))
        if (error := self.refuses(what)) is not None:
            raise error


async def stand(database: Database, connection: ConnectionRef, *remotes: str) -> None:
    """Documents of ours that stand in the organisation `BOOK`."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    common = {
        "psa_connection_id": connection.id, "ledger_connection_id": connection.id,
        "book_key": BOOK, "kind": "invoice", "marker": "", "client_key": "c1",
        "contact_key": "k1", "currency": "GBP", "dated": "2026-11-01", "net": Decimal(1),
        "tax": Decimal(0), "total": Decimal(1), "digest": "", "source_digest": "",
        "state": "confirmed", "available_at": at, "created_at": at,
    }  # fmt: skip
    rows = [
        {**common, "key": one, "invoice_key": one, "number": one, "remote": one} for one in remotes
    ]
    async with database.writer() as conn:
        await conn.execute(insert(LedgerDocumentRow), rows)


async def announce(
    database: Database, desk: Desk, *events: tuple[str, str, str], what: str = "document"
) -> ConnectionRef:
    """Events by key, organisation and id, as if the vendor had sent them now."""
    connection = desk.desk.receivers["books"].connection
    found = [
        Announcement(key=key, book=book, what=Announced(what), remote=remote, at=desk.clock())
        for key, book, remote in events
    ]
    async with database.writer() as conn:
        await store_announcements(conn, connection.id, found, now=desk.clock())
    return connection
