"""The bills of a plan of assets, one per client, and what makes them wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from syncd.core.service.asset_ledger import AssetLedger
from syncd.core.store.billing_data import BillingData
from syncd.core.store.golive import GoLiveBook
from syncd.core.store.plans import PlanBillState
from syncd.sdk.records import AssetEffect, AssetPlan, Objection, PlannedAsset, PlannedBill

FIRST_EXPORT: Final = "FIRST_ASSET_EXPORT"
FALL: Final = "ASSETS_FALL"

ENDS = frozenset({"deactivate", "forget"})
"""Actions on units that left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetDraft:
    """One client of a plan.

    Attributes:
        bill: as the plan holds it; it has no changes, only their money.
        account_id: the first account concerned.
        state: whether it can be written.
        objections: why not.
    """

    bill: PlannedBill
    account_id: int
    state: PlanBillState
    objections: tuple[Objection, ...]


def draft_bills(
    content: AssetPlan, book: AssetLedger, golive: GoLiveBook, period: str, psa_id: int
) -> list[AssetDraft]:
    """One per client at which anything is to be done."""
    by_client: dict[str, list[PlannedAsset]] = {}
    for one in content.planned:
        by_client.setdefault(one.client, []).append(one)
    drafts = []
    for client, planned in by_client.items():
        key = f"{psa_id}:assets:{client}"
        effects = [one for one in content.effects if one.client == client]
        objections = tuple(_objections(key, planned, book, client))
        state = PlanBillState.HELD if objections else PlanBillState.READY
        if not golive.is_live(client, period):
            state = PlanBillState.SHADOW
        bill = PlannedBill(
            key=key,
            connection="",
            account="",
            client=client,
            client_name=planned[0].client_name,
            changes=(),
            unchanged=0,
            total_before=_money(effects, "before"),
            total_after=_money(effects, "after"),
            first_bill=any(one.rule == FIRST_EXPORT for one in objections),
        )
        account = _account(planned[0], book.data)
        drafts.append(AssetDraft(bill=bill, account_id=account, state=state, objections=objections))
    return drafts


def _objections(
    key: str, planned: Sequence[PlannedAsset], book: AssetLedger, client: str
) -> list[Objection]:
    found = []
    for name in sorted({one.connection for one in planned if one.action not in ENDS}):
        if (name, client) not in book.exported:
            n = sum(one.connection == name for one in planned)
            message = f"nothing of '{name}' was ever exported there, and {n} would be now"
            found.append(Objection(rule=FIRST_EXPORT, message=message, bill=key))
    ends = sum(one.action == "deactivate" for one in planned)
    live = sum(row.client == client for row in book.live)
    if ends * 2 > live:
        message = f"{ends} of {live} assets that we exported there would be deactivated"
        found.append(Objection(rule=FALL, message=message, bill=key))
    return found


def _money(effects: Sequence[AssetEffect], side: str) -> Decimal | None:
    """Money of the lines that change, None where none of it is known."""
    known = [
        one.unit_price * units
        for one in effects
        if one.unit_price is not None and (units := getattr(one, side)) is not None
    ]
    return sum(known, Decimal(0)) if known or not effects else None


def _account(one: PlannedAsset, data: BillingData) -> int:
    ids = {found.name: found.id for found in data.connections.values()}
    return next(
        account.id
        for account in data.accounts.values()
        if account.connection_id == ids[one.connection] and account.key == one.account
    )
