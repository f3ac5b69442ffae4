"""Our bill beside the PSA's: who bills what today, how much it differs, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from syncd.core.service.refusals import PeriodNotOver
from syncd.core.service.shadow_month import ShadowReport
from syncd.core.service.shadow_rows import ShadowRow, Why
from syncd.core.store.database import Database
from syncd.sdk.records import RecurringLine, Subscription
from tests.builders_adoption import plan_adoptions
from tests.builders_golive import COUNTS, live, shadow, two_clients
from tests.builders_month import DECEMBER, DESKTOP, NOVEMBER, SERVER, Office, recurring


@pytest.fixture
async def office(database: Database) -> Office:
    return await two_clients(database)


def by_hand(office: Office, key: str, name: str, quantity: int, price: str, **more: Any) -> None:
    """A record that somebody made in the PSA."""
    whole: dict[str, Any] = {
        "client": "1001",
        "site": None,
        "marker": None,
        "unit_cost": None,
        **more,
    }
    office.psa.records[key] = Subscription(
        key=key, name=name, quantity=quantity, unit_price=Decimal(price), **whole
    )


def row_of(found: ShadowReport, name: str, client: str = "1001") -> ShadowRow:
    (one,) = [row for row in found.rows if row.client == client and row.name.startswith(name)]
    return one


def whys(row: ShadowRow) -> list[Why]:
    return [one.why for one in row.reasons]


async def desktops(office: Office, client: str = "1001") -> ShadowRow:
    found = await shadow(office)
    (one,) = [row for row in found.rows if row.client == client and row.line.endswith("/10")]
    return one


async def test_what_nothing_bills_yet_is_only_ours(office: Office) -> None:
    found = await shadow(office)
    assert {tuple(whys(row)) for row in found.rows} == {(Why.ONLY_OURS,)}
    assert [(one.client, one.ours, one.billed) for one in found.clients] == [
        ("1001", Decimal("80.00"), Decimal(0)),
        ("1002", Decimal("35.00"), Decimal(0)),
    ]
    assert found.total.difference == Decimal("115.00")
    assert (office.psa.calls["apply"], await office.issues()) == (0, {})


async def test_a_record_made_by_hand_is_matched_with_its_recurring_line(office: Office) -> None:
    by_hand(office, "700", "Workstations", 10, "5.00", asset_type="10")
    office.psa.recurring = [recurring("700")]
    row = await desktops(office)
    assert (row.our_units, row.billed_units, row.units) == (10, 10, 0)
    assert (row.our_money, row.billed_money, row.money) == (50, 50, 0)
    assert (row.records, row.reasons) == (("700",), ())


async def test_a_record_that_no_line_counts_is_told_with_its_own_money(office: Office) -> None:
    by_hand(office, "700", "Workstations", 10, "5.00", asset_type="10")
    row = await desktops(office)
    assert whys(row) == [Why.NOT_LINKED]
    assert (row.billed_money, row.not_linked, row.money) == (50, 50, 0)
    office.psa.recurring = [recurring("700", active=False)]
    assert whys(await desktops(office)) == [Why.NOT_LINKED]


async def test_counts_and_prices_that_differ_are_two_reasons(office: Office) -> None:
    by_hand(office, "700", "Workstations", 8, "4.50", asset_type="10")
    office.psa.recurring = [recurring("700")]
    row = await desktops(office)
    assert (row.units, row.money) == (2, Decimal("14.00"))
    assert whys(row) == [Why.COUNT, Why.PRICE]


async def test_units_that_are_there_and_not_counted_explain_a_lower_count(
    office: Office,
) -> None:
    units = [f"d{n}" for n in range(1, 9)]
    await office.pull(
        {"5": {DESKTOP.key: units}, "6": {DESKTOP.key: 4}},
        at=office.month_end(NOVEMBER),
        excluded={"d7": "pending", "d8": "pending"},
    )
    office.clock.moment = datetime(2026, 12, 1, 9, tzinfo=UTC)
    by_hand(office, "700", "Workstations", 8, "5.00", asset_type="10")
    office.psa.recurring = [recurring("700")]
    row = await desktops(office)
    assert (row.our_units, row.billed_units) == (6, 8)
    assert whys(row) == [Why.EXCLUDED]
    assert "2 are there and not counted" in row.reasons[0].text


async def test_a_rule_explains_what_it_takes_away(office: Office) -> None:
    await office.rule(DESKTOP.key, included=Decimal(3))
    by_hand(office, "700", "Workstations", 10, "5.00", asset_type="10")
    office.psa.recurring = [recurring("700")]
    row = await desktops(office)
    assert (row.our_units, whys(row)) == (7, [Why.RULE])
    assert "-3" in row.reasons[0].text


async def test_after_a_bill_units_that_joined_and_left_are_named(office: Office) -> None:
    office.policy(mode="live")
    await office.bill()
    office.psa.recurring = [
        recurring(one.key, client=one.client) for one in office.psa.records.values()
    ]
    await office.month(
        NOVEMBER,
        {"5": {DESKTOP.key: [f"sk{n}" for n in range(2, 14)], SERVER.key: 2}, "6": COUNTS["6"]},
    )
    row = await desktops(office)
    assert (row.our_units, row.billed_units) == (12, 10)
    assert Why.JOINED in whys(row)
    assert "since 2026-10" in row.reasons[0].text
    assert (await desktops(office, "1002")).reasons == ()


async def test_what_the_psa_bills_of_our_kinds_alone_is_told_and_other_things_are_not(
    office: Office,
) -> None:
    by_hand(office, "800", "Storage box", 3, "9.00", asset_type="11", client="1002")
    by_hand(office, "801", "Office licences", 30, "8.00")
    by_hand(office, "802", "Old workstations", 3, "9.00", asset_type="10", active=False)
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    office.psa.recurring = [recurring("800", client="1002"), recurring("801")]
    found = await shadow(office)
    row = row_of(found, "Storage box", "1002")
    assert (row.money, whys(row)) == (Decimal("-27.00"), [Why.ONLY_PSA])
    assert (found.other_records, found.other_money) == (1, Decimal("240.00"))
    assert not [one for one in found.rows if "802" in one.records]


async def test_a_recurring_line_with_a_quantity_typed_in_bills_as_well(office: Office) -> None:
    name = (await desktops(office)).name
    office.psa.recurring = [
        RecurringLine(
            invoice="-9",
            key="r1",
            client="1001",
            name=name,
            quantity=Decimal(9),
            unit_price=Decimal("5.00"),
        )
    ]
    row = await desktops(office)
    assert (row.billed_units, row.money, row.records) == (9, Decimal("5.00"), ("r1",))


async def test_two_records_of_one_thing_are_added_up(office: Office) -> None:
    by_hand(office, "700", "Workstations A", 6, "5.00", asset_type="10")
    by_hand(office, "701", "Workstations B", 4, "5.00", asset_type="10")
    office.psa.recurring = [recurring("700"), recurring("701")]
    row = await desktops(office)
    assert (row.billed_units, row.reasons, set(row.records)) == (10, (), {"700", "701"})


async def test_money_that_is_the_psas_is_our_units_at_its_price(office: Office) -> None:
    await office.configure("c1", "Managed", "quantity", [DESKTOP.key, SERVER.key])
    assert (await desktops(office)).our_money is None
    by_hand(office, "700", "Workstations", 8, "4.00", asset_type="10")
    office.psa.recurring = [recurring("700")]
    row = await desktops(office)
    assert (row.our_money, row.billed_money, row.money) == (40, 32, 8)


async def test_a_total_of_one_unit_is_compared_by_its_money(office: Office) -> None:
    await office.configure("c1", "Managed", "total", [DESKTOP.key, SERVER.key])
    by_hand(office, "700", "Workstations", 1, "50.00", asset_type="10")
    office.psa.recurring = [recurring("700")]
    row = await desktops(office)
    assert (row.billed_units, row.units, row.money, row.reasons) == (None, None, 0, ())
    office.psa.edit("700", unit_price=Decimal(45))
    assert whys(await desktops(office)) == [Why.PRICE]


async def test_a_bill_that_cannot_be_computed_is_told_beside_what_is_billed(
    office: Office,
) -> None:
    by_hand(office, "700", "Workstations", 8, "5.00", asset_type="10")
    office.psa.recurring = [recurring("700")]
    await office.pull(COUNTS, at=office.month_end(NOVEMBER), unproven={"5"})
    office.clock.moment = NOVEMBER.end(office.zone)
    found = await shadow(office, NOVEMBER, clients=["1001"])
    stopped, billed = found.rows
    assert (whys(stopped), whys(billed)) == ([Why.STOPPED], [Why.ONLY_PSA])
    assert (stopped.our_money, billed.billed_money, found.total.unknown) == (None, 40, 1)


async def test_a_live_client_is_compared_with_what_it_was_sent(office: Office) -> None:
    await live(office, "1001")
    stored = await office.plan()
    await office.release(stored.id)
    await office.apply(stored.id)
    office.psa.recurring = [recurring(one) for one in office.psa.records]
    found = await shadow(office, clients=["Acme Ltd"])
    assert {row.reasons for row in found.rows} == {()}
    assert [one.live_since for one in found.clients] == ["2026-10"]


async def test_a_month_that_goes_on_is_compared_so_far(office: Office) -> None:
    await office.pull(COUNTS, at=datetime(2026, 11, 10, tzinfo=UTC))
    office.clock.moment = datetime(2026, 11, 10, 9, tzinfo=UTC)
    found = await shadow(office, NOVEMBER)
    assert (found.running, found.total.ours) == (True, Decimal("115.00"))
    with pytest.raises(PeriodNotOver):
        await shadow(office, DECEMBER)


async def test_an_adopted_record_is_the_line_s_own_from_then_on(office: Office) -> None:
    by_hand(office, "700", "Workstations", 8, "4.50", asset_type="10")
    office.psa.recurring = [recurring("700")]
    before = await desktops(office)
    plan = await plan_adoptions(office)
    assert (await office.apply(plan.id)).exit_code == 0
    after = await desktops(office)
    assert (after.records, after.units, after.money) == (("700",), before.units, before.money)
    assert [one.why for one in after.reasons] == [Why.COUNT, Why.PRICE]


async def test_in_shadow_nobody_is_told_of_recurring_lines_or_twins(office: Office) -> None:
    by_hand(office, "700", "Workstations", 8, "4.50", asset_type="10")
    stored = await office.plan()
    assert "POSSIBLE_TWIN" in stored.record.bills[0].detail
    assert await office.issues() == {}
    await live(office, "1001")
    await office.plan()
    assert {"PLAN_HELD", "POSSIBLE_TWIN"} <= await office.codes()
    subjects = {key for key in await office.issues() if key.startswith("PLAN_HELD")}
    assert subjects == {"PLAN_HELD source-eu/5"}
