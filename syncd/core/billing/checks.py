"""What must hold before a bill is computed, made when a configuration is saved and at each run.

Each finding is a code, `NAME:subject`; any error stops the whole bill of the account, a warning
stops nothing. `docs/billing.md` lists all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from syncd.core.billing.model import (
    POINT_IN_TIME,
    BilledIn,
    BillInput,
    Configuration,
    LicenceUsage,
    Mode,
    Owner,
    QuantityRule,
    Rate,
)
from syncd.core.billing.proration import proration_faults, span_errors, span_warnings
from syncd.core.billing.quantity import NO_RULE, is_valid, raw_amount, rule_faults
from syncd.core.billing.rates import rate_in
from syncd.sdk.records import ProductKind

_PARTS = {
    (True, True): ("cost", "price"),
    (True, False): ("cost",),
    (False, True): ("price",),
    (False, False): (),
}
"""Parts of a line's money by whether its cost and its price are ours."""


def configuration_errors(data: BillInput) -> tuple[str, ...]:
    """Faults of configurations, rates and rules; the usage plays no part."""
    return _unique(
        (
            *_settings(data),
            *_shapes(data.configurations),
            *_modes(data),
            *_repeated(data.configurations),
            *_rates(data),
            *_rules(data),
            *_currencies(data),
            *_advance(data),
            *_proration(data),
        )
    )


def saving_errors(data: BillInput) -> tuple[str, ...]:
    """`configuration_errors`, and a supplier unknown to the PSA, of which a run only warns."""
    unknown = data.supplier is not None and not data.supplier_resolves
    found = ("SUPPLIER_NOT_FOUND",) if unknown else ()
    return (*configuration_errors(data), *found)


def run_errors(data: BillInput, faults: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """All that stops a bill before arithmetic: source, link, configuration, figures.

    Args:
        data: what decides the bill.
        faults: its `configuration_errors` where they are already known; accounts share them.
    """
    site = () if data.site else ("SITE_NOT_MAPPED",)
    if faults is None:
        faults = configuration_errors(data)
    return _unique((*data.source_errors, *site, *faults, *span_errors(data), *_figures(data)))


def run_warnings(data: BillInput) -> tuple[str, ...]:
    """What is worth saying and stops nothing."""
    configured = _configured(data)
    return _unique(
        (
            *data.source_warnings,
            *span_warnings(data),
            *_supplier(data),
            *_removed(data, configured),
            *_open_overrides(data, configured),
            *_left(data, configured),
        )
    )


def money_parts(configuration: Configuration) -> tuple[str, ...]:
    """Which of `cost` and `price` a configuration pushes."""
    if configuration.mode is Mode.QUANTITY:
        return ()
    return _PARTS[configuration.cost_owner is Owner.SYNCD, configuration.price_owner is Owner.SYNCD]


def _settings(data: BillInput) -> Iterator[str]:
    scales = (
        ("settings.money_scale", data.settings.money_scale, 8),
        ("settings.unit_scale", data.settings.unit_scale, 8),
    )
    for field, scale, most in scales:
        if not 0 <= scale <= most:
            yield f"CONFIG_INVALID:{field}"


def _shapes(configurations: Sequence[Configuration]) -> Iterator[str]:
    seen: set[str] = set()
    for configuration in configurations:
        if not configuration.id or "/" in configuration.id or configuration.id in seen:
            yield f"CONFIG_INVALID:{configuration.id}.id"
        seen.add(configuration.id)
        if not configuration.name.strip():
            yield f"CONFIG_INVALID:{configuration.id}.name"
        if not configuration.products:
            yield f"CONFIG_INVALID:{configuration.id}.products"
        if configuration.mode is Mode.ADJUSTMENT:
            yield f"CONFIG_INVALID:{configuration.id}.mode"
        if configuration.mode is Mode.TOTAL and configuration.price_owner is Owner.PSA:
            # quantity 1 at the PSA's own price would bill the same amount whatever the count
            yield f"CONFIG_INVALID:{configuration.id}.price_owner"


def _modes(data: BillInput) -> Iterator[str]:
    for configuration in data.configurations:
        kinds = {_kind(data, key) for key in configuration.products} - {None}
        if len(kinds) > 1 and configuration.mode is not Mode.TOTAL:
            yield f"MODE_NOT_ALLOWED:{configuration.id}"


def _repeated(configurations: Sequence[Configuration]) -> Iterator[str]:
    seen: set[str] = set()
    for configuration in configurations:
        for key in configuration.products:
            if key in seen:
                yield f"PRODUCT_IN_TWO_CONFIGURATIONS:{key}"
            seen.add(key)


def _rates(data: BillInput) -> Iterator[str]:
    for key in _configured(data):
        rates = data.rates.get(key, ())
        if len({rate.currency for rate in rates}) < len(rates):
            yield f"CONFIG_INVALID:{key}.currency"
        for rate in rates:
            for field in _negative(rate):
                yield f"CONFIG_INVALID:{key}.{field}"


def _negative(rate: Rate) -> Iterator[str]:
    for field in ("cost", "price", "restore_cost", "restore_price"):
        value: Decimal | None = getattr(rate, field)
        if value is not None and (not value.is_finite() or value < 0):
            yield field


def _rules(data: BillInput) -> Iterator[str]:
    for key in _configured(data):
        rule = data.rules.get(key)
        if rule is None:
            continue
        storage = _kind(data, key) is ProductKind.STORAGE
        for field in rule_faults(rule, licence=not storage):
            yield f"CONFIG_INVALID:{key}.{field}"
        if storage and _shapes_blocks(rule) and not rule.bill_blocks:
            yield f"BLOCK_RULES_NEED_BILL_BLOCKS:{key}"


def _shapes_blocks(rule: QuantityRule) -> bool:
    return rule.block != 1 or rule.minimum is not None or rule.maximum is not None


def _currencies(data: BillInput) -> Iterator[str]:
    for configuration in data.configurations:
        if not money_parts(configuration):
            continue
        for key in configuration.products:
            rates = data.rates.get(key, ())
            if rates and rate_in(rates, data.settings.currency) is None:
                yield f"CURRENCY_MISMATCH:{key}"


def _advance(data: BillInput) -> Iterator[str]:
    """A month that begins has no peak, no average and no facts of its own yet."""
    for configuration in data.configurations:
        if configuration.billed_in is BilledIn.ADVANCE and any(
            data.rules.get(key, NO_RULE).method != POINT_IN_TIME
            or (key in data.products and data.products[key].monthly)
            for key in configuration.products
        ):
            yield f"CONFIG_INVALID:{configuration.id}.billed_in"


def _proration(data: BillInput) -> Iterator[str]:
    for one in data.configurations:
        yield from proration_faults(one, one.first_month, one.last_month)


def _figures(data: BillInput) -> Iterator[str]:
    usages, products = data.usage, data.products
    for key in _configured(data):
        usage = usages.get(key)
        if usage is None:
            continue
        product = products.get(key)
        stored = product is not None and product.kind is ProductKind.STORAGE
        if isinstance(usage, LicenceUsage) is stored or not is_valid(usage):
            yield f"SOURCE_INVALID:{key}"
        elif usage.pool_incomplete:
            yield f"POOL_INCOMPLETE:{key}"


def _supplier(data: BillInput) -> Iterator[str]:
    own = {one.supplier for one in data.configurations}
    inherited = None in own or not own
    unknown = data.supplier is not None and not data.supplier_resolves and inherited
    if unknown or own & data.unknown_suppliers:
        yield "SUPPLIER_NOT_FOUND"


def _removed(data: BillInput, configured: Iterable[str]) -> Iterator[str]:
    usages = data.usage
    for key in configured:
        usage = usages.get(key)
        if usage is not None and usage.removed:
            yield "COMPANY_REMOVED"
            return


def _open_overrides(data: BillInput, configured: Iterable[str]) -> Iterator[str]:
    rules = data.rules
    for key in configured:
        rule = rules.get(key)
        if rule is not None and rule.override is not None and rule.until is None:
            yield f"OVERRIDE_OPEN_ENDED:{key}"


def _left(data: BillInput, configured: Iterable[str]) -> Iterator[str]:
    """Products that are used and that no configuration bills."""
    for key in sorted(data.usage.keys() - configured):
        usage = data.usage[key]
        if not is_valid(usage) or raw_amount(usage):
            yield f"USAGE_NOT_CONFIGURED:{key}"


def _kind(data: BillInput, key: str) -> ProductKind | None:
    """None for a product that the source no longer knows."""
    return data.products[key].kind if key in data.products else None


def _configured(data: BillInput) -> list[str]:
    return list(dict.fromkeys(key for c in data.configurations for key in c.products))


def _unique(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))
