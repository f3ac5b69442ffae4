"""Issues of commitments: what ends soon, and what runs on without a term, one per account.

Looked at after every pull, also that of another connection or one that failed, since days pass
while facts stay the same. A connection that states no term costs one look into an index.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from syncd.core.service.issue_book import IssueBook
from syncd.core.service.renewal_list import WINDOWS
from syncd.core.service.term_days import (
    days_left,
    ends_on,
    length_words,
    rolls,
    safe_until,
    then_words,
    window_of,
)
from syncd.core.store.asking import fetch, scalar
from syncd.core.store.connections import ConnectionRef, all_connections
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.micros import to_micros
from syncd.core.store.renewals import (
    LinkedClient,
    Named,
    TermUnit,
    accounts_of,
    any_term,
    clients_of,
    products_of,
    units_elsewhere,
    units_with_terms,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.period import day_start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.database import Database

RENEWAL_DUE: Final = "RENEWAL_DUE"
EXTENDED_TERM: Final = "EXTENDED_TERM"

_URGENT: Final = WINDOWS[0]
_LISTED: Final = 5

_OPEN = (
    "SELECT DISTINCT connection FROM issue WHERE closed_at IS NULL"
    " AND code IN ('RENEWAL_DUE', 'EXTENDED_TERM')"
)
_LOOKED = (
    "SELECT max(last_seen_at) FROM issue WHERE closed_at IS NULL AND connection = :connection"
    " AND code IN ('RENEWAL_DUE', 'EXTENDED_TERM')"
)


async def review_terms(
    database: Database,
    *,
    pulled: Collection[str],
    active: Collection[str],
    timezone: ZoneInfo,
    now: datetime,
    log: EventLog,
) -> None:
    """Open, refresh and close the issues of commitments.

    Args:
        database: where everything is.
        pulled: names of the connections whose facts may have changed; of the others only the day
            did, so they are looked at once a day.
        active: names of the connections that count; what others said is closed.
        timezone: of billing.
        now: UTC.
        log: gets `issue.opened` and `issue.closed`.
    """
    async with database.reader() as conn:
        known = {row[0] for row in await fetch(conn, _OPEN)}
        concerned = [
            one
            for one in await all_connections(conn)
            if one.name in known or (one.name in active and await any_term(conn, one.id))
        ]
        today = now.astimezone(timezone).date()
        waiting = [
            one
            for one in concerned
            if one.name in pulled
            or one.name not in active
            or not await _looked_at_on(conn, one.name, today, timezone)
        ]
    for connection in waiting:
        async with database.writer() as conn:
            book = IssueBook(conn, connection.name, now)
            counts = connection.name in active
            due, extended = (
                await _findings(conn, connection, today, timezone, active) if counts else ({}, {})
            )
            await book.replace(RENEWAL_DUE, due)
            await book.replace(EXTENDED_TERM, extended)
        book.speak(log)


async def _looked_at_on(
    conn: AsyncConnection, connection: str, today: date, timezone: ZoneInfo
) -> bool:
    """Every look leaves its moment on the issues that stay; without any it looks again."""
    looked = await scalar(conn, _LOOKED, {"connection": connection})
    return looked is not None and looked >= to_micros(day_start(today, timezone))


async def _findings(
    conn: AsyncConnection,
    connection: ConnectionRef,
    today: date,
    timezone: ZoneInfo,
    active: Collection[str],
) -> tuple[dict[str, Finding], dict[str, Finding]]:
    """What ends soon, and what is extended, by the subject of its account."""
    found = [
        unit
        async for unit in units_with_terms(conn, connection.id)
        if unit.term.extended or _window(unit, today, timezone) is not None
    ]
    elsewhere = await units_elsewhere(conn, connection.id, found, connections=active)
    due: dict[int, list[_Due]] = {}
    extended: dict[int, list[TermUnit]] = {}
    for unit in found:
        if unit.is_told(elsewhere):
            continue
        if unit.term.extended:
            extended.setdefault(unit.account_id, []).append(unit)
        elif (window := _window(unit, today, timezone)) is not None:
            due.setdefault(unit.account_id, []).append(_Due(window, unit))
    if not due and not extended:
        return {}, {}
    teller = _Teller(
        connection=connection.name,
        accounts=await accounts_of(conn, connection.id),
        products=await products_of(conn, connection.id),
        clients=await clients_of(conn, connection.id),
        timezone=timezone,
        today=today,
    )
    return (
        dict(teller.due(account, units) for account, units in due.items()),
        dict(teller.extended(account, units) for account, units in extended.items()),
    )


def _window(unit: TermUnit, today: date, timezone: ZoneInfo) -> int | None:
    """The window in which somebody has to decide on the unit, None where nobody has to."""
    days = days_left(unit.term, today, timezone)
    return None if days is None or rolls(unit.term) else window_of(days, WINDOWS)


@dataclass(frozen=True, slots=True)
class _Due:
    window: int
    unit: TermUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teller:
    """Puts the commitments of an account into words."""

    connection: str
    accounts: Mapping[int, Named]
    products: Mapping[int, Named]
    clients: Mapping[int, LinkedClient]
    timezone: ZoneInfo
    today: date

    def due(self, account_id: int, found: list[_Due]) -> tuple[str, Finding]:
        window = min(one.window for one in found)
        units = [one.unit for one in found]
        told = self._told(units, self._due_words)
        return self._subject(account_id), Finding(
            message=f"Commitments of {self._whose(account_id)} end within {window} days: {told}.",
            remedy="Decide at the vendor whether it is renewed, and for how many seats, before "
            f"that day; {self._list(account_id)} shows all of it.",
            severity=IssueSeverity.ERROR if window == _URGENT else IssueSeverity.WARNING,
            evidence=self._evidence(account_id, units) | {"window": window},
        )

    def extended(self, account_id: int, units: list[TermUnit]) -> tuple[str, Finding]:
        told = self._told(units, self._extended_words)
        return self._subject(account_id), Finding(
            message=f"Seats of {self._whose(account_id)} run on beyond their term, month by month "
            f"at the vendor's terms, which usually cost more: {told}.",
            remedy="Buy a new term at the vendor, or end what nobody needs; "
            f"{self._list(account_id)} shows all of it.",
            severity=IssueSeverity.WARNING,
            evidence=self._evidence(account_id, units),
        )

    def _subject(self, account_id: int) -> str:
        return f"{self.connection}/{self.accounts[account_id].key}"

    def _whose(self, account_id: int) -> str:
        client = self.clients.get(account_id)
        if client is not None:
            return client.name
        account = self.accounts[account_id]
        return f"account {account.key} ({account.name}, linked to no client) of {self.connection}"

    def _list(self, account_id: int) -> str:
        client = self.clients.get(account_id)
        if client is not None:
            return f"`syncd renewals --client {client.key}`"
        return f"`syncd renewals --connection {self.connection}`"

    def _told(self, units: list[TermUnit], words: Callable[[TermUnit], str]) -> str:
        """One part per product, day and outcome; the soonest first."""
        groups = [
            (key, list(own)) for key, own in groupby(sorted(units, key=self._key), key=self._key)
        ]
        parts = [
            f"{sum(one.quantity for one in own):,} x {key[1]} {words(own[0])}"
            for key, own in groups[:_LISTED]
        ]
        if len(groups) > _LISTED:
            parts.append(f"and {len(groups) - _LISTED} more")
        return "; ".join(parts)

    def _key(self, unit: TermUnit) -> tuple[date, str, str]:
        return (
            unit.term.ends or date.max,
            self.products[unit.product_id].name,
            f"{self._due_words(unit)} {self._extended_words(unit)}",
        )

    def _due_words(self, unit: TermUnit) -> str:
        term = unit.term
        ends = f"on {ends_on(term.ends, self.timezone)}" if term.ends is not None else "some day"
        said = [f"{ends} ({then_words(term)}"]
        if term.falls_until is not None:
            falls = safe_until(term.falls_until, self.timezone)
            if falls >= self.today:
                said.append(f"seats may fall until {falls}")
        if unit.excluded is not None:
            said.append(f"not counted: {unit.excluded}")
        return ", ".join(said) + ")"

    def _extended_words(self, unit: TermUnit) -> str:
        term = unit.term
        length = f" of {length_words(term.length)}" if term.length else ""
        ends = "" if term.ends is None else f", now to {ends_on(term.ends, self.timezone)}"
        return f"(term{length}{ends})"

    def _evidence(self, account_id: int, units: Iterable[TermUnit]) -> dict[str, object]:
        client = self.clients.get(account_id)
        return {
            "account": self.accounts[account_id].key,
            **({} if client is None else {"client": client.name}),
            "units": [
                {
                    "unit": one.unit,
                    "product": self.products[one.product_id].key,
                    "seats": one.quantity,
                    "excluded": one.excluded,
                    "term": one.term,
                }
                for one in units
            ],
        }
