"""What a tenant bought, subscription by subscription: ids of the seller's books, terms and trials.

Graph tells neither price nor length of a term, so neither is guessed; the next change is a date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Final

from syncd.sdk.terms import Term
from syncd_entra.models import Purchase

ENABLED: Final = "enabled"
WARNING: Final = "warning"
GONE: Final = "deleted"
_USABLE: Final = frozenset({ENABLED, WARNING})


@dataclass(slots=True)
class Bought:
    """The subscriptions of one SKU.

    Attributes:
        ids: of the seller's books, in lower case.
        term: the change that comes first among those in use; None where none is told.
        paid: a subscription in use is no trial.
        trial: seats of trials by state, `enabled` or `warning`.
    """

    ids: set[str] = field(default_factory=set)
    term: Term | None = None
    paid: bool = False
    trial: dict[str, int] = field(default_factory=dict)

    @property
    def only_trials(self) -> bool:
        """Whether all that is in use is on trial."""
        return bool(self.trial) and not self.paid

    def take(self, row: Purchase) -> None:
        """Add a subscription."""
        state = (row.status or "").lower()
        if state == GONE:
            return
        if row.commerce:
            self.ids.add(row.commerce.lower())
        if state not in _USABLE:
            return
        if row.trial:
            self.trial[state] = self.trial.get(state, 0) + max(0, row.seats or 0)
            return
        self.paid = True
        if row.next is not None:
            ends = row.next.astimezone(UTC).date()
            if self.term is None or self.term.ends is None or ends < self.term.ends:
                # Graph does not say whether it renews then.
                self.term = Term(ends=ends, then="unknown")


NOTHING: Final = Bought()
"""Of a SKU that no subscription is told for."""


def by_sku(rows: Iterable[Purchase]) -> dict[str, Bought]:
    """Subscriptions by the GUID of their SKU."""
    found: defaultdict[str, Bought] = defaultdict(Bought)
    for row in rows:
        if row.sku:
            found[row.sku.lower()].take(row)
    return dict(found)
