"""The term of a subscription: until when it is committed, what happens then, what may still fall.

Rules of Microsoft's new commerce: seats rise at any time, and fall only within seven days of their
purchase or of a renewal; what is told here never changes a count.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from syncd.sdk.terms import Term
from syncd_csp.models import Subscription
from syncd_csp.values import enum, moment, whole

Then = Literal["renews", "extended", "ends", "unknown"]
Doubt = Callable[[str], None]

EXTENDED_SINCE: Final = datetime(2026, 5, 4, tzinfo=UTC)
"""From here on what ends without a renewal runs on, month by month, in an extended term."""

EXTENDED_FOR: Final = datetime(2025, 4, 1, tzinfo=UTC)
"""It holds for what was bought or renewed from here on."""

BILLED: Final = {
    "monthly": "monthly",
    "annual": "annual",
    "biennial": "biennial",
    "triennial": "triennial",
    "one_time": "once",
}
"""Billing cycles that are known, as a `Term` calls them."""

FAR: Final = timedelta(days=3653)
"""An end that is farther away stands for none: the former commerce writes the year 9999."""

_ACTIONS: Final[dict[str, Then]] = {
    "renew_to_new_term": "renews",
    "renew_to_extended_service_term": "extended",
    "cancel": "ends",
    "transition": "unknown",
}

_OVER: Final = {"expired", "deleted"}
"""Statuses of what has ended, whatever was to follow."""


class Reader:
    """Reads the terms of one customer's subscriptions.

    Attributes:
        without_renewal: the setting of that name.
    """

    def __init__(self, without_renewal: str, now: datetime, doubt: Doubt) -> None:
        """Begin a read.

        Args:
            without_renewal: what becomes of a subscription that does not renew by itself.
            now: UTC.
            doubt: told of values that cannot be read, once each.
        """
        self._without_renewal = without_renewal
        self._now = now
        self._doubt = doubt

    def term(self, one: Subscription, *, extended: bool) -> Term:
        """The term of a subscription.

        Args:
            one: as listed.
            extended: it runs beyond its term already, by the names that the settings give.
        """
        ends = self._moment(one.committed) or self._moment(one.committed_until)
        if ends is not None and ends - self._now > FAR:
            ends = None
        until = self.falls_until(one)
        return Term(
            ends=ends.date() if ends else None,
            then="extended" if extended else self._then(one, ends),
            length=(one.term or "").strip().upper(),
            billed=BILLED.get(enum(one.cycle), ""),
            falls_until=self._whole_day(until),
            next_quantity=self._next_quantity(one),
            extended=extended,
        )

    def falls_until(self, one: Subscription) -> datetime | None:
        """The last moment at which some of the seats may still be given back."""
        refundable = one.refundable.details if one.refundable else []
        moments = [self._moment(part.until) for part in refundable if part.quantity]
        moments.append(self._moment(one.cancellable))
        ahead = [at for at in moments if at is not None and at > self._now]
        return max(ahead, default=None)

    def _whole_day(self, until: datetime | None) -> date | None:
        """The last day that is over when seats may no longer fall; None where none is left."""
        if until is None:
            return None
        day = (until + timedelta(seconds=1)).date() - timedelta(days=1)
        return day if day >= self._now.date() else None

    def may_fall(self, one: Subscription, quantity: int) -> int:
        """How many seats may still be given back."""
        cancellable = self._moment(one.cancellable)
        if cancellable is not None and cancellable > self._now:
            return quantity
        parts = one.refundable.details if one.refundable else []
        total = Decimal(0)
        for part in parts:
            until = self._moment(part.until)
            if until is not None and until > self._now:
                total += part.quantity or 0
        try:
            return min(whole(total), quantity)
        except ValueError:
            self._doubt("UNREADABLE_VALUE: refundableQuantity")
            return 0

    def _then(self, one: Subscription, ends: datetime | None) -> Then:
        if enum(one.status) in _OVER:
            return "ends"  # what runs on after it is a subscription of its own
        for action in one.actions or ():
            if enum(action.schedule) != "term_end":
                continue
            what = enum(action.action)
            if what not in _ACTIONS:
                self._doubt(f"UNKNOWN_VALUE: actionType {what or '(empty)'}")
            return _ACTIONS.get(what, "unknown")
        if one.renews is None:
            return "unknown"
        if one.renews:
            return "renews"
        return self._unrenewed(one, ends)

    def _unrenewed(self, one: Subscription, ends: datetime | None) -> Then:
        match self._without_renewal:
            case "extended":
                return "extended"
            case "ends":
                return "ends"
            case "by_date":
                begun = self._moment(one.effective) or self._moment(one.created)
                if ends is None or begun is None:
                    return "unknown"
                late = ends >= EXTENDED_SINCE and begun >= EXTENDED_FOR
                return "extended" if late else "ends"
            case _:
                return "unknown"

    def _next_quantity(self, one: Subscription) -> int | None:
        told = one.next_term.quantity if one.next_term else None
        if told is None:
            return None
        try:
            number = whole(told)
        except ValueError:
            self._doubt("UNREADABLE_VALUE: scheduledNextTermInstructions.quantity")
            return None
        return number if number != one.quantity else None

    def _moment(self, text: str | None) -> datetime | None:
        try:
            return moment(text)
        except ValueError:
            self._doubt("UNREADABLE_VALUE: a date of a subscription")
            return None
