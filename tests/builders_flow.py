"""A PSA in memory with scripted faults, a clock that moves when asked, and rows for delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import insert, select

from syncd.core.billing.identity import content_hash
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.outbox import Intent, NewItem, enqueue
from syncd.core.store.tables import AccountRow, BillingLine, PlanBill, PlanRow
from syncd.sdk.period import Period
from syncd.sdk.records import (
    AssetType,
    BatchLimit,
    ChangeKind,
    CheckResult,
    Delivered,
    KeyedChange,
    LineState,
    NotSent,
    Outcome,
    Plan,
    PsaClient,
    PsaSite,
    Receipt,
    RecurringLine,
    Rejected,
    Subscription,
    SubscriptionFields,
    Supplier,
    Unknown,
)

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass
class Clock:
    """Moves only when told, or when somebody sleeps."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class Lines:
    """A log that keeps its lines."""

    kept: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, event: str, /, **fields: Any) -> None:
        self.kept.append((event, fields))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.kept if name == event]


class Crash(BaseException):
    """The process is killed here."""


Fault = str
"""`lost_before`, `lost_after`, `not_sent`, `refused`, `gone`, `raise`, or empty for none."""


@dataclass
class FakePsa:
    """Subscriptions in memory; every call is counted, every write may be disturbed.

    `faults` are taken one per write, in order; `point` is called around every call and may raise.
    """

    clock: Clock = field(default_factory=Clock)
    write_batch: BatchLimit = field(default_factory=lambda: BatchLimit(size=5, settle_seconds=2.0))
    records: dict[str, Subscription] = field(default_factory=dict)
    recurring: list[RecurringLine] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    poison: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    history: list[KeyedChange] = field(default_factory=list)
    visible_at: dict[str, datetime] = field(default_factory=dict)
    next_id: int = 9001
    asset_type_field: str = "assettype"
    point: Any = None

    def marker(self, key: str) -> str:
        return f"m:{key}"

    async def check(self) -> CheckResult:
        return CheckResult(ok=True, summary="fake")

    async def clients(self) -> AsyncIterator[Sequence[PsaClient]]:
        yield []

    async def sites(self) -> AsyncIterator[Sequence[PsaSite]]:
        yield []

    async def asset_types(self) -> AsyncIterator[Sequence[AssetType]]:
        yield []

    async def suppliers(self) -> AsyncIterator[Sequence[Supplier]]:
        yield []

    async def subscriptions(
        self, *, clients: Collection[str] | None, period: Period | None
    ) -> AsyncIterator[Sequence[Subscription]]:
        self._count("subscriptions")
        yield [r for r in self._seen().values() if clients is None or r.client in clients]
        self._mark("subscriptions:after")

    async def recurring_lines(
        self, *, clients: Collection[str] | None
    ) -> AsyncIterator[Sequence[RecurringLine]]:
        self._count("recurring_lines")
        yield [line for line in self.recurring if clients is None or line.client in clients]
        self._mark("recurring_lines:after")

    async def find_many(self, keys: Collection[str]) -> Mapping[str, Sequence[Receipt]]:
        self._count("find_many")
        wanted = {self.marker(key): key for key in keys}
        found: dict[str, list[Receipt]] = {key: [] for key in keys}
        for record in self._seen().values():
            if record.marker in wanted:
                key = wanted[record.marker]
                found[key].append(Receipt(key=key, remote=record.key, record=record))
        self._mark("find_many:after")
        return found

    async def read_many(self, remotes: Collection[str]) -> Mapping[str, Subscription]:
        self._count("read_many")
        seen = self._seen()
        self._mark("read_many:after")
        return {remote: seen[remote] for remote in remotes if remote in seen}

    async def apply(self, changes: Sequence[KeyedChange]) -> Sequence[Outcome]:
        assert len(changes) <= self.write_batch.size
        self._count("apply")
        outcomes = [self._write(change) for change in changes]
        self._mark("apply:after")
        return outcomes

    def _write(self, change: KeyedChange) -> Outcome:
        key = change.key
        fault = self.faults.pop(0) if self.faults else ""
        if change.fields.client in self.poison:
            return Rejected(key, "VALIDATION", "the client is closed")
        if fault == "lost_before":
            return Unknown(key, "no answer")
        if fault == "not_sent":
            return NotSent(key, "could not connect")
        if fault == "refused":
            return Rejected(key, "VALIDATION", "count must be positive")
        if change.kind is not ChangeKind.CREATE and change.remote not in self.records:
            return Rejected(key, "NOT_FOUND", "no such record", gone=True)
        if fault == "raise":
            raise RuntimeError("a defect of the connector")
        record = self._store(change)
        self._mark("apply:between")
        if fault == "lost_after":
            self.visible_at[record.key] = self.clock() + timedelta(seconds=1)
            return Unknown(key, "no answer")
        return Delivered(key, Receipt(key=key, remote=record.key, record=record))

    def _store(self, change: KeyedChange) -> Subscription:
        fields = change.fields
        self.writes[change.key] += 1
        self.history.append(change)
        if change.kind is ChangeKind.CREATE:
            record = Subscription(
                key=str(self.next_id),
                client=fields.client,
                site=fields.site,
                marker=self.marker(change.key),
                name=fields.name,
                quantity=fields.quantity,
                unit_price=fields.unit_price or Decimal(0),
                unit_cost=fields.unit_cost or Decimal(0),
                asset_type=fields.asset_type,
                supplier=fields.supplier,
                start=fields.start,
                end=fields.end,
            )
            self.next_id += 1
        elif change.kind is ChangeKind.ADOPT:
            assert change.remote is not None
            record = msgspec.structs.replace(
                self.records[change.remote], marker=self.marker(change.key)
            )
        else:
            assert change.remote is not None
            owned = {
                name: value
                for name in ("name", "quantity", "unit_price", "unit_cost", "asset_type", "end")
                if (value := getattr(fields, name)) is not None
            }
            record = msgspec.structs.replace(self.records[change.remote], **owned)
        self.records[record.key] = record
        return record

    def edit(self, remote: str, **values: Any) -> None:
        """What a person does in the PSA by hand."""
        self.records[remote] = msgspec.structs.replace(self.records[remote], **values)

    def state(self) -> dict[str, tuple[Any, ...]]:
        """What the PSA holds, by marker, without ids: equal for equal ends."""
        held: dict[str, tuple[Any, ...]] = {}
        for record in self.records.values():
            name = record.marker or f"record {record.key}"
            assert name not in held, f"duplicate of {name}"
            held[name] = (
                record.client,
                record.name,
                record.quantity,
                record.unit_price,
                record.unit_cost,
                record.asset_type,
            )
        return held

    def _seen(self) -> dict[str, Subscription]:
        now = self.clock()
        return {
            key: record
            for key, record in self.records.items()
            if self.visible_at.get(key, now) <= now
        }

    def _count(self, name: str) -> None:
        self._mark(f"{name}:before")
        self.calls[name] += 1

    def _mark(self, name: str) -> None:
        if self.point is not None:
            self.point(name)


@dataclass(frozen=True)
class Stage:
    """Rows that delivery needs: two connections, one account and one plan."""

    source: ConnectionRef
    psa: ConnectionRef
    account_id: int
    plan_id: str = "2026-10-1"


async def stage(database: Database) -> Stage:
    """Connections, an account, an empty plan."""
    async with database.writer() as conn:
        source = await ensure_connection(conn, "source-eu", "fakesource")
        psa = await ensure_connection(conn, "psa", "fakepsa")
        made = await conn.execute(
            insert(AccountRow)
            .values(connection_id=source.id, key="5", name="Acme", psa_ids="{}", first_pull=1)
            .returning(AccountRow.__table__.c.id)
        )
        account_id = made.scalar_one()
        plan = Plan(period="2026-10", currency="GBP", made_at=NOW, bills=())
        await conn.execute(
            insert(PlanRow).values(
                id="2026-10-1",
                kind="billing",
                period="2026-10",
                state="open",
                currency="GBP",
                made_at=NOW,
                data_version=0,
                digest="",
                content=msgspec.json.encode(plan),
            )
        )
        await conn.execute(
            insert(PlanBill).values(
                plan_id="2026-10-1",
                bill_key="b:5",
                account_id=account_id,
                state="applied",
                detail="",
                released_by="",
                release_reason="",
                basis="[]",
            )
        )
    return Stage(source=source, psa=psa, account_id=account_id)


def fields(quantity: int, price: str = "5.00", **values: Any) -> SubscriptionFields:
    """What a line writes."""
    given: dict[str, Any] = {
        "client": "1001",
        "site": None,
        "name": "Workstations",
        "quantity": quantity,
        "unit_price": Decimal(price),
        "unit_cost": Decimal("2.00"),
        "asset_type": "10",
        "supplier": None,
        "start": "2026-10-01",
        "end": None,
        "notes": "Counts of 2026-10",
    }
    return SubscriptionFields(**{**given, **values})


async def queue(
    database: Database,
    on: Stage,
    *changes: KeyedChange,
    observed: Mapping[str, str] | None = None,
    now: datetime = NOW,
    again: bool = False,
) -> None:
    """Put writes into the outbox as `apply` does; `again` in the name of a second plan."""
    plan_id = on.plan_id
    async with database.writer() as conn:
        if again:
            plan_id = "2026-10-2"
            row = (await conn.execute(select(PlanRow.__table__))).mappings().first()
            await conn.execute(insert(PlanRow).values({**row, "id": plan_id}))
        for change in [] if again else changes:
            uid = change.key.rpartition(":")[2]
            await conn.execute(
                insert(BillingLine).values(
                    uid=uid,
                    connection_id=on.source.id,
                    account_id=on.account_id,
                    configuration_uid="c1",
                    asset_type_key=uid,
                    part="",
                    created_at=now,
                )
            )
        await enqueue(
            conn,
            [
                NewItem(
                    plan_id=plan_id,
                    bill_key="b:5",
                    psa_connection_id=on.psa.id,
                    account_id=on.account_id,
                    line_uid=change.key.rpartition(":")[2],
                    mode="average",
                    content_hash=content_hash(change.fields),
                    intent=intent(change, (observed or {}).get(change.key)),
                )
                for change in changes
            ],
            now=now,
        )


def intent(change: KeyedChange, observed: str | None = None) -> Intent:
    """What delivery knows of a write."""
    after = LineState(
        quantity=change.fields.quantity,
        unit_price=change.fields.unit_price,
        unit_cost=change.fields.unit_cost,
        total_price=Decimal(change.fields.quantity) * (change.fields.unit_price or 0),
        total_cost=Decimal(change.fields.quantity) * (change.fields.unit_cost or 0),
    )
    return Intent(
        change=change,
        observed=observed,
        before=None,
        after=after,
        period="2026-10",
        record_period="",
        client=change.fields.client,
        client_name="Acme Ltd",
        line_name=change.fields.name,
        money=after.total_price,
        currency="GBP",
    )


def create(uid: str, quantity: int = 10, **values: Any) -> KeyedChange:
    """A create under the key `k:<uid>`."""
    return KeyedChange(
        key=f"k:{uid}", kind=ChangeKind.CREATE, remote=None, fields=fields(quantity, **values)
    )


def update(uid: str, remote: str, quantity: int, **values: Any) -> KeyedChange:
    """An update under the key `k:<uid>`."""
    return KeyedChange(
        key=f"k:{uid}", kind=ChangeKind.UPDATE, remote=remote, fields=fields(quantity, **values)
    )
