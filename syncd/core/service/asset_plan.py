"""Plans of assets: which counted units become assets of the PSA, and what that does to invoices.

Nothing is written there. A client's first export, and a fall of more than half of its assets, wait
for a person; a client that is not live is compared only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from syncd.core.billing.asset_effects import asset_effects
from syncd.core.billing.asset_values import AssetFindings, PsaAssets, UnitId
from syncd.core.billing.assets import plan_assets
from syncd.core.service.asset_drafts import AssetDraft, draft_bills
from syncd.core.service.asset_issues import tell_held
from syncd.core.service.asset_ledger import AssetLedger
from syncd.core.service.asset_units import read_units
from syncd.core.service.clients import choose_clients
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.refusals import AssetsNotKept
from syncd.core.store.asset_records import asset_rows, replace_waiting
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.golive import load_golive
from syncd.core.store.plans import (
    NewPlanBill,
    PlanBillState,
    PlanKind,
    PlanRecord,
    insert_plan,
    load_plan,
    next_plan_id,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period
from syncd.sdk.ports import AssetKeeper, Psa
from syncd.sdk.records import (
    AssetEffect,
    AssetPlan,
    Plan,
    PsaAsset,
    RecurringLine,
    canonical_json,
)

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


class AssetRules(Protocol):
    """The settings of `[billing]` that assets need; see docs/config.md."""

    @property
    def mode(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def money_scale(self) -> int: ...
    @property
    def plan_max_age_days(self) -> int: ...


def require_keeper(psa: Psa) -> AssetKeeper:
    """The PSA as a keeper of assets.

    Raises:
        AssetsNotKept: its connector has no assets.
    """
    if not isinstance(psa, AssetKeeper):
        message = "the connector of the PSA keeps no assets"
        raise AssetsNotKept(message, remedy="set export_assets = false")
    return psa


async def plan_export(
    database: Database,
    *,
    rules: AssetRules,
    timezone: ZoneInfo,
    psa: Psa,
    psa_connection: ConnectionRef,
    exporting: Mapping[str, bool],
    clock: Callable[[], datetime],
    log: EventLog,
    clients: Collection[str] = (),
    chosen: Mapping[UnitId, str] | None = None,
    run_id: str | None = None,
    progress: Callable[[int], None] = lambda _reached: None,
) -> PlanRecord:
    """Compare counted units with the PSA's assets, store what is to be written, and issue holds.

    Args:
        database: where everything is.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa: the opened PSA.
        psa_connection: its stored connection.
        exporting: source connection name -> whether types of existing assets are changed.
        clock: current time in UTC.
        log: told of the plan and of issues.
        clients: only these, by id or by a name that one client has.
        chosen: unit -> id of an asset, or `new`, as a person said.
        run_id: of the run this belongs to.
        progress: told how many assets were read.

    Raises:
        AssetsNotKept: the connector of the PSA has no assets.
        ClientUnknown: a client was named that is not exactly one.
        ConnectorError: the PSA could not be read.
        StoreError: the database cannot serve.
    """
    keeper = require_keeper(psa)
    now = clock()
    period = Period.containing(now, timezone)
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
        accounts = choose_clients(data, psa_connection.id, clients)
        units = await read_units(conn, data, psa_connection.id, exporting, accounts)
        rows = await asset_rows(conn, psa_connection.id)
        golive = await load_golive(conn, psa_connection.id, mode=rules.mode)
    book = AssetLedger(data, psa_connection.id, rows, exporting, units)
    wanted = {one.client for one in units.wanted.values()} | {one.client for one in book.concerned}
    seen = await _assets(keeper, wanted, book.remotes, progress)
    keys = {one.key for one in units.wanted.values()} | {one.key for one in book.known.values()}
    found = plan_assets(
        list(units.wanted.values()),
        book.left,
        book.known,
        PsaAssets(
            assets=seen,
            claimed=book.claimed,
            markers={key: psa.marker(key) for key in keys},
        ),
        chosen=chosen or {},
        names=book.names,
    )
    effects = await _effects(psa, found, seen, book.names, rules.money_scale)
    content = AssetPlan(
        planned=tuple(found.planned),
        held=(*found.held, *units.held),
        effects=tuple(effects),
        unproven=tuple(units.unproven),
        unchanged=found.unchanged,
        types_kept=found.types_kept,
    )
    drafts = draft_bills(content, book, golive, str(period), psa_connection.id)
    plan = Plan(
        period=str(period),
        currency=rules.currency,
        made_at=now,
        bills=tuple(one.bill for one in drafts),
        assets=content,
    )
    return await _store(
        database, plan, drafts, data, psa_connection, looked=wanted, run_id=run_id, log=log
    )


async def _assets(
    keeper: AssetKeeper,
    clients: Collection[str],
    remotes: set[str],
    progress: Callable[[int], None],
) -> list[PsaAsset]:
    """Assets of these clients; where one of ours is not among them, all assets of the PSA."""
    found: dict[str, PsaAsset] = {}

    async def read(of: Collection[str] | None) -> None:
        async for batch in keeper.assets(clients=of):
            found.update((one.key, one) for one in batch)
            progress(len(found))

    if clients:
        await read(clients)
        if not remotes <= found.keys():
            await read(None)
    return list(found.values())


async def _effects(
    psa: Psa,
    found: AssetFindings,
    seen: Sequence[PsaAsset],
    names: Mapping[str, str],
    money_scale: int,
) -> list[AssetEffect]:
    at = {one.key: one.client for one in seen}
    touched = {one.client for one in found.planned if one.change is not None}
    touched |= {at[one.remote] for one in found.planned if one.remote in at}
    recurring: dict[str, list[RecurringLine]] = {}
    if touched:
        async for batch in psa.recurring_lines(clients=touched):
            for line in batch:
                recurring.setdefault(line.client, []).append(line)
    return asset_effects(found.planned, seen, recurring, names=names, money_scale=money_scale)


async def _store(
    database: Database,
    plan: Plan,
    drafts: Sequence[AssetDraft],
    data: BillingData,
    psa_connection: ConnectionRef,
    *,
    looked: Collection[str],
    run_id: str | None,
    log: EventLog,
) -> PlanRecord:
    """Plan, fates, objections and issues, in one commit."""
    encoded = canonical_json(plan)
    async with database.writer() as conn:
        plan_id = await next_plan_id(conn, plan.period)
        await replace_waiting(conn, [one.bill.key for one in drafts], by=plan_id)
        await insert_plan(
            conn,
            plan_id,
            plan,
            kind=PlanKind.ASSETS,
            data_version=data.data_version,
            digest=hashlib.sha256(encoded).hexdigest(),
            content=encoded,
            bills=[
                NewPlanBill(
                    bill_key=one.bill.key,
                    account_id=one.account_id,
                    state=one.state,
                    detail=", ".join(objection.rule for objection in one.objections),
                    basis="[]",
                )
                for one in drafts
            ],
            objections=[objection for one in drafts for objection in one.objections],
            run_id=run_id,
        )
        record = await load_plan(conn, plan_id)
        assert record is not None
        book = IssueBook(conn, psa_connection.name, plan.made_at)
        await tell_held(book, psa_connection.name, record, looked)
    book.speak(log)
    content = plan.assets or AssetPlan()
    log(
        "plan.made",
        plan=plan_id,
        period=plan.period,
        n_bills=len(drafts),
        n_changes=sum(one.change is not None for one in content.planned),
        n_held=sum(one.state is PlanBillState.HELD for one in drafts),
        n_errors=0,
    )
    return record
