"""The numbers from which on a plan waits for a person; every one is a setting."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """When a plan is held; every number is a setting (docs/config.md).

    Attributes:
        line_percent: a line's units change by more than this share …
        line_units: … and by at least this many.
        line_money: a line's money changes by more than this.
        client_percent: a client's total changes by more than this share …
        client_money: … and by more than this amount.
        run_percent: the total of the run changes by more than this share.
    """

    line_percent: Decimal = Decimal(25)
    line_units: int = 3
    line_money: Decimal = Decimal(250)
    client_percent: Decimal = Decimal(20)
    client_money: Decimal = Decimal(100)
    run_percent: Decimal = Decimal(5)
