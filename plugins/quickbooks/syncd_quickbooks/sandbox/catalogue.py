"""Customers, vendors, employees and items as apps make and change them: names are the problem.

A name is taken by anybody who has it, inactive ones included, and by a vendor for customers.
"""

from __future__ import annotations

from typing import Any, Final

from syncd_quickbooks.sandbox.company import NAMES, SUFFIX, Company, Row
from syncd_quickbooks.sandbox.refusals import Refusal
from syncd_quickbooks.sandbox.seed import customer

_WRITABLE: Final = {
    "Customer": {
        "DisplayName", "CompanyName", "GivenName", "FamilyName", "Title", "Suffix", "MiddleName",
        "PrintOnCheckName", "Active", "Job", "ParentRef", "Taxable", "CurrencyRef", "BillAddr",
        "ShipAddr", "PrimaryEmailAddr", "PrimaryPhone", "Notes", "SalesTermRef", "BillWithParent",
        "DefaultTaxCodeRef", "FullyQualifiedName", "PreferredDeliveryMethod", "ResaleNum",
    },
    "Vendor": {"DisplayName", "CompanyName", "Active", "PrintOnCheckName", "CurrencyRef"},
    "Employee": {"DisplayName", "GivenName", "FamilyName", "Active"},
    "Item": {
        "Name", "Sku", "Type", "Active", "Description", "UnitPrice", "IncomeAccountRef",
        "ExpenseAccountRef", "AssetAccountRef", "TrackQtyOnHand", "QtyOnHand", "InvStartDate",
        "Taxable", "SalesTaxCodeRef", "SalesTaxIncluded", "SubItem", "ParentRef",
        "FullyQualifiedName", "PurchaseCost",
    },
}  # fmt: skip
_KEPT: Final = {"Id", "SyncToken", "sparse", "domain", "MetaData", "Balance", "BalanceWithJobs"}
_NEEDS_INCOME: Final = {"Service", "NonInventory", "Inventory"}
VAGUE: Final = (
    "Something you're trying to use has been made inactive. Check the fields with accounts,"
    " customers, items, vendors or employees."
)
_LONGEST: Final = {"DisplayName": 500, "Name": 100}


def create(company: Company, kind: str, payload: Row) -> Row:
    """A new entry.

    Raises:
        Refusal: 6240, the name is taken; 2010 to 2500, a property does not fit.
    """
    _known(kind, payload)
    name = _checked_name(company, kind, payload, "")
    if kind == "Customer":
        currency = reference(payload, "CurrencyRef") or company.currency
        _currency(company, currency)
        row = {**customer("", name, currency), **payload}
        del row["Id"]
    elif kind == "Item":
        _check_item(company, payload)
        row = {"Active": True, "Taxable": True, "FullyQualifiedName": name, **payload}
    else:
        row = {"Active": True, **payload}
    return company.add(kind, row)


def update(company: Company, kind: str, payload: Row) -> Row:
    """Change an entry: only what is sent where `sparse` says so, else what is left out is cleared.

    Raises:
        Refusal: 5010, 610; 6240; 2010 to 2500.
    """
    _known(kind, payload)
    found = company.current(kind, payload)
    key = "DisplayName" if kind in NAMES else "Name"
    sparse = payload.get("sparse") is True
    kept = dict(found) if sparse else {k: v for k, v in found.items() if k in _KEPT}
    given = {name: one for name, one in payload.items() if name not in _KEPT}
    row = {**kept, **given}
    row.setdefault("Active", True)
    if "CurrencyRef" in given and reference(given, "CurrencyRef") != reference(
        found, "CurrencyRef"
    ):
        raise Refusal("6000", "the currency of a customer cannot be changed")
    row.setdefault("CurrencyRef", found.get("CurrencyRef", {"value": company.currency}))
    if kind == "Item":
        _check_item(company, row)
    name = str(row.get(key, "")).removesuffix(SUFFIX)
    row[key] = name
    _checked_name(company, kind, row, found["Id"])
    if not row["Active"] and company.options.deleted_suffix:
        row[key] = name + SUFFIX
    return company.replace(kind, found, {k: v for k, v in row.items() if k not in _KEPT - {
        "Balance", "BalanceWithJobs"}})  # fmt: skip


def reference(row: Row, name: str) -> str:
    """The id in a reference, empty for none."""
    ref: Any = row.get(name)
    return str(ref.get("value") or "") if isinstance(ref, dict) else ""


def usable(company: Company, kind: str, number: str, element: str) -> Row:
    """The entry that a document names.

    Raises:
        Refusal: 2500, there is none; 610, 2500 or 6250 as set, it is inactive.
    """
    found = company.tables[kind].get(number)
    if found is None:
        raise Refusal("2500", f"{element} {number!r} is not valid", element=element)
    if found.get("Active") is False:
        code = company.options.inactive_code
        vague = company.options.inactive_words == "vague"
        words = VAGUE if vague else f"{kind} {number} has been made inactive"
        raise Refusal(code if kind == "Customer" or code != "6250" else "610", words)
    return found


def _checked_name(company: Company, kind: str, payload: Row, own: str) -> str:
    key = "DisplayName" if kind in NAMES else "Name"
    name = payload.get(key)
    if not isinstance(name, str) or not name.strip():
        raise Refusal("2020", f"{key} is required", element=key)
    if len(name) > _LONGEST[key]:
        raise Refusal("2050", f"{key} has {len(name)} characters", element=key)
    if any(mark in name for mark in ":\t\n"):
        raise Refusal("2040", f"{key} has a colon, a tab or a new line", element=key)
    plain = name.strip().casefold()
    kinds = NAMES if kind in NAMES else ("Item",)
    for other in kinds:
        for row in company.rows(other):
            held = str(row[key]).removesuffix(SUFFIX).casefold()
            if held == plain and not (other == kind and row["Id"] == own):
                words = "The name supplied already exists."
                raise Refusal("6240", f"{words} Id={row['Id']}", element=key)
    return name


def _check_item(company: Company, payload: Row) -> None:
    kind = payload.get("Type", "Inventory")
    if kind in _NEEDS_INCOME:
        account = reference(payload, "IncomeAccountRef")
        if not account:
            raise Refusal("2020", "an income account is required", element="IncomeAccountRef")
        found = usable(company, "Account", account, "IncomeAccountRef")
        if found["AccountType"] != "Income":
            raise Refusal("2500", "that account is no income account", element="IncomeAccountRef")
    if kind == "Inventory" and not payload.get("InvStartDate"):
        raise Refusal("2020", "an inventory item needs its start", element="InvStartDate")


def _currency(company: Company, currency: str) -> None:
    known = {company.currency, *(row["Code"] for row in company.rows("CompanyCurrency"))}
    if currency not in known:
        raise Refusal("2500", f"currency {currency} is not active", element="CurrencyRef")


def _known(kind: str, payload: Row) -> None:
    unknown = sorted(set(payload) - _WRITABLE[kind] - _KEPT)
    if unknown:
        raise Refusal("2010", f"Property {unknown[0]} is unsupported", element=unknown[0])
