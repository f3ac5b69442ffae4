"""What the PSA shows that speaks against a write: lost, changed, shared or doubled records.

Each finding is a rule and a sentence with both values, so that a person can decide without looking
anything up.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncd.core.billing.drift import drifted, lookalikes
from syncd.core.billing.model import Mode
from syncd.core.billing.plan_input import PlanInput, Style
from syncd.core.billing.target import Target
from syncd.core.billing.wiring import Wiring
from syncd.core.billing.wording import amount
from syncd.sdk.records import Subscription, SubscriptionFields


def standing_objections(
    target: Target,
    carried_from: str | None,
    fields: SubscriptionFields,
    wiring: Wiring,
    moved: tuple[str, ...],
    inputs: PlanInput,
) -> Iterator[tuple[str, str]]:
    """Rule and sentence of everything in the PSA that speaks against a write.

    Args:
        target: the line and its record.
        carried_from: line key of the record so far, where a group changed its asset type.
        fields: what would be written.
        wiring: how the record is billed.
        moved: result of `conflicts`.
        inputs: the plan's input.
    """
    record, seen, name = target.record, target.seen, fields.name
    if target.lost is not None:
        yield (
            "PSA_RECORD_GONE",
            f"'{name}': record {target.lost} is no longer in the PSA; releasing this bill "
            + ("makes a new one" if seen is None else f"goes on with record {seen.key}"),
        )
    if seen is None:
        yield from _twins(fields, inputs)
        return
    if not bills_on(seen, inputs):
        state = "is inactive" if not seen.active else f"ended on {seen.end}"
        yield "PSA_RECORD_INACTIVE", f"'{name}': record {seen.key} {state} in the PSA"
    if seen.foreign_writer is not None:
        yield (
            "FOREIGN_WRITER",
            f"'{name}': record {seen.key} is also kept by {seen.foreign_writer}",
        )
    if wiring.line is not None and inputs.style is Style.PER_PERIOD:
        yield (
            "PER_PERIOD_LINKED",
            f"'{name}': recurring line {wiring.title} counts a record that holds one month only",
        )
    if wiring.line is not None and inputs.beside:
        yield (
            "RUNNING_MONTH_LINKED",
            f"'{name}': recurring line {wiring.title} counts the record of the running month",
        )
    if moved and not inputs.temporary:
        yield "PSA_DRIFT", f"'{name}' was changed in the PSA: {'; '.join(moved)}"
    if carried_from is not None:
        old = carried_from.partition("/")[2]
        sentence = f"'{name}' changes its asset type from {old} to {fields.asset_type}"
        yield "RETYPED", f"{sentence} and keeps record {seen.key}"
    if record is not None and record.mode not in {None, target.line.mode, Mode.ADJUSTMENT}:
        sentence = f"'{name}' changes from {record.mode} to {target.line.mode}"
        fate = "stays" if fields.unit_price is None else f"becomes {amount(fields.unit_price)}"
        price = "none" if seen.unit_price is None else amount(seen.unit_price)
        yield "MODE_CHANGED", f"{sentence}; the record's price ({price}) {fate}"


def bills_on(record: Subscription, inputs: PlanInput) -> bool:
    """Whether the record is alive; a lasting one must not have ended before the month."""
    if inputs.style is Style.PER_PERIOD or record.end is None:
        return record.active
    return record.active and record.end >= inputs.period.first_day.isoformat()


def _twins(fields: SubscriptionFields, inputs: PlanInput) -> Iterator[tuple[str, str]]:
    for twin in lookalikes(fields, inputs.subscriptions, inputs.ours):
        sentence = f"'{fields.name}': record {twin.key} '{twin.name}' of this client looks alike"
        if twin.foreign_writer is not None:
            yield "FOREIGN_WRITER", f"{sentence} and is kept by {twin.foreign_writer}"
        else:
            yield "POSSIBLE_TWIN", f"{sentence}; adopt or end it before a second one is made"


def conflicts(target: Target, fields: SubscriptionFields) -> tuple[str, ...]:
    """Fields of ours that somebody else changed, each with both values."""
    record, seen = target.record, target.seen
    if record is None or record.sent is None or seen is None:
        return ()
    return drifted(seen, record.sent, fields)
