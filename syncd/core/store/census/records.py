"""What the census takes and gives: values without a database behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from syncd.sdk.records import ScopeState


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a pull did not prove.

    Attributes:
        account_key: the account, None when it speaks for a whole scope.
        scope: as the source named it; empty where no scope speaks for the account.
        state: partial or unknown.
        reason: a code, a colon and a detail, e.g. `DUPLICATE_UNIT: 4711 (device:server)`.
    """

    account_key: str | None
    scope: str
    state: ScopeState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """What a recorded pull proved and changed.

    Attributes:
        pull_id: row id of the pull.
        seq: its number within the connection.
        state: complete when there is no gap, unknown when every scope is, else partial.
        declared: units the vendor said there are, None when a scope did not say.
        seen: units that were added, duplicates and undeclared accounts included.
        opened: intervals that began: new units and new facts of known ones.
        closed: intervals that ended.
        accounts: size of the roster.
        gaps: what was not proven; first the scopes, then their accounts.
        absent: accounts that this pull missed for the first time; nothing of them is closed.
        removed: accounts whose absence this pull confirmed; their units are closed.
    """

    pull_id: int
    seq: int
    state: ScopeState
    declared: int | None
    seen: int
    opened: int
    closed: int
    accounts: int
    gaps: tuple[Gap, ...]
    absent: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PullRef:
    """A pull as the snapshot of one account.

    Attributes:
        id: row id.
        seq: number within the connection.
        taken_at: start of the read, UTC.
        recorded_at: commit, UTC.
        state: what the pull proved about that account.
    """

    id: int
    seq: int
    taken_at: datetime
    recorded_at: datetime
    state: ScopeState


class Count(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Quantity of one product of one account at a pull."""

    account_id: int
    product_id: int
    quantity: int


class MonthCount(msgspec.Struct, frozen=True, gc=False):
    """One product of one account over the local days of a month.

    Attributes:
        account_id: row id.
        product_id: row id.
        last: quantity at the last snapshot of the month.
        peak: largest quantity at the end of a day.
        unit_days: sum over the days of the quantity at their end.
        days: days that have a snapshot or carry an earlier one; `unit_days / days` is the average,
            exact.
    """

    account_id: int
    product_id: int
    last: int
    peak: int
    unit_days: int
    days: int


@dataclass(frozen=True, slots=True)
class EvidenceUnit:
    """One unit behind a count.

    Attributes:
        unit: the vendor's id.
        name: for people.
        quantity: how many.
        excluded: reason code when it does not count, else None. It is the source's, `by_hand` of
            a person, or `stale` by a rule, which may also count what the source left out.
        attributes: canonical JSON of its slow facts.
        opened_seq: pull since which exactly these facts hold.
        opened_at: start of that pull, UTC.
        note: why, in the words of the person who keeps it out by hand; else empty.
    """

    unit: str
    name: str
    quantity: int
    excluded: str | None
    attributes: str
    opened_seq: int
    opened_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """A unit that entered or left the count between two pulls.

    Attributes:
        unit: as it stands at the later pull, or stood at the earlier one when it is gone.
        by_exclusion: it was there at both pulls, and only the exclusion came or went.
        reason: the exclusion that came or went, else None.
        at: start of the pull that first showed it, UTC; None where no pull tells it.
    """

    unit: EvidenceUnit
    by_exclusion: bool
    reason: str | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Resized:
    """A unit that counts at both pulls with different quantities (seats of a subscription)."""

    unit: EvidenceUnit
    before: int


@dataclass(frozen=True, slots=True)
class Movements:
    """Why a count differs between two pulls; the sums of the three lists are the difference."""

    joined: tuple[Moved, ...]
    left: tuple[Moved, ...]
    resized: tuple[Resized, ...]
