"""The life of bills while time passes: zones, turns of the month, clocks set back, retries."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.automatic import AutomaticRun, choose_automatic
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState
from tests.builders_life import automatic, bills, choose, chosen, kinds, records, send
from tests.builders_month import DECEMBER, DESKTOP, LONDON, NOVEMBER, OCTOBER, SERVER, Office

MANUAL, TEMPORARY, AUTOMATIC = BillKind.MANUAL, BillKind.TEMPORARY, BillKind.AUTOMATIC
COUNTS = {"5": {DESKTOP.key: 11, SERVER.key: 2}}


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def tick(
    office: Office, zone: ZoneInfo = LONDON, auto_time: time = time(0, 15)
) -> AutomaticRun:
    return await choose_automatic(
        office.database,
        timezone=zone,
        auto_time=auto_time,
        psa_connection=office.psa_connection,
        now=office.clock(),
        log=office.log,
    )


@pytest.mark.parametrize(
    ("zone", "moment", "month"),
    [
        ("Europe/London", "2026-03-31T23:30", "2026-03"),
        ("UTC", "2026-03-31T23:30", "2026-02"),
        ("Pacific/Kiritimati", "2026-10-31T10:30", "2026-10"),
        ("America/Los_Angeles", "2026-11-01T06:30", "2026-09"),
        ("America/Los_Angeles", "2026-11-01T07:30", "2026-10"),
        ("Europe/London", "2027-01-01T00:30", "2026-12"),
    ],
)
async def test_the_month_that_is_billed_is_the_one_before_the_local_month(
    sqlite_database: Database, zone: str, moment: str, month: str
) -> None:
    office = await Office.open(sqlite_database)
    await office.usual()
    office.clock.moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert str((await tick(office, ZoneInfo(zone))).period) == month


@pytest.mark.parametrize(
    ("minute", "due"), [("04:15", False), ("05:15", False), ("05:30", True), ("06:30", True)]
)
async def test_of_a_time_that_comes_twice_the_first_opens_the_window(
    sqlite_database: Database, minute: str, due: bool
) -> None:
    """In New York the clock went back from 02:00 to 01:00 on 1 November 2026, at 06:00 UTC."""
    office = await Office.open(sqlite_database)
    await office.usual()
    office.clock.moment = datetime.fromisoformat(f"2026-11-01T{minute}").replace(tzinfo=UTC)
    found = await tick(office, ZoneInfo("America/New_York"), time(1, 30))
    assert bool(found.due) is due


async def test_a_clock_that_is_set_back_undoes_no_final_bill(office: Office) -> None:
    await automatic(office)
    sent, held = await bills(office), records(office)
    office.clock.moment = datetime(2026, 10, 30, 9, 0, tzinfo=UTC)
    office.policy(running_month_record="always")
    choice = await chosen(office)
    assert choice.current == set(), "October is final, whatever month it seems to be"
    assert ("2026-10", "PERIOD_ALREADY_FINAL") in {(one.period, one.reason) for one in choice.left}
    assert (await tick(office)).period.month == 9
    office.clock.moment = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert (await tick(office)).due == set()
    assert (await bills(office), records(office)) == (sent, held)


async def test_a_clock_that_is_set_back_opens_no_window_for_a_month_that_is_made(
    office: Office,
) -> None:
    await automatic(office)
    await office.month(NOVEMBER, COUNTS)
    await automatic(office)
    office.clock.moment = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert (await tick(office)).due == set()
    assert await kinds(office) == {"2026-10": AUTOMATIC, "2026-11": AUTOMATIC}


async def test_switching_automatic_billing_off_later_leaves_automatic_bills_as_they_are(
    office: Office,
) -> None:
    await automatic(office)
    sent = await bills(office)
    await choose(office, automatic=False)
    office.clock.moment = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)
    choice = await chosen(office)
    assert [(one.period, one.reason) for one in choice.left] == [
        ("2026-10", "PREVIOUS_IS_AUTOMATIC")
    ]
    await send(office)
    assert [bill for bill in await bills(office) if bill.period == "2026-10"] == sent
    assert await kinds(office) == {"2026-10": AUTOMATIC, "2026-11": TEMPORARY}


async def test_months_before_the_previous_one_are_touched_by_no_run_and_no_send(
    office: Office,
) -> None:
    office.clock.moment = DECEMBER.start(LONDON) + timedelta(hours=9)
    found = await tick(office)
    assert found.period == NOVEMBER
    assert found.due == {1}
    await choose(office, automatic=False)
    choice = await chosen(office)
    assert (choice.previous, choice.running) == (NOVEMBER, DECEMBER)
    assert OCTOBER not in {choice.previous, choice.running}


async def test_a_refused_write_is_tried_again_every_day_of_the_window(office: Office) -> None:
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 11, SERVER.key: 3}})
    for day in (1, 2):
        office.clock.moment = datetime(2026, 12, day, 9, 0, tzinfo=UTC)
        assert (await tick(office)).due == {1}
        office.psa.faults = ["refused", "refused"]
        await automatic(office)
        assert (await kinds(office)).get("2026-11") is not AUTOMATIC
    office.clock.moment = datetime(2026, 12, 3, 22, 15, tzinfo=UTC)
    assert (await tick(office)).due == {1}
    await automatic(office)
    assert (await kinds(office))["2026-11"] is AUTOMATIC
    assert sorted(records(office).values()) == [3, 11]
    office.clock.moment = datetime(2026, 12, 3, 23, 15, tzinfo=UTC)
    assert (await tick(office)).due == set()


async def test_what_failed_through_day_3_is_told_on_day_4_and_sent_by_hand(
    office: Office,
) -> None:
    await office.bill()
    await office.month(NOVEMBER, COUNTS)
    office.psa.faults = ["refused", "refused"]
    await automatic(office)
    office.clock.moment = datetime(2026, 12, 4, 0, 15, tzinfo=UTC)
    found = await tick(office)
    assert not found.due
    assert found.missed == {1}
    assert "AUTO_WINDOW_MISSED" in await office.codes()
    stored = await office.plan(NOVEMBER)
    assert stored.record.bills[0].state is PlanBillState.READY
    await office.apply(stored.id)
    assert (await kinds(office))["2026-11"] is MANUAL
    assert (await tick(office)).missed == set()
