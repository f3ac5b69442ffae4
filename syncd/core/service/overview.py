"""The installation at a glance: what is fresh, what failed, what waits, and what to do next.

Late is measured by the promise: the connection's own schedule where it has one, else the age from
which a count is too old to bill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.core.service.mapping_issues import (
    SPLIT_LOCATION_UNLINKED,
    UNLINKED_ACCOUNT,
    UNMAPPED_PRODUCT,
)
from syncd.core.service.pull_run import KIND as PULL
from syncd.core.service.reference import KIND as REFERENCE
from syncd.core.service.sign_in_issues import SOON, ends_first
from syncd.core.store.database import Database
from syncd.core.store.health import Health, connection_health
from syncd.core.store.overview import Figures, OpenBills, load_figures
from syncd.core.store.runs import RunRecord, last_runs
from syncd.core.store.states import PlanKind
from syncd.core.store.tokens import consents

_MISSED_FOR = timedelta(hours=1)
"""How long after a due time a pull may still be on its way."""


class Freshness(StrEnum):
    """Whether what is known of a connection can be relied upon."""

    FRESH = "fresh"
    LATE = "late"
    NEVER = "never"
    UNUSED = "not used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A configured connection, as far as the overview needs it.

    Attributes:
        name: in the configuration.
        counts: it is a source; else it is the PSA or a book.
        due_before: the last due time at or before a moment, None without a schedule.
        lost: why it cannot be used at all, or empty.
        refresh: command that reads the lists of one that does not count, without `syncd`; None
            where nothing is done with it.
        runs: kind of the runs that read these lists.
    """

    name: str
    counts: bool
    due_before: Callable[[datetime], datetime] | None = None
    lost: str = ""
    refresh: str | None = "map refresh"
    runs: str = REFERENCE

    @property
    def read_by(self) -> str | None:
        """The command that reads what is known of it, without `syncd`."""
        return f"pull {self.name}" if self.counts else self.refresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one connection stands.

    Attributes:
        name: in the configuration.
        counts: it is a source.
        freshness: of its last complete pull, or of the lists of the PSA or a book.
        as_of: when that read began, None before the first.
        available: the last use got through.
        trouble: why not, one sentence.
        last_run: its newest run.
        accounts: accounts that exist.
        linked: those of them that have a client.
        issues: open ones by severity.
        sign_in_ends: when a person must sign in again at the latest; None where nobody did, or
            where the end is not known.
    """

    name: str
    counts: bool
    freshness: Freshness
    as_of: datetime | None
    available: bool
    trouble: str
    last_run: RunRecord | None
    accounts: int
    linked: int
    issues: Mapping[str, int]
    sign_in_ends: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything at a glance.

    Attributes:
        connections: in the order of the configuration.
        general_issues: open issues of no configured connection, by severity.
        bills: waiting bills of open plans.
        unsettled: writes whose end is not known, by state.
        next: commands worth running now, the most urgent first, each with why.
    """

    connections: Sequence[Standing]
    general_issues: Mapping[str, int]
    bills: Sequence[OpenBills]
    unsettled: Mapping[str, int]
    next: Sequence[str]


async def look(
    database: Database,
    connections: Sequence[Watched],
    *,
    now: datetime,
    max_age: timedelta,
    live: bool,
) -> Overview:
    """Read how everything stands.

    Args:
        database: where it is written.
        connections: the configured ones.
        now: the moment that ages are measured at.
        max_age: from when on an unscheduled count is late.
        live: plans may be applied.
    """
    async with database.reader() as conn:
        figures = await load_figures(conn)
        health = await connection_health(conn)
        kinds = {PULL if one.counts else one.runs for one in connections}
        runs = {kind: await last_runs(conn, kind) for kind in sorted(kinds)}
        ends = {key: ends_first(stored) for key, stored in (await consents(conn)).items()}
    standing = [
        _standing(
            one,
            figures,
            health.get(one.name),
            runs[PULL if one.counts else one.runs].get(one.name),
            now,
            max_age,
            ends,
        )
        for one in connections
    ]
    configured = {one.name for one in connections}
    general: dict[str, int] = {}
    for name, counts in figures.issues.items():
        if name not in configured:
            for severity, count in counts.items():
                general[severity] = general.get(severity, 0) + count
    return Overview(
        connections=standing,
        general_issues=general,
        bills=figures.bills,
        unsettled=figures.outbox,
        next=list(_next(list(zip(connections, standing, strict=True)), figures, now, live=live)),
    )


def freshness(
    as_of: datetime | None,
    due_before: Callable[[datetime], datetime] | None,
    *,
    now: datetime,
    max_age: timedelta,
) -> Freshness:
    """Late when nothing is known since a due time an hour ago, or when too old to bill."""
    if as_of is None:
        return Freshness.NEVER
    if now - as_of > max_age:
        return Freshness.LATE
    if due_before is not None and as_of < due_before(now - _MISSED_FOR):
        return Freshness.LATE
    return Freshness.FRESH


def _standing(
    one: Watched,
    figures: Figures,
    health: Health | None,
    last_run: RunRecord | None,
    now: datetime,
    max_age: timedelta,
    sign_in_ends: Mapping[int, datetime | None],
) -> Standing:
    known = (figures.complete if one.counts else figures.lists).get(health.id) if health else None
    accounts, linked = figures.accounts.get(health.id, (0, 0)) if health else (0, 0)
    used = one.read_by is not None
    return Standing(
        name=one.name,
        counts=one.counts,
        freshness=freshness(known, one.due_before, now=now, max_age=max_age)
        if used
        else Freshness.UNUSED,
        as_of=known,
        available=not one.lost and (health is None or health.available),
        trouble=one.lost or (health.detail if health else ""),
        last_run=last_run,
        accounts=accounts,
        linked=linked,
        issues=figures.issues.get(one.name, {}),
        sign_in_ends=sign_in_ends.get(health.id) if health else None,
    )


def _next(
    connections: Sequence[tuple[Watched, Standing]],
    figures: Figures,
    now: datetime,
    *,
    live: bool,
) -> Iterator[str]:
    if figures.outbox.get("needs_review"):
        yield "`syncd issues`: writes whose outcome a person must decide"
    for watched, one in connections:
        if one.sign_in_ends is not None and one.sign_in_ends - now <= SOON:
            verb = "ends" if one.sign_in_ends > now else "ended"
            yield f"`syncd login {one.name}`: its sign-in {verb} on {one.sign_in_ends:%Y-%m-%d}"
        if not one.available:
            yield f"`syncd check {one.name}`: {one.trouble or 'it does not work'}"
        elif watched.read_by is not None and one.freshness is not Freshness.FRESH:
            age = "never read" if one.freshness is Freshness.NEVER else "late"
            yield f"`syncd {watched.read_by}`: {one.name} is {age}"
    if {UNLINKED_ACCOUNT, SPLIT_LOCATION_UNLINKED} & set(figures.issue_codes):
        yield "`syncd map propose`: accounts with units have no client"
    if UNMAPPED_PRODUCT in figures.issue_codes:
        yield "`syncd map unmapped`: products in use have no asset type"
    for plan in figures.cut_off:
        yield f"`syncd apply {plan}`: writes of it have no certain end yet"
    yield from _plans(figures.bills, live=live)
    if any(counts.get("error") for counts in figures.issues.values()):
        yield "`syncd issues`: something needs a person"


def _plans(bills: Sequence[OpenBills], *, live: bool) -> Iterator[str]:
    for plan in dict.fromkeys(one.plan for one in bills):
        states = {one.state for one in bills if one.plan == plan}
        kind = next(one.kind for one in bills if one.plan == plan)
        if "held" in states:
            yield f"`syncd plans show {plan}`: bills wait for a person"
        if states & {"ready", "released"}:
            if kind == PlanKind.ADOPTION:
                yield f"`syncd apply {plan}`: records are ready to be adopted"
            elif live and kind == PlanKind.ASSETS:
                yield f"`syncd apply {plan}`: assets are ready to be written"
            elif live:
                yield f"`syncd apply {plan}`: bills are ready to be sent"
            else:
                yield f"`syncd plans show {plan}`: compare it; in shadow mode nothing is sent"
