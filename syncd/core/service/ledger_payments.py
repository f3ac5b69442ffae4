"""Payments of the books on their way to the PSA: looked for there, and queued where missing.

What is missing is queued in the commit that says so, and one version of a part is queued once. A
crash at any point repeats the look, which sees what was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from syncd.core.invoicing.identity import marker_of
from syncd.core.invoicing.receipts import Held, Known, Owed, Receipt, Record, judge
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_actions import queue_action
from syncd.core.service.payment_issues import PAYMENT_REFUSED, sync_payment_issues
from syncd.core.service.payment_parts import by_part
from syncd.core.store.ledger_actions import RECORD_PAYMENT, UNSETTLED, actions_of_document
from syncd.core.store.ledger_payments import (
    OPEN,
    SETTLED,
    PartState,
    PartWrite,
    StoredPart,
    move_part,
    parts_in,
    parts_of_documents,
    writes_of,
)
from syncd.core.store.paid_invoices import PaidInvoice, paid_invoices
from syncd.core.store.states import OutboxState
from syncd.core.store.watermarks import move_watermark, watermark
from syncd.sdk.connector import EventLog
from syncd.sdk.invoice_records import PsaPayment

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.ledger_port import InvoiceKeeper

_AT_ONCE: Final = 50

HELD_ANEW: Final = timedelta(days=1)
"""How often the PSA is asked about parts that a person left held for longer than that."""


@dataclass(slots=True)
class PaymentReport:
    """What one settling did.

    Attributes:
        queued: writes to the PSA that now wait.
        echoes: parts that the PSA had already.
        recorded: writes that ended well since the last time.
        held: parts that wait for a person.
    """

    queued: int = 0
    echoes: int = 0
    recorded: int = 0
    held: int = 0


async def settle_payments(
    database: Database,
    keeper: InvoiceKeeper,
    *,
    ledger: ConnectionRef,
    psa: ConnectionRef,
    book_key: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> PaymentReport:
    """See how writes ended, look for what waits in the PSA, and queue what is missing there.

    What a person leaves held for more than a day is asked about once a day.

    Args:
        database: where parts are kept.
        keeper: the opened PSA.
        ledger: the book's connection.
        psa: the PSA's connection.
        book_key: the organisation.
        clock: UTC.
        log: gets the changes of issues.

    Raises:
        ConnectorError: the PSA could not be asked; nothing was queued for what it was asked about.
        StoreError: the database cannot serve.
    """
    report = PaymentReport()
    async with database.writer() as conn:
        report.recorded = await see_writes(
            conn, await parts_in(conn, ledger.id, book_key, [PartState.NEW])
        )
    async with database.reader() as conn:
        now, name = clock(), f"held payments:{book_key}"
        asked = await watermark(conn, ledger.id, name)
        all_held = asked is None or not timedelta(0) <= now - asked < HELD_ANEW
        waiting = [
            part
            for part in await parts_in(conn, ledger.id, book_key, OPEN)
            if (
                (all_held or now - part.seen_at < HELD_ANEW)
                if part.state is PartState.HELD
                else part.action_id is None
            )
        ]
        ids = sorted({part.document_id for part in waiting if part.document_id is not None})
        invoices = await paid_invoices(conn, psa.id, ids)
    for start in range(0, len(ids), _AT_ONCE):
        chunk = [invoices[one] for one in ids[start : start + _AT_ONCE] if one in invoices]
        payments = await keeper.find_payments([one.invoice_key for one in chunk])
        async with database.writer() as conn:
            for invoice in chunk:
                await _settle_invoice(
                    conn, invoice, payments.get(invoice.invoice_key), ledger, psa, report, clock()
                )
    async with database.writer() as conn:
        if all_held:
            await move_watermark(conn, ledger.id, name, now, ahead=now)
        book = IssueBook(conn, ledger.name, clock())
        report.held = await sync_payment_issues(book, ledger, book_key)
    book.speak(log)
    return report


@dataclass(frozen=True, slots=True)
class PartEnd:
    """What becomes of a part when its write ended."""

    state: PartState
    detail: str = ""
    psa_remote: str = ""


def ended(part: StoredPart, write: PartWrite) -> PartEnd | None:
    """What becomes of a part by the end of its write; None while that is on its way."""
    if write.state is OutboxState.DELIVERED:
        to = PartState.REVERSED if part.deleted else PartState.RECORDED
        return PartEnd(to, psa_remote=write.remote or "")
    if write.state is OutboxState.REJECTED:
        told = f"{PAYMENT_REFUSED}: the PSA refuses it ({write.code or 'no code'}): "
        return PartEnd(PartState.HELD, detail=told + (write.detail or "no reason"))
    return None


async def see_writes(conn: AsyncConnection, parts: Sequence[StoredPart]) -> int:
    """Keep how writes of parts ended, where they did; how many were recorded."""
    writes = await writes_of(conn, parts)
    recorded = 0
    for part in parts:
        write = writes.get(part.action_id or 0)
        end = None if write is None else ended(part, write)
        if end is None:
            continue
        moved = await move_part(conn, part, end.state, detail=end.detail, psa_remote=end.psa_remote)
        recorded += moved and end.state is not PartState.HELD
    return recorded


async def _settle_invoice(
    conn: AsyncConnection,
    invoice: PaidInvoice,
    payments: Sequence[PsaPayment] | None,
    ledger: ConnectionRef,
    psa: ConnectionRef,
    report: PaymentReport,
    now: datetime,
) -> None:
    """Decide every part of one invoice; each decision sees the ones before it."""
    if payments is None:
        return
    stored = by_part(await parts_of_documents(conn, [invoice.document_id]))
    actions = await actions_of_document(conn, invoice.document_id)
    writing = {one.id for one in actions if one.state in UNSETTLED}
    under_way = [one.payload for one in actions if one.id in writing]
    queued = sum((one.amount for one in under_way if isinstance(one, PsaPayment)), Decimal(0))
    claimed = {one.psa_remote: about for about, rows in stored.items() for one in rows}
    for about, rows in stored.items():
        part = rows[-1]
        if part.state not in OPEN or any(one.action_id in writing for one in rows):
            continue
        receipt = _receipt(rows, ledger)
        owed = Owed(
            kind=invoice.kind,
            number=invoice.number,
            currency=invoice.currency,
            total=invoice.total,
            stands=invoice.stands,
            payments=payments,
            claimed={one for one, owner in claimed.items() if one and owner != about},
            under_way=queued,
        )
        if part.withdrawn:
            others = sum(
                (one[-1].amount for one in stored.values() if not one[-1].deleted), Decimal(0)
            )
            still = invoice.settled is None or invoice.settled >= others + part.amount
            receipt = replace(receipt, still=still)
        match judge(receipt, owed):
            case Known(remote=remote, ours=ours):
                to = PartState.RECORDED if ours else PartState.ECHO
                to = PartState.REVERSED if part.deleted else to
                if await move_part(conn, part, to, psa_remote=remote, detail=""):
                    claimed[remote] = about
                    report.echoes += not ours
            case Held(code=code, message=message):
                if part.state is not PartState.HELD or not part.detail.startswith(PAYMENT_REFUSED):
                    await move_part(conn, part, PartState.HELD, detail=f"{code}: {message}")
            case Record() as wanted:
                if part.detail.startswith(PAYMENT_REFUSED):
                    continue
                queued += wanted.amount
                report.queued += await _queue(conn, part, invoice, wanted, ledger, psa, now)


def _receipt(rows: Sequence[StoredPart], ledger: ConnectionRef) -> Receipt:
    """The newest version of a part, with what is known of the ones before it."""
    part = rows[-1]
    n = next((n for n in range(len(rows) - 2, -1, -1) if rows[n].state in SETTLED), -1)
    before = rows[n] if n >= 0 else None
    left = next((one for one in reversed(rows[n + 1 : -1]) if one.left and not one.deleted), None)
    already = Decimal(0) if before is None or before.deleted else before.amount
    echoed = before is not None and before.state is PartState.ECHO
    if part.deleted and left is not None and not already:
        # Others may have entered what was left to them; taken back in the books, it is theirs.
        already, echoed = left.amount, True
    return Receipt(
        amount=part.amount,
        currency=part.currency,
        dated=part.dated,
        deleted=part.deleted,
        already=already,
        echoed=echoed,
        is_new=part.detail.startswith(IS_NEW),
        left=None if left is None else left.amount,
        marks=frozenset(marker_of(part_key(ledger, one.book_key, one)) for one in rows),
    )


async def _queue(
    conn: AsyncConnection,
    part: StoredPart,
    invoice: PaidInvoice,
    wanted: Record,
    ledger: ConnectionRef,
    psa: ConnectionRef,
    now: datetime,
) -> bool:
    key = part_key(ledger, invoice.book_key, part)
    payload = PsaPayment(
        key=key,
        invoice=invoice.invoice_key,
        amount=wanted.amount,
        dated=part.dated,
        reference=marker_of(key),
        alike=wanted.alike,
    )
    action_id = await queue_action(
        conn,
        kind=RECORD_PAYMENT,
        connection_id=psa.id,
        payload=payload,
        now=now,
        document_id=invoice.document_id,
    )
    if action_id is None:
        return False
    return await move_part(conn, part, PartState.NEW, action_id=action_id, detail="")


IS_NEW: Final = "a person said that the PSA does not have it"


def part_key(ledger: ConnectionRef, book_key: str, part: StoredPart) -> str:
    """Our key of the write for one version of a part; its marker stands in the PSA's payment."""
    allocation = f"{part.remote}:{part.allocation}:{part.version}"
    return f"{ledger.uid}:{book_key}:payment:{allocation}"
