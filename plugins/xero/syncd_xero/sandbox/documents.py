"""Creates and changes invoices and credit notes, by the vendor's rules of status, number and lock.

An element is checked as a whole before anything of it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any, Final

from syncd_xero.sandbox.arithmetic import totals
from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.contacts import contact_of
from syncd_xero.sandbox.lines import Reading
from syncd_xero.sandbox.model import Document, Line
from syncd_xero.sandbox.refusals import (
    ARCHIVED_CONTACT,
    CREDIT_NOT_UNIQUE,
    NOT_MODIFIABLE,
    NOT_UNIQUE,
    Invalid,
)
from syncd_xero.sandbox.settling import settle
from syncd_xero.sandbox.wording import read_day, read_number

MOVES: Final = {
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"SUBMITTED", "AUTHORISED", "DRAFT", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
}
BASES: Final = {
    "exclusive": "Exclusive",
    "inclusive": "Inclusive",
    "notax": "NoTax",
}
MOST_ROUNDING: Final = Decimal("0.10")
LONGEST_NUMBER: Final = 255
FIRST: Final = {"DRAFT", "SUBMITTED", "AUTHORISED"}


def create(books: Books, told: Mapping[str, Any], *, kind: str, places: int) -> Document:
    """A new document; its number must be free.

    Raises:
        Invalid: with the reasons.
    """
    number = str(told.get("InvoiceNumber" if kind == "ACCREC" else "CreditNoteNumber") or "")
    if len(number) > LONGEST_NUMBER:
        raise Invalid("Invoice number is too long")
    _unique(books, kind, number, None)
    status = str(told.get("Status") or "DRAFT").upper()
    if status not in FIRST:
        raise Invalid("Invoice not of valid status for creation")
    contact = contact_of(books, told.get("Contact"))
    document = Document(
        key=books.new_key(kind),
        kind=kind,
        number=number,
        contact=contact.key,
        dated=books.world.now().date(),
        currency=contact.currency or books.currency,
        updated=books.stamp(),
    )
    draft = _filled(books, document, told, status, places)
    draft.number = draft.number or books.new_number(kind)
    books.add(draft)
    settle(draft)
    return draft


def change(books: Books, document: Document, told: Mapping[str, Any], *, places: int) -> Document:
    """An update of a document that exists.

    Raises:
        Invalid: its status, its settlements, the lock, or what is told forbid it.
    """
    status = str(told.get("Status") or document.status).upper()
    if status not in MOVES.get(document.status, ()):
        raise Invalid(NOT_MODIFIABLE)
    _unlocked(books, document, document.dated)
    settled = document.paid + document.credited
    if status in {"VOIDED", "DELETED"}:
        if settled:
            raise Invalid("Invoice has payments or credits applied and cannot be voided")
        document.status = status
        books.touch(document)
        return document
    money = {"LineItems", "LineAmountTypes", "CurrencyCode", "Contact"}
    if settled and money & told.keys():
        raise Invalid(NOT_MODIFIABLE)
    number = told.get("InvoiceNumber") or told.get("CreditNoteNumber") or document.number
    _unique(books, document.kind, str(number), document)
    changed = _filled(books, _copy(document), told, status, places)
    for one in fields(Document):
        if one.name not in {"number", "updated"}:
            setattr(document, one.name, getattr(changed, one.name))
    books.renumber(document, str(number))
    books.touch(document)
    settle(document)
    return document


def _filled(
    books: Books, document: Document, told: Mapping[str, Any], status: str, places: int
) -> Document:
    """The document with everything that is told, checked."""
    new = not document.lines
    _header(books, document, told)
    _unlocked(books, document, document.dated, status)
    basis = BASES.get(str(told.get("LineAmountTypes") or document.basis).lower())
    if basis is None:
        raise Invalid("LineAmountTypes is not valid")
    document.basis = basis
    if new and not told.get("LineItems") and not document.lines:
        raise Invalid("One or more line items must be specified")
    if "LineItems" in told:
        known = {line.key: line for line in document.lines}
        reading = Reading(books, document.kind, basis, places, status != "DRAFT", known)
        reasons: list[str] = []
        lines: list[Line] = []
        for one in told.get("LineItems") or []:
            try:
                lines.append(reading.line(one))
            except Invalid as error:
                reasons.extend(error.reasons)
        if reasons:
            raise Invalid(*reasons)
        document.lines = lines
    amounts = [(line.amount, line.tax) for line in document.lines]
    told_sums = totals(amounts, inclusive=basis == "Inclusive")
    document.subtotal, document.tax, document.total = told_sums
    _rounding(document, told, status)
    if document.total < 0:
        raise Invalid("The document total cannot be less than zero")
    undated = document.due is None and document.kind == "ACCREC" and books.options.due_needed
    if status == "AUTHORISED" and undated:
        raise Invalid("DueDate must be specified when an invoice is approved")
    document.status = status
    return document


def _header(books: Books, document: Document, told: Mapping[str, Any]) -> None:
    if told.get("Contact") is not None:
        contact = contact_of(books, told["Contact"])
        if contact.archived:
            raise Invalid(ARCHIVED_CONTACT)
        document.contact = contact.key
    if told.get("Date"):
        document.dated = read_day(told["Date"], "Date")
    if told.get("DueDate"):
        document.due = read_day(told["DueDate"], "DueDate")
    if told.get("CurrencyCode"):
        document.currency = str(told["CurrencyCode"])
    if document.currency not in books.currencies:
        raise Invalid(f"Organisation is not subscribed to currency {document.currency}")
    if told.get("CurrencyRate"):
        document.rate = read_number(told["CurrencyRate"], "CurrencyRate")
    if "Reference" in told:
        document.reference = str(told["Reference"] or "")
    if len(document.reference) > LONGEST_NUMBER:
        raise Invalid("Reference is too long")
    if told.get("Url"):
        url = str(told["Url"])
        if "xero" in url.lower() or not url.startswith(("http://", "https://")):
            raise Invalid("Url is not valid")
        document.url = url
    if "SentToContact" in told:
        document.sent = bool(told["SentToContact"])


def _rounding(document: Document, told: Mapping[str, Any], status: str) -> None:
    asked = told.get("RoundingAmount")
    if not asked:
        document.total += document.rounding
        return
    amount = read_number(asked, "RoundingAmount")
    sums = [told.get(name) for name in ("SubTotal", "TotalTax", "Total")]
    if status == "DRAFT" or None in sums or abs(amount) > MOST_ROUNDING:
        raise Invalid("RoundingAmount is not valid")
    net, tax, total = (read_number(one, "Total") for one in sums)
    fits = net == document.subtotal and tax == document.tax
    if not fits or total != document.total + amount:
        raise Invalid("RoundingAmount does not make the totals add up")
    document.rounding = amount
    document.total = total


def _unique(books: Books, kind: str, number: str, but: Document | None) -> None:
    if not number or (kind != "ACCREC" and not books.options.unique_credit_numbers):
        return
    others = [one for one in books.holders(kind, number) if one is not but]
    if others:
        raise Invalid(NOT_UNIQUE if kind == "ACCREC" else CREDIT_NOT_UNIQUE)


def _unlocked(books: Books, document: Document, day: date, status: str = "") -> None:
    until, name = books.lock()
    drafts = document.status in {"DRAFT", "SUBMITTED"} and status != "AUTHORISED"
    if until is None or day > until or (drafts and not books.options.lock_drafts):
        return
    told = f"{until.day} {until:%B} {until.year}"
    raise Invalid(f"The document date cannot be before the {name}, currently set at {told}")


def _copy(document: Document) -> Document:
    return Document(**{one.name: getattr(document, one.name) for one in fields(Document)})
