"""A late difference that a person accepts is billed once, on a line of its own, and explained."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.service.applied import Fate
from syncd.core.service.basis import decode_line
from syncd.core.service.correction_views import State
from syncd.core.service.refusals import PlanStale
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState, PlanKind
from tests.builders_corrections import (
    HOUR,
    LINE,
    SAME,
    accept,
    late,
    listed,
    look,
    newest,
    november,
    october,
    open_office,
    reopen,
    standing,
)
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    LOOSE,
    NOVEMBER,
    OCTOBER,
    Office,
    rules_of,
)
from tests.integration.flow.test_simulation import tried

ISSUE = "LATE_CHANGE source-eu/5/2026-10"
UNLINKED = "CORRECTION_NOT_LINKED source-eu/5/2026-10"
NAME = "Correction 2026-10: Managed - Workstation"


@pytest.fixture
async def office(database: Database) -> Office:
    return await october(await open_office(database))


async def test_an_accepted_difference_is_a_line_of_its_own_on_the_next_bill(
    office: Office,
) -> None:
    await late(office, 11)
    (proposal,) = await listed(office)
    assert (proposal.state, proposal.price, proposal.cost) == (State.OPEN, Decimal(5), Decimal(2))
    assert f"corrections accept {proposal.id} " in (await office.issues())[ISSUE].remedy
    writes = office.psa.calls["apply"]
    (done,) = await accept(office)
    assert (done.state, done.by, done.reason) == (State.WAITS, "ann", "the device was there")
    assert ISSUE not in await office.issues()
    assert office.psa.calls["apply"] == writes, "nothing is written by the word"
    await november(office)
    stored = await office.plan()
    assert stored.record.bills[0].state is PlanBillState.READY, "it was approved with its reason"
    assert (await office.apply()).exit_code == 0
    assert standing(office)[NAME] == (1, Decimal(5))
    assert standing(office)["Managed - Workstation"] == (10, Decimal(5))
    bill = await newest(office, NOVEMBER)
    assert bill.total_price == Decimal(85)
    assert [line.key for line in bill.lines][-1] == LINE
    assert bill.lines[-1].mode == "adjustment"
    (billed,) = await listed(office, everything=True)
    assert (billed.state, billed.billed_in) == (State.BILLED, ("2026-11",))


async def test_its_record_goes_back_to_nothing_in_the_bill_after_without_a_hold(
    office: Office,
) -> None:
    office.policy(
        guards=type(LOOSE)(
            line_money=Decimal(1), client_money=Decimal(1), client_percent=Decimal(1)
        )
    )
    await late(office, 12)
    await accept(office)
    await november(office)
    held = await office.plan()
    assert rules_of(held.record.objections) >= {"MONEY_CHANGED", "CLIENT_TOTAL_CHANGED"}
    await office.release()
    await office.apply()
    await office.month(DECEMBER, SAME)
    stored = await office.plan()
    assert rules_of(stored.record.objections) == set()
    assert (await office.apply()).exit_code == 0
    assert standing(office)[NAME] == (0, Decimal(0))
    assert (await newest(office, DECEMBER)).total_price == Decimal(80)
    office.clock.advance(days=28)
    january = DECEMBER.following()
    await office.month(january, SAME)
    await office.bill()
    assert [line.key for line in (await newest(office, january)).lines] == ["c1/10", "c1/11"]


async def test_with_monthly_records_it_is_a_record_of_its_own_month(database: Database) -> None:
    office = await open_office(database)
    office.policy(subscription_style="per_period")
    await october(office)
    await late(office, 9)
    await accept(office)
    await november(office)
    await office.bill()
    assert standing(office)[NAME] == (1, Decimal(-5))
    made = next(one for one in office.psa.records.values() if one.name == NAME)
    assert (made.start, made.end) == ("2026-11-01", "2026-11-30")
    assert (await newest(office, NOVEMBER)).total_price == Decimal(75)
    await office.month(DECEMBER, SAME)
    stored = await office.plan()
    assert rules_of(stored.record.objections) == set()
    await office.apply()
    assert standing(office)[NAME] == (1, Decimal(-5)), "a record of November stays as it is"
    assert (await newest(office, DECEMBER)).total_price == Decimal(80)


async def test_a_corrected_month_raises_only_what_was_not_accepted(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    assert await late(office, 11, before_end=HOUR / 2) == 1
    assert await listed(office) == [one for one in await listed(office) if one.state is State.WAITS]
    await late(office, 13, before_end=HOUR / 3)
    (fresh,) = [one for one in await listed(office) if one.state is State.OPEN]
    assert fresh.price == Decimal(10)
    (product,) = fresh.lines[0].products
    assert (product.raw_before, product.raw_after) == (11, 13)
    assert fresh.units[0].joined == ("de12.local", "de13.local")
    await accept(office, fresh.id)
    await november(office)
    await office.bill()
    assert standing(office)[NAME] == (1, Decimal(15)), "two words about one line are one line"
    bill = await newest(office, NOVEMBER)
    assert len(decode_line(bill.lines[-1].basis).line.corrections) == 2


async def test_facts_that_go_away_after_the_word_are_a_difference_back(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.bill()
    await late(office, 10, before_end=HOUR / 2)
    (back,) = await listed(office)
    assert back.price == Decimal(-5)
    await accept(office)
    await office.month(DECEMBER, SAME)
    await office.bill()
    assert standing(office)[NAME] == (1, Decimal(-5))
    office.policy(late_change_months=3)
    await late(office, 11, before_end=HOUR / 3)
    again = [one.price for one in await listed(office) if one.period == "2026-10"]
    assert again == [Decimal(5)], "the same facts once more are a difference once more"


async def test_differences_that_come_to_nothing_make_no_line(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await late(office, 10, before_end=HOUR / 2)
    await accept(office)
    await november(office)
    await office.bill()
    assert NAME not in standing(office)
    assert {one.state for one in await listed(office, everything=True)} == {State.BILLED}
    await office.month(DECEMBER, SAME)
    await office.bill()
    assert [one.billed_in for one in await listed(office, everything=True)] == [("2026-11",)] * 2


async def test_a_month_made_again_before_the_next_bill_holds_the_difference_itself(
    office: Office,
) -> None:
    await late(office, 11)
    await accept(office)
    office.clock.advance(hours=1)
    await reopen(office)
    await office.bill(OCTOBER)
    assert (await newest(office, OCTOBER)).total_price == Decimal(85)
    await look(office)
    assert await listed(office) == []
    await november(office)
    await office.bill()
    assert NAME not in standing(office)
    await late(office, 12, before_end=HOUR / 2)
    assert [one.price for one in await listed(office)] == [Decimal(5)]


async def test_a_month_made_again_after_its_correction_was_billed_takes_it_back(
    database: Database,
) -> None:
    office = await open_office(database)
    office.policy(subscription_style="per_period")
    await october(office)
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.bill()
    office.clock.advance(hours=1)
    await reopen(office)
    await office.bill(OCTOBER)
    assert (await newest(office, OCTOBER)).total_price == Decimal(85)
    await look(office)
    assert [one.price for one in await listed(office)] == [Decimal(-5)]


async def test_a_bill_made_again_keeps_its_corrections(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.bill()
    writes = dict(office.psa.writes)
    await office.bill()
    assert dict(office.psa.writes) == writes
    office.clock.advance(hours=1)
    await reopen(office, NOVEMBER)
    report = await office.bill(NOVEMBER)
    assert report.exit_code == 0
    assert (await newest(office, NOVEMBER)).total_price == Decimal(85)
    assert dict(office.psa.writes) == writes
    assert [one.billed_in for one in await listed(office, everything=True)] == [("2026-11",)]


async def test_a_held_bill_leaves_it_waiting(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await november(office, {"5": {DESKTOP.key: 10}})
    assert (await office.plan()).record.bills[0].state is PlanBillState.HELD
    await office.apply()
    assert [one.state for one in await listed(office)] == [State.WAITS]


async def test_a_plan_made_before_the_word_is_refused(office: Office) -> None:
    await late(office, 11)
    await november(office)
    await office.plan()
    await accept(office)
    with pytest.raises(PlanStale):
        await office.apply()


async def test_a_running_month_carries_none(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    stored = await office.plan(NOVEMBER, kind=PlanKind.RUNNING)
    await office.release(stored.id)
    assert (await office.apply(stored.id)).exit_code == 0
    assert all("orrection" not in one.name for one in office.psa.records.values())
    assert [one.state for one in await listed(office)] == [State.WAITS]


async def test_two_plans_with_one_correction_send_it_once(database: Database) -> None:
    office = await open_office(database)
    office.policy(subscription_style="per_period")
    await october(office)
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.month(DECEMBER, SAME)
    first, second = await office.plan(NOVEMBER), await office.plan(DECEMBER)
    for stored in (first, second):
        if stored.count(PlanBillState.HELD):
            await office.release(stored.id)
    assert (await office.apply(first.id)).exit_code == 0
    report = await office.apply(second.id)
    assert report.bills[0].fate is Fate.REFUSED
    assert "CORRECTION_BILLED" in report.bills[0].detail
    await office.bill(DECEMBER)
    assert [one.billed_in for one in await listed(office, everything=True)] == [("2026-11",)]
    assert sum(1 for one in office.psa.records.values() if one.name == NAME) == 1


async def test_one_that_the_psa_refused_goes_with_the_bill_after(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.plan()
    office.psa.faults = ["", "", "refused"]
    assert (await office.apply()).exit_code == 6
    assert NAME not in standing(office)
    await office.month(DECEMBER, SAME)
    await office.bill()
    assert standing(office)[NAME] == (1, Decimal(5))
    assert [one.billed_in for one in await listed(office, everything=True)] == [("2026-12",)]


async def test_p14_an_older_month_sent_again_writes_nothing_and_proposes_a_correction(
    office: Office,
) -> None:
    """P14."""
    await november(office)
    await office.bill()
    await late(office, 11)
    before = dict(office.psa.writes)
    stored = await office.plan(OCTOBER)
    assert stored.plan.bills[0].errors == ("PERIOD_SUPERSEDED:2026-11",)
    await office.apply(stored.id)
    assert dict(office.psa.writes) == before
    (one,) = await listed(office)
    assert (one.period, one.price, one.state) == ("2026-10", Decimal(5), State.OPEN)
    assert "corrections list" in (await office.issues())["PERIOD_SUPERSEDED source-eu/5"].remedy
    await accept(office)
    await office.month(DECEMBER, SAME)
    await office.bill()
    assert standing(office)[NAME] == (1, Decimal(5))


async def test_p14_a_month_that_is_not_watched_any_more_is_compared_when_asked_for(
    sqlite_database: Database,
) -> None:
    """P14."""
    office = await october(await open_office(sqlite_database))
    office.policy(late_change_months=1)
    await november(office)
    await office.bill()
    await late(office, 11)
    assert await listed(office) == []
    await office.plan(OCTOBER)
    assert [one.price for one in await listed(office)] == [Decimal(5)]


async def test_a_month_with_the_correction_is_no_late_change_itself(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.bill()
    office.clock.advance(days=3)
    await late(office, 10, of=NOVEMBER, before_end=HOUR / 2)
    assert await listed(office) == []
    await late(office, 11, of=NOVEMBER, before_end=HOUR / 3)
    assert [one.price for one in await listed(office)] == [Decimal(5)]


async def test_past_months_under_another_policy_are_compared_with_what_was_billed(
    sqlite_database: Database,
) -> None:
    office = await october(await open_office(sqlite_database))
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.bill()
    (found,) = (await tried(office, "device:desktop: included=0")).months
    assert (found.billed, found.present, found.other) == (Decimal(85), Decimal(85), Decimal(85))
