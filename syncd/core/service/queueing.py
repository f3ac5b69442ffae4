"""Consuming a plan: fates, bills with their basis, and the outbox, in one commit.

Whatever is checked outside of the transaction and can change is checked again inside of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from syncd.core.billing.bill_life import BillKind
from syncd.core.billing.identity import content_hash
from syncd.core.billing.plan_input import Style
from syncd.core.service.basis import BillBasis, LineBasis, decode_bill, encode_line
from syncd.core.service.correction_carry import take_corrections, taken_elsewhere
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger import adopted_since, shelf_of
from syncd.core.service.month_closing import MONTH_SEALED
from syncd.core.service.plan_issues import PLAN_HELD, PLAN_STALE, account_subject, speak
from syncd.core.service.refusals import PlanStale, anew
from syncd.core.service.reopening_issues import reopening_ended
from syncd.core.store.bills import (
    NewBill,
    SentBill,
    SentLine,
    complete_bill,
    insert_bill,
    kinds_of,
    last_bills,
)
from syncd.core.store.connections import data_version
from syncd.core.store.corrections import corrections_of
from syncd.core.store.golive import load_golive
from syncd.core.store.issues import Finding
from syncd.core.store.lines import LedgerRecord, StoredLine, records_of, store_lines
from syncd.core.store.month_close import is_closed
from syncd.core.store.outbox import Intent, NewItem, enqueue, unsettled
from syncd.core.store.plans import (
    APPLICABLE,
    PlanBillState,
    PlanKind,
    PlanRecord,
    StoredBill,
    close_finished,
    move_bill,
)
from syncd.core.store.reopenings import reopened_months
from syncd.sdk.connector import EventLog
from syncd.sdk.records import KeyedChange, PlannedBill, PlannedChange

AUTO_WINDOW_MISSED: Final = "AUTO_WINDOW_MISSED"
IN_SHADOW: Final = "IN_SHADOW"
NOT_LIVE: Final = f"{IN_SHADOW}: its client is not live, so nothing of it is written"

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


async def require_same_data(conn: AsyncConnection, record: PlanRecord) -> None:
    """Refuse a plan made before an edit of links, mappings, rates, rules or configurations.

    Raises:
        PlanStale: there was one.
    """
    if await data_version(conn) != record.data_version:
        message = (
            f"links, mappings, rates, rules or configurations were edited after plan {record.id} "
            "was made"
        )
        raise PlanStale(message, remedy=anew(record.kind))


async def queue_bills(
    database: Database,
    record: PlanRecord,
    applicable: Sequence[StoredBill],
    planned: Mapping[str, PlannedBill],
    refused: Mapping[str, str],
    psa_connection: ConnectionRef,
    now: datetime,
    log: EventLog,
    *,
    mode: str,
) -> dict[str, str]:
    """Consume the bills of a plan, in one commit.

    Args:
        database: where everything is.
        record: the plan.
        applicable: bills to consume, in pushing order.
        planned: every bill of the plan by key.
        refused: bill key -> why it must not be sent.
        psa_connection: where the writes go.
        now: of the commit.
        log: told of issues after it.
        mode: of the installation; with the words of people it tells which clients are live.

    Returns:
        every refusal: those given, and those found inside of the transaction.

    Raises:
        PlanStale: what people decide was edited since the plan was made.
    """
    refused = dict(refused)
    books: list[IssueBook] = []
    async with database.writer() as conn:
        await require_same_data(conn, record)
        accounts_now = {bill.account_id for bill in applicable}
        ledger = await records_of(conn, psa_connection.id, accounts_now)
        keys = [change.key for bill in applicable for change in planned[bill.bill_key].changes]
        open_keys = await unsettled(conn, keys)
        accounts = [bill.account_id for bill in applicable]
        running = record.kind is PlanKind.RUNNING
        sent = await last_bills(conn, accounts, period=record.plan.period, running=running)
        kinds = await kinds_of(conn, accounts, [record.plan.period])
        reopened = await reopened_months(conn, accounts)
        sealed = not running and await is_closed(conn, psa_connection.id, record.plan.period)
        golive = await load_golive(conn, psa_connection.id, mode=mode)
        corrections = await corrections_of(conn, accounts_now)
        for stored in applicable:
            bill = planned[stored.bill_key]
            if not golive.is_live(bill.client, record.plan.period):
                refused[bill.key] = NOT_LIVE
                await move_bill(
                    conn,
                    stored.id,
                    expected=APPLICABLE,
                    to=PlanBillState.SHADOW,
                    detail=NOT_LIVE,
                )
                continue
            book = IssueBook(conn, bill.connection, now)
            about = account_subject(bill.connection, bill.account)
            held = ledger.get(stored.account_id, ())
            if adopted := adopted_since(bill, held, record.plan.made_at):
                refused[bill.key] = adopted
            newer = _newer(record, bill, held)
            if newer:
                refused[bill.key] = f"PERIOD_SUPERSEDED: its records hold {newer} by now"
            busy = [change.key for change in bill.changes if change.key in open_keys]
            if busy:
                refused[bill.key] = f"DELIVERY_UNSETTLED: {busy[0]} has an open write"
            final = _final(kinds.get(stored.account_id, {}).get(record.plan.period), record.kind)
            if final:
                refused[bill.key] = final
            taken = taken_elsewhere(stored.basis, corrections.get(stored.account_id, ()))
            if taken:
                refused[bill.key] = taken
            if sealed:
                refused[bill.key] = f"{MONTH_SEALED}: {record.plan.period} was sealed"
            why = refused.get(bill.key)
            if why is not None:
                await _refuse(conn, stored, why)
                if not running:
                    await book.open(PLAN_STALE, about, _stale(record, bill, why))
            elif await move_bill(
                conn,
                stored.id,
                expected=APPLICABLE,
                to=PlanBillState.APPLIED,
                applied_at=now,
            ):
                again = record.plan.period in reopened.get(stored.account_id, ())
                before = None if again else sent.get(stored.account_id)
                whole = await _consume(book, record, stored, bill, before, psa_connection)
                if not running:
                    if again and whole:
                        await reopening_ended(book, stored.account_id, record.plan.period)
                    await book.close(PLAN_HELD, about)
                    await book.close(AUTO_WINDOW_MISSED, about)
            else:
                refused[bill.key] = "another apply took it at the same moment"
            books.append(book)
        await close_finished(conn)
    speak(books, log)
    return refused


def _final(bill: BillKind | None, plan: PlanKind) -> str:
    """Why a bill that became final since the plan was made must not be written over."""
    if bill is BillKind.AUTOMATIC:
        return "ALREADY_AUTOMATIC: the automatic run has billed the month since"
    if bill is BillKind.MANUAL and plan is PlanKind.RUNNING:
        return "PERIOD_ALREADY_FINAL: the month was billed since"
    return ""


def _newer(record: PlanRecord, bill: PlannedBill, held: Sequence[LedgerRecord]) -> str:
    """The newer month that a record of the bill was given since the plan was made, or empty.

    A month with the figures of the one before changes nothing that the PSA shows, so the record
    looks untouched.
    """
    keys = {change.key for change in bill.changes}
    newest = max((one.sent_period for one in held if one.key in keys), default="")
    return newest if newest > record.plan.period else ""


async def _refuse(conn: AsyncConnection, stored: StoredBill, why: str) -> None:
    await move_bill(
        conn, stored.id, expected=APPLICABLE, to=PlanBillState.STALE, detail=f"PLAN_STALE: {why}"
    )


def _stale(record: PlanRecord, bill: PlannedBill, why: str) -> Finding:
    return Finding(
        message=f"The bill of {bill.client_name} in plan {record.id} was refused, since its target "
        f"moved: {why}.",
        remedy="`syncd plan billing` looks again and shows both values.",
        evidence={"plan": record.id, "client": bill.client_name},
    )


async def _consume(
    book: IssueBook,
    record: PlanRecord,
    stored: StoredBill,
    bill: PlannedBill,
    sent: SentBill | None,
    psa_connection: ConnectionRef,
) -> bool:
    """Store the bill and queue its writes; whether it is complete with that."""
    conn, now = book.conn, book.now
    basis = decode_bill(stored.basis)
    same = _says_the_same(sent, basis, record.kind.makes)
    if not bill.changes and (not basis.lines or same):
        return False
    await store_lines(
        conn,
        [
            StoredLine(
                uid=line.uid,
                connection_id=basis.connection_id,
                account_id=basis.account_id,
                configuration_uid=line.slot[0],
                asset_type_key=line.slot[1],
                part=line.slot[2],
            )
            for line in basis.lines
        ],
        now=now,
    )
    await insert_bill(
        conn,
        NewBill(
            connection_id=basis.connection_id,
            account_id=basis.account_id,
            client_key=basis.client,
            period=basis.period,
            currency=basis.currency,
            total_price=bill.total_after,
            total_cost=None,
            plan_id=record.id,
            lines=[_sent_line(basis, line) for line in basis.lines],
        ),
        now=now,
    )
    await take_corrections(book, basis)
    lines = {line.external_key: line for line in basis.lines}
    await enqueue(
        conn,
        [
            _item(record, bill, change, lines[change.key], stored.account_id, psa_connection.id)
            for change in bill.changes
        ],
        now=now,
    )
    if not bill.changes:
        await complete_bill(conn, record.id, stored.account_id, now=now)
    return not bill.changes


def _says_the_same(sent: SentBill | None, basis: BillBasis, kind: BillKind) -> bool:
    """The month was billed so with exactly these lines: a second bill of it would say nothing."""
    if sent is None or sent.completed_at is None or sent.kind is not kind:
        return False
    before = [
        (line.line_uid, line.quantity, line.unit_price, line.unit_cost) for line in sent.lines
    ]
    now = [(line.uid, line.quantity, line.unit_price, line.unit_cost) for line in basis.lines]
    return before == now


def _sent_line(basis: BillBasis, line: LineBasis) -> SentLine:
    return SentLine(
        line_uid=line.uid,
        key=line.key,
        name=line.name,
        mode=line.mode,
        asset_type_key=line.asset_type,
        quantity=line.quantity,
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        total_price=line.total_price,
        total_cost=line.total_cost,
        residual_price=line.residual_price,
        residual_cost=line.residual_cost,
        basis=encode_line(basis, line),
    )


def _item(
    record: PlanRecord,
    bill: PlannedBill,
    change: PlannedChange,
    line: LineBasis,
    account_id: int,
    psa_id: int,
) -> NewItem:
    style = Style.PER_PERIOD if change.fields.end is not None else Style.ROLLING
    return NewItem(
        plan_id=record.id,
        bill_key=bill.key,
        psa_connection_id=psa_id,
        account_id=account_id,
        line_uid=line.uid,
        mode=line.mode,
        content_hash=content_hash(change.fields),
        intent=Intent(
            change=KeyedChange(
                key=change.key, kind=change.kind, remote=change.remote, fields=change.fields
            ),
            observed=change.observed,
            before=change.before,
            after=change.after,
            period=record.plan.period,
            record_period=shelf_of(
                style, record.plan.period, running=record.kind is PlanKind.RUNNING
            ),
            client=bill.client,
            client_name=bill.client_name,
            line_name=change.line_name,
            money=change.money_effect,
            currency=record.plan.currency,
            products=tuple(item.key for item in line.products if item.quantity),
        ),
    )
