"""Pulls of months: which are due, each with its own run, proof and issues."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from syncd.core.service.pull_months import awaits_month, due_months, run_pulls
from syncd.core.service.pull_run import PullOutcome, run_pull
from syncd.core.store.census.evidence import unit_id_bounds
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.overview import last_complete_size, load_figures
from syncd.core.store.runs import RunStatus, recent_runs
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import AuthError, ConfigError
from syncd.sdk.period import Period
from syncd.sdk.ports import ObservationSink, SourceHints
from syncd.sdk.records import (
    Account,
    Measure,
    Observation,
    Product,
    ProductKind,
    ScopeState,
    ScopeVerdict,
)
from tests.builders_data import SERVER, Clock, StrictLog, connection, device

UTC_ZONE = ZoneInfo("UTC")
OCTOBER, NOVEMBER = Period(2026, 10), Period(2026, 11)
VOLUME = Product("storage:all", "Storage", ProductKind.STORAGE, Measure.BYTE, monthly=True)


@dataclass
class Console:
    """Reports servers now and bytes by month; the months named in `broken` prove nothing."""

    broken: set[Period] = field(default_factory=set)
    noted: set[Period] = field(default_factory=set)
    error: Exception | None = None
    known: Sequence[Product] = (SERVER, VOLUME)
    asked: list[Period | None] = field(default_factory=list)
    opened: int = 0

    def products(self) -> Sequence[Product]:
        return self.known

    async def observe(self, sink: ObservationSink, period: Period | None) -> list[ScopeVerdict]:
        self.asked.append(period)
        if self.error is not None:
            raise self.error
        await sink.accounts([Account("a", "Acme")])
        await sink.scope("console", ["a"])
        if period in self.broken:
            return [ScopeVerdict("console", ScopeState.UNKNOWN, None, 0, ("NULL: no list",))]
        units = [device("a", "1"), device("a", "2")] if period is None else [stored(period)]
        await sink.add("console", units)
        notes = ("UNASSIGNED_USAGE: 1",) if period in self.noted else ()
        return [ScopeVerdict("console", ScopeState.COMPLETE, None, len(units), (), notes)]


def stored(period: Period) -> Observation:
    return Observation("a", VOLUME.key, "777", period.month * 10, "user")


class Bench:
    """One connection, pulled again and again at moments of the test's choice."""

    def __init__(self, database: Database, source: ConnectionRef) -> None:
        self.database, self.source = database, source
        self.log = StrictLog()
        self.console = Console()
        self.clock = Clock(datetime(2026, 11, 1, 6, tzinfo=UTC))

    def at(self, day: int, month: int = 11) -> None:
        self.clock.moment = datetime(2026, month, day, 6, tzinfo=UTC)

    @asynccontextmanager
    async def opening(self, hints: SourceHints, log: EventLog) -> AsyncIterator[Console]:
        self.console.opened += 1
        for _ in range(2):
            log("request.sent", method="GET", path="/x", status=200, ms=1)
        yield self.console

    async def pull(self) -> list[PullOutcome]:
        return await run_pulls(
            self.database,
            self.source,
            self.opening,
            timezone=UTC_ZONE,
            scheduled_for=None,
            clock=self.clock,
            log=self.log,
            node="here",
        )

    async def month(self, period: Period) -> PullOutcome:
        return await run_pull(
            self.database,
            self.source,
            self.opening,
            scheduled_for=None,
            clock=self.clock,
            log=self.log,
            node="here",
            period=period,
        )

    async def issues(self) -> dict[str, Issue]:
        async with self.database.reader() as conn:
            found = await open_issues(conn)
        return {
            one.subject: one for one in found if one.code in {"PULL_INCOMPLETE", "UNASSIGNED_USAGE"}
        }


@pytest.fixture
async def bench(database: Database) -> Bench:
    return Bench(database, await connection(database, "backup", "acme"))


async def test_the_month_before_is_read_until_it_is_proven_and_the_running_one_always(
    bench: Bench,
) -> None:
    bench.console.broken = {OCTOBER}
    await bench.pull()
    bench.console.broken = set()
    await bench.pull()
    await bench.pull()
    assert bench.console.asked == [
        *(None, OCTOBER, NOVEMBER),
        *(None, OCTOBER, NOVEMBER),
        *(None, NOVEMBER),
    ]
    assert bench.console.opened == 3
    async with bench.database.reader() as conn:
        runs = await recent_runs(conn, limit=3)
    assert [(one.kind, one.subject) for one in runs] == [
        ("pull 2026-11", "backup"),
        ("pull", "backup"),
        ("pull 2026-11", "backup"),
    ]


async def test_what_was_read_before_the_end_of_a_month_is_not_final(bench: Bench) -> None:
    bench.at(30)
    await bench.pull()
    bench.at(1, month=12)
    async with bench.database.reader() as conn:
        due = await due_months(conn, bench.source.id, UTC_ZONE, bench.clock.moment)
    assert due == [NOVEMBER, Period(2026, 12)]


async def test_a_source_without_months_is_asked_for_none(bench: Bench) -> None:
    bench.console.known = (SERVER,)
    outcomes = await bench.pull()
    assert [one.period for one in outcomes] == [""]
    refused = await bench.month(OCTOBER)
    assert isinstance(refused.error, ConfigError)
    assert "reports nothing by month" in str(refused.error)
    assert bench.console.asked == [None]


async def test_where_what_stands_cannot_be_read_no_month_is_asked_for(bench: Bench) -> None:
    bench.console.error = AuthError("refused", remedy="renew", connection="backup")
    (outcome,) = await bench.pull()
    assert outcome.status is RunStatus.FAILED
    assert bench.console.asked == [None]


async def test_issues_of_months_and_of_what_stands_are_kept_apart(bench: Bench) -> None:
    bench.console.broken = {OCTOBER, NOVEMBER}
    await bench.pull()
    bench.console.noted = {NOVEMBER}
    assert set(await bench.issues()) == {"backup/2026-10/console", "backup/2026-11/console"}
    bench.console.broken = {OCTOBER}
    await bench.month(NOVEMBER)
    found = await bench.issues()
    assert {one: issue.code for one, issue in found.items()} == {
        "backup/2026-10/console": "PULL_INCOMPLETE",
        "backup/2026-11/console": "UNASSIGNED_USAGE",
    }
    assert "--period 2026-10" in found["backup/2026-10/console"].remedy
    bench.console.broken, bench.console.noted = {None}, set()
    await bench.pull()
    assert set(await bench.issues()) == {"backup/console"}
    bench.console.broken = set()
    await bench.pull()
    assert await bench.issues() == {}


async def test_a_months_pull_is_no_sign_of_freshness_and_no_size(bench: Bench) -> None:
    await bench.pull()
    stood = bench.clock.moment
    async with bench.database.reader() as conn:
        before = (await load_figures(conn)).complete[bench.source.id]
    bench.at(20)
    await bench.month(OCTOBER)
    async with bench.database.reader() as conn:
        assert (await load_figures(conn)).complete[bench.source.id] == before < stood
        assert await last_complete_size(conn, bench.source.id) == 2
        assert await unit_id_bounds(conn, bench.source.id, 2) == [2]


async def test_a_bill_waits_for_a_month_only_where_it_is_billed(bench: Bench) -> None:
    await bench.pull()
    bench.at(1, month=12)

    async def waits() -> bool:
        async with bench.database.reader() as conn:
            return await awaits_month(conn, bench.source.id, NOVEMBER, UTC_ZONE)

    assert not await waits()
    async with bench.database.writer() as conn:
        await conn.execute(
            text(
                "INSERT INTO billing_configuration (uid, connection_id, position, name, mode, "
                "products, asset_type_key, supplier, price_owner, cost_owner, recorded_at) VALUES "
                "('c', :id, 0, 'Backup', 'total', '[\"storage:all\"]', '', '', 'syncd', 'syncd', 0)"
            ),
            {"id": bench.source.id},
        )
    assert await waits()
    await bench.month(NOVEMBER)
    assert not await waits()


async def test_the_calls_of_each_pull_are_its_own(bench: Bench) -> None:
    now, *months = await bench.pull()
    assert now.calls == 2
    assert [one.calls for one in months] == [None, None]
    assert [one.period for one in months] == ["2026-10", "2026-11"]


async def test_a_month_that_was_read_for_the_same_due_time_stops_no_other(bench: Bench) -> None:
    """Bills and pulls may be due at one moment; what bills have read is not read again."""
    due = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    await run_pull(
        bench.database,
        bench.source,
        bench.opening,
        scheduled_for=due,
        clock=bench.clock,
        log=bench.log,
        node="there",
        period=Period(2026, 10),
    )
    async with bench.database.writer() as conn:
        await conn.execute(text("UPDATE pull SET state = 'partial' WHERE period = '2026-10'"))
    outcomes = await run_pulls(
        bench.database,
        bench.source,
        bench.opening,
        timezone=UTC_ZONE,
        scheduled_for=due,
        clock=bench.clock,
        log=bench.log,
        node="here",
    )
    assert [one.period for one in outcomes] == ["", "2026-11"]
