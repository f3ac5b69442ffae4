"""Money of a first or a last month: by the days that were billed, or free.

The quantity stays the whole count and the rules are applied to that; only the money is a share of
it. `docs/billing.md` has the formula and worked examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import msgspec

from syncd.core.billing.arithmetic import ZERO, difference, product, quotient, total
from syncd.core.billing.billed_days import NOTHING, Billed, DaySum, Policy, Prorated
from syncd.core.billing.model import (
    BilledIn,
    BillInput,
    Configuration,
    LicenceUsage,
    Mode,
    Owner,
    QuantityRule,
    Rate,
    Share,
    StorageUsage,
    Usage,
)
from syncd.core.billing.quantity import count
from syncd.core.billing.rates import NO_RATE, Priced, priced

PEAK = "peak"
_NONE = Share(billed=ZERO, quantity=0)


def prorated(
    item: Priced, usage: Usage, rule: QuantityRule, rate: Rate | None, span: Billed, policy: Policy
) -> Priced:
    """A product with the money of the billed days.

    With N the whole count, S the sum of the counts at the end of the billed days, B their number
    and D the days of the month, the share of the money is

    - S / (N x D) of a licence, so that without a rule the money is rate x S / D;
    - B / D where the days decide and not their counts: `peak`, an override, a minimum of nothing,
      facts of a month; of a storage those of the B days that are known;
    - S / (M x D), with the rules applied to M, the largest of the days, where nothing is left at
      the end and no rule bills anything.

    Limits of storage are a share of B / D, restored volume is due in full.

    Args:
        item: priced for the whole month.
        usage: its figures.
        rule: its rule.
        rate: its rate.
        span: the billed days.
        policy: of its configuration in this month.
    """
    if policy is Policy.FULL:
        return item
    if policy is Policy.FREE:
        free = _note(item, span, policy, top=0, bottom=1)
        basis = msgspec.structs.replace(item.basis, cost=ZERO, price=ZERO, prorated=free)
        return Priced(basis=basis, fee_cost=ZERO, fee_price=ZERO, missing=())
    used = span.used.get(item.basis.product, NOTHING)
    if isinstance(usage, StorageUsage):
        days = used.days if used.spans else span.days
        note = _note(item, span, policy, top=days, bottom=span.month_days, used=used)
    else:
        item, note = _of_licence(item, rule, rate, span, used)
    return _with_money(item, usage, rate or NO_RATE, span, note)


def without_usage(data: BillInput) -> BillInput:
    """The input of a month after the end of billing: nothing counts, whatever the source says."""
    return replace(data, usage={}, source_errors=(), source_warnings=())


def no_usage(usage: Usage) -> Usage:
    """Nothing of a product, so that no minimum lifts it and no override replaces it."""
    if isinstance(usage, StorageUsage):
        return StorageUsage(average_bytes=ZERO, removed=usage.removed, share=_NONE)
    return LicenceUsage(raw=ZERO, removed=usage.removed, share=_NONE)


def proration_faults(configuration: Configuration, *policies: Policy | None) -> Iterator[str]:
    """Why a configuration cannot be billed by these policies.

    A share of the money needs money that is ours, one owner, and days that have been.
    """
    if not any(policy in (Policy.BY_DAYS, Policy.FREE) for policy in policies):
        return
    if configuration.proration_owner is Owner.PSA:
        yield f"PRORATION_OWNED_BY_PSA:{configuration.id}"
    if configuration.mode is Mode.QUANTITY or configuration.price_owner is Owner.PSA:
        yield f"PRORATION_NEEDS_MONEY:{configuration.id}"
    if configuration.billed_in is BilledIn.ADVANCE:
        yield f"PRORATION_NEEDS_ARREARS:{configuration.id}"


def span_errors(data: BillInput) -> Iterator[str]:
    """Configurations that the account's own choice cannot be followed for, and lost shares."""
    if data.span is None or data.span.over:
        return
    for configuration in data.configurations:
        policy = data.span.policy(configuration)
        yield from proration_faults(configuration, policy)
        if policy is Policy.BY_DAYS:
            for key in configuration.products:
                if _lost_share(data, key, data.span):
                    yield f"PRORATION_POOLED:{key}"


def _lost_share(data: BillInput, key: str, span: Billed) -> bool:
    """Units of some days, none at the end, and a rule that other accounts share.

    The shares are those of the end, so that what the days' units would have had is not known.
    """
    usage, rule = data.usage.get(key), data.rules.get(key)
    return (
        isinstance(usage, LicenceUsage)
        and usage.share is not None
        and not usage.raw
        and not usage.share.billed
        and bool(span.used.get(key, NOTHING).unit_days)
        and rule is not None
        and rule.method != PEAK
        and rule.override is None
        and bool(rule.included or rule.block != 1 or rule.minimum or rule.maximum is not None)
    )


def span_warnings(data: BillInput) -> Iterator[str]:
    """That billing is over, and billed days of which nothing is known."""
    span = data.span
    if span is None:
        return
    if span.over:
        yield f"AFTER_BILLING_END:{span.last}"
        return
    for configuration in data.configurations:
        if span.policy(configuration) is not Policy.BY_DAYS:
            continue
        for key in configuration.products:
            used = span.used.get(key)
            if used is not None and used.spans and used.days < span.days:
                yield f"DAYS_NOT_KNOWN:{key}:{span.days - used.days}"


def _of_licence(
    item: Priced, rule: QuantityRule, rate: Rate | None, span: Billed, used: DaySum
) -> tuple[Priced, Prorated]:
    whole, of_days = int(item.basis.raw), span.month_days
    counts = used.unit_days
    minimum = not whole and item.basis.billed
    if rule.method == PEAK or rule.override is not None or minimum or not used.spans:
        note = _note(item, span, Policy.BY_DAYS, top=span.days, bottom=of_days)
    elif whole or not counts:
        bottom = max(whole, 1) * of_days
        note = _note(item, span, Policy.BY_DAYS, top=counts, bottom=bottom, used=used)
    else:
        largest = LicenceUsage(raw=Decimal(used.peak))
        billed = count(largest, rule).billed
        counted = count(LicenceUsage(raw=ZERO, share=Share(billed=billed, quantity=0)))
        item = priced(item.basis.product, largest, counted, rate, rule)
        bottom = used.peak * of_days
        note = _note(item, span, Policy.BY_DAYS, top=counts, bottom=bottom, used=used)
        note = msgspec.structs.replace(note, whole=largest.raw)
    return item, note


def _note(
    item: Priced, span: Billed, policy: Policy, *, top: int, bottom: int, used: DaySum = NOTHING
) -> Prorated:
    return Prorated(
        policy=policy.value,
        first=span.first,
        last=span.last,
        days=span.days,
        month_days=span.month_days,
        whole=item.basis.raw,
        top=top,
        bottom=bottom,
        spans=used.spans,
    )


def _with_money(item: Priced, usage: Usage, rate: Rate, span: Billed, note: Prorated) -> Priced:
    fee_cost, fee_price = item.fee_cost, item.fee_price
    if isinstance(usage, StorageUsage):
        fee_cost = _with_limit(fee_cost, usage.limit_cost, span)
        fee_price = _with_limit(fee_price, usage.limit_price, span)
    cost, price = (
        total((quotient(product(product(item.basis.billed, each), note.top), note.bottom), fee))
        for each, fee in ((rate.cost or ZERO, fee_cost), (rate.price or ZERO, fee_price))
    )
    basis = msgspec.structs.replace(item.basis, cost=cost, price=price, prorated=note)
    return Priced(basis=basis, fee_cost=fee_cost, fee_price=fee_price, missing=item.missing)


def _with_limit(fees: Decimal, limit: Decimal, span: Billed) -> Decimal:
    """Fees with the limit's share of the days in place of the whole limit."""
    return total((difference(fees, limit), limit_share(limit, span.days, span.month_days)))


def with_days(amount: Decimal, note: Prorated | None, *, metered: bool) -> Decimal:
    """What a restore (metered) or a limit costs in the part of the month that was billed."""
    if note is None:
        return amount
    if note.policy == Policy.FREE:
        return ZERO
    return amount if metered else limit_share(amount, note.days, note.month_days)


def limit_share(limit: Decimal, days: int, month_days: int) -> Decimal:
    """What a limit costs for these days of a month."""
    return quotient(product(limit, Decimal(days)), Decimal(month_days))
