"""A committed count is a product of its connector: mapped, billed and explained like any other."""

from __future__ import annotations

import pytest

from syncd.core.service.explain import explain
from syncd.core.service.mapping_csv import import_sheet
from syncd.core.service.mapping_issues import sync_mapping_issues
from syncd.core.service.same_seats import counted_twice, held_elsewhere
from syncd.core.service.sheet_change import Import
from syncd.core.service.sheets import SHEETS
from syncd.core.service.unit_figures import words_of_figures
from syncd.core.service.unmapped import find_unmapped
from syncd.core.store.database import Database
from syncd.sdk.records import Observation, Product
from tests import builders_census as census
from tests.builders_month import LONDON, OCTOBER, Office

ASSIGNED = Product("sku:premium:assigned", "Premium, assigned")
BOUGHT = Product("sku:premium:bought", "Premium, bought")
COMMITTED = Product("sku:premium:committed", "Premium, committed")


@pytest.fixture
async def office(database: Database) -> Office:
    """Twenty seats are assigned and 25 are bought, so 25 are committed."""
    made = await Office.open(database)
    await census.pull(
        database,
        made.source,
        [
            Observation("5", product.key, "premium", seats, "Premium", b"{}", None)
            for product, seats in ((ASSIGNED, 20), (BOUGHT, 25), (COMMITTED, 25))
        ],
        roster=["5"],
        at=made.month_end(OCTOBER),
        products=(ASSIGNED, BOUGHT, COMMITTED),
    )
    await made.link("5", "1001")
    return made


@pytest.mark.parametrize(("product", "seats"), [(COMMITTED, 25), (ASSIGNED, 20)])
async def test_the_mapping_says_which_count_bills(
    office: Office, product: Product, seats: int
) -> None:
    await office.asset_type(product.key, "10")
    await office.configure("c1", "Cloud", "average", [product.key])
    await office.rate(product.key, "16.00", "20.00")
    await office.bill()
    (record,) = office.psa.records.values()
    assert record.quantity == seats
    found = await explain(
        office.database, "1001", None, psa_name="psa", timezone=LONDON, period=OCTOBER
    )
    (line,) = found.lines
    (shown,) = line.products
    assert (shown.basis.key, [unit.quantity for unit in shown.counted]) == (product.key, [seats])


async def test_seats_that_nothing_counts_for_a_bill_are_one_gap_and_one_way_closes_it(
    office: Office,
) -> None:
    async def gaps() -> list[str]:
        now = office.clock()
        await sync_mapping_issues(office.database, office.source, now=now, log=office.log)
        return [one for one in await office.issues() if one.startswith("UNMAPPED_PRODUCT")]

    assert len(await gaps()) == 1
    await office.asset_type(COMMITTED.key, "10")
    assert await gaps() == []
    found = await find_unmapped(office.database, today=office.clock().date())
    assert found.products == []
    assert {one.product for one in found.unconfigured} == {
        ASSIGNED.key,
        BOUGHT.key,
        COMMITTED.key,
    }
    await office.configure("c1", "Cloud", "average", [COMMITTED.key])
    found = await find_unmapped(office.database, today=office.clock().date())
    assert found.unconfigured == []


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        (b'{"bought":1025,"assigned":20,"part":"SPB","enabled":true}', "assigned 20, bought 1,025"),
        (b'{"locked_out":3}', "locked out 3"),
        (b"{}", ""),
        (b"[1]", ""),
        (b"", ""),
    ],
)
def test_what_a_number_of_seats_was_found_from_is_told(attributes: bytes, words: str) -> None:
    assert words_of_figures(attributes) == words


@pytest.mark.parametrize(
    ("key", "decided", "held"),
    [
        ("sku:a:assigned", {"sku:a:bought"}, True),
        ("sku:a:free", {"sku:a:bought"}, True),
        ("sku:a:warning", {"sku:a:bought"}, False),
        ("sku:a:warning", {"sku:a:committed"}, True),
        ("sku:a:assigned", {"sku:b:bought"}, False),
        ("sku:a:assigned", {"sku:a:warning"}, False),
        ("device:server", {"device:pc"}, False),
    ],
)
def test_which_ways_of_counting_hold_another(key: str, decided: set[str], held: bool) -> None:
    assert held_elsewhere(key, decided) is held


@pytest.mark.parametrize(
    ("keys", "groups"),
    [
        (["sku:a:assigned", "sku:a:committed"], [("sku:a:assigned", "sku:a:committed")]),
        (["sku:a:assigned", "sku:b:committed", "device:server"], []),
        (["sku:a:bought", "x", "sku:a:assigned"], [("sku:a:bought", "sku:a:assigned")]),
        (["assigned", "committed"], []),
    ],
)
def test_products_that_count_the_same_seats_are_known_by_their_keys(
    keys: list[str], groups: list[tuple[str, ...]]
) -> None:
    assert counted_twice(keys) == groups


async def test_a_line_that_bills_the_same_seats_twice_is_told_when_it_is_mapped(
    office: Office,
) -> None:
    rows = (
        "connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,position\n"
        f"source-eu,,Cloud,average,{ASSIGNED.key};{COMMITTED.key},10,,,,\n"
        f"source-eu,5,Own,average,{COMMITTED.key},10,,,,\n"
    )
    change = await import_sheet(
        office.database,
        SHEETS["configurations"],
        rows.encode(),
        Import(
            file="configurations.csv",
            psa=office.psa_connection,
            currency="GBP",
            confirmed_by="ann",
        ),
        now=office.clock(),
        log=office.log,
    )
    (note,) = change.notes
    assert note.startswith("'Cloud' for all accounts of source-eu bills the same seats 2 times: ")
    assert note.endswith("sku:premium:assigned, sku:premium:committed")
