"""The push and count cases of docs/billing.md through the whole flow, each named by its number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.applied import Fate
from syncd.core.store.bills import bills_of
from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.sdk.records import Subscription
from tests.builders_life import choose, send
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    LONDON,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
    rules_of,
)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


def quantities(office: Office) -> dict[str, int]:
    return {record.name: record.quantity for record in office.psa.records.values()}


async def test_p02_the_same_inputs_sent_twice(office: Office) -> None:
    """P02."""
    await office.bill()
    before = dict(office.psa.writes)
    await office.bill()
    assert dict(office.psa.writes) == before


async def test_p03_a_create_that_timed_out_and_happened_is_found(office: Office) -> None:
    """P03."""
    office.psa.faults = ["lost_after", "lost_after"]
    report = await office.bill()
    assert (report.exit_code, report.count(Fate.SENT)) == (0, 1)
    assert set(office.psa.writes.values()) == {1}
    assert len(office.psa.records) == 2


async def test_p04_a_source_that_answered_500_is_incomplete_and_touches_nothing(
    office: Office,
) -> None:
    """P04."""
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.bill()
    await office.pull({"5": {}}, at=office.month_end(DECEMBER, hours=3), unproven={"5"})
    office.clock.moment = DECEMBER.end(LONDON)
    before = dict(office.psa.calls)
    stored = await office.plan(DECEMBER)
    assert stored.plan.bills[0].errors == ("SOURCE_INCOMPLETE",)
    assert stored.record.bills[0].state is PlanBillState.ERROR
    assert "SOURCE_INCOMPLETE" in await office.codes()
    report = await office.apply()
    assert report.exit_code == 6
    assert dict(office.psa.calls) == before
    assert quantities(office) == {"Managed - Workstation": 12, "Managed - Server": 2}


async def test_p05_an_empty_list_where_forty_were_is_held_and_zeroes_nothing(
    office: Office,
) -> None:
    """P05."""
    await office.bill()
    await office.month(NOVEMBER, {"5": {}})
    stored = await office.plan()
    assert stored.record.bills[0].state is PlanBillState.HELD
    assert "FELL_TO_ZERO" in rules_of(stored.record.objections)
    assert (await office.apply()).exit_code == 3
    assert quantities(office) == {"Managed - Workstation": 10, "Managed - Server": 2}


async def test_p06_a_record_deleted_by_hand_is_not_made_again_without_a_word(
    office: Office,
) -> None:
    """P06."""
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    del office.psa.records["9001"]
    stored = await office.plan()
    assert "PSA_RECORD_GONE" in rules_of(stored.record.objections)
    assert await office.codes() == {"PLAN_HELD", "PSA_RECORD_GONE"}
    assert (await office.apply()).exit_code == 3
    assert set(office.psa.records) == {"9002"}
    await office.release(reason="made again on purpose")
    assert (await office.apply()).exit_code == 0
    assert quantities(office) == {"Managed - Workstation": 12, "Managed - Server": 2}
    assert await office.codes() == set()


async def test_p06_a_record_deleted_between_plan_and_write_is_not_made_again(
    office: Office,
) -> None:
    """P06."""
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.plan()

    def delete(name: str) -> None:
        if name == "apply:before":
            office.psa.records.pop("9001", None)

    office.psa.point = delete
    report = await office.apply()
    office.psa.point = None
    assert (report.exit_code, report.bills[0].fate) == (6, Fate.REJECTED)
    assert "9001" not in office.psa.records
    assert "PSA_RECORD_GONE" in await office.codes()
    stored = await office.plan()
    assert stored.record.bills[0].state is PlanBillState.HELD
    assert "PSA_RECORD_GONE" in rules_of(stored.record.objections)


async def test_p07_a_price_changed_by_hand_is_the_psa_s_in_quantity_mode(
    office: Office,
) -> None:
    """P07."""
    await office.configure("c1", "Managed", "quantity", [DESKTOP.key, SERVER.key])
    await office.bill()
    office.psa.edit("9001", unit_price=Decimal("7.77"))
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    report = await office.bill()
    assert report.exit_code == 0
    assert office.psa.records["9001"].unit_price == Decimal("7.77")
    assert "PSA_DRIFT" not in await office.codes()


async def test_p08_a_quantity_changed_by_hand_on_a_record_that_bills_is_held_with_both_values(
    office: Office,
) -> None:
    """P08."""
    await office.bill()
    office.psa.edit("9001", quantity=99)
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    stored = await office.plan()
    (drift,) = [one for one in stored.record.objections if one.rule == "PSA_DRIFT"]
    assert "10" in drift.message
    assert "99" in drift.message
    assert (await office.apply()).exit_code == 3
    assert office.psa.records["9001"].quantity == 99


async def test_p08_a_quantity_changed_by_hand_on_a_running_month_is_overwritten_and_told(
    office: Office,
) -> None:
    """P08."""
    await choose(office, automatic=False)
    office.clock.moment = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
    await office.pull({"5": {DESKTOP.key: 12}}, at=office.clock() - timedelta(hours=1))
    await send(office)
    (current,) = [r for r in office.psa.records.values() if r.quantity == 12]
    office.psa.edit(current.key, quantity=99)
    stored = await office.plan(NOVEMBER, kind=PlanKind.RUNNING)
    assert rules_of(stored.record.objections) == set()
    (change,) = stored.plan.bills[0].changes
    assert "PSA_DRIFT" in change.warnings
    assert (await office.apply()).exit_code == 0
    assert office.psa.records[current.key].quantity == 12


async def test_p09_two_of_three_acknowledged_and_the_next_run_sends_one(office: Office) -> None:
    """P09."""
    await office.asset_type(SERVER.key, "11")
    await office.configure("c2", "Disks", "total", ["storage:all"], asset_type_key="20")
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.configure("c3", "Servers", "average", [SERVER.key])
    await office.pull(
        {"5": {DESKTOP.key: 10, SERVER.key: 2, "storage:all": 1}},
        at=office.month_end(OCTOBER, hours=1),
    )
    await office.rate("storage:all", "0.01", "5000000000")
    office.psa.faults = ["", "", "refused"]
    report = await office.bill()
    assert (report.exit_code, report.bills[0].fate, report.delivered) == (6, Fate.REJECTED, 2)
    async with office.database.reader() as conn:
        (bill,) = await bills_of(conn, 1)
    assert (bill.kind, bill.completed_at) == (BillKind.TEMPORARY, None)
    assert "DELIVERY_REJECTED" in await office.codes()
    before = len(office.psa.history)
    again = await office.bill()
    assert again.exit_code == 0
    assert len(office.psa.history) == before + 1
    async with office.database.reader() as conn:
        newest = (await bills_of(conn, 1))[0]
    assert (newest.revision, newest.kind) == (2, BillKind.MANUAL)
    assert len(newest.lines) == 3
    assert "DELIVERY_REJECTED" not in await office.codes()


async def test_p10_a_renamed_account_keeps_its_keys(office: Office) -> None:
    """P10."""
    await office.bill()
    await office.rename_account("5", "Acme (new name) Ltd")
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    stored = await office.plan()
    assert {change.kind.value for change in stored.plan.bills[0].changes} == {"update"}
    await office.apply()
    assert len(office.psa.records) == 2


async def test_p15_a_changed_asset_type_keeps_the_record_and_is_held(office: Office) -> None:
    """P15."""
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.bill()
    await office.asset_type(DESKTOP.key, "15")
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12}})
    stored = await office.plan()
    assert stored.record.bills[0].state is PlanBillState.HELD
    assert "RETYPED" in rules_of(stored.record.objections)
    await office.release()
    assert (await office.apply()).exit_code == 0
    (record,) = office.psa.records.values()
    assert (record.key, record.asset_type, record.quantity) == ("9001", "15", 12)
    await office.month(DECEMBER, {"5": {DESKTOP.key: 13}})
    after = await office.plan()
    assert (await office.apply()).exit_code == 0
    assert [change.remote for change in after.plan.bills[0].changes] == ["9001"]
    assert len(office.psa.records) == 1


async def test_p16_an_unmarked_look_alike_holds_the_create(office: Office) -> None:
    """P16."""
    office.psa.records["77"] = Subscription(
        key="77",
        client="1001",
        site=None,
        marker=None,
        name="Managed - Workstation",
        quantity=9,
        unit_price=Decimal(6),
        unit_cost=None,
    )
    stored = await office.plan()
    assert "POSSIBLE_TWIN" in rules_of(stored.record.objections)
    assert "POSSIBLE_TWIN" in await office.codes()
    assert (await office.apply()).exit_code == 3
    assert set(office.psa.records) == {"77"}


async def test_p17_two_regions_with_one_account_id_are_two_records(office: Office) -> None:
    """P17."""
    async with office.database.writer() as conn:
        us = await ensure_connection(conn, "source-us", "fakesource")
    await office.pull({"5": {DESKTOP.key: 4}}, at=office.month_end(OCTOBER), source=us)
    await office.link("5", "1002", source=us)
    await office.asset_type(DESKTOP.key, "10", source=us)
    await office.configure("c9", "Managed", "average", [DESKTOP.key], source=us)
    await office.rate(DESKTOP.key, "2.00", "5.00", source=us)
    assert (await office.bill()).exit_code == 0
    found = {(record.client, record.quantity) for record in office.psa.records.values()}
    assert found == {("1001", 10), ("1001", 2), ("1002", 4)}
    assert len({record.marker for record in office.psa.records.values()}) == 3


@pytest.mark.parametrize("how", ["disabled", "broken"])
async def test_p18_a_connection_that_rests_freezes_its_lines(office: Office, how: str) -> None:
    """P18."""
    await office.bill()
    office.active = set()
    office.broken = {"source-eu"} if how == "broken" else set()
    await office.month(NOVEMBER, {"5": {}})
    before = dict(office.psa.calls)
    stored = await office.plan()
    (bill,) = stored.plan.bills
    if how == "disabled":
        assert (bill.errors, bill.warnings) == ((), ("SOURCE_DISABLED",))
        assert stored.record.bills[0].state is PlanBillState.FROZEN
    else:
        assert bill.errors == ("SOURCE_UNAVAILABLE",)
    assert bill.changes == ()
    report = await office.apply()
    assert report.exit_code == (0 if how == "disabled" else 6)
    assert dict(office.psa.calls) == before
    assert quantities(office) == {"Managed - Workstation": 10, "Managed - Server": 2}


async def test_p19_included_units_stay_five_for_a_client_with_two_accounts(
    office: Office,
) -> None:
    """P19."""
    await office.pull(
        {"5": {DESKTOP.key: 4}, "6": {DESKTOP.key: 4}}, at=office.month_end(OCTOBER, hours=1)
    )
    await office.link("6", "1001")
    await office.rule(DESKTOP.key, included=Decimal(5))
    assert (await office.bill()).exit_code == 0
    assert sum(r.quantity for r in office.psa.records.values() if r.asset_type == "10") == 3


async def test_p19_an_unproven_account_of_the_pool_stops_the_others(
    database: Database,
) -> None:
    """P19."""
    office = await Office.open(database)
    both = {"5": {DESKTOP.key: 4}, "6": {DESKTOP.key: 4}}
    await office.pull(both, at=office.month_end(OCTOBER, days=5))
    await office.usual(accounts={"5": "1001", "6": "1001"}, counts=both, unproven={"6"})
    await office.rule(DESKTOP.key, included=Decimal(5))
    stored = await office.plan()
    errors = {bill.account: bill.errors for bill in stored.plan.bills}
    assert errors == {"5": (f"POOL_INCOMPLETE:{DESKTOP.key}",), "6": ("SOURCE_INCOMPLETE",)}


async def test_an_account_with_units_and_no_client_is_named_and_stops_nobody(
    office: Office,
) -> None:
    await office.pull(
        {"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 3}, "7": {}},
        at=office.month_end(OCTOBER, hours=1),
    )
    stored = await office.plan()
    errors = {bill.account: bill.errors for bill in stored.plan.bills}
    assert errors == {"5": (), "6": ("SITE_NOT_MAPPED",)}
    await office.release()
    report = await office.apply()
    assert {bill.account: bill.fate for bill in report.bills} == {
        "5": Fate.SENT,
        "6": Fate.ERROR,
    }
    assert report.exit_code == 6
