"""A document of ours as the body that QuickBooks takes; pure.

What QuickBooks would take differently from how it is meant is refused here: nothing is cut, and
nothing is left for it to fill in save for what the regime of tax leaves to it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine
from syncd_quickbooks.arithmetic import LARGEST, amount_of, plain, price_of
from syncd_quickbooks.book import LONGEST_NUMBER, Home, Regime
from syncd_quickbooks.config import QuickBooksConfig

ENTITIES: Final = {DocumentKind.INVOICE: "Invoice", DocumentKind.CREDIT: "CreditMemo"}
MODES: Final = {
    AmountBasis.EXCLUSIVE: "TaxExcluded",
    AmountBasis.INCLUSIVE: "TaxInclusive",
    AmountBasis.NO_TAX: "NotApplicable",
}
TAXED: Final = "TAX"
UNTAXED: Final = "NON"

MOST_LINES: Final = 750
LONGEST_TEXT: Final = 4000
LONGEST_MEMO: Final = 1000


def body_of(document: LedgerDocument, home: Home, config: QuickBooksConfig) -> dict[str, Any]:
    """The body of an invoice or a credit memo.

    Raises:
        DataError: QuickBooks cannot hold the document as it is.
    """
    check_document(document)
    note = [document.marker]
    body: dict[str, Any] = {
        "DocNumber": document.number,
        "TxnDate": document.dated.isoformat(),
        "CustomerRef": {"value": document.contact},
        "EmailStatus": "NotSet",
        "Line": [line_of(line, home.regime, config) for line in document.lines],
    }
    if document.reference and config.reference_in == "memo":
        body["CustomerMemo"] = {"value": document.reference}
    elif document.reference:
        note.append(document.reference)
    if document.url:
        note.append(document.url)
    body["PrivateNote"] = " | ".join(note)
    if home.multicurrency:
        body["CurrencyRef"] = {"value": document.currency}
    if document.kind is DocumentKind.INVOICE:
        if document.due is not None:
            body["DueDate"] = document.due.isoformat()
        if document.terms:
            body["SalesTermRef"] = {"value": document.terms}
    if home.regime is Regime.GLOBAL:
        body["GlobalTaxCalculation"] = MODES[document.basis]
    elif home.regime is Regime.OWN_TOTAL and document.tax is not None:
        body["TxnTaxDetail"] = {"TotalTax": document.tax}
    return body


def line_of(line: LedgerLine, regime: Regime, config: QuickBooksConfig) -> dict[str, Any]:
    """One line.

    Raises:
        DataError: QuickBooks cannot hold it.
    """
    if len(line.description) > LONGEST_TEXT:
        raise DataError(
            f"a line has {len(line.description)} characters of text, and QuickBooks takes"
            f" {LONGEST_TEXT}",
            remedy="shorten it in the PSA; nothing is cut silently",
        )
    if line.text_only:
        return {
            "DetailType": "DescriptionOnly",
            "Description": line.description,
            "DescriptionLineDetail": {},
        }
    detail: dict[str, Any] = {
        "ItemRef": {"value": item_of(line)},
        "Qty": plain(line.quantity),
        "UnitPrice": price_of(line, config.price_decimals),
        "TaxCodeRef": {"value": _tax_of(line, regime)},
    }
    if line.tracking:
        detail["ClassRef"] = {"value": _class_of(line, config)}
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": _amount(line),
        "Description": line.description,
        "SalesItemLineDetail": detail,
    }


def item_of(line: LedgerLine) -> str:
    """The item of a line: without one QuickBooks takes the line for text and ignores its money.

    Raises:
        DataError: it has none.
    """
    if line.item:
        return line.item
    if line.rounding:
        raise DataError(
            "the line that evens out cents has no item, which QuickBooks needs",
            remedy="name an item of the company as rounding_account of this book",
        )
    raise DataError(
        "a line with money has no item, which QuickBooks needs",
        remedy="map the PSA's item, or a default item, to an item of the company",
    )


def check_document(document: LedgerDocument) -> None:
    """Refuse what does not fit as a whole.

    Raises:
        DataError: what, and what to do.
    """
    if len(document.number) > LONGEST_NUMBER:
        raise DataError(
            f"number {document.number!r} has {len(document.number)} characters, and QuickBooks"
            f" takes {LONGEST_NUMBER}",
            remedy="shorten the numbers or the prefix in the PSA; a number is never cut",
        )
    if not document.number:
        raise DataError("the document has no number", remedy="number it in the PSA")
    money = sum(not line.text_only for line in document.lines)
    if money == 0 or len(document.lines) > MOST_LINES:
        raise DataError(
            f"the document has {money} lines with money of {len(document.lines)}, and QuickBooks"
            f" takes 1 to {MOST_LINES}",
            remedy="split it in the PSA, or leave it out",
        )
    if document.reference and len(document.reference) > LONGEST_MEMO:
        raise DataError(
            f"the reference has more than {LONGEST_MEMO} characters", remedy="shorten it"
        )
    check_sign(sum((amount_of(line) for line in document.lines), Decimal(0)))


def check_sign(total: Decimal) -> None:
    """Refuse a total below zero, which tax alone can make of lines that are not.

    Raises:
        DataError: it is negative.
    """
    if total < 0:
        raise DataError(
            "the document is negative, and QuickBooks takes none that is",
            remedy="carry it as a credit note with positive lines",
        )


def _amount(line: LedgerLine) -> Decimal:
    amount = amount_of(line)
    if abs(amount) > LARGEST:
        raise DataError(f"an amount is larger than {LARGEST}", remedy="split the line in the PSA")
    if amount != line.net:
        raise DataError(
            f"a line says {line.net}, and quantity times price is {amount}",
            remedy="correct the line in the PSA: QuickBooks computes it anew",
        )
    return amount


def _tax_of(line: LedgerLine, regime: Regime) -> str:
    if not line.tax_code:
        raise DataError(
            "a line has no tax code; QuickBooks would take it for taxable",
            remedy="map the PSA's tax, also where it is none",
        )
    if regime.american and line.tax_code not in {TAXED, UNTAXED}:
        raise DataError(
            f"tax code {line.tax_code!r}: lines of an American company take TAX or NON only",
            remedy="map the PSA's taxes to TAX and NON",
        )
    return line.tax_code


def _class_of(line: LedgerLine, config: QuickBooksConfig) -> str:
    if not config.classes:
        raise DataError(
            "a line is tracked, and classes are off for this connection",
            remedy="write classes = true, or take the mapping of tracking away",
        )
    if len(line.tracking) > 1:
        raise DataError(
            "a line has two classes, and QuickBooks takes one", remedy="map one tracking only"
        )
    return line.tracking[0]
