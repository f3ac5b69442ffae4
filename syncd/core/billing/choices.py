"""What a configuration can choose: the mode of a line, who owns its amounts, when it is billed."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """How a group of products becomes one line.

    `adjustment` is never configured: it is the mode of a rounding line.
    """

    AVERAGE = "average"
    TOTAL = "total"
    QUANTITY = "quantity"
    ADJUSTMENT = "adjustment"


class RoundingPolicy(StrEnum):
    """What happens with the residual of a line: reported, or covered by a line of its own."""

    REPORT = "report"
    ADJUST = "adjust"


class Owner(StrEnum):
    """Who owns a price or a cost on the PSA's record."""

    SYNCD = "syncd"
    PSA = "psa"


class BilledIn(StrEnum):
    """Which month a line is for; both take the count at the turn of the month.

    `arrears` is for the month that ended, `advance` for the month that begins.
    """

    ARREARS = "arrears"
    ADVANCE = "advance"
