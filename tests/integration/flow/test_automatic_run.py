"""The automatic run: who is due, who waits for a person, and what its days missed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.core.billing.bill_life import AUTO_TIME
from syncd.core.billing.model import GuardLimits
from syncd.core.service.automatic import AutomaticRun, choose_automatic
from syncd.core.store.database import Database
from syncd.core.store.month_close import ClosedMonth, seal
from syncd.core.store.plans import PlanKind
from syncd.sdk.records import Severity
from tests.builders_life import automatic, choose, send
from tests.builders_month import (
    DESKTOP,
    LONDON,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def tick(office: Office) -> AutomaticRun:
    return await choose_automatic(
        office.database,
        timezone=LONDON,
        auto_time=AUTO_TIME,
        psa_connection=office.psa_connection,
        now=office.clock(),
        log=office.log,
    )


async def test_the_automatic_run_takes_who_is_due_and_then_nobody(office: Office) -> None:
    found = await tick(office)
    assert (str(found.period), set(found.due), set(found.missed)) == ("2026-10", {1}, set())
    await automatic(office)
    assert (await tick(office)).due == set()


async def test_what_waits_for_a_person_is_not_planned_again(office: Office) -> None:
    stored = await office.plan(kind=PlanKind.AUTOMATIC)
    assert (await tick(office)).due == set()
    await office.release(stored.id)
    assert (await tick(office)).due == set()


async def test_a_missed_window_is_told_until_the_bill_is_sent_by_hand(office: Office) -> None:
    office.clock.moment = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
    found = await tick(office)
    assert (set(found.due), set(found.missed)) == (set(), {1})
    issue = (await office.issues())["AUTO_WINDOW_MISSED source-eu/5"]
    assert "syncd bill send 1001" in issue.remedy
    await send(office)
    assert "AUTO_WINDOW_MISSED" not in await office.codes()
    assert (await tick(office)).missed == set()


async def test_a_sealed_month_is_due_for_nobody_and_asks_for_no_bill_by_hand(
    office: Office,
) -> None:
    async with office.database.writer() as conn:
        await seal(
            conn,
            office.psa_connection.id,
            ClosedMonth(
                period="2026-10",
                content="{}",
                digest="",
                closed_by="a",
                reason="",
                closed_at=office.clock.moment,
            ),
        )
    assert (await tick(office)).due == set()
    office.clock.moment = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
    assert (await tick(office)).missed == set()
    assert "AUTO_WINDOW_MISSED" not in await office.codes()


async def test_an_account_billed_by_hand_is_neither_due_nor_missed(office: Office) -> None:
    await choose(office, automatic=False)
    assert (await tick(office)).due == set()
    office.clock.moment = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
    assert (await tick(office)).missed == set()


async def test_a_later_start_withdraws_what_was_missed(office: Office) -> None:
    office.clock.moment = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
    await tick(office)
    await choose(office, automatic=True, start="2026-11-01")
    await tick(office)
    assert await office.codes() == set()


async def test_an_account_with_nothing_to_bill_is_neither_due_nor_missed(office: Office) -> None:
    await office.pull({"5": {}}, at=office.month_end(OCTOBER, hours=1))
    assert (await tick(office)).due == set()
    office.clock.moment = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
    assert (await tick(office)).missed == set()


HELD = "PLAN_HELD source-eu/5"


async def test_from_day_4_the_issue_of_a_held_bill_tells_daily_what_is_not_billed(
    office: Office,
) -> None:
    stored = await office.plan(kind=PlanKind.AUTOMATIC)
    office.clock.moment = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)
    await tick(office)
    assert "not billed" not in (await office.issues())[HELD].message
    for day in (4, 5, 20):
        office.clock.moment = datetime(2026, 11, day, 0, 15, tzinfo=UTC)
        found = await tick(office)
        issue = (await office.issues())[HELD]
        assert f"80.00 GBP of 2026-10 is not billed on day {day}" in issue.message
        assert (issue.evidence["unbilled"], issue.evidence["day"]) == ("80.00", day)
        assert f"syncd plans release {stored.id}" in issue.remedy
        assert not found.missed, "one issue is enough"
    await office.release(stored.id, by="beth")
    await tick(office)
    assert HELD not in await office.issues()
    assert (await office.apply(stored.id)).exit_code == 0
    office.clock.moment = datetime(2026, 11, 21, 0, 15, tzinfo=UTC)
    assert not (await tick(office)).missed
    assert await office.codes() == set()


async def test_a_plan_that_is_held_whole_tells_the_sum_of_its_bills(office: Office) -> None:
    await office.bill()
    office.policy(guards=GuardLimits())
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 11, SERVER.key: 2}})
    plan = await office.plan(kind=PlanKind.AUTOMATIC)
    assert {one.bill for one in plan.record.objections if one.severity is Severity.HOLD} == {None}
    office.clock.moment = datetime(2026, 12, 4, 9, 0, tzinfo=UTC)
    await tick(office)
    issue = (await office.issues())["PLAN_HELD billing/2026-11"]
    assert "85.00 GBP of 2026-11 is not billed on day 4" in issue.message
