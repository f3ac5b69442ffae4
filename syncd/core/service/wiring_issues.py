"""Recurring lines of the PSA that would bill a record wrongly: told to a person, holding nothing.

Our quantity is right all the same; what is wrong stands in the PSA and is mended there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from syncd.core.store.issues import Finding, IssueSeverity
from syncd.sdk.records import PlannedBill

WIRING: Final = {
    "LINKED_TWICE": (
        "two recurring lines count the same record, so that it is invoiced twice",
        "Let one recurring line of the PSA count the record, and take it off the others.",
    ),
    "DOUBLE_ROUTE": (
        "the recurring line counts assets, users or licences beside the record",
        "Let the recurring line of the PSA count the record alone; bill the rest on another line.",
    ),
    "PRICE_LINKED_IN_QUANTITY_MODE": (
        "the recurring line takes the record's price, and the record has none",
        "Set a price on the record or the recurring line in the PSA; until then units cost 0.",
    ),
    "PRICE_TWO_OWNERS": (
        "the PSA raises the recurring line's price by itself, while we send one",
        "End that in the PSA, or give it the price: `syncd map configurations` (price_owner psa).",
    ),
    "LINE_INACTIVE": (
        "the recurring line that counts the record is inactive, so that nothing is invoiced",
        "Make the recurring line active in the PSA, or let another one count the record.",
    ),
}
"""Code of a finding about a recurring line -> what it means, and what to do."""


def wiring_findings(bill: PlannedBill, plan_id: str) -> Iterator[tuple[str, Finding]]:
    """Code and finding of what is wrong with the recurring lines that bill these records."""
    for code, (meaning, remedy) in WIRING.items():
        lines = list(_lines(bill, code))
        if lines:
            yield (
                code,
                Finding(
                    message=f"{bill.client_name}, {', '.join(lines)}: {meaning}.",
                    remedy=f"{remedy} `syncd plans show {plan_id}` names the recurring line.",
                    severity=IssueSeverity.WARNING,
                    evidence={"client": bill.client_name, "plan": plan_id, "lines": lines},
                ),
            )


def _lines(bill: PlannedBill, code: str) -> Iterator[str]:
    """Lines by the name of their record where there is a write, else by their key."""
    for change in bill.changes:
        if any(one.partition(":")[0] == code for one in change.warnings):
            yield f"'{change.line_name}'"
    for one in bill.warnings:
        name, _, detail = one.partition(":")
        if name == code:
            yield f"line {detail.partition(':')[0]}"
