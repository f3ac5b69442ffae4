"""Two locations of one account: sites of one client, two clients, and a split that comes later."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import update

from syncd.core.store.connections import bump_data_version
from syncd.core.store.database import Database
from syncd.core.store.references import ReferenceEntry, ReferenceKind, store_references
from syncd.core.store.tables import ClientLink
from tests.builders_month import DESKTOP, NOVEMBER, OCTOBER, Office, rules_of

LOCATIONS = {"5/1": {DESKTOP.key: ["a", "b", "c", "d"]}, "5/2": {DESKTOP.key: ["e", "f", "g", "h"]}}


async def opened(database: Database, clients: dict[str, str]) -> Office:
    office = await Office.open(database)
    await office.pull({"5": {}, **LOCATIONS}, at=office.month_end(OCTOBER))
    for location, client in clients.items():
        await office.link(location, client)
    await office.asset_type(DESKTOP.key, "10")
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.rate(DESKTOP.key, "2.00", "5.00")
    await office.rule(DESKTOP.key, included=Decimal(5))
    return office


async def units(office: Office) -> dict[str, int]:
    stored = await office.plan()
    return {
        bill.account: change.after.quantity
        for bill in stored.record.plan.bills
        for change in bill.changes
    }


async def test_two_locations_of_one_client_share_what_is_included(database: Database) -> None:
    office = await opened(database, {"5/1": "1001", "5/2": "1001"})
    assert await units(office) == {"5/2": 3}, "4 + 4 - 5, and the first location has none left"


async def test_two_locations_of_two_clients_have_it_each(database: Database) -> None:
    office = await opened(database, {"5/1": "1001", "5/2": "1002"})
    await office.rule(DESKTOP.key, included=Decimal(1))
    assert await units(office) == {"5/1": 3, "5/2": 3}


async def test_a_link_names_the_site_and_else_the_main_site_is_taken(database: Database) -> None:
    office = await opened(database, {"5/1": "1001", "5/2": "1001"})
    await office.rule(DESKTOP.key, included=Decimal(0))
    async with database.writer() as conn:
        clients = [ReferenceEntry(key="1001", name="Acme Ltd", main_site="11")]
        sites = [
            ReferenceEntry(key="11", name="Main", parent="1001"),
            ReferenceEntry(key="12", name="Depot", parent="1001"),
        ]
        psa = office.psa_connection.id
        await store_references(conn, psa, ReferenceKind.CLIENT, clients, now=office.clock())
        await store_references(conn, psa, ReferenceKind.SITE, sites, now=office.clock())
        table = ClientLink.__table__  # type: ignore[attr-defined]
        second = max(
            row[0] for row in await conn.execute(table.select().with_only_columns(table.c.id))
        )
        await conn.execute(update(table).where(table.c.id == second).values(site_key="12"))
        await bump_data_version(conn)
    bills = {one.account: one for one in (await office.plan()).record.plan.bills}
    assert [one.fields.site for one in bills["5/1"].changes] == ["11"]
    assert [one.fields.site for one in bills["5/2"].changes] == ["12"]
    assert (bills["5/1"].site, bills["5/2"].site) == ("", "Depot")


async def test_a_split_that_comes_later_takes_the_whole_to_zero_and_holds_both_sides(
    database: Database,
) -> None:
    office = await opened(database, {})
    await office.rule(DESKTOP.key, included=Decimal(0))
    whole = {"5": {DESKTOP.key: ["a", "b", "c", "d", "e", "f", "g", "h"]}, "5/1": {}, "5/2": {}}
    await office.pull(whole, at=office.month_end(OCTOBER, hours=1))
    await office.link("5", "1001")
    await office.bill()
    await office.month(NOVEMBER, {"5": {}, **LOCATIONS})  # type: ignore[dict-item]
    for location in LOCATIONS:
        await office.link(location, "1001")
    stored = await office.plan()
    after = {
        bill.account: (change.after.quantity, change.money_effect)
        for bill in stored.record.plan.bills
        for change in bill.changes
    }
    assert after == {
        "5": (0, Decimal("-40.00")),
        "5/1": (4, Decimal("20.00")),
        "5/2": (4, Decimal("20.00")),
    }
    assert {"FELL_TO_ZERO", "FIRST_BILL"} <= rules_of(stored.record.objections)
    assert {bill.state.value for bill in stored.record.bills} == {"held"}
