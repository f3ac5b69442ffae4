"""What leaks in a month, as values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from syncd.core.service.leak_kinds import LeakKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One count that is billed nowhere, or one record that bills what is not counted.

    Attributes:
        kind: why.
        connection: name of the source.
        account: the vendor's id; of a purchase the client's.
        account_name: for people, likewise.
        client: PSA client id, empty without a link.
        what: the product, or the name of the record.
        quantity: units or GB; of a record those it bills.
        money: estimate for the month, None where no price is known; of a purchase its cost.
        currency: of the money.
        remedy: the command that mends it.
    """

    kind: LeakKind
    connection: str
    account: str
    account_name: str
    client: str
    what: str
    quantity: Decimal
    money: Decimal | None
    currency: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """Everything that leaks in a month.

    Attributes:
        period: the month.
        not_billed: counted and billed nowhere, the most money first.
        not_counted: billed and no longer counted, likewise.
        free: counted and free since somebody wrote a price of 0; told, and no leak.
    """

    period: str
    not_billed: tuple[Leak, ...]
    not_counted: tuple[Leak, ...]
    free: tuple[Leak, ...] = ()

    def of(self, connection: str) -> LeakReport:
        """What one connection leaks."""
        return LeakReport(
            period=self.period,
            not_billed=_of(connection, self.not_billed),
            not_counted=_of(connection, self.not_counted),
            free=_of(connection, self.free),
        )


def _of(connection: str, leaks: tuple[Leak, ...]) -> tuple[Leak, ...]:
    return tuple(one for one in leaks if one.connection == connection)
