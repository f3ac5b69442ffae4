"""The brakes: what makes a plan wait for a person, each brake a function of its own.

All numbers are settings. A share is exceeded only by more than the limit; `docs/billing.md` has the
boundaries. Money that is unknown objects to nothing, and units alone decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from syncd.core.billing.agreement import NamedAgreement
from syncd.core.billing.arithmetic import ZERO, difference, product, total
from syncd.core.billing.corrections import is_correction
from syncd.core.billing.model import GuardLimits, Mode
from syncd.core.billing.record_fields import units_of
from syncd.core.billing.wording import amount, units
from syncd.sdk.records import LineState, Objection, Plan, PlannedBill, PlannedChange


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardInput:
    """What the guards know beside the plan.

    Attributes:
        changed: bill key -> what a person changed since the last sent bill, in words (`link`,
            `configuration`, `rate`, `rule`, `policy`).
        agreements: bill key -> agreement, where one is named.
        missing_price: `hold`, or `zero` where the operator accepts that an unset price bills 0.
        objections: found elsewhere (`BillPlan.objections`, SOURCE_STALE, plugins).
    """

    changed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    agreements: Mapping[str, NamedAgreement] = field(default_factory=dict)
    missing_price: Literal["hold", "zero"] = "hold"
    objections: tuple[Objection, ...] = ()


Guard = Callable[[Plan, GuardInput, GuardLimits], Iterator[Objection]]


def first_bill(plan: Plan, _: GuardInput, __: GuardLimits) -> Iterator[Objection]:
    """Nothing was ever sent for the account."""
    for bill in _live(plan):
        if bill.first_bill and bill.changes:
            yield Objection(
                rule="FIRST_BILL",
                message=f"first bill of {bill.client_name}",
                bill=bill.key,
            )


def changed_since(plan: Plan, context: GuardInput, _: GuardLimits) -> Iterator[Objection]:
    """The first bill after somebody changed what decides it."""
    for bill in _live(plan):
        what = context.changed.get(bill.key, ())
        if what and bill.changes:
            yield Objection(
                rule="CHANGED_SINCE_LAST_BILL",
                message=f"first bill of {bill.client_name} after a change of {', '.join(what)}",
                bill=bill.key,
            )


def fell_to_zero(plan: Plan, _: GuardInput, __: GuardLimits) -> Iterator[Objection]:
    """A line had units and has none."""
    for bill, change, before in _moved_lines(plan):
        if units_of(before) > 0 and units_of(change.after) == 0:
            yield _line(
                "FELL_TO_ZERO",
                bill,
                change,
                f"'{change.line_name}' falls from {units(units_of(before))} to 0",
            )


def units_changed(plan: Plan, _: GuardInput, limits: GuardLimits) -> Iterator[Objection]:
    """A line's units move by more than a share and by at least a number."""
    for bill, change, before in _moved_lines(plan):
        old, new = units_of(before), units_of(change.after)
        moved = abs(new - old)
        if moved >= limits.line_units and _exceeds(moved, old, limits.line_percent):
            yield _line(
                "UNITS_CHANGED",
                bill,
                change,
                f"'{change.line_name}' goes from {old} to {units(new)}",
            )


def money_changed(plan: Plan, _: GuardInput, limits: GuardLimits) -> Iterator[Objection]:
    """A line's money moves by more than an amount; a rounding line is a line too."""
    for bill in _live(plan):
        for change in bill.changes:
            effect = _compared_effect(bill, change)
            if effect is not None and abs(effect) > limits.line_money:
                old = ZERO if change.before is None else change.before.total_price
                yield _line(
                    "MONEY_CHANGED",
                    bill,
                    change,
                    f"'{change.line_name}' goes from {amount(old)} to "
                    f"{amount(change.after.total_price)} {plan.currency}",
                )


def client_total(plan: Plan, _: GuardInput, limits: GuardLimits) -> Iterator[Objection]:
    """The total of a client, all its linked accounts together, moves by a share and an amount."""
    by_client: dict[str, list[PlannedBill]] = {}
    for bill in _live(plan):
        by_client.setdefault(bill.client, []).append(bill)
    for bills in by_client.values():
        if all(bill.first_bill for bill in bills):
            continue
        before, after = _totals(bills)
        moved = abs(difference(after, before))
        if moved > limits.client_money and _exceeds(moved, before, limits.client_percent):
            for bill in bills:
                yield Objection(
                    rule="CLIENT_TOTAL_CHANGED",
                    message=f"the total of {bill.client_name} goes from {amount(before)} to "
                    f"{amount(after)} {plan.currency}",
                    bill=bill.key,
                )


def run_total(plan: Plan, _: GuardInput, limits: GuardLimits) -> Iterator[Objection]:
    """The total of the whole run moves by more than a share of what it was."""
    before, after = _totals(_live(plan))
    moved = abs(difference(after, before))
    if before and _exceeds(moved, before, limits.run_percent):
        yield Objection(
            rule="RUN_TOTAL_CHANGED",
            message=f"the total of this run goes from {amount(before)} to {amount(after)} "
            f"{plan.currency}",
        )


def removed_by_configuration(plan: Plan, _: GuardInput, __: GuardLimits) -> Iterator[Objection]:
    """A line goes to zero because nobody configures it any more, not because nothing is used."""
    for bill, change in _marked(plan, "REMOVED_BY_CONFIGURATION"):
        yield _line(
            "REMOVED_BY_CONFIGURATION",
            bill,
            change,
            f"'{change.line_name}' is no longer configured and would be set to zero",
        )


def price_unset(plan: Plan, context: GuardInput, _: GuardLimits) -> Iterator[Objection]:
    """A line with units has no price: 0 would wipe a real price in the PSA."""
    if context.missing_price == "zero":
        return
    for bill, change in _marked(plan, "PRICE_UNSET"):
        yield _line(
            "PRICE_UNSET",
            bill,
            change,
            f"'{change.line_name}' bills a product without a price",
        )


def agreement_not_active(plan: Plan, context: GuardInput, _: GuardLimits) -> Iterator[Objection]:
    """The agreement named for the account does not cover the month."""
    for bill in _live(plan):
        agreement = context.agreements.get(bill.key)
        problem = None if agreement is None else agreement.problem()
        if agreement is not None and problem is not None and bill.changes:
            yield Objection(
                rule="AGREEMENT_NOT_ACTIVE",
                message=f"agreement {agreement.title} of {bill.client_name} {problem}",
                bill=bill.key,
            )


GUARDS: tuple[Guard, ...] = (
    first_bill,
    changed_since,
    fell_to_zero,
    units_changed,
    money_changed,
    client_total,
    run_total,
    removed_by_configuration,
    price_unset,
    agreement_not_active,
)


def review(
    plan: Plan, context: GuardInput, limits: GuardLimits, *, guards: Sequence[Guard] | None = None
) -> tuple[Objection, ...]:
    """All objections to a plan; those handed in come first.

    Args:
        plan: the plan as it would be stored.
        context: what is known beside it.
        limits: the numbers of the configuration.
        guards: which brakes to ask; None for all.
    """
    asked = GUARDS if guards is None else guards
    found = (objection for guard in asked for objection in guard(plan, context, limits))
    return (*context.objections, *found)


def _live(plan: Plan) -> tuple[PlannedBill, ...]:
    """Bills without errors; one with errors writes nothing and counts in no total."""
    return tuple(bill for bill in plan.bills if not bill.errors)


def _moved_lines(plan: Plan) -> Iterator[tuple[PlannedBill, PlannedChange, LineState]]:
    """Changes with what they are compared with.

    A new line of an account that was billed before grew from nothing. On a first bill there is
    nothing to compare with, and the units of a rounding line say nothing.
    """
    nothing = LineState(
        quantity=0, unit_price=None, unit_cost=None, total_price=ZERO, total_cost=ZERO
    )
    for bill in _live(plan):
        for change in bill.changes:
            if change.mode == Mode.ADJUSTMENT or (change.before is None and bill.first_bill):
                continue
            yield bill, change, change.before or nothing


def _compared_effect(bill: PlannedBill, change: PlannedChange) -> Decimal | None:
    if (change.before is None and bill.first_bill) or _spent(change):
        return None
    return change.money_effect


def _spent(change: PlannedChange) -> bool:
    """A correction that the last bill carried goes back to nothing, as it was accepted to."""
    return change.line is not None and is_correction(change.line) and not change.after.total_price


def _marked(plan: Plan, code: str) -> Iterator[tuple[PlannedBill, PlannedChange]]:
    for bill in _live(plan):
        for change in bill.changes:
            if code in change.warnings:
                yield bill, change


def _line(rule: str, bill: PlannedBill, change: PlannedChange, message: str) -> Objection:
    return Objection(rule=rule, message=message, bill=bill.key, line=change.key)


def _totals(bills: Sequence[PlannedBill]) -> tuple[Decimal, Decimal]:
    """Before and after; a bill whose money is not known counts in neither.

    What a correction brought the last bill is no part of what this one is compared with.
    """
    known = [bill for bill in bills if bill.total_after is not None]
    spent = (
        change.before.total_price or ZERO
        for bill in known
        for change in bill.changes
        if change.mode == Mode.ADJUSTMENT and change.before is not None and _spent(change)
    )
    before = total(bill.total_before or ZERO for bill in known)
    return difference(before, total(spent)), total(bill.total_after or ZERO for bill in known)


def _exceeds(moved: Decimal | int, of: Decimal | int, percent: Decimal) -> bool:
    """Whether a move is more than the share; anything is more than a share of nothing."""
    return product(Decimal(moved), 100) > product(Decimal(of), percent)
