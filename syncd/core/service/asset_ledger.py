"""What was exported, as far as a plan of assets looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.core.billing.asset_values import Known
from syncd.core.service.asset_units import AssetUnits
from syncd.core.store.asset_records import FAILED, LIVE, OPEN, AssetRow
from syncd.core.store.billing_data import BillingData
from syncd.core.store.references import ReferenceKind


class AssetLedger:
    """The units of exporting sources that a plan looks at.

    Attributes:
        data: accounts, links and names.
        known: by source connection name and unit.
        claimed: id of an asset -> source connection whose unit it stands for.
        names: PSA client id -> its name.
        concerned: rows of units that count, or of accounts that speak.
        left: units that their account has no more.
        remotes: ids of assets that should be in the PSA.
        live: rows of assets that stand, of every source.
        exported: source connection name and client at which anything ever stood.
    """

    def __init__(
        self,
        data: BillingData,
        psa_id: int,
        rows: Sequence[AssetRow],
        exporting: Mapping[str, bool],
        units: AssetUnits,
    ) -> None:
        names = {one.id: one.name for one in data.connections.values()}
        self.rows = [row for row in rows if names.get(row.connection_id) in exporting]
        self.data = data
        self.psa_id = psa_id
        self.known = {
            (names[row.connection_id], row.unit): _known(row, names, data) for row in self.rows
        }
        self.claimed = {
            row.remote: names[row.connection_id] for row in rows if row.remote is not None
        }
        self.names = {
            key: entry.name
            for key, entry in data.references.of(psa_id, ReferenceKind.CLIENT).items()
        }
        wanted = units.wanted.keys()
        self.concerned = [
            row
            for row in self.rows
            if (names[row.connection_id], row.unit) in wanted or row.account_id in units.proven
        ]
        self.left = [
            self.known[names[row.connection_id], row.unit]
            for row in self.concerned
            if (names[row.connection_id], row.unit) not in wanted and _stands(row)
        ]
        self.remotes = {row.remote for row in self.concerned if row.remote and _stands(row)}
        self.live = [row for row in rows if row.state == LIVE]
        self.exported = {
            (names.get(row.connection_id, ""), row.client) for row in rows if row.fields is not None
        }


def _stands(row: AssetRow) -> bool:
    return row.state in {LIVE, *OPEN} or (row.state == FAILED and row.remote is not None)


def _known(row: AssetRow, names: Mapping[int, str], data: BillingData) -> Known:
    return Known(
        connection=names[row.connection_id],
        account=data.accounts[row.account_id].key,
        unit=row.unit,
        key=row.key,
        remote=row.remote,
        fields=row.fields,
        open_plan=row.plan_id if row.state in OPEN else "",
    )
