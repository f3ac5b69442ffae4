"""What a company holds before anybody touches it: catalogues, and customers of the shared world.

Among the names are ones that confuse: an inactive namesake, a vendor that holds a client's name,
and one that differs by "Ltd" and "Limited" alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from syncd.sdk.sandbox import World
from syncd_quickbooks.sandbox import CLIENT_OFFSET
from syncd_quickbooks.sandbox.options import Options

Row = dict[str, Any]

FOUNDED: Final = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
VENDOR_CLIENT: Final = 3
"""Client whose name a vendor holds."""
ARCHIVED_CLIENT: Final = 2
"""Client beside whose customer an inactive one of nearly the same name stands."""

_RATES: Final = (
    ("3", "20.0% S (Sales)", "20"),
    ("5", "0.0% Z (Sales)", "0"),
    ("7", "Exempt (Sales)", "0"),
    ("9", "No VAT (Sales)", "0"),
    ("11", "5.0% R (Sales)", "5"),
)
_CODES: Final = (
    ("2", "20.0% S", ("3",)),
    ("3", "0.0% Z", ("5",)),
    ("4", "Exempt", ("7",)),
    ("5", "No VAT", ("9",)),
    ("6", "5.0% R", ("11",)),
)
_ITEMS: Final = (
    ("21", "Managed services", "79", True),
    ("22", "Microsoft 365", "79", True),
    ("23", "Backup", "79", True),
    ("24", "Rounding", "81", True),
)
_ACCOUNTS: Final = (
    ("4", "Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
    ("35", "Current account", "Bank", "Checking"),
    ("79", "Sales", "Income", "SalesOfProductIncome"),
    ("80", "Other revenue", "Income", "OtherPrimaryIncome"),
    ("81", "Rounding", "Income", "OtherPrimaryIncome"),
    ("84", "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
)


def catalogues(options: Options) -> dict[str, list[Row]]:
    """Rows of every kind that does not follow from the world."""
    return {
        "Item": list(_items(options)),
        "Account": [_account(*one) for one in _ACCOUNTS],
        "Class": [
            {"Id": "5000", "Name": "Managed", "FullyQualifiedName": "Managed", "Active": True},
            {"Id": "5001", "Name": "Projects", "FullyQualifiedName": "Projects", "Active": True},
        ],
        "Term": [
            {"Id": "1", "Name": "Due on receipt", "Type": "STANDARD", "DueDays": 0, "Active": True},
            {"Id": "3", "Name": "Net 30", "Type": "STANDARD", "DueDays": 30, "Active": True},
        ],
        "TaxCode": list(_american() if options.us else _codes(options)),
        "TaxRate": list(_rates(options)),
        "CompanyCurrency": []
        if options.us or not options.multicurrency
        else [
            {"Id": "1", "Code": "EUR", "Name": "Euro", "Active": True},
            {"Id": "2", "Code": "USD", "Name": "United States Dollar", "Active": True},
        ],
    }


def names(
    world: World, options: Options, currency: str, taken: set[str]
) -> Iterator[tuple[str, Row]]:
    """Customers of the clients of now, and what confuses beside them; names stay unique."""
    for client in world.clients():
        name = client.name
        if options.extras and client.id == VENDOR_CLIENT and not options.us:
            yield "Vendor", {"Id": "61", "DisplayName": name, "Active": True}
            taken.add(name.casefold())
        if name.casefold() in taken:
            name = f"{client.name} ({client.id})"
        taken.add(name.casefold())
        own = options.currencies.get(client.id, currency)
        yield "Customer", customer(str(CLIENT_OFFSET + client.id), name, own)
        if options.extras and client.id == ARCHIVED_CLIENT:
            old = _other_form(client.name)
            taken.add(old.casefold())
            shown = f"{old} (deleted)" if options.deleted_suffix else old
            yield "Customer", {**customer("90", shown, currency), "Active": False}
            yield "Employee", {"Id": "62", "DisplayName": "Ada Winter", "Active": True}


def customer(number: str, name: str, currency: str) -> Row:
    """A customer as the interface shows it."""
    return {
        "Id": number,
        "DisplayName": name,
        "FullyQualifiedName": name,
        "CompanyName": name,
        "PrintOnCheckName": name,
        "Active": True,
        "Job": False,
        "Taxable": True,
        "CurrencyRef": {"value": currency, "name": currency},
        "Balance": Decimal(0),
        "BalanceWithJobs": Decimal(0),
    }


def _other_form(name: str) -> str:
    for short, long in ((" Ltd", " Limited"), (" Limited", " Ltd")):
        if name.endswith(short):
            return name.removesuffix(short) + long
    return f"{name} Ltd"


def _items(options: Options) -> Iterator[Row]:
    for number, name, account, active in _ITEMS:
        yield _item(number, name, account, active=active)
    if options.extras:
        shown = "Antivirus (deleted)" if options.deleted_suffix else "Antivirus"
        yield _item("25", shown, "79", active=False)
        yield {"Id": "26", "Name": "Services", "Type": "Category", "Active": True}


def _item(number: str, name: str, account: str, *, active: bool) -> Row:
    return {
        "Id": number,
        "Name": name,
        "FullyQualifiedName": name,
        "Type": "Service",
        "Active": active,
        "Taxable": True,
        "UnitPrice": Decimal(0),
        "IncomeAccountRef": {"value": account},
        "TrackQtyOnHand": False,
    }


def _account(number: str, name: str, kind: str, detail: str) -> Row:
    return {
        "Id": number,
        "Name": name,
        "FullyQualifiedName": name,
        "AccountType": kind,
        "AccountSubType": detail,
        "Classification": "Revenue" if kind == "Income" else "Asset",
        "Active": True,
    }


def _codes(options: Options) -> Iterator[Row]:
    for number, name, rates in _CODES:
        yield _code(number, name, rates)
    if options.extras:
        yield {**_code("7", "17.5% S", ("13",)), "Active": False}
        yield _code("8", "GST and QST", ("21", "22"))


def _rates(options: Options) -> Iterator[Row]:
    if options.us:
        yield _rate("31", "State tax", str(options.sales_tax.get(options.home_state, Decimal(0))))
        return
    for one in _RATES:
        yield _rate(*one)
    if options.extras:
        yield {**_rate("13", "17.5% S (Sales)", "17.5"), "Active": False}
        yield _rate("21", "GST", "5")
        yield _rate("22", "QST", "9.975")


def _rate(number: str, name: str, percent: str) -> Row:
    return {
        "Id": number,
        "Name": name,
        "Active": True,
        "RateValue": Decimal(percent),
        "AgencyRef": {"value": "1"},
        "SpecialTaxType": "NONE",
    }


def _code(number: str, name: str, rates: tuple[str, ...]) -> Row:
    details = [
        {"TaxRateRef": {"value": rate}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}
        for rate in rates
    ]
    return {
        "Id": number,
        "Name": name,
        "Description": name,
        "Active": True,
        "Hidden": False,
        "Taxable": True,
        "TaxGroup": True,
        "SalesTaxRateList": {"TaxRateDetail": details},
        "PurchaseTaxRateList": {"TaxRateDetail": []},
    }


def _american() -> Iterator[Row]:
    """Two pseudo codes, which have no `Active`, and real ones that share a name on purpose."""
    for pseudo in ("TAX", "NON"):
        yield {"Id": pseudo, "Name": pseudo, "Taxable": pseudo == "TAX", "TaxGroup": False}
    for number in ("2", "3"):
        yield _code(number, "California", ("31",))
