"""Which pull a month rests on, and what is said against it; each rule of the age of counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncd.core.service.snapshots import judge
from syncd.core.store.census.records import PullRef
from syncd.sdk.records import ScopeState

END = datetime(2026, 11, 1, tzinfo=UTC)
OLDEST = END - timedelta(hours=48)


def pull(seq: int, hours_before: float, state: ScopeState = ScopeState.COMPLETE) -> PullRef:
    taken_at = END - timedelta(hours=hours_before)
    return PullRef(seq, seq, taken_at, taken_at, state)


@pytest.mark.parametrize("hours", [0.1, 24, 48])
def test_a_pull_within_two_days_of_the_end_is_fine(hours: float) -> None:
    found = judge(pull(3, hours), pull(3, hours), None, oldest=OLDEST, end=END)
    assert (found.error, found.warning, found.stale) == (None, None, "")


def test_an_older_one_is_stale_when_nobody_asked_since() -> None:
    found = judge(pull(3, 49), pull(3, 49), None, oldest=OLDEST, end=END)
    assert found.error is None
    assert "49 hours" in found.stale
    (objection,) = found.objections("b:5")
    assert (objection.rule, objection.bill) == ("SOURCE_STALE", "b:5")


@pytest.mark.parametrize("state", [ScopeState.PARTIAL, ScopeState.UNKNOWN])
def test_an_older_one_is_incomplete_when_the_source_was_asked_and_proved_nothing(
    state: ScopeState,
) -> None:
    found = judge(pull(3, 49), pull(4, 2, state), None, oldest=OLDEST, end=END)
    assert (found.error, found.stale) == ("SOURCE_INCOMPLETE", "")


def test_an_unproven_try_does_not_harm_a_fresh_count() -> None:
    found = judge(pull(3, 47), pull(4, 1, ScopeState.UNKNOWN), None, oldest=OLDEST, end=END)
    assert (found.error, found.stale) == (None, "")


def test_the_first_pull_after_the_month_stands_for_it_with_a_warning() -> None:
    late = pull(1, -30)
    found = judge(None, None, late, oldest=OLDEST, end=END)
    assert found.pull == late
    assert found.is_late
    assert found.warning == "LATE_SNAPSHOT:2026-11-02T06:00Z"


def test_without_any_pull_there_is_no_bill() -> None:
    assert judge(None, None, None, oldest=OLDEST, end=END).error == "NO_SNAPSHOT"


def test_a_late_pull_never_replaces_one_of_the_month() -> None:
    found = judge(pull(3, 100), pull(3, 100), pull(4, -2), oldest=OLDEST, end=END)
    assert found.pull == pull(3, 100)
    assert found.stale
