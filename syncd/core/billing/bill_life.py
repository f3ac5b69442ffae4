"""The life of a bill: which month an event may bill, and how final the bill is afterwards.

Local time decides, and final states protect: whatever a clock does, an automatic bill is changed
by nobody before a person reopens it, and no final bill becomes temporary again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from syncd.sdk.period import Period, day_start, last_finished, require_utc

WINDOW_DAYS: Final = 3
"""Local days at the beginning of a month in which automatic bills of the month before are made."""

AUTO_TIME: Final = time(0, 15)
"""Local time of day 1 at which the window opens unless a setting says otherwise."""


class BillKind(StrEnum):
    """How final a bill is; a bill becomes manual or automatic once all of it was acknowledged."""

    TEMPORARY = "TEMPORARY"
    MANUAL = "MANUAL"
    AUTOMATIC = "AUTOMATIC"

    @property
    def final(self) -> bool:
        return self is not BillKind.TEMPORARY


class Act(StrEnum):
    """What an event does with a bill; an update may find that no write is needed."""

    CREATE = "create"
    UPDATE = "update"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What an event does with the bill of one month.

    Attributes:
        period: the month.
        act: create, update or nothing.
        becomes: kind of the bill once all of it was acknowledged, None where nothing is done.
        reason: code that says why nothing is done, else empty.
    """

    period: Period
    act: Act
    becomes: BillKind | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What the events of one account depend on.

    Attributes:
        zone: of billing; its calendar is the one of bills.
        automatic: whether the account is billed without being asked.
        start: day on which its billing was enabled; its month is the first that is billed. None
            sets no bound.
        bills: kind of the newest bill by month; months without a bill are absent. A bill that a
            person reopened is a manual one, whatever it was.
        reopened: months whose bill a person reopened and nobody made again since.
        auto_time: local time of day 1 at which the window opens.
    """

    zone: ZoneInfo
    automatic: bool = True
    start: date | None = None
    bills: Mapping[Period, BillKind] = field(default_factory=dict)
    reopened: Collection[Period] = ()
    auto_time: time = AUTO_TIME

    def auto_tick(self, now: datetime) -> Action:
        """The automatic run: the month before within its window, and never the running one."""
        period = last_finished(now, self.zone)
        bill = self.bills.get(period)
        if not self.automatic:
            return _nothing(period, "AUTO_DISABLED")
        if bill is BillKind.AUTOMATIC:
            return _nothing(period, "ALREADY_AUTOMATIC")
        if self._too_early(period):
            return _nothing(period, "BEFORE_BILLING_START")
        if window_over(now, self.zone):
            missed = bill is not BillKind.MANUAL
            return _nothing(period, "AUTO_WINDOW_MISSED" if missed else "ALREADY_MANUAL")
        if require_utc(now) < window_opens(period.following(), self.zone, self.auto_time):
            return _nothing(period, "AUTO_PENDING")
        return _written(period, bill, BillKind.AUTOMATIC)

    def by_hand(self, period: Period) -> Action:
        """A finished month that a person bills, whether the automatic run is to come or not."""
        bill = self.bills.get(period)
        if bill is BillKind.AUTOMATIC:
            return _nothing(period, "PREVIOUS_IS_AUTOMATIC")
        if self._too_early(period):
            return _nothing(period, "BEFORE_BILLING_START")
        return _written(period, bill, BillKind.MANUAL)

    def manual_send(self, now: datetime) -> tuple[Action, Action]:
        """A send by a person: the month before, then the running month."""
        return self._send_previous(now), self._send_running(now)

    def _send_previous(self, now: datetime) -> Action:
        action = self.by_hand(last_finished(now, self.zone))
        to_come = self.automatic and not window_over(now, self.zone)
        if action.becomes is not None and to_come and action.period not in self.reopened:
            return _nothing(action.period, "AUTO_PENDING")
        return action

    def _send_running(self, now: datetime) -> Action:
        period = Period.containing(now, self.zone)
        bill = self.bills.get(period)
        if bill is not None and bill.final:
            return _nothing(period, "PERIOD_ALREADY_FINAL")
        if self._too_early(period):
            return _nothing(period, "BEFORE_BILLING_START")
        return _written(period, bill, BillKind.TEMPORARY)

    def reopen(self, period: Period) -> Action:
        """A person makes a final bill changeable again: it is a manual one that waits to be made.

        Nothing of it is written by that alone, and a month that has no final bill needs no word.
        """
        bill = self.bills.get(period)
        if bill is None or not bill.final:
            return _nothing(period, "NOTHING_TO_REOPEN")
        if period in self.reopened:
            return _nothing(period, "ALREADY_REOPENED")
        return _written(period, bill, BillKind.MANUAL)

    def _too_early(self, period: Period) -> bool:
        return self.start is not None and period < Period(self.start.year, self.start.month)


def window_opens(month: Period, zone: ZoneInfo, auto_time: time = AUTO_TIME) -> datetime:
    """The instant at which the window in `month` opens, in UTC.

    Of a time that comes twice, since clocks go back over it, the first one counts.
    """
    opens = datetime.combine(month.first_day, auto_time, tzinfo=zone).astimezone(UTC)
    return max(opens, month.start(zone))


def window_over(now: datetime, zone: ZoneInfo) -> bool:
    """Whether the local day is past those in which automatic bills are made."""
    month = Period.containing(now, zone)
    return require_utc(now) >= day_start(month.first_day + timedelta(days=WINDOW_DAYS), zone)


def _written(period: Period, bill: BillKind | None, becomes: BillKind) -> Action:
    act = Act.CREATE if bill is None else Act.UPDATE
    return Action(period=period, act=act, becomes=becomes)


def _nothing(period: Period, reason: str) -> Action:
    return Action(period=period, act=Act.NONE, reason=reason)
