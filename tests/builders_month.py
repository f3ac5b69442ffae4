"""A whole installation in memory of a test: sources, decisions, a PSA, and months that pass."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from syncd.config.settings import BillingSettings
from syncd.core.billing.model import GuardLimits
from syncd.core.service.application import apply_plan
from syncd.core.service.applied import ApplyReport
from syncd.core.service.billing_run import plan_billing
from syncd.core.service.reckoning import Sources
from syncd.core.service.release import release_plan
from syncd.core.service.stored_plan import StoredPlan
from syncd.core.store.connections import ConnectionRef, bump_data_version, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.references import ReferenceEntry, ReferenceKind, store_references
from syncd.core.store.tables import (
    AccountRow,
    BillingConfiguration,
    ClientLink,
    ProductMapping,
    ProductRow,
    QuantityRuleRow,
    RateRow,
)
from syncd.sdk.period import Period
from syncd.sdk.records import (
    Objection,
    Observation,
    Product,
    ProductKind,
    RecurringLine,
    ScopeState,
)
from tests import builders_census as census
from tests.builders_flow import Clock, FakePsa, Lines

LONDON = ZoneInfo("Europe/London")
DESKTOP = Product("device:desktop", "Desktops")
SERVER = Product("device:server", "Servers")
DISK = Product("storage:all", "Storage", ProductKind.STORAGE)
PRODUCTS = (DESKTOP, SERVER, DISK)
OCTOBER = Period(2026, 10)
NOVEMBER = Period(2026, 11)
DECEMBER = Period(2026, 12)

LOOSE = GuardLimits(
    line_percent=Decimal(10**6),
    line_money=Decimal(10**6),
    client_percent=Decimal(10**6),
    run_percent=Decimal(10**6),
)
"""Guards that object to no change of numbers; first bills and falls to zero still wait."""


class Office:
    """One MSP: `source-eu` counts, `psa` bills, clients 1001 and up."""

    def __init__(self, database: Database, source: ConnectionRef, psa: ConnectionRef) -> None:
        self.database = database
        self.source = source
        self.psa_connection = psa
        self.clock = Clock(datetime(2026, 11, 1, 9, 0, tzinfo=UTC))
        self.psa = FakePsa(clock=self.clock)
        self.log = Lines()
        self.active: Collection[str] = {"source-eu", "source-us"}
        self.broken: Collection[str] = ()
        self.zone = LONDON
        self.settings = BillingSettings(mode="live", psa="psa", guards=LOOSE)

    @classmethod
    async def open(cls, database: Database, clients: Mapping[str, str] | None = None) -> Office:
        """An office whose PSA has these clients, id to name."""
        async with database.writer() as conn:
            source = await ensure_connection(conn, "source-eu", "fakesource")
            psa = await ensure_connection(conn, "psa", "fakepsa")
            office = cls(database, source, psa)
            known = clients or {"1001": "Acme Ltd", "1002": "Globex"}
            entries = {
                ReferenceKind.CLIENT: [
                    ReferenceEntry(key=key, name=name) for key, name in known.items()
                ],
                ReferenceKind.ASSET_TYPE: [
                    ReferenceEntry(key="10", name="Workstation"),
                    ReferenceEntry(key="11", name="Server"),
                    ReferenceEntry(key="15", name="Computer"),
                    ReferenceEntry(key="20", name="Storage"),
                ],
                ReferenceKind.SUPPLIER: [ReferenceEntry(key="7", name="Parts Co")],
            }
            for kind, found in entries.items():
                await store_references(conn, psa.id, kind, found, now=office.clock())
        return office

    async def usual(
        self,
        *,
        mode: str = "average",
        accounts: Mapping[str, str] | None = None,
        counts: Mapping[str, Mapping[str, int]] | None = None,
        unproven: Collection[str] = (),
    ) -> None:
        """Account 5 is client 1001; desktops and servers have types, rates and a configuration."""
        counts = counts or {"5": {DESKTOP.key: 10, SERVER.key: 2}}
        await self.pull(counts, at=self.month_end(OCTOBER), unproven=unproven)
        for account, client in (accounts or {"5": "1001"}).items():
            await self.link(account, client)
        await self.asset_type(DESKTOP.key, "10")
        await self.asset_type(SERVER.key, "11")
        await self.configure("c1", "Managed", mode, [DESKTOP.key, SERVER.key])
        await self.rate(DESKTOP.key, "2.00", "5.00")
        await self.rate(SERVER.key, "6.00", "15.00")

    # what sources report

    @staticmethod
    def month_end(period: Period, **before: float) -> datetime:
        """A moment shortly before the end of the month."""
        return period.end(LONDON) - timedelta(**(before or {"hours": 2}))

    async def pull(
        self,
        counts: Mapping[str, Mapping[str, int | Sequence[str]]],
        *,
        at: datetime,
        source: ConnectionRef | None = None,
        unproven: Collection[str] = (),
        excluded: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
        facts: Mapping[str, bytes] | None = None,
    ) -> None:
        """One pull. A count of n makes units n1…nn; a list names the units."""
        units = [
            Observation(
                account,
                product,
                name,
                1,
                (names or {}).get(name, f"{name}.local"),
                (facts or {}).get(name, b"{}"),
                (excluded or {}).get(name),
            )
            for account, products in counts.items()
            for product, found in products.items()
            for name in (
                [f"{product[7:9]}{n}" for n in range(1, found + 1)]
                if isinstance(found, int)
                else found
            )
        ]
        scopes = {account: [account] for account in counts}
        await census.pull(
            self.database,
            source or self.source,
            units,
            roster=list(counts),
            at=at,
            scopes=scopes,
            states=dict.fromkeys(unproven, ScopeState.PARTIAL),
            products=PRODUCTS,
        )

    async def rename_account(self, account: str, name: str) -> None:
        async with self.database.writer() as conn:
            await conn.execute(
                update(AccountRow).where(_column(AccountRow, "key") == account).values(name=name)
            )

    # what people decide

    async def link(self, account: str, client: str, *, source: ConnectionRef | None = None) -> None:
        async with self.database.writer() as conn:
            account_id = await conn.scalar(
                select(_column(AccountRow, "id")).where(
                    _column(AccountRow, "key") == account,
                    _column(AccountRow, "connection_id") == (source or self.source).id,
                )
            )
            await self._supersede(conn, ClientLink, account_id=account_id)
            await conn.execute(
                insert(ClientLink).values(
                    account_id=account_id,
                    psa_connection_id=self.psa_connection.id,
                    client_key=client,
                    site_key="",
                    origin="person",
                    evidence="",
                    confirmed_by="ann",
                    recorded_at=self.clock(),
                )
            )

    async def link_all(self, clients: Mapping[str, str]) -> None:
        """Many first links at once: account to client."""
        async with self.database.writer() as conn:
            rows = await conn.execute(select(_column(AccountRow, "key"), _column(AccountRow, "id")))
            ids: dict[str, int] = dict(rows.all())
            await conn.execute(
                insert(ClientLink),
                [
                    {
                        "account_id": ids[account],
                        "psa_connection_id": self.psa_connection.id,
                        "client_key": client,
                        "site_key": "",
                        "origin": "person",
                        "evidence": "",
                        "confirmed_by": "ann",
                        "recorded_at": self.clock(),
                    }
                    for account, client in clients.items()
                ],
            )
            await bump_data_version(conn)

    async def asset_type(
        self, product: str, asset_type: str, *, source: ConnectionRef | None = None
    ) -> None:
        async with self.database.writer() as conn:
            product_id = await self._product(conn, product, source)
            await self._supersede(conn, ProductMapping, product_id=product_id)
            await conn.execute(
                insert(ProductMapping).values(
                    product_id=product_id,
                    psa_connection_id=self.psa_connection.id,
                    asset_type_key=asset_type,
                    confirmed_by="ann",
                    recorded_at=self.clock(),
                )
            )

    async def configure(
        self,
        uid: str,
        name: str,
        mode: str,
        products: Sequence[str],
        *,
        source: ConnectionRef | None = None,
        **more: Any,
    ) -> None:
        async with self.database.writer() as conn:
            await self._supersede(conn, BillingConfiguration, uid=uid)
            await conn.execute(
                insert(BillingConfiguration).values(
                    uid=uid,
                    connection_id=(source or self.source).id,
                    name=name,
                    mode=mode,
                    products=json.dumps(list(products)),
                    recorded_at=self.clock(),
                    **{
                        "position": 0,
                        "asset_type_key": "",
                        "supplier": "",
                        "price_owner": "syncd",
                        "cost_owner": "syncd",
                        **more,
                    },
                )
            )

    async def drop_configuration(self, uid: str) -> None:
        async with self.database.writer() as conn:
            await self._supersede(conn, BillingConfiguration, uid=uid)

    async def rate(
        self,
        product: str,
        cost: str | None,
        price: str | None,
        *,
        source: ConnectionRef | None = None,
        valid_from: str = "2026-01-01",
        currency: str = "GBP",
    ) -> None:
        async with self.database.writer() as conn:
            product_id = await self._product(conn, product, source)
            await self._supersede(
                conn, RateRow, product_id=product_id, valid_from=valid_from, currency=currency
            )
            await conn.execute(
                insert(RateRow).values(
                    product_id=product_id,
                    client_key="",
                    cost=None if cost is None else Decimal(cost),
                    price=None if price is None else Decimal(price),
                    currency=currency,
                    valid_from=valid_from,
                    recorded_at=self.clock(),
                )
            )

    async def rule(self, product: str, **values: Any) -> None:
        async with self.database.writer() as conn:
            product_id = await self._product(conn, product, None)
            await self._supersede(conn, QuantityRuleRow, product_id=product_id)
            whole = {
                "client_key": "",
                "count_method": "point_in_time",
                "bill_blocks": False,
                "pool": True,
                "included_reasons": "",
                "valid_from": "2026-01-01",
                "valid_until": "",
                "reason": "contract",
                **values,
            }
            await conn.execute(
                insert(QuantityRuleRow).values(
                    product_id=product_id, recorded_at=self.clock(), **whole
                )
            )

    def policy(self, **values: Any) -> None:
        self.settings = dataclasses.replace(self.settings, **values)

    # what is done

    async def plan(
        self, period: Period | None = None, *, clients: Collection[str] = (), **given: Any
    ) -> StoredPlan:
        return await plan_billing(
            self.database,
            rules=self.settings,
            timezone=self.zone,
            psa=self.psa,
            psa_connection=self.psa_connection,
            sources=Sources(active=self.active, broken=self.broken),
            clock=self.clock,
            log=self.log,
            period=period,
            clients=clients,
            **given,
        )

    async def apply(self, wanted: str = "latest", **given: Any) -> ApplyReport:
        return await apply_plan(
            self.database,
            wanted,
            rules=self.settings,
            psa=self.psa,
            psa_connection=self.psa_connection,
            clock=self.clock,
            log=self.log,
            sleep=self.clock.sleep,
            **given,
        )

    async def release(self, wanted: str = "latest", **given: Any) -> Any:
        return await release_plan(
            self.database,
            wanted,
            **{"reason": "looked at it", "by": "ann", **given},
            clock=self.clock,
            log=self.log,
        )

    async def bill(self, period: Period | None = None) -> ApplyReport:
        """Plan, release what is held, apply."""
        stored = await self.plan(period)
        if any(bill.state.value == "held" for bill in stored.record.bills):
            await self.release(stored.id)
        return await self.apply(stored.id)

    async def month(self, period: Period, counts: Mapping[str, Mapping[str, int]]) -> None:
        """The month ends with these counts, and the next one begins."""
        await self.pull(counts, at=self.month_end(period))
        self.clock.moment = period.end(LONDON) + timedelta(hours=9)

    async def issues(self) -> dict[str, Issue]:
        """Open issues by `<code> <subject>`.

        An office whose PSA has no recurring line at all invoices by hand, and does not care that
        nothing is linked.
        """
        async with self.database.reader() as conn:
            return {
                f"{issue.code} {issue.subject}": issue
                for issue in await open_issues(conn)
                if self.psa.recurring or issue.code != "NOT_LINKED"
            }

    async def codes(self) -> set[str]:
        return {key.partition(" ")[0] for key in await self.issues()}

    async def _product(self, conn: Any, key: str, source: ConnectionRef | None) -> int:
        found = await conn.scalar(
            select(_column(ProductRow, "id")).where(
                _column(ProductRow, "key") == key,
                _column(ProductRow, "connection_id") == (source or self.source).id,
            )
        )
        assert found is not None
        return int(found)

    async def _supersede(self, conn: Any, table: Any, **where: Any) -> None:
        statement = update(table).where(_column(table, "superseded_at").is_(None))
        for name, value in where.items():
            statement = statement.where(_column(table, name) == value)
        await conn.execute(statement.values(superseded_at=self.clock()))
        await bump_data_version(conn)


def recurring(subscription: str, client: str = "1001", **more: Any) -> RecurringLine:
    """A recurring line that counts a subscription and takes its price from it."""
    whole: dict[str, Any] = {
        "invoice": "-9",
        "key": f"r{subscription}",
        "client": client,
        "name": "Managed service",
        "quantity": Decimal(0),
        "unit_price": Decimal("5.00"),
        "subscriptions": (subscription,),
        "price_from_subscription": True,
        "invoice_name": "Monthly",
        **more,
    }
    return RecurringLine(**whole)


def rules_of(objections: Sequence[Objection]) -> set[str]:
    return {one.rule for one in objections}


def _column(table: Any, name: str) -> Any:
    return table.__table__.c[name]
