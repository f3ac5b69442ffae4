"""Invoices and credit memos: created, replaced, sparsely changed, voided, deleted.

Totals are computed here; those that are sent are ignored, as QuickBooks ignores them.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from syncd_quickbooks.sandbox import sales_lines
from syncd_quickbooks.sandbox.catalogue import reference, usable
from syncd_quickbooks.sandbox.company import Company, Row
from syncd_quickbooks.sandbox.refusals import Refusal
from syncd_quickbooks.sandbox.sales_tax import taxed

LONGEST_NUMBER: Final = 21
LONGEST_NOTE: Final = 4000
NUMBERED: Final = ("Invoice", "CreditMemo")
_WRITABLE: Final[tuple[str, ...]] = (
    "DocNumber", "TxnDate", "DueDate", "SalesTermRef", "CustomerRef", "CurrencyRef",
    "ExchangeRate", "PrivateNote", "CustomerMemo", "BillEmail", "BillEmailCc", "BillEmailBcc",
    "BillAddr", "ShipAddr", "Line", "TxnTaxDetail", "GlobalTaxCalculation", "ClassRef",
    "DepartmentRef", "CustomField", "EmailStatus", "PrintStatus", "ApplyTaxAfterDiscount",
    "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment",
    "ShipDate", "TrackingNum", "ShipMethodRef",
)  # fmt: skip
_IGNORED: Final = {
    "Id", "SyncToken", "sparse", "domain", "MetaData", "TotalAmt", "Balance", "LinkedTxn",
    "HomeTotalAmt", "HomeBalance", "RemainingCredit", "status", "DeliveryInfo", "FreeFormAddress",
    "InvoiceLink",
}  # fmt: skip
_RATES: Final = {"EUR": Decimal("0.86"), "USD": Decimal("0.79")}


def create(company: Company, kind: str, payload: Row, *, duplicates: bool = False) -> Row:
    """A new document, in the books at once.

    Raises:
        Refusal: any of the codes of a document.
    """
    row = _computed(company, kind, payload, known=None)
    row["DocNumber"] = _numbered(company, kind, payload, own="", duplicates=duplicates)
    _open_period(company, row["TxnDate"])
    return company.add(kind, row)


def update(company: Company, kind: str, payload: Row, *, duplicates: bool = False) -> Row:
    """Replace a document, or with `sparse` only what is sent; lines are replaced as a whole.

    Raises:
        Refusal: 5010, the token is an old one; any of the codes of a document.
    """
    found = company.current(kind, payload)
    given = dict(payload)
    if payload.get("sparse") is True:
        before = {name: found[name] for name in _WRITABLE if name in found}
        if "Line" in payload or ("TxnTaxDetail" not in payload and not company.options.us):
            before.pop("TxnTaxDetail", None)
        given = {**before, **payload}
    row = _computed(company, kind, given, known=found)
    row["DocNumber"] = _numbered(company, kind, given, own=found["Id"], duplicates=duplicates)
    settled = found["TotalAmt"] - found["Balance"]
    if row["TotalAmt"] < settled:
        raise Refusal("6000", f"the total would be less than what is applied to it, {settled}")
    row["Balance"] = row["TotalAmt"] - settled
    if kind == "CreditMemo":
        row["RemainingCredit"] = row["Balance"]
    row["LinkedTxn"] = found["LinkedTxn"]
    _open_period(company, found["TxnDate"], row["TxnDate"])
    return company.replace(kind, found, row)


def void(company: Company, payload: Row) -> Row:
    """Set an invoice to nothing; it stays, with its number.

    Raises:
        Refusal: 5010; 6480 or 6000, a payment or a credit is applied; 6200, 6210.
    """
    found = company.current("Invoice", payload)
    if found["LinkedTxn"]:
        code = company.options.void_code
        raise Refusal(code, "a payment is linked to the invoice, so that it cannot be voided")
    _open_period(company, found["TxnDate"])
    for line in found["Line"]:
        if "Amount" in line:
            line["Amount"] = Decimal(0)
        detail = line.get("SalesItemLineDetail", {})
        detail.update({name: Decimal(0) for name in ("Qty", "TaxInclusiveAmt") if name in detail})
    found["TxnTaxDetail"] = {"TotalTax": Decimal(0)}
    found["TotalAmt"] = found["Balance"] = Decimal(0)
    note = found.get("PrivateNote", "")
    keep = company.options.void_note == "prepend" and note
    found["PrivateNote"] = f"Voided - {note}" if keep else "Voided"
    company.touch("Invoice", found, "voided")
    return found


def delete(company: Company, kind: str, payload: Row) -> Row:
    """Lose a document; payments that were applied to it become unapplied.

    Raises:
        Refusal: 5010; 6200, 6210.
    """
    found = company.current(kind, payload)
    _open_period(company, found["TxnDate"])
    for link in found["LinkedTxn"]:
        payment = company.tables["Payment"].get(link["TxnId"])
        if payment is None:
            continue
        kept = [line for line in payment["Line"] if line["LinkedTxn"][0]["TxnId"] != found["Id"]]
        payment["Line"] = kept
        payment["UnappliedAmt"] = payment["TotalAmt"] - _applied(payment)
        company.touch("Payment", payment)
    company.remove(kind, found["Id"])
    return {"Id": found["Id"], "status": "Deleted", "domain": "QBO"}


def _applied(payment: Row) -> Decimal:
    total = Decimal(0)
    for line in payment["Line"]:
        credit = line["LinkedTxn"][0]["TxnType"] == "CreditMemo"
        total += -line["Amount"] if credit else line["Amount"]
    return total


def _computed(company: Company, kind: str, payload: Row, *, known: Row | None) -> Row:
    unknown = sorted(set(payload) - set(_WRITABLE) - _IGNORED)
    if unknown:
        raise Refusal("2010", f"Property {unknown[0]} is unsupported", element=unknown[0])
    number = reference(payload, "CustomerRef")
    if not number:
        raise Refusal("2020", "CustomerRef is required", element="CustomerRef")
    buyer = usable(company, "Customer", number, "CustomerRef")
    if len(str(payload.get("PrivateNote") or "")) > LONGEST_NOTE:
        raise Refusal("2050", "PrivateNote is too long", element="PrivateNote")
    row = {name: payload[name] for name in _WRITABLE if payload.get(name) is not None}
    lines = sales_lines.kept(company, payload.get("Line"), known["Line"] if known else ())
    sums = taxed(company, lines, payload, buyer)
    total = sums.net + sums.tax
    if total < 0:
        raise Refusal("6000", "Transaction amount must be 0 or greater")
    row["CustomerRef"] = {"value": number, "name": buyer["DisplayName"]}
    row |= _money(company, payload, buyer, total)
    row |= {"Line": sales_lines.with_subtotal(lines, sums.net), "TxnTaxDetail": sums.detail}
    row |= _days(company, kind, payload)
    row.setdefault("EmailStatus", "NotSet")
    row.setdefault("PrintStatus", "NeedToPrint")
    row["LinkedTxn"] = []
    if kind == "CreditMemo":
        row["RemainingCredit"] = total
    return row


def _money(company: Company, payload: Row, buyer: Row, total: Decimal) -> Row:
    currency = reference(buyer, "CurrencyRef") or company.currency
    named = reference(payload, "CurrencyRef")
    if company.multicurrency:
        if not named:
            raise Refusal("2020", "CurrencyRef is required", element="CurrencyRef")
        if named != currency:
            words = f"the document is in {named}, the customer in {currency}"
            raise Refusal("6000", words, element="CurrencyRef")
    elif named not in {"", company.currency}:
        raise Refusal("6000", "Multi currency should be enabled to perform this operation")
    row: Row = {"CurrencyRef": {"value": currency, "name": currency}}
    row |= {"TotalAmt": total, "Balance": total}
    if company.multicurrency:
        rate = Decimal(1)
        if currency != company.currency:
            given = payload.get("ExchangeRate")
            default = _RATES.get(currency, Decimal(1))
            rate = default if given is None else sales_lines.number(given, "ExchangeRate")
        row |= {"ExchangeRate": rate, "HomeTotalAmt": sales_lines.cents(total * rate)}
    return row


def _days(company: Company, kind: str, payload: Row) -> Row:
    dated = _day(payload.get("TxnDate"), "TxnDate") or company.today()
    row: Row = {"TxnDate": dated.isoformat()}
    if kind == "CreditMemo":
        return row
    due = _day(payload.get("DueDate"), "DueDate")
    term = reference(payload, "SalesTermRef")
    if term:
        found = usable(company, "Term", term, "SalesTermRef")
        due = due or dated + timedelta(days=found["DueDays"])
        row["SalesTermRef"] = {"value": term, "name": found["Name"]}
    row["DueDate"] = (due or dated).isoformat()
    return row


def _day(text: Any, element: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise Refusal("2010", f"{element} is no date", element=element) from None


def _numbered(company: Company, kind: str, payload: Row, *, own: str, duplicates: bool) -> Any:
    """The document's number, as the preference for custom numbers has it."""
    number = payload.get("DocNumber") or None
    if number is None:
        return None if company.options.own_numbers else company.count_number()
    if len(str(number)) > LONGEST_NUMBER:
        words = f"DocNumber has {len(str(number))} characters, at most {LONGEST_NUMBER}"
        raise Refusal("2050", words, element="DocNumber")
    refuses = company.options.own_numbers and company.options.duplicates == "refused"
    for held, holder in company.holders(str(number)) if refuses and not duplicates else ():
        if (held, holder) != (kind, own):
            words = (
                "You must specify a different number. This number has already been used. "
                f"DocNumber={number} is assigned to TxnType={held} with TxnId={holder}"
            )
            raise Refusal(company.options.duplicate_code, words,
                          message="Duplicate Document Number Error")  # fmt: skip
    return str(number)


def _open_period(company: Company, *days: str) -> None:
    closed = company.options.books_closed
    if closed is not None and any(date.fromisoformat(day) <= closed for day in days):
        code = "6210" if company.options.close_password else "6200"
        raise Refusal(code, f"the books are closed until {closed}", element="TxnDate")
