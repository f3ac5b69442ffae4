"""What a month brought, what it lost, and what goes on billing although nobody counts it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, select

from syncd.core.service.leaks import LeakKind, LeakReport, read_leaks
from syncd.core.service.margin import By, MarginReport, read_margin
from syncd.core.service.reckoning import Sources
from syncd.core.service.refusals import NothingToExplain
from syncd.core.store.database import Database
from syncd.core.store.tables import AccountRow, UnitExclusion
from syncd.sdk.period import Period
from tests.builders_golive import live
from tests.builders_month import DESKTOP, LONDON, NOVEMBER, OCTOBER, SERVER, Office


async def margin(
    office: Office, by: By = By.CLIENT, period: Period | None = None, client: str | None = None
) -> MarginReport:
    return await read_margin(office.database, psa_name="psa", period=period, client=client, by=by)


async def leaks(office: Office, period: Period = OCTOBER) -> LeakReport:
    return await read_leaks(
        office.database,
        rules=office.settings,
        timezone=LONDON,
        psa=office.psa_connection,
        sources=Sources(active=office.active),
        period=period,
    )


@pytest.fixture
async def office(database: Database) -> Office:
    """Account 5 is Acme, account 6 Globex; desktops cost 2 and sell at 5, servers 6 and 15."""
    made = await Office.open(database)
    await made.usual(
        accounts={"5": "1001", "6": "1002"},
        counts={"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 1}},
    )
    return made


async def test_margins_come_from_the_bills_as_sent_and_not_from_todays_rates(
    office: Office,
) -> None:
    with pytest.raises(NothingToExplain, match="nothing was billed"):
        await margin(office)
    await office.bill()
    await office.rate(DESKTOP.key, "9.00", "1.00")
    found = await margin(office)
    assert (found.period, found.before) == ("2026-10", "2026-09")
    assert [(row.name, row.price, row.cost, row.margin) for row in found.rows] == [
        ("Acme Ltd", Decimal("80.00"), Decimal("32.00"), Decimal("48.00")),
        ("Globex", Decimal("5.00"), Decimal("2.00"), Decimal("3.00")),
    ]
    by_product = await margin(office, By.PRODUCT)
    assert {row.key: row.margin for row in by_product.rows} == {
        DESKTOP.key: Decimal(33),
        SERVER.key: Decimal(18),
    }
    assert [row.name for row in (await margin(office, client="globex")).rows] == ["Globex"]


async def test_a_corrected_bill_counts_once_and_the_change_is_told(office: Office) -> None:
    await office.bill()
    await office.rate(DESKTOP.key, "2.00", "1.00")
    await office.bill(OCTOBER)
    found = await margin(office)
    assert {row.name: row.margin for row in found.rows} == {
        "Acme Ltd": Decimal("8.00"),
        "Globex": Decimal("-1.00"),
    }
    assert [row.name for row in found.below_cost] == ["Globex"]
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 3}, "6": {DESKTOP.key: 1}})
    await office.bill()
    newer = await margin(office)
    assert [(one.name, one.change) for one in newer.changes] == [("Acme Ltd", Decimal("9.00"))]


async def test_prices_of_the_psa_are_unknown_and_not_0(database: Database) -> None:
    office = await Office.open(database)
    await office.usual(mode="quantity")
    await office.bill()
    (row,) = (await margin(office)).rows
    assert (row.price, row.margin, row.unknown) == (None, None, 2)


async def test_nothing_leaks_where_everything_is_billed(office: Office) -> None:
    await office.bill()
    found = await leaks(office)
    assert (found.not_billed, found.not_counted) == ((), ())


async def test_each_gap_is_named_with_its_count_its_money_and_its_command(
    office: Office,
) -> None:
    await office.bill()
    await office.pull(
        {
            "5": {DESKTOP.key: ["d1", "d2", "d3"], SERVER.key: ["s1"], "storage:all": 60},
            "6": {DESKTOP.key: 1},
            "7": {DESKTOP.key: 4},
        },
        at=office.month_end(NOVEMBER),
    )
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    await office.rate(SERVER.key, "6.00", None)
    async with office.database.writer() as conn:
        account = await conn.scalar(
            select(AccountRow.__table__.c.id).where(AccountRow.__table__.c.key == "5")  # type: ignore[attr-defined]
        )
        await conn.execute(
            insert(UnitExclusion).values(
                account_id=account,
                product_key="",
                unit="d3",
                reason="on loan",
                confirmed_by="ann",
                recorded_at=office.clock(),
            )
        )
    found = await leaks(office, NOVEMBER)
    told = {
        (one.kind, one.account): (one.quantity, one.money)
        for one in found.not_billed
        if one.kind is not LeakKind.NOT_CONFIGURED
    }
    assert told == {
        (LeakKind.UNLINKED_ACCOUNT, "7"): (Decimal(4), Decimal("20.00")),
        (LeakKind.PRICE_UNSET, "5"): (Decimal(1), None),
        (LeakKind.KEPT_OUT_BY_HAND, "5"): (Decimal(1), Decimal("5.00")),
        (LeakKind.NOT_BILLED, "5"): (Decimal(3), Decimal("10.00")),
        (LeakKind.NOT_BILLED, "6"): (Decimal(1), Decimal("5.00")),
    }
    (stored,) = [one for one in found.not_billed if one.kind is LeakKind.NOT_CONFIGURED]
    assert (stored.what, stored.money) == ("Storage", None)
    assert all(one.remedy for one in found.not_billed)
    await office.rate(SERVER.key, "6.00", "0")
    found = await leaks(office, NOVEMBER)
    assert LeakKind.PRICE_UNSET not in {one.kind for one in found.not_billed}
    assert {one.kind for one in found.free} == {LeakKind.FREE}, "a price of 0 is no leak"


async def test_a_product_without_an_asset_type_leaks(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    await office.configure("c1", "Managed", "average", [DESKTOP.key, SERVER.key, "storage:all"])
    await office.pull({"5": {"storage:all": ["v"]}}, at=office.month_end(OCTOBER, hours=1))
    kinds = {one.kind: one.what for one in (await leaks(office)).not_billed}
    assert kinds[LeakKind.UNMAPPED_PRODUCT] == "Storage"


async def test_records_that_bill_what_nobody_counts_are_named(office: Office) -> None:
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10}, "6": {DESKTOP.key: 1}})
    found = await leaks(office, NOVEMBER)
    (line,) = found.not_counted
    assert (line.kind, line.account, line.quantity, line.money) == (
        LeakKind.FELL_TO_ZERO,
        "5",
        Decimal(2),
        Decimal("30.00"),
    )
    office.active = {"another"}
    frozen = (await leaks(office, NOVEMBER)).not_counted
    assert {one.kind for one in frozen} == {LeakKind.FROZEN}
    assert sum(one.money or Decimal(0) for one in frozen) == Decimal("85.00")


async def test_a_configuration_that_went_leaves_records_that_bill(office: Office) -> None:
    await office.bill()
    await office.drop_configuration("c1")
    await office.configure("c9", "Servers", "average", [SERVER.key])
    found = await leaks(office)
    assert {one.kind for one in found.not_counted} == {LeakKind.NOT_CONFIGURED_ANY_MORE}


async def test_a_month_of_a_client_in_shadow_does_not_leak(office: Office) -> None:
    office.policy(mode="shadow")
    await live(office, "1002")
    found = await leaks(office)
    assert [(one.kind, one.client) for one in found.not_billed] == [(LeakKind.NOT_BILLED, "1002")]
