"""What changed in a book since a moment, in as many asks as the books' answers need.

Whatever an answer leaves out is told as a gap, never passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.sdk.errors import ProtocolError

if TYPE_CHECKING:
    from syncd.sdk.ledger_port import Ledger
    from syncd.sdk.ledger_records import LedgerEntry, LedgerPayment

_MOST_ASKS: Final = 40
_SHORTEST: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Gathered:
    """What changed.

    Attributes:
        entries: documents as they are now, by the books' id.
        removed: ids of those that the books say are gone.
        payments: every part of each payment that changed.
        until: from when the next read goes on; None while it is not known.
        gap: something may be missing, so that every document must be asked for.
    """

    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    payments: list[LedgerPayment] = field(default_factory=list)
    until: datetime | None = None
    gap: bool = False


async def gather_changes(ledger: Ledger, since: datetime, now: datetime) -> Gathered:
    """Everything since a moment, in as many asks as it takes.

    Where an answer is cut and does not say how far it reaches, the later half of the span is asked
    for; what lies before it is a gap, which is filled by asking for every document.

    Raises:
        ProtocolError: the answers do not come to an end.
    """
    found = Gathered()
    for _ in range(_MOST_ASKS):
        answer = await ledger.changes(since)
        found.gap = found.gap or answer.removals_missing
        if answer.whole or answer.until > since:
            for entry in answer.entries:
                found.entries[entry.remote] = entry
                found.removed.discard(entry.remote)
            for remote in answer.removed:
                found.entries.pop(remote, None)
                found.removed.add(remote)
            again = {one.remote for one in answer.payments}
            found.payments = [one for one in found.payments if one.remote not in again]
            found.payments += answer.payments
        if answer.whole:
            found.until = min(answer.until, now)
            return found
        if answer.until > since:
            since = answer.until
            continue
        found.gap = True
        half = (now - since) / 2
        if half < _SHORTEST:
            break
        since += half
    message = "the books do not show all that changed, however short the span"
    remedy = "it is tried again at the next run; if it repeats, report this to the plugin's author"
    raise ProtocolError(message, remedy=remedy)
