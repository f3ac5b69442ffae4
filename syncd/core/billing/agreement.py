"""Whether the agreement that a bill is made under covers the month that it bills.

What the PSA shows decides; an agreement that cannot be read covers nothing until a person looks.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.core.billing.model import Bill
from syncd.core.billing.record_fields import month_of
from syncd.sdk.period import Period
from syncd.sdk.records import Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedAgreement:
    """The agreement that an account names.

    Attributes:
        key: the PSA's id, as a person wrote it.
        client: PSA client id of the bill.
        months: that the bill is for.
        found: what the PSA shows under that id, None for nothing.
        unread: why agreements could not be read, empty when they were.
    """

    key: str
    client: str
    months: tuple[Period, ...]
    found: Agreement | None = None
    unread: str = ""

    @property
    def title(self) -> str:
        """For people: its name, or its id where it has none, and its days."""
        if self.found is None:
            return self.key
        days = ""
        if self.found.starts or self.found.ends:
            days = f", {self.found.starts or 'always'} to {self.found.ends or 'open end'}"
        return f"{self.found.name} ({self.key}{days})"

    def problem(self) -> str | None:
        """What keeps the months from being billed under it, as the end of a sentence."""
        found = self.found
        if self.unread:
            return f"could not be read: {self.unread}"
        if found is None:
            return "is not known to the PSA for this client"
        if found.client != self.client:
            return f"belongs to client {found.client}, not to {self.client}"
        if not found.invoiced:
            return "is marked not to be invoiced"
        if not found.active:
            return "is closed in the PSA"
        for month in self.months:
            first, last = month.first_day.isoformat(), month.last_day.isoformat()
            if found.starts is not None and found.starts > last:
                return f"starts on {found.starts}, after {month}"
            if found.ends is not None and found.ends < last:
                when = "before" if found.ends < first else "within"
                return f"ended on {found.ends}, {when} {month}"
        return None


def billed_months(bill: Bill, period: Period) -> tuple[Period, ...]:
    """The months that the lines of a bill are for; the counted one where it has no line."""
    found = {month_of(line, period) for line in bill.lines}
    return tuple(sorted(found)) or (period,)
