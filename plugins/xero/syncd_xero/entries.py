"""Documents and payments of Xero in the words that every accounting system shares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from syncd.sdk.errors import ProtocolError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryLine, EntryStatus, LedgerEntry, LedgerPayment
from syncd_xero.models import WireCredit, WireDocument, WireLine, WirePayment
from syncd_xero.values import NOTHING, day, identifier, moment

KINDS: Final = {"ACCREC": DocumentKind.INVOICE, "ACCRECCREDIT": DocumentKind.CREDIT}

STATUSES: Final = {
    "DRAFT": EntryStatus.DRAFT,
    "SUBMITTED": EntryStatus.DRAFT,
    "AUTHORISED": EntryStatus.OPEN,
    "PAID": EntryStatus.PAID,
    "VOIDED": EntryStatus.VOIDED,
    "DELETED": EntryStatus.DELETED,
}

MARKER: Final = re.compile(r"(?<![a-z0-9-])syncd-[a-z2-7]{16}(?![a-z0-9])")
RECEIVED: Final = "ACCRECPAYMENT"
ZERO: Final = Decimal(0)


def is_sale(wire: WireDocument) -> bool:
    """A sales invoice or a sales credit note; bills may have the same numbers."""
    return wire.type in KINDS


def entry_of(wire: WireDocument, connection: str, link: str = "") -> LedgerEntry:
    """A document.

    Args:
        wire: a sales document.
        connection: for messages.
        link: pattern of its address for people, may be empty.

    Raises:
        ProtocolError: what a document cannot be without is not there or not readable.
    """
    kind = KINDS.get(wire.type)
    status = STATUSES.get(wire.status)
    remote = identifier(wire.id)
    net, tax, total = wire.sub_total, wire.total_tax, wire.total
    dated = _day(wire.date_string) or _day(wire.date)
    if (
        kind is None or status is None or dated is None or remote in ("", NOTHING)
        or net is None or tax is None or total is None
    ):  # fmt: skip
        raise ProtocolError(
            f"{connection}: Xero shows a document without its type, status, date or totals",
            remedy="if it stays, Xero changed its interface",
            connection=connection,
        )
    found = MARKER.search(wire.reference or "")
    credit = kind is DocumentKind.CREDIT
    paid, credited, balance = _settled(wire, total, credit=credit)
    lines = tuple(_line(line, wire.line_amount_types) for line in wire.line_items or [])
    return LedgerEntry(
        remote=remote,
        kind=kind,
        number=wire.number,
        marker=found[0] if found else "",
        contact=identifier(wire.contact.contact_id),
        contact_name=wire.contact.name,
        currency=wire.currency_code or "",
        dated=dated,
        due=None if credit else _day(wire.due_date_string) or _day(wire.due_date),
        status=status,
        net=net,
        tax=tax,
        total=total,
        paid=paid,
        credited=credited,
        balance=balance,
        lines=lines,
        whole=bool(lines),
        version=wire.updated_date_utc or "",
        modified=_moment(wire.updated_date_utc),
        url=link.format(id=remote) if link and not credit else "",
    )


def payments_of(rows: Iterable[WirePayment]) -> Iterator[LedgerPayment]:
    """Payments of sales invoices; refunds of credit notes and payments of bills are none."""
    for row in rows:
        if row.payment_type not in (None, "", RECEIVED) or row.invoice is None:
            continue
        if row.invoice.type not in ("", "ACCREC"):
            continue
        paid_on = _day(row.date)
        document = identifier(row.invoice.invoice_id)
        if paid_on is None or not document or not row.payment_id:
            continue
        yield LedgerPayment(
            remote=identifier(row.payment_id),
            document=document,
            contact=identifier(row.invoice.contact.contact_id),
            amount=row.amount,
            currency=row.invoice.currency_code or "",
            dated=paid_on,
            reference=row.reference or "",
            deleted=row.status == "DELETED",
            version=row.updated_date_utc or "",
        )


def credits_of(rows: Iterable[WireCredit], connection: str) -> Iterator[LedgerPayment]:
    """Pre- and overpayments: the part put to each invoice, and what is put to none yet.

    Raises:
        ProtocolError: a part of one is not shown, which would look as if it had been taken back.
    """
    for row in rows:
        if not row.type.startswith("RECEIVE"):
            continue
        received = _day(row.date)
        if received is None or not row.id:
            continue
        gone = row.status in ("VOIDED", "DELETED")
        if not gone:
            _require_parts(row, connection)
        remote, contact = identifier(row.id), identifier(row.contact.contact_id)
        version, currency = row.updated_date_utc or "", row.currency_code or ""
        for part in row.allocations or []:
            if part.invoice is None or not part.invoice.invoice_id:
                continue
            document = identifier(part.invoice.invoice_id)
            yield LedgerPayment(
                remote=remote,
                allocation=identifier(part.allocation_id or "") or document,
                document=document,
                contact=contact,
                amount=part.amount,
                currency=currency,
                dated=_day(part.date) or received,
                reference=row.reference or "",
                deleted=gone or part.is_deleted,
                version=version,
            )
        # One that is gone is told even if nothing was left of it, so that its parts are taken back.
        remaining = row.remaining_credit or ZERO
        left = max(remaining, row.total) if gone else remaining
        if left > 0:
            yield LedgerPayment(
                remote=remote,
                contact=contact,
                amount=left,
                currency=currency,
                dated=received,
                reference=row.reference or "",
                deleted=gone,
                version=version,
            )


def _require_parts(row: WireCredit, connection: str) -> None:
    """See that everything that was taken out of a pre- or overpayment is shown."""
    parts = sum((one.amount for one in row.allocations or [] if not one.is_deleted), ZERO)
    refunds = sum((one.amount for one in row.payments or [] if one.status != "DELETED"), ZERO)
    left = row.remaining_credit
    if left is not None and row.total - left <= parts + refunds:
        return
    used = "an unknown part" if left is None else f"{row.total - left:f}"
    raise ProtocolError(
        f"{connection}: Xero shows that {used} of a payment of {row.total:f} ({row.id}) is used,"
        f" and allocations of {parts:f} and refunds of {refunds:f}",
        remedy="nothing of it is believed; if it stays, look at that payment in Xero, or leave"
        " such payments out: other_payments = false",
        connection=connection,
    )


def _settled(
    wire: WireDocument, total: Decimal, *, credit: bool
) -> tuple[Decimal, Decimal, Decimal]:
    """Paid, credited and still open."""
    if not credit:
        paid, credited = wire.amount_paid or ZERO, wire.amount_credited or ZERO
        balance = wire.amount_due
        return paid, credited, total - paid - credited if balance is None else balance
    refunded = sum((one.amount for one in wire.payments or [] if one.status != "DELETED"), ZERO)
    if wire.allocations is None:
        applied = wire.applied_amount or ZERO
    else:
        applied = sum((one.amount for one in wire.allocations if not one.is_deleted), ZERO)
    left = wire.remaining_credit
    return refunded, applied, total - applied - refunded if left is None else left


def _line(line: WireLine, basis: str | None) -> EntryLine:
    amount, tax = line.line_amount or ZERO, line.tax_amount or ZERO
    words = line.quantity is None and not amount and not line.account_code
    return EntryLine(
        key=line.line_item_id or "",
        description=line.description or "",
        quantity=line.quantity,
        unit_price=line.unit_amount,
        net=amount - tax if (basis or "").lower() == "inclusive" else amount,
        tax_code="" if words else line.tax_type or "",
        account=line.account_code or "",
        item=line.item_code or "",
    )


def _day(text: str | None) -> date | None:
    try:
        return day(text) if text else None
    except ValueError:
        return None


def _moment(text: str | None) -> datetime | None:
    try:
        return moment(text) if text else None
    except ValueError:
        return None
