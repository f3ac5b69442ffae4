"""Names change, repeat and differ in case only; what is billed hangs on ids."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.service.clients import find_client
from syncd.core.service.refusals import ClientUnknown
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.database import Database
from syncd.core.store.references import ReferenceEntry, ReferenceKind, store_references
from syncd.sdk.records import Product
from tests import builders_month
from tests.builders_month import DESKTOP, NOVEMBER, OCTOBER, SERVER, Office


async def two_of_one_name(database: Database, first: str, second: str) -> Office:
    """Two accounts and two clients that people cannot tell apart."""
    office = await Office.open(database, {"1001": first, "1002": second})
    both = {"5": {DESKTOP.key: 10}, "6": {DESKTOP.key: 3}}
    await office.pull(both, at=office.month_end(OCTOBER))
    for account, client, name in (("5", "1001", first), ("6", "1002", second)):
        await office.link(account, client)
        await office.rename_account(account, name)
    await office.asset_type(DESKTOP.key, "10")
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.rate(DESKTOP.key, "2.00", "5.00")
    return office


@pytest.mark.parametrize(
    ("first", "second"), [("Acme Ltd", "Acme Ltd"), ("Acme Ltd", "ACME LTD"), ("Acme", "acme ")]
)
async def test_two_companies_of_one_name_are_two_bills_at_their_own_clients(
    database: Database, first: str, second: str
) -> None:
    office = await two_of_one_name(database, first, second)
    assert (await office.bill()).exit_code == 0
    found = {(r.client, r.quantity, r.unit_price) for r in office.psa.records.values()}
    assert found == {("1001", 10, Decimal("5.00")), ("1002", 3, Decimal("5.00"))}


async def test_a_name_that_two_clients_have_chooses_nobody(database: Database) -> None:
    office = await two_of_one_name(database, "Acme Ltd", "ACME ltd")
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-10-01")
    with pytest.raises(ClientUnknown) as refused:
        find_client(data, office.psa_connection.id, "acme LTD")
    assert {"1001", "1002"} <= {
        word.strip(",.()") for word in f"{refused.value} {refused.value.remedy}".split()
    }
    assert find_client(data, office.psa_connection.id, "1002").key == "1002"


async def test_a_product_renamed_at_the_source_keeps_its_line_and_record(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await Office.open(database)
    await office.usual()
    await office.bill()
    renamed = (Product(DESKTOP.key, "Endpoints"), SERVER)
    monkeypatch.setattr(builders_month, "PRODUCTS", renamed)
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    stored = await office.plan()
    assert {change.kind.value for change in stored.plan.bills[0].changes} == {"update"}
    assert stored.record.objections == ()
    await office.apply()
    assert {r.name: r.quantity for r in office.psa.records.values()} == {
        "Managed - Workstation": 12,
        "Managed - Server": 2,
    }


async def test_a_client_renamed_in_the_psa_keeps_its_link_and_record(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    await office.bill()
    async with database.writer() as conn:
        names = [
            ReferenceEntry(key="1001", name="Acme Group"),
            ReferenceEntry(key="1002", name="X"),
        ]
        await store_references(
            conn, office.psa_connection.id, ReferenceKind.CLIENT, names, now=office.clock()
        )
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    stored = await office.plan()
    assert stored.plan.bills[0].client_name == "Acme Group"
    assert {change.kind.value for change in stored.plan.bills[0].changes} == {"update"}
    assert (await office.apply()).exit_code == 0
    assert len(office.psa.records) == 2
