"""The decision for one line: create, update or nothing, with what is said against it.

Nothing is written where the content and the record are as last sent. A write that would cover
somebody else's hand, or bill a thing twice, is planned and held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from syncd.core.billing.arithmetic import difference
from syncd.core.billing.drift import shows
from syncd.core.billing.identity import observed_digest
from syncd.core.billing.plan_input import PlanInput, Style
from syncd.core.billing.record_fields import after_state, before_state, desired_fields, month_of
from syncd.core.billing.regroup import is_zero
from syncd.core.billing.standing import Scene, bills_on, conflicts, standing_objections
from syncd.core.billing.target import Target
from syncd.core.billing.wiring import findings, wire
from syncd.core.billing.wording import reason
from syncd.sdk.records import (
    ChangeKind,
    LineState,
    Objection,
    PlannedChange,
    SubscriptionFields,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens to one line.

    Attributes:
        line_key: key of the line within the bill.
        before: state to compare with, None where nothing was before or the record is gone and
            not missed.
        after: state that will stand.
        change: the write, None where none is needed.
        warnings: findings of a line without a write, `CODE:<line>[:detail]`.
        objections: what holds the write.
    """

    line_key: str
    before: LineState | None
    after: LineState
    change: PlannedChange | None
    warnings: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = ()


def decide(target: Target, carried_from: str | None, inputs: PlanInput) -> Step:
    """Decide what a line needs.

    Args:
        target: the line and its record.
        carried_from: line key under which the record was known so far, where a group changed its
            asset type and keeps its record.
        inputs: the plan's input.
    """
    line, record, seen = target.line, target.record, target.seen
    fields = desired_fields(line, record, inputs, exists=seen is not None)
    wiring = wire(seen, inputs.recurring)
    before = before_state(carried_from or line.key, record, seen, wiring, inputs)
    after = after_state(line, fields, wiring, inputs)
    wired = () if inputs.beside else findings(line, seen, wiring, after.total_price, inputs.terms)
    quiet = _no_write(target, fields, inputs)
    if quiet is not None:
        return Step(
            line_key=line.key,
            before=None if seen is None else before,
            after=after,
            change=None,
            warnings=(*quiet, *(_code(code, line.key, detail) for code, detail in wired)),
        )
    moved = conflicts(target, fields)
    objections = tuple(
        Objection(rule=rule, message=message, bill=inputs.bill_key, line=target.key)
        for rule, message in standing_objections(
            Scene(
                target=target,
                carried_from=carried_from,
                fields=fields,
                wiring=wiring,
                moved=moved,
                inputs=inputs,
            )
        )
    )
    change = PlannedChange(
        key=target.key,
        kind=ChangeKind.CREATE if seen is None else ChangeKind.UPDATE,
        remote=None if seen is None else seen.key,
        client_name=inputs.client_name,
        line_name=fields.name,
        before=before,
        after=after,
        money_effect=_effect(before, after),
        reason=reason(
            fields,
            before,
            after,
            record,
            period=str(inputs.period),
            first_bill=not inputs.billed_before,
            restores=bool(moved),
        )
        + (f", billed in advance for {month_of(line, inputs.period)}" if line.advance else ""),
        fields=fields,
        observed=None if seen is None else observed_digest(seen, fields),
        billed_by=wiring.title,
        warnings=(
            *_marks(target, carried_from, moved, inputs),
            *(_code(code, detail) for code, detail in wired),
        ),
        line=line.key,
        mode=line.mode,
    )
    return Step(line_key=line.key, before=before, after=after, change=change, objections=objections)


def _no_write(
    target: Target, fields: SubscriptionFields, inputs: PlanInput
) -> tuple[str, ...] | None:
    """Codes of a line that needs no write, None where it needs one."""
    line, record, seen = target.line, target.record, target.seen
    if target.bills_nothing and record is not None:
        if seen is None:
            return (f"PSA_RECORD_GONE:{line.key}",) if target.lost is not None else ()
        if not bills_on(seen, line, inputs):
            return (f"PSA_RECORD_INACTIVE:{line.key}",)
    if record is None or record.sent is None or seen is None:
        return None
    if fields != record.sent:
        return None
    if shows(seen, fields):
        return () if bills_on(seen, line, inputs) else None
    if inputs.style is Style.PER_PERIOD and not inputs.temporary:
        return (f"PSA_DRIFT:{line.key}",)
    return None


def _marks(
    target: Target, carried_from: str | None, moved: tuple[str, ...], inputs: PlanInput
) -> Iterator[str]:
    """Codes of the line, some of which guards read."""
    line, record = target.line, target.record
    if line.price_unset:
        yield "PRICE_UNSET"
    if line.removed_by_configuration and not (record is not None and is_zero(record)):
        yield "REMOVED_BY_CONFIGURATION"
    if carried_from is not None:
        yield "RETYPED"
    if record is None and target.seen is not None:
        yield "FOUND_BY_KEY"
    if inputs.temporary and moved:
        yield "PSA_DRIFT"


def _effect(before: LineState | None, after: LineState) -> Decimal | None:
    """Money after minus before; unknown where either side is."""
    if after.total_price is None:
        return None
    if before is None:
        return after.total_price
    if before.total_price is None:
        return None
    return difference(after.total_price, before.total_price)


def _code(*parts: str) -> str:
    return ":".join(part for part in parts if part)
