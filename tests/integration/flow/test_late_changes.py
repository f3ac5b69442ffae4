"""Facts that arrive after a final bill: each way they can, and that nothing is written for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text, update

from syncd.core.service.late_changes import find_late_changes
from syncd.core.service.late_difference import decode_late
from syncd.core.service.reckoning import Sources
from syncd.core.service.reopening import look_at_bills, reopen_bills
from syncd.core.store.database import Database
from syncd.core.store.late_changes import late_changes_of
from syncd.core.store.outbox import unsettled_of_accounts
from syncd.core.store.plans import PlanBillState
from syncd.core.store.tables import LateChange
from syncd.sdk.records import Observation
from tests import builders_census as census
from tests.builders_life import bills, choose, send
from tests.builders_month import (
    DESKTOP,
    DISK,
    LONDON,
    NOVEMBER,
    OCTOBER,
    PRODUCTS,
    SERVER,
    Office,
)
from tests.integration.flow.test_storage import GB, Shop

ISSUE = "LATE_CHANGE source-eu/5/2026-10"
HOUR = timedelta(hours=1)
END = OCTOBER.end(LONDON)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def billed(office: Office) -> Office:
    """October is billed by hand on 1 November, and some days pass."""
    await choose(office, automatic=False)
    await send(office)
    office.clock.moment = datetime(2026, 11, 5, 9, 0, tzinfo=UTC)
    return office


async def late_pull(
    office: Office, counts: dict[str, int], *, taken: datetime, excluded: str | None = None
) -> int:
    """A pull that was taken then and is recorded now."""
    units = [
        Observation("5", key, f"{key[7:9]}{n}", 1, f"{key[7:9]}{n}.local", b"{}", None)
        for key, count in counts.items()
        for n in range(1, count + 1)
        if f"{key[7:9]}{n}" != excluded
    ]
    if excluded is not None:
        units.append(
            Observation("5", DESKTOP.key, excluded, 1, f"{excluded}.local", b"{}", "retired")
        )
    made = await census.pull(
        office.database,
        office.source,
        units,
        roster=["5"],
        at=taken,
        recorded_at=office.clock(),
        products=PRODUCTS,
    )
    return made.pull_id


async def find(office: Office) -> int:
    return await find_late_changes(
        office.database,
        rules=office.settings,
        timezone=LONDON,
        psa_connection=office.psa_connection,
        sources=Sources(active=office.active),
        now=office.clock(),
        log=office.log,
    )


async def rows(office: Office, period: str = "2026-10") -> list[Any]:
    async with office.database.reader() as conn:
        return await late_changes_of(conn, 1, period)


async def test_a_pull_taken_before_the_end_and_recorded_later_is_told_with_its_money(
    office: Office,
) -> None:
    await billed(office)
    sent, writes = await bills(office), office.psa.calls["apply"]
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    assert await find(office) == 1
    issue = (await office.issues())[ISSUE]
    assert "+5.00 GBP" in issue.message
    assert "Desktops 10 -> 11" in issue.message
    assert issue.evidence["units"] == [
        {"product": DESKTOP.key, "joined": ["de11.local"], "left": [], "resized": [], "n": 1}
    ]
    (row,) = await rows(office)
    assert (row.price_change, row.cost_change) == (Decimal(5), Decimal(2))
    (line,) = decode_late(row.content).lines
    assert (line.quantity_before, line.quantity_after) == (10, 11)
    assert await bills(office) == sent, "history is not edited"
    assert office.psa.calls["apply"] == writes, "nothing is sent"


async def test_less_than_was_billed_is_a_negative_change(office: Office) -> None:
    await billed(office)
    await late_pull(office, {DESKTOP.key: 10, SERVER.key: 1}, taken=END - HOUR)
    await find(office)
    (row,) = await rows(office)
    assert row.price_change == Decimal(-15)


async def test_an_exclusion_that_the_source_knew_and_told_late_is_a_fact(office: Office) -> None:
    await billed(office)
    late = {DESKTOP.key: 10, SERVER.key: 2}
    await late_pull(office, late, taken=END - HOUR, excluded="de3")
    await find(office)
    issue = (await office.issues())[ISSUE]
    assert "-5.00 GBP" in issue.message
    assert issue.evidence["units"][0]["left"] == ["de3.local"]


async def test_later_pulls_cost_nothing_and_say_nothing(office: Office) -> None:
    await billed(office)
    for hours in (1, 30, 60):
        await late_pull(office, {DESKTOP.key: 50}, taken=END + hours * HOUR)
        assert await find(office) == 0
    assert ISSUE not in await office.issues()


async def test_the_same_facts_are_looked_at_once_and_raised_once(office: Office) -> None:
    await billed(office)
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    assert await find(office) == 1
    assert await find(office) == 0
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR / 2)
    assert await find(office) == 1
    assert len(await rows(office)) == 1


async def test_facts_that_change_again_replace_the_row_and_facts_that_go_close_it(
    office: Office,
) -> None:
    await billed(office)
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    await find(office)
    await late_pull(office, {DESKTOP.key: 12, SERVER.key: 2}, taken=END - HOUR / 2)
    await find(office)
    assert [row.price_change for row in await rows(office)] == [Decimal(10), Decimal(5)]
    await late_pull(office, {DESKTOP.key: 10, SERVER.key: 2}, taken=END - HOUR / 4)
    await find(office)
    assert ISSUE not in await office.issues()
    async with office.database.reader() as conn:
        open_rows = await conn.scalar(
            text("SELECT COUNT(*) FROM late_change WHERE closed_at IS NULL")
        )
    assert open_rows == 0


async def test_a_dismissed_change_is_not_raised_again_for_the_same_facts(office: Office) -> None:
    await billed(office)
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    await find(office)
    async with office.database.writer() as conn:
        await conn.execute(update(LateChange).values(outcome="dismissed", decided_by="ann"))
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR / 2)
    await find(office)
    assert ISSUE not in await office.issues()
    await late_pull(office, {DESKTOP.key: 13, SERVER.key: 2}, taken=END - HOUR / 4)
    await find(office)
    assert ISSUE in await office.issues()


async def test_a_voided_pull_takes_the_month_back_to_the_one_before(office: Office) -> None:
    wrong = await late_pull(office, {DESKTOP.key: 14, SERVER.key: 2}, taken=END - HOUR)
    await billed(office)
    await census.void(office.database, wrong, office.clock())
    await find(office)
    issue = (await office.issues())[ISSUE]
    assert "-20.00 GBP" in issue.message
    assert issue.evidence["units"][0]["left"] == [f"de{n}.local" for n in (11, 12, 13, 14)]


async def test_a_month_whose_only_pull_was_voided_is_proven_by_nothing_any_more(
    office: Office,
) -> None:
    await billed(office)
    await census.void(office.database, 1, office.clock())
    await find(office)
    assert "was voided since" in (await office.issues())[ISSUE].message
    (row,) = await rows(office)
    assert (row.price_change, decode_late(row.content).unproven) == (None, "NO_SNAPSHOT")


async def test_edits_of_rates_rules_and_configurations_are_no_late_facts(office: Office) -> None:
    await billed(office)
    await office.rate(DESKTOP.key, "2.00", "9.00")
    await office.rule(DESKTOP.key, included=Decimal(5))
    await office.configure("c1", "Managed", "total", [DESKTOP.key])
    await late_pull(office, {DESKTOP.key: 10, SERVER.key: 2}, taken=END - HOUR)
    assert await find(office) == 1
    assert ISSUE not in await office.issues()
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR / 2)
    await find(office)
    (row,) = await rows(office)
    assert row.price_change == Decimal(5), "at the rate and the rule of then"


async def test_an_earlier_pull_within_the_days_of_grace_takes_the_place_of_the_first(
    sqlite_database: Database,
) -> None:
    office = await Office.open(sqlite_database)
    await office.pull({"5": {DESKTOP.key: 10, SERVER.key: 2}}, at=END + 20 * HOUR)
    await office.link("5", "1001")
    await office.asset_type(DESKTOP.key, "10")
    await office.asset_type(SERVER.key, "11")
    await office.configure("c1", "Managed", "average", [DESKTOP.key, SERVER.key])
    await office.rate(DESKTOP.key, "2.00", "5.00")
    await office.rate(SERVER.key, "6.00", "15.00")
    office.clock.moment = END + 21 * HOUR
    await billed(office)
    await late_pull(office, {DESKTOP.key: 50}, taken=END + 30 * HOUR)
    assert await find(office) == 0, "a later one stands for nothing"
    await census.void(office.database, 1, office.clock())
    await find(office)
    (row,) = await rows(office)
    assert row.price_change == Decimal(170), "40 desktops more, 2 servers less"


@pytest.mark.parametrize(("method", "money"), [("peak", "20"), ("average", "5")])
async def test_a_day_of_the_month_that_became_known_late_counts_by_the_rule_of_the_bill(
    office: Office, method: str, money: str
) -> None:
    first = OCTOBER.start(LONDON)
    await late_pull(office, {DESKTOP.key: 10, SERVER.key: 2}, taken=first + HOUR)
    await office.rule(DESKTOP.key, count_method=method)
    await billed(office)
    taken = END - timedelta(days=9)
    await late_pull(office, {DESKTOP.key: 14, SERVER.key: 2}, taken=taken)
    await late_pull(office, {DESKTOP.key: 10, SERVER.key: 2}, taken=END - HOUR)
    await find(office)
    (row,) = await rows(office)
    assert row.price_change == Decimal(money)


async def test_only_the_months_of_the_setting_are_watched(office: Office) -> None:
    await billed(office)
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    office.policy(late_change_months=1)
    assert await find(office) == 0
    office.policy(late_change_months=2)
    assert await find(office) == 1
    assert ISSUE in await office.issues()


async def test_a_source_that_rests_is_compared_once_it_counts_again(office: Office) -> None:
    await billed(office)
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    office.active = set()
    assert await find(office) == 0
    office.active = {"source-eu"}
    assert await find(office) == 1


async def test_a_bill_made_again_with_the_facts_closes_it(office: Office) -> None:
    await billed(office)
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    await find(office)
    office.clock.moment += HOUR
    look = await look_at_bills(
        office.database,
        client="1001",
        period=OCTOBER,
        rules=office.settings,
        timezone=LONDON,
        psa_connection=office.psa_connection,
        sources=Sources(active=office.active),
    )
    await reopen_bills(
        office.database,
        look,
        reason="the late pull",
        by="ann",
        timezone=LONDON,
        clock=office.clock,
        log=office.log,
    )
    await office.bill(OCTOBER)
    assert (await bills(office))[-2].total_price == Decimal(85)
    await find(office)
    assert ISSUE not in await office.issues()


async def test_planning_looks_first(office: Office) -> None:
    await billed(office)
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    await office.plan(OCTOBER)
    assert ISSUE in await office.issues()


async def test_in_quantity_mode_the_money_is_the_psa_s_and_the_count_is_told(
    sqlite_database: Database,
) -> None:
    office = await Office.open(sqlite_database)
    await office.usual(mode="quantity")
    await billed(office)
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    await find(office)
    assert "money unknown" in (await office.issues())[ISSUE].message


async def test_storage_of_a_month_is_a_fact_as_well(sqlite_database: Database) -> None:
    office = await Office.open(sqlite_database)
    await office.usual()
    await office.asset_type(DISK.key, "20")
    await office.configure("c2", "Storage", "total", [DISK.key], position=1)
    await office.rate(DISK.key, "0.01", "0.03")
    await billed(office)
    unit = Observation("5", DISK.key, "s", 100 * 2**30, "s", b"{}", None)
    others = [
        Observation("5", key, f"{key[7:9]}{n}", 1, "", b"{}", None)
        for key, count in ((DESKTOP.key, 10), (SERVER.key, 2))
        for n in range(1, count + 1)
    ]
    await census.pull(
        office.database,
        office.source,
        [unit, *others],
        roster=["5"],
        at=END - HOUR,
        recorded_at=office.clock(),
        products=PRODUCTS,
    )
    await find(office)
    (row,) = await rows(office)
    assert row.price_change is not None
    assert row.price_change > 0


async def test_a_month_that_its_source_corrects_after_the_bill_is_a_late_fact(
    sqlite_database: Database,
) -> None:
    office = await Office.open(sqlite_database)
    shop = Shop(office)
    await shop.stands()
    await shop.facts({"5": {"s3": 100 * GB, "back": 10 * GB}, "6": {}})
    await office.link("5", "1001")
    await office.asset_type("s3", "20")
    await office.configure("c1", "Storage", "total", ["s3", "back"])
    await office.rate("s3", "0.01", "0.03")
    await shop.restore_rate("s3", "0.10", "0.20")
    office.clock.moment = END + 9 * HOUR
    await office.bill(OCTOBER)
    office.clock.moment = datetime(2026, 11, 5, 9, 0, tzinfo=UTC)
    (bill,) = await bills(office)
    assert bill.total_price == Decimal(5), "100 x 0.03 + 10 x 0.20"
    await shop.facts({"5": {"s3": 120 * GB, "back": 10 * GB}, "6": {}}, after_hours=99)
    assert await find(office) == 1
    assert "+0.60 GBP" in (await office.issues())[ISSUE].message
    await shop.facts({"5": {"s3": 100 * GB, "back": 15 * GB}, "6": {}}, after_hours=100)
    await find(office)
    issue = (await office.issues())[ISSUE]
    assert "+1.00 GBP" in issue.message
    assert "Restored 10 -> 15" in issue.message
    await shop.facts({"5": {"s3": 100 * GB, "back": 10 * GB}, "6": {}}, after_hours=101)
    await find(office)
    assert ISSUE not in await office.issues()


async def test_a_month_s_facts_whose_pull_was_voided_are_told_although_an_earlier_pull_stands(
    sqlite_database: Database,
) -> None:
    office = await Office.open(sqlite_database)
    shop = Shop(office)
    await shop.stands()
    await shop.facts({"5": {"s3": 60 * GB}, "6": {}}, after_hours=-40)
    await shop.facts({"5": {"s3": 100 * GB}, "6": {}})
    await office.link("5", "1001")
    await office.asset_type("s3", "20")
    await office.configure("c1", "Storage", "total", ["s3"])
    await office.rate("s3", "0.01", "0.03")
    office.clock.moment = END + 9 * HOUR
    await office.bill(OCTOBER)
    office.clock.moment = datetime(2026, 11, 5, 9, 0, tzinfo=UTC)
    async with office.database.reader() as conn:
        newest = await conn.scalar(text("SELECT MAX(id) FROM pull WHERE period = '2026-10'"))
    await census.void(office.database, newest, office.clock())
    await find(office)
    assert "was voided since" in (await office.issues())[ISSUE].message
    (row,) = await rows(office)
    assert decode_late(row.content).unproven == "SOURCE_INCOMPLETE"


async def test_a_voided_pull_is_told_although_only_an_old_one_is_left(office: Office) -> None:
    await late_pull(office, {DESKTOP.key: 9, SERVER.key: 2}, taken=END - 100 * HOUR)
    wrong = await late_pull(office, {DESKTOP.key: 14, SERVER.key: 2}, taken=END - HOUR)
    await billed(office)
    await census.void(office.database, 1, office.clock())
    await census.void(office.database, wrong, office.clock())
    await find(office)
    assert "was voided since" in (await office.issues())[ISSUE].message


async def test_a_write_of_another_month_that_is_open_hides_no_late_fact(office: Office) -> None:
    await billed(office)
    office.clock.moment = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    await office.pull({"5": {DESKTOP.key: 13, SERVER.key: 2}}, at=office.month_end(NOVEMBER))
    office.psa.faults = ["lost_before"] * 9
    stored = await office.plan(NOVEMBER)
    if stored.count(PlanBillState.HELD):
        await office.release(stored.id)
    await office.apply(stored.id)
    async with office.database.reader() as conn:
        assert await unsettled_of_accounts(conn, [1])
    await late_pull(office, {DESKTOP.key: 11, SERVER.key: 2}, taken=END - HOUR)
    await find(office)
    assert ISSUE in await office.issues()
