"""What happens around a push: who bills a record, one record a month, poison, and suppliers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.service.applied import Fate
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    LONDON,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
    recurring,
    rules_of,
)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def test_a_source_that_nobody_asked_for_days_holds_the_bill(office: Office) -> None:
    await office.bill()
    await office.pull(
        {"5": {DESKTOP.key: 11, SERVER.key: 2}}, at=office.month_end(NOVEMBER, days=5)
    )
    office.clock.advance(days=31)
    stored = await office.plan(NOVEMBER)
    assert rules_of(stored.record.objections) == {"SOURCE_STALE"}
    assert stored.record.bills[0].state is PlanBillState.HELD


async def test_a_month_without_any_pull_is_an_error_and_a_late_one_a_warning(
    office: Office,
) -> None:
    september = OCTOBER.previous()
    stored = await office.plan(september)
    assert stored.plan.bills[0].errors == ("NO_SNAPSHOT",)
    await office.pull({"5": {DESKTOP.key: 9}}, at=OCTOBER.start(LONDON) + timedelta(hours=30))
    late = await office.plan(september)
    assert late.plan.bills[0].errors == ()
    assert any(code.startswith("LATE_SNAPSHOT") for code in late.plan.bills[0].warnings)


async def test_the_recurring_line_that_will_bill_a_record_is_named(office: Office) -> None:
    await office.bill()
    office.psa.recurring = [recurring("9001")]
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 3}})
    stored = await office.plan()
    billed = {c.line_name: c.billed_by for c in stored.plan.bills[0].changes}
    assert billed["Managed - Workstation"] == "Monthly / Managed service (r9001)"
    assert billed["Managed - Server"] is None


async def test_per_period_records_are_one_per_month(office: Office) -> None:
    office.policy(subscription_style="per_period")
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    assert (await office.bill()).exit_code == 0
    spans = sorted((r.start, r.end, r.quantity) for r in office.psa.records.values())
    assert spans == [
        ("2026-10-01", "2026-10-31", 2),
        ("2026-10-01", "2026-10-31", 10),
        ("2026-11-01", "2026-11-30", 2),
        ("2026-11-01", "2026-11-30", 12),
    ]
    before = len(office.psa.history)
    await office.bill()
    assert len(office.psa.history) == before


async def test_a_changed_rate_holds_the_first_bill_after_it(office: Office) -> None:
    await office.bill()
    await office.rate(DESKTOP.key, "2.00", "6.00")
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    stored = await office.plan()
    (held,) = [o for o in stored.record.objections if o.rule == "CHANGED_SINCE_LAST_BILL"]
    assert "rate" in held.message
    await office.release()
    await office.apply()
    await office.month(DECEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    assert rules_of((await office.plan()).record.objections) == set()


async def test_a_new_rate_that_begins_this_month_holds_too(office: Office) -> None:
    await office.bill()
    await office.rate(DESKTOP.key, "2.00", "9.00", valid_from="2026-11-01")
    again = await office.plan(OCTOBER)
    assert rules_of(again.record.objections) == set()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    stored = await office.plan()
    assert "CHANGED_SINCE_LAST_BILL" in rules_of(stored.record.objections)


async def test_an_unset_price_is_held(office: Office) -> None:
    await office.rate(SERVER.key, "6.00", None)
    stored = await office.plan()
    assert "PRICE_UNSET" in rules_of(stored.record.objections)


async def test_poison_at_one_of_many_clients_leaves_the_others_complete(
    sqlite_database: Database,
) -> None:
    clients = {str(1000 + n): f"Client {n:03d}" for n in range(200)}
    office = await Office.open(sqlite_database, clients)
    counts = {str(n): {DESKTOP.key: 1 + n % 7} for n in range(200)}
    await office.pull(counts, at=office.month_end(OCTOBER))
    await office.link_all({str(n): str(1000 + n) for n in range(200)})
    await office.asset_type(DESKTOP.key, "10")
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.rate(DESKTOP.key, "2.00", "5.00")
    office.psa.poison = {"1042"}
    report = await office.bill()
    assert (report.count(Fate.SENT), report.count(Fate.REJECTED), report.exit_code) == (199, 1, 6)
    assert len(office.psa.records) == 199
    assert office.psa.calls["subscriptions"] == 2
    assert office.psa.calls["read_many"] == 0


async def test_each_configuration_names_the_supplier_of_its_own_lines(office: Office) -> None:
    await office.configure("c1", "Managed", "average", [DESKTOP.key], supplier="Parts Co")
    await office.configure("c2", "Servers", "average", [SERVER.key], supplier="Nobody knows them")
    stored = await office.plan()
    (bill,) = stored.plan.bills
    assert {change.line_name: change.fields.supplier for change in bill.changes} == {
        "Managed - Workstation": "7",
        "Servers - Server": None,
    }
    assert "SUPPLIER_NOT_FOUND" in bill.warnings
