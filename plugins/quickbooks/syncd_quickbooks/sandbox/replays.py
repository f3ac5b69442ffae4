"""The memory of request ids: a repeated request is answered as before and not executed again.

How long it lasts, and what a known id with another body gets, is not documented; both are options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from syncd_quickbooks.sandbox.options import Options
from syncd_quickbooks.sandbox.refusals import Refusal

LONGEST: Final = 50
LONGEST_OF_BATCH: Final = 36
LONGEST_ITEM: Final = 10


@dataclass(slots=True)
class Remembered:
    """What a request id was used for.

    Attributes:
        what: path and body.
        at: when it was first seen, on the option `monotonic`.
        answer: None while the first one runs.
    """

    what: bytes
    at: float
    answer: Any = None


class Replays:
    """Request ids of one company.

    Attributes:
        replayed: requests that were answered from memory.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._known: dict[str, Remembered] = {}
        self.replayed = 0

    def find(self, key: str, what: bytes) -> Any | None:
        """The answer to give again; None where the request is new, which it then is no longer.

        Raises:
            Refusal: 600, the first one runs or had another body.
        """
        if not key or self._options.replay == "off":
            return None
        now, found = self._options.monotonic(), self._known.get(key)
        kept = self._options.replay_seconds
        if found is None or (kept is not None and now >= found.at + kept):
            self._known[key] = Remembered(what, now)
            return None
        if found.answer is None:
            raise Refusal("600", "a request of the same id is being processed")
        if found.what != what and self._options.replay_other == "refuse":
            raise Refusal("600", "the request id was used for another request")
        self.replayed += 1
        return found.answer

    def keep(self, key: str, answer: Any, *, fault: bool) -> None:
        """Remember the answer of a request that `find` did not know."""
        found = self._known.get(key)
        if found is None:
            return
        if fault and not self._options.replay_faults:
            del self._known[key]
        else:
            found.answer = answer

    def forget(self) -> None:
        """Lose the memory, as after the unknown time for which it is kept."""
        self._known.clear()
