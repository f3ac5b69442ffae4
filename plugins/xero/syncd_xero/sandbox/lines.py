"""Reads the lines of a document that is written, with everything that Xero finds wrong in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from syncd_xero.sandbox.arithmetic import decimal, line_amount, line_tax, rounded
from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.model import ZERO, Item, Line
from syncd_xero.sandbox.refusals import Invalid
from syncd_xero.sandbox.wording import read_number

LONGEST_ITEM: Final = 30
LONGEST_DESCRIPTION: Final = 4000
MOST_TRACKING: Final = 2
SALES: Final = frozenset({"REVENUE", "SALES", "OTHERINCOME", "CURRLIAB"})
"""Types of accounts that a sales document may name; bank and debtors' accounts are not."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the lines of one document are read.

    Attributes:
        books: of the organisation.
        kind: Xero's type of the document.
        basis: `LineAmountTypes`.
        places: decimals of unit prices.
        strict: the document will be approved, so that nothing may be missing.
        known: lines the document has already.
    """

    books: Books
    kind: str
    basis: str
    places: int
    strict: bool
    known: Mapping[str, Line]

    def line(self, told: Mapping[str, Any]) -> Line:
        """One line.

        Raises:
            Invalid: with every reason.
        """
        if not isinstance(told, Mapping):
            raise Invalid("A line item is not valid")
        key = told.get("LineItemID") or ""
        if key and key not in self.known:
            raise Invalid(f"Could not find line item(s) with the following id(s) {key}")
        description = told.get("Description") or ""
        if not isinstance(description, str) or len(description) > LONGEST_DESCRIPTION:
            raise Invalid("The description of a line item is not valid")
        item = self._item(told)
        line = Line(key=key or self.books.new_key("line"), description=description)
        if item is not None:
            line.item = item.code
            line.description = line.description or item.description or item.name
        if not line.description:
            raise Invalid("Description must be specified")
        if self._words_alone(told):
            return line
        self._amounts(line, told, item)
        line.account = self._account(told, item)
        line.tax_type = self._tax(told, line, item)
        if self.basis == "NoTax":
            line.tax_type, line.tax = "NONE", ZERO
        elif told.get("TaxAmount") is not None:
            stated = read_number(told["TaxAmount"], "TaxAmount")
            line.tax = decimal(rounded(Fraction(stated)))
        elif line.tax_type:
            percent = self.books.taxes[line.tax_type].percent
            line.tax = line_tax(line.amount, percent, inclusive=self.basis == "Inclusive")
        line.tracking = self._tracking(told)
        return line

    def _words_alone(self, told: Mapping[str, Any]) -> bool:
        money = ("Quantity", "UnitAmount", "LineAmount", "AccountCode", "ItemCode", "TaxAmount")
        return all(told.get(name) in (None, "") for name in money)

    def _amounts(self, line: Line, told: Mapping[str, Any], item: Item | None) -> None:
        asked = {
            name: read_number(told[name], name)
            for name in ("Quantity", "UnitAmount", "LineAmount", "DiscountRate", "DiscountAmount")
            if told.get(name) not in (None, "")
        }
        rate, off = asked.get("DiscountRate"), asked.get("DiscountAmount")
        if (rate is not None or off is not None) and self.kind != "ACCREC":
            raise Invalid("Discounts are not supported on this type of document")
        if rate is not None and not 0 <= rate <= 100:
            raise Invalid("The DiscountRate must be between 0 and 100")
        if rate is not None:
            rate = decimal(rounded(Fraction(rate), 4), 4)
        quantity, price, amount = (
            asked.get(name) for name in ("Quantity", "UnitAmount", "LineAmount")
        )
        if quantity is not None:
            decimals = self.books.options.decimals
            quantity = decimal(rounded(Fraction(quantity), decimals), decimals)
        if price is None and amount is None and item is not None:
            price = item.price
        if price is not None:
            price = decimal(rounded(Fraction(price), self.places), self.places)
        if quantity is None and price is not None:
            quantity = Decimal(1) if amount is None or not price else None
        if quantity is None and price is not None and amount is not None:
            quantity = decimal(rounded(Fraction(amount) / Fraction(price), 4), 4)
        if price is None and amount is not None:
            quantity = quantity or Decimal(1)
            each = Fraction(amount) / Fraction(quantity)
            price = decimal(rounded(each, self.places), self.places)
            line.amount = decimal(rounded(Fraction(amount)))
        else:
            quantity, price = quantity or Decimal(0), price or Decimal(0)
            line.amount = line_amount(quantity, price, rate=rate, amount=off)
        if amount is not None and line.amount != decimal(rounded(Fraction(amount))):
            raise Invalid(
                f"The line total {amount} does not match the expected line total {line.amount}"
            )
        line.quantity, line.price = quantity, price
        line.discount_rate, line.discount_amount = rate, off

    def _item(self, told: Mapping[str, Any]) -> Item | None:
        code = told.get("ItemCode") or ""
        if not code:
            return None
        if len(str(code)) > LONGEST_ITEM:
            message = f"Price List Item Code must not be more than than {LONGEST_ITEM} characters"
            raise Invalid(f"{message} long")
        found = self.books.items.get(str(code))
        if found is None:
            raise Invalid(f"Item code '{code}' is not valid")
        if not found.sold:
            raise Invalid(f"Item code '{code}' is not sold and cannot be used on this document")
        return found

    def _account(self, told: Mapping[str, Any], item: Item | None) -> str:
        code = str(told.get("AccountCode") or (item.account if item else ""))
        if not code:
            if self.strict:
                raise Invalid("Account code must be specified")
            return ""
        found = self.books.accounts.get(code)
        usable = found is not None and not found.archived and found.kind in SALES
        if not usable or (found is not None and found.system in {"DEBTORS", "GST"}):
            raise Invalid(f"Account code '{code}' is not a valid code for this document.")
        return code

    def _tax(self, told: Mapping[str, Any], line: Line, item: Item | None) -> str:
        code = str(told.get("TaxType") or (item.tax_type if item else ""))
        if not code:
            account = self.books.accounts.get(line.account)
            return account.tax_type if account else ""
        found = self.books.taxes.get(code)
        if found is None or found.status != "ACTIVE" or not found.revenue:
            raise Invalid(
                f"The TaxType code '{code}' does not exist or cannot be used with this type of"
                " transaction."
            )
        return code

    def _tracking(self, told: Mapping[str, Any]) -> list[dict[str, str]]:
        asked = told.get("Tracking") or []
        if len(asked) > MOST_TRACKING:
            raise Invalid("A maximum of two tracking categories can be set on a line item")
        return [self._option(one) for one in asked]

    def _option(self, told: Mapping[str, Any]) -> dict[str, str]:
        for category in self.books.categories.values():
            named = told.get("TrackingCategoryID") == category.key
            if not named and told.get("Name") != category.name:
                continue
            for option in category.options:
                picked = told.get("TrackingOptionID") == option.key
                if not picked and told.get("Option") != option.name:
                    continue
                if category.status != "ACTIVE" or option.status != "ACTIVE":
                    raise Invalid(f"The tracking option {option.name} is archived")
                return {
                    "Name": category.name,
                    "Option": option.name,
                    "TrackingCategoryID": category.key,
                    "TrackingOptionID": option.key,
                }
        raise Invalid("The TrackingCategory or its option does not exist")
