"""What a line writes to its record, and what the line was worth before and will be after.

A field that is not ours is absent. A lasting record has a stable name and no end; a record of one
month has the month in its name and its dates.
"""

from __future__ import annotations

from decimal import Decimal

from syncd.core.billing.arithmetic import product, rounded
from syncd.core.billing.corrections import corrected, is_correction
from syncd.core.billing.model import Line, Mode
from syncd.core.billing.plan_input import PlanInput, RecordState, Style
from syncd.core.billing.regroup import is_zero
from syncd.core.billing.wiring import Wiring
from syncd.sdk.period import Period
from syncd.sdk.records import LineState, Subscription, SubscriptionFields


def desired_fields(
    line: Line, record: RecordState | None, inputs: PlanInput, *, exists: bool
) -> SubscriptionFields:
    """The write that makes the record say what the line says.

    Args:
        line: the bill's line.
        record: our ledger's row, if there is one.
        inputs: the plan's input.
        exists: the PSA already has a record for the line.
    """
    sent = record.sent if record is not None else None
    if sent is not None and _rests(line, record):
        return sent
    keeps_price = not _is_bare_zero(line) or sent is None or sent.unit_price is not None
    keeps_cost = not _is_bare_zero(line) or sent is None or sent.unit_cost is not None
    start, end = _dates(line, sent, inputs, exists=exists)
    return SubscriptionFields(
        client=inputs.client,
        site=inputs.site,
        name=_name(line, record, inputs),
        quantity=line.quantity,
        unit_price=line.unit_price if keeps_price else None,
        unit_cost=line.unit_cost if keeps_cost else None,
        asset_type=line.asset_type,
        supplier=_supplier(line, inputs),
        start=start,
        end=end,
        notes=_notes(line, inputs),
        agreement=inputs.agreement,
    )


def month_of(line: Line, period: Period) -> Period:
    """The month that a line is for: the one counted, or in advance the one that begins."""
    return period.following() if line.advance else period


def after_state(
    line: Line, fields: SubscriptionFields, wiring: Wiring, inputs: PlanInput
) -> LineState:
    """What the line will say; money that is not ours is estimated from the recurring line."""
    price = line.total_price
    if price is None:
        price = wiring.worth(line.quantity, inputs.money_scale)
    return LineState(
        quantity=line.quantity,
        unit_price=fields.unit_price,
        unit_cost=fields.unit_cost,
        total_price=price,
        total_cost=line.total_cost,
        units=line.units if line.units != line.quantity else None,
    )


def before_state(
    line_key: str,
    record: RecordState | None,
    seen: Subscription | None,
    wiring: Wiring,
    inputs: PlanInput,
) -> LineState | None:
    """What the line said: last sent, else the last bill, else an adopted record, else invoiced."""
    if record is not None and record.sent is not None:
        sent = record.sent
        money = record.total_price
        if money is None:
            money = wiring.worth(sent.quantity, inputs.money_scale)
        return LineState(
            quantity=sent.quantity,
            unit_price=sent.unit_price,
            unit_cost=sent.unit_cost,
            total_price=money,
            total_cost=record.total_cost,
            units=record.units,
        )
    if line_key in inputs.last_bill:
        return inputs.last_bill[line_key]
    if seen is not None:
        return LineState(
            quantity=seen.quantity,
            unit_price=seen.unit_price,
            unit_cost=seen.unit_cost,
            total_price=_worth(seen.unit_price, seen.quantity, inputs),
            total_cost=_worth(seen.unit_cost, seen.quantity, inputs),
        )
    return inputs.last_invoiced.get(line_key)


def _supplier(line: Line, inputs: PlanInput) -> str | None:
    if line.supplier is None:
        return None
    return inputs.suppliers.get(line.supplier, inputs.supplier)


def units_of(state: LineState) -> int:
    """The units behind a state; total mode sends 1 whatever they are."""
    return state.quantity if state.units is None else state.units


def _worth(unit: Decimal | None, quantity: int, inputs: PlanInput) -> Decimal | None:
    return None if unit is None else rounded(product(unit, quantity), inputs.money_scale)


def _rests(line: Line, record: RecordState | None) -> bool:
    """A line that is gone for good and stands at zero already: nothing is written every month."""
    gone = line.removed_by_configuration or (line.mode is Mode.ADJUSTMENT and not line.units)
    return gone and record is not None and is_zero(record)


def _name(line: Line, record: RecordState | None, inputs: PlanInput) -> str:
    """A zero line without a configuration keeps the name that its record has."""
    if _is_bare_zero(line) and record is not None:
        if record.sent is not None:
            return record.sent.name
        for one in inputs.subscriptions:  # adopted, and never written
            if one.key == record.remote:
                return one.name
    name = line.name or line.key
    if inputs.beside:
        return f"{name} (running month)"
    if inputs.style is Style.PER_PERIOD and not is_correction(line.key):
        return f"{name} {month_of(line, inputs.period)}"
    return name


def _notes(line: Line, inputs: PlanInput) -> str:
    if is_correction(line.key):
        return f"Correction of {corrected(line.key)[1]}, bill of {inputs.period}, written by syncd."
    counts = f"Counts of {inputs.period}{' so far' if inputs.temporary else ''}"
    advance = f", billed in advance for {month_of(line, inputs.period)}" if line.advance else ""
    return f"{counts}{advance}, written by syncd."


def _is_bare_zero(line: Line) -> bool:
    """A zero update of a line without a group; its owners are not known any more."""
    return not line.name


def _dates(
    line: Line, sent: SubscriptionFields | None, inputs: PlanInput, *, exists: bool
) -> tuple[str | None, str | None]:
    month = month_of(line, inputs.period)
    if inputs.style is Style.PER_PERIOD:
        if _is_bare_zero(line) and sent is not None:
            return sent.start, sent.end
        return month.first_day.isoformat(), month.last_day.isoformat()
    if sent is not None:
        return sent.start, None
    return (None if exists else month.first_day.isoformat()), None
