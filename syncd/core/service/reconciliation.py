"""Bought, used and billed side by side, per client and thing bought, with what they differ by.

What is not known stays unknown and is never 0; amounts of different currencies are never added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from syncd.core.billing.arithmetic import ZERO, difference

Money = Mapping[str, Decimal]
"""Amounts by currency; empty is nothing at all, which is known."""


class Status(StrEnum):
    """What bought, used and billed say of each other."""

    AGREES = "agrees"
    BOUGHT_MORE = "bought more"
    BILLED_MORE = "billed more"
    NOT_BILLED = "not billed"
    NOT_BOUGHT = "not bought"
    UNUSED = "unused"
    KEPT_OUT = "kept out"
    NOT_LINKED = "not linked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One thing bought for one client.

    Attributes:
        client: PSA client id; empty where no account of a client is known.
        client_name: for people; of the vendor's customer where there is no client.
        sku: the vendor's id; several, with ` + ` between, where they can only be told together.
        name: for people.
        bought: seats at the end of the month; None if unknown or not counted in seats.
        kept_out: seats beside them that a source or a person keeps out of counts, by reason.
        cost: what the vendor charged for the month; None if unknown.
        used: units in use at the end of the month; None if unknown.
        billed: units of the month's bills; None if unknown.
        price: money of the month's bills; None if unknown.
        status: in one word.
        why: what makes something unknown, as sentences.
        subscriptions: ids of the purchases.
        products: keys of the products by which it is billed or counted, with their connections.
        counted: it has seats at all; False for consumption and things bought once.
    """

    client: str
    client_name: str
    sku: str
    name: str
    bought: int | None
    kept_out: Mapping[str, int]
    cost: Money | None
    used: int | None
    billed: int | None
    price: Money | None
    status: Status
    why: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    counted: bool = True

    @property
    def unused(self) -> int | None:
        """Bought minus used."""
        return _minus(self.bought, self.used)

    @property
    def units(self) -> int | None:
        """Billed minus bought."""
        return _minus(self.billed, self.bought)

    @property
    def money(self) -> Decimal | None:
        """Billed money minus cost; None if either is unknown or they are in two currencies."""
        if self.cost is None or self.price is None:
            return None
        if len(self.currencies) > 1:
            return None
        return difference(sum(self.price.values(), ZERO), sum(self.cost.values(), ZERO))

    @property
    def currencies(self) -> tuple[str, ...]:
        """Of the cost and of the money billed, leaving out amounts of 0."""
        both = (self.cost or {}, self.price or {})
        return tuple(sorted({one for part in both for one, amount in part.items() if amount}))


@dataclass(slots=True, kw_only=True)
class CurrencyTotal:
    """What is known in one currency, over all rows.

    Attributes:
        currency: ISO code.
        cost: of all rows whose cost is known.
        price: of all rows whose money is known.
        difference: of the rows where both are known.
        unknown: rows with money in this currency whose difference is not known.
    """

    currency: str
    cost: Decimal = ZERO
    price: Decimal = ZERO
    difference: Decimal = ZERO
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Where the cost of one connection comes from.

    Attributes:
        connection: name.
        taken_at: when its lines were read, ISO 8601; empty if they never were.
        lines: that were read.
        documents: the vendor's invoices.
        notes: codes with a detail.
    """

    connection: str
    taken_at: str
    lines: int
    documents: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """A month of purchases beside what was billed.

    Attributes:
        period: the month.
        billed: cost is from the vendor's invoices, rather than from what it has not invoiced yet.
        rows: the largest loss first, unknown differences last.
        totals: one per currency.
        sources: connections that tell what is bought.
        warnings: sentences on what is not known at all.
    """

    period: str
    billed: bool
    rows: Sequence[Reconciled]
    totals: Sequence[CurrencyTotal]
    sources: Sequence[SourceState] = field(default=())
    warnings: tuple[str, ...] = ()

    @property
    def open(self) -> Sequence[Reconciled]:
        """Rows that do not agree."""
        return [row for row in self.rows if row.status is not Status.AGREES]


def status_of(
    *,
    linked: bool,
    bought: int | None,
    counted: bool,
    kept_out: Mapping[str, int],
    cost: Money | None,
    used: int | None,
    billed: int | None,
    price: Money | None,
) -> Status:
    """The word for a row; see docs/reconcile.md for the order in which they are tried."""
    if not linked:
        return Status.NOT_LINKED
    if billed is None:
        return Status.UNKNOWN
    charged = cost is not None and any(amount > 0 for amount in cost.values())
    nothing_billed = not billed and not any((price or {}).values())
    if nothing_billed and not bought and any(kept_out.values()):
        return Status.KEPT_OUT
    if nothing_billed and (bought or (charged and (bought == 0 or not counted))):
        return Status.NOT_BILLED
    if bought is None:
        return Status.UNKNOWN
    if billed != bought:
        if not bought and not any(kept_out.values()):
            return Status.NOT_BOUGHT
        return Status.BOUGHT_MORE if bought > billed else Status.BILLED_MORE
    if used is not None and used < bought:
        return Status.UNUSED
    return Status.AGREES


def in_order(rows: Iterable[Reconciled]) -> list[Reconciled]:
    """The largest loss first; rows without a difference in money last, the dearest first."""
    return sorted(rows, key=_place)


def _place(row: Reconciled) -> tuple[bool, Decimal, Decimal, str, str]:
    money = row.money
    dear = sum((row.cost or {}).values(), ZERO)
    return (money is None, money or ZERO, -dear, row.client_name.casefold(), row.sku)


def totals(rows: Iterable[Reconciled]) -> list[CurrencyTotal]:
    """Sums of what is known, per currency."""
    found: dict[str, CurrencyTotal] = {}

    def of(currency: str) -> CurrencyTotal:
        return found.setdefault(currency, CurrencyTotal(currency=currency))

    for row in rows:
        for currency, amount in (row.cost or {}).items():
            of(currency).cost += amount
        for currency, amount in (row.price or {}).items():
            of(currency).price += amount
        money = row.money
        for currency in row.currencies:
            if money is None:
                of(currency).unknown += 1
            else:
                of(currency).difference += money
    return [found[currency] for currency in sorted(found)]


def _minus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one - other
