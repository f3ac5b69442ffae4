"""The notifier: each message in a thread of its own, which nobody waits for once time is up.

The standard library's client blocks; its thread is a daemon thread and its socket is cut when the
caller gives up, so that a server that hangs delays neither the daemon's stop nor another notifier.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from syncd.sdk.notices import Notice, NotifierContext
from syncd.sdk.records import CheckResult
from syncd_mail.config import MailConfig
from syncd_mail.message import mail_of
from syncd_mail.session import Session

ResultT = TypeVar("ResultT")


class MailNotifier:
    """One `[notify.<name>]` that sends mail."""

    def __init__(self, context: NotifierContext[MailConfig]) -> None:
        self._name = context.notifier
        self._config = context.config

    async def check(self) -> CheckResult:
        """Connect, encrypt and log in; no message is sent.

        Raises:
            ConnectorError: see `Session`.
        """
        session = Session(self._name, self._config)
        await _in_thread(session, session.greet)
        where = f"{self._config.host}:{self._config.port_number}"
        login = "logged in" if self._config.user else "no login"
        return CheckResult(ok=True, summary=f"{where} answers, {self._config.security}, {login}")

    async def send(self, notice: Notice, begun: Callable[[], None]) -> str:
        """Send one mail to all addresses.

        Raises:
            OutcomeUnknown: the server took the mail and its answer was not seen.
            ConnectorError: it was surely not taken.
        """
        mail = mail_of(notice, self._config, self._name)
        session = Session(self._name, self._config)
        return await _in_thread(session, lambda: session.deliver(mail, begun))


async def _in_thread(session: Session, work: Callable[[], ResultT]) -> ResultT:
    """Do blocking work in a daemon thread; when the caller is cancelled, its socket is cut."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[ResultT] = loop.create_future()

    def settle(result: ResultT | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type] # either of the two is there

    def run() -> None:
        result: ResultT | None = None
        failed: BaseException | None = None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - handed to the task that waits
            failed = error
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(settle, result, failed)
            except RuntimeError:
                return  # the loop ended meanwhile, and with it whoever waited

    threading.Thread(target=run, name="syncd-mail", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        session.cut()
        raise
