"""The loop of deliveries: sending before looking up, waiting within patience, and its ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from syncd.core.service.delivery_loop import Pace, drain, one_per_key
from syncd.sdk.errors import StoreError
from syncd.sdk.psa_records import NotSent, Unknown

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@dataclass
class Script:
    """Work that does what it is told, and writes down what it was asked."""

    sends: int = 0
    looks: int = 0
    due: list[float] = field(default_factory=list)
    fails_after: int = 99
    done: list[str] = field(default_factory=list)

    def stopped(self) -> bool:
        return len(self.done) >= self.fails_after

    async def send_due(self) -> bool:
        if not self.sends:
            return False
        self.sends -= 1
        self.done.append("send")
        return True

    async def look_up_due(self) -> bool:
        if not self.looks:
            return False
        self.looks -= 1
        self.done.append("find")
        return True

    async def next_due(self) -> datetime | None:
        return START + timedelta(seconds=self.due.pop(0)) if self.due else None


@dataclass
class Nap:
    """A clock that stands still, and sleeps that are counted."""

    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def pace(self, patience: float = 120.0) -> Pace:
        return Pace(clock=lambda: START, sleep=self.sleep, patience=patience, began=START)


async def held() -> None:
    """The lock is still held."""


async def test_what_is_due_is_sent_before_anything_is_looked_up() -> None:
    work = Script(sends=2, looks=1)
    await drain(work, Nap().pace(), held)
    assert work.done == ["send", "send", "find"]


async def test_it_waits_for_what_is_due_later_as_long_as_patience_lasts() -> None:
    nap = Nap()
    work = Script(due=[30.0, 90.0, 121.0])
    await drain(work, nap.pace(), held)
    assert nap.slept == [30.0, 60.0]
    assert work.due == []


async def test_a_moment_that_has_passed_is_waited_for_all_the_same_so_that_nothing_spins() -> None:
    nap = Nap()
    await drain(Script(due=[-5.0]), nap.pace(), held)
    assert nap.slept == [0.01]


async def test_it_ends_when_the_other_side_fails_and_when_the_lock_is_lost() -> None:
    work = Script(sends=5, fails_after=2)
    await drain(work, Nap().pace(), held)
    assert work.done == ["send", "send"]

    async def lost() -> None:
        raise StoreError("the session was cut")

    work = Script(sends=5)
    with pytest.raises(StoreError):
        await drain(work, Nap().pace(), lost)
    assert work.done == []


def test_two_different_outcomes_of_one_key_are_none() -> None:
    first, again = NotSent("a", "later", None), NotSent("a", "later", None)
    assert one_per_key([first, again]) == {"a": first}
    twice = one_per_key([first, NotSent("a", "sooner", None)])
    assert isinstance(twice["a"], Unknown)
