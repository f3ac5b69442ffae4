"""Why a change is made, in words that an operator reads in the plan."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from syncd.core.billing.arithmetic import EXACT
from syncd.core.billing.plan_input import RecordState
from syncd.core.billing.record_fields import units_of
from syncd.sdk.records import LineState, SubscriptionFields


def reason(
    fields: SubscriptionFields,
    before: LineState | None,
    after: LineState,
    record: RecordState | None,
    *,
    period: str,
    first_bill: bool,
    restores: bool,
) -> str:
    """Such as `first bill, 14 units`, `12 -> 14 units`, `price 5.00 -> 5.50`.

    Args:
        fields: what is written.
        before: what the line said.
        after: what it will say.
        record: our ledger's row, if there is one.
        period: `YYYY-MM`.
        first_bill: nothing was ever sent for the account.
        restores: the PSA shows other values than we sent.
    """
    words = ["first bill"] if first_bill else []
    words += [units(units_of(after))] if before is None else _moved(before, after)
    sent = record.sent if record is not None else None
    if sent is not None:
        words += _renamed(sent, fields)
    if restores:
        words.append("the PSA shows other values than were sent")
    return ", ".join(words) or _otherwise(record, period)


def units(count: int) -> str:
    return "1 unit" if count == 1 else f"{count} units"


def amount(value: Decimal | None, scale: int = 2) -> str:
    """The amount without zeros beyond `scale` decimals; words where it is not ours."""
    if value is None:
        return "the PSA's own"
    short = value.normalize(EXACT)
    digits = short.as_tuple().exponent
    if isinstance(digits, int) and digits > -scale:
        short = value.quantize(Decimal(1).scaleb(-scale), context=EXACT)
    return format(short, "f")


def _otherwise(record: RecordState | None, period: str) -> str:
    """Why there is a write although no figure of the line moved."""
    if record is None:
        return f"same figures, a record of {period}"
    if record.sent is None:
        return "first write to an adopted record"
    if record.sent_period != period:
        return f"same figures, period {record.sent_period} -> {period}"
    return "same figures"


def _moved(before: LineState, after: LineState) -> Iterator[str]:
    if units_of(before) != units_of(after):
        yield f"{units_of(before)} -> {units(units_of(after))}"
    for title, old, new in (
        ("price", before.unit_price, after.unit_price),
        ("cost", before.unit_cost, after.unit_cost),
    ):
        if old != new:
            yield f"{title} {amount(old)} -> {amount(new)}"


def _renamed(sent: SubscriptionFields, fields: SubscriptionFields) -> Iterator[str]:
    for title, old, new in (
        ("asset type", sent.asset_type, fields.asset_type),
        ("name", sent.name, fields.name),
        ("supplier", sent.supplier, fields.supplier),
        ("site", sent.site, fields.site),
    ):
        if old != new:
            yield f"{title} {old or 'none'} -> {new or 'none'}"
