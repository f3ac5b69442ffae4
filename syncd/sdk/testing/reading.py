"""The rules of reading a list of many pages from a vendor that stumbles, lies or is broken.

One list of the port is read again and again while its pages break; what was lost must show.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar
from unittest import SkipTest

from syncd.sdk.connector import RateLimit
from syncd.sdk.errors import AuthError, SyncdError
from syncd.sdk.testing.conformance import Conformance
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.stage import Scene

T = TypeVar("T")

ENDLESS = 20.0
"""Seconds after which a reading counts as one that never ends."""

DAMAGE = {
    "an answer cut short": Fault(action=Action.TRUNCATE),
    "a cut connection": Fault(action=Action.CUT_BODY),
    "a web page with status 200": Fault(action=Action.REPLACE),
    "an empty answer": Fault(action=Action.REPLACE, body=" ", content_type="application/json"),
    "JSON of another shape": Fault(
        action=Action.REPLACE, body='"maintenance"', content_type="application/json"
    ),
    "an error for ever": Fault(action=Action.STATUS_BEFORE, status=503),
    "a refusal": Fault(action=Action.STATUS_BEFORE, status=400, body='{"error": "no"}'),
}
"""Faults that leave nothing usable."""

STUMBLES = {
    "one 500": Fault(action=Action.STATUS_BEFORE, status=500),
    "one 502": Fault(action=Action.STATUS_BEFORE, status=502, body="<html>bad gateway</html>"),
    "one cut connection": Fault(action=Action.CUT_BEFORE),
    "one answer cut in the middle": Fault(action=Action.CUT_BODY),
}
"""Faults that heal by themselves when they come once."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the list, from the outside.

    Attributes:
        scene: how it went.
        rows: what was read, by the part of the list that it belongs to.
        proven: the parts that are said to be complete.
        whole: everything is said to be complete.
    """

    scene: Scene[Any]
    rows: dict[str, Counter[str]]
    proven: frozenset[str]
    whole: bool


class ReadingConformance(Conformance):
    """Rules of every port that reads.

    Attributes:
        list_path: regular expression of the path of the list; the simulator must need at least
            three calls of it.
        rows: how many rows the simulator has in that list.
        made: what several rules look at, by name.
    """

    list_path: ClassVar[str]
    rows: ClassVar[int]
    made: ClassVar[dict[str, Any]]

    def read(
        self, *faults: Fault, limits: RateLimit | None = None, listen: bool = False
    ) -> Reading:
        """Read the list of a new vendor that is broken in this way."""
        raise NotImplementedError

    def healthy(self) -> Reading:
        """The reading of a vendor that is not broken, made once."""
        return self.once("healthy", self.read)

    def broken(self, fault: Fault, *, nth: int = 2, count: int | None = None) -> Reading:
        """A reading in which the list breaks from its nth call on, made once."""
        scripted = replace(fault, path=self.list_path, nth=nth, count=count)
        reading = self.once(repr(scripted), lambda: self.read(scripted))
        assert reading.scene.struck, f"the simulator is too small: no call {nth} of the list came"
        return reading

    def deaf(self, fault: Fault) -> Reading:
        """A reading in which every call but the token's breaks, made once."""
        scripted = replace(fault, path=self.api)
        return self.once(repr(scripted), lambda: self.read(scripted))

    def is_list(self, path: str) -> bool:
        """Whether a call of this path is one of the list."""
        return re.search(self.list_path, path) is not None

    def sound(self, reading: Reading, what: str) -> None:
        """Fail if something was lost and yet said to be complete."""
        healthy = self.healthy().rows
        for part in reading.proven:
            found, expected = reading.rows.get(part, Counter()), healthy.get(part, Counter())
            lost, more = (expected - found).total(), (found - expected).total()
            assert not lost, f"{what}: {lost} rows of {part!r} lost, yet it is complete"
            assert not more, f"{what}: {more} rows of {part!r} too many, yet it is complete"
        missing = set(healthy) - reading.proven
        assert not (reading.whole and missing), (
            f"{what}: {sorted(missing)} lost, yet all is complete"
        )

    def survived(self, reading: Reading, what: str) -> None:
        """Fail unless everything was read in spite of it."""
        self.sound(reading, what)
        scene = reading.scene
        assert reading.whole, f"{what} was not survived: {scene.error or scene.value!r}"

    def test_every_page_is_read(self) -> None:
        reading = self.healthy()
        assert reading.whole, f"a healthy vendor was not read: {reading.scene.error!r}"
        calls = sum(self.is_list(one.path) for one in reading.scene.requests)
        assert calls >= 3, f"the simulator is too small: {calls} calls of the list"
        found = sum(rows.total() for rows in reading.rows.values())
        assert found == self.rows, f"{found} rows were read of {self.rows}"

    def test_a_read_writes_nothing(self) -> None:
        methods = self.written(self.healthy().scene)
        assert not methods, f"a read sent {sorted(methods)}"

    def test_refused_credentials_stop_the_read(self) -> None:
        error = self.deaf(Fault(action=Action.STATUS_BEFORE, status=401)).scene.error
        assert isinstance(error, AuthError), f"401 for ever ended in {error!r}, not in AuthError"

    def test_a_missing_right_is_not_taken_for_emptiness(self) -> None:
        reading = self.broken(Fault(action=Action.STATUS_BEFORE, status=403), nth=1)
        self.sound(reading, "403")
        assert not reading.whole, "403 on the list, yet all is complete"

    def test_a_token_refused_once_is_renewed(self) -> None:
        if self.token_path is None:
            raise SkipTest("the vendor has no token endpoint")
        reading = self.broken(Fault(action=Action.STATUS_BEFORE, status=401), count=1)
        self.survived(reading, "one 401")
        tokens = sum(self.is_token(one.path) for one in reading.scene.requests)
        assert tokens >= 2, "no new token was asked for after a 401"

    def test_retry_after_in_seconds_is_honoured(self) -> None:
        self._waits(self._throttled({"retry-after": "37"}), 37)

    def test_retry_after_as_a_date_is_honoured(self) -> None:
        now = "Mon, 15 Jun 2026 12:00:00 GMT"
        then = "Mon, 15 Jun 2026 12:00:41 GMT"
        self._waits(self._throttled({"date": now, "retry-after": then}), 41)

    def test_a_429_that_names_no_time_is_survived(self) -> None:
        self.survived(self._throttled({}), "one 429")

    def test_a_vendor_that_stumbles_once_is_read_whole(self) -> None:
        for what, fault in STUMBLES.items():
            self.survived(self.broken(fault, count=1), what)

    def test_what_cannot_be_read_is_never_complete(self) -> None:
        for what, fault in DAMAGE.items():
            reading = self.broken(fault)
            self.sound(reading, what)
            assert not reading.whole, f"{what}, yet all is complete"

    def test_a_vendor_that_cannot_be_read_at_all_is_never_complete(self) -> None:
        for what, fault in DAMAGE.items():
            reading = self.deaf(fault)
            assert not reading.proven, f"{what} on every call, yet {set(reading.proven)} complete"

    def test_an_absurdly_large_answer_is_refused(self) -> None:
        reading = self.broken(Fault(action=Action.HUGE))
        assert not reading.whole, "an answer of 96 MiB was swallowed whole"

    def test_an_empty_page_in_the_middle_is_not_the_end(self) -> None:
        self.sound(self.broken(Fault(action=Action.EMPTY_LIST), count=1), "an empty page")

    def test_a_page_that_repeats_is_noticed(self) -> None:
        self.sound(self.broken(Fault(action=Action.REPEAT), count=1), "a page that came twice")
        for_ever = self.broken(Fault(action=Action.REPEAT))
        self.sound(for_ever, "a page for ever")
        assert not isinstance(for_ever.scene.error, TimeoutError), "the reading never ends"
        assert not for_ever.whole, "the same page for ever, yet all is complete"

    def test_a_redirect_leads_nowhere(self) -> None:
        elsewhere = f"{self.stage.url.replace('127.0.0.1', 'localhost')}/elsewhere"
        for status in (302, 307):
            reading = self.broken(
                Fault(action=Action.STATUS_BEFORE, status=status, headers={"location": elsewhere})
            )
            paths = {one.path for one in reading.scene.requests}
            assert "/elsewhere" not in paths, f"a {status} was followed to another host"
            assert not reading.whole, f"a {status}, yet all is complete"

    def test_only_our_errors_escape(self) -> None:
        for fault in DAMAGE.values():
            for reading in (self.broken(fault), self.deaf(fault)):
                error = reading.scene.error
                assert error is None or isinstance(error, SyncdError), (
                    f"{type(error).__name__} escaped; only syncd.sdk.errors may: {error!r}"
                )

    def test_the_quota_is_kept(self) -> None:
        reading = self.read(limits=RateLimit(calls=2, window_seconds=60, concurrency=1))
        self.survived(reading, "a quota of 2 calls a minute")
        times = [at for _, at in self.calls(reading.scene)]
        spans = [third - first for first, third in zip(times, times[2:], strict=False)]
        assert min(spans, default=60) >= 60, "more than 2 calls were sent within a minute"

    def test_everything_opened_is_closed(self) -> None:
        page = Fault(action=Action.REPLACE)
        for reading in (self.healthy(), self.broken(page), self.deaf(page)):
            assert reading.scene.closed, "a connection to the vendor was left open"
            assert not reading.scene.tasks, f"tasks were left running: {reading.scene.tasks}"

    def test_secrets_stay_hidden_while_reading(self) -> None:
        echo = " ".join(self.secrets)
        for fault in (
            Fault(action=Action.STATUS_BEFORE, status=400, body=echo),
            Fault(action=Action.REPLACE, body=echo),
        ):
            script = replace(fault, path=self.list_path, nth=2)
            self.no_secret_in(self.read(script, listen=True).scene.words())

    def _throttled(self, headers: dict[str, str]) -> Reading:
        return self.broken(Fault(action=Action.STATUS_BEFORE, status=429, headers=headers), count=1)

    def _waits(self, reading: Reading, seconds: float) -> None:
        self.survived(reading, f"one 429 with a pause of {seconds} s")
        waited = reading.scene.watch.now
        assert waited >= seconds, f"came back after {waited:.1f} s, not after {seconds} s"
        assert waited < 20 * seconds, f"came back only after {waited:.0f} s of {seconds} s"

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made at its first asking and kept for all rules of the class."""
        cls = type(self)
        if "made" not in vars(cls):
            cls.made = {}
        if name not in cls.made:
            cls.made[name] = make()
        kept: T = cls.made[name]
        return kept
