"""What a plan of assets says: which units become assets, which wait, and what that costs whom.

A PSA may count its assets by itself, so that an asset that comes or goes changes an invoice.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from syncd.sdk.asset_records import AssetChange


class PlannedAsset(msgspec.Struct, frozen=True):
    """One asset of a plan.

    Attributes:
        connection: source connection name.
        account: account key.
        unit: the source's id of the unit.
        client: PSA client id.
        client_name: for people.
        name: of the unit.
        action: `create`, `update`, `deactivate`, `reactivate`, `link` (an asset that is there
            already; nothing is written), or `forget` (left, and gone or inactive already).
        reason: why, in words.
        key: ours.
        remote: the PSA's id, None for a new one.
        ours: we made it, so that its name and site are ours too.
        change: what is written; None where nothing is.
        asset_type: its type afterwards.
        site: the site it should be at, None where none is known.
        changed: names of the fields that are written.
    """

    connection: str
    account: str
    unit: str
    client: str
    client_name: str
    name: str
    action: str
    reason: str
    key: str
    remote: str | None
    ours: bool
    change: AssetChange | None = None
    asset_type: str | None = None
    site: str | None = None
    changed: tuple[str, ...] = ()


class HeldAsset(msgspec.Struct, frozen=True):
    """A unit of which a person has to say which asset it is, or that waits for something else.

    Attributes:
        connection: source connection name.
        account: account key.
        unit: the source's id of the unit.
        client: PSA client id.
        client_name: for people.
        name: of the unit.
        code: stable name of the reason.
        why: in words.
        candidates: ids of assets of the PSA that it may be.
    """

    connection: str
    account: str
    unit: str
    client: str
    client_name: str
    name: str
    code: str
    why: str
    candidates: tuple[str, ...] = ()


class AssetEffect(msgspec.Struct, frozen=True):
    """What the plan does to one line of a recurring invoice that counts assets.

    Attributes:
        client: PSA client id.
        client_name: for people.
        invoice: name of the recurring invoice.
        line: name of its line.
        before: units that the line's asset sources bill now; None when they cannot be seen.
        after: the same once the plan is applied.
        unit_price: of the line, None when it comes from elsewhere.
        money_effect: after minus before in money, without tax and discounts; None when unknown.
        note: what makes the figures differ from an invoice, or why they are unknown.
    """

    client: str
    client_name: str
    invoice: str
    line: str
    before: Decimal | None
    after: Decimal | None
    unit_price: Decimal | None
    money_effect: Decimal | None
    note: str = ""


class AssetPlan(msgspec.Struct, frozen=True):
    """The content of a plan of assets.

    Attributes:
        planned: ordered by client name, unit name and unit.
        held: units that are left as they are.
        effects: lines of recurring invoices that change.
        unproven: accounts (`connection/account`) that their newest pull did not prove; nothing
            of them is changed.
        unchanged: assets that stand as they should.
        types_kept: assets whose type differs from the mapping and is left alone.
    """

    planned: tuple[PlannedAsset, ...] = ()
    held: tuple[HeldAsset, ...] = ()
    effects: tuple[AssetEffect, ...] = ()
    unproven: tuple[str, ...] = ()
    unchanged: int = 0
    types_kept: int = 0
