"""From a bill to the changes that the PSA needs: create, update, or nothing at all.

A record that is not as we left it, that is gone, or that may have a twin is never written over in
silence: the change is planned and an objection holds it until a person decides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from syncd.core.billing.arithmetic import ZERO, total
from syncd.core.billing.corrections import is_correction
from syncd.core.billing.plan_input import BillPlan, PlanInput, Style
from syncd.core.billing.record_fields import units_of
from syncd.core.billing.regroup import is_zero, regrouped, retyped
from syncd.core.billing.step import Step, decide
from syncd.core.billing.target import Target, locate
from syncd.core.billing.wiring import running_linked
from syncd.core.billing.wording import units
from syncd.sdk.records import LineState, Objection, PlannedBill, PlannedChange


def plan_bill(inputs: PlanInput) -> BillPlan:
    """Plan the changes of one account and period.

    Changes come in the bill's order. Errors leave no change at all: those of the bill, a record
    that exists twice (`DUPLICATE_IN_PSA`) or belongs to another client (`CLIENT_CHANGED`) or
    another writer (`FOREIGN_WRITER`), two lines on one record (`LINES_SHARE_RECORD`), and a period
    older than what the lasting records hold (`PERIOD_SUPERSEDED`).
    """
    errors = (*inputs.bill.errors, *_superseded(inputs))
    if errors:
        return BillPlan(bill=_stopped(inputs, errors))
    carried: dict[str, str] = {}
    if inputs.style is Style.ROLLING:
        carried = retyped(inputs.bill.lines, inputs.records)
    targets = [
        locate(line, inputs.records.get(carried.get(line.key, line.key)), inputs)
        for line in inputs.bill.lines
        if line.key not in carried.values()
    ]
    errors = (*(error for target in targets for error in target.errors), *_shared(targets))
    if errors:
        return BillPlan(bill=_stopped(inputs, errors))
    known = frozenset(target.seen.key for target in targets if target.seen is not None)
    inputs = dataclasses.replace(inputs, ours=inputs.ours | known)
    steps = [decide(target, carried.get(target.line.key), inputs) for target in targets]
    missing = _missing(steps, inputs)
    return BillPlan(
        bill=_planned(inputs, steps, missing, carried),
        objections=(
            *(objection for step in steps for objection in step.objections),
            *_regrouped(targets, carried, inputs),
            *_fallen(missing, inputs),
        ),
    )


def _shared(targets: Sequence[Target]) -> tuple[str, ...]:
    """Lines that would write to a record of another line; the last write would bill alone."""
    owners: dict[str, str] = {}
    shared: list[str] = []
    for target in targets:
        names = [target.key] if target.seen is None else [target.key, f"id {target.seen.key}"]
        if any(owners.setdefault(name, target.line.key) != target.line.key for name in names):
            shared.append(f"LINES_SHARE_RECORD:{target.line.key}")
    return tuple(shared)


def _superseded(inputs: PlanInput) -> tuple[str, ...]:
    """A lasting record never goes back to an older month."""
    if inputs.style is not Style.ROLLING:
        return ()
    newest = max((record.sent_period or "" for record in inputs.records.values()), default="")
    return (f"PERIOD_SUPERSEDED:{newest}",) if newest > str(inputs.period) else ()


def _missing(steps: Sequence[Step], inputs: PlanInput) -> dict[str, LineState]:
    """Lines of the last bill that this one does not have; only a monthly record can vanish so.

    A correction was for that bill alone, and is not missed.
    """
    if inputs.style is not Style.PER_PERIOD:
        return {}
    present = {step.line_key for step in steps}
    return {
        key: state
        for key, state in inputs.last_bill.items()
        if key not in present and (units_of(state) or state.total_price) and not is_correction(key)
    }


def _stopped(inputs: PlanInput, errors: tuple[str, ...]) -> PlannedBill:
    return _bill(
        inputs,
        before=_known(record.total_price for record in inputs.records.values()),
        errors=errors,
        warnings=inputs.bill.findings,
    )


def _planned(
    inputs: PlanInput,
    steps: Sequence[Step],
    missing: Mapping[str, LineState],
    carried: Mapping[str, str],
) -> PlannedBill:
    changes = tuple(step.change for step in steps if step.change is not None)
    valued = [step for step in steps if step.after.total_price is not None]
    befores = [step.before for step in valued if step.before is not None]
    before = _known(state.total_price for state in (*befores, *missing.values()))
    after = _known(step.after.total_price for step in valued)
    return _bill(
        inputs,
        changes=changes,
        unchanged=len(steps) - len(changes),
        before=ZERO if before is None and inputs.billed_before and _all_new(valued) else before,
        after=ZERO if not steps else after,
        warnings=(
            *_bill_warnings(inputs, carried),
            *(code for step in steps for code in step.warnings),
        ),
    )


def _all_new(valued: Sequence[Step]) -> bool:
    """Every line whose money is known stood at nothing before; otherwise it is unknown, not 0."""
    return bool(valued) and all(step.before is None for step in valued)


def _bill(
    inputs: PlanInput,
    *,
    changes: tuple[PlannedChange, ...] = (),
    unchanged: int = 0,
    before: Decimal | None,
    after: Decimal | None = None,
    errors: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> PlannedBill:
    return PlannedBill(
        key=inputs.bill_key,
        connection=inputs.connection,
        account=inputs.account,
        client=inputs.client,
        client_name=inputs.client_name,
        changes=changes,
        unchanged=unchanged,
        total_before=before,
        total_after=after,
        first_bill=not inputs.billed_before,
        errors=errors,
        warnings=warnings,
    )


def _bill_warnings(inputs: PlanInput, carried: Mapping[str, str]) -> Iterator[str]:
    """The bill's warnings, without those of stale lines that carry on or are long at zero."""
    settled = {
        key for key, record in inputs.records.items() if is_zero(record) or key in carried.values()
    }
    for code in inputs.bill.findings:
        name, _, key = code.partition(":")
        if name != "STALE_LINE_ZEROED" or key not in settled:
            yield code
    for new, old in carried.items():
        yield f"RETYPED:{old}:{new}"
    if inputs.running and inputs.recurring:
        for key, title in running_linked(inputs.running, inputs.recurring):
            yield f"RUNNING_MONTH_LINKED:{key}:{title}"


def _regrouped(
    targets: Sequence[Target], carried: Mapping[str, str], inputs: PlanInput
) -> Iterator[Objection]:
    lines = [target.line for target in targets]
    keys = {target.line.key: target.key for target in targets}
    for line_key, other in regrouped(lines, inputs.records, carried).items():
        yield Objection(
            rule="GROUPS_CHANGED",
            message=f"line {line_key} takes over products that were billed on line {other}",
            bill=inputs.bill_key,
            line=keys[line_key],
        )


def _fallen(missing: Mapping[str, LineState], inputs: PlanInput) -> Iterator[Objection]:
    for key, state in missing.items():
        yield Objection(
            rule="FELL_TO_ZERO",
            message=f"line {key} had {units(units_of(state))} in the last bill and none in this",
            bill=inputs.bill_key,
        )


def _known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Sum of the amounts that are known; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return total(known) if known else None
