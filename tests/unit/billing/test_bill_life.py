"""The life of bills: agreed cases one by one, and what holds whatever happens in whatever order."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.billing.bill_life import Action, BillKind, Life, window_opens, window_over
from syncd.sdk.period import Period, last_finished

CASES = tomllib.loads(Path(__file__).with_name("life.toml").read_text(encoding="utf-8"))["case"]


def _bills(given: dict[str, str]) -> dict[Period, BillKind]:
    return {Period.parse(month): BillKind(kind) for month, kind in given.items()}


def _happen(life: Life, event: str, now: datetime) -> tuple[Action, ...]:
    if event == "auto_tick":
        return (life.auto_tick(now),)
    return life.manual_send(now)


def after(bills: Mapping[Period, BillKind], actions: Iterable[Action]) -> dict[Period, BillKind]:
    """The bills once every write of the actions was acknowledged."""
    done = {one.period: one.becomes for one in actions if one.becomes is not None}
    return {**bills, **done}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['id']}: {case['says']}" for case in CASES])
def test_an_event_does_exactly_what_was_agreed(case: dict[str, Any]) -> None:
    life = Life(
        zone=ZoneInfo(case["zone"]),
        automatic=case["auto"],
        start=case.get("start"),
        bills=_bills(case.get("bills", {})),
    )
    actions = _happen(life, case["event"], case["now"])
    assert [f"{one.period} {one.act} {one.becomes or one.reason}" for one in actions] == case[
        "actions"
    ]
    assert after(life.bills, actions) == _bills(case["after"])


def test_the_table_has_every_agreed_case() -> None:
    assert [case["id"] for case in CASES[:11]] == [f"L{n:02d}" for n in range(1, 12)]


def test_the_window_opens_at_the_time_of_the_setting() -> None:
    zone = ZoneInfo("Europe/London")
    life = Life(zone=zone, auto_time=time(6, 30))
    opens = window_opens(Period(2026, 4), zone, time(6, 30))
    assert opens == datetime(2026, 4, 1, 5, 30, tzinfo=UTC)
    assert life.auto_tick(opens - timedelta(seconds=1)).reason == "AUTO_PENDING"
    assert life.auto_tick(opens).becomes is BillKind.AUTOMATIC


ZONES = st.sampled_from(
    ["UTC", "Europe/London", "America/Havana", "Pacific/Kiritimati", "Australia/Lord_Howe"]
).map(ZoneInfo)
MOMENTS = st.integers(0, 425 * 86400).map(
    lambda seconds: datetime(2025, 11, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
KINDS = st.sampled_from(list(BillKind))
MONTHS = st.integers(0, 15).map(lambda n: Period(2025 + (9 + n) // 12, (9 + n) % 12 + 1))
LIVES = st.builds(
    Life,
    zone=ZONES,
    automatic=st.booleans(),
    start=st.none() | st.dates(date(2025, 10, 1), date(2026, 12, 31)),
    bills=st.dictionaries(MONTHS, KINDS),
)
EVENTS = st.sampled_from(["auto_tick", "manual_send"])


@given(LIVES, EVENTS, MOMENTS)
def test_a_final_bill_never_becomes_temporary(life: Life, event: str, now: datetime) -> None:
    bills = after(life.bills, _happen(life, event, now))
    for period, kind in life.bills.items():
        assert not kind.final or bills[period].final


@given(LIVES, EVENTS, MOMENTS)
def test_months_before_the_previous_are_never_touched(
    life: Life, event: str, now: datetime
) -> None:
    previous = last_finished(now, life.zone)
    for action in _happen(life, event, now):
        assert action.becomes is None or action.period >= previous


@given(LIVES, MOMENTS)
def test_no_send_changes_an_automatic_bill(life: Life, now: datetime) -> None:
    for action in (*life.manual_send(now), life.auto_tick(now)):
        if life.bills.get(action.period) is BillKind.AUTOMATIC:
            assert action.becomes is None


@given(LIVES, EVENTS, MOMENTS)
def test_either_something_is_done_or_there_is_a_reason(
    life: Life, event: str, now: datetime
) -> None:
    for action in _happen(life, event, now):
        assert (action.becomes is None) == bool(action.reason) == (action.act == "none")


@given(LIVES, MOMENTS)
def test_a_month_before_the_start_gets_no_bill(life: Life, now: datetime) -> None:
    for action in (*life.manual_send(now), life.auto_tick(now)):
        if action.becomes is not None and life.start is not None:
            assert action.period >= Period(life.start.year, life.start.month)


@given(LIVES, MOMENTS)
def test_only_the_automatic_run_makes_automatic_bills_and_only_of_the_month_before(
    life: Life, now: datetime
) -> None:
    tick = life.auto_tick(now)
    assert tick.period == last_finished(now, life.zone)
    if tick.becomes is not None:
        assert (tick.becomes, life.automatic) == (BillKind.AUTOMATIC, True)
        assert now.astimezone(life.zone).day <= 3
        assert not window_over(now, life.zone)
    assert BillKind.AUTOMATIC not in {one.becomes for one in life.manual_send(now)}


@given(LIVES, MOMENTS)
def test_sending_twice_is_sending_once(life: Life, now: datetime) -> None:
    once = after(life.bills, life.manual_send(now))
    again = Life(zone=life.zone, automatic=life.automatic, start=life.start, bills=once)
    assert after(once, again.manual_send(now)) == once


@given(LIVES, st.lists(MOMENTS, max_size=12))
def test_whatever_the_clock_does_final_bills_stay_final(life: Life, clock: list[datetime]) -> None:
    bills = dict(life.bills)
    for n, now in enumerate(clock):
        at = Life(zone=life.zone, automatic=life.automatic, start=life.start, bills=bills)
        then = after(bills, _happen(at, ("auto_tick", "manual_send")[n % 2], now))
        for period, kind in bills.items():
            assert kind is not BillKind.AUTOMATIC or then[period] is BillKind.AUTOMATIC
            assert not kind.final or then[period].final
        bills = then
