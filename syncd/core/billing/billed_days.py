"""The days of a month that an account is billed for, and what stood on them.

Most months have none of this: only the first and the last month of an account, and those after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from syncd.core.billing.choices import BilledIn

if TYPE_CHECKING:
    from syncd.core.billing.model import Configuration


class Policy(StrEnum):
    """How a part of a month is billed: as a whole one, by its days, or not at all."""

    FULL = "full"
    BY_DAYS = "by_days"
    FREE = "free"


class CountedDays(msgspec.Struct, frozen=True):
    """Days in a row with one count at their end."""

    first: date
    last: date
    quantity: int

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


class DaySum(msgspec.Struct, frozen=True):
    """What stood of one product on the billed days.

    Attributes:
        spans: days in a row with the same count, ascending; days of which nothing is known are
            absent.
    """

    spans: tuple[CountedDays, ...] = ()

    @property
    def unit_days(self) -> int:
        """Sum over the days of the count at their end."""
        return sum(span.quantity * span.days for span in self.spans)

    @property
    def days(self) -> int:
        """Billed days of which a count is known."""
        return sum(span.days for span in self.spans)

    @property
    def peak(self) -> int:
        return max((span.quantity for span in self.spans), default=0)


NOTHING: Final = DaySum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """The part of a month that an account is billed for.

    Attributes:
        first: first billed day.
        last: last billed day; before `first` where billing ended before the month.
        month_days: days of the month.
        starts: billing starts in this month.
        ends: billing ends in this month.
        first_month: the account's own choice for the month in which it starts.
        last_month: likewise for the month in which it ends.
        used: by product key: what stood on those days; facts of a month are absent.
    """

    first: date
    last: date
    month_days: int
    starts: bool = False
    ends: bool = False
    first_month: Policy | None = None
    last_month: Policy | None = None
    used: Mapping[str, DaySum] = field(default_factory=dict)

    @property
    def days(self) -> int:
        return max((self.last - self.first).days + 1, 0)

    @property
    def over(self) -> bool:
        """Billing ended before this month."""
        return not self.days

    def nothing_for(self, configuration: Configuration) -> bool:
        """Whether the month that its lines are for lies behind the end of billing."""
        return self.over or (self.ends and configuration.billed_in is BilledIn.ADVANCE)

    def policy(self, configuration: Configuration) -> Policy:
        """How the configuration bills this month.

        The account's own choice goes before the configuration's. In a month that is first and last,
        `free` goes before `by_days`, and that before `full`.
        """
        chosen = []
        if self.starts:
            chosen.append(self.first_month or configuration.first_month)
        if self.ends:
            chosen.append(self.last_month or configuration.last_month)
        for policy in (Policy.FREE, Policy.BY_DAYS):
            if policy in chosen:
                return policy
        return Policy.FULL


class Prorated(msgspec.Struct, frozen=True):
    """How the money of one product follows the billed days: amount x rate x `top` / `bottom`.

    Attributes:
        policy: `by_days` or `free`.
        first: first billed day.
        last: last billed day.
        days: how many billed days there are.
        month_days: days of the month.
        whole: the count that the rules were applied to for the money.
        top: numerator of the share; 0 where the month is free.
        bottom: denominator of the share.
        spans: counts at the end of the billed days, empty where only the number of days decides.
    """

    policy: str
    first: date
    last: date
    days: int
    month_days: int
    whole: Decimal
    top: int
    bottom: int
    spans: tuple[CountedDays, ...] = ()

    @property
    def unit_days(self) -> int:
        return sum(span.quantity * span.days for span in self.spans)
