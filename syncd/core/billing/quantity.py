"""From raw counts to billed quantities: override, included, block, minimum, maximum, in this order.

A rule speaks for a client, so the counts of all its accounts are pooled first and the result is
then shared out; the order and the worked examples are in `docs/billing.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

import msgspec

from syncd.core.billing.arithmetic import (
    BYTES_PER_GB,
    ZERO,
    difference,
    is_whole,
    quotient,
    rounded,
    total,
    whole_blocks,
)
from syncd.core.billing.model import LicenceUsage, QuantityRule, Rate, Share, Usage

NO_RULE = QuantityRule()
MONTHLY = "monthly"

_whole = lru_cache(maxsize=4096)(Decimal)
"""Most counts are small and repeat; each is built once."""


class Counted(msgspec.Struct, frozen=True, gc=False):
    """A usage after its rules.

    Attributes:
        raw: count, or GB.
        billed: what money is computed from: units, or exact GB, or whole blocks of GB.
        quantity: whole units that add to the line's quantity.
    """

    raw: Decimal
    billed: Decimal
    quantity: int


def is_valid(usage: Usage) -> bool:
    """Whether the source's figures can be billed: whole counts, nothing negative or infinite."""
    if isinstance(usage, LicenceUsage):
        return is_whole(usage.raw) and usage.raw >= 0
    figures = (usage.average_bytes, usage.restore_bytes, usage.limit_cost, usage.limit_price)
    return all(figure.is_finite() and figure >= 0 for figure in figures)


def is_monthly(usage: Usage, rate: Rate | None = None) -> bool:
    """Whether both the units and their price are of a month."""
    if rate is not None and rate.cycle != MONTHLY:
        return False
    return not isinstance(usage, LicenceUsage) or usage.cycle == MONTHLY


def rule_faults(rule: QuantityRule, *, licence: bool) -> tuple[str, ...]:
    """Names of the rule's fields that cannot be computed with.

    Bounds are whole where they become a quantity; only the GB of a storage may be fractional.
    """
    faults = []
    for name in ("override", "included", "minimum", "maximum"):
        value: Decimal | None = getattr(rule, name)
        whole = licence or name in {"minimum", "maximum"}
        if value is None:
            continue
        if not value.is_finite() or value < 0 or (whole and not is_whole(value)):
            faults.append(name)
    if not rule.block.is_finite() or rule.block < 1:
        faults.append("block")
    return tuple(faults)


def raw_amount(usage: Usage) -> Decimal:
    """The count of a licence, or the GB of a storage, before any rule."""
    if isinstance(usage, LicenceUsage):
        return usage.raw
    return quotient(usage.average_bytes, BYTES_PER_GB)


def count(usage: Usage, rule: QuantityRule = NO_RULE) -> Counted:
    """Apply the rules, or take the account's share of the client's pool where it has one.

    Args:
        usage: figures for which `is_valid` holds.
        rule: a rule that passed `checks.configuration_errors`.
    """
    if rule is NO_RULE and isinstance(usage, LicenceUsage) and usage.share is None:
        units = int(usage.raw)
        return Counted(usage.raw, _whole(units), units)
    raw = raw_amount(usage)
    share = usage.share or _apply(
        rule, raw, usage, minimum_holds=_holds(rule, exists=not usage.removed)
    )
    return Counted(raw, share.billed, share.quantity)


def pooled(rule: QuantityRule, usages: Iterable[tuple[str, Usage | None]]) -> dict[str, Usage]:
    """Share a client's billed quantity of one product among its accounts.

    With f for the whole pipeline, the i-th account in the order of their ids gets
    f(first i accounts) - f(first i - 1), so that the parts always add up to f(all): 4 + 4 units
    with 5 included are 0 + 3.

    Accounts that were removed come last, so that a minimum falls on one that exists.

    Args:
        rule: the client's rule for the product.
        usages: account id (unique among the client's accounts) and its figures, None where they
            are not proven; only accounts that bill this product, or a share would be lost.

    Returns:
        the usages that were given, each with its `share`. Where a rule binds the accounts together
        and one of them is not proven or not valid, nobody's share is known and all others are
        marked `pool_incomplete`, which stops their bills.
    """
    given = dict(usages)
    proven = {account: usage for account, usage in given.items() if usage is not None}
    if not _binds(rule) or any(_faulty(rule, usage) for usage in proven.values()):
        return proven
    in_pool = sorted(
        (usage.removed, account) for account, usage in proven.items() if is_monthly(usage)
    )
    if len(proven) < len(given) or not all(is_valid(proven[account]) for _, account in in_pool):
        alone = len(given) == 1
        return {
            account: msgspec.structs.replace(usage, pool_incomplete=not alone)
            for account, usage in proven.items()
        }
    minimum_holds = _holds(rule, exists=not all(removed for removed, _ in in_pool))
    running = before_billed = ZERO
    before_quantity = 0
    shared = dict(proven)
    for _, account in in_pool:
        usage = proven[account]
        running = total((running, raw_amount(usage)))
        so_far = _apply(rule, running, usage, minimum_holds=minimum_holds)
        share = Share(
            billed=difference(so_far.billed, before_billed),
            quantity=so_far.quantity - before_quantity,
        )
        before_billed, before_quantity = so_far.billed, so_far.quantity
        shared[account] = msgspec.structs.replace(usage, share=share)
    return shared


def average_count(unit_days: int, days: int) -> Decimal:
    """Mean of daily counts as a whole number, halves up; 0 for a month without a snapshot."""
    return rounded(quotient(Decimal(unit_days), days), 0) if days else ZERO


def _apply(rule: QuantityRule, raw: Decimal, usage: Usage, *, minimum_holds: bool) -> Share:
    taken = raw if rule.override is None else rule.override
    usage_left = max(difference(taken, rule.included), ZERO)
    blocks = whole_blocks(usage_left, rule.block)
    if rule.minimum is not None and minimum_holds:
        blocks = max(blocks, rule.minimum)
    if rule.maximum is not None:
        blocks = min(blocks, rule.maximum)
    by_quantity = isinstance(usage, LicenceUsage) or rule.bill_blocks
    return Share(billed=blocks if by_quantity else usage_left, quantity=int(blocks))


def _faulty(rule: QuantityRule, usage: Usage) -> bool:
    return bool(rule_faults(rule, licence=isinstance(usage, LicenceUsage)))


def _holds(rule: QuantityRule, *, exists: bool) -> bool:
    """Whether the minimum counts: while the party exists, or as a dated commitment."""
    return exists or rule.until is not None


def _binds(rule: QuantityRule) -> bool:
    """Whether the accounts of a client influence each other's quantity."""
    return (
        rule.block != 1
        or bool(rule.included)
        or any(bound is not None for bound in (rule.override, rule.minimum, rule.maximum))
    )
