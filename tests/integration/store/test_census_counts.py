"""Counts, evidence and snapshots: fixed cases, those of the billing rules among them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.core.store.census.counts import counts_at, month_counts
from syncd.core.store.census.evidence import evidence, movements, unit_id_bounds
from syncd.core.store.census.records import Count, MonthCount
from syncd.core.store.census.snapshots import first_proven_after, latest_attempts, proven_pulls
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.sdk.period import Period
from syncd.sdk.records import ScopeState
from tests.builders_census import LAPTOP, SERVER, START, connect, keys, pull, unit, void

NOVEMBER = Period(2026, 11)
LONDON = ZoneInfo("Europe/London")
PARTIAL, UNKNOWN, COMPLETE = ScopeState.PARTIAL, ScopeState.UNKNOWN, ScopeState.COMPLETE


def on(day: int, hour: int = 12, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def servers(account: str, count: int) -> list:  # type: ignore[type-arg]
    return [unit(account, f"{account}{n}") for n in range(count)]


async def month(
    database: Database,
    connection: ConnectionRef,
    period: Period = NOVEMBER,
    zone: ZoneInfo = LONDON,
    **options: object,
) -> dict[str, MonthCount]:
    """The month of the servers, by account."""
    accounts = {row: key for key, row in (await keys(database, "account")).items()}
    product = (await keys(database, "product"))[SERVER]
    async with database.reader() as reading:
        counts = await month_counts(reading, connection.id, period, zone, **options)  # type: ignore[arg-type]
    return {accounts[one.account_id]: one for one in counts if one.product_id == product}


def figures(count: MonthCount) -> tuple[int, int, int, int]:
    return (count.last, count.peak, count.unit_days, count.days)


async def test_a_count_is_the_sum_of_quantities_at_a_pull(database: Database) -> None:
    rmm = await connect(database)
    await pull(
        database,
        rmm,
        [
            unit("a", "1"),
            unit("a", "2", quantity=5),
            unit("a", "3", product=LAPTOP),
            unit("b", "4"),
        ],
    )
    await pull(database, rmm, [unit("a", "1"), unit("b", "4"), unit("b", "5")])
    account, product = await keys(database, "account"), await keys(database, "product")
    a, b, server, laptop = account["a"], account["b"], product[SERVER], product[LAPTOP]
    async with database.reader() as reading:
        first = await counts_at(reading, rmm.id, 1)
        assert first == [Count(a, server, 6), Count(a, laptop, 1), Count(b, server, 1)]
        second = await counts_at(reading, rmm.id, 2)
        assert second == [Count(a, server, 1), Count(b, server, 2)]
        assert await counts_at(reading, rmm.id, 2, accounts=[b]) == [Count(b, server, 2)]
        assert await counts_at(reading, rmm.id, 2, accounts=[]) == []
        assert await counts_at(reading, rmm.id, 0) == []
        assert await counts_at(reading, rmm.id + 1, 2) == []


async def test_excluded_units_count_only_for_reasons_that_count_after_all(
    database: Database,
) -> None:
    rmm = await connect(database)
    await pull(
        database,
        rmm,
        [unit("a", "1"), unit("a", "2", excluded="trial"), unit("a", "3", excluded="stale")],
    )
    async with database.reader() as reading:
        assert [c.quantity for c in await counts_at(reading, rmm.id, 1)] == [1]
        trial = await counts_at(reading, rmm.id, 1, included=["trial", "it's"])
        assert [c.quantity for c in trial] == [2]
        both = await counts_at(reading, rmm.id, 1, included={"trial", "stale"})
        assert [c.quantity for c in both] == [3]
    assert figures((await month(database, rmm, included=("stale",)))["a"]) == (2, 2, 60, 30)


async def test_counts_of_a_month_source_are_those_of_the_month_asked_for(
    database: Database,
) -> None:
    rmm = await connect(database)
    october = Period(2026, 10)
    await pull(database, rmm, [unit("a", "d", quantity=7)], period=october)
    await pull(database, rmm, [unit("a", "d", quantity=9)], period=october)
    await pull(database, rmm, [unit("a", "d", quantity=1)], period=NOVEMBER)
    async with database.reader() as reading:
        for seq, period, expected in (
            (1, "2026-10", [7]),
            (2, "2026-10", [9]),
            (3, "2026-10", [9]),
        ):
            found = await counts_at(reading, rmm.id, seq, period=period)
            assert [c.quantity for c in found] == expected
        assert await counts_at(reading, rmm.id, 3) == []
        proven = await proven_pulls(reading, rmm.id, before=on(30), period="2026-10")
        assert {ref.seq for ref in proven.values() if ref} == {2}
        account, product = await keys(database, "account"), await keys(database, "product")
        ids = account["a"], product[SERVER]
        units = await evidence(reading, *ids, 3, period="2026-11")
        assert [one.quantity for one in units] == [1]
        moved = await movements(reading, *ids, 1, 2, period="2026-10")
        assert [(one.before, one.unit.quantity) for one in moved.resized] == [(7, 9)]


async def test_a_licence_that_moved_after_seven_days(database: Database) -> None:
    """P11: point in time A 0, B 1; peak 1 and 1; average 7/30 and 23/30."""
    rmm = await connect(database)
    for day in (1, 4, 7, 8, 15, 30):
        await pull(database, rmm, servers("a" if day <= 7 else "b", 1), at=on(day))
    found = await month(database, rmm)
    assert figures(found["a"]) == (0, 1, 7, 30)
    assert figures(found["b"]) == (1, 1, 23, 30)


async def test_days_without_a_snapshot_carry_the_day_before(database: Database) -> None:
    """P12: 4 on day 9, none on days 10 to 12, 6 on day 13."""
    rmm = await connect(database)
    for day in (1, 9, 13, 30):
        await pull(database, rmm, servers("a", 4 if day <= 9 else 6), at=on(day))
    assert figures((await month(database, rmm))["a"]) == (6, 6, 12 * 4 + 18 * 6, 30)


@pytest.mark.parametrize(
    ("period", "hours"), [(Period(2026, 3), 743), (Period(2026, 10), 745), (NOVEMBER, 720)]
)
async def test_a_month_with_a_clock_change_has_whole_days(
    database: Database, period: Period, hours: int
) -> None:
    length = period.end(LONDON) - period.start(LONDON)
    assert length == timedelta(hours=hours)
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 3), at=period.start(LONDON) - timedelta(hours=5))
    days = period.last_day.day
    assert figures((await month(database, rmm, period))["a"]) == (3, 3, 3 * days, days)


async def test_the_day_ends_at_local_midnight(database: Database) -> None:
    """On 31 October London is at UTC, in July an hour ahead: 23:30 UTC is the next day there."""
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 1), at=datetime(2026, 6, 30, 12, tzinfo=UTC))
    await pull(database, rmm, servers("a", 9), at=datetime(2026, 7, 31, 22, 30, tzinfo=UTC))
    await pull(database, rmm, servers("a", 2), at=datetime(2026, 7, 31, 23, 0, tzinfo=UTC))
    july = await month(database, rmm, Period(2026, 7))
    assert figures(july["a"]) == (9, 9, 30 + 9, 31)
    in_utc = await month(database, rmm, Period(2026, 7), ZoneInfo("UTC"))
    assert figures(in_utc["a"]) == (2, 2, 30 + 2, 31)


async def test_the_peak_is_that_of_the_ends_of_days(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 2), at=on(1, 6))
    await pull(database, rmm, servers("a", 50), at=on(2, 6))
    await pull(database, rmm, servers("a", 3), at=on(2, 18))
    assert figures((await month(database, rmm))["a"]) == (3, 3, 2 + 29 * 3, 30)


async def test_days_before_the_first_snapshot_are_not_counted(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 4), at=on(11))
    assert figures((await month(database, rmm))["a"]) == (4, 4, 20 * 4, 20)


async def test_an_account_that_was_not_proven_at_first_begins_with_its_own_snapshot(
    database: Database,
) -> None:
    rmm = await connect(database)
    scopes = {"east": ["a"], "west": ["b"]}
    units = [*servers("a", 1), *servers("b", 2)]
    await pull(database, rmm, units, scopes=scopes, states={"west": PARTIAL}, at=on(11))
    await pull(database, rmm, units, scopes=scopes, at=on(21))
    found = await month(database, rmm)
    assert figures(found["a"]) == (1, 1, 20, 20)
    assert figures(found["b"]) == (2, 2, 20, 10)


async def test_an_account_that_arrives_later_was_there_with_zero(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 1), roster=["a"], at=on(1))
    await pull(database, rmm, [*servers("a", 1), *servers("b", 2)], at=on(21))
    assert figures((await month(database, rmm))["b"]) == (2, 2, 20, 30)


async def test_days_that_have_not_begun_can_be_left_out(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 4), at=on(1))
    found = await month(database, rmm, until=on(10))
    assert figures(found["a"]) == (4, 4, 40, 10)
    assert await month(database, rmm, until=on(1, 0)) == {}


async def test_a_month_without_any_snapshot_is_empty_and_not_zero(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 4), at=on(1, month=12))
    assert await month(database, rmm) == {}


async def test_a_voided_pull_is_no_snapshot_from_then_on(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 4), at=on(1))
    wrong = await pull(database, rmm, [], at=on(10))
    await pull(database, rmm, servers("a", 4), at=on(20))
    assert figures((await month(database, rmm))["a"]) == (4, 4, 4 * 20, 30)
    await void(database, wrong.pull_id, on(25))
    assert figures((await month(database, rmm))["a"]) == (4, 4, 4 * 30, 30)
    before = await month(database, rmm, as_of=on(24))
    assert figures(before["a"]) == (4, 4, 4 * 20, 30)
    async with database.reader() as reading:
        for as_of, seq in ((on(24), 2), (None, 1)):
            proven = await proven_pulls(reading, rmm.id, before=on(15), as_of=as_of)
            assert {ref.seq for ref in proven.values() if ref} == {seq}


async def test_an_unproven_pull_after_a_voided_one_shows_neither(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 4), at=on(1))
    wrong = await pull(database, rmm, [], at=on(10))
    await pull(database, rmm, [], states={"all": PARTIAL}, at=on(12))
    await void(database, wrong.pull_id, on(13))
    assert figures((await month(database, rmm))["a"]) == (4, 4, 4 * 30, 30)


async def test_a_month_is_replayed_as_it_was_known(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, servers("a", 4), at=on(30, 6))
    await pull(database, rmm, servers("a", 5), at=on(30, 12), recorded_at=on(2, month=12))
    assert figures((await month(database, rmm, as_of=on(1, month=12)))["a"])[0] == 4
    assert figures((await month(database, rmm))["a"])[0] == 5


async def test_the_snapshot_of_an_account_is_the_pull_that_proved_it(database: Database) -> None:
    rmm = await connect(database)
    scopes = {"east": ["a"], "west": ["b"]}
    units = [*servers("a", 1), *servers("b", 2)]
    await pull(database, rmm, units, scopes=scopes, at=on(1))
    await pull(database, rmm, units, scopes=scopes, states={"west": UNKNOWN}, at=on(2))
    a, b = (await keys(database, "account")).values()
    async with database.reader() as reading:
        proven = await proven_pulls(reading, rmm.id, before=on(3))
        assert proven[a] is not None
        assert proven[b] is not None
        assert (proven[a].seq, proven[b].seq) == (2, 1)
        assert proven[b].taken_at == on(1)
        assert proven[b].recorded_at == on(1) + timedelta(minutes=1)
        assert await proven_pulls(reading, rmm.id, before=on(1)) == {a: None, b: None}
        attempts = await latest_attempts(reading, rmm.id, before=on(3))
        assert {k: (v.seq, v.state) for k, v in attempts.items()} == {
            a: (2, COMPLETE),
            b: (2, UNKNOWN),
        }
        assert await latest_attempts(reading, rmm.id, before=on(1)) == {}
        later = await first_proven_after(reading, rmm.id, after=on(2), until=on(4))
        assert {k: v.seq for k, v in later.items()} == {a: 2}
        assert await first_proven_after(reading, rmm.id, after=on(3), until=on(4)) == {}


async def test_a_voided_attempt_proved_nothing(database: Database) -> None:
    rmm = await connect(database)
    result = await pull(database, rmm, servers("a", 1), roster=["a"], at=on(1))
    await void(database, result.pull_id, on(2))
    async with database.reader() as reading:
        attempts = await latest_attempts(reading, rmm.id, before=on(3))
        assert [ref.state for ref in attempts.values()] == [UNKNOWN]


async def test_evidence_names_every_unit_behind_a_count(database: Database) -> None:
    rmm = await connect(database)
    first = [unit("a", "9"), unit("a", "10", excluded="trial"), unit("a", "2", quantity=3)]
    await pull(database, rmm, first, at=on(1))
    await pull(database, rmm, [*first[:2], unit("a", "2", quantity=4)], at=on(2))
    account, product = (await keys(database, "account"))["a"], (await keys(database, "product"))
    async with database.reader() as reading:
        units = await evidence(reading, account, product[SERVER], 2)
        assert [(u.unit, u.quantity, u.excluded, u.opened_seq) for u in units] == [
            ("2", 4, None, 2),
            ("9", 1, None, 1),
            ("10", 1, "trial", 1),
        ]
        assert [u.opened_at for u in units] == [on(2), on(1), on(1)]
        assert [u.quantity for u in await evidence(reading, account, product[SERVER], 1)] == [
            3,
            1,
            1,
        ]
        assert await evidence(reading, account, product[LAPTOP], 2) == []


async def test_movements_say_why_two_counts_differ(database: Database) -> None:
    rmm = await connect(database)
    await pull(
        database,
        rmm,
        [
            unit("a", "1"),
            unit("a", "2"),
            unit("a", "3", excluded="trial"),
            unit("a", "4", quantity=10),
            unit("a", "5"),
            unit("a", "6", label="old name"),
            unit("a", "7", excluded="trial"),
        ],
    )
    await pull(
        database,
        rmm,
        [
            unit("a", "1"),
            unit("a", "3"),
            unit("a", "4", quantity=12),
            unit("a", "5", excluded="stale"),
            unit("a", "6", label="new name"),
            unit("a", "8"),
        ],
    )
    ids = (await keys(database, "account"))["a"], (await keys(database, "product"))[SERVER]
    async with database.reader() as reading:
        found = await movements(reading, *ids, 1, 2)
        with_stale = await movements(reading, *ids, 1, 2, included=["stale", "trial"])
        nothing = await movements(reading, *ids, 2, 2)
    assert [(m.unit.unit, m.by_exclusion, m.reason) for m in found.joined] == [
        ("3", True, "trial"),
        ("8", False, None),
    ]
    assert [(m.unit.unit, m.by_exclusion, m.reason) for m in found.left] == [
        ("2", False, None),
        ("5", True, "stale"),
    ]
    assert [(r.unit.unit, r.before, r.unit.quantity) for r in found.resized] == [("4", 10, 12)]
    assert [m.unit.unit for m in with_stale.joined] == ["8"]
    assert [m.unit.unit for m in with_stale.left] == ["2", "7"]
    assert (nothing.joined, nothing.left, nothing.resized) == ((), (), ())


async def test_id_bounds_split_the_fleet_evenly(database: Database) -> None:
    rmm = await connect(database)
    async with database.reader() as reading:
        assert await unit_id_bounds(reading, rmm.id, 4) == []
    await pull(database, rmm, [unit("a", str(n)) for n in range(8, 108)], at=START)
    async with database.reader() as reading:
        assert await unit_id_bounds(reading, rmm.id, 4) == [33, 58, 83]
        assert await unit_id_bounds(reading, rmm.id, 1) == []
        assert await unit_id_bounds(reading, rmm.id, 101) == []
    await pull(database, rmm, [unit("a", "1"), unit("a", "2"), unit("a", "x3")])
    async with database.reader() as reading:
        assert await unit_id_bounds(reading, rmm.id, 2) == []


async def test_id_bounds_need_a_complete_pull(database: Database) -> None:
    rmm = await connect(database)
    scopes = {"east": ["a"], "west": ["b"]}
    units = [unit("a", str(n)) for n in range(10)]
    await pull(database, rmm, units, scopes=scopes, states={"west": PARTIAL})
    async with database.reader() as reading:
        assert await unit_id_bounds(reading, rmm.id, 2) == []


def test_the_days_of_these_cases_are_those_of_the_calendar() -> None:
    assert NOVEMBER.last_day == date(2026, 11, 30)
