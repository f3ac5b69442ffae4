"""Consuming a plan: fates, bills with their basis, and the outbox, in one commit.

Whatever is checked outside of the transaction and can change is checked again inside of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.billing.identity import content_hash
from syncd.core.service.basis import BillBasis, LineBasis, decode_bill, encode_line
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.plan_issues import PLAN_HELD, PLAN_STALE, account_subject, speak
from syncd.core.service.refusals import PlanStale
from syncd.core.store.bills import (
    BillKind,
    NewBill,
    SentBill,
    SentLine,
    complete_bill,
    insert_bill,
    last_bills,
)
from syncd.core.store.connections import data_version
from syncd.core.store.issues import Finding
from syncd.core.store.lines import StoredLine, store_lines
from syncd.core.store.outbox import Intent, NewItem, enqueue, unsettled
from syncd.core.store.plans import (
    APPLICABLE,
    PlanBillState,
    PlanRecord,
    StoredBill,
    close_finished,
    move_bill,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.records import KeyedChange, PlannedBill, PlannedChange

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
        raise PlanStale(message, remedy="`syncd plan billing` makes a new one")


async def queue_bills(
    database: Database,
    record: PlanRecord,
    applicable: Sequence[StoredBill],
    planned: Mapping[str, PlannedBill],
    refused: Mapping[str, str],
    psa_connection: ConnectionRef,
    now: datetime,
    log: EventLog,
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

    Returns:
        every refusal: those given, and those found inside of the transaction.

    Raises:
        PlanStale: what people decide was edited since the plan was made.
    """
    refused = dict(refused)
    books: list[IssueBook] = []
    async with database.writer() as conn:
        await require_same_data(conn, record)
        keys = [change.key for bill in applicable for change in planned[bill.bill_key].changes]
        open_keys = await unsettled(conn, keys)
        sent = await last_bills(
            conn, [bill.account_id for bill in applicable], period=record.plan.period
        )
        for stored in applicable:
            bill = planned[stored.bill_key]
            book = IssueBook(conn, bill.connection, now)
            about = account_subject(bill.connection, bill.account)
            busy = [change.key for change in bill.changes if change.key in open_keys]
            if busy:
                refused[bill.key] = f"DELIVERY_UNSETTLED: {busy[0]} has an open write"
            why = refused.get(bill.key)
            if why is not None:
                await _refuse(conn, stored, why)
                await book.open(PLAN_STALE, about, _stale(record, bill, why))
            elif await move_bill(
                conn,
                stored.id,
                expected=APPLICABLE,
                to=PlanBillState.APPLIED,
                applied_at=now,
            ):
                await _consume(
                    conn, record, stored, bill, sent.get(stored.account_id), psa_connection, now
                )
                await book.close(PLAN_HELD, about)
            else:
                refused[bill.key] = "another apply took it at the same moment"
            books.append(book)
        await close_finished(conn)
    speak(books, log)
    return refused


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
    conn: AsyncConnection,
    record: PlanRecord,
    stored: StoredBill,
    bill: PlannedBill,
    sent: SentBill | None,
    psa_connection: ConnectionRef,
    now: datetime,
) -> None:
    basis = decode_bill(stored.basis)
    if not bill.changes and (not basis.lines or _says_the_same(sent, basis)):
        return
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
        await complete_bill(conn, record.id, stored.account_id, kind=BillKind.MANUAL, now=now)


def _says_the_same(sent: SentBill | None, basis: BillBasis) -> bool:
    """The month was billed with exactly these lines: a second record of it would say nothing."""
    if sent is None or sent.completed_at is None:
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
    monthly = change.fields.end is not None
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
            record_period=record.plan.period if monthly else "",
            client=bill.client,
            client_name=bill.client_name,
            line_name=change.line_name,
            money=change.money_effect,
            currency=record.plan.currency,
            products=tuple(item.key for item in line.products if item.quantity),
        ),
    )
