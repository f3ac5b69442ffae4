"""What the answer of the PSA, or a look at it, means for an asset that was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from syncd.core.billing.asset_values import DOUBLE, AssetFields
from syncd.core.store.asset_records import FAILED, INACTIVE, LIVE, PENDING, UNKNOWN, AssetRow
from syncd.sdk.records import (
    AssetChange,
    Delivered,
    NotSent,
    Outcome,
    PlannedAsset,
    PsaAsset,
    Rejected,
)

MOST_SENDS = 3
"""An asset that was sent so often and never arrived is given up, and told."""

NEVER_ARRIVED: Final = "ASSET_NEVER_ARRIVED"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a write ended, or that it did not.

    Attributes:
        state: of the row from now on.
        code: of a failure.
        why: one sentence.
        remote: id of the asset that stands.
        unsent: it never left, so that the attempt does not count.
    """

    state: str
    code: str = ""
    why: str = ""
    remote: str | None = None
    unsent: bool = False


def fields_after(planned: PlannedAsset) -> AssetFields:
    """What stands once a planned asset is as planned."""
    change = planned.change
    active = change.active if change is not None else planned.action != "forget"
    return AssetFields(
        client=planned.client,
        site=planned.site,
        name=planned.name,
        asset_type=planned.asset_type,
        active=active,
        ours=planned.ours,
    )


def ending_found(row: AssetRow, shown: Mapping[str, PsaAsset] | Sequence[PsaAsset]) -> Ending:
    """What the PSA shows of a write whose answer was not seen.

    Args:
        row: the unit.
        shown: for a new asset those that carry its key, else the assets of its client by id.
    """
    change = change_of(row)
    if isinstance(shown, Mapping):
        asset = shown.get(change.remote or "")
        if asset is None:
            return Ending(FAILED, "ASSET_GONE", f"asset {change.remote} is not there any more")
    else:
        if len(shown) > 1:
            ids = ", ".join(one.key for one in shown)
            return Ending(FAILED, DOUBLE, f"assets {ids} carry its key")
        asset = shown[0] if shown else None
    is_new = not isinstance(shown, Mapping)
    if asset is not None and (is_new or _shows(asset, change)):
        return Ending(LIVE if change.active else INACTIVE, remote=asset.key)
    if row.attempts >= MOST_SENDS:
        why = f"it was sent {row.attempts} times and never arrived"
        return Ending(FAILED, NEVER_ARRIVED, why)
    return Ending(PENDING, why="it was not there when looked for")


def _shows(asset: PsaAsset, change: AssetChange) -> bool:
    wanted = (("name", change.name), ("site", change.site), ("asset_type", change.asset_type))
    return asset.active == change.active and all(
        value is None or getattr(asset, name) == value for name, value in wanted
    )


def planned_of(row: AssetRow) -> PlannedAsset:
    assert row.planned is not None, "a row under way has a payload"
    return row.planned


def change_of(row: AssetRow) -> AssetChange:
    change = planned_of(row).change
    assert change is not None, "only changes are queued"
    return change


def ending_of(outcome: Outcome | None) -> Ending:
    match outcome:
        case Delivered(receipt=receipt):
            return Ending(LIVE, remote=receipt.remote)
        case NotSent(message=message):
            return Ending(PENDING, why=message, unsent=True)
        case Rejected(code=code, message=message):
            return Ending(FAILED, code, f"{message} ({code})")
        case None:
            return Ending(UNKNOWN, why="the connector gave no outcome for it")
        case _:
            return Ending(UNKNOWN, why=outcome.message)
