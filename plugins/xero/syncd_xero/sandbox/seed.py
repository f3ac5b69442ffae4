"""What an organisation has before anybody writes to it: chart, taxes, tracking, items, contacts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from syncd.sdk.sandbox import WorldClient
from syncd_xero.sandbox import contact_id
from syncd_xero.sandbox.model import Account, Category, Contact, Item, Option, Tax

BEFORE: Final = datetime(2024, 1, 2, 9, 0, tzinfo=UTC)
"""When everything that was there before was last changed."""


def key_of(what: str, organisation: int = 1) -> str:
    """A fixed id of something that was there before."""
    suffix = "" if organisation == 1 else f":{organisation}"
    return str(uuid5(NAMESPACE_URL, f"sandbox:xero:{what}{suffix}"))


def accounts(*, extras: bool) -> list[Account]:
    rows = [
        ("090", "Business Bank Account", "BANK", "NONE", "", True),
        ("200", "Sales", "REVENUE", "OUTPUT2", "", False),
        ("260", "Other Revenue", "REVENUE", "OUTPUT2", "", False),
        ("310", "Cost of Goods Sold", "DIRECTCOSTS", "INPUT2", "", False),
        ("610", "Accounts Receivable", "CURRENT", "NONE", "DEBTORS", False),
        ("820", "VAT", "CURRLIAB", "NONE", "GST", False),
        ("860", "Rounding", "CURRLIAB", "NONE", "ROUNDING", False),
    ]
    made = [
        Account(
            key=key_of(f"account:{code}"),
            code=code,
            name=name,
            kind=kind,
            tax_type=tax,
            system=system,
            payments=pays,
        )
        for code, name, kind, tax, system, pays in rows
    ]
    if extras:
        old = Account(key=key_of("account:205"), code="205", name="Sales (old)", archived=True)
        made.append(old)
    return made


def taxes(*, extras: bool) -> list[Tax]:
    made = [
        Tax(key="OUTPUT2", name="20% (VAT on Income)", components={"VAT": Decimal("20.0000")}),
        Tax(key="RROUTPUT", name="5% (VAT on Income)", components={"VAT": Decimal("5.0000")}),
        Tax(key="ZERORATEDOUTPUT", name="Zero Rated Income", components={"VAT": Decimal("0.0000")}),
        Tax(key="EXEMPTOUTPUT", name="Exempt Income", components={"VAT": Decimal("0.0000")}),
        Tax(key="NONE", name="No VAT", components={"No VAT": Decimal("0.0000")}),
    ]
    purchase = {"VAT": Decimal("20.0000")}
    made.append(Tax(key="INPUT2", name="20% (VAT on Expenses)", components=purchase, revenue=False))
    if extras:
        two = {"Federal": Decimal("5.0000"), "Local": Decimal("2.7500")}
        made.append(Tax(key="TAX001", name="Two levels", components=two))
        past = {"VAT": Decimal("17.5000")}
        made.append(Tax(key="TAX002", name="17.5% (old)", components=past, status="ARCHIVED"))
    return made


def categories() -> list[Category]:
    return [
        Category(
            key=key_of("tracking:Department"),
            name="Department",
            options=[
                Option(key=key_of(f"tracking:Department:{name}"), name=name)
                for name in ("Managed", "Projects")
            ],
        )
    ]


def items(*, extras: bool) -> list[Item]:
    rows = [("MANAGED", "Managed services"), ("M365", "Microsoft 365"), ("BACKUP", "Backup")]
    made = [
        Item(key=key_of(f"item:{code}"), code=code, name=name, account="200", updated=BEFORE)
        for code, name in rows
    ]
    for one in made:
        one.tax_type = "OUTPUT2"
    if extras:
        spare = Item(key=key_of("item:SPARE"), code="SPARE", name="Spare", updated=BEFORE)
        spare.sold = False
        made.append(spare)
    return made


def contacts(clients: Sequence[WorldClient], taken: set[str], organisation: int) -> list[Contact]:
    """One for each client; a name that another one has gets a suffix."""
    made = []
    for one in clients:
        name = " ".join(one.name.replace("<", "").replace(">", "").split())
        if name.casefold() in taken:
            name = f"{name} ({one.id})"
        taken.add(name.casefold())
        key = contact_id(one.id, organisation)
        made.append(Contact(key=key, name=name, updated=BEFORE))
    return made


def strangers(clients: Sequence[WorldClient], organisation: int) -> Iterator[Contact]:
    """Contacts that look like clients and are none: archived, nearly named so, a supplier."""
    for position, one in enumerate(clients[:3]):
        base = " ".join(one.name.split())
        key = key_of(f"stranger:{one.id}", organisation)
        match position:
            case 0:
                yield Contact(key=key, name=base, archived=True, updated=BEFORE)
            case 1:
                stem = base.removesuffix(" Ltd").removesuffix(" Limited")
                near = f"{stem} Limited" if base.endswith(" Ltd") else f"{stem} Ltd"
                yield Contact(key=key, name=near, updated=BEFORE)
            case _:
                name = f"{base} Supplies"
                yield Contact(key=key, name=name, supplier=True, customer=False, updated=BEFORE)
