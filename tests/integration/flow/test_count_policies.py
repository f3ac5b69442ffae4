"""Exclusions by hand and limits of silence, from the decision to the bill and its explanation."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from syncd.core.service.basis import decode_bill, decode_line
from syncd.core.service.explain import explain
from syncd.core.service.mapping_csv import import_sheet
from syncd.core.service.refusals import PlanStale
from syncd.core.service.sheet_change import Import, SheetChange
from syncd.core.service.sheets import SHEETS
from syncd.core.store.bills import bills_of
from syncd.core.store.connections import data_version
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState
from syncd.sdk.period import Period
from tests.builders_month import DECEMBER, DESKTOP, LONDON, NOVEMBER, OCTOBER, SERVER, Office

HEADER = "connection,account,product,unit,reason\n"
UNITS = ["de1", "de2", "de3", "de4"]


@pytest.fixture
async def office(database: Database) -> Office:
    """October is billed with four desktops."""
    made = await Office.open(database)
    await made.usual(counts={"5": {DESKTOP.key: 4}})
    await made.configure("c1", "Managed", "average", [DESKTOP.key])
    await made.bill()
    assert [record.quantity for record in made.psa.records.values()] == [4]
    return made


async def keep_out(office: Office, rows: str) -> SheetChange:
    return await import_sheet(
        office.database,
        SHEETS["exclusions"],
        (HEADER + rows).encode(),
        Import(
            file="exclusions.csv",
            psa=office.psa_connection,
            currency="GBP",
            confirmed_by="ann",
            prune=True,
        ),
        now=office.clock(),
        log=office.log,
    )


async def shown(office: Office, period: Period, **more: object) -> dict[str, str | None]:
    """The units that an explanation of the month names: why each does not count, or None."""
    found = await explain(
        office.database,
        "1001",
        None,
        psa_name="psa",
        timezone=LONDON,
        period=period,
        **more,  # type: ignore[arg-type]
    )
    (product,) = found.lines[0].products
    counted = {unit.unit: None for unit in product.counted}
    return counted | {unit.unit: f"{unit.excluded}: {unit.note}" for unit in product.excluded}


async def month(office: Office, period: Period = NOVEMBER) -> None:
    await office.pull({"5": {DESKTOP.key: UNITS}}, at=office.month_end(period))
    office.clock.moment = period.end(LONDON) + timedelta(hours=9)


async def test_the_first_bill_after_a_change_of_exclusions_is_held_and_leaves_the_unit_out(
    office: Office,
) -> None:
    await month(office)
    async with office.database.reader() as conn:
        before = await data_version(conn)
    await keep_out(office, "source-eu,5,,de2,second agent\n")
    async with office.database.reader() as conn:
        assert await data_version(conn) == before + 1
    stored = await office.plan(NOVEMBER)
    (bill,) = stored.record.bills
    assert bill.state is PlanBillState.HELD
    (objection,) = [one for one in stored.record.objections if "exclusion" in one.message]
    assert objection.bill == stored.plan.bills[0].key
    basis = decode_bill(bill.basis)
    assert basis.decisions is not None
    assert len(basis.decisions.exclusions) == 1
    assert basis.lines[0].products[0].raw == Decimal(3)
    await office.release()
    await office.apply()
    assert [record.quantity for record in office.psa.records.values()] == [3]
    await month(office, DECEMBER)
    again = await office.plan(DECEMBER)
    assert again.record.bills[0].state is not PlanBillState.HELD


async def test_a_plan_made_before_an_exclusion_is_refused(office: Office) -> None:
    await month(office)
    await office.plan(NOVEMBER)
    await keep_out(office, "source-eu,5,,de2,second agent\n")
    with pytest.raises(PlanStale):
        await office.apply()


async def test_an_exclusion_of_an_unbilled_product_holds_nothing(office: Office) -> None:
    await office.pull(
        {"5": {DESKTOP.key: UNITS, SERVER.key: ["srv"]}}, at=office.month_end(NOVEMBER)
    )
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    await keep_out(office, f"source-eu,5,{SERVER.key},srv,ours\n")
    stored = await office.plan(NOVEMBER)
    basis = decode_bill(stored.record.bills[0].basis)
    assert basis.decisions is not None
    assert basis.decisions.exclusions == ()


async def test_a_closed_month_is_explained_with_the_exclusions_of_its_bill(
    office: Office,
) -> None:
    await month(office)
    await keep_out(office, "source-eu,5,,de2,second agent\n")
    await office.bill(NOVEMBER)
    office.clock.advance(days=1)
    await keep_out(office, "source-eu,5,,de3,on loan\n")
    expected = {"de1": None, "de2": "by_hand: second agent", "de3": None, "de4": None}
    assert await shown(office, NOVEMBER) == expected
    assert await shown(office, OCTOBER) == dict.fromkeys(UNITS)
    async with office.database.reader() as conn:
        (bill,) = [one for one in await bills_of(conn, 1) if one.period == "2026-11"]
    decisions = decode_line(bill.lines[0].basis).bill.decisions
    assert decisions is not None
    assert len(decisions.exclusions) == 1
    found = await explain(
        office.database, "1001", None, psa_name="psa", timezone=LONDON, period=NOVEMBER
    )
    since = found.lines[0].products[0].since
    assert since is not None
    assert [(one.unit.unit, one.reason) for one in since.movements.left] == [("de2", "by_hand")]


@pytest.mark.parametrize("method", ["point_in_time", "peak", "average"])
@pytest.mark.parametrize(("days", "expected"), [(None, 3), (20, 2), (21, 3), (80, 4)])
async def test_a_limit_of_silence_decides_what_is_billed(
    office: Office, method: str, days: int | None, expected: int
) -> None:
    """All month, de1 is silent since 10 November, de2 left out by its source since September."""
    facts = {
        "de1": json.dumps({"silent_since": "2026-11-10T22:00:00Z"}).encode(),
        "de2": json.dumps({"silent_since": "2026-09-20"}).encode(),
    }
    office.clock.advance(hours=1)
    await office.rule(DESKTOP.key, count_method=method, stale_after_days=days)
    for day in range(1, 31):
        known = facts if day >= 17 else {"de2": facts["de2"]}
        await office.pull(
            {"5": {DESKTOP.key: UNITS}},
            at=datetime(2026, 11, day, 22, tzinfo=UTC),
            facts=known,
            excluded={"de2": "stale"},
        )
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    stored = await office.plan(NOVEMBER)
    basis = decode_bill(stored.record.bills[0].basis).lines[0].products[0]
    most = {"point_in_time": expected, "peak": max(expected, 3), "average": max(expected, 3)}
    assert basis.raw == Decimal(most[method])
    assert basis.stale_after_days == days
    assert basis.rule is not None
    assert basis.rule.stale_after_days == days
    if days == 20 and method == "average":
        # From the 30th on, de1 is silent for twenty days; de2 was all the month.
        assert basis.month is not None
        assert basis.month.unit_days == 29 * 3 + 2
    await office.release()
    await office.apply()
    reasons = await shown(office, NOVEMBER)
    assert sum(reason is None for reason in reasons.values()) == expected
