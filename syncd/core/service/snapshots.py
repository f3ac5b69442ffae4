"""Which pull a finished month is billed from, account by account, and what is said against it.

The count of a month is the last proven pull before its end. One that is too old holds the bill; a
source that was asked since and proved nothing stops it: missing is never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.census.records import PullRef
from syncd.core.store.census.snapshots import first_proven_after, latest_attempts, proven_pulls
from syncd.sdk.period import Period, day_start
from syncd.sdk.records import Objection, ScopeState

LATE_DAYS = 3
"""Local days after the month within which its first pull may still stand for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The pull that a bill rests on.

    Attributes:
        pull: the pull, None when there is none to rest on.
        error: code that stops the bill, or None.
        warning: code that does not, or None.
        stale: sentence of the objection SOURCE_STALE, or empty.
        month: for a source that reports months: the pull of the month's facts.
    """

    pull: PullRef | None
    error: str | None = None
    warning: str | None = None
    stale: str = ""
    month: Snapshot | None = None

    @property
    def is_proven(self) -> bool:
        """There is a pull to count at, and nothing that forbids it."""
        return self.pull is not None and self.error is None

    @property
    def errors(self) -> tuple[str, ...]:
        """Codes that stop the bill: of what stands, and of the month's facts."""
        of_month = self.month.error if self.month is not None else None
        return tuple(dict.fromkeys(code for code in (self.error, of_month) if code))

    @property
    def is_late(self) -> bool:
        """The pull was taken after the month: there is no day of the month to speak of."""
        return self.warning is not None

    def objections(self, bill: str) -> tuple[Objection, ...]:
        """What holds the bill."""
        of_month = self.month.objections(bill) if self.month is not None else ()
        return (*self._stale(bill), *of_month)

    def _stale(self, bill: str) -> tuple[Objection, ...]:
        return (Objection("SOURCE_STALE", self.stale, bill=bill),) if self.stale else ()


async def snapshots(
    conn: AsyncConnection,
    connection_id: int,
    period: Period,
    zone: ZoneInfo,
    *,
    max_age_hours: int,
    now: datetime | None = None,
    as_of: datetime | None = None,
) -> dict[int, Snapshot]:
    """The snapshot of every account of a connection for a month.

    Args:
        conn: a reader's connection.
        connection_id: the source.
        period: the month billed.
        zone: of billing.
        max_age_hours: a pull older than this at the end of the month is stale.
        now: of a month that goes on: what stands now is taken for its end.
        as_of: only pulls recorded, and voided, by then; None for what is known now.
    """
    end = period.end(zone) if now is None else now
    late_until = day_start(period.following().first_day + timedelta(days=LATE_DAYS), zone)
    proven = await proven_pulls(conn, connection_id, before=end, as_of=as_of)
    tried = await latest_attempts(conn, connection_id, before=end, as_of=as_of)
    late = (
        await first_proven_after(conn, connection_id, after=end, until=late_until, as_of=as_of)
        if now is None
        else {}
    )
    oldest = end - timedelta(hours=max_age_hours)
    return {
        account: judge(found, tried.get(account), late.get(account), oldest=oldest, end=end)
        for account, found in proven.items()
    }


def judge(
    proven: PullRef | None,
    tried: PullRef | None,
    late: PullRef | None,
    *,
    oldest: datetime,
    end: datetime,
) -> Snapshot:
    """The snapshot of one account.

    Args:
        proven: the newest pull before the end of the month that proved the account.
        tried: the newest pull before the end, with what it proved of the account.
        late: the first pull within the days of grace that proved it.
        oldest: a pull taken before this moment is stale.
        end: of the month.
    """
    if proven is None:
        if late is None:
            return Snapshot(pull=None, error="NO_SNAPSHOT")
        return Snapshot(pull=late, warning=f"LATE_SNAPSHOT:{late.taken_at:%Y-%m-%dT%H:%MZ}")
    if proven.taken_at >= oldest:
        return Snapshot(pull=proven)
    if tried is not None and tried.seq > proven.seq and tried.state is not ScopeState.COMPLETE:
        return Snapshot(pull=proven, error="SOURCE_INCOMPLETE")
    hours = int((end - proven.taken_at).total_seconds() // 3600)
    return Snapshot(
        pull=proven,
        stale=f"the last proven pull is {hours} hours older than the end of the month "
        f"(pull {proven.seq}, {proven.taken_at:%Y-%m-%d %H:%M} UTC)",
    )


def seqs(found: Mapping[int, Snapshot]) -> dict[int, list[int]]:
    """Accounts by the number of the pull they are counted at; those without one are absent."""
    grouped: dict[int, list[int]] = {}
    for account, snapshot in found.items():
        if snapshot.pull is not None and snapshot.error is None:
            grouped.setdefault(snapshot.pull.seq, []).append(account)
    return grouped
