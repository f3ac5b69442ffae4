"""A pull: read a source once, let the census compare, and say what was not proven.

No transaction is open while the vendor is asked, except on the census's own scratch connection.
This path imports little, because `syncd pull` is measured as a whole process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.service.connection_health import (
    connection_worked,
    failures_recorded,
    one_error,
)
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.mapping_issues import write_mapping_issues
from syncd.core.service.pull_issues import PULL_INCOMPLETE, code_of, sync_pull_issues
from syncd.core.store.census.records import PullResult
from syncd.core.store.census.staging import census_staging
from syncd.core.store.runs import RunStatus
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ConfigError
from syncd.sdk.period import Period
from syncd.sdk.ports import ObservationSink, UsageSource
from syncd.sdk.records import Account, Observation, Product, ScopeState, ScopeVerdict

if TYPE_CHECKING:
    from syncd.core.service.runs import RunHandle
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


async def pull_connection(
    database: Database,
    connection: ConnectionRef,
    source: UsageSource,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    run: RunHandle | None = None,
    progress: Callable[[int], None] | None = None,
    period: Period | None = None,
) -> PullResult:
    """Read the source once into the census and write what needs a person.

    Args:
        database: where the census is.
        connection: whose source it is.
        source: its usage port.
        clock: current time in UTC.
        log: gets `pull.recorded`, `pull.incomplete` and the changes of issues.
        run: gets counts and, when not everything was proven, the status partial.
        progress: told the number of units read so far.
        period: the month whose facts are read; None for what stands now.

    Raises:
        ConfigError: a month was asked for, and the source reports none; nothing was read.
        ConnectorError: nothing could be read; the connection has an issue that says why.
        PluginError: the connector failed in a way it should not; the same.
        StoreError: the database could not take it; nothing was half-written.
    """
    if period is not None and not reports_months(source):
        message = f"connection '{connection.name}' reports nothing by month"
        raise ConfigError(message, remedy=f"run `syncd pull {connection.name}` without --period")
    taken_at = clock()
    async with (
        failures_recorded(database, connection, clock, log),
        census_staging(database, connection, period=period) as staging,
    ):
        verdicts, products = await _observed(
            source, _Watched(staging, progress), connection, period
        )
        result = await staging.finish(
            verdicts,
            taken_at=taken_at,
            recorded_at=clock(),
            run_id=None if run is None else run.id,
            products=products,
        )
    async with database.writer() as conn:
        book = IssueBook(conn, connection.name, clock())
        if result.state is not ScopeState.UNKNOWN:
            await connection_worked(book, connection)
        await sync_pull_issues(
            book, connection, result, verdicts, "" if period is None else str(period)
        )
        await write_mapping_issues(book, connection)
    _log_result(log, result)
    book.speak(log)
    if run is not None:
        _count(run, result)
    return result


def reports_months(source: UsageSource) -> bool:
    """Whether the source has facts that belong to a month; asks no vendor."""
    return any(product.monthly for product in source.products())


class _Watched:
    """A sink that counts what passes through it for the progress line."""

    def __init__(self, sink: ObservationSink, progress: Callable[[int], None] | None) -> None:
        self._sink = sink
        self._progress = progress
        self._seen = 0

    async def accounts(self, accounts: Sequence[Account]) -> None:
        await self._sink.accounts(accounts)

    async def scope(self, scope: str, accounts: Sequence[str]) -> None:
        await self._sink.scope(scope, accounts)

    async def add(self, scope: str, batch: Sequence[Observation]) -> None:
        await self._sink.add(scope, batch)
        self._seen += len(batch)
        if self._progress is not None:
            self._progress(self._seen)


async def _observed(
    source: UsageSource, sink: ObservationSink, connection: ConnectionRef, period: Period | None
) -> tuple[Sequence[ScopeVerdict], Sequence[Product]]:
    try:
        verdicts = await source.observe(sink, period)
        return verdicts, source.products()
    except Exception as error:
        told = one_error(error, connection)
        if told is error:
            raise
        raise told from error


def _log_result(log: EventLog, result: PullResult) -> None:
    log(
        "pull.recorded",
        seq=result.seq,
        state=result.state.value,
        seen=result.seen,
        opened=result.opened,
        closed=result.closed,
        accounts=result.accounts,
    )
    if result.state is not ScopeState.COMPLETE:
        log(
            "pull.incomplete",
            state=result.state.value,
            n_gaps=len(result.gaps),
            reasons=", ".join(dict.fromkeys(code_of(gap.reason) for gap in result.gaps)),
        )


def _count(run: RunHandle, result: PullResult) -> None:
    run.count("accounts", result.accounts)
    run.count("units", result.seen)
    run.count("opened", result.opened)
    run.count("closed", result.closed)
    run.count("gaps", len(result.gaps))
    if result.state is not ScopeState.COMPLETE:
        run.ends(
            RunStatus.PARTIAL,
            code=PULL_INCOMPLETE,
            error=f"the pull is {result.state}: what is not proven changed nothing",
        )
