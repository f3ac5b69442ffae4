"""A vendor that signs webhooks with a shared secret, and a desk that takes them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
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
