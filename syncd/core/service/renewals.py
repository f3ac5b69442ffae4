"""What is committed and ends soon, what runs on without a term, what is not charged monthly.

Read from the facts of the newest pulls: what a vendor does not say stays unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from syncd.core.billing.arithmetic import product, quotient
from syncd.core.service.clients import choose_client
from syncd.core.service.renewal_list import Asked, Renewal, RenewalReport, arrange
from syncd.core.service.term_days import (
    days_left,
    ends_on,
    months_of,
    not_monthly,
    renewal_month,
    rolls,
    safe_until,
    window_of,
)
from syncd.core.store.connections import all_connections, find_connection
from syncd.core.store.references import ReferenceKind, load_references
from syncd.core.store.renewals import (
    HeldRate,
    LinkedClient,
    Named,
    TermUnit,
    accounts_of,
    clients_of,
    products_of,
    rates_on,
    read_at,
    units_elsewhere,
    units_with_terms,
)
from syncd.sdk.terms import Term

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.database import Database

_CYCLE_MONTHS: Final = {"monthly": 1, "quarterly": 3, "annual": 12}


async def read_renewals(
    database: Database,
    asked: Asked,
    *,
    connections: Collection[str],
    psa_name: str | None,
    timezone: ZoneInfo,
    currency: str,
    now: datetime,
) -> RenewalReport:
    """List what has a term.

    Args:
        database: where everything is.
        asked: which.
        connections: names of the sources to look at.
        psa_name: connection of the PSA; None where nothing is billed.
        timezone: of billing.
        currency: of the rates to take.
        now: UTC.

    Raises:
        ClientUnknown: the client is not exactly one.
    """
    today = now.astimezone(timezone).date()
    async with database.reader() as conn:
        wanted = None if asked.client is None else await _client(conn, psa_name, asked.client)
        rates = await rates_on(conn, today, currency)
        rows: list[Renewal] = []
        told = 0
        read: dict[str, datetime | None] = {}
        for connection in await all_connections(conn):
            if connection.name not in connections:
                continue
            read[connection.name] = await read_at(conn, connection.id)
            clients = await clients_of(conn, connection.id)
            of_client = {one for one, client in clients.items() if client.key == wanted}
            book = _Book(
                connection=connection.name,
                accounts=await accounts_of(conn, connection.id),
                products=await products_of(conn, connection.id),
                clients=clients,
                rates=rates,
                currency=currency,
                timezone=timezone,
                today=today,
                windows=asked.windows,
            )
            accounts = None if wanted is None else of_client
            units = [
                unit
                async for unit in units_with_terms(conn, connection.id, accounts=accounts)
                if book.matters(unit.term)
            ]
            elsewhere = await units_elsewhere(conn, connection.id, units, connections=connections)
            own = [book.renewal(unit) for unit in units if not unit.is_told(elsewhere)]
            told += len(units) - len(own)
            rows += own
    return arrange(rows, asked, today=today, timezone=timezone, read_at=read, told=told)


async def _client(conn: AsyncConnection, psa_name: str | None, wanted: str) -> str:
    psa = None if psa_name is None else await find_connection(conn, psa_name)
    known = {}
    if psa is not None:
        book = await load_references(conn, psa.id)
        known = dict(book.of(psa.id, ReferenceKind.CLIENT))
    return choose_client(known, (), wanted).key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """What names and prices the units of one connection."""

    connection: str
    accounts: Mapping[int, Named]
    products: Mapping[int, Named]
    clients: Mapping[int, LinkedClient]
    rates: Mapping[tuple[int, str], HeldRate]
    currency: str
    timezone: ZoneInfo
    today: date
    windows: tuple[int, ...]

    def matters(self, term: Term) -> bool:
        """Not only an end that is farther away than was asked."""
        if term.extended or not_monthly(term) or term.ends is None:
            return True
        return (ends_on(term.ends, self.timezone) - self.today).days <= self.windows[-1]

    def renewal(self, unit: TermUnit) -> Renewal:
        account, item = self.accounts[unit.account_id], self.products[unit.product_id]
        client = self.clients.get(unit.account_id)
        term, zone = unit.term, self.timezone
        days = days_left(term, self.today, zone)
        falls = None if term.falls_until is None else safe_until(term.falls_until, zone)
        rate = self._rate(unit.product_id, client)
        months = months_of(term.length)
        return Renewal(
            connection=self.connection,
            account=account.key,
            account_name=account.name,
            client="" if client is None else client.key,
            client_name="" if client is None else client.name,
            product=item.key,
            product_name=item.name,
            unit=unit.unit,
            name=unit.name,
            seats=unit.quantity,
            next_seats=term.next_quantity,
            length=term.length,
            billed=term.billed,
            ends=term.ends,
            ends_on=None if term.ends is None else ends_on(term.ends, zone),
            days=days,
            window=None if days is None else window_of(days, self.windows),
            then=term.then,
            falls_until=None if falls is None or falls < self.today else falls,
            extended=term.extended,
            rolls=rolls(term),
            not_monthly=not_monthly(term),
            renewal_month=renewal_month(term, zone),
            excluded=unit.excluded,
            price=_times(rate.price, unit.quantity),
            cost=_times(rate.cost, unit.quantity),
            cycle=rate.cycle,
            term_price=_for_term(_times(rate.price, unit.quantity), rate.cycle, months),
            term_cost=_for_term(_times(rate.cost, unit.quantity), rate.cycle, months),
            currency=self.currency if rate.cycle else "",
        )

    def _rate(self, product_id: int, client: LinkedClient | None) -> HeldRate:
        """The client's own as a whole where it has one, else the default."""
        own = None if client is None else self.rates.get((product_id, client.key))
        return own or self.rates.get((product_id, ""), _NO_RATE)


_NO_RATE: Final = HeldRate(None, None, "")


def _times(each: Decimal | None, seats: int) -> Decimal | None:
    return None if each is None else product(each, Decimal(seats))


def _for_term(amount: Decimal | None, cycle: str, months: int | None) -> Decimal | None:
    """The money of a whole term; None unless the cycle fits into it without a rest."""
    every = _CYCLE_MONTHS.get(cycle)
    if amount is None or months is None or every is None or months % every:
        return None
    return product(amount, quotient(Decimal(months), Decimal(every)))
