"""What the PSA shows that speaks against a write: lost, changed, shared or doubled records.

Each finding is a rule and a sentence with both values, so that a person can decide without looking
anything up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syncd.core.billing.corrections import is_correction
from syncd.core.billing.drift import drifted, lookalikes
from syncd.core.billing.model import Line, Mode
from syncd.core.billing.plan_input import PlanInput, Style
from syncd.core.billing.record_fields import month_of
from syncd.core.billing.target import Target
from syncd.core.billing.wiring import Wiring
from syncd.core.billing.wording import amount
from syncd.sdk.records import Subscription, SubscriptionFields


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A write that is about to be planned, and what the PSA shows of its record.

    Attributes:
        target: the line and its record.
        carried_from: line key of the record so far, where a group changed its asset type.
        fields: what would be written.
        wiring: how the record is billed.
        moved: result of `conflicts`.
        inputs: the plan's input.
    """

    target: Target
    carried_from: str | None
    fields: SubscriptionFields
    wiring: Wiring
    moved: tuple[str, ...]
    inputs: PlanInput

    @property
    def name(self) -> str:
        return self.fields.name


Brake = Callable[[Scene], Iterator[tuple[str, str]]]


def standing_objections(scene: Scene) -> Iterator[tuple[str, str]]:
    """Rule and sentence of everything in the PSA that speaks against a write."""
    for brake in BRAKES:
        yield from brake(scene)


def record_gone(scene: Scene) -> Iterator[tuple[str, str]]:
    """Our record is no longer in the PSA: somebody took it away, or merged it."""
    lost, seen = scene.target.lost, scene.target.seen
    if lost is not None:
        yield (
            "PSA_RECORD_GONE",
            f"'{scene.name}': record {lost} is no longer in the PSA; releasing this bill "
            + ("makes a new one" if seen is None else f"goes on with record {seen.key}"),
        )


def twins(scene: Scene) -> Iterator[tuple[str, str]]:
    """A create beside a record of the same client that may bill the same thing.

    The difference of a past month is billed by nobody else, whatever its asset type is.
    """
    if scene.target.seen is not None or is_correction(scene.target.line.key):
        return
    fields, inputs = scene.fields, scene.inputs
    for twin in lookalikes(fields, inputs.subscriptions, inputs.ours):
        sentence = f"'{fields.name}': record {twin.key} '{twin.name}' of this client looks alike"
        if twin.foreign_writer is not None:
            yield "FOREIGN_WRITER", f"{sentence} and is kept by {twin.foreign_writer}"
        else:
            yield "POSSIBLE_TWIN", f"{sentence}; adopt or end it before a second one is made"


def record_inactive(scene: Scene) -> Iterator[tuple[str, str]]:
    """Our record bills nothing any more, so that a write to it would be lost money."""
    seen = scene.target.seen
    if seen is not None and not bills_on(seen, scene.target.line, scene.inputs):
        state = "is inactive" if not seen.active else f"ended on {seen.end}"
        yield "PSA_RECORD_INACTIVE", f"'{scene.name}': record {seen.key} {state} in the PSA"


def second_writer(scene: Scene) -> Iterator[tuple[str, str]]:
    """Another integration keeps our record."""
    seen = scene.target.seen
    if seen is not None and seen.foreign_writer is not None:
        sentence = f"'{scene.name}': record {seen.key} is also kept by {seen.foreign_writer}"
        yield "FOREIGN_WRITER", sentence


def month_linked(scene: Scene) -> Iterator[tuple[str, str]]:
    """A lasting recurring line counts a record that holds one month only."""
    per_period = scene.inputs.style is Style.PER_PERIOD
    if scene.target.seen is not None and scene.wiring.line is not None and per_period:
        title = scene.wiring.title
        sentence = f"'{scene.name}': recurring line {title} counts a record that holds one month"
        yield "PER_PERIOD_LINKED", f"{sentence} only"


def running_linked(scene: Scene) -> Iterator[tuple[str, str]]:
    """A recurring line counts a month that is not over."""
    if scene.target.seen is not None and scene.wiring.line is not None and scene.inputs.beside:
        sentence = f"'{scene.name}': recurring line {scene.wiring.title} counts the record"
        yield "RUNNING_MONTH_LINKED", f"{sentence} of the running month"


def invoice_made(scene: Scene) -> Iterator[tuple[str, str]]:
    """The month stands on the record and its invoice was made: a change would bill nothing of it.

    The first figures of a month after its invoice are another matter: they are told as
    INVOICE_BEFORE_COUNTS, and the record needs them for the next invoice.
    """
    line, record, period = scene.wiring.line, scene.target.record, scene.inputs.period
    if line is None or line.last_made is None or record is None or scene.inputs.beside:
        return
    made = line.last_made.astimezone(scene.inputs.zone).date()
    if record.sent_period == str(period) and made >= period.following().first_day:
        yield (
            "LOCKED_BY_INVOICE",
            f"'{scene.name}': {scene.wiring.title} has made the invoice of {period} on {made}",
        )


def drift(scene: Scene) -> Iterator[tuple[str, str]]:
    """Somebody changed fields of ours on a record that bills."""
    if scene.target.seen is not None and scene.moved and not scene.inputs.temporary:
        yield "PSA_DRIFT", f"'{scene.name}' was changed in the PSA: {'; '.join(scene.moved)}"


def asset_type_changed(scene: Scene) -> Iterator[tuple[str, str]]:
    """The record goes on under another asset type."""
    seen = scene.target.seen
    if seen is not None and scene.carried_from is not None:
        old = scene.carried_from.partition("/")[2]
        sentence = f"'{scene.name}' changes its asset type from {old} to {scene.fields.asset_type}"
        yield "RETYPED", f"{sentence} and keeps record {seen.key}"


def mode_changed(scene: Scene) -> Iterator[tuple[str, str]]:
    """The record gets another mode, and with it another owner of its price."""
    target, seen = scene.target, scene.target.seen
    if seen is None or target.record is None:
        return
    if target.record.mode not in {None, target.line.mode, Mode.ADJUSTMENT}:
        sentence = f"'{scene.name}' changes from {target.record.mode} to {target.line.mode}"
        new = scene.fields.unit_price
        fate = "stays" if new is None else f"becomes {amount(new)}"
        price = "none" if seen.unit_price is None else amount(seen.unit_price)
        yield "MODE_CHANGED", f"{sentence}; the record's price ({price}) {fate}"


BRAKES: tuple[Brake, ...] = (
    record_gone,
    twins,
    record_inactive,
    second_writer,
    month_linked,
    running_linked,
    invoice_made,
    drift,
    asset_type_changed,
    mode_changed,
)
"""Every brake of one write, in the order in which its objections are told."""


def bills_on(record: Subscription, line: Line, inputs: PlanInput) -> bool:
    """Whether the record is alive; a lasting one must not have ended before the line's month."""
    if inputs.style is Style.PER_PERIOD or record.end is None:
        return record.active
    return record.active and record.end >= month_of(line, inputs.period).first_day.isoformat()


def conflicts(target: Target, fields: SubscriptionFields) -> tuple[str, ...]:
    """Fields of ours that somebody else changed, each with both values."""
    record, seen = target.record, target.seen
    if record is None or record.sent is None or seen is None:
        return ()
    return drifted(seen, record.sent, fields)
