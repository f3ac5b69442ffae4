"""Which recurring line bills each line of a plan, or that none does, with the money at stake."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from syncd.core.service.basis import decode_bill

if TYPE_CHECKING:
    from syncd.core.store.plans import PlanRecord, StoredBill
    from syncd.sdk.records import PlannedBill, PlannedChange

NOT_LINKED: Final = "NOT_LINKED"


def wired_lines(bill: PlannedBill, stored: StoredBill) -> list[dict[str, Any]]:
    """Every line of the bill with what bills it, those without a write too, for `--json`."""
    if not stored.basis.startswith("{"):
        return []
    lost = _lost(bill)
    money = {change.line: change.after.total_price for change in bill.changes} | lost
    return [
        {
            "line": line.key,
            "name": line.name,
            "billed_by": line.billed_by,
            "not_linked": line.key in lost,
            "money": money.get(line.key, line.total_price),
        }
        for line in decode_bill(stored.basis).lines
    ]


def billed_by(change: PlannedChange) -> str:
    """The recurring line of a write, or NOT_LINKED with its money."""
    if change.billed_by:
        return change.billed_by
    money = change.after.total_price
    return NOT_LINKED if money is None else f"{NOT_LINKED}\n{money:,}"


def unlinked(record: PlanRecord, shown: Collection[str]) -> Iterator[str]:
    """Lines that no recurring line bills and that stand in no row of the table.

    Args:
        record: the plan.
        shown: keys of the writes that have a row.
    """
    for bill in record.plan.bills:
        for change in bill.changes:
            if change.key not in shown and _codes(change):
                yield f"{bill.client_name}: '{change.line_name}'{_money(change.after.total_price)}"
        changed = {change.line for change in bill.changes}
        for key, money in _lost(bill).items():
            if key not in changed:
                yield f"{bill.client_name}: line {key}{_money(money)}"


def not_linked_money(bill: PlannedBill) -> Iterator[Decimal]:
    """Known money of the lines that no recurring line bills, those without a write too."""
    yield from (money for money in _lost(bill).values() if money is not None)


def _lost(bill: PlannedBill) -> dict[str, Decimal | None]:
    """Line key -> money of each line that no recurring line bills."""
    lost = {change.line: change.after.total_price for change in bill.changes if _codes(change)}
    for code in bill.warnings:
        name, _, rest = code.partition(":")
        if name == NOT_LINKED:
            key, _, money = rest.partition(":")
            lost[key] = Decimal(money) if money else None
    return lost


def _codes(change: PlannedChange) -> bool:
    return any(code.partition(":")[0] == NOT_LINKED for code in change.warnings)


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f", {amount:,}"
