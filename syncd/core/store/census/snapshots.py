"""Which pull is the snapshot of an account at a moment, as known on a day.

A pull proves an account unless it has a gap for it. Before an account was first listed, and after
its removal, a pull proves its absence if none of its scopes has a gap. Voided pulls prove nothing
from the moment they are voided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.store.asking import fetch, fetch_one, scalar
from syncd.core.store.census.records import PullRef
from syncd.core.store.census.selection import moment_or_forever
from syncd.core.store.micros import from_micros, to_micros
from syncd.sdk.records import ScopeState

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader

_STANDS = """
p.connection_id = :connection AND p.period = :period AND p.recorded_at <= :as_of
AND NOT EXISTS (SELECT 1 FROM pull_void v WHERE v.pull_id = p.id AND v.voided_at <= :as_of)
"""
_LISTED = "p.seq >= a.first_pull AND (a.removed_pull IS NULL OR p.seq < a.removed_pull)"
_WITHOUT_SCOPE_GAP = """
NOT EXISTS (SELECT 1 FROM pull_gap s WHERE s.pull_id = p.id AND s.account_id IS NULL)
"""
_PROVES = f"""
NOT EXISTS (SELECT 1 FROM pull_gap g WHERE g.account_id = a.id AND g.pull_id = p.id)
AND (({_LISTED}) OR {_WITHOUT_SCOPE_GAP})
"""  # noqa: S608 - constants of this module
_NEWEST = f"""
SELECT a.id, p.id, p.seq, p.taken_at, p.recorded_at FROM account a
  LEFT JOIN pull p ON p.id = (
       SELECT p.id FROM pull p
        WHERE {_STANDS} AND p.seq <= :top AND p.taken_at < :before AND {_PROVES}
        ORDER BY p.seq DESC LIMIT 1)
 WHERE a.connection_id = :connection ORDER BY a.id
"""  # noqa: S608 - as above
_FIRST = f"""
SELECT a.id, p.id, p.seq, p.taken_at, p.recorded_at FROM account a
  JOIN pull p ON p.id = (
       SELECT p.id FROM pull p
        WHERE {_STANDS} AND p.seq >= :bottom
          AND p.taken_at >= :after AND p.taken_at < :until AND {_PROVES}
        ORDER BY p.seq LIMIT 1)
 WHERE a.connection_id = :connection ORDER BY a.id
"""  # noqa: S608 - as above
# Without these ends, each account would walk over all the pulls on the wrong side.
_TOP = "SELECT max(seq) FROM pull WHERE connection_id = :connection AND taken_at < :before"
_BOTTOM = "SELECT min(seq) FROM pull WHERE connection_id = :connection AND taken_at >= :after"
_ATTEMPT = """
SELECT p.id, p.seq, p.taken_at, p.recorded_at,
       EXISTS (SELECT 1 FROM pull_void v WHERE v.pull_id = p.id AND v.voided_at <= :as_of)
  FROM pull p
 WHERE p.connection_id = :connection AND p.period = :period AND p.recorded_at <= :as_of
   AND p.taken_at < :before
 ORDER BY p.seq DESC LIMIT 1
"""
_STATES = f"""
SELECT a.id, g.state, CASE WHEN ({_LISTED}) OR {_WITHOUT_SCOPE_GAP} THEN 1 ELSE 0 END
  FROM account a JOIN pull p ON p.id = :pull
  LEFT JOIN pull_gap g ON g.account_id = a.id AND g.pull_id = p.id
 WHERE a.connection_id = :connection ORDER BY a.id
"""  # noqa: S608 - as above
_STANDING = f"SELECT p.seq, p.taken_at FROM pull p WHERE {_STANDS} ORDER BY p.seq"  # noqa: S608 - as above
_HIDDEN = """
SELECT p.seq FROM pull p
 WHERE p.connection_id = :connection AND p.period = :period
   AND (p.recorded_at > :as_of
        OR EXISTS (SELECT 1 FROM pull_void v WHERE v.pull_id = p.id AND v.voided_at <= :as_of))
"""
_UNPROVEN_AT = f"""
SELECT a.id, (SELECT p.seq FROM pull p
               WHERE {_STANDS} AND p.seq < d.seq AND p.taken_at < :before AND {_PROVES}
               ORDER BY p.seq DESC LIMIT 1)
  FROM account a JOIN pull d ON d.connection_id = a.connection_id AND d.seq = :seq
 WHERE a.connection_id = :connection
   AND (EXISTS (SELECT 1 FROM pull_gap g WHERE g.account_id = a.id AND g.pull_id = d.id)
        OR ((d.seq < a.first_pull OR d.seq >= a.removed_pull)
            AND EXISTS (SELECT 1 FROM pull_gap s WHERE s.pull_id = d.id AND s.account_id IS NULL)))
"""  # noqa: S608 - as above


async def proven_pulls(
    connection: Reader,
    connection_id: int,
    *,
    before: datetime,
    as_of: datetime | None = None,
    period: str = "",
) -> dict[int, PullRef | None]:
    """For each account the newest pull taken before the moment that proved it, or None.

    Args:
        connection: a reader.
        connection_id: whose accounts.
        before: the pull was taken earlier than this.
        as_of: only what was recorded, and voided, by then; None is now.
        period: for sources of months: only pulls of that month.
    """
    limit = {"connection": connection_id, "before": to_micros(before)}
    bound = _bound(connection_id, as_of, period) | limit
    rows = await fetch(
        connection, _NEWEST, bound | {"top": await scalar(connection, _TOP, limit) or 0}
    )
    return {row[0]: None if row[1] is None else _proven(*row[1:]) for row in rows}


async def first_proven_after(
    connection: Reader,
    connection_id: int,
    *,
    after: datetime,
    until: datetime,
    as_of: datetime | None = None,
    period: str = "",
) -> dict[int, PullRef]:
    """For each account the first pull taken in `[after, until)` that proved it, if there is one."""
    limit = {"connection": connection_id, "after": to_micros(after)}
    bottom = await scalar(connection, _BOTTOM, limit)
    if bottom is None:
        return {}
    bound = _bound(connection_id, as_of, period) | limit
    bound |= {"until": to_micros(until), "bottom": bottom}
    return {row[0]: _proven(*row[1:]) for row in await fetch(connection, _FIRST, bound)}


async def latest_attempts(
    connection: Reader,
    connection_id: int,
    *,
    before: datetime,
    as_of: datetime | None = None,
    period: str = "",
) -> dict[int, PullRef]:
    """The newest pull taken before the moment, with what it proved of each account.

    Its state for an account is complete when it proved it; a voided pull proved nothing. Empty when
    there was no pull at all; a pull that ended in an error before anything was read left none.
    """
    bound = _bound(connection_id, as_of, period) | {"before": to_micros(before)}
    found = await fetch_one(connection, _ATTEMPT, bound)
    if found is None:
        return {}
    pull_id, seq, taken_at, recorded_at, voided = found
    states = await fetch(connection, _STATES, {"connection": connection_id, "pull": pull_id})
    return {
        account: PullRef(
            pull_id,
            seq,
            from_micros(taken_at),
            from_micros(recorded_at),
            _state(gap, speaks=bool(speaks), voided=bool(voided)),
        )
        for account, gap, speaks in states
    }


@dataclass(frozen=True, slots=True)
class DaySnapshots:
    """The snapshot of each day, as a pull's number; None before there is one.

    Attributes:
        usual: of accounts that every one of these pulls proved.
        own: of the others.
    """

    usual: tuple[int | None, ...]
    own: Mapping[int, tuple[int | None, ...]]

    def of(self, account_id: int) -> tuple[int | None, ...]:
        return self.own.get(account_id, self.usual)


async def day_snapshots(
    connection: Reader,
    connection_id: int,
    ends: list[datetime],
    *,
    as_of: datetime | None = None,
) -> DaySnapshots:
    """The snapshot at the end of each day: the highest pull before it that proved the account.

    An unproven pull changed nothing of its account, so any later one shows the same; the account's
    own pull is named only where one lies between that was voided, or not yet known.

    Args:
        connection: a reader.
        connection_id: whose pulls.
        ends: the end of each day, ascending.
        as_of: only what was recorded, and voided, by then.
    """
    bound = _bound(connection_id, as_of, "")
    standing = [(row[0], row[1]) for row in await fetch(connection, _STANDING, bound)]
    hidden = [row[0] for row in await fetch(connection, _HIDDEN, bound)]
    limits = [to_micros(end) for end in ends]
    usual = tuple(
        max((seq for seq, taken_at in standing if taken_at < limit), default=None)
        for limit in limits
    )
    own: dict[int, list[int | None]] = {}
    for seq in dict.fromkeys(usual):
        if seq is None:
            continue
        days = [day for day, used in enumerate(usual) if used == seq]
        before = {"seq": seq, "before": limits[days[0]]}
        for account, proven in await fetch(connection, _UNPROVEN_AT, bound | before):
            mended = own.setdefault(account, list(usual))
            overtaken = proven is not None and any(proven < other < seq for other in hidden)
            for day in days:
                mended[day] = proven if proven is None or overtaken else seq
    return DaySnapshots(usual, {account: tuple(days) for account, days in own.items()})


def _bound(connection_id: int, as_of: datetime | None, period: str) -> dict[str, object]:
    return {
        "connection": connection_id,
        "period": period,
        "as_of": moment_or_forever(as_of),
    }


def _proven(pull_id: int, seq: int, taken_at: int, recorded_at: int) -> PullRef:
    moments = from_micros(taken_at), from_micros(recorded_at)
    return PullRef(pull_id, seq, *moments, ScopeState.COMPLETE)


def _state(gap: str | None, *, speaks: bool, voided: bool) -> ScopeState:
    if voided or (gap is None and not speaks):
        return ScopeState.UNKNOWN
    return ScopeState.COMPLETE if gap is None else ScopeState(gap)
