"""The day's calls of an organisation: told by each answer, kept in reserve for writes.

Xero counts calls per app and organisation and day. A poll that spends the last of them stops
everything that reads or writes that organisation for hours, so a reserve is left to writes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from syncd.sdk import waiting
from syncd.sdk.errors import RateLimited
from syncd.sdk.http import Auth, Request, Response

REMAINING: Final = "x-daylimit-remaining"
PROBLEM: Final = "x-rate-limit-problem"

LEARN_AGAIN: Final = 3600.0
"""Seconds after which one read may find out whether the day's calls were renewed."""

UNSTATED: Final = 3600.0
"""Seconds until a next try where Xero names none."""


class Reserved(RateLimited):
    """What is left of the day is kept for writes."""


@dataclass(slots=True)
class DayCount:
    """What answers told of the day of an app in an organisation, whoever asked.

    Attributes:
        remaining: calls left, None until an answer told.
        told_at: when that was, on the stopwatch.
        spent_until: until when Xero refuses every call.
    """

    remaining: int | None = None
    told_at: float = float("-inf")
    spent_until: float = float("-inf")


class DayBudget:
    """What a connection may still ask for today, as the newest answer said."""

    def __init__(self, connection: str, reserve: int, count: DayCount) -> None:
        """Describe the connection.

        Args:
            connection: name in the configuration, for messages.
            reserve: calls that reads leave alone.
            count: what is known of the day, shared by the clients of an app and organisation.
        """
        self._connection = connection
        self._reserve = reserve
        self._count = count

    @property
    def remaining(self) -> int | None:
        """Calls left, None until an answer told."""
        return self._count.remaining

    def admit(self, *, essential: bool) -> None:
        """Let a call pass, or say why not.

        Args:
            essential: a write, or a read that proves one.

        Raises:
            Reserved: what is left is kept for writes.
            RateLimited: Xero has refused until later.
        """
        now, count = waiting.monotonic(), self._count
        if now < count.spent_until:
            raise self._spent(count.spent_until - now)
        left = count.remaining
        if essential or left is None or left > self._reserve:
            return
        age = now - count.told_at
        if age >= LEARN_AGAIN:
            count.told_at = now
            return
        raise Reserved(
            f"{self._connection}: {left} of the organisation's calls of today are left, and"
            f" {self._reserve} are kept for writes",
            retry_after=LEARN_AGAIN - age,
            remedy="nothing to do: reading goes on when Xero renews the calls; read less often, or"
            " lower day_reserve, if it stays",
            connection=self._connection,
        )

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Take in an answer's header fields.

        Raises:
            RateLimited: the day's calls are used up; waiting for the end of the day is no retry.
        """
        told = headers.get(REMAINING, "").strip()
        if told.isascii() and told.isdigit():
            self._count.remaining = int(told)
            self._count.told_at = waiting.monotonic()
        problem = headers.get(PROBLEM, "").lower()
        if status == 429 and ("day" in problem or "daily" in problem):
            pause = _seconds(headers.get("retry-after", ""))
            self._count.spent_until = waiting.monotonic() + pause
            raise self._spent(pause)

    def _spent(self, seconds: float) -> RateLimited:
        return RateLimited(
            f"{self._connection}: the calls that Xero allows this app in a day are used up; it"
            f" answers again in {seconds / 3600:.1f} h",
            retry_after=seconds,
            remedy="nothing to do: what waits is sent then; if it happens again, read less often or"
            " take a larger plan of the app at Xero",
            connection=self._connection,
            http_status=429,
        )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return UNSTATED
    return min(max(seconds, 1.0), 2 * 86_400.0) if seconds == seconds else UNSTATED


ESSENTIAL: Final = "syncd-essential"
"""A mark on a read that proves a write; it is taken off before sending."""


class CountedAuth(Auth):
    """Another signature, beside which each answer tells what is left of the day."""

    def __init__(self, inner: Auth, budget: DayBudget) -> None:
        self._inner = inner
        self._budget = budget

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Sign and count.

        Raises:
            RateLimited: see `DayBudget`.
        """
        marked = request.headers.pop(ESSENTIAL, "")
        self._budget.admit(essential=bool(marked) or request.method != "GET")
        async with aclosing(self._inner.async_auth_flow(request)) as flow:
            signed = await anext(flow)
            while True:
                response = yield signed
                self._budget.learn(response.status_code, response.headers)
                try:
                    signed = await flow.asend(response)
                except StopAsyncIteration:
                    return
