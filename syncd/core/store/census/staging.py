"""The sink of one pull: what a source reports goes to temporary tables and nowhere else.

Rows wait in a buffer and go to the database in large batches, one batch at work while the next is
read; `finish` then records the pull in one short transaction (`recording.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from syncd.core.store.census import stage as tables
from syncd.core.store.census.ledger import last_pull, load_accounts, load_products
from syncd.core.store.census.recording import Recording, record
from syncd.core.store.census.records import PullResult
from syncd.core.store.census.stage import StagedRow, stage_for
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database, Workbench, completed
from syncd.sdk.errors import StoreError
from syncd.sdk.period import Period
from syncd.sdk.records import Account, Observation, Product, ScopeVerdict

_BATCH = 4_000
"""Rows per statement: enough to make its fixed cost vanish, little enough to cost no memory."""

_MOST = 2**63 - 1


class Numbers(dict[str, int]):
    """Numbers that stand for keys on the stage: row ids, and below 0 for keys without a row."""

    def __missing__(self, key: str) -> int:
        number = -1 - len(self)
        self[key] = number
        return number


class Staging:
    """One pull in progress; an `ObservationSink`."""

    def __init__(
        self, database: Database, bench: Workbench, connection: ConnectionRef, period: str
    ) -> None:
        self._database = database
        self._bench = bench
        self._connection = connection
        self._period = period
        self._stage = stage_for(database.dialect)
        self._accounts = Numbers()
        self._products = Numbers()
        self._roster: dict[str, Account] = {}
        self._scope_of: dict[str, str] = {}
        self._scopes: dict[str, None] = {}
        self._observed: set[str] = set()
        self._tainted: dict[str, str] = {}
        self._seen = 0
        self._base_seq = 0
        self._buffer: list[StagedRow] = []
        self._turn = asyncio.Lock()
        self._loading: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Make the tables and learn the numbers of known accounts and products."""
        async with self._bench.scratch() as connection:
            await tables.create(connection)
            self._base_seq, _ = await last_pull(connection, self._connection.id)
            known = await load_accounts(connection, self._connection.id)
            self._accounts.update((key, account.id) for key, account in known.items())
            self._products.update(await load_products(connection, self._connection.id))

    async def accounts(self, accounts: Sequence[Account]) -> None:
        """Declare accounts of the roster."""
        for account in accounts:
            self._roster[account.key] = account

    async def scope(self, scope: str, accounts: Sequence[str]) -> None:
        """Say that the verdict of `scope` speaks for these accounts; the last word counts."""
        self._scopes[scope] = None
        for key in accounts:
            self._scope_of[key] = scope

    async def add(self, scope: str, batch: Sequence[Observation]) -> None:
        """Add units; waits while the database is behind.

        Raises:
            StoreError: an earlier batch could not be stored; the pull cannot be recorded.
        """
        self._scopes[scope] = None
        if not batch:
            return
        account, product = self._accounts, self._products
        rows: list[StagedRow] = [
            (
                account[seen.account],
                product[seen.product],
                seen.unit,
                seen.quantity,
                seen.excluded,
                seen.name,
                seen.attributes.decode(),
            )
            for seen in batch
        ]
        self._seen += len(rows)
        self._observed.update({seen.account for seen in batch})
        quantities = [row[3] for row in rows]
        if quantities.count(1) != len(quantities) and not _are_counts(quantities):
            rows = self._without_invalid(batch, rows)
        self._buffer += rows
        if len(self._buffer) >= _BATCH:
            await self._flush()

    async def finish(
        self,
        verdicts: Sequence[ScopeVerdict],
        *,
        taken_at: datetime,
        recorded_at: datetime,
        run_id: str | None,
        products: Sequence[Product],
    ) -> PullResult:
        """Compare with what is open and record the pull, in one transaction.

        Args:
            verdicts: what `observe` returned.
            taken_at: start of the read.
            recorded_at: now.
            run_id: the run that pulled, for its history.
            products: everything the source can count.

        Raises:
            StoreError: the database cannot serve, or another pull of this connection was recorded
                meanwhile; nothing changed.
        """
        await self._flush()
        await self._settle()
        recording = Recording(
            connection=self._connection,
            period=self._period,
            base_seq=self._base_seq,
            numbers=self._accounts,
            product_numbers=self._products,
            roster=self._roster,
            scope_of=self._scope_of,
            scopes=self._scopes,
            observed=self._observed,
            tainted=self._tainted,
            seen=self._seen,
            verdicts=verdicts,
            products=products,
            taken_at=taken_at,
            recorded_at=recorded_at,
            run_id=run_id,
        )
        return await record(self._bench, self._stage, recording)

    async def abandon(self) -> None:
        """Wait for the batch at work, so that its connection can be closed."""
        if self._loading is not None:
            await completed(self._loading)

    def _without_invalid(
        self, batch: Sequence[Observation], rows: list[StagedRow]
    ) -> list[StagedRow]:
        valid = []
        for seen, row in zip(batch, rows, strict=True):
            if type(row[3]) is int and 0 <= row[3] <= _MOST:
                valid.append(row)
            else:
                reason = f"SOURCE_INVALID: {seen.product} quantity {seen.quantity!r} of {seen.unit}"
                self._tainted.setdefault(seen.account, reason)
        return valid

    async def _flush(self) -> None:
        rows, self._buffer = self._buffer, []
        async with self._turn:
            await self._settle()
            if rows:
                self._loading = asyncio.create_task(self._load(rows))

    async def _settle(self) -> None:
        """Wait for the batch at work; its error is raised here, and again if asked again."""
        if self._loading is not None:
            await asyncio.shield(self._loading)

    async def _load(self, rows: list[StagedRow]) -> None:
        try:
            async with self._bench.scratch() as connection:
                await self._stage.load(connection, rows)
        except UnicodeEncodeError as error:
            message = f"a text of connection '{self._connection.name}' cannot be stored: {error}"
            raise StoreError(message, remedy="report it to the author of the connector") from error


def _are_counts(quantities: Sequence[int]) -> bool:
    in_range = min(quantities) >= 0 and max(quantities) <= _MOST
    return in_range and set(map(type, quantities)) == {int}


@asynccontextmanager
async def census_staging(
    database: Database, connection: ConnectionRef, *, period: Period | None = None
) -> AsyncIterator[Staging]:
    """A sink for one pull; what was not finished when the block ends never happened.

    Args:
        database: where the census is.
        connection: whose pull it is.
        period: for a source that reports a month: its facts replace only facts of that month.

    Raises:
        StoreError: the database cannot serve.
    """
    async with database.workbench() as bench:
        staging = Staging(database, bench, connection, str(period) if period else "")
        await staging.begin()
        try:
            yield staging
        finally:
            await staging.abandon()
