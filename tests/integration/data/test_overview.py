"""At a glance: what is counted and not billed, what is late, and what to do next."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import insert, text

from syncd.core.service.connection_health import connection_failed
from syncd.core.service.mapping_issues import sync_mapping_issues
from syncd.core.service.overview import Freshness, Watched, freshness, look
from syncd.core.service.unmapped import find_unmapped
from syncd.core.store.connections import ensure_connection
from syncd.core.store.plans import PlanBillState
from syncd.core.store.tables import PlanBill, PlanRow
from syncd.core.store.tables.books import LedgerReferenceRow
from syncd.sdk.errors import AuthError
from tests.builders_census import START, pull
from tests.builders_data import NOW, Office, device

DAY = timedelta(days=1)
CONFIGURATIONS = (
    "uid,connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,"
    "position\n"
)


async def test_everything_counted_and_not_billed_is_listed_with_how_much(office: Office) -> None:
    await office.take("links", "connection,account,client,site\nrmm,a,1,\n")
    await office.take("products", "connection,product,asset_type\nrmm,device:server,10\n")
    row = ",rmm,,Servers,average,device:server,,,,,\n"
    await office.take("configurations", CONFIGURATIONS + row)
    found = await find_unmapped(office.database, today=date(2026, 11, 20))
    assert [(one.account, one.units, one.quantities) for one in found.accounts] == [
        ("b", 1, {"device:workstation": 1})
    ]
    assert [(one.product, one.units, one.accounts) for one in found.products] == [
        ("device:workstation", 2, 2)
    ]
    assert [(one.product, one.units) for one in found.unconfigured] == [("device:workstation", 1)]


async def test_a_product_whose_configurations_bring_an_asset_type_lacks_none(
    office: Office,
) -> None:
    row = ",rmm,,All,average,device:server;device:workstation,20,,,,\n"
    await office.take("configurations", CONFIGURATIONS + row)
    found = await find_unmapped(office.database, today=date(2026, 11, 20))
    assert found.products == []
    assert await office.issues("UNMAPPED_PRODUCT") == []


async def test_excluded_units_and_empty_accounts_raise_no_issue(office: Office) -> None:
    await pull(
        office.database,
        office.source,
        [device("a", "1"), device("b", "4", excluded="spare")],
        roster=("a", "b", "c"),
    )
    await office.take("links", "connection,account,client,site\nrmm,a,1,\n")
    assert await office.issues("UNLINKED_ACCOUNT") == []
    found = await find_unmapped(office.database, today=date(2026, 11, 20))
    assert [(one.account, one.units) for one in found.accounts] == [("b", 0), ("c", 0)]


@pytest.mark.parametrize(
    ("age", "due_every", "expected"),
    [
        (None, None, Freshness.NEVER),
        (timedelta(hours=47), None, Freshness.FRESH),
        (timedelta(hours=49), None, Freshness.LATE),
        (timedelta(hours=5), timedelta(hours=6), Freshness.FRESH),
        (timedelta(hours=8), timedelta(hours=6), Freshness.LATE),
        (timedelta(hours=6), timedelta(hours=6), Freshness.FRESH),
        (timedelta(hours=49), timedelta(days=7), Freshness.LATE),
    ],
)
def test_late_is_a_missed_due_time_or_too_old_to_bill(
    age: timedelta | None, due_every: timedelta | None, expected: Freshness
) -> None:
    as_of = None if age is None else NOW - age
    due = None if due_every is None else (lambda moment: moment - (moment - NOW) % due_every)
    assert freshness(as_of, due, now=NOW, max_age=2 * DAY) is expected


async def test_the_overview_of_a_new_installation_says_where_to_begin(office: Office) -> None:
    unused = [Watched(name="fresh", counts=True), Watched(name="other-desk", counts=False)]
    seen = await look(office.database, unused, now=NOW, max_age=2 * DAY, live=False)
    assert [one.freshness for one in seen.connections] == [Freshness.NEVER, Freshness.NEVER]
    assert seen.next == [
        "`syncd pull fresh`: fresh is never read",
        "`syncd map refresh`: other-desk is never read",
    ]


async def test_a_book_is_as_fresh_as_its_catalogues_and_one_without_a_table_is_not_used(
    office: Office,
) -> None:
    async with office.database.writer() as conn:
        book = await ensure_connection(conn, "books", "ledger")
        row = LedgerReferenceRow(
            connection_id=book.id,
            kind="account",
            key="200",
            name="Sales",
            active=True,
            content="{}",
            seen_at=NOW - 3 * DAY,
        )
        await conn.execute(insert(LedgerReferenceRow), row.model_dump(exclude={"id"}))
    watched = [
        Watched(name="books", counts=False, refresh="map books books --refresh", runs="books"),
        Watched(name="new-books", counts=False, refresh="map books new-books --refresh"),
        Watched(name="other-books", counts=False, refresh=None),
    ]
    seen = await look(office.database, watched, now=NOW, max_age=2 * DAY, live=False)
    old, new, unused = seen.connections
    assert (old.freshness, old.as_of) == (Freshness.LATE, NOW - 3 * DAY)
    assert (new.freshness, unused.freshness) == (Freshness.NEVER, Freshness.UNUSED)
    assert seen.next[:2] == [
        "`syncd map books books --refresh`: books is late",
        "`syncd map books new-books --refresh`: new-books is never read",
    ]
    assert not [one for one in seen.next if "other-books" in one]


async def test_the_overview_names_what_is_late_broken_unlinked_and_waiting(
    office: Office,
) -> None:
    await sync_mapping_issues(office.database, office.source, now=NOW, log=office.log)
    await connection_failed(
        office.database, office.psa, AuthError("refused"), now=NOW, log=office.log
    )
    watched = [Watched(name="rmm", counts=True), Watched(name="desk", counts=False)]
    seen = await look(office.database, watched, now=NOW, max_age=2 * DAY, live=True)
    rmm, desk = seen.connections
    assert (rmm.freshness, rmm.as_of, rmm.accounts, rmm.linked) == (Freshness.LATE, START, 2, 0)
    assert (desk.available, desk.trouble, desk.freshness) == (False, "refused", Freshness.FRESH)
    assert (dict(rmm.issues), dict(desk.issues)) == ({"warning": 3}, {"error": 1})
    assert seen.next == [
        "`syncd pull rmm`: rmm is late",
        "`syncd check desk`: refused",
        "`syncd map propose`: accounts with units have no client",
        "`syncd map unmapped`: products in use have no asset type",
        "`syncd issues`: something needs a person",
    ]


@pytest.mark.parametrize(
    ("live", "hint"),
    [
        (True, "`syncd apply 2026-10-1`: bills are ready to be sent"),
        (False, "`syncd plans show 2026-10-1`: compare it; in shadow mode nothing is sent"),
    ],
)
async def test_bills_that_wait_are_counted_and_the_next_step_fits_the_mode(
    office: Office, live: bool, hint: str
) -> None:
    await store_bills(office, [PlanBillState.HELD, PlanBillState.READY, PlanBillState.READY])
    seen = await look(office.database, [], now=NOW, max_age=2 * DAY, live=live)
    assert [(one.plan, one.state, one.count) for one in seen.bills] == [
        ("2026-10-1", "held", 1),
        ("2026-10-1", "ready", 2),
    ]
    assert seen.next == ["`syncd plans show 2026-10-1`: bills wait for a person", hint]


async def store_bills(office: Office, states: list[PlanBillState]) -> None:
    """An open plan with bills in these states."""
    async with office.database.writer() as conn:
        account = (await conn.execute(text("SELECT MIN(id) FROM account"))).scalar_one()
        await conn.execute(
            insert(PlanRow).values(
                id="2026-10-1",
                kind="billing",
                period="2026-10",
                state="open",
                currency="GBP",
                made_at=NOW,
                data_version=0,
                digest="",
                content=b"{}",
            )
        )
        await conn.execute(
            insert(PlanBill),
            [
                {
                    "plan_id": "2026-10-1",
                    "bill_key": str(n),
                    "account_id": account,
                    "state": state.value,
                    "detail": "",
                    "released_by": "",
                    "release_reason": "",
                    "basis": "[]",
                }
                for n, state in enumerate(states)
            ],
        )
