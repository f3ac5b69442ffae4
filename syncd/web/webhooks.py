"""Takes webhooks: proves their origin, stores what they announce, and answers at once.

An answer has no body, sets no cookie and tells a stranger nothing: an unknown connection, a
connection without webhooks and a wrong path look alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from syncd.core.store.webhooks import store_announcements
from syncd.sdk.errors import StoreError

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.connector import EventLog
    from syncd.sdk.webhooks import Webhooks

QUIET: Final = timedelta(minutes=1)
"""A second one refused or repeated for the same reason within this time is counted, not logged."""

MARGIN_SECONDS: Final = 0.5
"""Of the vendor's patience, left for the way back."""

OK: Final = 200

REPEATED: Final = "REPEATED"
"""All that a request announces was announced before."""

_HEADERS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A connection whose vendor calls us.

    Attributes:
        connection: whose announcements they are.
        webhooks: how the vendor proves itself.
        config: the connection's settings.
    """

    connection: ConnectionRef
    webhooks: Webhooks
    config: Any


@dataclass(slots=True)
class _Silence:
    """Since when refusals of one kind are only counted."""

    since: datetime
    kept_quiet: int = 0


@dataclass(slots=True, kw_only=True)
class WebhookDesk:
    """Answers requests to `/webhooks/<connection>`.

    Attributes:
        receivers: by name of the connection.
        database: where announcements are kept.
        clock: UTC.
        log: closed catalogue of events.
        max_body_bytes: longest request.
        max_open: most requests at a time.
        wake: called with a connection's name when something new waits.
    """

    receivers: Mapping[str, Receiver]
    database: Database
    clock: Callable[[], datetime]
    log: EventLog
    max_body_bytes: int
    max_open: int
    wake: Callable[[str], None]
    _open: int = 0
    _quiet: dict[tuple[str, str], _Silence] = field(default_factory=dict)

    async def respond(self, request: Request) -> Response:
        """One request, whatever it holds."""
        receiver = self.receivers.get(request.path_params["connection"])
        if receiver is None:
            return answer(404)
        if request.method != "POST":
            return answer(405)
        name = receiver.connection.name
        if self._open >= self.max_open:
            self._refused(name, "TOO_MANY_AT_ONCE", 503)
            return answer(503)
        self._open += 1
        try:
            async with asyncio.timeout(receiver.webhooks.answer_seconds - MARGIN_SECONDS):
                return answer(await self._take(request, receiver))
        except TimeoutError:
            self._refused(name, "TOO_SLOW", 503)
            return answer(503)
        except ClientDisconnect:
            self._refused(name, "CUT_OFF", 400)
            return answer(400)
        except Exception:  # noqa: BLE001 - logged; a plugin's fault must not end the server
            self._refused(name, "DEFECT", 500)
            return answer(500)
        finally:
            self._open -= 1

    async def _take(self, request: Request, receiver: Receiver) -> int:
        name = receiver.connection.name
        body = await self._body(request)
        if body is None:
            self._refused(name, "TOO_LONG", 413)
            return 413
        headers = {key.lower(): value for key, value in request.headers.items()}
        now = self.clock()
        verdict = receiver.webhooks.receive(receiver.config, headers, body, now)
        if verdict.refusal:
            self._refused(name, verdict.refusal, verdict.status)
            return verdict.status
        try:
            async with self.database.writer() as conn:
                new = await store_announcements(
                    conn, receiver.connection.id, verdict.announcements, now=now
                )
        except StoreError as error:
            self._refused(name, error.code, 503)
            return 503
        told = len(verdict.announcements)
        if told and not new:
            # Vendors repeat on purpose, so it is answered well; a flood must not fill the log.
            self._refused(name, REPEATED, verdict.status)
            return verdict.status
        self.log("webhook.received", connection=name, n_events=told, n_new=new)
        if new:
            self.wake(name)
        return verdict.status

    async def _body(self, request: Request) -> bytes | None:
        """The raw bytes; None when there are too many, without taking them in."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_body_bytes:
            return None
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > self.max_body_bytes:
                return None
            parts.append(part)
        return b"".join(parts)

    def _refused(self, connection: str, refusal: str, status: int) -> None:
        """Log what brings nothing once, and count repeats until some time has passed."""
        now = self.clock()
        silence = self._quiet.get((connection, refusal))
        if silence is not None and now - silence.since < QUIET:
            silence.kept_quiet += 1
            return
        before = silence.kept_quiet if silence is not None else 0
        self._quiet[connection, refusal] = _Silence(now)
        self.log(
            "webhook.refused",
            connection=connection,
            refusal=refusal,
            status=status,
            n_before=before,
        )


def answer(status: int) -> Response:
    """An answer without a body.

    Only what was taken in is whole; anybody else may still be sending, and is not listened to.
    """
    ends = {} if status == OK else {"connection": "close"}
    return Response(status_code=status, headers={**_HEADERS, **ends})
