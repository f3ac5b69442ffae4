"""From a group to its line: average, total or quantity only, and the line for a rounding residual.

Sums are exact; each line is rounded once, half-up. What rounding leaves over is kept as a residual
and never lost.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from syncd.core.billing.arithmetic import (
    ZERO,
    difference,
    product,
    quotient,
    rounded,
    settled,
    total,
)
from syncd.core.billing.checks import money_parts
from syncd.core.billing.groups import Group
from syncd.core.billing.model import (
    Bill,
    BilledIn,
    BillInput,
    Configuration,
    Line,
    Mode,
    RoundingPolicy,
    Settings,
)
from syncd.core.billing.rates import Priced

ROUNDING = "rounding"
CREATE = "create"
UPDATE = "update"


class Amount(msgspec.Struct, frozen=True, gc=False):
    """One side of a line, cost or price; all None where it is not ours to send.

    Attributes:
        unit: value per unit of the line.
        total: the rounded sum of the group.
        residual: total minus round(quantity x unit).
    """

    unit: Decimal | None
    total: Decimal | None
    residual: Decimal = ZERO


_ABSENT = Amount(unit=None, total=None)

_NO_PRICE = frozenset({"price", "restore_price"})


def group_lines(group: Group, data: BillInput) -> Bill:
    """The line of a group with its warnings, or the reason why it has none."""
    settings = data.settings
    configuration = group.configuration
    mode = configuration.mode
    parts = money_parts(configuration)
    units, exact_cost, exact_price = _sums(group)
    if data.span is not None:
        exact_cost, exact_price = settled(exact_cost), settled(exact_price)
    total_cost = rounded(exact_cost, settings.money_scale) if "cost" in parts else None
    total_price = rounded(exact_price, settings.money_scale) if "price" in parts else None
    has_money = total_cost or total_price
    warnings = _rate_warnings(group, parts)
    if not units and not has_money and group.key not in data.existing:
        return Bill(
            lines=_unneeded_rounding(group, data),
            errors=(),
            warnings=warnings,
            skipped=(f"ZERO_NEW:{group.key}",),
        )
    quantity = 1 if mode is Mode.TOTAL else units
    if mode is Mode.AVERAGE and not units and has_money:
        quantity = 1
        warnings = (*warnings, f"AVERAGE_ZERO_QUANTITY_FEE:{group.key}")
    cost = _amount(total_cost, exact_cost, units, mode, settings)
    price = _amount(total_price, exact_price, units, mode, settings)
    line = Line(
        key=group.key,
        configuration=configuration.id,
        name=_name(group, data),
        asset_type=group.asset_type,
        mode=mode,
        quantity=quantity,
        unit_cost=cost.unit,
        unit_price=price.unit,
        total_cost=cost.total,
        total_price=price.total,
        residual_cost=cost.residual,
        residual_price=price.residual,
        supplier=supplier_of(data, configuration),
        action=_action(group.key, data),
        price_unset=total_price is not None and any(map(_lacks_price, group.products)),
        units=units,
        products=tuple([item.basis for item in group.products]),
        advance=configuration.billed_in is BilledIn.ADVANCE,
    )
    if not cost.residual and not price.residual:
        lines = (line, *_unneeded_rounding(group, data))
        return Bill(lines=lines, errors=(), warnings=warnings, skipped=())
    return Bill(
        lines=(line, *_rounding(group, data, cost, price)),
        errors=(),
        warnings=(*warnings, f"ROUNDING_RESIDUAL:{group.key}"),
        skipped=(),
    )


def zero_line(key: str, mode: Mode, data: BillInput, *, removed: bool = False) -> Line:
    """The update that takes a line to zero in the mode it was last sent with.

    Quantity-only sends no money; total keeps its quantity of 1, as that mode always does. The plan
    keeps the record's name, and leaves out money that was not sent before either.
    """
    configuration, _, rest = key.partition("/")
    asset_type = rest.partition("/")[0]
    known = next((c for c in data.configurations if c.id == configuration), None)
    money = None if mode is Mode.QUANTITY else ZERO
    return Line(
        key=key,
        configuration=known.id if known else None,
        name="",
        asset_type=asset_type,
        mode=mode,
        quantity=1 if mode is Mode.TOTAL else 0,
        unit_cost=money,
        unit_price=money,
        total_cost=money,
        total_price=money,
        residual_cost=ZERO,
        residual_price=ZERO,
        supplier=supplier_of(data, known),
        action=UPDATE,
        removed_by_configuration=removed,
        advance=known is not None and known.billed_in is BilledIn.ADVANCE,
    )


def supplier_of(data: BillInput, configuration: Configuration | None) -> str | None:
    """The supplier to send: the configuration's, else the bill's.

    One that the PSA does not know is left out, never sent as nothing.
    """
    own = configuration.supplier if configuration is not None else None
    if own is not None:
        return None if own in data.unknown_suppliers else own
    return data.supplier if data.supplier_resolves else None


def _sums(group: Group) -> tuple[int, Decimal, Decimal]:
    """Units, cost and price of a group; most groups are one product."""
    if len(group.products) == 1:
        basis = group.products[0].basis
        return basis.quantity, basis.cost, basis.price
    found = [item.basis for item in group.products]
    return (
        sum([basis.quantity for basis in found]),
        total([basis.cost for basis in found]),
        total([basis.price for basis in found]),
    )


def _amount(
    rounded_total: Decimal | None, exact: Decimal, units: int, mode: Mode, settings: Settings
) -> Amount:
    if rounded_total is None:
        return _ABSENT
    if mode is Mode.TOTAL or not units:
        return Amount(rounded_total, rounded_total)
    unit = rounded(quotient(exact, units), settings.unit_scale)
    shown = rounded(product(unit, units), settings.money_scale)
    return Amount(unit, rounded_total, difference(rounded_total, shown))


def _lacks_price(item: Priced) -> bool:
    return bool(item.missing) and not _NO_PRICE.isdisjoint(item.missing)


def _rate_warnings(group: Group, parts: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for item in group.products:
        key = item.basis.product
        if not (item.missing or item.fee_cost or item.fee_price):
            continue
        for names in (("cost", "price"), ("restore_cost", "restore_price")):
            missing = [
                name
                for name in names
                if name in item.missing and name.removeprefix("restore_") in parts
            ]
            if missing:
                found.append(f"RATE_NOT_CONFIGURED:{key}:{'+'.join(missing)}")
        if _drops_fees(item, parts):
            found.append(f"QUANTITY_ONLY_DROPS_FEES:{key}")
    return tuple(found)


def _drops_fees(item: Priced, parts: tuple[str, ...]) -> bool:
    """Fees that nobody will bill, because this line sends no such money."""
    return bool(
        (item.fee_cost and "cost" not in parts) or (item.fee_price and "price" not in parts)
    )


def _rounding(group: Group, data: BillInput, cost: Amount, price: Amount) -> tuple[Line, ...]:
    if data.settings.rounding_policy is not RoundingPolicy.ADJUST:
        return _unneeded_rounding(group, data)
    key = f"{group.key}/{ROUNDING}"
    unit_cost = None if cost.total is None else cost.residual
    unit_price = None if price.total is None else price.residual
    return (
        Line(
            key=key,
            configuration=group.configuration.id,
            name=f"{_name(group, data)} (rounding)",
            asset_type=group.asset_type,
            mode=Mode.ADJUSTMENT,
            quantity=1,
            unit_cost=unit_cost,
            unit_price=unit_price,
            total_cost=unit_cost,
            total_price=unit_price,
            residual_cost=ZERO,
            residual_price=ZERO,
            supplier=supplier_of(data, group.configuration),
            action=_action(key, data),
            units=1,
            advance=group.configuration.billed_in is BilledIn.ADVANCE,
        ),
    )


def _unneeded_rounding(group: Group, data: BillInput) -> tuple[Line, ...]:
    key = f"{group.key}/{ROUNDING}"
    if key not in data.existing:
        return ()
    return (zero_line(key, Mode.ADJUSTMENT, data),)


def _action(key: str, data: BillInput) -> str:
    return UPDATE if key in data.existing else CREATE


def _name(group: Group, data: BillInput) -> str:
    """Stable for people: with the asset type only where the configuration may have several."""
    if group.configuration.asset_type:
        return group.configuration.name
    return f"{group.configuration.name} - " + data.asset_type_names.get(
        group.asset_type, group.asset_type
    )
