"""What assets that come and go do to the lines of recurring invoices that count them.

A source of a line counts the active assets of its client, of one type or of any, at one site or at
all; it bills `max(least units, count - free units)`, and several sources of a line add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from syncd.core.billing.arithmetic import product, rounded
from syncd.sdk.records import (
    AssetEffect,
    PlannedAsset,
    PsaAsset,
    QuantitySource,
    RecurringLine,
)

ASSETS = "assets"


def asset_effects(
    planned: Sequence[PlannedAsset],
    assets: Iterable[PsaAsset],
    recurring: Mapping[str, Sequence[RecurringLine]],
    *,
    names: Mapping[str, str],
    money_scale: int,
) -> list[AssetEffect]:
    """Lines whose quantity a plan changes, or may change without that it can be seen.

    Args:
        planned: what would be written.
        assets: every asset of the clients concerned.
        recurring: lines by client id.
        names: client id -> its name.
        money_scale: decimals of totals.
    """
    before = {one.key: one for one in assets}
    after = applied(planned, before)
    touched = _touched(planned, before)
    found = []
    for client in sorted(touched, key=lambda one: (names.get(one, one).casefold(), one)):
        stood = [one for one in before.values() if one.client == client]
        stands = [one for one in after.values() if one.client == client]
        for line in recurring.get(client, ()):
            effect = _effect(line, stood, stands, names.get(client, client), money_scale)
            if effect is not None:
                found.append(effect)
    return found


def applied(planned: Sequence[PlannedAsset], before: Mapping[str, PsaAsset]) -> dict[str, PsaAsset]:
    """The assets as they would be once all of it was written."""
    after = dict(before)
    for one in planned:
        change = one.change
        if change is None:
            continue
        if one.remote is None:
            after[f"new {change.key}"] = PsaAsset(
                key="",
                client=change.client,
                site=change.site,
                name=change.name or "",
                asset_type=change.asset_type,
            )
        elif one.remote in after:
            after[one.remote] = msgspec.structs.replace(
                after[one.remote],
                client=change.client,
                site=change.site or after[one.remote].site,
                asset_type=change.asset_type or after[one.remote].asset_type,
                active=change.active,
            )
    return after


def _touched(planned: Sequence[PlannedAsset], before: Mapping[str, PsaAsset]) -> set[str]:
    """Clients at which something is written, also the one that an asset leaves."""
    clients = {one.client for one in planned if one.change is not None}
    return clients | {
        before[one.remote].client
        for one in planned
        if one.change is not None and one.remote is not None and one.remote in before
    }


def _effect(
    line: RecurringLine,
    stood: Sequence[PsaAsset],
    stands: Sequence[PsaAsset],
    name: str,
    money_scale: int,
) -> AssetEffect | None:
    sources = [one for one in line.sources if one.kind == ASSETS]
    if not line.active:
        return None
    if not sources:
        if line.counts_other and not line.sources:
            note = "the PSA does not say what this line counts; it may be assets"
            return _line(line, name, None, None, None, note)
        return None
    before = sum((_billed(one, stood) for one in sources), Decimal(0))
    after = sum((_billed(one, stands) for one in sources), Decimal(0))
    if before == after:
        return None
    money = None
    notes = []
    if line.unit_price is None:
        notes.append("its price comes from elsewhere")
    else:
        money = rounded(product(line.unit_price, after - before), money_scale)
    if len(sources) < len(line.sources):
        notes.append("it counts other things as well, which stay")
    if any(one.prorated for one in sources):
        notes.append("the PSA prorates the running period")
    if line.cycle not in {None, "monthly"}:
        notes.append(f"invoiced {line.cycle}")
    return _line(line, name, before, after, money, "; ".join(notes))


def _billed(source: QuantitySource, assets: Iterable[PsaAsset]) -> Decimal:
    count = sum(
        one.active
        and source.asset_type in {None, one.asset_type}
        and source.site in {None, one.site}
        for one in assets
    )
    return Decimal(max(source.minimum_units, count - source.free_units, 0))


def _line(
    line: RecurringLine,
    name: str,
    before: Decimal | None,
    after: Decimal | None,
    money: Decimal | None,
    note: str,
) -> AssetEffect:
    return AssetEffect(
        client=line.client,
        client_name=name,
        invoice=line.invoice_name or line.invoice,
        line=line.name or line.key,
        before=before,
        after=after,
        unit_price=line.unit_price,
        money_effect=money,
        note=note,
    )
