"""What goes wrong, drawn by a seed: lost answers, refusals, and the end of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from syncd.core.store import database
from tests.builders_invoices import START


class Died(BaseException):
    """The process ended here: nothing after this instruction ran."""


@dataclass(slots=True)
class Fate:
    """Draws what goes wrong; with no odds left, everything goes well.

    Attributes:
        random: of the seed.
        odds: chance that a step goes wrong.
        deaths: how often the process may still die.
    """

    random: Random = field(default_factory=lambda: Random(0))
    odds: float = 0.0
    deaths: int = 0

    def strikes(self, share: float = 1.0) -> bool:
        """Whether something goes wrong now."""
        return self.odds > 0 and self.random.random() < self.odds * share

    def may_die(self, share: float = 0.3) -> None:
        """Perhaps the process ends here."""
        if self.deaths > 0 and self.strikes(share):
            self.deaths -= 1
            raise Died


@contextmanager
def deaths_at_commits(fate: Fate) -> Iterator[None]:
    """Within the block the process may also end right before a commit, and right after it."""
    database.commit_hook = lambda _moment: fate.may_die(0.05)
    try:
        yield
    finally:
        database.commit_hook = None


@dataclass(slots=True)
class Time:
    """The clock of a test; sleeping moves it, and any look at it may be the last."""

    now: datetime = START
    fate: Fate = field(default_factory=Fate)

    def clock(self) -> datetime:
        """Current time."""
        self.fate.may_die(0.02)
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.fate.may_die(0.2)
        self.now += timedelta(seconds=seconds)
