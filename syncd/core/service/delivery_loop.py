"""The loop of every delivery: send what is due, look up what is in doubt, wait, begin again.

It ends when nothing is due any more, when patience is at an end, or when the other side fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from syncd.sdk.psa_records import Unknown


@dataclass(slots=True, kw_only=True)
class Pace:
    """How long a delivery waits in all, and what time it is meanwhile.

    Attributes:
        clock: current time in UTC.
        sleep: waits; replaced in tests.
        patience: seconds to wait in all for what may be touched only later.
        began: when the delivery did.
        slept: seconds waited so far.
    """

    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    patience: float
    began: datetime
    slept: float = 0.0

    def now(self) -> datetime:
        """The clock, or the time slept through where the clock stands still."""
        return max(self.clock(), self.began + timedelta(seconds=self.slept))

    @property
    def left(self) -> float:
        """Seconds that may still be waited."""
        return self.patience - self.slept

    async def wait_until(self, due: datetime) -> bool:
        """Wait; False at once if that is longer than may still be waited."""
        pause = max((due - self.now()).total_seconds(), 0.01)
        if pause > self.left:
            return False
        await self.sleep(pause)
        self.slept += pause
        return True


class Work(Protocol):
    """What one kind of delivery does in the loop."""

    def stopped(self) -> bool:
        """Whether the other side failed in a way that the next call would meet too."""
        ...

    async def send_due(self) -> bool:
        """Claim what is due and send it; whether there was anything."""
        ...

    async def look_up_due(self) -> bool:
        """Look up what is in doubt and has settled; whether there was anything."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next row may be touched; None where none waits."""
        ...


async def drain(work: Work, pace: Pace, still_held: Callable[[], Awaitable[None]]) -> None:
    """Go round until the end.

    Args:
        work: of this delivery.
        pace: how long it may take.
        still_held: raises when another process may have taken over.
    """
    while not work.stopped():
        await still_held()
        if await work.send_due() or await work.look_up_due():
            continue
        due = await work.next_due()
        if due is None or not await pace.wait_until(due):
            return


class Keyed(Protocol):
    """An outcome of a write."""

    @property
    def key(self) -> str:
        """Of the write."""
        ...


OutcomeT = TypeVar("OutcomeT", bound=Keyed)


def one_per_key(answered: Sequence[OutcomeT]) -> dict[str, OutcomeT | Unknown]:
    """One outcome per key; a key with two different ones is unknown."""
    outcomes: dict[str, OutcomeT | Unknown] = {}
    for outcome in answered:
        twice = outcome.key in outcomes and outcomes[outcome.key] != outcome
        outcomes[outcome.key] = (
            Unknown(outcome.key, "the connector gave two outcomes") if twice else outcome
        )
    return outcomes
