"""A small reader of `where` filters that fails loudly on everything it does not know.

Known are comparisons joined by AND and OR, brackets, `Contains` and `StartsWith`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from syncd_xero.sandbox.refusals import unreadable
from syncd_xero.sandbox.wording import read_day

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

_PART: Final = re.compile(
    r"\s*(?P<field>[A-Za-z]+(?:\.(?!(?:Contains|StartsWith)\()[A-Za-z]+)*)"
    r"(?:\.(?P<call>Contains|StartsWith)\((?P<text>\"[^\"]*\")\)"
    r"|\s*(?P<sign>==|!=|>=|<=|=|>|<)\s*(?P<value>\"[^\"]*\"|guid\(\"[^\"]*\"\)"
    r"|datetime\([^)]*\)|-?[0-9.]+|true|false|null))\s*",
    re.IGNORECASE,
)
_AND: Final = re.compile(r"\s*(AND\b|&&)\s*", re.IGNORECASE)
_OR: Final = re.compile(r"\s*(OR\b|\|\|)\s*", re.IGNORECASE)
_OPEN: Final = re.compile(r"\s*\(\s*")
_CLOSE: Final = re.compile(r"\s*\)\s*")
FIELDS: Final = frozenset({
    "Type", "Status", "InvoiceNumber", "CreditNoteNumber", "Reference", "Date", "DueDate",
    "AmountDue", "AmountPaid", "Total", "CurrencyCode", "InvoiceID", "CreditNoteID", "Name",
    "ContactID", "ContactNumber", "ContactStatus", "EmailAddress", "IsSupplier", "IsCustomer",
    "AccountNumber", "PaymentType", "PaymentID", "Code", "TaxType", "Contact.ContactID",
    "Contact.Name", "Invoice.InvoiceID", "Invoice.InvoiceNumber", "UpdatedDateUTC", "SystemAccount",
})  # fmt: skip


def parsed(text: str) -> Test:
    """What a filter lets through.

    Raises:
        Refusal: 400, something in it is not known.
    """
    reader = _Reader(text)
    test = reader.either()
    if reader.rest:
        raise unreadable(f"Syntax error at '{reader.rest[:40]}'")
    return test


class _Reader:
    """Reads a filter from left to right; AND binds closer than OR, brackets closest."""

    def __init__(self, text: str) -> None:
        self.rest = text.strip()

    def either(self) -> Test:
        tests = [self._both()]
        while self._took(_OR):
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._took(_AND):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._took(_OPEN):
            test = self.either()
            if not self._took(_CLOSE):
                raise unreadable("A bracket is not closed")
            return test
        found = _PART.match(self.rest)
        if found is None:
            raise unreadable(f"No property or operator could be read at '{self.rest[:40]}'")
        self.rest = self.rest[found.end() :]
        return _test(found)

    def _took(self, token: re.Pattern[str]) -> bool:
        found = token.match(self.rest)
        if found is not None:
            self.rest = self.rest[found.end() :]
        return found is not None


def _test(found: re.Match[str]) -> Test:
    name = found["field"]
    if name not in FIELDS:
        raise unreadable(f"No property or field '{name}' exists")
    if found["call"]:
        text, starts = found["text"][1:-1].casefold(), found["call"].lower() == "startswith"

        def held(row: Row) -> bool:
            value = str(_value(row, name) or "").casefold()
            return value.startswith(text) if starts else text in value

        return held
    wanted = _literal(found["value"])
    sign = "==" if found["sign"] == "=" else found["sign"]
    return lambda row: _compared(_value(row, name), sign, wanted)


def _literal(text: str) -> Any:
    low = text.lower()
    if low in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[low]
    if low.startswith("guid("):
        return text[6:-2].lower()
    if low.startswith("datetime("):
        try:
            year, month, day, *_ = (int(one) for one in text[9:-1].split(","))
            return date(year, month, day)
        except ValueError:
            raise unreadable(f"{text} is no date") from None
    return text[1:-1].casefold() if text.startswith('"') else Decimal(text)


def _value(row: Row, name: str) -> Any:
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _compared(value: Any, sign: str, wanted: Any) -> bool:
    if isinstance(wanted, date) and value is not None:
        value = read_day(value, "Date")
    elif isinstance(value, str):
        value = value.casefold()
    if sign == "==":
        return bool(value == wanted)
    if sign == "!=":
        return bool(value != wanted)
    if value is None or type(wanted) is str:
        return False
    return bool(
        {
            ">": value > wanted,
            "<": value < wanted,
            ">=": value >= wanted,
            "<=": value <= wanted,
        }[sign]
    )
