"""Why a billed number is what it is: from the stored basis and the census at the pull it names.

Nothing is computed anew from today's rates, rules or links, so the answer is the same after later
pulls, edits and renames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.basis import BillBasis, LineBasis, ProductBasis, decode_bill, decode_line
from syncd.core.service.clients import find_client
from syncd.core.service.explanation import (
    DaySpan,
    ExplainedLine,
    ExplainedProduct,
    Explanation,
    Since,
)
from syncd.core.service.refusals import NothingToExplain
from syncd.core.service.steps import steps_of
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.bills import SentBill, bills_of, bills_of_client
from syncd.core.store.census.counts import counts_at
from syncd.core.store.census.evidence import evidence, movements
from syncd.core.store.census.records import EvidenceUnit
from syncd.core.store.census.snapshots import day_snapshots
from syncd.core.store.connections import find_connection
from syncd.core.store.lines import record_of_key
from syncd.core.store.outbox import OutboxState, of_plan
from syncd.core.store.plan_history import newest_bill_of
from syncd.sdk.period import Period, day_start

if TYPE_CHECKING:
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A line to explain, from a sent bill or a plan."""

    bill: BillBasis
    line: LineBasis
    status: str
    plan_id: str
    recorded_at: datetime | None
    completed_at: datetime | None


_STATUS = {
    OutboxState.DELIVERED: "sent",
    OutboxState.REJECTED: "not sent, rejected by the PSA",
    OutboxState.NEEDS_REVIEW: "in doubt, needs a person",
}


async def explain(
    database: Database,
    client: str,
    product: str | None,
    *,
    psa_name: str,
    timezone: ZoneInfo,
    period: Period | None = None,
) -> Explanation:
    """Explain what a client was billed, or would be by the newest plan where nothing was sent.

    Args:
        database: where everything is.
        client: PSA id, or a name that one client has.
        product: only this product, by key or name; None for all.
        psa_name: connection of the PSA.
        timezone: of billing.
        period: the month; None for the one billed last.

    Raises:
        ClientUnknown: the client is not exactly one.
        NothingToExplain: no bill and no plan has it.
    """
    async with database.reader() as conn:
        psa = await find_connection(conn, psa_name)
        psa_id = psa.id if psa is not None else 0
        data = await load_billing_data(conn, period_first_day="0001-01-01")
        entry = find_client(data, psa_id, client)
        accounts = data.accounts_of_client(psa_id, entry.key)
        found = await _sent(conn, entry.key, period) or await _planned(
            conn, accounts, entry.key, period
        )
        chosen = [one for one in found if _has(one.line, product)]
        if not chosen:
            _refuse(entry.name, product, period, found)
        lines = [await _explained(conn, one, product, timezone) for one in chosen]
    return Explanation(
        client=entry.key,
        client_name=entry.name,
        period=lines[0].bill.period,
        lines=tuple(lines),
    )


async def _sent(conn: AsyncConnection, client: str, period: Period | None) -> list[_Found]:
    """Lines of the client's bills of the month, the newest revision of each account."""
    bills = await bills_of_client(conn, client, period=None if period is None else str(period))
    newest = max((bill.period for bill in bills), default="")
    found: list[_Found] = []
    seen: set[int] = set()
    for bill in bills:
        if bill.period != newest or bill.account_id in seen:
            continue
        seen.add(bill.account_id)
        ends = {}
        if bill.completed_at is None:
            writes = await of_plan(conn, bill.plan_id)
            ends = {one.line_uid: one.state for one in writes if one.account_id == bill.account_id}
        found += _lines_of(bill, ends)
    return found


def _lines_of(bill: SentBill, ends: Mapping[str, OutboxState]) -> Iterator[_Found]:
    """Lines with how their write stands; one that needed no write is as it was sent before."""
    for sent in bill.lines:
        basis = decode_line(sent.basis)
        yield _Found(
            bill=basis.bill,
            line=basis.line,
            status=_STATUS.get(ends.get(sent.line_uid, OutboxState.DELIVERED), "being sent"),
            plan_id=bill.plan_id,
            recorded_at=bill.recorded_at,
            completed_at=bill.completed_at,
        )


async def _planned(
    conn: AsyncConnection, accounts: Sequence[int], client: str, period: Period | None
) -> list[_Found]:
    """Lines of the newest plan that has the accounts."""
    found: list[_Found] = []
    for account_id in accounts:
        stored = await newest_bill_of(
            conn, account_id, period=None if period is None else str(period)
        )
        if stored is None:
            continue
        basis = decode_bill(stored.basis)
        if basis.client != client:
            continue
        found += [
            _Found(
                bill=basis,
                line=line,
                status=f"planned, {stored.state.value}",
                plan_id=stored.plan_id,
                recorded_at=None,
                completed_at=None,
            )
            for line in basis.lines
        ]
    newest = max((one.bill.period for one in found), default="")
    return [one for one in found if one.bill.period == newest]


def _has(line: LineBasis, product: str | None) -> bool:
    return product is None or any(_is(item, product) for item in line.products)


def _is(item: ProductBasis, product: str) -> bool:
    wanted = product.strip().casefold()
    return wanted in {item.key.casefold(), item.name.casefold()}


def _refuse(
    client: str, product: str | None, period: Period | None, found: Sequence[_Found]
) -> None:
    when = "" if period is None else f" for {period}"
    if product is None or not found:
        message = f"{client} has no bill and no planned bill{when}"
        raise NothingToExplain(
            message, remedy="`syncd plan billing` makes one; `syncd issues` says what stops it"
        )
    offered = sorted({item.key for one in found for item in one.line.products})
    message = f"no line of {client}{when} has a product '{product}'"
    raise NothingToExplain(message, remedy=f"it is billed for: {', '.join(offered) or 'nothing'}")


async def _explained(
    conn: AsyncConnection, found: _Found, product: str | None, timezone: ZoneInfo
) -> ExplainedLine:
    bill = found.bill
    record = await record_of_key(conn, found.line.external_key)
    before = await _bill_before(conn, bill)
    return ExplainedLine(
        bill=bill,
        line=found.line,
        status=found.status,
        plan_id=found.plan_id,
        recorded_at=found.recorded_at,
        completed_at=found.completed_at,
        remote=record.remote if record is not None else None,
        products=tuple(
            [
                await _product(conn, found, item, before, timezone)
                for item in found.line.products
                if product is None or _is(item, product)
            ]
        ),
    )


async def _bill_before(conn: AsyncConnection, bill: BillBasis) -> SentBill | None:
    """The account's newest bill of an earlier month."""
    found = await bills_of(conn, bill.account_id)
    return next((one for one in found if one.period < bill.period), None)


async def _product(
    conn: AsyncConnection,
    found: _Found,
    item: ProductBasis,
    before: SentBill | None,
    timezone: ZoneInfo,
) -> ExplainedProduct:
    bill, snapshot = found.bill, found.bill.snapshot
    counted: list[EvidenceUnit] = []
    excluded: list[EvidenceUnit] = []
    days: list[DaySpan] = []
    since: Since | None = None
    if snapshot is not None and item.product_id is not None:
        for unit in await evidence(conn, bill.account_id, item.product_id, snapshot.seq):
            counts = unit.excluded is None or unit.excluded in item.included_reasons
            (counted if counts else excluded).append(unit)
        if item.month is not None:
            days = await _days(conn, found, item, timezone)
        since = await _since(conn, bill, item, before)
    return ExplainedProduct(
        basis=item,
        steps=steps_of(item, found.line, bill.currency),
        counted=tuple(counted),
        excluded=tuple(excluded),
        days=tuple(days),
        since=since,
    )


async def _since(
    conn: AsyncConnection, bill: BillBasis, item: ProductBasis, before: SentBill | None
) -> Since | None:
    """The difference to the bill before, where that had the product and names its pull."""
    assert bill.snapshot is not None
    assert item.product_id is not None
    for sent in before.lines if before is not None else ():
        basis = decode_line(sent.basis)
        earlier = next((one for one in basis.line.products if one.key == item.key), None)
        pull = basis.bill.snapshot
        if earlier is None or pull is None or pull.seq > bill.snapshot.seq:
            continue
        return Since(
            period=basis.bill.period,
            quantity=int(earlier.raw),
            movements=await movements(
                conn,
                bill.account_id,
                item.product_id,
                pull.seq,
                bill.snapshot.seq,
                included=item.included_reasons,
            ),
        )
    return None


async def _days(
    conn: AsyncConnection, found: _Found, item: ProductBasis, timezone: ZoneInfo
) -> list[DaySpan]:
    """Counts at the end of each day as they were known when the bill was made, days in a row."""
    bill = found.bill
    days = Period.parse(bill.period).days
    ends = [day_start(day + timedelta(days=1), timezone) for day in days]
    shots = await day_snapshots(conn, bill.connection_id, ends, as_of=found.recorded_at)
    counts: dict[int, int] = {}
    spans: list[DaySpan] = []
    for day, seq in zip(days, shots.of(bill.account_id), strict=True):
        if seq is None:
            continue
        if seq not in counts:
            rows = await counts_at(
                conn,
                bill.connection_id,
                seq,
                accounts=[bill.account_id],
                included=item.included_reasons,
            )
            counts[seq] = sum(row.quantity for row in rows if row.product_id == item.product_id)
        last = spans[-1] if spans else None
        if last is not None and last.quantity == counts[seq] and (day - last.last).days == 1:
            spans[-1] = DaySpan(first=last.first, last=day, quantity=last.quantity)
        else:
            spans.append(DaySpan(first=day, last=day, quantity=counts[seq]))
    return spans
