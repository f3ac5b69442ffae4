"""An office that buys seats from `seller`, sees them in use in `directory`, and bills either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from syncd.core.service.purchases import read_purchases
from syncd.core.service.reconciliation import Reconciled, Reconciliation
from syncd.core.service.reconciliation_reading import read_reconciliation
from syncd.core.service.sources import Sources
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.sdk.period import Period
from syncd.sdk.records import (
    PURCHASES,
    SKU,
    Observation,
    Product,
    PurchaseLine,
    ScopeState,
    canonical_json,
)
from syncd.sdk.terms import Term, with_term
from tests import builders_census as census
from tests.builders_data import StrictLog
from tests.builders_month import LONDON, OCTOBER, Office
from tests.builders_purchases import Vendor

SUITE, SUITE_PRODUCT = "OFFER:0001", "seat:OFFER:0001:P1Y:monthly"
PLAN, PLAN_PRODUCT = "OFFER:0002", "seat:OFFER:0002:P1M:monthly"
PRODUCTS_SOLD = (Product(SUITE_PRODUCT, "Business Suite"), Product(PLAN_PRODUCT, "Phone Plan"))
FIGURES = tuple(
    Product(f"sku:{sku}:{figure}", f"{sku} {figure}")
    for sku in ("SUITE", "PLAN", "FREE")
    for figure in ("assigned", "bought")
)
ASSIGNED, BOUGHT = "sku:SUITE:assigned", "sku:SUITE:bought"


def seat(
    tenant: str = "t1",
    subscription: str = "s1",
    quantity: int = 10,
    *,
    product: str = SUITE_PRODUCT,
    excluded: str | None = None,
) -> Observation:
    sku = ":".join(product.split(":")[1:3])
    facts = with_term({SKU: sku}, Term(ends=date(2027, 3, 1), then="renews", length="P1Y"))
    return Observation(tenant, product, subscription, quantity, "Yearly", facts, excluded)


def figures(
    tenant: str, sku: str, assigned: int, bought: int, purchases: Sequence[str] = ()
) -> list[Observation]:
    """What a directory shows of a licence."""
    facts = canonical_json({PURCHASES: sorted(purchases)}) if purchases else b"{}"
    return [
        Observation(tenant, f"sku:{sku}:assigned", f"{sku}-a", assigned, sku, b"{}"),
        Observation(tenant, f"sku:{sku}:bought", f"{sku}-b", bought, sku, facts),
    ]


class Market:
    """The office and its two further connections.

    Tenant t1 is Acme (1001), t2 Globex (1002); t9 is linked to nobody.
    """

    def __init__(self, office: Office, seller: ConnectionRef, directory: ConnectionRef) -> None:
        self.office = office
        self.database = office.database
        self.seller = seller
        self.directory = directory

    @classmethod
    async def open(cls, database: Database) -> Market:
        office = await Office.open(database)
        async with database.writer() as conn:
            seller = await ensure_connection(conn, "seller", "fakeseller")
            directory = await ensure_connection(conn, "directory", "fakedirectory")
        office.active = {"source-eu", "seller", "directory"}
        await office.usual(accounts={"5": "1001", "6": "1002"}, counts={"5": {}, "6": {}})
        return cls(office, seller, directory)

    async def count(
        self,
        sold: Sequence[Observation],
        used: Sequence[Observation] = (),
        *,
        period: Period = OCTOBER,
        states: Mapping[str, ScopeState] | None = None,
        used_states: Mapping[str, ScopeState] | None = None,
        link: bool = True,
    ) -> None:
        """Both connections are pulled at the end of the month; tenants are linked."""
        pulled: list[tuple[ConnectionRef, Sequence[Observation], Sequence[Product]]] = [
            (self.seller, sold, PRODUCTS_SOLD)
        ]
        if used:
            pulled.append((self.directory, used, FIGURES))
        for connection, units, products in pulled:
            roster = sorted({one.account for one in units} | {"t1", "t2"})
            await census.pull(
                self.database,
                connection,
                units,
                roster=roster,
                at=self.office.month_end(period),
                scopes={one: [one] for one in roster},
                states=states if connection is self.seller else used_states,
                products=products,
            )
            if link:
                await self.office.link("t1", "1001", source=connection)
                await self.office.link("t2", "1002", source=connection)

    async def charge(
        self, *lines: PurchaseLine, billed: bool = True, notes: tuple[str, ...] = ()
    ) -> None:
        documents = () if notes or not billed else ("G1",)
        await read_purchases(
            self.database,
            self.seller,
            Vendor(lines, notes=notes, documents=documents),
            period=OCTOBER,
            billed=billed,
            clock=self.office.clock,
            log=StrictLog(),
        )

    async def bill_seats(self, price: str = "12.00", **more: Any) -> None:
        """Seats are billed by what was bought."""
        await self.office.asset_type(SUITE_PRODUCT, "15", source=self.seller)
        await self.office.configure(
            "c-seats", "Seats", "average", [SUITE_PRODUCT], source=self.seller, **more
        )
        await self.office.rate(SUITE_PRODUCT, "10.00", price, source=self.seller)

    async def bill_use(self, product: str = ASSIGNED, price: str = "12.00") -> None:
        """Seats are billed by what the directory shows."""
        await self.office.asset_type(product, "15", source=self.directory)
        await self.office.configure(
            "c-use", "Licences", "average", [product], source=self.directory
        )
        await self.office.rate(product, "10.00", price, source=self.directory)

    async def reconcile(self, **given: Any) -> Reconciliation:
        office = self.office
        return await read_reconciliation(
            self.database,
            **{
                "psa": office.psa_connection,
                "purchase_sources": {"seller"},
                "sources": Sources(active=office.active),
                "rules": office.settings,
                "timezone": LONDON,
                "period": OCTOBER,
                "now": office.clock(),
                **given,
            },
        )

    async def rows(self, **given: Any) -> dict[tuple[str, str], Reconciled]:
        """Rows by client, or customer without one, and SKU."""
        found = await self.reconcile(**given)
        return {(row.client or row.client_name, row.sku): row for row in found.rows}
