"""Terms on a local calendar: which day they end on, how soon that is, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.service.renewal_list import WINDOWS, Asked, Renewal, arrange
from syncd.core.service.term_days import (
    days_left,
    ends_on,
    length_words,
    months_of,
    not_monthly,
    renewal_month,
    rolls,
    safe_until,
    term_words,
    window_of,
)
from syncd.sdk.terms import Term

LONDON = ZoneInfo("Europe/London")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
TOKYO = ZoneInfo("Asia/Tokyo")
ZONES = [LONDON, BERLIN, NEW_YORK, TOKYO, ZoneInfo("UTC"), ZoneInfo("Pacific/Kiritimati")]


@pytest.mark.parametrize(
    ("zone", "on", "until"),
    [
        (ZoneInfo("UTC"), date(2027, 1, 9), date(2027, 1, 9)),
        (LONDON, date(2027, 1, 9), date(2027, 1, 9)),
        (BERLIN, date(2027, 1, 10), date(2027, 1, 9)),
        (TOKYO, date(2027, 1, 10), date(2027, 1, 9)),
        (NEW_YORK, date(2027, 1, 9), date(2027, 1, 8)),
    ],
)
def test_a_day_of_utc_ends_in_a_local_day_and_an_earlier_one_is_surely_in_time(
    zone: ZoneInfo, on: date, until: date
) -> None:
    day = date(2027, 1, 9)
    assert (ends_on(day, zone), safe_until(day, zone)) == (on, until)


def test_a_clock_change_moves_the_local_day_of_an_end() -> None:
    """London is an hour ahead of UTC from 28 March 2027 to 31 October."""
    assert ends_on(date(2027, 3, 27), LONDON) == date(2027, 3, 27)
    assert ends_on(date(2027, 3, 28), LONDON) == date(2027, 3, 29)
    assert ends_on(date(2027, 10, 30), LONDON) == date(2027, 10, 31)
    assert ends_on(date(2027, 10, 31), LONDON) == date(2027, 10, 31)
    assert safe_until(date(2027, 3, 28), LONDON) == date(2027, 3, 28)


@pytest.mark.parametrize("zone", ZONES)
def test_a_term_without_end_in_sight_is_a_day_like_any(zone: ZoneInfo) -> None:
    assert ends_on(date.max, zone) == date.max
    assert safe_until(date.max, zone) <= date.max


@given(
    day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    zone=st.sampled_from(ZONES),
)
def test_who_acts_on_the_safe_day_is_never_late(day: date, zone: ZoneInfo) -> None:
    over = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    safe, last = safe_until(day, zone), ends_on(day, zone)
    following = datetime(safe.year, safe.month, safe.day, tzinfo=zone) + timedelta(days=1)
    assert following.astimezone(UTC) <= over
    assert safe <= last
    assert datetime(last.year, last.month, last.day, tzinfo=zone).astimezone(UTC) < over


@pytest.mark.parametrize(
    ("days", "window"),
    [(-1, None), (0, 7), (7, 7), (8, 30), (30, 30), (31, 90), (90, 90), (91, None)],
)
def test_a_window_holds_its_last_day_and_not_the_days_of_narrower_ones(
    days: int, window: int | None
) -> None:
    assert window_of(days, WINDOWS) == window


@pytest.mark.parametrize(
    ("now", "zone", "left"),
    [
        (datetime(2027, 1, 1, 22, 30, tzinfo=UTC), BERLIN, 8),
        (datetime(2027, 1, 1, 23, 30, tzinfo=UTC), BERLIN, 7),
        (datetime(2027, 1, 1, 23, 30, tzinfo=UTC), LONDON, 7),
        (datetime(2027, 1, 2, 0, 30, tzinfo=UTC), LONDON, 6),
        (datetime(2027, 1, 2, 0, 30, tzinfo=UTC), NEW_YORK, 7),
        (datetime(2027, 1, 8, 23, 59, tzinfo=UTC), LONDON, 0),
        (datetime(2027, 1, 9, 0, 0, tzinfo=UTC), LONDON, -1),
        (datetime(2027, 1, 9, 0, 0, tzinfo=UTC), NEW_YORK, 0),
    ],
)
def test_days_are_counted_on_the_local_calendar(now: datetime, zone: ZoneInfo, left: int) -> None:
    term = Term(ends=date(2027, 1, 8))
    assert days_left(term, now.astimezone(zone).date(), zone) == left
    assert days_left(Term(), now.astimezone(zone).date(), zone) is None


@pytest.mark.parametrize(
    ("within", "windows"),
    [(90, (7, 30, 90)), (5, (5,)), (7, (7,)), (14, (7, 14)), (365, (7, 30, 90, 365))],
)
def test_windows_go_as_far_as_was_asked(within: int, windows: tuple[int, ...]) -> None:
    assert Asked(within=within).windows == windows


@pytest.mark.parametrize(
    ("length", "months", "words"),
    [
        ("P1M", 1, "1 month"),
        ("P1Y", 12, "1 year"),
        ("P3Y", 36, "3 years"),
        ("P10D", None, "P10D"),
        ("", None, ""),
        ("P0Y", None, "P0Y"),
    ],
)
def test_a_length_that_is_not_known_is_told_as_the_vendor_wrote_it(
    length: str, months: int | None, words: str
) -> None:
    assert (months_of(length), length_words(length)) == (months, words)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        (
            Term(date(2027, 1, 9), "renews", "P1Y", "annual", next_quantity=20),
            "1 year to 2027-01-09, renews with 20; billed annual, renewal month 2027-01",
        ),
        (
            Term(date(2027, 1, 9), "extended", "P1Y", "", date(2026, 12, 3)),
            "1 year to 2027-01-09, runs on month by month; seats may fall until 2026-12-03",
        ),
        (Term(), "term to a day not told, unknown what then"),
        (
            Term(date(2026, 12, 9), "ends", "P1M", extended=True),
            "1 month extended to 2026-12-09, ends",
        ),
    ],
)
def test_a_term_in_words(term: Term, words: str) -> None:
    assert term_words(term, LONDON) == words


def test_only_a_month_that_renews_by_itself_rolls() -> None:
    assert rolls(Term(length="P1M", then="renews", billed="monthly"))
    assert not rolls(Term(length="P1M", then="ends", billed="monthly"))
    assert not rolls(Term(length="P1M", then="unknown"))
    assert not rolls(Term(length="P1Y", then="renews", billed="monthly"))


@pytest.mark.parametrize(
    ("billed", "other"),
    [("monthly", False), ("", False), ("annual", True), ("triennial", True), ("once", True)],
)
def test_what_is_not_told_is_not_said_to_be_billed_otherwise(billed: str, other: bool) -> None:
    assert not_monthly(Term(billed=billed)) is other


def test_the_renewal_month_is_that_of_the_local_end() -> None:
    assert renewal_month(Term(ends=date(2027, 1, 31)), BERLIN) == "2027-02"
    assert renewal_month(Term(ends=date(2027, 1, 31)), LONDON) == "2027-01"
    assert renewal_month(Term(), LONDON) == ""


TERMS = st.builds(
    Term,
    ends=st.none() | st.dates(date(2026, 10, 1), date(2027, 12, 31)),
    then=st.sampled_from(["renews", "extended", "ends", "unknown"]),
    length=st.sampled_from(["", "P1M", "P1Y", "P3Y"]),
    billed=st.sampled_from(["", "monthly", "annual", "once"]),
    extended=st.booleans(),
)


def row(number: int, term: Term, today: date, windows: tuple[int, ...]) -> Renewal:
    days = days_left(term, today, LONDON)
    return Renewal(
        connection="cloud",
        account="a",
        account_name="Acme",
        client="",
        client_name="",
        product="seat",
        product_name="Seat",
        unit=str(number),
        name="",
        seats=1,
        next_seats=None,
        length=term.length,
        billed=term.billed,
        ends=term.ends,
        ends_on=None if term.ends is None else ends_on(term.ends, LONDON),
        days=days,
        window=None if days is None else window_of(days, windows),
        then=term.then,
        falls_until=None,
        extended=term.extended,
        rolls=rolls(term),
        not_monthly=not_monthly(term),
        renewal_month=renewal_month(term, LONDON),
        excluded=None,
        price=None,
        cost=None,
        cycle="",
        term_price=None,
        term_cost=None,
        currency="",
    )


def test_what_is_over_and_counts_no_more_asks_nothing_of_anybody() -> None:
    asked, today = Asked(within=90, rolling=False), date(2026, 11, 20)
    over = row(1, Term(ends=date(2026, 11, 1), then="ends"), today, asked.windows)
    gone = replace(over, unit="gone", excluded="status_expired")
    found = arrange([over, gone], asked, today=today, timezone=LONDON, read_at={})
    assert [one.unit for one in found.past] == [over.unit]


@given(
    terms=st.lists(TERMS, max_size=30),
    today=st.dates(date(2026, 11, 1), date(2026, 12, 31)),
    within=st.integers(1, 400),
    rolling=st.booleans(),
)
def test_each_unit_is_in_exactly_one_place(
    terms: list[Term], today: date, within: int, rolling: bool
) -> None:
    asked = Asked(within=within, rolling=rolling)
    rows = [row(n, term, today, asked.windows) for n, term in enumerate(terms)]
    found = arrange(rows, asked, today=today, timezone=LONDON, read_at={})
    placed = [one.unit for window in found.windows for one in window.rows]
    placed += [one.unit for one in (*found.past, *found.extended)]
    assert len(placed) == len(set(placed))
    for one in rows:
        hidden = one.rolls and not rolling and not one.extended
        beyond = one.days is None or one.days > within
        assert (one.unit in placed) is (one.extended or not (beyond or hidden))
    for window in found.windows:
        narrower = max((w for w in asked.windows if w < window.days), default=-1)
        assert all(narrower < (one.days or 0) <= window.days for one in window.rows)
    assert {one.unit for one in found.not_monthly} == {one.unit for one in rows if one.not_monthly}
    assert found.undated == sum(one.ends is None and not one.extended for one in rows)
