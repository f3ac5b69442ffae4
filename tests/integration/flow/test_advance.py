"""Billing in advance through planning, sending and explaining, on both databases."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from syncd.core.service.basis import decode_bill
from syncd.core.service.explain import explain
from syncd.core.store.database import Database
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

COUNTS = {"5": {DESKTOP.key: 10, SERVER.key: 2}}


async def configured(office: Office, billed_in: str, **more: Any) -> None:
    products = [DESKTOP.key, SERVER.key]
    await office.configure("c1", "Managed", "average", products, billed_in=billed_in, **more)


async def opened(database: Database, billed_in: str = "advance", *, style: str = "") -> Office:
    office = await Office.open(database)
    if style:
        office.policy(subscription_style=style)
    await office.usual()
    await configured(office, billed_in)
    return office


async def test_the_count_of_october_is_billed_for_november(database: Database) -> None:
    office = await opened(database)
    assert (await office.bill()).exit_code == 0
    for change in office.psa.history:
        assert change.fields.start == "2026-11-01"
        assert "Counts of 2026-10, billed in advance for 2026-11" in str(change.fields.notes)
    found = await explain(database, "1001", None, psa_name="psa", timezone=LONDON)
    assert found.period == "2026-10"
    assert {one.line.billed_for for one in found.lines} == {"2026-11"}
    assert all("billed in advance for 2026-11" in one.products[0].steps for one in found.lines)


async def test_months_follow_each_other_on_one_record(database: Database) -> None:
    office = await opened(database)
    await office.bill()
    await office.month(NOVEMBER, COUNTS)
    stored = await office.plan()
    assert stored.record.objections == ()
    changes = stored.record.plan.bills[0].changes
    assert all("billed in advance for 2026-12" in one.reason for one in changes)
    assert (await office.apply(stored.id)).exit_code == 0
    assert len(office.psa.records) == 2
    (late,) = (await office.plan(OCTOBER)).record.plan.bills
    assert not late.changes, "an older month is final and writes nothing"


async def test_each_month_has_a_record_dated_by_the_month_that_begins(
    database: Database,
) -> None:
    office = await opened(database, style="per_period")
    await office.bill()
    await office.month(NOVEMBER, COUNTS)
    await office.bill()
    days = sorted({(one.start, one.end) for one in office.psa.records.values()}, key=str)
    assert days == [("2026-11-01", "2026-11-30"), ("2026-12-01", "2026-12-31")]
    names = {one.name for one in office.psa.records.values()}
    assert "Managed - Workstation 2026-12" in names
    await office.month(DECEMBER, COUNTS)
    again = await office.plan()
    assert {one.key.rpartition(":")[2] for one in again.record.plan.bills[0].changes} == {"2026-12"}


async def test_the_first_bill_after_a_change_to_advance_is_held(database: Database) -> None:
    office = await opened(database, "arrears")
    await office.bill()
    await configured(office, "advance")
    await office.month(NOVEMBER, COUNTS)
    stored = await office.plan()
    assert rules_of(stored.record.objections) == {"CHANGED_SINCE_LAST_BILL"}
    basis = decode_bill(stored.record.bills[0].basis)
    assert {line.billed_for for line in basis.lines} == {"2026-12"}


@pytest.mark.parametrize("method", ["peak", "average"])
async def test_a_rule_over_the_month_stops_the_run_whatever_was_saved(
    database: Database, method: str
) -> None:
    office = await opened(database)
    await office.rule(DESKTOP.key, count_method=method)
    (bill,) = (await office.plan()).record.plan.bills
    assert bill.errors == ("CONFIG_INVALID:c1.billed_in",)
    issue = (await office.issues())["CONFIG_INVALID source-eu/5"]
    assert "c1.billed_in" in issue.message
    await configured(office, "arrears")
    (mended,) = (await office.plan()).record.plan.bills
    assert mended.errors == ()


async def test_a_record_that_ended_with_the_counted_month_bills_nothing_in_advance(
    database: Database,
) -> None:
    office = await opened(database)
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 11, SERVER.key: 2}})
    for key, record in office.psa.records.items():
        office.psa.records[key] = msgspec.structs.replace(record, end="2026-11-30")
    stored = await office.plan()
    assert "PSA_RECORD_INACTIVE" in rules_of(stored.record.objections)
