"""Lines of an invoice or a credit memo as QuickBooks takes them, and as it keeps them.

A line without an item is only text, whatever its amount says; that is the vendor's documented
behaviour, and a trap.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from syncd_quickbooks.sandbox.catalogue import reference, usable
from syncd_quickbooks.sandbox.company import Company, Row
from syncd_quickbooks.sandbox.refusals import Refusal

CENT: Final = Decimal("0.01")
MOST_LINES: Final = 750
LONGEST_TEXT: Final = 4000
_DETAILS: Final = {
    "ItemRef", "Qty", "UnitPrice", "TaxCodeRef", "ClassRef", "ServiceDate", "TaxInclusiveAmt",
    "ItemAccountRef", "DiscountRate", "DiscountAmt",
}  # fmt: skip
_LINE: Final = {
    "Id", "LineNum", "Description", "Amount", "DetailType", "SalesItemLineDetail",
    "DescriptionLineDetail", "SubTotalLineDetail", "LinkedTxn", "CustomField",
}  # fmt: skip


def kept(company: Company, given: Any, known: Sequence[Row]) -> list[Row]:
    """The lines that are sent, checked and numbered; those of `known` keep their ids.

    Raises:
        Refusal: 2020, 2010, 2050, 2500, 610, 6070, 5030.
    """
    if not isinstance(given, list) or not given:
        raise Refusal("2020", "at least one line is required", element="Line")
    if len(given) > MOST_LINES:
        raise Refusal("6000", f"{len(given)} lines, at most {MOST_LINES}")
    ids = {line["Id"] for line in known if "Id" in line}
    following = max((int(one) for one in ids), default=0)
    lines: list[Row] = []
    for sent in given:
        if not isinstance(sent, dict) or "DetailType" not in sent:
            raise Refusal("2020", "DetailType is required", element="DetailType")
        _known(sent, _LINE)
        if sent["DetailType"] == "SubTotalLineDetail":
            continue
        line = _line(company, sent)
        if sent.get("Id") in ids:
            line["Id"] = sent["Id"]
        else:
            following += 1
            line["Id"] = str(following)
        line["LineNum"] = len(lines) + 1
        lines.append(line)
    return lines


def with_subtotal(lines: Sequence[Row], amount: Decimal) -> list[Row]:
    """The lines and the sum that QuickBooks appends to them."""
    total = {"Amount": amount, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
    return [*lines, total]


def is_money(line: Row) -> bool:
    """Whether the line has an amount that counts."""
    return bool(line["DetailType"] == "SalesItemLineDetail")


def number(value: Any, element: str) -> Decimal:
    """A number as it is sent: a JSON number, or text of one.

    Raises:
        Refusal: 2010, it is none.
    """
    try:
        found = Decimal("NaN" if isinstance(value, bool) else str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise Refusal("2010", f"{element} is no number", element=element)
    return found


def cents(amount: Decimal) -> Decimal:
    """Rounded to cents, half away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def _line(company: Company, sent: Row) -> Row:
    text = str(sent.get("Description") or "")
    if len(text) > LONGEST_TEXT:
        raise Refusal("2050", f"Description has {len(text)} characters", element="Description")
    match sent["DetailType"]:
        case "DescriptionOnly":
            return {"Description": text, "DetailType": "DescriptionOnly"}
        case "SalesItemLineDetail":
            return _sale(company, sent, text)
        case other:
            raise Refusal("5030", f"lines of the kind {other} are off in this company")


def _sale(company: Company, sent: Row, text: str) -> Row:
    given: Any = sent.get("SalesItemLineDetail")
    if not isinstance(given, dict):
        raise Refusal("2020", "SalesItemLineDetail is required", element="SalesItemLineDetail")
    _known(given, _DETAILS)
    if "Amount" not in sent:
        raise Refusal("2020", "Amount is required", element="Amount")
    amount = cents(number(sent["Amount"], "Amount"))
    item = reference(given, "ItemRef")
    if not item:
        return {"Description": text, "DetailType": "DescriptionOnly"}
    found = usable(company, "Item", item, "ItemRef")
    if found["Type"] == "Category":
        raise Refusal("2500", "a category cannot be sold", element="ItemRef")
    detail: Row = {"ItemRef": {"value": item, "name": found["Name"]}}
    detail.update({name: given[name] for name in ("ServiceDate",) if name in given})
    if reference(given, "ClassRef"):
        named = usable(company, "Class", reference(given, "ClassRef"), "ClassRef")
        detail["ClassRef"] = {"value": named["Id"], "name": named["Name"]}
    if reference(given, "TaxCodeRef"):
        detail["TaxCodeRef"] = {"value": reference(given, "TaxCodeRef")}
    gross = given.get("TaxInclusiveAmt")
    if gross is not None:
        detail["TaxInclusiveAmt"] = cents(number(gross, "TaxInclusiveAmt"))
    _priced(company, given, amount, detail)
    return {
        "Description": text,
        "Amount": amount,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": detail,
    }


def _priced(company: Company, given: Row, amount: Decimal, detail: Row) -> None:
    """Quantity and price, which must make the amount where both are sent."""
    quantity = None if given.get("Qty") is None else number(given["Qty"], "Qty")
    price = None if given.get("UnitPrice") is None else number(given["UnitPrice"], "UnitPrice")
    if quantity is not None and price is not None:
        whole = cents(quantity * price)
        if whole not in {amount, detail.get("TaxInclusiveAmt")}:
            words = f"Amount {amount} is not Qty {quantity} x UnitPrice {price}"
            raise Refusal("6070", words, element="Amount")
    elif quantity is not None and quantity:
        price = (amount / quantity).quantize(Decimal("0.0000001"), ROUND_HALF_UP)
    if quantity is not None:
        decimals = company.options.quantity_decimals
        if decimals is not None:
            quantity = quantity.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
        detail["Qty"] = quantity
    if price is not None:
        detail["UnitPrice"] = price


def _known(row: Row, names: set[str]) -> None:
    unknown = sorted(set(row) - names)
    if unknown:
        raise Refusal("2010", f"Property {unknown[0]} is unsupported", element=unknown[0])
