"""The bill of one account and period, from counts and rates to lines.

Either every check passes and there are lines, or there are errors and no line at all; what was sent
before then stays as it is.
"""

from __future__ import annotations

from syncd.core.billing.checks import run_errors, run_warnings
from syncd.core.billing.corrections import correction_lines, is_correction
from syncd.core.billing.groups import grouped
from syncd.core.billing.model import Bill, BillInput, Line
from syncd.core.billing.modes import ROUNDING, group_lines, zero_line
from syncd.core.billing.proration import without_usage


def compute_bill(data: BillInput, faults: tuple[str, ...] | None = None) -> Bill:
    """Compute the lines of a bill.

    Lines are in pushing order: configurations as given, then asset type, then stale lines, then
    corrections. A line that was sent before and has no group any more is taken to zero and marked
    as removed by configuration, which holds it.

    Args:
        data: all that decides the bill.
        faults: its `checks.configuration_errors` where they are already known.
    """
    if data.span is not None and data.span.over:
        data = without_usage(data)
    errors, warnings = run_errors(data, faults), run_warnings(data)
    if errors:
        return Bill(lines=(), errors=errors, warnings=warnings, skipped=())
    grouping = grouped(data)
    warnings += grouping.warnings
    if grouping.errors:
        return Bill(lines=(), errors=grouping.errors, warnings=warnings, skipped=())
    parts = [group_lines(group, data) for group in grouping.groups]
    stale = _stale_lines(data, {group.key for group in grouping.groups})
    corrections: tuple[Line, ...] = ()
    if data.corrections or any(map(is_correction, data.existing)):
        corrections = correction_lines(data)
    return Bill(
        lines=(*(line for part in parts for line in part.lines), *stale, *corrections),
        errors=(),
        warnings=(
            *warnings,
            *(code for part in parts for code in part.warnings),
            *(f"STALE_LINE_ZEROED:{line.key}" for line in stale),
        ),
        skipped=(*grouping.skipped, *(code for part in parts for code in part.skipped)),
    )


def _stale_lines(data: BillInput, current: set[str]) -> tuple[Line, ...]:
    return tuple(
        zero_line(key, mode, data, removed=True)
        for key, mode in sorted(data.existing.items())
        if key.removesuffix(f"/{ROUNDING}") not in current and not is_correction(key)
    )
