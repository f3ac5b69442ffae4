"""The memory of idempotency keys: six minutes from the first call, errors included.

It is one per app. A key that comes with another request is refused; a repeat executes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from syncd_xero.sandbox.options import Options
from syncd_xero.sandbox.refusals import Refusal, exception

LONGEST: Final = 128

Answer = tuple[int, dict[str, str], bytes]


@dataclass(slots=True)
class _Kept:
    request: bytes
    until: float
    answer: Answer | None = None


class Replays:
    """Keys and what they were answered.

    Attributes:
        replayed: requests that were answered from memory.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._kept: dict[str, _Kept] = {}
        self.replayed = 0

    def find(self, key: str, request: bytes) -> Answer | None:
        """The answer to give again; None where the request is to be executed.

        Raises:
            Refusal: 400, the key is too long or was used for another request; 409, it runs.
        """
        if not key:
            return None
        if len(key) > LONGEST:
            message = f"The Idempotency Key must not exceed {LONGEST} characters."
            raise exception(10, "ValidationException", message)
        now, found = self._options.monotonic(), self._kept.get(key)
        if found is None or now >= found.until:
            self._kept[key] = _Kept(request, now + self._options.idempotency_seconds)
            return None
        if found.request != request:
            message = f"Idempotency Key {key} is used with a different request."
            raise exception(10, "ValidationException", message)
        if found.answer is None:
            if self._options.running_key == "conflict":
                raise Refusal(409, "The first request of this Idempotency Key is still running")
            return None
        self.replayed += 1
        return found.answer

    def keep(self, key: str, answer: Answer) -> None:
        """Remember the answer of a request that `find` did not know."""
        found = self._kept.get(key)
        if found is None:
            return
        if answer[0] >= 400 and self._options.idempotency_keeps == "good":
            del self._kept[key]
        else:
            found.answer = answer

    def forget(self) -> None:
        """Lose the memory, as after six minutes."""
        self._kept.clear()
