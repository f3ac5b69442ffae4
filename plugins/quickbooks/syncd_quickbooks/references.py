"""The company's catalogues: customers, items, accounts, taxes, classes, terms and currencies.

Inactive entries are read with the others, and vendors and employees as names that are taken, since
QuickBooks lets no two of them share a name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Final

from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd_quickbooks.arithmetic import RATE_IDS
from syncd_quickbooks.book import Home, Regime
from syncd_quickbooks.client import CompanyClient
from syncd_quickbooks.models import Named, TaxCode, TaxRate
from syncd_quickbooks.payload import TAXED, UNTAXED

ALL: Final = " where Active in (true, false)"
SUFFIX: Final = " (deleted)"
NAMES: Final = "names"
ITEMS: Final = "items"
CLIENT_NOTE: Final = "syncd client "
INCOME: Final = frozenset({"Income", "Other Income"})
SOLD: Final = frozenset({"Service", "NonInventory", "Inventory"})
_WHY: Final = "why"
_KINDS: Final = {"Vendor": "a vendor", "Employee": "an employee"}


async def read_references(
    client: CompanyClient, home: Home, *, classes: bool
) -> AsyncIterator[Sequence[LedgerReference]]:
    """All catalogues, each proven whole.

    Raises:
        ConnectorError: one of them cannot be read.
    """
    async for rows in client.pages("Customer", Named, ALL):
        yield [customer(row) for row in rows]
    for entity in _KINDS:
        async for rows in client.pages(entity, Named, ALL):
            yield [holder(row, entity) for row in rows]
    async for rows in client.pages("Item", Named, ALL):
        yield [item(row) for row in rows]
    async for rows in client.pages("Account", Named, ALL):
        yield [account(row) for row in rows]
    codes = await client.query("TaxCode", TaxCode)
    if home.regime.american:
        known = {code.id for code in codes}
        codes += [TaxCode(id=one, name=one) for one in (TAXED, UNTAXED) if one not in known]
    rates = {} if home.regime.american else await _rates(client)
    yield [one for code in codes if (one := tax(code, rates, home.regime)) is not None]
    if classes:
        async for rows in client.pages("Class", Named, ALL):
            yield [plain(row, ReferenceKind.TRACKING) for row in rows]
    async for rows in client.pages("Term", Named, ALL):
        yield [plain(row, ReferenceKind.TERM) for row in rows]
    yield [
        LedgerReference(kind=ReferenceKind.CURRENCY, key=code, code=code, name=code)
        for code in home.book.currencies
    ]


def customer(row: Named) -> LedgerReference:
    """A customer; our key of it stands in its notes where we made it."""
    notes = row.notes or ""
    mine = notes.partition(CLIENT_NOTE)[2].split() if CLIENT_NOTE in notes else []
    return LedgerReference(
        kind=ReferenceKind.CONTACT,
        key=row.id,
        name=_name(row),
        active=row.usable,
        foreign_key=mine[0] if mine else "",
        currency=row.currency_ref.value if row.currency_ref else "",
        namespace=NAMES,
        detail=_detail(type="Customer", path=_path(row)),
    )


def holder(row: Named, entity: str) -> LedgerReference:
    """A vendor or an employee, whose name no customer can have."""
    return LedgerReference(
        kind=ReferenceKind.CONTACT,
        key=f"{entity.lower()}:{row.id}",
        name=_name(row),
        active=row.usable,
        namespace=NAMES,
        blocked=True,
        detail={"type": entity, _WHY: f"it is the name of {_KINDS[entity]}"},
    )


def item(row: Named) -> LedgerReference:
    """An item; categories and bundles cannot stand on a line."""
    kind = row.type or ""
    sold = kind in SOLD
    return LedgerReference(
        kind=ReferenceKind.ITEM,
        key=row.id,
        code=row.sku or "",
        name=_name(row),
        active=row.usable,
        namespace=ITEMS,
        blocked=not sold,
        detail=_detail(
            type=kind,
            path=_path(row),
            account=row.income_account_ref.value if row.income_account_ref else "",
            why="" if sold else f"it is of the type {kind or 'unknown'}",
        ),
    )


def account(row: Named) -> LedgerReference:
    """An account; only those of income can be behind an item that is sold."""
    income = row.account_type in INCOME
    return LedgerReference(
        kind=ReferenceKind.ACCOUNT,
        key=row.id,
        code=row.acct_num or "",
        name=row.fully_qualified_name or _name(row),
        active=row.usable,
        currency=row.currency_ref.value if row.currency_ref else "",
        blocked=not income,
        detail=_detail(type=row.account_type or "", why="" if income else "it is not for income"),
    )


def plain(row: Named, kind: ReferenceKind) -> LedgerReference:
    """A class or terms."""
    days = "" if row.due_days is None else str(row.due_days)
    return LedgerReference(
        kind=kind,
        key=row.id,
        name=row.fully_qualified_name or _name(row),
        active=row.usable,
        detail=_detail(days=days),
    )


def tax(code: TaxCode, rates: dict[str, Decimal | None], regime: Regime) -> LedgerReference | None:
    """A tax code, with the rates of its sales; None for pseudo codes where they mean nothing."""
    pseudo = code.id in {TAXED, UNTAXED}
    if pseudo and not regime.american:
        return None
    why, percents, ids = "", [], []
    if regime.american:
        why = "" if pseudo else "lines of an American company take TAX or NON only"
    else:
        details = (code.sales_tax_rate_list and code.sales_tax_rate_list.tax_rate_detail) or []
        for detail in details:
            percent = rates.get(detail.tax_rate_ref.value)
            if percent is None:
                why = f"rate {detail.tax_rate_ref.value} of it is not told"
                break
            if (detail.tax_type_applicable or "TaxOnAmount") != "TaxOnAmount":
                why = "one of its rates taxes another tax, which is not computed here"
                break
            percents.append(percent)
            ids.append(detail.tax_rate_ref.value)
        if not details:
            why = "it has no rate for sales"
    # Automated sales tax makes codes of the same name on purpose, so the rate stands beside it.
    shown = " + ".join(f"{percent.normalize():f} %" for percent in percents)
    return LedgerReference(
        kind=ReferenceKind.TAX,
        key=code.id,
        code=code.id,
        name=code.name or code.id,
        active=code.active is not False and code.hidden is not True,
        rates=() if why else tuple(percents),
        blocked=bool(why),
        detail=_detail(rate=shown, why=why, **{RATE_IDS: "" if why else ",".join(ids)}),
    )


async def _rates(client: CompanyClient) -> dict[str, Decimal | None]:
    return {row.id: row.rate_value for row in await client.query("TaxRate", TaxRate)}


def _name(row: Named) -> str:
    return (row.display_name or row.name or row.code or "").removesuffix(SUFFIX)


def _path(row: Named) -> str:
    """The whole path of a sub-customer or sub-item; empty for one that has no parent."""
    path = (row.fully_qualified_name or "").removesuffix(SUFFIX)
    return path if ":" in path else ""


def _detail(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
