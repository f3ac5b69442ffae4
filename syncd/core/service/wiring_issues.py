"""Recurring lines of the PSA that would bill a record wrongly: told to a person, holding nothing.

Our quantity is right all the same; what is wrong stands in the PSA and is mended there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from syncd.core.store.issues import Finding, IssueSeverity
from syncd.sdk.records import PlannedBill

NOT_LINKED: Final = "NOT_LINKED"

WIRING: Final = {
    NOT_LINKED: (
        "no recurring line counts the record, so that nothing of it is invoiced",
        "`syncd wire` proposes a recurring line for it, once the record stands in the PSA.",
    ),
    "LINKED_TWICE": (
        "two recurring lines count the same record, so that it is invoiced twice",
        "Let one recurring line of the PSA count the record, and take it off the others.",
    ),
    "DOUBLE_ROUTE": (
        "assets, users or licences are counted beside the record, on its recurring line or another",
        "Let the recurring line of the PSA count the record alone; bill the rest on another line.",
    ),
    "PRICE_NOT_LINKED": (
        "the recurring line charges a price of its own, and ours is not used",
        "Let the line take the record's price, or `syncd map configurations` (price_owner psa).",
    ),
    "PRICE_LINKED_IN_QUANTITY_MODE": (
        "the recurring line takes the record's price, and the record has none",
        "Set a price on the record or the recurring line in the PSA; until then units cost 0.",
    ),
    "PRICE_TWO_OWNERS": (
        "the PSA raises the recurring line's price by itself, while we send one",
        "End that in the PSA, or give it the price: `syncd map configurations` (price_owner psa).",
    ),
    "PRORATION_TWICE": (
        "the PSA charges parts of a period beside the whole count that we send",
        "End it on the line in the PSA, or `syncd map configurations` (proration_owner psa).",
    ),
    "FREE_UNITS_TWICE": (
        "the recurring line takes free units off a count from which they are taken already",
        "Set the free units of the recurring line to 0 in the PSA, or end ours: `syncd map rules`.",
    ),
    "MINIMUM_TWICE": (
        "the recurring line raises a count to its minimum that has ours already",
        "Set the minimum of the recurring line to 0 in the PSA, or end ours: `syncd map rules`.",
    ),
    "BILLING_CYCLE_MISMATCH": (
        "the recurring line is not invoiced every month, and the record holds one month's count",
        "Let a monthly recurring invoice of the PSA count the record.",
    ),
    "LINE_INACTIVE": (
        "the recurring line that counts the record is inactive, so that nothing is invoiced",
        "Make the recurring line active in the PSA, or let another one count the record.",
    ),
    "RUNNING_MONTH_LINKED": (
        "a recurring line counts the record of the running month, whose figures are not final",
        "Let the recurring line of the PSA count the record without '(running month)' instead.",
    ),
}
"""Code of a finding about a recurring line -> what it means, and what to do."""

_NAMED = 10


def wiring_findings(bill: PlannedBill, plan_id: str) -> Iterator[tuple[str, Finding]]:
    """Code and finding of what is wrong with the recurring lines that bill these records."""
    by_code: dict[str, list[str]] = {}
    for code, line in _said(bill):
        by_code.setdefault(code, []).append(line)
    for code, lines in by_code.items():
        meaning, remedy = WIRING[code]
        named = ", ".join(lines[:_NAMED])
        more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
        yield (
            code,
            Finding(
                message=f"{bill.client_name}, {named}{more}: {meaning}.",
                remedy=f"{remedy} `syncd plans show {plan_id}` names the recurring line.",
                severity=IssueSeverity.WARNING,
                evidence={"client": bill.client_name, "plan": plan_id, "lines": lines},
            ),
        )


def _said(bill: PlannedBill) -> Iterator[tuple[str, str]]:
    """Code and line: by the name of its record where there is a write, else by its key."""
    for change in bill.changes:
        for one in change.warnings:
            code, _, detail = one.partition(":")
            if code in WIRING:
                yield code, f"'{change.line_name}'{_bracketed(detail)}"
    for one in bill.warnings:
        code, _, rest = one.partition(":")
        if code in WIRING:
            line, _, detail = rest.partition(":")
            yield code, f"line {line}{_bracketed(detail)}"


def _bracketed(detail: str) -> str:
    return f" ({detail})" if detail else ""
