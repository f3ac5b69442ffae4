"""What tests of pulls, mappings and issues share: a scripted source, a small PSA, a strict log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from syncd.core.service.mapping_csv import Import, SheetChange, export_sheet, import_sheet
from syncd.core.service.sheets import SHEETS
from syncd.core.store.connections import ConnectionRef, data_version, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.references import ReferenceEntry, ReferenceKind, store_references
from syncd.events import EVENTS
from syncd.sdk.ports import ObservationSink
from syncd.sdk.records import (
    Account,
    AssetType,
    CheckResult,
    Measure,
    Observation,
    Product,
    ProductKind,
    PsaClient,
    PsaSite,
    ScopeState,
    ScopeVerdict,
    Supplier,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

SERVER = Product("device:server", "Servers")
LAPTOP = Product("device:workstation", "Workstations")
DISK = Product("storage:all", "Storage", ProductKind.STORAGE, Measure.BYTE)

CLIENTS = (
    ReferenceEntry(key="1", name="Acme Ltd", main_site="11"),
    ReferenceEntry(key="2", name="Globex"),
    ReferenceEntry(key="3", name="Twin"),
    ReferenceEntry(key="4", name="twin "),
    ReferenceEntry(key="5", name="Gone Inc", active=False),
)
SITES = (
    ReferenceEntry(key="11", name="Main", parent="1"),
    ReferenceEntry(key="12", name="Depot", parent="1"),
    ReferenceEntry(key="21", name="Main", parent="2"),
)
ASSET_TYPES = (
    ReferenceEntry(key="10", name="Server"),
    ReferenceEntry(key="20", name="Workstation"),
    ReferenceEntry(key="30", name="Cloud disk"),
)
SUPPLIERS = (ReferenceEntry(key="7", name="Parts Co"),)


class StrictLog:
    """Keeps lines, and refuses any that the catalogue does not know."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, /, **fields: Any) -> None:
        missing = EVENTS[event].required - fields.keys()
        assert not missing, f"{event} lacks {missing}"
        self.lines.append((event, fields))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.lines if name == event]

    def names(self) -> list[str]:
        return [name for name, _ in self.lines]


@dataclass
class Clock:
    """Goes on by a second with every look."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@dataclass
class ScriptedSource:
    """A source that reports what it was told, or fails."""

    roster: Sequence[Account] = (Account("a", "Acme"), Account("b", "Globex"))
    units: Sequence[Observation] = ()
    verdicts: Sequence[ScopeVerdict] | None = None
    scopes: dict[str, Sequence[str]] | None = None
    error: BaseException | None = None
    known: Sequence[Product] = (SERVER, LAPTOP, DISK)

    async def check(self) -> CheckResult:
        return CheckResult(ok=self.error is None, summary="scripted")

    async def accounts(self) -> AsyncIterator[Sequence[Account]]:
        yield self.roster

    def products(self) -> Sequence[Product]:
        return self.known

    async def observe(self, sink: ObservationSink, period: object) -> Sequence[ScopeVerdict]:
        scopes = self.scopes or {"fleet": [account.key for account in self.roster]}
        await sink.accounts(self.roster)
        for scope, accounts in scopes.items():
            await sink.scope(scope, accounts)
        await sink.add(next(iter(scopes)), self.units)
        if self.error is not None:
            raise self.error
        if self.verdicts is not None:
            return self.verdicts
        return [ScopeVerdict(scope, ScopeState.COMPLETE, None, 0) for scope in scopes]


@dataclass
class SmallPsa:
    """The lists of a PSA, and nothing else of it."""

    client_list: Sequence[PsaClient] = (PsaClient("1", "Acme Ltd"), PsaClient("2", "Globex"))
    site_list: Sequence[PsaSite] = (PsaSite("11", "1", "Main"),)
    type_list: Sequence[AssetType] = (AssetType("10", "Server"),)
    supplier_list: Sequence[Supplier] = (Supplier("7", "Parts Co"),)
    error: BaseException | None = None
    asked: list[str] = field(default_factory=list)

    async def clients(self) -> AsyncIterator[Sequence[PsaClient]]:
        yield self.client_list

    async def sites(self) -> AsyncIterator[Sequence[PsaSite]]:
        yield self.site_list

    async def asset_types(self) -> AsyncIterator[Sequence[AssetType]]:
        if self.error is not None:
            raise self.error
        yield self.type_list

    async def suppliers(self) -> AsyncIterator[Sequence[Supplier]]:
        yield self.supplier_list


def device(
    account: str,
    unit: str,
    product: Product = SERVER,
    *,
    quantity: int = 1,
    excluded: str | None = None,
) -> Observation:
    return Observation(account, product.key, unit, quantity, f"host-{unit}", b"{}", excluded)


async def connection(database: Database, name: str, connector: str) -> ConnectionRef:
    async with database.writer() as conn:
        return await ensure_connection(conn, name, connector)


@dataclass(frozen=True)
class Office:
    """A database with one source that was pulled once, and a PSA whose lists were read."""

    database: Database
    source: ConnectionRef
    psa: ConnectionRef
    log: StrictLog

    async def issues(self, code: str | None = None) -> list[Issue]:
        async with self.database.reader() as conn:
            found = await open_issues(conn)
        return [issue for issue in found if code in {None, issue.code}]

    async def version(self) -> int:
        async with self.database.reader() as conn:
            return await data_version(conn)

    async def rows(self, table: str) -> int:
        async with self.database.reader() as conn:
            return int((await conn.execute(text(f"SELECT COUNT(*) FROM {table}"))).scalar_one())

    async def take(
        self,
        sheet: str,
        content: str | bytes,
        *,
        dry_run: bool = False,
        prune: bool = False,
        now: datetime = NOW,
    ) -> SheetChange:
        return await import_sheet(
            self.database,
            SHEETS[sheet],
            content.encode() if isinstance(content, str) else content,
            Import(
                file=f"{sheet}.csv",
                psa=self.psa,
                currency="GBP",
                confirmed_by="ann",
                dry_run=dry_run,
                prune=prune,
            ),
            now=now,
            log=self.log,
        )

    async def forget_client(self, key: str) -> None:
        """The PSA's next read no longer shows the client."""
        async with self.database.writer() as conn:
            left = [entry for entry in CLIENTS if entry.key != key]
            await store_references(conn, self.psa.id, ReferenceKind.CLIENT, left, now=NOW)

    async def give(self, sheet: str) -> str:
        return await export_sheet(self.database, SHEETS[sheet], psa=self.psa, currency="GBP")


async def furnished(database: Database) -> Office:
    """An office whose source has two accounts and three products, and whose PSA has lists."""
    from tests.builders_census import pull

    source = await connection(database, "rmm", "acme")
    psa = await connection(database, "desk", "deskware")
    await pull(
        database,
        source,
        [
            device("a", "1"),
            device("a", "2", LAPTOP),
            device("b", "3", LAPTOP),
            device("b", "4", excluded="spare"),
        ],
        products=(SERVER, LAPTOP, DISK),
    )
    async with database.writer() as conn:
        for kind, entries in (
            (ReferenceKind.CLIENT, CLIENTS),
            (ReferenceKind.SITE, SITES),
            (ReferenceKind.ASSET_TYPE, ASSET_TYPES),
            (ReferenceKind.SUPPLIER, SUPPLIERS),
        ):
            await store_references(conn, psa.id, kind, entries, now=NOW)
    return Office(database, source, psa, StrictLog())
