"""Whether a unit counts, where more decides it than what its source said.

A person may keep a unit out of every count, and a rule may say after how many silent days a unit
counts no more. Both are judged here alone, so that counts, evidence and movements cannot differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from syncd.core.store.asking import fetch
from syncd.core.store.census.selection import among, listed, moment_or_forever
from syncd.core.store.hand_exclusion import HandExclusion
from syncd.core.store.micros import from_micros

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader

BY_HAND: Final = "by_hand"
"""Reason of a unit that a person keeps out; nothing brings it back."""

STALE: Final = "stale"
"""Reason of a unit that was silent for too long, whether its source or a rule says so."""

SILENT_SINCE: Final = "silent_since"
"""Attribute by which a source says since when a unit is silent; see docs/writing-a-plugin.md."""

_HELD = """
SELECT x.id, x.account_id, x.product_key, x.unit, x.reason
  FROM unit_exclusion x JOIN account a ON a.id = x.account_id
 WHERE a.connection_id = :connection AND x.recorded_at <= :as_of
   AND (x.superseded_at IS NULL OR x.superseded_at > :as_of)
   AND (:account = 0 OR x.account_id = :account)
 ORDER BY x.id
"""
_MOMENTS = (
    "SELECT p.seq, p.taken_at FROM pull p WHERE p.connection_id = :connection"
    " AND p.seq >= :first AND p.seq <= :last"
)


async def kept_out(
    connection: Reader,
    connection_id: int,
    *,
    as_of: datetime | None = None,
    account_id: int = 0,
) -> tuple[HandExclusion, ...]:
    """What people kept out of the counts of a connection, or of one of its accounts.

    Args:
        connection: a reader.
        connection_id: row id.
        as_of: what held then; None is now.
        account_id: row id, 0 for all accounts.
    """
    moment = moment_or_forever(as_of)
    bound = {"connection": connection_id, "as_of": moment, "account": account_id}
    return tuple(
        HandExclusion(
            version=row[0], account_id=row[1], product_key=row[2], unit=row[3], reason=row[4]
        )
        for row in await fetch(connection, _HELD, bound)
    )


@dataclass(frozen=True, kw_only=True)
class CountPolicy:
    """What decides beside the source.

    Attributes:
        by_hand: what people keep out of the connection's counts.
        included: exclusion reasons that count after all.
        stale_after_days: a unit that its source knows to be silent for so long does not count, and
            one that is silent for less does, even where the source excluded it as stale. None
            leaves it to the source.
    """

    by_hand: Collection[HandExclusion] = ()
    included: Collection[str] = ()
    stale_after_days: int | None = None

    def __bool__(self) -> bool:
        """Whether anything but the source decides."""
        return bool(self.by_hand) or self.stale_after_days is not None

    @cached_property
    def _words(self) -> Mapping[tuple[int, str, str], str]:
        return {(one.account_id, one.product_key, one.unit): one.reason for one in self.by_hand}

    def words(self, account_id: int, product_key: str, unit: str) -> str | None:
        """Why a person keeps the unit out; None where nobody does."""
        own = self._words.get((account_id, product_key, unit))
        return own if own is not None else self._words.get((account_id, "", unit))

    def reason(self, excluded: str | None, attributes: str, moment: datetime) -> str | None:
        """Why a unit that nobody keeps out by hand does not count at a moment, or None.

        Args:
            excluded: what its source said.
            attributes: its facts as JSON.
            moment: start of the pull that it is counted at.
        """
        if self.stale_after_days is None or (excluded or STALE) != STALE:
            return excluded
        since = silent_since(attributes)
        if since is None:
            return excluded
        return STALE if since <= moment - timedelta(days=self.stale_after_days) else None

    @cached_property
    def after_all(self) -> frozenset[str]:
        """Exclusion reasons that count after all.

        What a person keeps out stays out, and where a rule says what is stale, stale stays out.
        """
        decided = {BY_HAND} if self.stale_after_days is None else {BY_HAND, STALE}
        return frozenset(self.included) - decided

    def counts(self, reason: str | None) -> bool:
        """Whether a unit with such a reason counts: it has none, or one that counts after all."""
        return reason is None or reason in self.after_all


@lru_cache(maxsize=4096)
def silent_since(attributes: str) -> datetime | None:
    """Since when a unit is silent by its own facts, UTC; a day is its first moment.

    None where its source says nothing of it, or no ISO date or moment.
    """
    if SILENT_SINCE not in attributes:
        return None
    said = msgspec.json.decode(attributes).get(SILENT_SINCE)
    try:
        since = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return None
    return since if since.tzinfo else since.replace(tzinfo=UTC)


class _Unit(NamedTuple):
    """An interval on which more than its source has to be asked."""

    account_id: int
    product_id: int
    product_key: str
    unit: str
    quantity: int
    excluded: str | None
    attributes: str
    opened: int
    closed: int | None


class Differences:
    """By how much judged counts differ from those of the source alone."""

    def __init__(
        self, policy: CountPolicy, units: Iterable[_Unit], moments: Mapping[int, datetime]
    ) -> None:
        self._policy = policy
        self._moments = moments
        self._units: dict[tuple[int, int], list[_Unit]] = defaultdict(list)
        for unit in units:
            self._units[unit.account_id, unit.product_id].append(unit)

    @property
    def groups(self) -> Collection[tuple[int, int]]:
        """Account and product ids that may differ."""
        return self._units.keys()

    def at(self, group: tuple[int, int], seq: int) -> int:
        """What is to be added to the count of a group at a pull."""
        return sum(
            unit.quantity * (self._judged(unit, seq) - self._policy.counts(unit.excluded))
            for unit in self._units.get(group, ())
            if unit.opened <= seq and (unit.closed is None or unit.closed > seq)
        )

    def _judged(self, unit: _Unit, seq: int) -> bool:
        policy = self._policy
        if policy.words(unit.account_id, unit.product_key, unit.unit) is not None:
            return False
        return policy.counts(policy.reason(unit.excluded, unit.attributes, self._moments[seq]))


async def differences(
    connection: Reader,
    connection_id: int,
    policy: CountPolicy,
    *,
    first: int,
    last: int,
    period: str = "",
    accounts: Collection[int] | None = None,
    products: Collection[int] | None = None,
) -> Differences:
    """Read the few units that something else than their source decides on.

    Args:
        connection: a reader.
        connection_id: whose census.
        policy: what decides.
        first: number of the first pull that is counted at.
        last: number of the last one.
        period: for sources of months: the month whose facts are wanted.
        accounts: only these, None for all.
        products: only these, None for all.
    """
    if not policy:
        return Differences(policy, (), {})
    bound: dict[str, Any] = {"connection": connection_id, "first": first, "last": last}
    moments = {row[0]: from_micros(row[1]) for row in await fetch(connection, _MOMENTS, bound)}
    asked = []
    if policy.by_hand:
        of_accounts = among(connection, "u.account_id", "held")
        asked.append(f"({of_accounts} AND {among(connection, 'u.unit', 'units')})")
        bound["held"] = listed(connection, {one.account_id for one in policy.by_hand})
        bound["units"] = listed(connection, {one.unit for one in policy.by_hand})
    if policy.stale_after_days is not None:
        asked.append("u.attributes LIKE :mark")
        bound["mark"] = f'%"{SILENT_SINCE}"%'
    # The plus keeps SQLite from walking over the whole connection for a handful of accounts.
    conditions = [
        f"{'+' if accounts is not None or len(asked) == 1 else ''}u.connection_id = :connection",
        "u.opened_pull <= :last AND (u.closed_pull IS NULL OR u.closed_pull > :first)",
        "u.period = :period",
        f"({' OR '.join(asked)})",
    ]
    bound["period"] = period
    if accounts is not None:
        conditions.append(among(connection, "u.account_id", "accounts"))
        bound["accounts"] = listed(connection, accounts)
    if products is not None:
        conditions.append(among(connection, "u.product_id", "products"))
        bound["products"] = listed(connection, products)
    statement = (
        "SELECT u.account_id, u.product_id, p.key, u.unit, u.quantity, u.excluded, u.attributes,"  # noqa: S608 - values are bound
        " u.opened_pull, u.closed_pull FROM unit_interval u JOIN product p ON p.id = u.product_id"
        f" WHERE {' AND '.join(conditions)}"
    )
    rows = await fetch(connection, statement, bound)
    return Differences(policy, [_Unit(*row) for row in rows], moments)
