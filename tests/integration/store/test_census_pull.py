"""Recording a pull: what opens, what closes, and what must not change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from syncd.core.store.census.records import Gap, PullResult
from syncd.core.store.census.staging import census_staging
from syncd.core.store.database import Database
from syncd.sdk.errors import StoreError
from syncd.sdk.period import Period
from syncd.sdk.records import Account, Observation, Product, ScopeState, ScopeVerdict
from tests.builders_census import (
    LAPTOP,
    PRODUCTS,
    SERVER,
    START,
    connect,
    following,
    keys,
    open_units,
    pull,
    unit,
    void,
)

PARTIAL, UNKNOWN, COMPLETE = ScopeState.PARTIAL, ScopeState.UNKNOWN, ScopeState.COMPLETE


async def intervals(database: Database) -> list[tuple[str, int, int | None]]:
    async with database.reader() as reading:
        rows = await reading.execute(
            text(
                "SELECT unit, opened_pull, closed_pull FROM unit_interval"
                " ORDER BY opened_pull, unit, id"
            )
        )
        return [(row[0], row[1], row[2]) for row in rows]


async def test_a_first_pull_opens_everything(database: Database) -> None:
    rmm = await connect(database)
    result = await pull(database, rmm, [unit("a", "1"), unit("a", "2"), unit("b", "3")])
    assert (result.seq, result.state, result.opened, result.closed) == (1, COMPLETE, 3, 0)
    assert (result.seen, result.accounts, result.gaps) == (3, 2, ())
    assert await open_units(database, rmm) == {("a", "1", 1), ("a", "2", 1), ("b", "3", 1)}


async def test_an_unchanged_pull_writes_no_interval(database: Database) -> None:
    rmm = await connect(database)
    units = [unit("a", "1"), unit("b", "2", excluded="trial")]
    await pull(database, rmm, units)
    before = await intervals(database)
    result = await pull(database, rmm, units)
    assert (result.seq, result.opened, result.closed) == (2, 0, 0)
    assert await intervals(database) == before


async def test_arrivals_open_departures_close_and_changes_do_both(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "2"), unit("a", "3", quantity=5)])
    result = await pull(database, rmm, [unit("a", "1"), unit("a", "3", quantity=6), unit("b", "4")])
    assert (result.opened, result.closed) == (2, 2)
    assert await intervals(database) == [
        ("1", 1, None),
        ("2", 1, 2),
        ("3", 1, 2),
        ("3", 2, None),
        ("4", 2, None),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        unit("a", "1", quantity=2),
        unit("a", "1", excluded="trial"),
        unit("a", "1", label="renamed"),
        unit("b", "1"),
        unit("a", "1", product=LAPTOP),
        Observation("a", SERVER, "1", 1, "1", b'{"serial":"x"}'),
    ],
)
async def test_every_fact_of_a_unit_makes_a_new_interval(
    database: Database, changed: Observation
) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "2")])
    result = await pull(database, rmm, [changed, unit("a", "2")])
    assert (result.opened, result.closed) == (1, 1)
    back = await pull(database, rmm, [unit("a", "1"), unit("a", "2")])
    assert (back.opened, back.closed) == (1, 1)


async def test_an_account_whose_scope_is_not_complete_does_not_change(database: Database) -> None:
    rmm = await connect(database)
    scopes = {"east": ["a"], "west": ["b"]}
    await pull(database, rmm, [unit("a", "1"), unit("b", "2")], scopes=scopes)
    result = await pull(
        database, rmm, [unit("a", "9"), unit("b", "8")], scopes=scopes, states={"west": PARTIAL}
    )
    assert await open_units(database, rmm) == {("a", "9", 1), ("b", "2", 1)}
    assert result.state is PARTIAL
    assert result.gaps == (
        Gap(None, "west", PARTIAL, "BAD: x"),
        Gap("b", "west", PARTIAL, "BAD: x"),
    )


async def test_a_pull_that_proves_nothing_is_recorded_and_changes_nothing(
    database: Database,
) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1")])
    before = await intervals(database)
    result = await pull(database, rmm, [], states={"all": UNKNOWN})
    assert (result.seq, result.state, result.opened, result.closed) == (2, UNKNOWN, 0, 0)
    assert await intervals(database) == before


async def test_an_empty_answer_that_is_proven_is_a_zero(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1")])
    result = await pull(database, rmm, [])
    assert (result.state, result.closed) == (COMPLETE, 1)
    assert await open_units(database, rmm) == set()


async def test_a_scope_without_a_verdict_counts_as_unknown(database: Database) -> None:
    rmm = await connect(database)
    async with census_staging(database, rmm) as staging:
        await staging.accounts([Account("a", "A")])
        await staging.scope("all", ["a"])
        await staging.add("all", [unit("a", "1")])
        result = await staging.finish(
            [], taken_at=START, recorded_at=START, run_id=None, products=PRODUCTS
        )
    assert result.state is UNKNOWN
    assert result.gaps[0].reason.startswith("NO_VERDICT")
    assert await open_units(database, rmm) == set()


async def test_fewer_units_than_declared_is_not_complete(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "2")])
    async with census_staging(database, rmm) as staging:
        await staging.accounts([Account("a", "A"), Account("b", "B")])
        await staging.scope("all", ["a", "b"])
        await staging.add("all", [unit("a", "1")])
        result = await staging.finish(
            [ScopeVerdict("all", COMPLETE, 2, 1)],
            taken_at=START + timedelta(hours=2),
            recorded_at=START + timedelta(hours=2),
            run_id=None,
            products=PRODUCTS,
        )
    assert result.state is PARTIAL
    assert result.declared == 2
    assert result.gaps[0].reason == "FEWER_THAN_DECLARED: 1 of 2"
    assert len(await open_units(database, rmm)) == 2


async def test_an_account_in_no_scope_is_not_proven(database: Database) -> None:
    rmm = await connect(database)
    result = await pull(database, rmm, [unit("a", "1"), unit("b", "2")], scopes={"all": ["a"]})
    assert [gap.account_key for gap in result.gaps] == ["b"]
    assert result.gaps[0].reason.startswith("NO_SCOPE")
    assert await open_units(database, rmm) == {("a", "1", 1)}


async def test_the_last_scope_named_for_an_account_speaks_for_it(database: Database) -> None:
    rmm = await connect(database)
    await pull(
        database,
        rmm,
        [unit("a", "1"), unit("b", "2")],
        scopes={"first": ["a", "b"], "second": ["a"]},
        states={"first": PARTIAL},
    )
    assert await open_units(database, rmm) == {("a", "1", 1)}


async def test_equal_repetitions_of_a_unit_count_once(database: Database) -> None:
    rmm = await connect(database)
    twice = [unit("a", "1"), unit("b", "2"), unit("a", "1")]
    result = await pull(database, rmm, twice)
    assert (result.state, result.seen, result.opened) == (COMPLETE, 3, 2)
    again = await pull(database, rmm, twice)
    assert (again.opened, again.closed) == (0, 0)
    fewer = await pull(database, rmm, [unit("a", "1"), unit("a", "1")])
    assert (fewer.opened, fewer.closed) == (0, 1)
    assert await open_units(database, rmm) == {("a", "1", 1)}


@pytest.mark.parametrize("known", [False, True])
async def test_a_unit_read_twice_with_different_facts_makes_its_scope_partial(
    database: Database, known: bool
) -> None:
    rmm = await connect(database)
    scopes = {"east": ["a"], "west": ["b"]}
    before = [unit("a", "1"), unit("b", "7")] if known else [unit("b", "7")]
    await pull(database, rmm, before, scopes=scopes)
    stood = await open_units(database, rmm)
    conflicting = [unit("a", "1"), unit("a", "1", label="other"), unit("a", "5"), unit("b", "8")]
    result = await pull(database, rmm, conflicting, scopes=scopes)
    assert result.state is PARTIAL
    assert [gap.account_key for gap in result.gaps] == [None, "a"]
    assert all(gap.reason.startswith("DUPLICATE_UNIT: 1 ") for gap in result.gaps)
    assert await open_units(database, rmm) == (stood - {("b", "7", 1)}) | {("b", "8", 1)}


async def test_units_of_an_undeclared_account_are_named_and_change_nothing(
    database: Database,
) -> None:
    rmm = await connect(database)
    result = await pull(database, rmm, [unit("a", "1"), unit("z", "2")])
    assert (result.state, result.seen) == (PARTIAL, 2)
    assert result.gaps == (Gap("z", "", UNKNOWN, "UNDECLARED_ACCOUNT: z"),)
    assert await open_units(database, rmm) == {("a", "1", 1)}
    assert set(await keys(database, "account")) == {"a", "b"}


async def test_an_account_that_disappears_is_first_missed_and_removed_when_confirmed(
    database: Database,
) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("b", "2")])
    missed = await pull(database, rmm, [unit("a", "1")], roster=["a"])
    assert (missed.absent, missed.removed, missed.state) == (("b",), (), PARTIAL)
    assert missed.gaps[0].account_key == "b"
    assert missed.gaps[0].reason.startswith("ACCOUNT_DISAPPEARED")
    assert await open_units(database, rmm) == {("a", "1", 1), ("b", "2", 1)}
    confirmed = await pull(database, rmm, [unit("a", "1")], roster=["a"])
    assert (confirmed.absent, confirmed.removed, confirmed.state) == ((), ("b",), COMPLETE)
    assert confirmed.closed == 1
    assert await open_units(database, rmm) == {("a", "1", 1)}
    later = await pull(database, rmm, [unit("a", "1")], roster=["a"])
    assert (later.absent, later.removed, later.state) == ((), (), COMPLETE)


async def test_an_account_that_reappears_is_no_longer_missed(database: Database) -> None:
    rmm = await connect(database)
    both = [unit("a", "1"), unit("b", "2")]
    await pull(database, rmm, both)
    for _ in range(2):
        assert (await pull(database, rmm, both[:1], roster=["a"])).removed == ()
        back = await pull(database, rmm, both)
        assert (back.state, back.opened, back.closed) == (COMPLETE, 0, 0)


async def test_an_account_that_returns_after_its_removal_opens_anew(database: Database) -> None:
    rmm = await connect(database)
    both = [unit("a", "1"), unit("b", "2")]
    await pull(database, rmm, both)
    for _ in range(2):
        await pull(database, rmm, both[:1], roster=["a"])
    back = await pull(database, rmm, both)
    assert (back.state, back.opened) == (COMPLETE, 1)
    assert (await pull(database, rmm, both[:1], roster=["a"])).absent == ("b",)


async def test_an_unproven_roster_confirms_no_absence(database: Database) -> None:
    rmm = await connect(database)
    both = [unit("a", "1"), unit("b", "2")]
    await pull(database, rmm, both)
    await pull(database, rmm, both[:1], roster=["a"])
    unproven = await pull(database, rmm, both[:1], roster=["a"], states={"all": PARTIAL})
    assert (unproven.absent, unproven.removed) == ((), ())
    strange = await pull(database, rmm, [*both[:1], unit("z", "9")], roster=["a"])
    assert (strange.absent, strange.removed) == ((), ())
    assert ("b", "2", 1) in await open_units(database, rmm)
    assert (await pull(database, rmm, both[:1], roster=["a"])).removed == ("b",)


async def test_units_of_a_missed_account_prove_that_it_is_there(database: Database) -> None:
    rmm = await connect(database)
    both = [unit("a", "1"), unit("b", "2")]
    await pull(database, rmm, both)
    for _ in range(3):
        result = await pull(database, rmm, both, roster=["a"])
        assert (result.absent, result.removed) == ((), ())
        assert result.gaps[0].reason == "UNDECLARED_ACCOUNT: b"


async def test_a_voided_pull_does_not_count_as_the_first_miss(database: Database) -> None:
    rmm = await connect(database)
    both = [unit("a", "1"), unit("b", "2")]
    await pull(database, rmm, both)
    missed = await pull(database, rmm, both[:1], roster=["a"])
    await void(database, missed.pull_id, START + timedelta(days=1))
    assert (await pull(database, rmm, both[:1], roster=["a"])).absent == ("b",)
    assert (await pull(database, rmm, both[:1], roster=["a"])).removed == ("b",)


async def test_names_follow_the_vendor_and_keys_stay(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1")])
    before = await keys(database, "account")
    async with census_staging(database, rmm) as staging:
        await staging.accounts([Account("a", "Renamed", {"psa_client": "7"}), Account("b", "B")])
        await staging.scope("all", ["a", "b"])
        await staging.add("all", [unit("a", "1")])
        result = await staging.finish(
            [ScopeVerdict("all", COMPLETE, None, 1)],
            taken_at=START + timedelta(hours=1),
            recorded_at=START + timedelta(hours=1),
            run_id="r1",
            products=[Product(SERVER, "Server machines"), PRODUCTS[1]],
        )
    assert (result.opened, result.closed) == (0, 0)
    assert await keys(database, "account") == before
    async with database.reader() as reading:
        names = text("SELECT name, psa_ids FROM account WHERE key = 'a'")
        assert tuple((await reading.execute(names)).one()) == ("Renamed", '{"psa_client":"7"}')
        product = text("SELECT name FROM product WHERE key = :k")
        assert await reading.scalar(product, {"k": SERVER}) == "Server machines"
        assert await reading.scalar(text("SELECT run_id FROM pull WHERE seq = 2")) == "r1"


async def test_a_product_without_units_is_known(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [])
    assert set(await keys(database, "product")) == {SERVER, LAPTOP}


async def test_units_of_an_undeclared_product_make_their_scope_partial(database: Database) -> None:
    rmm = await connect(database)
    scopes = {"east": ["a"], "west": ["b"]}
    units = [unit("a", "1", product="device:toaster"), unit("b", "2")]
    result = await pull(database, rmm, units, scopes=scopes)
    assert result.state is PARTIAL
    assert result.gaps[0] == Gap(None, "east", PARTIAL, "UNDECLARED_PRODUCT: device:toaster")
    assert await open_units(database, rmm) == {("b", "2", 1)}


@pytest.mark.parametrize("quantity", [-1, 2**63, 1.5, 2.0])
async def test_a_quantity_that_is_no_count_makes_its_scope_partial(
    database: Database, quantity: int
) -> None:
    rmm = await connect(database)
    scopes = {"east": ["a"], "west": ["b"]}
    units = [unit("a", "1", quantity=quantity), unit("a", "3"), unit("b", "2")]
    result = await pull(database, rmm, units, scopes=scopes)
    assert result.gaps[0].reason.startswith("SOURCE_INVALID: device:server")
    assert await open_units(database, rmm) == {("b", "2", 1)}


async def test_the_largest_count_is_kept_exactly(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1", quantity=2**63 - 1), unit("a", "2", quantity=0)])
    assert await open_units(database, rmm) == {("a", "1", 2**63 - 1), ("a", "2", 0)}


async def test_odd_texts_survive(database: Database) -> None:
    rmm = await connect(database)
    odd = "tab\t new\nline \\N 'quote' \"double\" %s {x} :y \N{SNOWMAN} \\"
    await pull(database, rmm, [unit("a", odd), unit("b", "n\x00l", label="n\x00l")])
    result = await pull(database, rmm, [unit("a", odd), unit("b", "n\x00l", label="n\x00l")])
    assert (result.opened, result.closed) == (0, 0)
    assert ("a", odd, 1) in await open_units(database, rmm)


async def test_connections_do_not_touch_each_other(database: Database) -> None:
    east, west = await connect(database, "east"), await connect(database, "west")
    await pull(database, east, [unit("a", "1")])
    await pull(database, west, [unit("a", "1"), unit("b", "2")])
    result = await pull(database, east, [])
    assert (result.seq, result.closed) == (2, 1)
    assert await open_units(database, west) == {("a", "1", 1), ("b", "2", 1)}


async def test_a_months_facts_replace_only_facts_of_that_month(database: Database) -> None:
    rmm = await connect(database)
    october, november = Period(2026, 10), Period(2026, 11)
    await pull(database, rmm, [unit("a", "disk", quantity=10)], period=october)
    await pull(database, rmm, [unit("a", "disk", quantity=20)], period=november)
    corrected = await pull(database, rmm, [unit("a", "disk", quantity=11)], period=october)
    assert (corrected.opened, corrected.closed) == (1, 1)
    plain = await pull(database, rmm, [unit("a", "disk", quantity=1)])
    assert (plain.opened, plain.closed) == (1, 0)
    assert await open_units(database, rmm) == {
        ("a", "disk", 11),
        ("a", "disk", 20),
        ("a", "disk", 1),
    }


async def test_facts_of_a_month_outlive_the_removal_of_their_account(database: Database) -> None:
    rmm = await connect(database)
    october, november = Period(2026, 10), Period(2026, 11)
    await pull(database, rmm, [unit("b", "disk", quantity=10)], period=october)
    await pull(database, rmm, [], roster=["a"], period=november)
    again = await pull(database, rmm, [], roster=["a"], period=october)
    assert (again.absent, again.removed, again.closed) == ((), (), 0)
    await pull(database, rmm, [], roster=["a"])
    assert (await pull(database, rmm, [], roster=["a"])).removed == ("b",)
    gone = await pull(database, rmm, [], roster=["a"], period=october)
    assert (gone.state, gone.closed) == (COMPLETE, 0)
    assert await open_units(database, rmm) == {("b", "disk", 10)}


async def test_a_months_pull_neither_misses_an_account_nor_confirms_its_removal(
    database: Database,
) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("b", "2")])
    await pull(database, rmm, [unit("a", "1")], roster=["a"])
    monthly = await pull(database, rmm, [], roster=["a"], period=Period(2026, 10))
    assert (monthly.absent, monthly.removed, monthly.closed) == ((), (), 0)
    assert [gap.account_key for gap in monthly.gaps] == ["b"]
    today = await pull(database, rmm, [unit("a", "1")], roster=["a"])
    assert (today.state, today.closed) == (COMPLETE, 1)
    assert await open_units(database, rmm) == {("a", "1", 1)}


async def test_a_census_that_contradicts_itself_names_the_command(
    sqlite_database: Database,
) -> None:
    rmm = await connect(sqlite_database)
    await pull(sqlite_database, rmm, [unit("a", "1")])
    async with sqlite_database.writer() as connection:
        await connection.execute(
            text(
                "CREATE TRIGGER broken BEFORE INSERT ON unit_interval"
                " BEGIN SELECT RAISE(ABORT, 'broken'); END"
            )
        )
    with pytest.raises(StoreError, match="contradicts itself") as caught:
        await pull(sqlite_database, rmm, [unit("a", "1"), unit("a", "2")])
    assert "syncd db check" in caught.value.remedy
    assert await open_units(sqlite_database, rmm) == {("a", "1", 1)}


async def test_a_pull_that_is_left_leaves_nothing_behind(database: Database) -> None:
    rmm = await connect(database)

    async def leave() -> None:
        async with census_staging(database, rmm) as staging:
            await staging.accounts([Account("a", "A")])
            await staging.add("all", [unit("a", str(n)) for n in range(9_000)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await leave()
    assert await keys(database, "account") == {}
    assert await intervals(database) == []
    assert (await pull(database, rmm, [unit("a", "1")])).seq == 1


async def test_a_cancelled_pull_leaves_nothing_behind(database: Database) -> None:
    rmm = await connect(database)
    reached = asyncio.Event()

    async def endless() -> None:
        async with census_staging(database, rmm) as staging:
            await staging.accounts([Account("a", "A")])
            for start in range(0, 10_000_000, 1_000):
                await staging.add("all", [unit("a", str(n)) for n in range(start, start + 1_000)])
                if start == 12_000:
                    reached.set()

    task = asyncio.create_task(endless())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await intervals(database) == []
    assert (await pull(database, rmm, [unit("a", "1")])).seq == 1


async def test_many_chains_may_add_at_once(database: Database) -> None:
    rmm = await connect(database)

    async def chain(staging: object, first: int) -> None:
        for start in range(first, first + 3_000, 500):
            batch = [unit("a", str(n)) for n in range(start, start + 500)]
            await staging.add("all", batch)  # type: ignore[attr-defined]

    async with census_staging(database, rmm) as staging:
        await staging.accounts([Account("a", "A")])
        await staging.scope("all", ["a"])
        async with asyncio.TaskGroup() as group:
            for n in range(8):
                group.create_task(chain(staging, n * 3_000))
        result = await staging.finish(
            [ScopeVerdict("all", COMPLETE, None, 24_000)],
            taken_at=START,
            recorded_at=START,
            run_id=None,
            products=PRODUCTS,
        )
    assert (result.seen, result.opened, result.state) == (24_000, 24_000, COMPLETE)
    assert len(await open_units(database, rmm)) == 24_000


async def finish(staging: object, units: Sequence[Observation], at: int) -> PullResult:
    moment = START + timedelta(hours=at)
    await staging.accounts([Account("a", "A"), Account("n", "N")])  # type: ignore[attr-defined]
    await staging.scope("all", ["a", "n"])  # type: ignore[attr-defined]
    await staging.add("all", units)  # type: ignore[attr-defined]
    result: PullResult = await staging.finish(  # type: ignore[attr-defined]
        [ScopeVerdict("all", COMPLETE, None, len(units))],
        taken_at=moment,
        recorded_at=moment + timedelta(hours=1),
        run_id=None,
        products=PRODUCTS,
    )
    return result


async def test_a_pull_overtaken_by_an_older_one_is_computed_anew(database: Database) -> None:
    rmm = await connect(database)
    async with census_staging(database, rmm) as newer:
        await newer.add("all", [unit("n", "8")])
        async with census_staging(database, rmm) as older:
            await finish(older, [unit("n", "7"), unit("a", "1")], 1)
        result = await finish(newer, [unit("a", "1"), unit("a", "2")], 2)
    assert (result.seq, result.opened, result.closed) == (2, 2, 1)
    assert await open_units(database, rmm) == {("a", "1", 1), ("a", "2", 1), ("n", "8", 1)}


async def test_a_pull_overtaken_by_a_newer_one_changes_nothing(database: Database) -> None:
    rmm = await connect(database)
    async with census_staging(database, rmm) as older:
        async with census_staging(database, rmm) as newer:
            await finish(newer, [unit("a", "2")], 2)
        with pytest.raises(StoreError, match="a newer pull of 'rmm' was recorded"):
            await finish(older, [unit("a", "1")], 1)
    assert await open_units(database, rmm) == {("a", "2", 1)}


@pytest.mark.parametrize("times", [1, 2])
async def test_a_pull_recorded_between_comparison_and_writing_is_seen(
    database: Database, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Once: computed anew. Twice: given up, with nothing changed."""
    from syncd.core.store.census import recording

    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1")], at=START)
    compare = recording._compare
    left = [n + 1 for n in range(times)]

    async def overtaken(*args: object) -> object:
        compared = await compare(*args)  # type: ignore[arg-type]
        if left:
            n = left.pop(0)
            monkeypatch.setattr(recording, "_compare", compare)
            other = [unit("a", "1"), unit("b", f"other-{n}")]
            await pull(database, rmm, other, at=START + timedelta(minutes=n))
            monkeypatch.setattr(recording, "_compare", overtaken)
        return compared

    monkeypatch.setattr(recording, "_compare", overtaken)
    if times == 1:
        result = await pull(database, rmm, [unit("a", "5")], at=await following(database, rmm))
        assert (result.seq, result.opened, result.closed) == (3, 1, 2)
        assert await open_units(database, rmm) == {("a", "5", 1)}
    else:
        with pytest.raises(StoreError, match="recorded twice"):
            await pull(database, rmm, [unit("a", "5")], at=START + timedelta(hours=1))
        assert await open_units(database, rmm) == {("a", "1", 1), ("b", "other-2", 1)}


async def test_a_pull_holds_no_lock_while_it_reads(database_url: str) -> None:
    reading, other = Database(database_url), Database(database_url, busy_seconds=0.05)
    try:
        rmm = await connect(reading)
        async with census_staging(reading, rmm) as staging:
            await staging.accounts([Account("a", "A"), Account("n", "N")])
            for start in range(0, 20_000, 1_000):
                await staging.add("all", [unit("a", str(n)) for n in range(start, start + 1_000)])
                await connect(other, f"other-{start}")
            await finish(staging, [], 1)
    finally:
        await reading.dispose()
        await other.dispose()


async def test_a_full_disk_while_staging_is_said_and_nothing_is_recorded(
    sqlite_database: Database,
) -> None:
    rmm = await connect(sqlite_database)

    async def fill() -> None:
        async with census_staging(sqlite_database, rmm) as staging:
            async with staging._bench.scratch() as connection:
                await connection.exec_driver_sql("PRAGMA temp.max_page_count = 50")
            await staging.accounts([Account("a", "A"), Account("n", "N")])
            for start in range(0, 40_000, 1_000):
                await staging.add("all", [unit("a", str(n)) for n in range(start, start + 1_000)])
            await finish(staging, [], 1)

    with pytest.raises(StoreError, match="disk is full"):
        await fill()
    assert await intervals(sqlite_database) == []
    assert (await pull(sqlite_database, rmm, [unit("a", "1")])).seq == 1
