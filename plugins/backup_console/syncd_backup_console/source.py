"""Reads one console: who is in use now, or what a month came to.

Companies, users and licences are one list each, and a licence finds its company over its user. So
what is missing in one list may change any company, and such a read proves nothing and says so.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from typing import Final, NamedTuple, TypeVar

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConnectorError, TransientError
from syncd.sdk.period import Period
from syncd.sdk.ports import ObservationSink
from syncd.sdk.records import (
    Account,
    CheckResult,
    Observation,
    Product,
    ScopeState,
    ScopeVerdict,
)
from syncd_backup_console.client import ConsoleClient, together
from syncd_backup_console.config import BackupConsoleConfig
from syncd_backup_console.directory import Directory
from syncd_backup_console.licences import Usage
from syncd_backup_console.models import Bill, Company, Licence, PlanRun, User, normal_id
from syncd_backup_console.months import Month
from syncd_backup_console.products import Catalogue

CONSOLE: Final = "console"
BATCH: Final = 4_000

Row = TypeVar("Row")


class Found(NamedTuple):
    """What a read came to.

    Attributes:
        directory: companies and users, with what is doubtful about them.
        units: everything that was seen.
        notes: for a person.
        reasons: why it is not proven, if it is not.
    """

    directory: Directory
    units: Sequence[Observation]
    notes: tuple[str, ...]
    reasons: tuple[str, ...] = ()


class BackupConsoleSource:
    """The usage source of one connection."""

    def __init__(self, client: ConsoleClient, context: Context[BackupConsoleConfig]) -> None:
        self._client = client
        self._context = context
        self._config = context.config
        self._catalogue = Catalogue(context.config)

    async def check(self) -> CheckResult:
        """Try the login and every list that the settings need."""
        # Imported here: a pull does not pay for it.
        from syncd_backup_console.trial import run

        return await run(self._client, self._config)

    async def accounts(self) -> AsyncIterator[Sequence[Account]]:
        """All companies, in one batch, and the account of what belongs to none."""
        yield self._directory(await self._companies(), ()).accounts()

    def products(self) -> Sequence[Product]:
        """What the settings ask for, and every licence type and storage account met so far."""
        return self._catalogue.all()

    async def observe(self, sink: ObservationSink, period: Period | None) -> Sequence[ScopeVerdict]:
        """Read licences as of now, or the figures of a month.

        Raises:
            AuthError: credentials refused, or a right is missing.
            TransientError: not even the companies could be read.
        """
        scope = CONSOLE if period is None else f"{CONSOLE} {period}"
        try:
            companies = await self._companies()
        except (AuthError, TransientError):
            raise
        except ConnectorError as error:
            return [_unknown(scope, _reason(error))]
        try:
            found = await (
                self._in_use(companies) if period is None else self._month(companies, period)
            )
        except AuthError:
            raise
        except ConnectorError as error:
            accounts = self._directory(companies, ()).accounts()
            await sink.accounts(accounts)
            await sink.scope(scope, [account.key for account in accounts])
            return [_unknown(scope, _reason(error))]
        return await self._report(sink, scope, found, "" if period is None else f" {period}")

    async def _report(
        self, sink: ObservationSink, scope: str, found: Found, suffix: str
    ) -> list[ScopeVerdict]:
        accounts, doubts = found.directory.accounts(), found.directory.doubts()
        doubted = {key for doubt in doubts for key in doubt.accounts}
        await sink.accounts(accounts)
        await sink.scope(scope, [one.key for one in accounts if one.key not in doubted])
        for start in range(0, len(found.units), BATCH):
            await sink.add(scope, found.units[start : start + BATCH])
        verdicts = [
            ScopeVerdict(
                scope=scope,
                state=ScopeState.PARTIAL if found.reasons else ScopeState.COMPLETE,
                # The console states no totals: the proof is one whole answer per list.
                declared=None,
                seen=len(found.units),
                reasons=found.reasons,
                notes=(*found.directory.notes(), *found.notes),
            )
        ]
        for doubt in doubts:
            await sink.scope(doubt.scope + suffix, doubt.accounts)
            verdicts.append(_unknown(doubt.scope + suffix, doubt.reason))
        return verdicts

    async def _in_use(self, companies: Sequence[Company]) -> Found:
        users, licences, runs = await together(self._users(), self._licences(), self._plan_runs())
        found = self._usage(companies, users, licences, runs)
        if found.reasons or found.directory.doubtful:
            # A company renamed, or a user made, between two lists: look at both once more.
            companies, users = await together(self._companies(), self._users())
            found = self._usage(companies, users, licences, runs)
        return found

    def _usage(
        self,
        companies: Sequence[Company],
        users: Sequence[User],
        licences: Sequence[Licence],
        runs: Sequence[PlanRun],
    ) -> Found:
        directory = self._directory(companies, users)
        usage = Usage(
            directory,
            self._catalogue,
            self._config,
            now=self._context.clock(),
            connection=self._client.connection,
        )
        units = [*usage.licences(licences), *usage.computers(runs)]
        return Found(directory, units, tuple(usage.notes()), tuple(usage.reasons()))

    async def _month(self, companies: Sequence[Company], period: Period) -> Found:
        running = Period.containing(self._context.clock(), self._config.zone)
        if period > running:
            directory = self._directory(companies, ())
            reason = f"MONTH_NOT_BEGUN: {period} has not begun in {self._config.timezone}"
            return Found(directory, (), (), (reason,))
        day = None if period == running else period.last_day
        users, bill = await together(self._users(), self._client.bill(day))
        directory = self._directory(companies, users)
        if directory.doubtful:
            companies, users = await together(self._companies(), self._users())
            directory = self._directory(companies, users)
        month = Month(directory, self._catalogue, self._config, connection=self._client.connection)
        units = month.users(bill)
        if self._config.storage == "accounts":
            units += await self._by_account(month, bill, day)
        return Found(directory, units, tuple(month.notes()))

    async def _by_account(self, month: Month, bill: Bill, day: date | None) -> list[Observation]:
        """The console tells storage accounts apart for one user at a time only."""
        storing = [row.user_id for row in bill.users if row.average]
        if not storing:
            return []
        accounts, *details = await together(
            self._client.storage_accounts(),
            *(self._client.details(user_id, day) for user_id in storing),
        )
        names = {normal_id(account.id): account.name for account in accounts}
        return month.computers(bill, details, names)

    def _directory(self, companies: Sequence[Company], users: Sequence[User]) -> Directory:
        return Directory(companies, users, self._config)

    async def _companies(self) -> list[Company]:
        return await self._sure(self._client.companies)

    async def _users(self) -> list[User]:
        return await self._sure(self._client.users)

    async def _licences(self) -> list[Licence]:
        return await self._sure(self._client.licences)

    async def _plan_runs(self) -> list[PlanRun]:
        return await self._client.plan_runs() if self._config.computers else []

    async def _sure(self, read: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
        """A list; where it is empty and something was counted before, asked for once more."""
        rows = await read()
        hints = self._context.hints
        if not rows and hints is not None and await hints.unit_count():
            rows = await read()
        return rows


_CODED: Final = re.compile(r"[A-Z][A-Z_]+: ")


def _reason(error: ConnectorError) -> str:
    """The error behind a stable code."""
    text = str(error)
    return text if _CODED.match(text) else f"{error.code}: {text}"


def _unknown(scope: str, reason: str) -> ScopeVerdict:
    return ScopeVerdict(
        scope=scope, state=ScopeState.UNKNOWN, declared=None, seen=0, reasons=(reason,)
    )
