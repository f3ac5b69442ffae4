"""Xero's limits per app and organisation: calls in flight, a rolling minute, a fixed day."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from syncd_xero.sandbox.options import Options
from syncd_xero.sandbox.refusals import Refusal

MINUTE = 60.0
DAY = 86_400.0


class Quota:
    """Counts what is admitted; refused calls are not counted.

    Attributes:
        refused: refusals by kind.
        admitted: calls that were let through.
        busiest: most calls in flight at once.
    """

    def __init__(self, options: Options, app: deque[float]) -> None:
        self._options = options
        self._minute: deque[float] = deque()
        self._app = app
        self._day = (0, 0)
        self._in_flight = 0
        self.refused: Counter[str] = Counter()
        self.admitted = 0
        self.busiest = 0

    @contextmanager
    def admit(self) -> Iterator[None]:
        """One call.

        Raises:
            Refusal: 429 with the kind of limit.
        """
        if self._options.concurrency and self._in_flight >= self._options.concurrency:
            raise self._refusal("concurrent", None)
        self.take()
        self.admitted += 1
        self._in_flight += 1
        self.busiest = max(self.busiest, self._in_flight)
        try:
            yield
        finally:
            self._in_flight -= 1

    def take(self, calls: int = 1) -> None:
        """Count calls, also another worker's of the same app.

        Raises:
            Refusal: 429, the minute, the day or the app's minute is full.
        """
        options, now = self._options, self._options.monotonic()
        _drop(self._minute, now)
        _drop(self._app, now)
        day, used = self._today(now)
        if options.day_calls and used + calls > options.day_calls:
            left = DAY - (now - options.day_reset) % DAY
            raise self._refusal("day", left)
        if options.minute_calls and len(self._minute) + calls > options.minute_calls:
            raise self._refusal("minute", self._minute[0] + MINUTE - now)
        if options.app_minute_calls and len(self._app) + calls > options.app_minute_calls:
            raise self._refusal("appminute", self._app[0] + MINUTE - now)
        self._minute.extend([now] * calls)
        self._app.extend([now] * calls)
        self._day = (day, used + calls)

    def headers(self) -> dict[str, str]:
        """What is left, as every answer tells."""
        options, now = self._options, self._options.monotonic()
        _drop(self._minute, now)
        _drop(self._app, now)
        _, used = self._today(now)
        left = {
            "X-DayLimit-Remaining": (options.day_calls, used),
            "X-MinLimit-Remaining": (options.minute_calls, len(self._minute)),
            "X-AppMinLimit-Remaining": (options.app_minute_calls, len(self._app)),
        }
        return {name: str(most - taken) for name, (most, taken) in left.items() if most}

    def _today(self, now: float) -> tuple[int, int]:
        day = int((now - self._options.day_reset) // DAY)
        return day, self._day[1] if self._day[0] == day else 0

    def _refusal(self, kind: str, wait: float | None) -> Refusal:
        self.refused[kind] += 1
        headers = {"X-Rate-Limit-Problem": kind}
        if wait is not None:
            headers["Retry-After"] = str(max(1, -int(-wait // 1)))
        return Refusal(429, "", headers)


def _drop(window: deque[float], now: float) -> None:
    while window and window[0] + MINUTE <= now:
        window.popleft()
