"""Which recurring-invoice line will bill a record, what is wrong with that, and what it is worth.

The PSA's lines are read, never guessed; a record that no line counts is shown with its money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.core.billing.arithmetic import ZERO, product, rounded
from syncd.core.billing.model import Line, Mode, QuantityRule
from syncd.sdk.records import QuantitySource, RecurringLine, Subscription

MONTHLY = "monthly"
ASSETS = "assets"


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
        return None if self.line is None else title_of(self.line)

    def worth(self, quantity: int, scale: int) -> Decimal | None:
        """Money that the recurring line would charge for a quantity, None when unknown."""
        if quantity == 0:
            return ZERO
        if self.unit_price is None:
            return None
        return rounded(product(self.unit_price, quantity), scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class WiringTerms:
    """What of our own may be done by the recurring line once more.

    Attributes:
        rules: our rules by product key.
        psa_prorates: ids of configurations whose proration was given to the PSA.
        recurring: all recurring lines of the client.
        lasting: the record is a lasting one, which a recurring line should count.
    """

    rules: Mapping[str, QuantityRule] = field(default_factory=dict)
    psa_prorates: frozenset[str] = frozenset()
    recurring: Sequence[RecurringLine] = ()
    lasting: bool = True


UNWIRED = Wiring(line=None, unit_price=None)
NO_TERMS = WiringTerms()


def title_of(line: RecurringLine) -> str:
    """A recurring line for people: invoice, line, and the line's id."""
    return f"{line.invoice_name or line.invoice} / {line.name} ({line.key})"


def wire(record: Subscription | None, recurring: Sequence[RecurringLine]) -> Wiring:
    """The line that bills the record; an active one is preferred."""
    if record is None or not recurring:
        return UNWIRED
    lines = [line for line in recurring if record.key in line.subscriptions]
    if not lines:
        return UNWIRED
    if len(lines) > 1:
        lines.sort(key=lambda line: (not line.active, line.invoice, line.key))
    chosen = lines[0]
    price = record.unit_price if chosen.price_from_subscription else chosen.unit_price
    return Wiring(
        line=chosen, unit_price=price, several=sum(1 for line in lines if line.active) > 1
    )


def findings(
    line: Line,
    record: Subscription | None,
    wiring: Wiring,
    money: Decimal | None,
    terms: WiringTerms = NO_TERMS,
) -> tuple[tuple[str, str], ...]:
    """What is wrong with the wiring of a line that bills something: code and detail.

    Args:
        line: the bill's line.
        record: the PSA's record, None for a create.
        wiring: how the record is billed.
        money: the line's price in total, None when unknown.
        terms: what of our own the recurring line may do once more.
    """
    if not line.units and not money:
        return ()
    if wiring.line is None:
        if not terms.lasting:
            return ()
        return (("NOT_LINKED", "" if money is None else str(money)),)
    return tuple(_faults(line, record, wiring, wiring.line, terms))


def running_linked(
    running: Mapping[str, str], recurring: Sequence[RecurringLine]
) -> Iterator[tuple[str, str]]:
    """Line keys of records of a running month that a recurring line counts, with its title.

    Args:
        running: line key -> the PSA's id of its record of the running month.
        recurring: all recurring lines of the client.
    """
    for key, remote in running.items():
        for line in recurring:
            if remote in line.subscriptions:
                yield key, title_of(line)


def _faults(
    line: Line,
    record: Subscription | None,
    wiring: Wiring,
    recurring: RecurringLine,
    terms: WiringTerms,
) -> Iterator[tuple[str, str]]:
    own_price = line.unit_price is not None
    if own_price and not recurring.price_from_subscription:
        yield "PRICE_NOT_LINKED", ""
    if (
        line.mode is Mode.QUANTITY
        and recurring.price_from_subscription
        and record is not None
        and not record.unit_price
    ):
        yield "PRICE_LINKED_IN_QUANTITY_MODE", ""
    if own_price and (recurring.percent_increase or recurring.price_from_product):
        yield "PRICE_TWO_OWNERS", ""
    yield from _prorated(line, record, recurring, terms)
    yield from _bounds(line, record, recurring, terms)
    if recurring.counts_other:
        yield "DOUBLE_ROUTE", ""
    else:
        yield from _counted_elsewhere(line, recurring, terms)
    if wiring.several:
        yield "LINKED_TWICE", ""
    if not recurring.active:
        yield "LINE_INACTIVE", ""
    if recurring.cycle is not None and recurring.cycle != MONTHLY:
        yield "BILLING_CYCLE_MISMATCH", recurring.cycle


def _prorated(
    line: Line, record: Subscription | None, recurring: RecurringLine, terms: WiringTerms
) -> Iterator[tuple[str, str]]:
    """The PSA bills a change of our count from its day on, and then the whole count as well.

    Our record holds the whole count of a month whoever joined when, or counts the days itself;
    parts of a period beside it are charged twice, unless the PSA was given the proration.
    """
    if not recurring.prorated and not recurring.proration:
        return
    if line.configuration in terms.psa_prorates:
        return
    sources = _sources(record, recurring)
    if recurring.prorated and (not sources or any(one.prorated for one in sources)):
        yield "PRORATION_TWICE", ""
    elif recurring.proration:
        row = recurring.proration[0]
        yield "PRORATION_TWICE", f"{row.quantity:f} from {row.day or 'an unknown day'}"


def _bounds(
    line: Line, record: Subscription | None, recurring: RecurringLine, terms: WiringTerms
) -> Iterator[tuple[str, str]]:
    """Free or least units that we apply and the PSA applies again.

    In total mode the record is one unit at the whole price, so that any of the PSA's falsifies it.
    """
    if not recurring.sources:
        return
    sources = _sources(record, recurring)
    free = max((one.free_units for one in sources), default=0)
    least = max((one.minimum_units for one in sources), default=0)
    if free <= 0 and least <= 0:
        return
    rules = [terms.rules[one.product] for one in line.products if one.product in terms.rules]
    whole = line.mode is Mode.TOTAL
    if free > 0 and (whole or any(rule.included for rule in rules)):
        yield "FREE_UNITS_TWICE", str(free)
    if (whole and least > 1) or (least > 0 and any(rule.minimum for rule in rules)):
        yield "MINIMUM_TWICE", str(least)


def _counted_elsewhere(
    line: Line, recurring: RecurringLine, terms: WiringTerms
) -> Iterator[tuple[str, str]]:
    """Another line of the client counts the assets of this line's type for itself."""
    for other in terms.recurring:
        if (
            other.counts_other
            and other.active
            and any(
                one.kind == ASSETS and one.asset_type == line.asset_type for one in other.sources
            )
            and other.key != recurring.key
        ):
            yield "DOUBLE_ROUTE", title_of(other)
            return


def _sources(record: Subscription | None, recurring: RecurringLine) -> list[QuantitySource]:
    """What of the line counts the record."""
    if record is None:
        return []
    return [one for one in recurring.sources if one.subscription == record.key]
