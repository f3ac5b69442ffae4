"""Counts many customers side by side: one scope each, so that none fails with another.

Only what is everybody's, such as a refused sign-in, ends the whole read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing, TransientError
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
from syncd_csp.client import PartnerClient, number_of
from syncd_csp.config import CspConfig
from syncd_csp.customers import Roster
from syncd_csp.models import Customer
from syncd_csp.products import Catalogue
from syncd_csp.reading import CustomerReading, Found
from syncd_csp.refusals import DENIED, Blame, Refusal
from syncd_csp.values import party

AT_ONCE: Final = 4
"""Customers in progress for each call in flight: those that pause leave their turn to others."""

_CODED: Final = re.compile(r"([A-Z][A-Z_]+): ")

Outcome = tuple[Found, ConnectorError | None]


class CspSource:
    """The usage source of one connection."""

    def __init__(
        self, client: PartnerClient, context: Context[CspConfig], catalogue: Catalogue
    ) -> None:
        self._client = client
        self._context = context
        self._config = context.config
        self._catalogue = catalogue

    async def check(self) -> CheckResult:
        """Try each right that the settings need, once."""
        # Imported here: a pull does not pay for it.
        from syncd_csp.trial import run

        return await run(self._client, self._context)

    async def accounts(self) -> AsyncIterator[Sequence[Account]]:
        """The customers that the partner sells to."""
        async for rows in Roster(self._client, self._config.page_size).read():
            yield [_account(row) for row in rows]

    def products(self) -> Sequence[Product]:
        """Every offer and licence met so far."""
        return self._catalogue.all()

    async def observe(self, sink: ObservationSink, period: Period | None) -> Sequence[ScopeVerdict]:
        """Read every customer once.

        Raises:
            AuthError: the credentials are refused, or every customer refuses them.
            TransientError: no customer could be read at all.
            ProtocolError: the list of customers is not whole.
        """
        del period  # Partner Center tells what is true now
        roster = Roster(self._client, self._config.page_size)
        customers: list[Account] = []
        async for rows in roster.read():
            accounts = [_account(row) for row in rows]
            await sink.accounts(accounts)
            for account in accounts:
                await sink.scope(account.key, [account.key])
            customers += accounts
        outcomes = await self._all(customers, sink)
        _require_something(list(outcomes.values()))
        verdicts = [_verdict(account, *outcomes[account.key]) for account in customers]
        return _with_first(verdicts, roster.notes)

    async def _all(
        self, customers: Sequence[Account], sink: ObservationSink
    ) -> Mapping[str, Outcome]:
        places = asyncio.Semaphore(AT_ONCE * self._context.limits.concurrency)
        outcomes: dict[str, Outcome] = {}

        async def one(customer: str) -> None:
            async with places:
                outcomes[customer] = await self._one(customer, sink)

        try:
            async with asyncio.TaskGroup() as group:
                for account in customers:
                    group.create_task(one(account.key))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return outcomes

    async def _one(self, customer: str, sink: ObservationSink) -> Outcome:
        async def emit(units: Sequence[Observation]) -> None:
            await sink.add(customer, units)

        reading = CustomerReading(
            self._client,
            customer,
            self._config,
            self._catalogue,
            connection=self._context.connection,
            now=self._context.clock(),
            emit=emit,
        )
        try:
            return await reading.run(), None
        except ConnectorError as error:
            if is_everybodys(error):
                raise
            return reading.found, error


def is_everybodys(error: ConnectorError) -> bool:
    """Whether no customer can be read after this."""
    if isinstance(error, Refusal):
        return error.blame is not Blame.CUSTOMER
    return isinstance(error, AuthError) and not isinstance(error, PermissionMissing)


def _account(row: Customer) -> Account:
    return Account(key=party(row.id), name=row.title)


def _require_something(outcomes: Sequence[Outcome]) -> None:
    """Raise what ended every customer alike: denied access, or a service that does not answer."""
    errors = [error for _, error in outcomes if error is not None]
    if not errors or len(errors) < len(outcomes) or any(found.seen for found, _ in outcomes):
        return
    if all(isinstance(error, TransientError) for error in errors):
        raise errors[0]
    denied = [isinstance(error, Refusal) and error.reason == DENIED.code for error in errors]
    if all(denied) and len(denied) > 1:
        raise errors[0]


def _verdict(account: Account, found: Found, error: ConnectorError | None) -> ScopeVerdict:
    if error is None:
        return ScopeVerdict(
            scope=account.key,
            state=ScopeState.COMPLETE,
            declared=None,
            seen=found.seen,
            notes=tuple(found.notes),
        )
    return ScopeVerdict(
        scope=account.key,
        state=ScopeState.PARTIAL if found.seen else ScopeState.UNKNOWN,
        declared=None,
        seen=found.seen,
        reasons=(reason(account.name, error),),
    )


def _with_first(verdicts: list[ScopeVerdict], notes: Sequence[str]) -> list[ScopeVerdict]:
    """Notes about the list of customers, with its first one."""
    if notes and verdicts:
        first = verdicts[0]
        verdicts[0] = ScopeVerdict(
            first.scope, first.state, first.declared, first.seen, first.reasons,
            (*first.notes, *notes),
        )  # fmt: skip
    return verdicts


def reason(name: str, error: ConnectorError) -> str:
    """Code, customer, what happened and what to do; without the mark that parts reasons."""
    text = str(error)
    coded = _CODED.match(text)
    code, what = (coded[1], text[coded.end() :]) if coded else (error.code, text)
    what = what.removeprefix(f"{error.connection}: ")
    advice = f" ({error.remedy})" if error.remedy else ""
    return f"{code}: {name}: {what}{number_of(error)}{advice}".replace("; ", ", ")
