"""Which recurring-invoice line will bill a record, what is wrong with that, and what it is worth.

The PSA's lines are read, never guessed; a record that no line counts is shown with its money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from syncd.core.billing.arithmetic import ZERO, product, rounded
from syncd.core.billing.model import Line, Mode
from syncd.sdk.records import RecurringLine, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """How one record reaches an invoice.

    Attributes:
        line: the recurring line that counts the record, None when there is none.
        unit_price: what that line charges per unit, None when unknown.
        several: more than one active line counts the record.
    """

    line: RecurringLine | None
    unit_price: Decimal | None
    several: bool = False

    @property
    def title(self) -> str | None:
        """For people: invoice, line, and the line's id."""
        if self.line is None:
            return None
        return f"{self.line.invoice_name or self.line.invoice} / {self.line.name} ({self.line.key})"

    def worth(self, quantity: int, scale: int) -> Decimal | None:
        """Money that the recurring line would charge for a quantity, None when unknown."""
        if quantity == 0:
            return ZERO
        if self.unit_price is None:
            return None
        return rounded(product(self.unit_price, quantity), scale)


def wire(record: Subscription | None, recurring: Sequence[RecurringLine]) -> Wiring:
    """The line that bills the record; an active one is preferred."""
    if record is None:
        return Wiring(line=None, unit_price=None)
    lines = sorted(
        (line for line in recurring if record.key in line.subscriptions),
        key=lambda line: (not line.active, line.invoice, line.key),
    )
    if not lines:
        return Wiring(line=None, unit_price=None)
    chosen = lines[0]
    price = record.unit_price if chosen.price_from_subscription else chosen.unit_price
    return Wiring(
        line=chosen, unit_price=price, several=sum(1 for line in lines if line.active) > 1
    )


def findings(
    line: Line, record: Subscription | None, wiring: Wiring, money: Decimal | None
) -> tuple[tuple[str, str], ...]:
    """What is wrong with the wiring of a line that bills something: code and detail.

    Args:
        line: the bill's line.
        record: the PSA's record, None for a create.
        wiring: how the record is billed.
        money: the line's price in total, None when unknown.
    """
    if not line.units and not money:
        return ()
    recurring = wiring.line
    if recurring is None:
        return (("NOT_LINKED", "" if money is None else str(money)),)
    own_price = line.unit_price is not None
    wrong = {
        "PRICE_NOT_LINKED": own_price and not recurring.price_from_subscription,
        "PRICE_LINKED_IN_QUANTITY_MODE": line.mode is Mode.QUANTITY
        and recurring.price_from_subscription
        and record is not None
        and not record.unit_price,
        "PRICE_TWO_OWNERS": own_price
        and (bool(recurring.percent_increase) or recurring.price_from_product),
        "PRORATION_TWICE": recurring.prorated,
        "DOUBLE_ROUTE": recurring.counts_other,
        "LINKED_TWICE": wiring.several,
        "LINE_INACTIVE": not recurring.active,
    }
    return tuple((code, "") for code, found in wrong.items() if found)
