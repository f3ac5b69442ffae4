"""What an explanation consists of: lines, products, units, and what moved since the bill before.

Plain values, so that the command prints and `--json` shows the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.basis import BillBasis, LineBasis, PartBasis, ProductBasis, SnapshotBasis
from syncd.core.store.billed import Approval
from syncd.core.store.census.records import EvidenceUnit, Movements
from syncd.sdk.records import Measure


class Origin(StrEnum):
    """Where the figures come from: a bill, a plan, or a computation that nobody sent."""

    BILL = "bill"
    PLAN = "plan"
    COMPUTED = "computed"


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
        quantity: raw count then, or GB.
        movements: units that joined, left, or changed their quantity.
    """

    period: str
    quantity: Decimal
    movements: Movements


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPart:
    """What is billed with a storage: restored volume, or the price of limits.

    Attributes:
        basis: the stored figures.
        measure: what the quantities of its units are.
        counted: units behind it.
    """

    basis: PartBasis
    measure: Measure
    counted: tuple[EvidenceUnit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedProduct:
    """One product of a line.

    Attributes:
        basis: the stored figures.
        measure: what the quantities of its units are; bytes are shown as GB of 2^30 bytes.
        snapshot: the pull that proved its count.
        steps: from the count to the money, in words with numbers.
        counted: units behind the count.
        excluded: units that did not count, each with its reason.
        days: counts at the end of the days, for peak, average and parts of a month by days.
        since: what changed since the bill before, None without one.
        parts: what is billed with it.
    """

    basis: ProductBasis
    measure: Measure
    snapshot: SnapshotBasis | None
    steps: tuple[str, ...]
    counted: tuple[EvidenceUnit, ...]
    excluded: tuple[EvidenceUnit, ...]
    days: tuple[DaySpan, ...]
    since: Since | None
    parts: tuple[ExplainedPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLine:
    """One line of a bill, explained.

    Attributes:
        bill: the bill without its other lines.
        line: the stored figures.
        origin: where they come from.
        status: how its write stands (`sent`, `being sent`, rejected, in doubt), or the fate of the
            bill in a plan, or that nothing was billed.
        kind: how final the bill is, None where there is none.
        revision: of the bill, None likewise.
        plan_id: the plan that made it, empty where there is none.
        known_at: what was known then decides the figures.
        recorded_at: when it was applied, None for a line that is not.
        completed_at: when its bill was acknowledged whole, None before.
        released: who released the bill and why, None where nobody had to.
        reopened: who reopened the month's final bill and why.
        remote: the PSA's id of the record, None before it exists.
        products: what it is made of.
    """

    bill: BillBasis
    line: LineBasis
    origin: Origin
    status: str
    kind: BillKind | None
    revision: int | None
    plan_id: str
    known_at: datetime
    recorded_at: datetime | None
    completed_at: datetime | None
    released: Approval | None
    reopened: tuple[Approval, ...]
    remote: str | None
    products: tuple[ExplainedProduct, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer.

    Attributes:
        client: PSA client id.
        client_name: for people, as it was on the bill.
        period: month billed.
        as_of: the moment that was asked for, None for now.
        lines: of all accounts of the client.
    """

    client: str
    client_name: str
    period: str
    as_of: datetime | None
    lines: tuple[ExplainedLine, ...]

    @property
    def origins(self) -> frozenset[Origin]:
        return frozenset(line.origin for line in self.lines)
