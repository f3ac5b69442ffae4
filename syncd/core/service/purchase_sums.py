"""Adds up the lines of a vendor's bill while they stream by, in memory that does not grow.

Sums are exact: amounts are added as decimals without rounding. Twice as many decimals as are stored
are kept until the whole read is written, and each sum is brought to the stored 8 once.
"""

from __future__ import annotations

import asyncio
import decimal
from collections.abc import Awaitable, Callable, Sequence
from decimal import Context, Decimal
from typing import Any

from syncd.core.store.purchases import FINE, SpilledRow
from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import PurchaseLine

MOST_GROUPS = 50_000
"""So many sums are held; more are handed on. A hundred thousand of them would take 60 MB."""

_SUM = Context(
    prec=60,
    traps=[decimal.InvalidOperation, decimal.Inexact, decimal.Overflow],
)
_FINEST = 16
"""Decimals that a sum keeps until the read is written; vendors print numbers with 18 of them."""

_LARGEST = 2**62
_NUL = "\x00"

Spill = Callable[[Sequence[SpilledRow]], Awaitable[None]]
"""Takes sums out of memory."""


class PurchaseSums:
    """A sink of lines that holds sums, never lines; several chains may add at once.

    Attributes:
        lines: that were added.
        names_nobody: lines among them that name no customer.
    """

    def __init__(
        self,
        spill: Spill,
        *,
        connection: str,
        most_groups: int = MOST_GROUPS,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.lines = 0
        self.names_nobody = 0
        self._spill = spill
        self._connection = connection
        self._most = most_groups
        self._progress = progress
        self._groups: dict[tuple[str, str, str, str, str], list[Any]] = {}
        self._turn = asyncio.Lock()

    async def add(self, batch: Sequence[PurchaseLine]) -> None:
        """Add lines; waits while sums are handed on.

        Raises:
            ProtocolError: an amount is no number that can be added exactly.
        """
        groups, add = self._groups, _SUM.add
        find = groups.get
        try:
            for line in batch:
                key = (line.account, line.sku, line.subscription, line.charge, line.currency)
                found = find(key)
                if found is None:
                    groups[key] = [
                        line.quantity, line.cost, 1, line.account_name, line.product, line.name
                    ]  # fmt: skip
                    continue
                found[0] = add(found[0], line.quantity)
                found[1] = add(found[1], line.cost)
                found[2] += 1
                if not found[4]:
                    found[4] = line.product
        except decimal.DecimalException as error:
            raise self._refused("cannot be added exactly") from error
        self.lines += len(batch)
        if self._progress is not None:
            self._progress(self.lines)
        if len(groups) >= self._most:
            await self.hand_on()

    async def hand_on(self) -> None:
        """Take all sums out of memory; called once more when the last line was added."""
        groups, self._groups = self._groups, {}
        rows = [self._row(key, found) for key, found in groups.items()]
        groups.clear()
        async with self._turn:
            if rows:
                await self._spill(rows)

    def _row(self, key: tuple[str, str, str, str, str], found: list[Any]) -> SpilledRow:
        quantity, cost, lines, account_name, product, name = found
        if not key[0]:
            self.names_nobody += lines
        account, sku, subscription, charge, currency, account_name, product, name = map(
            _storable, (*key, account_name, product, name)
        )
        return (
            account, sku, subscription, charge, currency, account_name, product, name,
            *self._split(quantity), *self._split(cost), lines,
        )  # fmt: skip

    def _split(self, amount: Decimal) -> tuple[int, int]:
        """Whole stored units, and the rest below them."""
        if not amount.is_finite():
            raise self._refused("is no number")
        fine = amount.scaleb(_FINEST, context=_SUM).to_integral_value(decimal.ROUND_HALF_EVEN)
        whole, rest = divmod(int(fine), FINE)
        if abs(whole) > _LARGEST:
            raise self._refused("is larger than can be stored")
        return whole, rest

    def _refused(self, why: str) -> ProtocolError:
        message = f"an amount in a line of what {self._connection} charges {why}"
        return ProtocolError(message, remedy="report this to the author of the connector")


def _storable(value: str) -> str:
    """PostgreSQL's text cannot hold the character NUL; a replacement sign stands for it."""
    return value.replace(_NUL, "\N{REPLACEMENT CHARACTER}") if _NUL in value else value
