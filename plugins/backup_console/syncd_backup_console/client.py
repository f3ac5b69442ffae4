"""The calls of the backup console that are used, and how its errors read.

Every list is one call that answers all of it; there are no pages. `PUT` on billing is a read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec

from syncd.sdk.auth import PasswordLogin
from syncd.sdk.connector import Context, EventLog, RateLimit
from syncd.sdk.errors import AuthError, RequestRejected
from syncd.sdk.http import Answer, ApiClient
from syncd_backup_console.config import BackupConsoleConfig
from syncd_backup_console.decoding import decoded
from syncd_backup_console.models import (
    Bill,
    Company,
    Licence,
    PlanRun,
    StorageAccount,
    User,
    UserDetails,
)

T = TypeVar("T")

LOGIN: Final = "/api/Provider/Login"
COMPANIES: Final = "/api/Companies"
USERS: Final = "/api/Users"
LICENCES: Final = "/api/Licenses"
BILLING: Final = "/api/Billing"
DETAILS: Final = "/api/Billing/Details"
ACCOUNTS: Final = "/api/Accounts"
MONITORING: Final = "/api/Monitoring"


class ConsoleClient(AbstractAsyncContextManager["ConsoleClient"]):
    """One connection to one console; every method raises ConnectorError of any kind."""

    def __init__(
        self,
        *,
        connection: str,
        config: BackupConsoleConfig,
        limits: RateLimit,
        clock: Callable[[], datetime],
        log: EventLog,
    ) -> None:
        password = config.password.get_secret_value()
        self.connection = connection
        self._api = ApiClient(
            connection=connection,
            base_url=config.base_url,
            auth=PasswordLogin(
                connection=connection,
                login_url=config.base_url + LOGIN,
                fields={"UserName": config.user_name, "Password": password},
                password=password,
                settings="user_name and password",
                clock=clock,
                log=log,
            ),
            limits=limits,
            clock=clock,
            log=log,
            error_text=error_text,
        )

    @classmethod
    def of(cls, context: Context[BackupConsoleConfig]) -> Self:
        return cls(
            connection=context.connection,
            config=context.config,
            limits=context.limits,
            clock=context.clock,
            log=context.log,
        )

    async def __aenter__(self) -> Self:
        await self._api.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def companies(self) -> list[Company]:
        return await self._list(COMPANIES, list[Company])

    async def users(self) -> list[User]:
        return await self._list(USERS, list[User])

    async def licences(self) -> list[Licence]:
        """All licences; `isAvailable` is never sent, since it leaves some of them out."""
        return await self._list(LICENCES, list[Licence])

    async def storage_accounts(self) -> list[StorageAccount]:
        return await self._list(ACCOUNTS, list[StorageAccount])

    async def plan_runs(self) -> list[PlanRun]:
        return await self._list(MONITORING, list[PlanRun])

    async def bill(self, day: date | None = None) -> Bill:
        """The billing of the month in which `day` lies; None is the present month."""
        if day is None:
            return await self._list(BILLING, Bill)
        return await self._put(BILLING, {"Date": _moment(day)}, Bill)

    async def details(self, user_id: str, day: date | None = None) -> UserDetails:
        """A user's month by computer and storage account."""
        when = {} if day is None else {"Date": _moment(day)}
        return await self._put(DETAILS, {"UserID": user_id, **when}, UserDetails)

    async def _list(self, path: str, kind: type[T]) -> T:
        return decoded(await _explained(self._api.read(path)), kind)

    async def _put(self, path: str, question: dict[str, str], kind: type[T]) -> T:
        return decoded(await _explained(self._api.ask("PUT", path, json=question)), kind)


async def _explained(call: Awaitable[Answer]) -> Answer:
    """The answer; a 406 has no body and means what a 404 means elsewhere."""
    try:
        return await call
    except RequestRejected as error:
        if error.http_status != 406:
            raise
        raise RequestRejected(
            f"{error}: the console does not know what was asked for",
            remedy="nothing was changed; if it stays, ask the vendor",
            connection=error.connection,
            http_status=error.http_status,
            request_id=error.request_id,
        ) from error


def _moment(day: date) -> str:
    """A moment that for a month's last day lies in that month in every zone of the world."""
    return f"{day.isoformat()}T09:30:00+00:00"


async def together(*reads: Coroutine[Any, Any, Any]) -> list[Any]:
    """Do reads at the same time; the first that fails ends all of them with its own error.

    Raises:
        ConnectorError: of any kind; refused credentials come before everything else.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read) for read in reads]
    except ExceptionGroup as failed:
        raise min(failed.exceptions, key=lambda one: not isinstance(one, AuthError)) from failed
    return [task.result() for task in tasks]


class _ErrorBody(msgspec.Struct):
    upper: str | None = msgspec.field(name="Message", default=None)
    lower: str | None = msgspec.field(name="message", default=None)
    error: str | None = None


_ERROR_BODY = msgspec.json.Decoder(_ErrorBody | str)


def error_text(status: int, body: bytes) -> str:
    """What the console says about an error: `Message`, `message`, `error` or a plain text.

    Exception texts and stack traces that its platform may add are left out.
    """
    del status
    try:
        said = _ERROR_BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    if isinstance(said, str):
        return said
    return said.upper or said.lower or said.error or ""
