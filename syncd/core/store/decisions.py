"""The values behind bills: what sources reported and what people decided, keyed by row ids.

Each decision carries its row id as `version`, which a bill stores to name its basis.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd.core.store.hand_exclusion import HandExclusion as HandExclusion
from syncd.sdk.records import Measure, Part, ProductKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConnection:
    """A connection that has a row; `uid` is part of every external key."""

    id: int
    uid: str
    name: str
    connector: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAccount:
    """An account of a source as the census last saw it.

    Attributes:
        id: row id.
        connection_id: row id of its connection.
        key: the vendor's id.
        name: for people.
        absent_since: seq of the first complete pull whose roster lacked it, or None.
        removed: seq of the pull that confirmed that it is gone, or None.
        parent: key of the account that it is a part of; empty for a whole one.
    """

    id: int
    connection_id: int
    key: str
    name: str
    absent_since: int | None
    removed: int | None
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProduct:
    """A product of a connection; see `syncd.sdk.records.Product`."""

    id: int
    connection_id: int
    key: str
    name: str
    kind: ProductKind
    measure: Measure
    monthly: bool = False
    part: Part = Part.WHOLE
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Account to PSA client; `site_key` empty means the client's main site."""

    version: int
    account_id: int
    psa_connection_id: int
    client_key: str
    site_key: str
    origin: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultAssetType:
    """The asset type of a product where a configuration has none of its own."""

    version: int
    product_id: int
    psa_connection_id: int
    asset_type_key: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChoice:
    """Whether an account is billed without being asked, and from when.

    Attributes:
        version: row id, None where nobody decided anything.
        automatic: the automatic run bills it.
        start: ISO date; its month is the first that is billed. Empty sets no bound.
        agreement: the PSA's id of the client's agreement that its bills are made under, or empty.
        end: ISO date of its last billed day; empty while it has none.
        first_month: how the month of `start` is billed: `full`, `by_days`, `free`; empty where
            its configurations decide.
        last_month: likewise the month of `end`.
    """

    version: int | None = None
    automatic: bool = True
    start: str = ""
    agreement: str = ""
    end: str = ""
    first_month: str = ""
    last_month: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRate:
    """Cost and price of a product from a day on; None is unset, 0 is free.

    Only a `cycle` of `monthly` is billed.
    """

    version: int
    product_id: int
    client_key: str
    cost: Decimal | None
    price: Decimal | None
    restore_cost: Decimal | None
    restore_price: Decimal | None
    currency: str
    valid_from: str
    recorded_at: datetime
    cycle: str = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRule:
    """How a raw count of a product becomes a quantity, from a day on.

    Attributes:
        version: row id.
        product_id: row id of the product.
        client_key: PSA client, empty for every client.
        count_method: `point_in_time`, `peak` or `average`.
        override: replaces the raw count.
        included: free units.
        block: size of a block.
        minimum: lowest billed quantity.
        maximum: highest; wins over minimum.
        bill_blocks: money follows the blocks.
        pool: applied once over all accounts of the client, else per account.
        included_reasons: exclusion codes that count after all.
        valid_from: ISO date, first day.
        valid_until: ISO date, last day, or empty.
        reason: why, for people.
        recorded_at: UTC.
        stale_after_days: a unit silent for so long does not count, and one silent for less does;
            None leaves it to the source.
    """

    version: int
    product_id: int
    client_key: str
    count_method: str
    override: Decimal | None
    included: Decimal | None
    block: Decimal | None
    minimum: Decimal | None
    maximum: Decimal | None
    bill_blocks: bool
    pool: bool
    included_reasons: tuple[str, ...]
    valid_from: str
    valid_until: str
    reason: str
    recorded_at: datetime
    stale_after_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConfiguration:
    """A named set of products with a mode; `account_id` None means every account."""

    version: int
    uid: str
    connection_id: int
    account_id: int | None
    position: int
    name: str
    mode: str
    products: tuple[str, ...]
    asset_type_key: str
    supplier: str
    price_owner: str
    cost_owner: str
    recorded_at: datetime
    billed_in: str = "arrears"
    template: str = ""
    proration_owner: str = "syncd"
    first_month: str = ""
    last_month: str = ""


def exclusions_of(rows: Iterable[Any]) -> dict[int, tuple[HandExclusion, ...]]:
    """What people keep out, by account id, the oldest decision first."""
    found: dict[int, tuple[HandExclusion, ...]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        found[row.account_id] = (
            *found.get(row.account_id, ()),
            HandExclusion(
                version=row.id,
                account_id=row.account_id,
                product_key=row.product_key,
                unit=row.unit,
                reason=row.reason,
            ),
        )
    return found
