"""The values that billing takes and gives. Frozen; ids are text, money is Decimal.

What a month makes by the hundred thousand is a Struct, which is built five times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from syncd.core.billing.billed_days import Billed, Policy, Prorated
from syncd.core.billing.choices import BilledIn as BilledIn
from syncd.core.billing.choices import Mode as Mode
from syncd.core.billing.choices import Owner as Owner
from syncd.core.billing.choices import RoundingPolicy as RoundingPolicy
from syncd.core.billing.guard_limits import GuardLimits as GuardLimits
from syncd.sdk.records import ProductKind

if TYPE_CHECKING:
    from syncd.core.billing.corrections import CorrectionDue

POINT_IN_TIME: Final = "point_in_time"
"""The way of counting that takes what stands at the turn of the month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How bills are computed.

    Attributes:
        currency: ISO code of the billing currency.
        money_scale: decimals of totals.
        unit_scale: decimals of unit prices.
        rounding_policy: see `RoundingPolicy`.
    """

    currency: str = "GBP"
    money_scale: int = 2
    unit_scale: int = 4
    rounding_policy: RoundingPolicy = RoundingPolicy.REPORT


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledProduct:
    """A product as billing sees it; a `monthly` one is a fact of a month and does not stand."""

    key: str
    name: str
    kind: ProductKind
    default_asset_type: str | None
    monthly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Cost and price per unit; None is unset (computed as 0, with a warning), 0 is free.

    Attributes:
        cost: per licence, or per GB stored.
        price: likewise.
        restore_cost: per GB restored, storage only.
        restore_price: likewise.
        currency: ISO code.
        version: id of the stored rate, for the bill's basis.
        cycle: what it is a price for; a product with any other than `monthly` is left out of the
            bill.
    """

    cost: Decimal | None = None
    price: Decimal | None = None
    restore_cost: Decimal | None = None
    restore_price: Decimal | None = None
    currency: str = "GBP"
    version: str | None = None
    cycle: str = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityRule:
    """From the raw count to the billed quantity, in this order (docs/billing.md, quantity).

    Attributes:
        override: replaces the raw value, also with 0.
        included: units that cost nothing.
        block: size of a block; the quantity is rounded up to whole blocks.
        minimum: lowest billed quantity.
        maximum: highest; wins over minimum.
        bill_blocks: storage only: money follows the quantity instead of the exact usage.
        until: last day of the rule (ISO date), None while open-ended. An open-ended minimum ends
            with the account; a dated one is a commitment and outlives it.
        method: how the month was counted: `point_in_time`, `peak` or `average`.
        version: id of the stored rule, for the bill's basis.
    """

    override: Decimal | None = None
    included: Decimal = Decimal(0)
    block: Decimal = Decimal(1)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    bill_blocks: bool = False
    until: str | None = None
    method: str = POINT_IN_TIME
    version: str | None = None


class Share(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An account's part of a client's pooled quantity, made by `quantity.pooled`.

    Attributes:
        billed: exact amount that carries money: units, or GB.
        quantity: whole units.
    """

    billed: Decimal
    quantity: int


class LicenceUsage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Raw licence count of a product for one account and period.

    `raw` is a Decimal so that an invalid source value (negative, fractional) can be refused by
    name (SOURCE_INVALID) instead of being rounded.

    Attributes:
        raw: the count.
        removed: the account no longer exists in the source (COMPANY_REMOVED).
        cycle: billing cycle of the units; any other than `monthly` is left out of the bill.
        renewal: month in which such units renew, `YYYY-MM`, if the source knows it.
        share: the account's part of the client's pool; None applies the rules to `raw` alone.
        pool_incomplete: another account of the pool is not proven, so that no share is known.
    """

    raw: Decimal
    removed: bool = False
    cycle: str = "monthly"
    renewal: str | None = None
    share: Share | None = None
    pool_incomplete: bool = False


class StorageUsage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Storage of a product for one account and period.

    Attributes:
        average_bytes: mean of the month, exact.
        restore_bytes: volume restored.
        limit_cost: fixed cost of storage limits.
        limit_price: fixed price of storage limits.
        removed: the account no longer exists in the source.
        share: the account's part of the client's pool, in GB.
        pool_incomplete: another account of the pool is not proven.
    """

    average_bytes: Decimal
    restore_bytes: Decimal = Decimal(0)
    limit_cost: Decimal = Decimal(0)
    limit_price: Decimal = Decimal(0)
    removed: bool = False
    share: Share | None = None
    pool_incomplete: bool = False


Usage = LicenceUsage | StorageUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One named billing configuration of an account.

    Attributes:
        id: stable id.
        name: for people, part of the line's name.
        mode: average, total or quantity.
        products: product keys, in order.
        asset_type: overrides the products' defaults.
        price_owner: who owns the unit price on the PSA's record.
        cost_owner: who owns the unit cost.
        supplier: name of the supplier of its lines; None takes the bill's.
        billed_in: `arrears`, or `advance`: the same count, for the month that begins.
        first_month: how the month is billed in which billing starts, where the account says
            nothing; None is full.
        last_month: likewise the month in which billing ends.
        proration_owner: who charges less for a part of a month: we, by those two, or the PSA.
    """

    id: str
    name: str
    mode: Mode
    products: tuple[str, ...]
    asset_type: str | None = None
    price_owner: Owner = Owner.SYNCD
    cost_owner: Owner = Owner.SYNCD
    supplier: str | None = None
    billed_in: BilledIn = BilledIn.ARREARS
    first_month: Policy | None = None
    last_month: Policy | None = None
    proration_owner: Owner = Owner.SYNCD


@dataclass(frozen=True, slots=True, kw_only=True)
class BillInput:
    """All that decides the bill of one account and period.

    Attributes:
        products: by key; a configured product that is absent here is unknown to the source and
            counts 0.
        rates: by product key; more than one currency per product may be offered.
        rules: by product key.
        usage: by product key; absent means 0 after a complete read.
        configurations: in the order in which lines are pushed.
        existing: line key (`configuration/asset type`) -> mode last sent, for zero lines; give
            `quantity` for a record that was adopted and not written yet, so that its price stays.
        site: PSA client or site the account is linked to; None is SITE_NOT_MAPPED.
        supplier: configured supplier name, None for none.
        supplier_resolves: whether the PSA knows it.
        unknown_suppliers: names of configurations' suppliers that the PSA does not know.
        source_errors: codes found before arithmetic (SOURCE_INCOMPLETE, NO_SNAPSHOT, …).
        source_warnings: likewise (LATE_SNAPSHOT, …).
        asset_type_names: PSA asset type id -> name, for the names of lines.
        settings: how to compute.
        span: the billed days, in the account's first and last month and after it; else None.
        corrections: accepted differences of earlier months that this bill carries.
    """

    products: Mapping[str, BilledProduct]
    rates: Mapping[str, tuple[Rate, ...]]
    rules: Mapping[str, QuantityRule]
    usage: Mapping[str, Usage]
    configurations: tuple[Configuration, ...]
    existing: Mapping[str, Mode] = field(default_factory=dict)
    site: str | None = None
    supplier: str | None = None
    supplier_resolves: bool = True
    unknown_suppliers: frozenset[str] = frozenset()
    source_errors: tuple[str, ...] = ()
    source_warnings: tuple[str, ...] = ()
    asset_type_names: Mapping[str, str] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    span: Billed | None = None
    corrections: tuple[CorrectionDue, ...] = ()


class LineProduct(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one product contributed to a line; the basis that `explain` prints.

    Attributes:
        product: key.
        raw: count or GB before rules.
        billed: after rules (licence) or exact GB billed (storage).
        quantity: whole units added to the line's quantity.
        cost: exact money.
        price: exact money.
        unit_cost: the rate used, None when unset.
        unit_price: likewise.
        rate_version: id of the stored rate.
        rule_version: id of the stored rule.
        prorated: how the days of a part of a month made its money, None for a whole month.
    """

    product: str
    raw: Decimal
    billed: Decimal
    quantity: int
    cost: Decimal
    price: Decimal
    unit_cost: Decimal | None
    unit_price: Decimal | None
    rate_version: str | None
    rule_version: str | None
    prorated: Prorated | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a bill.

    Attributes:
        key: `<configuration id>/<asset type>`, with `/rounding` or
            `/correction/<month>` for an adjustment.
        configuration: id, None for a stale line whose configuration is gone.
        name: stable name for people.
        asset_type: PSA asset type id.
        mode: average, total, quantity or adjustment.
        quantity: whole units sent.
        unit_cost: sent value, None when absent from the push.
        unit_price: likewise.
        total_cost: rounded sum of the group; None in quantity mode or where the PSA owns the cost.
        total_price: likewise.
        residual_cost: total minus round(quantity x unit), 0 when it fits.
        residual_price: likewise.
        supplier: name, None when not sent.
        action: `create` or `update` with respect to `BillInput.existing`.
        removed_by_configuration: a stale line set to zero by a change of configuration; held.
        price_unset: a product with quantity has no price; delivery is held by default.
        units: whole units behind the line; differs from `quantity` in total mode, which sends 1.
        products: the basis.
        advance: the line is for the month after the one that was counted.
    """

    key: str
    configuration: str | None
    name: str
    asset_type: str
    mode: Mode
    quantity: int
    unit_cost: Decimal | None
    unit_price: Decimal | None
    total_cost: Decimal | None
    total_price: Decimal | None
    residual_cost: Decimal
    residual_price: Decimal
    supplier: str | None
    action: str
    removed_by_configuration: bool = False
    price_unset: bool = False
    units: int = 0
    products: tuple[LineProduct, ...] = ()
    advance: bool = False


class Bill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The result: lines, or errors that stop the whole bill; never both.

    Attributes:
        lines: in pushing order (configuration order, then asset type; stale lines last).
        errors: codes of section "checks" of docs/billing.md; any of them empties `lines`.
        warnings: codes that do not stop anything.
        skipped: zero lines that were never sent (`ZERO_NEW:<key>`).
    """

    lines: tuple[Line, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """Warnings, and products that are left out of the bill for their cycle."""
        left = (code for code in self.skipped if code.startswith("CYCLE_NOT_MONTHLY:"))
        return (*self.warnings, *left)
