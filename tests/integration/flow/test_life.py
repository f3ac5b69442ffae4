"""The life of bills in a whole installation: by hand, automatic, running, and never undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from syncd.core.billing.bill_life import BillKind
from syncd.core.billing.model import GuardLimits
from syncd.core.service.application import find_plan
from syncd.core.service.applied import Fate
from syncd.core.store.database import Database
from syncd.core.store.plan_history import waiting_accounts
from syncd.core.store.plans import PlanBillState, PlanKind
from tests.builders_life import automatic, bills, choose, chosen, kinds, records, revive, send
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
    recurring,
    rules_of,
)

MANUAL, TEMPORARY, AUTOMATIC = BillKind.MANUAL, BillKind.TEMPORARY, BillKind.AUTOMATIC
HOUR = timedelta(hours=1)
MID_NOVEMBER = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def send_november_by_hand(office: Office) -> None:
    """October is billed, November runs with 12 desktops."""
    await choose(office, automatic=False)
    office.clock.moment = MID_NOVEMBER
    await office.pull({"5": {DESKTOP.key: 12, SERVER.key: 2}}, at=MID_NOVEMBER - HOUR)
    await send(office)


async def test_a_send_by_hand_makes_the_month_before_and_the_running_one(office: Office) -> None:
    await send_november_by_hand(office)
    assert await kinds(office) == {"2026-10": MANUAL, "2026-11": TEMPORARY}
    lasting = {name: n for name, n in records(office).items() if "(running month)" not in name}
    beside = {name: n for name, n in records(office).items() if "(running month)" in name}
    assert sorted(lasting.values()) == [2, 10]
    assert sorted(beside.values()) == [2, 12]
    assert {f"{name} (running month)" for name in lasting} == set(beside)
    current = [str(record.marker) for record in office.psa.records.values()]
    assert sum(marker.endswith(":current") for marker in current) == 2


async def test_a_second_send_finds_nothing_to_write(office: Office) -> None:
    await send_november_by_hand(office)
    before = office.psa.calls["apply"]
    await send(office)
    assert office.psa.calls["apply"] == before
    assert len(await bills(office)) == 2


async def test_the_month_turns_and_the_temporary_bill_becomes_manual(office: Office) -> None:
    await send_november_by_hand(office)
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 13, SERVER.key: 2}})
    await send(office)
    assert await kinds(office) == {"2026-10": MANUAL, "2026-11": MANUAL, "2026-12": TEMPORARY}
    assert sorted(records(office).values()) == [2, 2, 13, 13]
    assert len(office.psa.records) == 4


async def test_a_temporary_bill_is_not_the_first_bill(office: Office) -> None:
    await choose(office, automatic=False, start="2026-11-01")
    office.clock.moment = MID_NOVEMBER
    await office.pull({"5": {DESKTOP.key: 12}}, at=MID_NOVEMBER - HOUR)
    choice = await send(office)
    assert [(one.period, one.reason) for one in choice.left] == [
        ("2026-10", "BEFORE_BILLING_START")
    ]
    assert await kinds(office) == {"2026-11": TEMPORARY}
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12}})
    stored = await office.plan()
    assert rules_of(stored.record.objections) == {"FIRST_BILL"}


async def test_what_a_person_changed_on_a_running_record_is_written_over_with_a_warning(
    office: Office,
) -> None:
    await send_november_by_hand(office)
    remote = next(key for key, one in office.psa.records.items() if one.quantity == 12)
    office.psa.edit(remote, quantity=99)
    stored = await office.plan(NOVEMBER, accounts={1}, kind=PlanKind.RUNNING)
    (change,) = stored.plan.bills[0].changes
    assert (change.fields.quantity, change.warnings) == (12, ("PSA_DRIFT",))
    assert stored.record.bills[0].state is PlanBillState.READY


async def test_a_first_running_record_is_compared_with_the_lasting_one(office: Office) -> None:
    """Its units do not come from nothing: only what differs from the month before is news."""
    await choose(office, automatic=False)
    await office.bill()
    office.clock.moment = MID_NOVEMBER
    await office.pull({"5": {DESKTOP.key: 11, SERVER.key: 2}}, at=MID_NOVEMBER - HOUR)
    office.policy(guards=GuardLimits(run_percent=Decimal(100)))
    stored = await office.plan(NOVEMBER, accounts={1}, kind=PlanKind.RUNNING)
    assert rules_of(stored.record.objections) == set()
    first = stored.plan.bills[0].changes[0]
    assert (first.kind, first.before.quantity, first.after.quantity) == ("create", 10, 11)


async def test_an_invoice_line_on_a_running_record_is_held(office: Office) -> None:
    await send_november_by_hand(office)
    remote = next(key for key, one in office.psa.records.items() if one.quantity == 12)
    office.psa.recurring.append(recurring(remote))
    await office.pull({"5": {DESKTOP.key: 13, SERVER.key: 2}}, at=MID_NOVEMBER + HOUR)
    office.clock.moment = MID_NOVEMBER + 2 * HOUR
    stored = await office.plan(NOVEMBER, accounts={1}, kind=PlanKind.RUNNING)
    assert rules_of(stored.record.objections) == {"RUNNING_MONTH_LINKED"}
    assert "PLAN_HELD billing/2026-11/running" in await office.issues()
    await office.release(stored.id)
    assert "PLAN_HELD billing/2026-11/running" not in await office.issues()


async def test_a_running_plan_says_nothing_about_the_held_bill_of_the_month_before(
    office: Office,
) -> None:
    await choose(office, automatic=False)
    office.clock.moment = MID_NOVEMBER
    await office.pull({"5": {DESKTOP.key: 12, SERVER.key: 2}}, at=MID_NOVEMBER - HOUR)
    held = await office.plan(OCTOBER)
    running = await office.plan(NOVEMBER, accounts={1}, kind=PlanKind.RUNNING)
    await office.release(running.id)
    assert set(await office.issues()) == {"PLAN_HELD source-eu/5"}
    assert held.record.bills[0].state is PlanBillState.HELD


async def test_a_running_plan_is_refused_once_the_month_is_final(office: Office) -> None:
    await send_november_by_hand(office)
    await office.pull({"5": {DESKTOP.key: 14, SERVER.key: 2}}, at=office.month_end(NOVEMBER))
    office.clock.moment = office.month_end(NOVEMBER, hours=1)
    late = await office.plan(NOVEMBER, accounts={1}, kind=PlanKind.RUNNING)
    office.clock.moment = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    await office.bill(NOVEMBER)
    await revive(office, late)
    report = await office.apply(late.id)
    (result,) = report.bills
    assert result.fate is Fate.REFUSED
    assert result.detail.startswith("PERIOD_ALREADY_FINAL")
    assert (await kinds(office))["2026-11"] is MANUAL


async def test_an_automatic_bill_is_changed_by_no_plan_of_a_person(office: Office) -> None:
    await automatic(office)
    assert await kinds(office) == {"2026-10": AUTOMATIC}
    await office.rate(DESKTOP.key, "2.00", "9.00")
    stored = await office.plan(OCTOBER)
    (bill,) = stored.plan.bills
    assert (bill.changes, bill.warnings) == ((), ("PREVIOUS_IS_AUTOMATIC",))
    assert stored.record.bills[0].state is PlanBillState.FROZEN
    assert (await chosen(office)).finished == frozenset()


async def test_a_plan_made_before_the_automatic_bill_is_refused_after_it(office: Office) -> None:
    by_hand = await office.plan(OCTOBER)
    await office.release(by_hand.id)
    await automatic(office)
    await revive(office, by_hand)
    before = office.psa.calls["apply"]
    report = await office.apply(by_hand.id)
    assert report.count(Fate.REFUSED) == 1
    assert office.psa.calls["apply"] == before
    assert await kinds(office) == {"2026-10": AUTOMATIC}


async def test_a_manual_bill_becomes_automatic_without_a_write(office: Office) -> None:
    await office.bill()
    before = office.psa.calls["apply"]
    await automatic(office)
    assert office.psa.calls["apply"] == before
    assert [(bill.revision, bill.kind) for bill in await bills(office)] == [
        (2, AUTOMATIC),
        (1, MANUAL),
    ]


async def test_l12_held_on_day_1_and_released_on_day_5_it_becomes_automatic(
    office: Office,
) -> None:
    stored = await office.plan(kind=PlanKind.AUTOMATIC)
    async with office.database.reader() as conn:
        assert await waiting_accounts(conn, "2026-10") == {1}
    office.clock.moment = datetime(2026, 11, 5, 9, 0, tzinfo=UTC)
    await office.release(stored.id, by="beth", reason="checked with the client")
    await office.apply(stored.id)
    assert await kinds(office) == {"2026-10": AUTOMATIC}
    (bill,) = (await find_plan(office.database, stored.id)).bills
    assert (bill.released_by, bill.release_reason) == ("beth", "checked with the client")
    async with office.database.reader() as conn:
        assert await waiting_accounts(conn, "2026-10") == set()


async def test_a_held_automatic_bill_may_be_released_until_a_newer_month_is_final(
    office: Office,
) -> None:
    stored = await office.plan(kind=PlanKind.AUTOMATIC)
    office.clock.moment = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
    await office.release(stored.id, by="beth")
    assert (await office.apply(stored.id)).exit_code == 0
    assert await kinds(office) == {"2026-10": AUTOMATIC}


async def test_a_held_automatic_bill_is_too_late_once_a_newer_month_is_final(
    office: Office,
) -> None:
    await automatic(office)
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 0, SERVER.key: 2}})
    held = await office.plan(kind=PlanKind.AUTOMATIC)
    assert held.record.bills[0].state is PlanBillState.HELD
    await office.month(DECEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    await automatic(office)
    await office.release(held.id)
    report = await office.apply(held.id)
    assert report.count(Fate.REFUSED) == 1
    assert "PERIOD_SUPERSEDED" in report.bills[0].detail


async def test_l13_the_line_that_was_late_completes_an_automatic_bill_on_day_4(
    office: Office,
) -> None:
    stored = await office.plan(kind=PlanKind.AUTOMATIC)
    await office.release(stored.id)
    office.psa.faults = ["", "lost_before"]
    office.clock.moment = datetime(2026, 11, 3, 23, 0, tzinfo=UTC)
    report = await office.apply(stored.id, patience_seconds=0)
    assert (report.delivered, report.count(Fate.WAITING)) == (1, 1)
    assert await kinds(office) == {"2026-10": TEMPORARY}
    office.clock.moment = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
    report = await office.apply(stored.id)
    assert (report.exit_code, len(office.psa.records)) == (0, 2)
    assert await kinds(office) == {"2026-10": AUTOMATIC}


async def test_a_month_before_the_start_stays_as_it_is(office: Office) -> None:
    await choose(office, automatic=True, start="2026-11-20")
    stored = await office.plan(OCTOBER)
    (bill,) = stored.plan.bills
    assert (bill.changes, bill.warnings) == ((), ("BEFORE_BILLING_START",))
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 1}})
    assert (await office.plan(NOVEMBER)).plan.bills[0].changes


async def test_a_send_on_day_2_leaves_the_month_to_the_automatic_run(office: Office) -> None:
    office.clock.moment = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert [(one.period, one.reason) for one in (await chosen(office)).left] == [
        ("2026-10", "AUTO_PENDING"),
        ("2026-11", "RUNNING_MONTH_OFF"),
    ]


@pytest.mark.parametrize(
    ("setting", "style", "automatic", "kept"),
    [
        ("by_hand", "rolling", True, False),
        ("by_hand", "rolling", False, True),
        ("by_hand", "per_period", True, True),
        ("always", "rolling", True, True),
        ("never", "rolling", False, False),
        ("never", "per_period", False, False),
    ],
)
async def test_the_setting_decides_which_accounts_keep_a_running_record(
    sqlite_database: Database, setting: str, style: str, automatic: bool, kept: bool
) -> None:
    office = await Office.open(sqlite_database)
    await office.usual()
    office.policy(running_month_record=setting, subscription_style=style)
    await choose(office, automatic=automatic)
    office.clock.moment = MID_NOVEMBER
    choice = await chosen(office)
    assert choice.current == (frozenset({1}) if kept else frozenset())
    assert ("RUNNING_MONTH_OFF" in {one.reason for one in choice.left}) is not kept


async def test_with_monthly_records_the_temporary_bill_is_the_month_s_own_record(
    office: Office,
) -> None:
    office.policy(subscription_style="per_period")
    await send_november_by_hand(office)
    assert len(office.psa.records) == 4
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 13, SERVER.key: 2}})
    await office.bill(NOVEMBER)
    assert len(office.psa.records) == 4
    assert (await kinds(office))["2026-11"] is MANUAL
