"""When a failed call is tried again, and how long to wait first.

Bounded by attempts and by seconds, with full jitter, and never before the moment the vendor named.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from syncd.sdk import waiting
from syncd.sdk.errors import TransientError
from syncd.sdk.policy import HttpPolicy

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

FIRST_WAIT = 1.0
"""Seconds; the widest first pause. Each further one may be twice as wide."""

LONGEST_WAIT = 30.0
"""Seconds; the widest pause of our own choice. The vendor may name a longer one."""

LONGEST_STATED = 365 * 86_400.0
"""Seconds; a vendor's pause beyond a year is read as a year."""


class Budget:
    """What one call may still spend.

    Attributes:
        left: seconds for its attempts and the pauses between them.
        attempts: most tries, the first included.
        retry_after_cap: most seconds that a vendor can make it pause.
    """

    __slots__ = ("attempts", "left", "retry_after_cap")

    def __init__(self, policy: HttpPolicy) -> None:
        self.left = policy.total_seconds
        self.attempts = policy.attempts
        self.retry_after_cap = policy.retry_after_cap


def parse_retry_after(value: str | None, *, now: datetime, date: str | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for, or None when it says nothing usable.

    RFC 9110, section 10.2.3: a number of seconds or an HTTP date. A date is measured against the
    answer's own `Date` header where there is one, since the vendor's clock and ours may differ.
    The past is 0.

    Args:
        value: the header, or None.
        now: our time, UTC.
        date: the answer's `Date` header, or None.
    """
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = _http_date(text)
        if moment is None:
            return None
        asked_at = _http_date(date) if date else None
        seconds = (moment - (asked_at or now)).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_STATED)


def decide(error: BaseException, *, cap: float = math.inf) -> bool | float:
    """Whether to try again: no, yes, or yes but not before so many seconds.

    Args:
        error: what ended the attempt.
        cap: most seconds that a vendor can make us pause.
    """
    if not isinstance(error, TransientError):
        return False
    if error.retry_after is None:
        return True
    return min(error.retry_after, cap)


async def persist(
    attempt: Callable[[int], Awaitable[T]],
    budget: Budget,
    before_wait: Callable[[TransientError, float, int], None],
) -> T:
    """Try until an attempt succeeds, fails for good, or the budget is spent.

    A pause that would outlast the budget is not begun: the failure is raised at once.

    Args:
        attempt: makes attempt number n (1, 2, …); takes its own seconds off the budget.
        budget: the bounds; the pauses are taken off it here.
        before_wait: told of the failure, the pause in seconds and the number of the attempt that
            failed, once per retry.

    Returns:
        the value of the attempt that succeeded.

    Raises:
        TransientError: the last failure, when a bound is reached.
        Exception: whatever else an attempt raises, at once.
    """
    try:
        return await attempt(1)
    except TransientError as error:
        return await _try_again(error, attempt, budget, before_wait)


async def _try_again(
    first: TransientError,
    attempt: Callable[[int], Awaitable[T]],
    budget: Budget,
    before_wait: Callable[[TransientError, float, int], None],
) -> T:
    import tenacity  # 10 ms that a call without a failure does not pay

    jitter = tenacity.wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)

    def failure(state: RetryCallState) -> TransientError:
        error = state.outcome.exception() if state.outcome else None
        assert isinstance(error, TransientError)
        return error

    def pause(state: RetryCallState) -> float:
        verdict = decide(failure(state), cap=budget.retry_after_cap)
        stated = 0.0 if isinstance(verdict, bool) else verdict
        return max(stated, jitter(state))

    def exhausted(state: RetryCallState) -> bool:
        return state.attempt_number >= budget.attempts or state.upcoming_sleep >= budget.left

    def announce(state: RetryCallState) -> None:
        budget.left -= state.upcoming_sleep
        before_wait(failure(state), state.upcoming_sleep, state.attempt_number)

    tries = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=pause,
        stop=exhausted,
        before_sleep=announce,
        sleep=waiting.sleep,
        reraise=True,
    )
    async for turn in tries:
        with turn:
            number = turn.retry_state.attempt_number
            if number == 1:
                raise first
            return await attempt(number)
    raise AssertionError("unreachable: the last failure is raised again")


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
