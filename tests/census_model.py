"""The census as a child would keep it: a full copy of everything after every pull.

The tests replay random histories into the database and into this model and compare the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from syncd.sdk.period import Period, day_start
from syncd.sdk.records import Observation, ScopeState
from tests.builders_census import LAPTOP, SERVER, unit

ACCOUNTS = ("a", "b", "c")
REASONS = ("trial", "stale")
Facts = tuple[int, str | None, str]
"""quantity, excluded, name"""
Units = dict[tuple[str, str], Facts]
"""(product, unit) -> facts"""


@dataclass(frozen=True)
class Step:
    """A pull, or the voiding of an earlier one (`voids`: how many steps back)."""

    at: datetime
    recorded_at: datetime
    roster: tuple[str, ...]
    scopes: Mapping[str, tuple[str, ...]]
    states: Mapping[str, ScopeState]
    units: tuple[Observation, ...]
    voids: int | None = None


@dataclass
class Kept:
    """One pull as the model keeps it."""

    seq: int
    taken_at: datetime
    recorded_at: datetime
    gaps: set[str]
    scope_gap: bool
    state: dict[str, Units]
    voided_at: datetime | None = None

    def stands(self, as_of: datetime | None) -> bool:
        if as_of is None:
            return self.voided_at is None
        return self.recorded_at <= as_of and not (self.voided_at and self.voided_at <= as_of)


@dataclass
class Model:
    """The whole history."""

    pulls: list[Kept] = field(default_factory=list)
    first: dict[str, int] = field(default_factory=dict)
    missed: dict[str, Kept] = field(default_factory=dict)
    removed: dict[str, Kept] = field(default_factory=dict)

    def pull(self, step: Step) -> None:
        seq = len(self.pulls) + 1
        now = {key: dict(units) for key, units in self.pulls[-1].state.items()} if seq > 1 else {}
        incomplete = {s for s in step.scopes if step.states[s] is not ScopeState.COMPLETE}
        scope_of = {key: scope for scope, keys in step.scopes.items() for key in keys}
        seen: dict[str, Units] = {}
        for one in step.units:
            facts = (one.quantity, one.excluded, one.name)
            seen.setdefault(one.account, {})[one.product, one.unit] = facts
        strangers = set(seen) - set(step.roster)
        kept = Kept(seq, step.at, step.recorded_at, set(), bool(incomplete), now)
        # A stranger without a row of its own leaves a gap of the whole pull.
        kept.scope_gap |= bool(strangers - set(self.first) - set(step.roster))
        for key in step.roster:
            self.first.setdefault(key, seq)
            self.missed.pop(key, None)
            self.removed.pop(key, None)
            if scope_of.get(key) in incomplete or key not in scope_of:
                kept.gaps.add(key)
            else:
                now[key] = seen.get(key, {})
        roster_complete = bool(step.scopes) and not incomplete and not strangers
        for key in set(self.first) - set(step.roster):
            if self._valid(self.removed.get(key)) and key not in strangers:
                continue
            if key in strangers or not roster_complete:
                kept.gaps.add(key)
            elif self._valid(self.missed.get(key)):
                self.removed[key] = kept
                now[key] = {}
            else:
                self.missed[key] = kept
                self.removed.pop(key, None)
                kept.gaps.add(key)
        self.pulls.append(kept)

    def void(self, kept: Kept, at: datetime) -> None:
        kept.voided_at = at

    @staticmethod
    def _valid(kept: Kept | None) -> bool:
        return kept is not None and kept.voided_at is None

    def proves(self, kept: Kept, key: str) -> bool:
        if key in kept.gaps:
            return False
        gone = self.removed.get(key)
        listed = kept.seq >= self.first[key] and (gone is None or kept.seq < gone.seq)
        return listed or not kept.scope_gap

    def snapshot(self, key: str, before: datetime, as_of: datetime | None) -> Kept | None:
        return max(
            (
                kept
                for kept in self.pulls
                if kept.taken_at < before and kept.stands(as_of) and self.proves(kept, key)
            ),
            key=lambda kept: kept.seq,
            default=None,
        )

    def count(self, kept: Kept, key: str, product: str, included: Sequence[str]) -> int:
        return sum(
            quantity
            for (of, _), (quantity, excluded, _) in kept.state.get(key, {}).items()
            if of == product and (excluded is None or excluded in included)
        )

    def month(
        self,
        key: str,
        product: str,
        period: Period,
        zone: ZoneInfo,
        as_of: datetime | None,
        included: Sequence[str],
    ) -> tuple[int, int, int, int] | None:
        """last, peak, unit days, days; None when it was 0 on every day."""
        counts = []
        for day in period.days:
            found = self.snapshot(key, day_start(day + timedelta(days=1), zone), as_of)
            if found is not None:
                counts.append(self.count(found, key, product, included))
        if not any(counts):
            return None
        return counts[-1], max(counts), sum(counts), len(counts)


def random_history(rng: Random, *, pulls: int) -> list[Step]:
    """Pulls from late October 2026 on, a few hours or days apart, some of them wrong."""
    at = datetime(2026, 10, 30, 6, tzinfo=UTC)
    steps: list[Step] = []
    pool: dict[str, list[Observation]] = {key: _units(rng, key) for key in (*ACCOUNTS, "z")}
    for _ in range(pulls):
        at += timedelta(hours=rng.choice((1, 5, 13, 30, 80)))
        for key in pool:
            if rng.random() < 0.4:
                pool[key] = _units(rng, key)
        roster = tuple(key for key in ACCOUNTS if rng.random() < 0.8)
        split = rng.randrange(len(roster) + 1)
        scopes = {"east": roster[:split], "west": roster[split:]}
        if rng.random() < 0.1 and roster:
            scopes["west"] = scopes["west"][:-1]
        states = {scope: rng.choices(tuple(ScopeState), weights=(8, 1, 1))[0] for scope in scopes}
        seen = set(roster) | ({rng.choice((*ACCOUNTS, "z"))} if rng.random() < 0.15 else set())
        units = tuple(one for key in sorted(seen) for one in pool[key])
        late = timedelta(hours=rng.choice((0, 0, 0, 60)))
        voids = rng.randrange(1, 4) if rng.random() < 0.2 else None
        steps.append(
            Step(at, at + timedelta(minutes=1) + late, roster, scopes, states, units, voids)
        )
    return steps


def _units(rng: Random, key: str) -> list[Observation]:
    return [
        unit(
            key,
            str(n),
            product=rng.choice((SERVER, SERVER, LAPTOP)),
            quantity=rng.choice((1, 1, 1, 0, 4)),
            excluded=rng.choice((None, None, None, *REASONS)),
            label=rng.choice(("", "renamed")),
        )
        for n in range(5)
        if rng.random() < 0.6
    ]
