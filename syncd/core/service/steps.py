"""The way from a count to its money in words, each step with its numbers, from a stored basis.

The steps follow the fixed order of quantity rules: override, included, block, minimum, maximum.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from syncd.core.billing.arithmetic import (
    BYTES_PER_GB,
    difference,
    product,
    rounded,
    total,
    whole_blocks,
)
from syncd.core.billing.billed_days import Policy, Prorated
from syncd.core.billing.choices import Mode
from syncd.core.service.basis import LineBasis, MonthBasis, PartBasis, ProductBasis, RuleBasis
from syncd.sdk.records import Measure, Part

_METHODS = {
    "point_in_time": "counted at the last proven pull of the month",
    "peak": "the largest count at the end of a day of the month",
    "average": "the mean of the counts at the end of each day",
    "month": "as the source states it for the month",
}
_PLACES = 4


def steps_of(
    item: ProductBasis,
    line: LineBasis,
    currency: str,
    *,
    measure: Measure = Measure.COUNT,
    internal: bool = True,
) -> tuple[str, ...]:
    """Every step from the raw count of a product to what the line sends.

    Args:
        item: the product's figures.
        line: its line.
        currency: of the money.
        measure: what its units are counted in; of bytes the figures are GB.
        internal: with costs, reasons and row numbers that are no business of the client.
    """
    return (
        *_counting(item, measure),
        *_ruling(item, internal=internal),
        *_pricing(item, currency, measure, internal=internal),
        *_mode(line, currency, internal=internal),
        *((f"billed in advance for {line.billed_for}",) if line.billed_for else ()),
    )


def _counting(item: ProductBasis, measure: Measure) -> Iterator[str]:
    month = item.month
    if measure is Measure.BYTE:
        of_days = month is not None and month.days
        how = "mean of the month" if of_days else _METHODS.get(item.method, item.method)
        yield f"{volume(item.raw)}: {how}"
        if month is not None and of_days:
            yield f"{month.unit_days:,} byte-days / {month.days} days / 2^30"
    else:
        yield f"{plain(item.raw)}: {_METHODS.get(item.method, item.method)}"
    if measure is not Measure.BYTE and month is not None and _is_mean(item, month):
        yield (
            f"{month.unit_days} unit-days / {month.days} days, rounded half up = {plain(item.raw)}"
        )
    if item.included_reasons:
        yield f"counts although excluded: {', '.join(item.included_reasons)}"


def _is_mean(item: ProductBasis, month: MonthBasis) -> bool:
    return item.method == "average" and bool(month.days)


def _ruling(item: ProductBasis, *, internal: bool) -> Iterator[str]:
    rule = item.rule
    if rule is None:
        yield f"no quantity rule: {plain(item.billed)} billed"
        return
    amount = item.raw
    if item.pool:
        parts = " + ".join(f"{plain(one.raw)} ({one.name})" for one in item.pool)
        amount = total(one.raw for one in item.pool)
        yield f"the client's accounts share the rule: {parts} = {plain(amount)}"
    applied = list(_applied(rule, amount))
    yield from (step for step, _ in applied)
    if item.pool:
        whole = applied[-1][1] if applied else amount
        yield f"of these {plain(whole)}, this account carries {plain(item.billed)}"
    if rule.reason and internal:
        yield f"the rule's reason: {rule.reason} (rule {rule.version}, from {rule.valid_from})"


def _applied(rule: RuleBasis, amount: Decimal) -> Iterator[tuple[str, Decimal]]:
    if rule.override is not None:
        yield f"override: {plain(amount)} is replaced by {plain(rule.override)}", rule.override
        amount = rule.override
    if rule.included:
        left = max(difference(amount, rule.included), Decimal(0))
        yield f"minus {plain(rule.included)} included: {plain(amount)} -> {plain(left)}", left
        amount = left
    if rule.block is not None and rule.block != 1:
        blocks = whole_blocks(amount, rule.block)
        yield (
            f"in blocks of {plain(rule.block)}, rounded up: {plain(amount)} -> {plain(blocks)}",
            blocks,
        )
        amount = blocks
    if rule.minimum is not None and amount < rule.minimum:
        yield (
            f"at least {plain(rule.minimum)}: {plain(amount)} -> {plain(rule.minimum)}",
            (rule.minimum),
        )
        amount = rule.minimum
    if rule.maximum is not None and amount > rule.maximum:
        yield (
            f"at most {plain(rule.maximum)}: {plain(amount)} -> {plain(rule.maximum)}",
            (rule.maximum),
        )


def _pricing(
    item: ProductBasis, currency: str, measure: Measure, *, internal: bool
) -> Iterator[str]:
    for part in item.parts:
        yield from _part(part, currency, internal=internal)
    if item.prorated is not None:
        yield from _days(item.prorated, measure)
    fees_price = total(part.price for part in item.parts)
    fees_cost = total(part.cost for part in item.parts)
    since = f", valid from {item.rate_from}" if item.rate_from else ""
    rate = f" (rate {item.rate_version}{since})" if internal else ""
    for title, unit, amount, fees in (
        ("price", item.unit_price, difference(item.price, fees_price), fees_price),
        ("cost", item.unit_cost, difference(item.cost, fees_cost), fees_cost),
    ):
        if title == "cost" and not internal:
            continue
        if unit is None:
            yield f"no {title} is set: counts as 0"
        else:
            share = _share(item)
            yield (
                f"{title}: {plain(item.billed)} x {plain(unit)}{share} = {plain(amount)} "
                f"{currency}{rate}"
            )
        if fees:
            whole = plain(total((amount, fees)))
            yield f"{title} with what follows the storage: {whole} {currency}"


def _days(part: Prorated, measure: Measure) -> Iterator[str]:
    """The billed days, each run of them with its count, so that the sum can be made by hand."""
    of_days = f"{part.first} to {part.last}, {part.days} of {part.month_days} days"
    if part.policy == Policy.FREE:
        yield f"free: the month counts and costs nothing ({of_days})"
        return
    yield f"by days: billed {of_days}"
    if not part.spans:
        return
    if measure is Measure.BYTE:
        yield f"a count is known of {part.top} of these days"
        return
    runs = " + ".join(f"{one.days} x {one.quantity}" for one in part.spans)
    yield f"days x units: {runs} = {part.unit_days} unit-days"
    yield f"a whole month is {plain(part.whole)} x {part.month_days} days = {part.bottom}"


def _share(item: ProductBasis) -> str:
    """The share of a whole month's money, as it is multiplied."""
    part = item.prorated
    if part is None:
        return ""
    return " x 0" if part.policy == Policy.FREE else f" x {part.top} / {part.bottom}"


def _part(part: PartBasis, currency: str, *, internal: bool) -> Iterator[str]:
    """A line of what follows the storage: restored volume at its rate, limits as they are."""
    if part.part != Part.RESTORED:
        yield f"{part.name}: {plain(part.price)} {currency}, a fixed price"
        return
    gb = f"{part.name}: {volume(part.raw)}"
    for title, unit, amount in (
        ("price", part.unit_price, part.price),
        ("cost", part.unit_cost, part.cost),
    ):
        if title == "cost" and not internal:
            continue
        if unit is None:
            yield f"{gb}, no restore {title} is set: counts as 0"
        else:
            yield f"{gb} x {plain(unit)} restore {title} = {plain(amount)} {currency}"


def _mode(line: LineBasis, currency: str, *, internal: bool) -> Iterator[str]:
    others = len(line.products) - 1
    if others > 0:
        yield f"on one line with {others} more product{'s' if others > 1 else ''} of its group"
    if line.mode == Mode.QUANTITY:
        yield f"mode quantity: the line sends {line.quantity} and no price; the PSA's own applies"
    elif line.mode == Mode.TOTAL:
        yield (
            f"mode total: the line sends 1 at {_money(line.unit_price)} {currency}, "
            f"for {line.units} units"
        )
    elif line.mode == Mode.AVERAGE:
        yield (
            f"mode average: the line sends {line.quantity} at {_money(line.unit_price)} {currency}"
            f" = {_money(line.total_price)} {currency}"
        )
    if not internal:
        if line.residual_price:
            yield f"rounding leaves {plain(line.residual_price)} of the price"
    elif line.residual_price or line.residual_cost:
        yield (
            f"rounding leaves {plain(line.residual_price)} price and "
            f"{plain(line.residual_cost)} cost"
        )


def plain(amount: Decimal) -> str:
    """The number as people write it: whole where it is whole, at most four places more."""
    if amount == amount.to_integral_value():
        return f"{int(amount):,}"
    short = rounded(amount, _PLACES).normalize()
    if short == rounded(amount, 2):
        short = rounded(amount, 2)
    return f"{short:,f}"


def volume(gigabytes: Decimal) -> str:
    """GB of 2^30 bytes as people write them, and behind them the bytes, which are exact."""
    return f"{plain(gigabytes)} GB ({plain(product(gigabytes, BYTES_PER_GB))} bytes)"


def exact(amount: Decimal) -> str:
    """The number with all of its digits, none of them zeros at the end, and never an exponent."""
    whole = f"{amount:f}"
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _money(amount: Decimal | None) -> str:
    return "the PSA's own" if amount is None else plain(amount)
