"""Units kept out by hand and units that a rule calls stale: counts, evidence, movements."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from syncd.core.store.census.countable import silent_since
from syncd.core.store.census.counts import counts_at, month_counts
from syncd.core.store.census.evidence import evidence, movements
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.tables import UnitExclusion
from syncd.sdk.period import Period
from syncd.sdk.records import Observation
from tests.builders_census import LAPTOP, SERVER, connect, keys, pull, unit

NOVEMBER = Period(2026, 11)
LONDON = ZoneInfo("Europe/London")


def on(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def silent(
    name: str, since: Any, *, account: str = "a", excluded: str | None = None
) -> Observation:
    facts = json.dumps({"silent_since": since}).encode()
    return Observation(account, SERVER, name, 1, name, facts, excluded)


async def keep_out(
    database: Database, name: str, *, at: datetime, account: str = "a", product: str = ""
) -> int:
    accounts = await keys(database, "account")
    async with database.writer() as conn:
        result = await conn.execute(
            insert(UnitExclusion)
            .values(
                account_id=accounts[account],
                product_key=product,
                unit=name,
                reason=f"{name} is on loan",
                confirmed_by="ann",
                recorded_at=at,
            )
            .returning(col(UnitExclusion.id))
        )
        row = result.scalar_one()
        assert row is not None
        return row


async def let_in(database: Database, row: int, at: datetime) -> None:
    async with database.writer() as conn:
        await conn.execute(
            update(UnitExclusion).where(col(UnitExclusion.id) == row).values(superseded_at=at)
        )


async def counted(database: Database, rmm: ConnectionRef, seq: int, **more: Any) -> dict[str, int]:
    """Servers at a pull, by account."""
    accounts = {row: key for key, row in (await keys(database, "account")).items()}
    product = (await keys(database, "product"))[SERVER]
    async with database.reader() as conn:
        rows = await counts_at(conn, rmm.id, seq, **more)
    return {accounts[row.account_id]: row.quantity for row in rows if row.product_id == product}


async def of_month(
    database: Database, rmm: ConnectionRef, **more: Any
) -> tuple[int, int, int, int]:
    """Last, peak, day sum and days of account a's servers."""
    account = (await keys(database, "account"))["a"]
    product = (await keys(database, "product"))[SERVER]
    async with database.reader() as conn:
        rows = await month_counts(conn, rmm.id, NOVEMBER, LONDON, **more)
    found = [row for row in rows if (row.account_id, row.product_id) == (account, product)]
    return (found[0].last, found[0].peak, found[0].unit_days, found[0].days) if found else (0,) * 4


async def shown(database: Database, seq: int, **more: Any) -> dict[str, tuple[str | None, str]]:
    """Evidence of account a's servers: reason and words by unit."""
    account = (await keys(database, "account"))["a"]
    product = (await keys(database, "product"))[SERVER]
    async with database.reader() as conn:
        units = await evidence(conn, account, product, seq, **more)
    return {one.unit: (one.excluded, one.note) for one in units}


async def test_what_a_person_keeps_out_counts_nowhere_whatever_is_included(
    database: Database,
) -> None:
    rmm = await connect(database)
    units = [unit("a", "1", quantity=4), unit("a", "2"), unit("a", "3", excluded="spare")]
    for day in (1, 15):
        await pull(database, rmm, [*units, unit("b", "1")], at=on(day))
    assert await counted(database, rmm, 1) == {"a": 5, "b": 1}
    await keep_out(database, "1", at=on(16))
    await keep_out(database, "3", at=on(16))
    every = {"included": ("spare", "by_hand")}
    assert await counted(database, rmm, 1) == {"a": 1, "b": 1}
    assert await counted(database, rmm, 2, **every) == {"a": 1, "b": 1}
    assert await of_month(database, rmm, **every) == (1, 1, 30, 30)
    assert await shown(database, 2) == {
        "1": ("by_hand", "1 is on loan"),
        "2": (None, ""),
        "3": ("by_hand", "3 is on loan"),
    }


async def test_an_exclusion_of_one_product_leaves_the_other_products_of_the_unit_alone(
    database: Database,
) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "1", product=LAPTOP)], at=on(1))
    await keep_out(database, "1", at=on(2), product=LAPTOP)
    assert await counted(database, rmm, 1) == {"a": 1}
    await keep_out(database, "1", at=on(2), product=SERVER)
    assert await counted(database, rmm, 1) == {}


async def test_the_past_is_counted_with_the_exclusions_of_then(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "2")], at=on(1))
    row = await keep_out(database, "1", at=on(10))
    await let_in(database, row, on(20))
    for as_of, expected in (
        (on(10) - timedelta(microseconds=1), 2),
        (on(10), 1),
        (on(20) - timedelta(microseconds=1), 1),
        (on(20), 2),
        (None, 2),
    ):
        assert await counted(database, rmm, 1, as_of=as_of) == {"a": expected}
        assert await of_month(database, rmm, as_of=as_of) == (expected, expected, 30 * expected, 30)
        reason = (await shown(database, 1, as_of=as_of))["1"][0]
        assert reason == (None if expected == 2 else "by_hand")


async def test_a_unit_that_was_kept_out_since_is_a_movement(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "2")], at=on(1))
    await pull(database, rmm, [unit("a", "1"), unit("a", "2"), unit("a", "3")], at=on(20))
    row = await keep_out(database, "1", at=on(10))
    account, product = (await keys(database, "account"))["a"], (await keys(database, "product"))
    asked = (account, product[SERVER], 1, 2)
    async with database.reader() as conn:
        found = await movements(conn, *asked, as_of=on(21), from_as_of=on(2))
        assert [(one.unit.unit, one.by_exclusion, one.reason) for one in found.left] == [
            ("1", True, "by_hand")
        ]
        assert [one.unit.unit for one in found.joined] == ["3"]
        alike = await movements(conn, *asked, as_of=on(21))
        assert ([one.unit.unit for one in alike.joined], alike.left) == (["3"], ())
    await let_in(database, row, on(22))
    async with database.reader() as conn:
        back = await movements(conn, *asked, as_of=on(23), from_as_of=on(21))
    assert [(one.unit.unit, one.reason) for one in back.joined] == [("1", "by_hand"), ("3", None)]


@pytest.mark.parametrize(("days", "expected"), [(None, 2), (10, 1), (9, 1), (11, 2), (40, 3)])
async def test_a_rule_says_after_how_many_silent_days_a_unit_is_stale(
    database: Database, days: int | None, expected: int
) -> None:
    """At the pull: one unit talks, one is silent for ten days, one for 35 and left out by it."""
    rmm = await connect(database)
    units = [
        unit("a", "talks"),
        silent("quiet", "2026-11-05T12:00:00Z"),
        silent("gone", "2026-10-11", excluded="stale"),
        silent("spare", "2026-10-11", excluded="spare"),
        unit("a", "unsaid", excluded="stale"),
    ]
    await pull(database, rmm, units, at=on(15))
    assert await counted(database, rmm, 1, stale_after_days=days) == {"a": expected}
    reasons = await shown(database, 1, stale_after_days=days)
    assert sum(reason is None for reason, _ in reasons.values()) == expected
    assert reasons["spare"][0] == "spare"
    assert reasons["unsaid"][0] == "stale"
    after_all = await counted(database, rmm, 1, stale_after_days=days, included=("stale",))
    assert after_all == {"a": expected if days else 4}


async def test_over_a_month_a_unit_grows_stale_without_a_new_fact(database: Database) -> None:
    """Silent since the 3rd, stale after ten days: it counts up to the 12th."""
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "2")], at=on(1))
    for day in range(2, 31):
        if day not in {20, 21}:
            later = silent("2", "2026-11-03T12:00:00Z") if day >= 10 else unit("a", "2")
            await pull(database, rmm, [unit("a", "1"), later], at=on(day))
    assert await of_month(database, rmm) == (2, 2, 60, 30)
    assert await of_month(database, rmm, stale_after_days=10) == (1, 2, 30 + 12, 30)
    account, product = (await keys(database, "account"))["a"], (await keys(database, "product"))
    async with database.reader() as conn:
        found = await movements(conn, account, product[SERVER], 10, 20, stale_after_days=10)
    assert [(one.unit.unit, one.by_exclusion, one.reason) for one in found.left] == [
        ("2", True, "stale")
    ]


async def test_a_rule_counts_over_the_month_what_its_source_left_out(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [silent("2", "2026-10-01", excluded="stale")], at=on(1))
    assert await of_month(database, rmm) == (0, 0, 0, 0)
    assert await of_month(database, rmm, stale_after_days=60) == (1, 1, 30, 30)


@pytest.mark.parametrize(
    ("said", "since"),
    [
        ("2026-11-03", datetime(2026, 11, 3, tzinfo=UTC)),
        ("2026-11-03T14:00:00Z", datetime(2026, 11, 3, 14, tzinfo=UTC)),
        ("2026-11-03T14:00:00", datetime(2026, 11, 3, 14, tzinfo=UTC)),
        ("long ago", None),
        (7, None),
        (None, None),
    ],
)
def test_a_day_is_its_first_moment_and_nonsense_says_nothing(
    said: object, since: datetime | None
) -> None:
    assert silent_since(json.dumps({"silent_since": said})) == since
