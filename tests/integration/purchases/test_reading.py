"""Reading what a vendor charges: sums are exact, only a whole read replaces, nothing is lost."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.core.service.purchase_sums import PurchaseSums
from syncd.core.service.purchases import PurchasesOutcome, read_purchases, run_purchases
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.core.store.purchases import FINE, SpilledRow, StoredRead, load_sums, standing_reads
from syncd.core.store.runs import RunStatus, recent_runs
from syncd.sdk.errors import ProtocolError, RateLimited
from syncd.sdk.records import PurchaseLine, ScopeState
from tests.builders_data import Clock, StrictLog
from tests.builders_purchases import OCTOBER, Vendor, added_up, line, proof

SumKey = tuple[str, ...]


async def seller(database: Database) -> ConnectionRef:
    async with database.writer() as conn:
        return await ensure_connection(conn, "seller", "scripted")


async def read(
    database: Database, vendor: Vendor, *, billed: bool = True, most_groups: int = 2
) -> None:
    await read_purchases(
        database,
        await seller(database),
        vendor,
        period=OCTOBER,
        billed=billed,
        clock=Clock(),
        log=StrictLog(),
        most_groups=most_groups,
    )


async def run(database: Database, vendor: Vendor) -> PurchasesOutcome:
    return await run_purchases(
        database,
        await seller(database),
        vendor.opened,
        period=OCTOBER,
        billed=True,
        scheduled_for=None,
        clock=Clock(),
        log=StrictLog(),
        node="here",
    )


async def standing(database: Database, *, billed: bool = True) -> StoredRead | None:
    async with database.reader() as conn:
        found = await standing_reads(conn, str(OCTOBER), billed=billed)
    return next(iter(found.values()), None)


async def stored(
    database: Database, *, billed: bool = True
) -> dict[SumKey, tuple[Decimal, Decimal, int]]:
    found = await standing(database, billed=billed)
    assert found is not None
    async with database.reader() as conn:
        return {
            (one.account, one.sku, one.subscription, one.charge, one.currency): (
                one.quantity,
                one.cost,
                one.lines,
            )
            for one in await load_sums(conn, found.id)
        }


LINES = (
    line(quantity="10", cost="100.00"),
    line(quantity="2", cost="3.33333333", charge="addquantity"),
    line(quantity="-10", cost="-50.01"),
    line("t2", "OFFER:0002", "s2", cost="0.00000001"),
    line("t2", "OFFER:0002", "s2", cost="7.5", currency="USD"),
    line("", "ROUNDING", "", cost="-0.02", charge="customercredit"),
    line("t9", quantity="0.1", cost="0.2"),
    line("t9", quantity="0.2", cost="0.1"),
)


async def test_lines_are_added_up_by_customer_purchase_charge_and_currency(
    database: Database,
) -> None:
    await read(database, Vendor(LINES))
    assert await stored(database) == added_up(LINES)


async def test_lines_that_name_no_customer_are_kept(database: Database) -> None:
    await read(database, Vendor(LINES))
    assert (await stored(database))["", "ROUNDING", "", "customercredit", "GBP"][1] == Decimal(
        "-0.02"
    )


async def test_what_is_finer_than_8_decimals_is_rounded_once_per_sum(database: Database) -> None:
    tiny = [
        line(cost="0.000000004000000001"),
        line(cost="0.000000004"),
        line("t2", cost="-0.000000004"),
    ]
    await read(database, Vendor(tiny), most_groups=1)
    found = await stored(database)
    assert {key[0]: sums[1] for key, sums in found.items()} == {
        "t1": Decimal("0.00000001"),
        "t2": Decimal("0.00"),
    }


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e-70", "1e30"])
async def test_an_amount_that_cannot_be_added_exactly_fails_the_read(
    sqlite_database: Database, amount: str
) -> None:
    await read(sqlite_database, Vendor(LINES))
    with pytest.raises(ProtocolError, match="an amount in a line"):
        await read(sqlite_database, Vendor([line(cost=amount), line(cost="1")]))
    assert await stored(sqlite_database) == added_up(LINES)


async def test_a_whole_read_replaces_the_former_one(database: Database) -> None:
    await read(database, Vendor(LINES))
    await read(database, Vendor(LINES[:2]))
    assert await stored(database) == added_up(LINES[:2])


async def test_what_is_not_invoiced_yet_stands_apart_and_keeps_no_history(
    database: Database,
) -> None:
    await read(database, Vendor(LINES))
    for lines in (LINES[:1], LINES[:2]):
        await read(database, Vendor(lines), billed=False)
    assert await stored(database) == added_up(LINES)
    assert await stored(database, billed=False) == added_up(LINES[:2])
    async with database.reader() as conn:
        assert len(await load_sums(conn, 2)) == 0
        assert len(await load_sums(conn, 1)) == len(added_up(LINES))


async def test_an_incomplete_read_changes_nothing_and_is_an_issue_until_a_whole_one(
    database: Database,
) -> None:
    await read(database, Vendor(LINES))
    broken = Vendor(LINES[:3], proof=proof(ScopeState.PARTIAL, 3, "PAGE_CUT_SHORT: blob 2"))
    outcome = await run(database, broken)
    assert outcome.exit_code == 6
    assert await stored(database) == added_up(LINES)
    async with database.reader() as conn:
        (issue,) = await open_issues(conn)
        (told,) = await recent_runs(conn, limit=5)
    assert (issue.code, issue.subject) == ("PURCHASES_INCOMPLETE", "seller/2026-10")
    assert "PAGE_CUT_SHORT: blob 2" in issue.message
    assert "the former read stands" in issue.message
    assert "`syncd reconcile 2026-10 --fresh`" in issue.remedy
    assert (told.kind, told.status) == ("purchases 2026-10", RunStatus.PARTIAL)
    assert (await run(database, Vendor(LINES))).exit_code == 0
    async with database.reader() as conn:
        assert await open_issues(conn) == []


async def test_a_proof_of_other_lines_than_came_is_none(database: Database) -> None:
    outcome = await run(database, Vendor(LINES, proof=proof(ScopeState.COMPLETE, 7)))
    assert outcome.proof is not None
    assert outcome.proof.state is ScopeState.PARTIAL
    assert outcome.proof.reasons == ("TOTAL_MISSED: 7 lines were proven and 8 came",)
    assert await standing(database) is None


async def test_invoices_that_were_read_do_not_vanish(database: Database) -> None:
    await read(database, Vendor(LINES))
    gone = Vendor((), documents=(), notes=("NO_INVOICE_YET",))
    outcome = await run(database, gone)
    assert outcome.exit_code == 6
    assert await stored(database) == added_up(LINES)


async def test_a_vendor_that_fails_leaves_the_former_read_and_says_why(database: Database) -> None:
    await read(database, Vendor(LINES))
    outcome = await run(database, Vendor(LINES[:3], error=RateLimited("wait")))
    assert outcome.exit_code == RateLimited.exit_code
    assert await stored(database) == added_up(LINES)
    async with database.reader() as conn:
        (issue,) = await open_issues(conn)
    assert issue.code == RateLimited.code


async def test_a_cancelled_read_leaves_the_former_one(database: Database) -> None:
    await read(database, Vendor(LINES))
    with pytest.raises(asyncio.CancelledError):
        await run(database, Vendor(LINES[:3], error=asyncio.CancelledError()))
    assert await stored(database) == added_up(LINES)


AMOUNTS = st.decimals(-(10**6), 10**6, places=8, allow_nan=False)
A_LINE = st.builds(
    lambda account, sku, charge, currency, quantity, cost: line(
        account, sku, f"s{sku}", charge=charge, currency=currency, quantity=quantity, cost=cost
    ),
    st.sampled_from(["", "t1", "t2"]),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["new", "cancel"]),
    st.sampled_from(["GBP", "EUR"]),
    AMOUNTS.map(str),
    AMOUNTS.map(str),
)


@given(st.lists(A_LINE, max_size=40), st.lists(st.integers(0, 40), max_size=8), st.integers(1, 9))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_sums_are_those_of_the_lines_however_they_are_cut(
    lines: list[PurchaseLine], cuts: list[int], most: int
) -> None:
    spilled: list[SpilledRow] = []

    async def spill(rows: list[SpilledRow]) -> None:
        await asyncio.sleep(0)
        spilled.extend(rows)

    async def stream() -> None:
        sums = PurchaseSums(spill, connection="seller", most_groups=most)  # type: ignore[arg-type]
        edges = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
        parts = [lines[a:b] for a, b in itertools.pairwise(edges)]
        await asyncio.gather(*(sums.add(part) for part in parts))
        await sums.hand_on()
        assert sums.lines == len(lines)

    asyncio.run(stream())
    found: dict[SumKey, tuple[Decimal, Decimal, int]] = {}
    for row in spilled:
        before = found.get(row[:5], (Decimal(0), Decimal(0), 0))
        quantity, cost = (
            Decimal(whole * FINE + rest).scaleb(-16)
            for whole, rest in ((row[8], row[9]), (row[10], row[11]))
        )
        found[row[:5]] = (before[0] + quantity, before[1] + cost, before[2] + row[12])
    assert found == added_up(lines)
