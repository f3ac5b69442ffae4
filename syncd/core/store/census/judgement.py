"""What a pull proved: pure decisions from its roster, scopes and verdicts.

Only proven accounts may change. An account that vanished from a complete roster is only missed at
first, and removed when the next complete roster confirms it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from syncd.core.store.census.records import Gap
from syncd.sdk.records import ScopeState, ScopeVerdict

_WORST = (ScopeState.UNKNOWN, ScopeState.PARTIAL, ScopeState.COMPLETE)


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account as the database has it.

    Attributes:
        id: row id.
        name: display name.
        psa_ids: JSON.
        absent_since: the pull that first missed it, None also when that pull was voided.
        removed: the pull that confirmed its absence, None also when that pull was voided.
        parent: key of the account that it is a part of, or empty.
    """

    id: int
    name: str
    psa_ids: str
    absent_since: int | None
    removed: int | None
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Everything a source said in one pull.

    Attributes:
        roster: keys of declared accounts.
        scope_of: account key -> the scope whose verdict speaks for it.
        scopes: every scope that was named, in order.
        observed: keys of accounts that units were added for.
        verdicts: as the source returned them.
        tainted: account key -> why its units cannot be trusted.
        of_month: it told the facts of a month, which say nothing of who left since.
    """

    roster: Collection[str]
    scope_of: Mapping[str, str]
    scopes: Iterable[str]
    observed: Collection[str]
    verdicts: Iterable[ScopeVerdict]
    tainted: Mapping[str, str]
    of_month: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What follows from it.

    Attributes:
        state: of the pull as a whole; complete exactly when there is no gap.
        proven: keys of accounts that may change.
        gaps: what may not; scopes first.
        absent: known accounts missed for the first time.
        removed: known accounts whose absence this pull confirmed.
        gone: those and the ones confirmed earlier that are still absent; nothing of them stays.
    """

    state: ScopeState
    proven: frozenset[str]
    gaps: tuple[Gap, ...]
    absent: tuple[str, ...]
    removed: tuple[str, ...]
    gone: tuple[str, ...]


def judge(heard: Heard, known: Mapping[str, KnownAccount]) -> Judgement:
    """Decide what a pull proved about the accounts it named and those already known."""
    scopes = _scopes(heard)
    incomplete = [gap for gap in scopes.values() if gap is not None]
    undeclared = [
        Gap(key, heard.scope_of.get(key, ""), ScopeState.UNKNOWN, f"UNDECLARED_ACCOUNT: {key}")
        for key in sorted(set(heard.observed) - set(heard.roster))
    ]
    proven = set()
    unproven: list[Gap] = []
    for key in heard.roster:
        scope = heard.scope_of.get(key)
        if scope is None:
            reason = "NO_SCOPE: the source gave no verdict for this account"
            unproven.append(Gap(key, "", ScopeState.UNKNOWN, reason))
        elif (gap := scopes[scope]) is None:
            proven.add(key)
        else:
            reason = heard.tainted.get(key) or gap.reason.partition("; ")[0]
            unproven.append(Gap(key, scope, gap.state, reason))
    roster_complete = bool(scopes) and not incomplete and not undeclared
    missing = {
        key: account
        for key, account in known.items()
        if key not in heard.roster and key not in heard.observed
    }
    gone = [key for key, account in missing.items() if account.removed is not None]
    left = [key for key, account in missing.items() if account.removed is None]
    says_who_left = roster_complete and not heard.of_month
    again = {key for key in left if says_who_left and known[key].absent_since is not None}
    confirmed = [key for key in left if key in again]
    still_open = [key for key in left if key not in again]
    gaps = (
        *incomplete,
        *undeclared,
        *unproven,
        *(_missed(key, roster_complete=roster_complete) for key in still_open),
    )
    return Judgement(
        state=_state(scopes, gaps),
        proven=frozenset(proven),
        gaps=gaps,
        absent=tuple(still_open) if says_who_left else (),
        removed=tuple(confirmed),
        gone=(*confirmed, *gone) if roster_complete else (),
    )


def _scopes(heard: Heard) -> dict[str, Gap | None]:
    """Each named scope with what it lacks, None when it is complete."""
    verdicts: dict[str, list[ScopeVerdict]] = {scope: [] for scope in heard.scopes}
    for verdict in heard.verdicts:
        verdicts.setdefault(verdict.scope, []).append(verdict)
    tainted: dict[str, list[str]] = {}
    for key, reason in heard.tainted.items():
        tainted.setdefault(heard.scope_of.get(key, ""), []).append(reason)
    return {
        scope: _scope_gap(scope, given, sorted(tainted.get(scope, ())))
        for scope, given in verdicts.items()
    }


def _scope_gap(scope: str, given: list[ScopeVerdict], tainted: list[str]) -> Gap | None:
    if not given:
        return Gap(None, scope, ScopeState.UNKNOWN, "NO_VERDICT: the source did not say")
    state = min((verdict.state for verdict in given), key=_WORST.index)
    reasons = [reason for verdict in given for reason in verdict.reasons]
    for verdict in given:
        if verdict.declared is not None and verdict.seen < verdict.declared:
            reasons.append(f"FEWER_THAN_DECLARED: {verdict.seen} of {verdict.declared}")
            state = min(state, ScopeState.PARTIAL, key=_WORST.index)
    if tainted:
        reasons = [*tainted, *reasons]
        state = min(state, ScopeState.PARTIAL, key=_WORST.index)
    if state is ScopeState.COMPLETE:
        return None
    return Gap(None, scope, state, "; ".join(reasons) or "NOT_COMPLETE: the source gave no reason")


def _missed(key: str, *, roster_complete: bool) -> Gap:
    doubt = "" if roster_complete else ", which this pull did not prove"
    reason = f"ACCOUNT_DISAPPEARED: {key} is not in the list of accounts{doubt}"
    return Gap(key, "", ScopeState.UNKNOWN, reason)


def _state(scopes: Mapping[str, Gap | None], gaps: tuple[Gap, ...]) -> ScopeState:
    if all(gap is not None and gap.state is ScopeState.UNKNOWN for gap in scopes.values()):
        return ScopeState.UNKNOWN
    return ScopeState.PARTIAL if gaps else ScopeState.COMPLETE
