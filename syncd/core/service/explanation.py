"""What an explanation consists of: lines, products, units, and what moved since the bill before.

Plain values, so that the command prints and `--json` shows the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from syncd.core.service.basis import BillBasis, LineBasis, ProductBasis
from syncd.core.store.census.records import EvidenceUnit, Movements


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpan:
    """Days in a row with one count at their end."""

    first: date
    last: date
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What changed since the bill before.

    Attributes:
        period: of that bill.
        quantity: raw count then.
        movements: units that joined, left, or changed their quantity.
    """

    period: str
    quantity: int
    movements: Movements


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedProduct:
    """One product of a line.

    Attributes:
        basis: the stored figures.
        steps: from the count to the money, in words with numbers.
        counted: units behind the count.
        excluded: units that did not count, each with its reason.
        days: counts at the end of the days, for peak and average.
        since: what changed since the bill before, None without one.
    """

    basis: ProductBasis
    steps: tuple[str, ...]
    counted: tuple[EvidenceUnit, ...]
    excluded: tuple[EvidenceUnit, ...]
    days: tuple[DaySpan, ...]
    since: Since | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLine:
    """One line of a bill, explained.

    Attributes:
        bill: the bill without its other lines.
        line: the stored figures.
        status: how its write stands (`sent`, `being sent`, rejected, in doubt), or the fate of the
            bill in a plan.
        plan_id: the plan that made it.
        recorded_at: when it was applied, None for a line that is only planned.
        completed_at: when its bill was acknowledged whole, None before.
        remote: the PSA's id of the record, None before it exists.
        products: what it is made of.
    """

    bill: BillBasis
    line: LineBasis
    status: str
    plan_id: str
    recorded_at: datetime | None
    completed_at: datetime | None
    remote: str | None
    products: tuple[ExplainedProduct, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer.

    Attributes:
        client: PSA client id.
        client_name: for people, as it is now.
        period: month billed.
        lines: of all accounts of the client.
    """

    client: str
    client_name: str
    period: str
    lines: tuple[ExplainedLine, ...]
