"""Which asset of the PSA stands for a counted unit, and what of it is to be written.

An asset is recognised by what was stored: our own record of its id, our key on it, or the source's
id that another integration keeps on it. A name proves nothing; it only warns of a twin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncd.core.billing.asset_values import (
    DOUBLE,
    GONE,
    INACTIVE,
    MOVED,
    NEW,
    SITELESS,
    TWIN,
    UNSETTLED,
    UNTYPED,
    AssetFields,
    AssetFindings,
    Desired,
    Known,
    PsaAssets,
    UnitId,
)
from syncd.core.billing.drift import plain_name
from syncd.core.billing.identity import PREFIX, joined_key
from syncd.sdk.records import AssetChange, ChangeKind, HeldAsset, PlannedAsset, PsaAsset


def plan_assets(
    wanted: Sequence[Desired],
    left: Sequence[Known],
    known: Mapping[UnitId, Known],
    psa: PsaAssets,
    *,
    chosen: Mapping[UnitId, str],
    names: Mapping[str, str],
) -> AssetFindings:
    """What of the assets is to be written.

    Args:
        wanted: counted units of proven accounts.
        left: units of our ledger that a proven account has no more.
        known: our ledger by unit.
        psa: what the PSA shows.
        chosen: unit -> id of an asset, or `NEW`, as a person said.
        names: client id -> its name, for units that left.
    """
    found = AssetFindings()
    work = _Work(known, psa, chosen, found)
    for one in wanted:
        work.want(one)
    for gone in left:
        work.leave(gone, names)
    found.planned.sort(key=lambda one: (one.client_name.casefold(), one.name.casefold(), one.unit))
    found.held.sort(key=lambda one: (one.client_name.casefold(), one.name.casefold(), one.unit))
    return found


@dataclass(slots=True)
class _Work:
    known: Mapping[UnitId, Known]
    psa: PsaAssets
    chosen: Mapping[UnitId, str]
    found: AssetFindings
    made: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)

    def want(self, one: Desired) -> None:
        """Find the asset of a counted unit, or what it waits for."""
        known = self.known.get(one.id)
        if known is not None and known.open_plan:
            why = f"a write of plan {known.open_plan} is not settled"
            self._hold(one, UNSETTLED, why)
            return
        word = self.chosen.get(one.id)
        if word == NEW:
            self._create(one, known, "a person asked for a new one")
        elif word is not None:
            self._take(one, self.psa.by_id.get(word), word)
        elif known is not None and known.remote is not None:
            asset = self.psa.by_id.get(known.remote)
            if asset is None:
                self._hold(one, GONE, f"asset {known.remote} is not in the PSA any more")
            else:
                self._compare(one, known, asset, known.fields)
        else:
            self._recognise(one, known)

    def _recognise(self, one: Desired, known: Known | None) -> None:
        """A unit of which no asset is known: by our key, or by the source's id on an asset."""
        key = known.key if known is not None else one.key
        ours = self.psa.by_marker.get(self.psa.markers.get(key, key), [])
        theirs = [
            asset
            for asset in self.psa.by_foreign.get((one.connector, one.unit), ())
            if asset.client == one.client and asset.key not in self.psa.claimed
        ]
        for what, assets in (("our key", ours), (f"this id of {one.connector}", theirs)):
            if len(assets) > 1:
                why = f"{len(assets)} assets carry {what}"
                self._hold(one, DOUBLE, why, [asset.key for asset in assets])
                return
            if assets and assets[0].key not in self.taken:
                reason = f"it carries {what}"
                self._compare(one, known, assets[0], None, ours=bool(ours), reason=reason)
                return
        place = one.client, plain_name(one.name)
        twins = [asset.key for asset in self.psa.by_name.get(place, ()) if self._twin(one, asset)]
        other = self.made.get(place)
        if twins:
            self._hold(one, TWIN, f"asset {', '.join(twins)} of the client has its name", twins)
        elif other not in {None, one.connection}:
            self._hold(one, TWIN, f"a unit of '{other}' with its name is exported as well")
        else:
            self._create(one, known, "counted, and no asset of the PSA is known to be it")

    def _twin(self, one: Desired, asset: PsaAsset) -> bool:
        """An asset of the same name may be the unit unless it is proven to be another one."""
        if one.connector in asset.foreign_ids:
            return False
        mine = joined_key(PREFIX, one.uid)
        if (asset.marker or "").startswith(f"{mine}:"):
            return False
        owner = self.taken.get(asset.key) or self.psa.claimed.get(asset.key)
        return owner != one.connection

    def _create(self, one: Desired, known: Known | None, reason: str) -> None:
        if one.asset_type is None:
            self._hold(one, UNTYPED, "its product has no asset type")
            return
        key = known.key if known is not None else one.key
        self.made.setdefault((one.client, plain_name(one.name)), one.connection)
        change = AssetChange(
            key=key,
            kind=ChangeKind.CREATE,
            remote=None,
            client=one.client,
            site=one.site,
            name=one.name,
            asset_type=one.asset_type,
        )
        self._plan(one, "create", reason, key, None, ours=True, change=change)

    def _take(self, one: Desired, asset: PsaAsset | None, word: str) -> None:
        """An asset that a person named."""
        owner = self.psa.claimed.get(word)
        known = self.known.get(one.id)
        same = known is not None and known.remote == word
        if asset is None or asset.client != one.client:
            self._hold(one, GONE, f"asset {word} is none of this client")
        elif (owner is not None and not same) or word in self.taken:
            self._hold(one, DOUBLE, f"asset {word} stands for another unit")
        else:
            fields = known.fields if same and known is not None else None
            reason = "named by a person"
            self._compare(one, known, asset, fields, reason=reason, person=True)

    def _compare(
        self,
        one: Desired,
        known: Known | None,
        asset: PsaAsset,
        fields: AssetFields | None,
        *,
        ours: bool = False,
        reason: str = "",
        person: bool = False,
    ) -> None:
        """What of an asset differs from what it should be, as far as that is ours to say."""
        self.taken[asset.key] = one.connection
        sent = fields or AssetFields(
            asset.client, asset.site, asset.name, asset.asset_type, asset.active, ours
        )
        if not asset.active and not person and (sent.active or fields is None):
            why = f"asset {asset.key} was deactivated by somebody else"
            self._hold(one, INACTIVE, why, [asset.key])
            return
        moves = asset.client != one.client
        if moves and not (sent.ours and asset.client == sent.client):
            self._hold(one, MOVED, f"asset {asset.key} stands at client {asset.client}")
            return
        if moves and one.site is None:
            self._hold(one, SITELESS, f"it moves to {one.client_name}, of which no site is known")
            return
        changed = _differences(one, asset, sent, fresh=fields is None, moves=moves)
        retyped = one.asset_type is not None and asset.asset_type != one.asset_type
        if retyped and one.overwrite_type:
            changed.append("asset_type")
        self.found.types_kept += retyped and not one.overwrite_type
        if not changed and fields is not None:
            self.found.unchanged += 1
            return
        key = known.key if known is not None else one.key
        if not changed:
            self._plan(
                one, "link", reason, key, asset, ours=sent.ours, change=None, kept=asset.asset_type
            )
            return
        change = AssetChange(
            key=key,
            kind=ChangeKind.UPDATE,
            remote=asset.key,
            client=one.client,
            site=one.site if {"site", "client"} & set(changed) else None,
            name=one.name if "name" in changed else None,
            asset_type=one.asset_type if "asset_type" in changed else None,
        )
        action = "reactivate" if "active" in changed else "update"
        self._plan(
            one,
            action,
            reason or f"changed: {', '.join(changed)}",
            key,
            asset,
            ours=sent.ours,
            change=change,
            changed=tuple(changed),
            kept=asset.asset_type,
        )

    def leave(self, gone: Known, names: Mapping[str, str]) -> None:
        """A unit that its source has no more, or that does not count any more."""
        asset = self.psa.by_id.get(gone.remote or "")
        client = asset.client if asset is not None else gone.fields.client if gone.fields else ""
        name = asset.name if asset is not None else gone.fields.name if gone.fields else gone.unit
        named = names.get(client, client)
        if gone.open_plan:
            why = f"a write of plan {gone.open_plan} is not settled"
            self.found.held.append(
                HeldAsset(
                    gone.connection, gone.account, gone.unit, client, named, name, UNSETTLED, why
                )
            )
            return
        ends = asset is not None and asset.active
        self.found.planned.append(
            PlannedAsset(
                connection=gone.connection,
                account=gone.account,
                unit=gone.unit,
                client=client,
                client_name=named,
                name=name,
                action="deactivate" if ends else "forget",
                reason="it is not counted any more"
                if ends
                else "it is not counted any more, and inactive or gone in the PSA",
                key=gone.key,
                remote=gone.remote,
                ours=bool(gone.fields and gone.fields.ours),
                change=AssetChange(
                    key=gone.key,
                    kind=ChangeKind.UPDATE,
                    remote=gone.remote,
                    client=client,
                    site=None,
                    name=None,
                    asset_type=None,
                    active=False,
                )
                if ends
                else None,
                asset_type=asset.asset_type if asset is not None else None,
                site=gone.fields.site if gone.fields is not None else None,
                changed=("active",) if ends else (),
            )
        )

    def _plan(
        self,
        one: Desired,
        action: str,
        reason: str,
        key: str,
        asset: PsaAsset | None,
        *,
        ours: bool,
        change: AssetChange | None,
        changed: tuple[str, ...] = (),
        kept: str | None = None,
    ) -> None:
        typed = change.asset_type if change is not None else None
        self.found.planned.append(
            PlannedAsset(
                connection=one.connection,
                account=one.account,
                unit=one.unit,
                client=one.client,
                client_name=one.client_name,
                name=one.name,
                action=action,
                reason=reason,
                key=key,
                remote=asset.key if asset is not None else None,
                ours=ours,
                change=change,
                asset_type=typed if typed is not None else kept,
                site=one.site,
                changed=changed,
            )
        )

    def _hold(self, one: Desired, code: str, why: str, candidates: Sequence[str] = ()) -> None:
        self.found.held.append(
            HeldAsset(
                connection=one.connection,
                account=one.account,
                unit=one.unit,
                client=one.client,
                client_name=one.client_name,
                name=one.name,
                code=code,
                why=why,
                candidates=tuple(candidates),
            )
        )


def _differences(
    one: Desired, asset: PsaAsset, sent: AssetFields, *, fresh: bool, moves: bool
) -> list[str]:
    """Fields that are to be written: what a person changed in the PSA since stays as it is.

    Args:
        one: the unit.
        asset: as the PSA shows it.
        sent: what stood after our last write.
        fresh: nothing was written yet that we know of.
        moves: it belongs to another client now.
    """
    changed = []
    if not asset.active:
        changed.append("active")
    if not sent.ours:
        return changed
    if moves:
        changed.append("client")
    if asset.name != one.name and (fresh or sent.name != one.name):
        changed.append("name")
    site = one.site
    if not moves and site is not None and asset.site != site and (fresh or sent.site != site):
        changed.append("site")
    return changed
