"""Whether the PSA still is as a plan saw it, and if not, what it held and what it holds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from syncd.core.billing.identity import adopted_digest, observed_digest
from syncd.core.service.psa_sweep import Sweep
from syncd.sdk.records import ChangeKind, LineState, PlannedBill, PlannedChange, Subscription


def moved_targets(bill: PlannedBill, seen: Sweep, marker: Callable[[str], str]) -> list[str]:
    """What moved under the changes of a bill since it was planned, each a sentence.

    Args:
        bill: the planned bill.
        seen: the PSA now.
        marker: from our key to what the PSA's field holds.
    """
    held = seen.by_id
    return [found for change in bill.changes if (found := _moved(bill, change, seen, held, marker))]


def _moved(
    bill: PlannedBill,
    change: PlannedChange,
    seen: Sweep,
    held: dict[str, Subscription],
    marker: Callable[[str], str],
) -> str:
    ours = marker(change.key)
    there = [
        one.key for one in seen.of(bill.client) if one.marker == ours and one.key != change.remote
    ]
    if change.kind is ChangeKind.CREATE or (change.kind is ChangeKind.ADOPT and there):
        return (
            f"'{change.line_name}': record {', '.join(there)} with its key appeared"
            if there
            else ""
        )
    record = held.get(change.remote or "")
    if record is None:
        return f"'{change.line_name}': record {change.remote} is gone"
    if change.kind is ChangeKind.ADOPT:
        if adopted_digest(record) == change.observed:
            return ""
        return f"'{change.line_name}': {_changed_hands(bill, record)}"
    if observed_digest(record, change.fields) == change.observed:
        return ""
    moves = "; ".join(_values(change.before, record)) or "a field of ours was edited"
    return f"'{change.line_name}': record {record.key} was changed in the PSA: {moves}"


def _changed_hands(bill: PlannedBill, record: Subscription) -> str:
    """What a record became since a person chose it."""
    about = f"record {record.key} '{record.name}'"
    if record.client != bill.client:
        return f"{about} belongs to client {record.client} now"
    if not record.active:
        return f"{about} is not active any more"
    if record.foreign_writer is not None:
        return f"{about} is kept by {record.foreign_writer} now"
    return f"{about} has another name or another key than when it was chosen"


def _values(before: LineState | None, record: Subscription) -> Iterator[str]:
    if not record.active:
        yield "it was active and is not"
    if before is None:
        return
    pairs: tuple[tuple[str, Decimal | int | None, Decimal | int | None], ...] = (
        ("quantity", before.quantity, record.quantity),
        ("unit price", before.unit_price, record.unit_price),
        ("unit cost", before.unit_cost, record.unit_cost),
    )
    for name, ours, theirs in pairs:
        if ours is not None and theirs is not None and ours != theirs:
            yield f"{name} was {ours} and is {theirs}"
