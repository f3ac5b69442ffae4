"""What a person says to a held bill or to a write in doubt: released, settled, or given up.

Every word is kept with who said it and why; nothing here writes to the PSA.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.core.service.application import find_plan
from syncd.core.service.clients import find_client
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.plan_issues import PLAN_HELD, account_subject, money_of
from syncd.core.service.refusals import ReleaseRefused
from syncd.core.service.stored_plan import running_subject
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.connections import find_connection
from syncd.core.store.plans import PlanBillState, PlanKind, move_bill
from syncd.sdk.connector import EventLog
from syncd.sdk.records import PlannedBill

if TYPE_CHECKING:
    from syncd.core.store.database import Database
    from syncd.core.store.plans import PlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A bill that may be applied now.

    Attributes:
        bill_key: which.
        client: PSA client id.
        client_name: for people.
        account: the vendor's id.
        held_for: why it was held.
        writes: planned writes.
        money: their effect, None when unknown.
    """

    bill_key: str
    client: str
    client_name: str
    account: str
    held_for: str
    writes: int
    money: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What a release did.

    Attributes:
        plan_id: of which plan.
        by: who.
        reason: why.
        bills: released, in the plan's order.
    """

    plan_id: str
    by: str
    reason: str
    bills: tuple[Released, ...]


async def release_plan(
    database: Database,
    wanted: str,
    *,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
    clients: Collection[str] = (),
    psa_name: str | None = None,
) -> ReleaseReport:
    """Release held bills of a plan; those that are not held stay as they are.

    Args:
        database: where the plan is.
        wanted: id of the plan, or `latest`.
        reason: why, kept with the bill; must say something.
        by: who.
        clock: current time in UTC.
        log: gets `plan.released` for each bill.
        clients: only these, by id or by name; empty: everything that is held.
        psa_name: connection of the PSA, needed to know clients by name.

    Raises:
        ReleaseRefused: no reason, or nothing is held there.
        PlanNotFound: there is no such plan.
        ClientUnknown: a client was named that is not exactly one.
    """
    if not reason.strip():
        message = "a release needs a reason: it is kept with the bill"
        raise ReleaseRefused(message, remedy='add --reason "what was looked at"')
    record = await find_plan(database, wanted)
    keys = await _client_keys(database, clients, psa_name, {b.client for b in record.plan.bills})
    planned = {bill.key: bill for bill in record.plan.bills}
    now = clock()
    running = record.kind is PlanKind.RUNNING
    released: list[Released] = []
    books: list[IssueBook] = []
    async with database.writer() as conn:
        for stored in record.bills:
            bill = planned[stored.bill_key]
            if stored.state is not PlanBillState.HELD or (keys and bill.client not in keys):
                continue
            if not await move_bill(
                conn,
                stored.id,
                expected=(PlanBillState.HELD,),
                to=PlanBillState.RELEASED,
                released_by=by,
                release_reason=reason.strip(),
                released_at=now,
            ):
                continue
            book = IssueBook(conn, bill.connection, now)
            if not running:
                await book.close(PLAN_HELD, account_subject(bill.connection, bill.account))
            books.append(book)
            released.append(
                Released(
                    bill_key=bill.key,
                    client=bill.client,
                    client_name=bill.client_name,
                    account=bill.account,
                    held_for=stored.detail,
                    writes=len(bill.changes) + _assets_of(record, bill),
                    money=_money(bill),
                )
            )
        left = len(released) < sum(1 for one in record.bills if one.state is PlanBillState.HELD)
        if released and not left and record.kind is not PlanKind.ASSETS:
            whole = IssueBook(conn, "", now)
            period = record.plan.period
            about = running_subject(period) if running else f"billing/{period}"
            await whole.close(PLAN_HELD, about)
            books.append(whole)
    if not released:
        where = f"of {', '.join(clients)} " if clients else ""
        message = f"nothing {where}is held in plan {record.id}"
        raise ReleaseRefused(message, remedy=f"`syncd plans show {record.id}` says how it stands")
    for book in books:
        book.speak(log)
    for one in released:
        log(
            "plan.released",
            plan=record.id,
            bill=one.bill_key,
            by=by,
            client=one.client_name,
            period=record.plan.period,
            reason=reason.strip(),
        )
    return ReleaseReport(plan_id=record.id, by=by, reason=reason.strip(), bills=tuple(released))


def _assets_of(record: PlanRecord, bill: PlannedBill) -> int:
    """Assets that a plan of assets writes at the client; its bills have no changes."""
    planned = record.plan.assets.planned if record.plan.assets is not None else ()
    return sum(one.client == bill.client and one.change is not None for one in planned)


def _money(bill: PlannedBill) -> Decimal | None:
    """What a bill does in money; one without changes says it by its totals alone."""
    if bill.changes or bill.total_before is None or bill.total_after is None:
        return money_of(bill)
    return bill.total_after - bill.total_before


async def _client_keys(
    database: Database, clients: Collection[str], psa_name: str | None, planned: Collection[str]
) -> set[str]:
    """PSA ids of the named clients; an id that the plan has needs no look-up."""
    keys = {one for one in clients if one in planned}
    unknown = [one for one in clients if one not in planned]
    if not unknown:
        return keys
    async with database.reader() as conn:
        psa = await find_connection(conn, psa_name) if psa_name is not None else None
        data = await load_billing_data(conn, period_first_day="0001-01-01")
    for one in unknown:
        keys.add(find_client(data, psa.id if psa is not None else 0, one).key)
    return keys
