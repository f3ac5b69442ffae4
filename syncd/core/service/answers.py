"""What a connector answers to writes: its defects named, and each write with its outcome.

Shared by everything that is written to a PSA; what an outcome means is said where it is stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from syncd.core.service.runs import RunHandle
from syncd.core.store.runs import RunStatus
from syncd.sdk.errors import (
    AuthError,
    DataError,
    OutcomeUnknown,
    ProtocolError,
    SyncdError,
    VendorUnavailable,
)
from syncd.sdk.records import NotSent, Outcome

AnswerT = TypeVar("AnswerT")


@dataclass(slots=True)
class WriteReport:
    """What one delivery of links or assets did.

    Attributes:
        delivered: what stands as planned.
        rejected: what does not, and is not tried again by itself.
        waiting: writes left for later: not sent, or not looked for yet.
        calls: write calls made.
        stopped_by: the error that ended it early, or None.
    """

    delivered: int = 0
    rejected: int = 0
    waiting: int = 0
    calls: int = 0
    stopped_by: SyncdError | None = None

    def conclude(self, run: RunHandle, what: str, *, unwritten: bool) -> None:
        """Write into the run how it ended.

        Args:
            run: whose.
            what: the plural of what was written, for people.
            unwritten: something was refused or left out.
        """
        run.count("delivered", self.delivered)
        run.count("rejected", self.rejected)
        run.count("write_calls", self.calls)
        if self.stopped_by is not None:
            run.ends(RunStatus.FAILED, code=self.stopped_by.code, error=str(self.stopped_by))
        elif self.waiting:
            why = f"some {what} are not settled"
            run.ends(RunStatus.PARTIAL, code=OutcomeUnknown.code, error=why)
        elif unwritten:
            why = f"some {what} were not written"
            run.ends(RunStatus.PARTIAL, code=DataError.code, error=why)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call of writes.

    Attributes:
        outcomes: by key; a write without one is unknown.
        stopped_by: why no further call is to be made now, or None.
    """

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    stopped_by: SyncdError | None = None


async def carried_out(call: Awaitable[Sequence[Outcome]], keys: Collection[str]) -> Answered:
    """Make a call of writes; what it raises becomes part of the answer.

    Args:
        call: of the connector, its defects named.
        keys: of the writes in it.
    """
    try:
        outcomes = {one.key: one for one in await call}
    except AuthError as error:
        # The port promises that nothing was written: all of it waits as it did before.
        return Answered({key: NotSent(key, str(error)) for key in keys}, error)
    except SyncdError as error:
        return Answered(stopped_by=error)
    return Answered(outcomes, _why_not_sent(outcomes.values()))


def _why_not_sent(outcomes: Iterable[Outcome]) -> SyncdError | None:
    """Why something could not be sent now; to be tried by the next apply."""
    for one in outcomes:
        if isinstance(one, NotSent):
            return VendorUnavailable(one.message, retry_after=one.retry_after)
    return None


async def answer_of(call: Awaitable[AnswerT], *, connection: str, work: str) -> AnswerT:
    """The answer of the connector; its defects become errors of ours, named.

    Args:
        call: of the connector.
        connection: its name.
        work: what a defect ends, for people.

    Raises:
        SyncdError: as the connector raised it.
        ProtocolError: it raised anything else.
    """
    try:
        return await call
    except SyncdError:
        raise
    except Exception as error:
        name = f"{type(error).__name__} at the connector of '{connection}'"
        message = f"{name} ended {work}"
        raise ProtocolError(
            message,
            connection=connection,
            remedy="report it to the connector's author; what was sent is looked up first",
        ) from error
