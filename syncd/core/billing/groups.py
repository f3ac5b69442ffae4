"""From the configurations of an account to groups: products that share one line of the bill.

A group is the products of one configuration with the same effective asset type, which is the
configuration's own choice, else the product's default.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from syncd.core.billing.arithmetic import ZERO
from syncd.core.billing.model import (
    BillInput,
    Configuration,
    LicenceUsage,
    StorageUsage,
    Usage,
)
from syncd.core.billing.proration import no_usage, prorated
from syncd.core.billing.quantity import NO_RULE, count, is_monthly
from syncd.core.billing.rates import Priced, priced, rate_in
from syncd.sdk.records import ProductKind


class Group(msgspec.Struct, frozen=True, gc=False):
    """Products that become one line.

    Attributes:
        key: of the line: configuration and asset type.
        configuration: the configuration they belong to.
        asset_type: PSA asset type id.
        products: in the configuration's order.
    """

    key: str
    configuration: Configuration
    asset_type: str
    products: tuple[Priced, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """All groups of a bill, and what was found on the way.

    Attributes:
        groups: in pushing order.
        errors: `ASSET_TYPE_MISSING:<product>`.
        warnings: `ASSET_TYPE_MISSING_UNUSED:<product>`.
        skipped: `CYCLE_NOT_MONTHLY:<product>[:<renewal month>]`.
    """

    groups: tuple[Group, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    skipped: tuple[str, ...]


def grouped(data: BillInput) -> Grouping:
    """Price every product and put it into its group.

    Args:
        data: input that passed `checks.run_errors`.
    """
    groups: list[Group] = []
    errors: list[str] = []
    warnings: list[str] = []
    skipped: list[str] = []
    usages, rates, rules, currency = data.usage, data.rates, data.rules, data.settings.currency
    span = data.span
    for configuration in data.configurations:
        by_type: dict[str, list[Priced]] = {}
        for key in configuration.products:
            usage = usages.get(key) or _unused(data, key)
            rate = rate_in(rates.get(key, ()), currency)
            if not is_monthly(usage, rate):
                skipped.append(_cycle_skip(key, usage))
                continue
            rule = rules.get(key, NO_RULE)
            if span is not None and span.nothing_for(configuration):
                usage = no_usage(usage)
            item = priced(key, usage, count(usage, rule), rate, rule)
            if span is not None:
                item = prorated(item, usage, rule, rate, span, span.policy(configuration))
            asset_type = configuration.asset_type or _default_type(data, key)
            if asset_type:
                by_type.setdefault(asset_type, []).append(item)
            elif item.basis.quantity or item.basis.cost or item.basis.price:
                errors.append(f"ASSET_TYPE_MISSING:{key}")
            else:
                warnings.append(f"ASSET_TYPE_MISSING_UNUSED:{key}")
        groups += [
            Group(
                key=f"{configuration.id}/{asset_type}",
                configuration=configuration,
                asset_type=asset_type,
                products=tuple(items),
            )
            for asset_type, items in sorted(by_type.items(), key=lambda pair: type_order(pair[0]))
        ]
    return Grouping(
        groups=tuple(groups),
        errors=tuple(errors),
        warnings=tuple(warnings),
        skipped=tuple(skipped),
    )


def type_order(asset_type: str) -> tuple[int, str]:
    """Sort key that puts 9 before 10 and numbers before names."""
    return (len(asset_type) if asset_type.isdecimal() else 99, asset_type)


def _unused(data: BillInput, key: str) -> Usage:
    """The figures of a product without any; one that the source no longer knows counts 0 too."""
    product = data.products.get(key)
    if product is not None and product.kind is ProductKind.STORAGE:
        return StorageUsage(average_bytes=ZERO)
    return LicenceUsage(raw=ZERO)


def _default_type(data: BillInput, key: str) -> str | None:
    product = data.products.get(key)
    return product.default_asset_type if product is not None else None


def _cycle_skip(key: str, usage: Usage) -> str:
    renewal = usage.renewal if isinstance(usage, LicenceUsage) else None
    return f"CYCLE_NOT_MONTHLY:{key}" + (f":{renewal}" if renewal else "")
