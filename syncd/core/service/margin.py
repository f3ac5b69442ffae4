"""Cost, price and margin per client or product, from the bills as they were sent.

Money that the PSA sets by itself is unknown: such a line is counted as unknown and never as 0, and
currencies are never added to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from syncd.core.billing.arithmetic import ZERO, difference, product, quotient, rounded
from syncd.core.billing.corrections import CORRECTION, is_correction
from syncd.core.service.clients import choose_client
from syncd.core.service.refusals import NothingToExplain
from syncd.core.store.billed_amounts import BilledLine, billed_lines, last_billed_month
from syncd.core.store.connections import find_connection
from syncd.core.store.references import ReferenceKind, load_references
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from syncd.core.store.database import Database

MOST_CHANGES = 10


class By(StrEnum):
    """What a row of the report stands for."""

    CLIENT = "client"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """The money of one line, or of one product of a line.

    Attributes:
        period: month billed.
        key: client or product.
        name: for people.
        currency: of the money.
        price: None where it is not ours.
        cost: likewise.
    """

    period: str
    key: str
    name: str
    currency: str
    price: Decimal | None
    cost: Decimal | None


@dataclass(slots=True, kw_only=True)
class MarginRow:
    """What one client or product brought in one currency.

    Attributes:
        key: PSA client id, or product key; empty for the total.
        name: for people.
        currency: of the money.
        price: of the lines whose price and cost are known; None when there is none.
        cost: likewise.
        unknown: lines whose price or cost is not ours, and which are in none of the sums.
    """

    key: str
    name: str
    currency: str
    price: Decimal | None = None
    cost: Decimal | None = None
    unknown: int = 0

    def add(self, amount: Amount) -> None:
        if amount.price is None or amount.cost is None:
            self.unknown += 1
            return
        self.price = (self.price or ZERO) + amount.price
        self.cost = (self.cost or ZERO) + amount.cost

    @property
    def margin(self) -> Decimal | None:
        if self.price is None or self.cost is None:
            return None
        return difference(self.price, self.cost)

    @property
    def percent(self) -> Decimal | None:
        """Margin in hundredths of the price, one decimal; None without a price."""
        if self.margin is None or not self.price:
            return None
        return rounded(quotient(product(self.margin, 100), self.price), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginChange:
    """How a margin moved since the month before.

    Attributes:
        key: client or product.
        name: for people.
        currency: of the money.
        before: margin then, None where nothing known was billed.
        now: likewise.
        change: now minus before, where an absent one counts as nothing.
    """

    key: str
    name: str
    currency: str
    before: Decimal | None
    now: Decimal | None
    change: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginReport:
    """The margins of a month.

    Attributes:
        period: month billed.
        before: the month that it is compared with.
        by: what a row stands for.
        rows: the largest margin first, unknown ones last.
        totals: one per currency.
        changes: the largest first.
        below_cost: rows that cost more than they bring, the worst first.
    """

    period: str
    before: str
    by: By
    rows: Sequence[MarginRow] = field(default=())
    totals: Sequence[MarginRow] = field(default=())
    changes: Sequence[MarginChange] = field(default=())
    below_cost: Sequence[MarginRow] = field(default=())


def report(amounts: Iterable[Amount], period: str, before: str, by: By) -> MarginReport:
    """Add up the amounts of a month and of the one before."""
    months: dict[str, dict[tuple[str, str], MarginRow]] = {period: {}, before: {}}
    totals: dict[str, MarginRow] = {}
    for amount in amounts:
        rows = months[amount.period]
        place = (amount.key, amount.currency)
        if place not in rows:
            rows[place] = MarginRow(key=amount.key, name=amount.name, currency=amount.currency)
        rows[place].add(amount)
        if amount.period == period:
            total = totals.setdefault(
                amount.currency, MarginRow(key="", name="total", currency=amount.currency)
            )
            total.add(amount)
    now = list(months[period].values())
    return MarginReport(
        period=period,
        before=before,
        by=by,
        rows=sorted(now, key=_best_first),
        totals=[totals[currency] for currency in sorted(totals)],
        changes=_changes(months[period], months[before]),
        below_cost=sorted(
            (row for row in now if row.margin is not None and row.margin < 0),
            key=lambda row: (row.margin or ZERO, row.key),
        ),
    )


def _best_first(row: MarginRow) -> tuple[bool, Decimal, str, str]:
    return (row.margin is None, -(row.margin or ZERO), row.name.casefold(), row.currency)


def _changes(
    now: Mapping[tuple[str, str], MarginRow], before: Mapping[tuple[str, str], MarginRow]
) -> list[MarginChange]:
    found = []
    for place in {**before, **now}:
        new, old = now.get(place), before.get(place)
        shown = new or old
        assert shown is not None
        then = old.margin if old is not None else None
        today = new.margin if new is not None else None
        change = difference(today or ZERO, then or ZERO)
        if change:
            found.append(
                MarginChange(
                    key=shown.key,
                    name=shown.name,
                    currency=shown.currency,
                    before=then,
                    now=today,
                    change=change,
                )
            )
    found.sort(key=lambda one: (-abs(one.change), one.name.casefold(), one.currency))
    return found[:MOST_CHANGES]


class _Product(msgspec.Struct, frozen=True):
    key: str
    name: str
    price: Decimal
    cost: Decimal


class _Line(msgspec.Struct, frozen=True):
    key: str
    products: tuple[_Product, ...]


class _Basis(msgspec.Struct, frozen=True):
    """As much of a line's basis as its products' money needs; see `service.basis`."""

    line: _Line


_DECODER = msgspec.json.Decoder(_Basis)


def of_products(line: BilledLine) -> Iterable[Amount]:
    """The exact money of each product of a line; unknown where the line's is."""
    found = _DECODER.decode(line.basis).line
    if is_correction(found.key):
        yield Amount(
            period=line.period,
            key=CORRECTION,
            name="corrections of earlier months",
            currency=line.currency,
            price=line.price,
            cost=line.cost,
        )
    for item in found.products:
        yield Amount(
            period=line.period,
            key=item.key,
            name=item.name,
            currency=line.currency,
            price=None if line.price is None else item.price,
            cost=None if line.cost is None else item.cost,
        )


async def read_margin(
    database: Database, *, psa_name: str, period: Period | None, client: str | None, by: By
) -> MarginReport:
    """The margins of a month as billed.

    Args:
        database: where the bills are.
        psa_name: connection of the PSA.
        period: the month; None for the one billed last that was over.
        client: only this one, by id or name.
        by: what a row stands for.

    Raises:
        ClientUnknown: the client is not exactly one.
        NothingToExplain: nothing was billed in the month.
    """
    async with database.reader() as conn:
        month = str(period) if period is not None else await last_billed_month(conn)
        before = str(Period.parse(month).previous()) if month else ""
        psa = await find_connection(conn, psa_name)
        known = {}
        if psa is not None:
            book = await load_references(conn, psa.id)
            known = dict(book.of(psa.id, ReferenceKind.CLIENT))
        wanted = None if client is None else choose_client(known, (), client).key
        names = {key: entry.name for key, entry in known.items()}
        amounts: list[Amount] = []
        found = billed_lines(conn, [month, before], client=wanted, with_basis=by is By.PRODUCT)
        async for line in found:
            if by is By.PRODUCT:
                amounts += of_products(line)
            else:
                amounts.append(_of_client(line, names))
    if not any(amount.period == month for amount in amounts):
        message = f"nothing was billed{f' in {month}' if month else ' yet'}"
        raise NothingToExplain(message, remedy="`syncd status` shows what waits to be billed")
    return report(amounts, month, before, by)


def _of_client(line: BilledLine, names: Mapping[str, str]) -> Amount:
    return Amount(
        period=line.period,
        key=line.client,
        name=names.get(line.client, line.client),
        currency=line.currency,
        price=line.price,
        cost=line.cost,
    )
