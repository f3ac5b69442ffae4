"""A document as Xero is told it: every line with its tax type, the contact by nothing but its id.

Any other field of a contact would change the contact, and a name without a match would make one.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine
from syncd_xero.arithmetic import plain_price
from syncd_xero.config import LONGEST_REFERENCE, XeroConfig

BASES: Final = {
    AmountBasis.EXCLUSIVE: "Exclusive",
    AmountBasis.INCLUSIVE: "Inclusive",
    AmountBasis.NO_TAX: "NoTax",
}
TYPES: Final = {DocumentKind.INVOICE: "ACCREC", DocumentKind.CREDIT: "ACCRECCREDIT"}
NUMBER_LIMIT: Final = 255
LONGEST_DESCRIPTION: Final = 4000
MOST_TRACKING: Final = 2


def reference_of(document: LedgerDocument, config: XeroConfig) -> str:
    """What stands in Reference: the client's order number and our marker, as configured.

    Raises:
        DataError: it is longer than Xero keeps; nothing is cut.
    """
    text = config.reference.format(
        reference=document.reference.strip(), marker=document.marker, number=document.number
    )
    text = " ".join(text.split())
    if len(text) > LONGEST_REFERENCE:
        raise DataError(
            f"{document.number}: the reference has {len(text)} characters with our marker, and Xero"
            f" keeps {LONGEST_REFERENCE}",
            remedy='shorten it in the PSA, or write reference = "{marker}"',
        )
    return text


def require_writable(document: LedgerDocument, config: XeroConfig) -> None:
    """See that Xero can hold the words of a document, so that a batch does not fail for it.

    Raises:
        DataError: says which of them it cannot hold.
    """
    number = document.number
    if not number or len(number) > NUMBER_LIMIT or number != number.strip():
        raise DataError(
            f"the number '{number[:40]}' has {len(number)} characters; Xero takes 1 to"
            f" {NUMBER_LIMIT} without blanks around them",
            remedy="shorten the number in the PSA; it is never cut",
        )
    if '"' in number or not number.isprintable():
        raise DataError(
            f"the number {number!r} holds a quote or a control character, so that the document"
            " could not be found again",
            remedy="number it otherwise in the PSA",
        )
    reference_of(document, config)
    for position, line in enumerate(document.lines, 1):
        if len(line.description) > LONGEST_DESCRIPTION:
            raise DataError(
                f"line {position} has {len(line.description)} characters, and Xero keeps"
                f" {LONGEST_DESCRIPTION}",
                remedy="shorten its description in the PSA; it is never cut",
            )
        _tracking(line, position)


def document_of(document: LedgerDocument, config: XeroConfig) -> dict[str, Any]:
    """The element to be created.

    Raises:
        DataError: Xero cannot hold it as it is.
    """
    require_writable(document, config)
    invoice = document.kind is DocumentKind.INVOICE
    wire: dict[str, Any] = {
        "Type": TYPES[document.kind],
        "InvoiceNumber" if invoice else "CreditNoteNumber": document.number,
        "Reference": reference_of(document, config),
        "Contact": {"ContactID": document.contact},
        "Date": _iso(document.dated),
        "LineAmountTypes": BASES[document.basis],
        "CurrencyCode": document.currency,
        "Status": "AUTHORISED" if document.approved else config.draft_status,
        "LineItems": [
            _line(document, line, position) for position, line in enumerate(document.lines, 1)
        ],
    }
    if invoice:
        if document.due is not None:
            wire["DueDate"] = _iso(document.due)
        elif document.approved:
            raise DataError(
                f"{document.number} has no due date, which Xero needs of approved documents",
                remedy="set one in the PSA, or let documents arrive as drafts",
            )
        if document.url and "xero" not in document.url.lower():
            wire["Url"] = document.url
    return wire


def _line(document: LedgerDocument, line: LedgerLine, position: int) -> dict[str, Any]:
    words = line.description.strip() or "-"
    if line.text_only:
        return {"Description": words}
    if not line.tax_code:
        raise DataError(f"{document.number}: line {position} has no tax code")
    price, discount = plain_price(document, line)
    wire: dict[str, Any] = {
        "Description": words,
        "Quantity": _number(line.quantity),
        "UnitAmount": _number(price),
        "TaxType": line.tax_code,
    }
    if discount:
        wire["DiscountRate"] = _number(discount)
    if line.account:
        wire["AccountCode"] = line.account
    if line.item:
        wire["ItemCode"] = line.item
    if tracking := _tracking(line, position):
        wire["Tracking"] = tracking
    return wire


def _tracking(line: LedgerLine, position: int) -> list[dict[str, str]]:
    pairs = [key.partition(":")[::2] for key in line.tracking]
    if len(pairs) > MOST_TRACKING or len({category for category, _ in pairs}) < len(pairs):
        raise DataError(
            f"line {position} ('{line.description[:40]}') has {len(pairs)} tracking options; Xero"
            f" takes {MOST_TRACKING} of different categories",
            remedy="map its departments to options of different categories",
        )
    return [
        {"TrackingCategoryID": category, "TrackingOptionID": option} for category, option in pairs
    ]


def _iso(day: date) -> str:
    return day.isoformat()


def _number(value: Decimal) -> Decimal:
    """Without zeros behind the point and without an exponent."""
    plain = value.normalize()
    return plain.quantize(Decimal(1)) if plain == plain.to_integral_value() else plain
