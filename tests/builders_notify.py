"""Readers, issues, a scripted notifier and a small SMTP server for tests of notices."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from syncd.core.service.notice_content import Reader
from syncd.core.service.notice_sending import NotifierDesk
from syncd.core.store.issues import Issue, IssueSeverity
from syncd.core.store.runs import RunRecord, RunStatus
from syncd.sdk.notices import Notice, NoticeKind
from syncd.sdk.records import CheckResult

NOW = datetime(2026, 12, 3, 8, 0, tzinfo=UTC)
ALL = frozenset(NoticeKind)


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **delta: float) -> None:
        self.now += timedelta(**delta)


def issue(number: int, code: str, **changes: Any) -> Issue:
    values: dict[str, Any] = {
        "id": number,
        "code": code,
        "subject": f"rmm/{number}",
        "connection": "rmm",
        "severity": IssueSeverity.ERROR,
        "message": "PC-SECRET of bob@acme.test is wrong",
        "remedy": "Ask bob@acme.test about PC-SECRET.",
        "evidence": {"units": ["PC-SECRET"]},
        "opened_at": NOW,
        "last_seen_at": NOW,
        **changes,
    }
    return Issue(**values)


def held(number: int, client: str = "Acme", money: str | None = "120.00") -> Issue:
    return issue(
        number,
        "PLAN_HELD",
        severity=IssueSeverity.WARNING,
        remedy="See `syncd plans show 2026-11-1`.",
        evidence={
            "client": client,
            "plan": "2026-11-1",
            "money": money,
            "currency": "GBP",
            "rules": ["FIRST_BILL"],
            "objections": ["PC-SECRET joined"],
        },
    )


def ended(status: str = "succeeded", **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "id": "20261203T075900-aa",
        "subject": "billing",
        "kind": "bill",
        "scheduled_for": NOW,
        "status": RunStatus(status),
        "started_at": NOW - timedelta(minutes=1),
        "finished_at": NOW,
        "counts": {"bills": 3},
        **changes,
    }
    return RunRecord(**values)


def reader(*on: NoticeKind, clients: bool = False, always: bool = False) -> Reader:
    return Reader(on=frozenset(on) or ALL, clients=clients, always=always)


@dataclass
class Bell:
    """A notifier that does what it is told and remembers what it carried."""

    act: Callable[[Notice, Callable[[], None]], Any] | None = None
    carried: list[Notice] = field(default_factory=list)

    async def check(self) -> CheckResult:
        return CheckResult(ok=True, summary="rings")

    async def send(self, notice: Notice, begun: Callable[[], None]) -> str:
        if self.act is not None:
            found = self.act(notice, begun)
            if asyncio.iscoroutine(found):
                await found
        begun()
        self.carried.append(notice)
        return ""

    def desk(self, **changes: Any) -> NotifierDesk:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Bell]:
            yield self

        values = {"name": "ops", "reader": reader(), "open": opened, **changes}
        return NotifierDesk(**values)


@dataclass
class MailServer:
    """What an SMTP server did; `script` maps a command to a reply, or to silence (None)."""

    script: dict[str, str | None] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    port: int = 0
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._reply(writer, reader, "connect", "220 stub"):
            return
        while line := (await reader.readline()).decode().strip():
            self.said.append(line)
            word = line.split(" ")[0].upper()
            key = line.upper() if line.upper() in self.script else word
            usual = "250 fine"
            if word == "EHLO":
                usual = "\r\n".join(
                    ["250-stub", *(f"250-{o}" for o in self.offers), "250 8BITMIME"]
                )
            if word == "AUTH":
                usual = "235 in"
            if word == "DATA":
                usual = "354 go on"
            if not await self._reply(writer, reader, key, usual):
                return
            if word == "RCPT" and self.script.get(key, "250").startswith("250"):  # type: ignore[union-attr]
                self.recipients.append(line)
            if word == "DATA" and self.script.get("DATA", "354").startswith("354"):  # type: ignore[union-attr]
                raw = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(
                    email.message_from_bytes(raw[:-5], policy=email.policy.default)  # type: ignore[arg-type]
                )
                if not await self._reply(writer, reader, "text", "250 taken"):
                    return

    async def _reply(
        self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader, key: str, usual: str
    ) -> bool:
        reply = self.script.get(key, usual)
        if reply is None:
            self.silent.set()
            await reader.read()  # until the other side goes away
            return False
        if reply == "cut":
            return False
        writer.write(f"{reply}\r\n".encode())
        await writer.drain()
        return True


@asynccontextmanager
async def mail_server(ssl: Any = None, **script: Any) -> AsyncIterator[MailServer]:
    offers = script.pop("offers", ())
    stub = MailServer(script={k.upper() if k.isupper() else k: v for k, v in script.items()})
    stub.offers = offers
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, ssl=ssl)
    stub.port = server.sockets[0].getsockname()[1]
    async with server:
        yield stub
