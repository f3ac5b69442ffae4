"""Rolling limits of a company and of an app in it, refused as the gateway refuses.

Time is the option `monotonic`, so that a bench can run hours of it in seconds.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from syncd_quickbooks.sandbox.options import Options
from syncd_quickbooks.sandbox.refusals import Refusal

MINUTE: Final = 60.0
SECOND: Final = 1.0


class Quota:
    """Counts the calls of one company.

    Attributes:
        refused: calls that were answered with 429.
        reads: metered reads of the month, for the tier's quota.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._calls: deque[float] = deque()
        self._burst: deque[float] = deque()
        self._app: deque[float] = deque()
        self._batches: deque[float] = deque()
        self._realm_batches: deque[float] = deque()
        self.refused = 0
        self.reads = 0

    def take(self, *, batch: bool, read: bool) -> None:
        """Count one call of ours.

        Raises:
            Refusal: 3001, a window is full; the call does not count.
        """
        options, now = self._options, self._options.monotonic()
        windows = [
            (self._burst, SECOND, options.app_second),
            (self._calls, MINUTE, options.realm_minute),
            (self._app, MINUTE, options.app_minute),
        ]
        if batch:
            windows += [
                (self._batches, MINUTE, options.batch_minute),
                (self._realm_batches, MINUTE, options.batch_realm_minute),
            ]
        if any(_full(window, now, seconds, most) for window, seconds, most in windows):
            self.refused += 1
            raise Refusal("3001", "the app or the company made too many requests; wait a minute")
        if read:
            if options.month_reads and self.reads >= options.month_reads:
                self.refused += 1
                raise Refusal("3001", "the quota of CorePlus calls of this month is used up")
            self.reads += 1
        for window, _, _ in windows:
            window.append(now)

    def elsewhere(self, calls: int) -> None:
        """Calls that the same app makes to other interfaces of Intuit for this company, now."""
        self._app.extend([self._options.monotonic()] * calls)

    def others(self, calls: int, *, batches: int = 0) -> None:
        """Calls that other apps make in the same company, now."""
        now = self._options.monotonic()
        self._calls.extend([now] * (calls + batches))
        self._realm_batches.extend([now] * batches)


def _full(window: deque[float], now: float, seconds: float, most: int) -> bool:
    while window and window[0] <= now - seconds:
        window.popleft()
    return bool(most) and len(window) >= most
