"""A unit with a term as people see it, and how such units are grouped by the day they end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

WINDOWS: Final = (7, 30, 90)
"""Days ahead by which renewals are grouped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """One unit with a term.

    Attributes:
        connection: name of the source.
        account: the vendor's id.
        account_name: the vendor's name.
        client: PSA client id, empty without a link.
        client_name: of the PSA, empty without a link.
        product: key.
        product_name: for people.
        unit: the vendor's id of what was bought.
        name: for people.
        seats: how many now.
        next_seats: of the next term, None where no change is scheduled.
        length: ISO 8601 duration, empty if unknown.
        billed: how often it is charged, empty if unknown.
        ends: the vendor's last day, of UTC.
        ends_on: the local day in which that ends.
        days: from today to `ends_on`; negative once it is over.
        window: days of the group it falls into, None beyond all of them or past.
        then: `renews`, `extended`, `ends` or `unknown`.
        falls_until: last local day on which seats may surely still fall, None once they may not.
        extended: it runs on beyond its term.
        rolls: a month that renews by itself.
        not_monthly: it is charged, and not every month.
        renewal_month: `YYYY-MM`, empty where the end is not known.
        excluded: why it does not count, None if it does.
        price: seats times the price that holds today, per `cycle`; no rules, None if unknown.
        cost: likewise.
        cycle: of the rate: `monthly`, `quarterly`, `annual`; empty without one.
        term_price: the price of the whole term, None where it cannot be told.
        term_cost: likewise.
        currency: of the money.
    """

    connection: str
    account: str
    account_name: str
    client: str
    client_name: str
    product: str
    product_name: str
    unit: str
    name: str
    seats: int
    next_seats: int | None
    length: str
    billed: str
    ends: date | None
    ends_on: date | None
    days: int | None
    window: int | None
    then: Literal["renews", "extended", "ends", "unknown"]
    falls_until: date | None
    extended: bool
    rolls: bool
    not_monthly: bool
    renewal_month: str
    excluded: str | None
    price: Decimal | None
    cost: Decimal | None
    cycle: str
    term_price: Decimal | None
    term_cost: Decimal | None
    currency: str

    @property
    def is_over(self) -> bool:
        """Its term came to the end that was told, and it counts no more: nothing is left to do."""
        ended = self.days is not None and self.days < 0
        return ended and self.then == "ends" and self.excluded is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalWindow:
    """What ends in at most so many days, and not in those of a narrower window."""

    days: int
    rows: Sequence[Renewal]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalReport:
    """Everything with a term that needs to be looked at.

    Attributes:
        today: local day.
        timezone: of all local days.
        windows: the narrowest first; what is extended is in `extended` alone.
        past: over by the vendor's own date and still counted, without being called extended.
        extended: runs on beyond its term.
        not_monthly: everything charged otherwise than monthly, however far away its end is.
        rolling: how many months that renew by themselves were left out of the windows.
        undated: how many terms have no end that is known, and are in no window.
        told_elsewhere: how many were left out, because what they stand for is a unit of another
            source, with a term of its own.
        read_at: when each source was read last, by connection; None before its first pull.
    """

    today: date
    timezone: str
    windows: Sequence[RenewalWindow] = ()
    past: Sequence[Renewal] = ()
    extended: Sequence[Renewal] = ()
    not_monthly: Sequence[Renewal] = ()
    rolling: int = 0
    undated: int = 0
    told_elsewhere: int = 0
    read_at: Mapping[str, datetime | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which renewals are wanted.

    Attributes:
        within: days ahead.
        client: id or name of a PSA client, None for all.
        rolling: months that renew by themselves as well.
    """

    within: int = WINDOWS[-1]
    client: str | None = None
    rolling: bool = False

    @property
    def windows(self) -> tuple[int, ...]:
        """The usual windows as far as they are narrower, and the one asked for."""
        return (*(width for width in WINDOWS if width < self.within), self.within)


def arrange(
    rows: Collection[Renewal],
    asked: Asked,
    *,
    today: date,
    timezone: ZoneInfo,
    read_at: Mapping[str, datetime | None],
    told: int = 0,
) -> RenewalReport:
    """Group renewals: what ends is in one window, or is past, or extended, or farther away."""
    ordered = sorted((one for one in rows if not one.is_over), key=_soonest_first)
    running = [one for one in ordered if not one.extended and not (one.rolls and not asked.rolling)]
    return RenewalReport(
        today=today,
        timezone=timezone.key,
        windows=tuple(
            RenewalWindow(days=width, rows=[one for one in running if one.window == width])
            for width in asked.windows
        ),
        past=[
            one for one in running if one.days is not None and one.days < 0 and one.excluded is None
        ],
        extended=[one for one in ordered if one.extended],
        not_monthly=[one for one in ordered if one.not_monthly],
        rolling=sum(one.rolls and one.window is not None and not one.extended for one in ordered)
        * (not asked.rolling),
        undated=sum(one.ends is None and not one.extended for one in ordered),
        told_elsewhere=told,
        read_at=read_at,
    )


def _soonest_first(one: Renewal) -> tuple[date, str, str, str, str]:
    return (
        one.ends_on or date.max,
        (one.client_name or one.account_name).casefold(),
        one.account,
        one.product_name.casefold(),
        one.unit,
    )
