"""Payments, credits and what they do to the status of a document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.model import Document, Payment, Settlement
from syncd_xero.sandbox.refusals import Invalid
from syncd_xero.sandbox.wording import read_day, read_number


def settle(document: Document, on: date | None = None) -> None:
    """Set PAID where nothing is due, and back; an approved document of nothing is paid at once."""
    if document.status not in {"AUTHORISED", "PAID"}:
        return
    if document.due_amount == 0:
        document.status = "PAID"
        document.fully_paid = on or document.fully_paid or document.dated
    else:
        document.status, document.fully_paid = "AUTHORISED", None


def pay(books: Books, told: Mapping[str, Any]) -> Payment:
    """A payment as the API takes it: never more than is due.

    Raises:
        Invalid: with the reason.
    """
    target = told.get("Invoice") or told.get("CreditNote") or {}
    key = target.get("InvoiceID") or target.get("CreditNoteID") or ""
    document = books.documents.get(key)
    if document is None:
        number = str(target.get("InvoiceNumber") or "")
        found = books.holders("ACCREC", number) if number else []
        if not found:
            raise Invalid("Invoice could not be found")
        document = found[0]
    if document.status != "AUTHORISED":
        raise Invalid("Payment can only be made against Authorised documents")
    code = str((told.get("Account") or {}).get("Code") or "")
    account = books.accounts.get(code)
    if account is None or not (account.kind == "BANK" or account.payments):
        raise Invalid("Account must be a bank account or enabled for payments")
    amount = read_number(told.get("Amount", 0), "Amount")
    if amount <= 0:
        raise Invalid("Payment amount must be greater than zero")
    if amount > document.due_amount:
        raise Invalid("Payment amount exceeds the amount outstanding on this document")
    dated = read_day(told.get("Date") or books.world.now().date(), "Date")
    until, name = books.lock()
    if until is not None and dated <= until:
        raise Invalid(f"The payment date cannot be before the {name}")
    payment = Payment(
        key=books.new_key("payment"),
        document=document.key,
        account=account.code,
        dated=dated,
        amount=amount,
        reference=str(told.get("Reference") or ""),
        updated=books.stamp(),
    )
    books.add_payment(payment)
    document.paid += amount
    settle(document, dated)
    moved(books, document)
    return payment


def unpay(books: Books, payment: Payment) -> None:
    """Take a payment back; the document is to be paid again.

    Raises:
        Invalid: it was taken back before.
    """
    if payment.status == "DELETED":
        raise Invalid("Payment not of valid status for modification")
    payment.status, payment.updated = "DELETED", books.stamp()
    document = books.documents[payment.document]
    document.paid -= payment.amount
    settle(document)
    moved(books, document)


def allocate(books: Books, source: Document, told: Mapping[str, Any]) -> Settlement:
    """Settle a part of an invoice by a credit note, an overpayment or a prepayment.

    Raises:
        Invalid: with the reason.
    """
    target = books.documents.get((told.get("Invoice") or {}).get("InvoiceID") or "")
    amount = read_number(told.get("Amount", 0), "Amount")
    if source.status != "AUTHORISED":
        raise Invalid("The document is not of a valid status for allocation")
    if target is None or target.status != "AUTHORISED" or target.kind != "ACCREC":
        raise Invalid("Allocation can only be made against Authorised invoices")
    if source.contact != target.contact or source.currency != target.currency:
        raise Invalid("Allocation must be to an invoice of the same contact and currency")
    if amount <= 0 or amount > target.due_amount or amount > source.due_amount:
        raise Invalid("Allocation amount exceeds the amount outstanding")
    made = Settlement(
        key=books.new_key("allocation"),
        source=source.key,
        target=target.key,
        amount=amount,
        dated=read_day(told.get("Date") or books.world.now().date(), "Date"),
    )
    books.settlements[made.key] = made
    for one in (source, target):
        one.credited += amount
        settle(one, made.dated)
        books.touch(one)
    return made


def release(books: Books, key: str) -> None:
    """Take an allocation back."""
    made = books.settlements.pop(key)
    for one in (books.documents[made.source], books.documents[made.target]):
        one.credited -= made.amount
        settle(one)
        books.touch(one)


def received(
    books: Books,
    contact: str,
    amount: Decimal,
    on: date,
    currency: str,
    kind: str = "RECEIVE-OVERPAYMENT",
) -> Document:
    """Money of a contact that pays for nothing yet, as an overpayment or a prepayment."""
    document = Document(
        key=books.new_key(kind),
        kind=kind,
        number="",
        contact=contact,
        dated=on,
        status="AUTHORISED",
        basis="NoTax",
        currency=currency,
        subtotal=amount,
        total=amount,
        updated=books.stamp(),
        app=False,
    )
    books.add(document)
    return document


def moved(books: Books, document: Document) -> None:
    """A payment touched a document; not surely seen in its time of change."""
    if books.options.payment_moves_invoice:
        books.touch(document)
