"""Retries: what is tried again, how long it waits, where it ends."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.sdk.errors import (
    AuthError,
    ConfigError,
    ConnectFailed,
    OutcomeUnknown,
    PermissionMissing,
    ProtocolError,
    RateLimited,
    RequestRejected,
    VendorUnavailable,
)
from syncd.sdk.policy import HttpPolicy
from syncd.sdk.retry import (
    FIRST_WAIT,
    LONGEST_STATED,
    LONGEST_WAIT,
    Budget,
    decide,
    parse_retry_after,
    persist,
)
from syncd.sdk.testing.fakes import FakeStopwatch

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("-30", 0),
        ("Mon, 15 Jun 2026 12:00:30 GMT", 30),
        ("Mon, 15 Jun 2026 11:00:00 GMT", 0),
        ("Mon, 15 Jun 2026 14:00:30 +0200", 30),
        ("Monday, 15-Jun-26 12:00:30 GMT", 30),
        ("Mon Jun 15 12:00:30 2026", 30),
        ("99999999999999", LONGEST_STATED),
        ("inf", LONGEST_STATED),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_STATED),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(header, seconds):
    assert parse_retry_after(header, now=NOW) == seconds


@pytest.mark.parametrize(
    "header", [None, "", "nan", "soon", "Mon, 99 Jun 2026 12:00:30 GMT", "1,5"]
)
def test_an_unusable_retry_after_says_nothing(header):
    assert parse_retry_after(header, now=NOW) is None


def test_a_date_is_measured_against_the_vendors_own_clock():
    """The vendor's clock is an hour ahead of ours; it asks for half a minute."""
    seconds = parse_retry_after(
        "Mon, 15 Jun 2026 13:00:30 GMT", now=NOW, date="Mon, 15 Jun 2026 13:00:00 GMT"
    )
    assert seconds == 30


def test_an_unusable_date_header_falls_back_to_our_clock():
    assert parse_retry_after("Mon, 15 Jun 2026 12:00:30 GMT", now=NOW, date="yesterday") == 30


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_header_can_break_the_parser(header):
    seconds = parse_retry_after(header, now=NOW, date=header)
    assert seconds is None or 0 <= seconds <= LONGEST_STATED


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (VendorUnavailable("x"), True),
        (ConnectFailed("x"), True),
        (RateLimited("x"), True),
        (RateLimited("x", retry_after=12), 12),
        (VendorUnavailable("x", retry_after=12), 12),
        (RateLimited("x", retry_after=9000), 300),
        (OutcomeUnknown("x"), False),
        (RequestRejected("x"), False),
        (AuthError("x"), False),
        (PermissionMissing("x"), False),
        (ProtocolError("x"), False),
        (ConfigError("x"), False),
        (ValueError("x"), False),
    ],
)
def test_only_what_heals_by_itself_is_tried_again(error, verdict):
    assert decide(error, cap=300) == verdict
    assert type(decide(error, cap=300)) is type(verdict)


class Vendor:
    """Fails as scripted, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.numbers: list[int] = []

    async def __call__(self, number: int) -> str:
        self.numbers.append(number)
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def run(
    vendor: Vendor, **policy
) -> tuple[FakeStopwatch, list[tuple[str, float, int]], object]:
    announced: list[tuple[str, float, int]] = []
    with FakeStopwatch().running() as watch:
        try:
            value: object = await persist(
                vendor,
                Budget(HttpPolicy(**policy)),
                lambda error, wait, n: announced.append((error.code, wait, n)),
            )
        except Exception as error:  # noqa: BLE001 - the failure is what is tested
            value = error
    return watch, announced, value


async def test_a_success_is_returned_without_a_pause():
    vendor = Vendor()
    watch, announced, value = await run(vendor)
    assert (value, vendor.numbers, watch.waits, announced) == ("done", [1], [], [])


async def test_each_retry_is_announced_once_with_its_pause():
    vendor = Vendor(VendorUnavailable("a"), ConnectFailed("b"))
    watch, announced, value = await run(vendor)
    assert value == "done"
    assert vendor.numbers == [1, 2, 3]
    assert [(code, n) for code, _, n in announced] == [
        ("VENDOR_UNAVAILABLE", 1),
        ("CONNECT_FAILED", 2),
    ]
    assert [wait for _, wait, _ in announced] == watch.waits


async def test_pauses_grow_with_full_jitter_up_to_a_ceiling():
    widest = [0.0] * 12
    for _ in range(200):
        watch, _, _ = await run(
            Vendor(*[VendorUnavailable("a")] * 13), attempts=13, total_seconds=1e6
        )
        widest = [max(pair) for pair in zip(widest, watch.waits, strict=True)]
    for n, wait in enumerate(widest):
        ceiling = min(FIRST_WAIT * 2**n, LONGEST_WAIT)
        assert ceiling / 2 < wait <= ceiling


async def test_a_pause_is_never_shorter_than_the_vendor_asked():
    watch, _, value = await run(Vendor(RateLimited("a", retry_after=40)))
    assert value == "done"
    assert watch.waits == [40]


async def test_the_vendors_pause_is_capped():
    watch, _, _ = await run(Vendor(RateLimited("a", retry_after=4000)), retry_after_cap=50)
    assert watch.waits == [50]


async def test_attempts_are_bounded_and_the_last_failure_is_raised():
    last = VendorUnavailable("c")
    vendor = Vendor(VendorUnavailable("a"), VendorUnavailable("b"), last, VendorUnavailable("d"))
    watch, announced, value = await run(vendor, attempts=3)
    assert value is last
    assert vendor.numbers == [1, 2, 3]
    assert len(announced) == len(watch.waits) == 2


async def test_one_attempt_means_no_retry():
    first = VendorUnavailable("a")
    vendor = Vendor(first)
    watch, announced, value = await run(vendor, attempts=1)
    assert value is first
    assert (vendor.numbers, watch.waits, announced) == ([1], [], [])


async def test_a_pause_that_would_outlast_the_time_left_is_not_begun():
    stated = RateLimited("a", retry_after=200)
    watch, announced, value = await run(Vendor(stated), total_seconds=100)
    assert value is stated
    assert (watch.waits, announced) == ([], [])


async def test_pauses_use_up_the_time():
    vendor = Vendor(*[RateLimited("a", retry_after=40)] * 5)
    watch, _, value = await run(vendor, total_seconds=100)
    assert isinstance(value, RateLimited)
    assert watch.waits == [40, 40]


@pytest.mark.parametrize("error", [OutcomeUnknown("x"), RequestRejected("x"), KeyError("x")])
async def test_what_does_not_heal_is_raised_at_once_also_after_a_retry(error):
    vendor = Vendor(VendorUnavailable("a"), error)
    _, announced, value = await run(vendor)
    assert value is error
    assert vendor.numbers == [1, 2]
    assert len(announced) == 1


def test_a_call_without_a_failure_does_not_import_the_retry_library():
    program = "import sys, syncd.sdk.http, syncd.sdk.auth; sys.exit('tenacity' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
