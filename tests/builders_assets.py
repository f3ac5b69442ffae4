"""A PSA in memory that keeps assets and counts them on recurring lines, with scripted faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from syncd.core.service.application import find_plan
from syncd.core.service.asset_apply import AppliedAssets, apply_export
from syncd.core.service.asset_plan import plan_export
from syncd.core.store.asset_records import AssetRow, asset_rows
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanRecord
from syncd.sdk.errors import AuthError
from syncd.sdk.records import (
    AssetChange,
    AssetPlan,
    BatchLimit,
    ChangeKind,
    CheckResult,
    Delivered,
    NotSent,
    Outcome,
    PsaAsset,
    QuantitySource,
    Receipt,
    RecurringLine,
    Rejected,
    Unknown,
)
from tests.builders_flow import FakePsa
from tests.builders_month import DESKTOP, SERVER, Office, recurring

SOURCE = "source-eu"


@dataclass
class AssetPsa(FakePsa):
    """Assets by id; `asset_faults` are taken one per write, in order.

    They are `lost_before`, `lost_after`, `not_sent`, `refused`, `auth`, `raise`, or empty for none.
    """

    asset_batch: BatchLimit = field(default_factory=lambda: BatchLimit(size=5, settle_seconds=2.0))
    kept: dict[str, PsaAsset] = field(default_factory=dict)
    asset_faults: list[str] = field(default_factory=list)
    asset_writes: list[AssetChange] = field(default_factory=list)
    late: dict[str, datetime] = field(default_factory=dict)
    next_asset: int = 100

    async def check_assets(self) -> CheckResult:
        return CheckResult(ok=True, summary="assets")

    async def assets(self, *, clients: Collection[str] | None) -> AsyncIterator[Sequence[PsaAsset]]:
        self._count("assets")
        yield [one for one in self._standing() if clients is None or one.client in clients]
        self._mark("assets:after")

    async def find_assets(self, keys: Collection[str]) -> Mapping[str, Sequence[PsaAsset]]:
        self._count("find_assets")
        return {
            key: [one for one in self._standing() if one.marker == self.marker(key)] for key in keys
        }

    async def apply_assets(self, changes: Sequence[AssetChange]) -> Sequence[Outcome]:
        assert len(changes) <= self.asset_batch.size
        self._count("apply_assets")
        outcomes = []
        for change in changes:
            outcomes.append(self._asset(change))
            self._mark("apply_assets:between")
        self._mark("apply_assets:after")
        return outcomes

    def _asset(self, change: AssetChange) -> Outcome:
        fault = self.asset_faults.pop(0) if self.asset_faults else ""
        match fault:
            case "auth":
                raise AuthError("refused")
            case "raise":
                raise RuntimeError("a defect of the connector")
            case "not_sent":
                return NotSent(change.key, "could not connect")
            case "refused":
                return Rejected(change.key, "REFUSED_BY_PSA", "the site is closed")
            case "lost_before":
                return Unknown(change.key, "no answer")
        if change.client in self.poison:
            return Rejected(change.key, "REFUSED_BY_PSA", "the client is closed")
        if change.kind is ChangeKind.UPDATE and change.remote not in self.kept:
            return Rejected(change.key, "ASSET_GONE", "no such asset", gone=True)
        self.asset_writes.append(change)
        asset = self._stored(change)
        self.kept[asset.key] = asset
        if fault == "lost_after":
            self.late[asset.key] = self.clock()
            return Unknown(change.key, "no answer")
        return Delivered(change.key, Receipt(change.key, asset.key))

    def _stored(self, change: AssetChange) -> PsaAsset:
        if change.remote is not None:
            owned: dict[str, Any] = {"active": change.active}
            for name in ("site", "name", "asset_type"):
                if getattr(change, name) is not None:
                    owned[name] = getattr(change, name)
            if change.site is not None:
                owned["client"] = change.client
            return msgspec.structs.replace(self.kept[change.remote], **owned)
        self.next_asset += 1
        return PsaAsset(
            key=str(self.next_asset),
            client=change.client,
            site=change.site,
            name=change.name or "",
            asset_type=change.asset_type,
            marker=self.marker(change.key),
        )

    def _standing(self) -> list[PsaAsset]:
        return list(self.kept.values())

    def put(self, key: str, name: str, client: str = "1001", **more: Any) -> None:
        """An asset that somebody else made."""
        self.kept[key] = PsaAsset(key=key, client=client, site=None, name=name, **more)

    def alter(self, key: str, **values: Any) -> None:
        """What a person does to an asset by hand."""
        self.kept[key] = msgspec.structs.replace(self.kept[key], **values)

    def named(self, name: str) -> PsaAsset:
        (found,) = [one for one in self.kept.values() if one.name == name]
        return found

    @property
    def active(self) -> Counter[str | None]:
        """Active assets by type."""
        return Counter(one.asset_type for one in self.kept.values() if one.active)


async def asset_office(
    database: Database, counts: Mapping[str, Mapping[str, Any]] | None = None, **usual: Any
) -> tuple[Office, AssetPsa]:
    """Account 5 of client 1001 has three desktops (de1…) and a server (se1)."""
    office = await Office.open(database)
    await office.usual(counts=counts or {"5": {DESKTOP.key: 3, SERVER.key: 1}}, **usual)
    psa = AssetPsa(clock=office.clock)
    office.psa = psa
    return office, psa


async def pulled(office: Office, counts: Mapping[str, Any], **more: Any) -> None:
    """A pull right now; time goes on by an hour."""
    office.clock.advance(hours=1)
    await office.pull(counts, at=office.clock(), **more)
    office.clock.advance(minutes=5)


async def look(office: Office, *, overwrite: bool = False, **given: Any) -> PlanRecord:
    return await plan_export(
        office.database,
        rules=office.settings,
        timezone=office.zone,
        psa=office.psa,
        psa_connection=office.psa_connection,
        exporting=given.pop("exporting", {SOURCE: overwrite}),
        clock=office.clock,
        log=office.log,
        **given,
    )


async def write(office: Office, plan_id: str, **given: Any) -> AppliedAssets:
    return await apply_export(
        office.database,
        await find_plan(office.database, plan_id),
        rules=office.settings,
        timezone=office.zone,
        psa=office.psa,
        psa_connection=office.psa_connection,
        clock=office.clock,
        log=office.log,
        sleep=office.clock.sleep,
        **given,
    )


async def export(office: Office, **given: Any) -> AppliedAssets:
    """Plan, release what is held, apply."""
    plan = await look(office, **given)
    if any(bill.state.value == "held" for bill in plan.bills):
        await office.release(plan.id)
    return await write(office, plan.id)


async def ledger(office: Office) -> dict[str, AssetRow]:
    async with office.database.reader() as conn:
        return {row.unit: row for row in await asset_rows(conn, office.psa_connection.id)}


def content(plan: PlanRecord) -> AssetPlan:
    assert plan.plan.assets is not None
    return plan.plan.assets


def actions(plan: PlanRecord) -> dict[str, str]:
    return {one.unit: one.action for one in content(plan).planned}


def counting(asset_type: str | None, price: str | None = "4.00", **more: Any) -> RecurringLine:
    """A recurring line that counts the client's assets of a type."""
    source = QuantitySource(key=f"q{asset_type}", kind="assets", asset_type=asset_type)
    source = msgspec.structs.replace(source, **more.pop("source", {}))
    line = recurring(
        "",
        key=f"assets-{asset_type}",
        name=f"Care {asset_type}",
        unit_price=None if price is None else Decimal(price),
        price_from_subscription=price is None,
        counts_other=True,
        sources=(source,),
        **more,
    )
    return msgspec.structs.replace(line, subscriptions=())
