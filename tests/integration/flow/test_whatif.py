"""The effect of edits on a month: counted for real, told before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from syncd.core.service.whatif import EditEffect, concerned, effect_of
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.connections import data_version
from syncd.core.store.database import Database
from syncd.core.store.pending import Edits, Pending
from syncd.core.store.tables import RateRow
from tests.builders_month import DESKTOP, OCTOBER, SERVER, Office
from tests.builders_whatif import terms


def pending(office: Office, table: str, *new: Mapping[str, Any], ended: Any = ()) -> Pending:
    return Pending(at=office.clock(), tables={table: Edits(new=new, ended=frozenset(ended))})


async def product_id(office: Office, key: str) -> int:
    async with office.database.reader() as conn:
        return await office._product(conn, key, None)


def rate(product: int, price: str, valid_from: str = "2026-10-01", client: str = "") -> Any:
    return {
        "product_id": product,
        "client_key": client,
        "currency": "GBP",
        "valid_from": valid_from,
        "cost": Decimal("2.00"),
        "price": Decimal(price),
        "restore_cost": None,
        "restore_price": None,
        "cycle": "monthly",
    }


def rule(product: int, **more: Any) -> Any:
    return {
        "product_id": product,
        "client_key": "",
        "count_method": "point_in_time",
        "valid_from": "2026-10-01",
        **more,
    }


def prices(effect: EditEffect) -> list[tuple[str, str, Decimal, Decimal]]:
    return [
        (month.period, month.decisions_of, month.effect.price_before, month.effect.price_after)
        for month in effect.months
    ]


async def test_a_rate_is_reckoned_on_the_finished_and_on_the_running_month(
    database: Database,
) -> None:
    office = await Office.open(database)
    await office.usual()
    desktop = await product_id(office, DESKTOP.key)
    found = await effect_of(database, pending(office, "rate", rate(desktop, "6.00")), terms(office))
    assert prices(found) == [
        ("2026-10", "2026-10", Decimal("80.00"), Decimal("90.00")),
        ("2026-11", "2026-11", Decimal("80.00"), Decimal("90.00")),
    ]
    assert [month.running for month in found.months] == [False, True]
    (client,) = found.months[0].effect.clients
    assert (client.client, client.client_name, client.price_change) == (
        "1001",
        "Acme Ltd",
        Decimal("10.00"),
    )


async def test_nothing_is_stored_by_looking(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    desktop = await product_id(office, DESKTOP.key)

    async def stored() -> tuple[int, int | None]:
        async with database.reader() as conn:
            rows = await conn.scalar(select(func.count()).select_from(RateRow))
            return await data_version(conn), rows

    before = await stored()
    await effect_of(database, pending(office, "rate", rate(desktop, "6.00")), terms(office))
    assert await stored() == before


async def test_another_count_method_is_counted_again(database: Database) -> None:
    office = await Office.open(database)
    await office.usual(counts={"5": {DESKTOP.key: 4}})
    await office.pull({"5": {DESKTOP.key: 9}}, at=office.month_end(OCTOBER, days=10))
    await office.pull({"5": {DESKTOP.key: 4}}, at=office.month_end(OCTOBER, hours=1))
    desktop = await product_id(office, DESKTOP.key)
    found = await effect_of(
        database,
        pending(office, "quantity_rule", rule(desktop, count_method="peak")),
        terms(office),
    )
    finished = found.months[0].effect
    assert [(x.units_before, x.units_after) for x in finished.clients[0].lines] == [(4, 9)]
    assert finished.price_change == Decimal("25.00")


async def test_a_configuration_that_ends_leaves_no_line(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-10-01")
    (version,) = [one.version for found in data.shared_configurations.values() for one in found]
    found = await effect_of(
        database, pending(office, "billing_configuration", ended=[version]), terms(office)
    )
    assert found.months[0].effect.price_change == Decimal("-80.00")
    assert {x.fate.value for x in found.months[0].effect.clients[0].lines} == {"gone"}


async def test_a_rate_from_a_later_month_on_is_shown_with_the_counts_of_now(
    database: Database,
) -> None:
    office = await Office.open(database)
    await office.usual()
    desktop = await product_id(office, DESKTOP.key)
    found = await effect_of(
        database, pending(office, "rate", rate(desktop, "6.00", "2026-12-15")), terms(office)
    )
    assert found.begins == {"2027-01": 1}
    assert prices(found) == [
        ("2026-10", "2026-10", Decimal(0), Decimal(0)),
        ("2026-11", "2026-11", Decimal(0), Decimal(0)),
        ("2026-11", "2027-01", Decimal("80.00"), Decimal("90.00")),
    ]


async def test_a_month_without_counts_says_so(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    desktop = await product_id(office, DESKTOP.key)
    office.clock.moment = office.clock.moment.replace(year=2020)
    found = await effect_of(
        database,
        pending(office, "rate", rate(desktop, "6.00", "2019-01-01")),
        terms(office),
    )
    assert [month.counted for month in found.months] == [False, False]
    assert all(month.effect.clients == () for month in found.months)


async def test_only_accounts_of_clients_whose_decisions_differ_are_reckoned(
    database: Database,
) -> None:
    office = await Office.open(database)
    counts = {"5": {DESKTOP.key: 1}, "6": {DESKTOP.key: 1}, "7": {SERVER.key: 1}}
    await office.usual(counts=counts, accounts={"5": "1001", "6": "1002", "7": "1001"})
    desktop = await product_id(office, DESKTOP.key)
    edits = pending(office, "rate", rate(desktop, "9.00", client="1001"))
    async with database.reader() as conn:
        one = await load_billing_data(conn, period_first_day="2026-10-01")
        two = await load_billing_data(conn, period_first_day="2026-10-01", pending=edits)
    keys = {one.accounts[found].key for found in concerned(one, two, office.psa_connection.id)}
    assert keys == {"5", "7"}
    assert concerned(one, one, office.psa_connection.id) == frozenset()


async def test_a_bill_that_would_stop_is_told(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    server = await product_id(office, SERVER.key)
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-10-01")
    (old,) = data.rates[server, ""]
    dollars = {**rate(server, "20.00", "2026-01-01"), "currency": "USD"}
    found = await effect_of(
        database, pending(office, "rate", dollars, ended=[old.version]), terms(office)
    )
    (client,) = found.months[0].effect.clients
    assert client.stops == (f"CURRENCY_MISMATCH:{SERVER.key} (source-eu 5)",)


async def test_a_unit_kept_out_by_hand_is_counted_again_without_it(database: Database) -> None:
    office = await Office.open(database)
    await office.usual(counts={"5": {DESKTOP.key: 3}})
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-10-01")
    (account,) = data.accounts
    edits = pending(
        office,
        "unit_exclusion",
        {
            "account_id": account,
            "product_key": "",
            "unit": "de2",
            "reason": "a spare",
            "confirmed_by": "ann",
        },
    )
    found = (await effect_of(database, edits, terms(office))).months[0].effect
    assert [(x.units_before, x.units_after) for x in found.clients[0].lines] == [(3, 2)]


async def test_days_of_an_account_are_counted_again_and_concern_only_its_client(
    database: Database,
) -> None:
    office = await Office.open(database)
    counts = {"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 1}}
    await office.usual(accounts={"5": "1001", "6": "1002"}, counts=counts)
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-10-01")
    account = next(one.id for one in data.accounts.values() if one.key == "5")
    choice = {"account_id": account, "billing_start": "2026-10-31", "agreement_key": ""}
    by_days = pending(office, "account_billing", {**choice, "first_month": "by_days"})
    found = await effect_of(database, by_days, terms(office))
    october, november = found.months
    assert [one.client for one in october.effect.clients] == ["1001"]
    (client,) = october.effect.clients
    assert (client.price_before, client.price_after) == (Decimal("80.00"), Decimal("2.58"))
    assert november.effect.clients == ()
    full = pending(office, "account_billing", {**choice, "first_month": ""})
    assert all(
        not one.effect.clients for one in (await effect_of(database, full, terms(office))).months
    )
    configuration = {
        "uid": "c1",
        "connection_id": office.source.id,
        "name": "Managed",
        "mode": "average",
        "products": f'["{DESKTOP.key}", "{SERVER.key}"]',
        "last_month": "free",
    }
    (stored,) = data.shared_configurations[office.source.id]
    free = Pending(
        at=office.clock(),
        tables={
            "account_billing": Edits(
                new=[{**choice, "billing_start": "", "billing_end": "2026-10-31"}]
            ),
            "billing_configuration": Edits(new=[configuration], ended=frozenset({stored.version})),
        },
    )
    found = await effect_of(database, free, terms(office))
    assert [one.price_after for one in found.months[0].effect.clients] == [Decimal(0)]
