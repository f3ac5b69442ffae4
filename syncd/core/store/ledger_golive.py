"""Words of people about books: from which day on invoices are written, and what they vouch for.

A word is never edited: the next one supersedes it. It is said of an organisation and not of a
connection, so that another organisation behind the same connection is not live.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.connections import bump_data_version
from syncd.core.store.tables.books import Attestation, LedgerGoLive, Watermark
from syncd.core.store.watermarks import watermark

NOBODY_ELSE_POSTS: Final = "nobody_else_posts"
"""What a person vouches for where the PSA cannot rule it out: no other program carries invoices."""

LINK: Final = "link"
"""Kind of the run rows of linking passes, and beginning of the name of their watermarks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerWord:
    """What a person said of a book.

    Attributes:
        book_key: the organisation it was said of.
        live: invoices are written to it.
        from_day: those dated from this day on; None where it is not live.
        by: who.
        reason: why, or empty.
        at: when, UTC.
    """

    book_key: str
    live: bool
    from_day: date | None
    by: str
    reason: str
    at: datetime

    def covers(self, book_key: str, day: date) -> bool:
        """Whether an invoice of a day may be written to an organisation."""
        return (
            self.live
            and self.book_key == book_key
            and self.from_day is not None
            and day >= self.from_day
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """What a person vouches for.

    Attributes:
        id: row id.
        ledger_id: connection of the book; None for every book.
        what: e.g. `NOBODY_ELSE_POSTS`.
        by: who.
        reason: why.
        at: when, UTC.
    """

    id: int
    ledger_id: int | None
    what: str
    by: str
    reason: str
    at: datetime


async def load_ledger_golive(
    conn: AsyncConnection, psa_id: int, ledger_id: int
) -> LedgerWord | None:
    """The word that holds for a book, or None: then it is only linked."""
    table = LedgerGoLive
    statement = select(table).where(
        col(table.psa_connection_id) == psa_id,
        col(table.ledger_connection_id) == ledger_id,
        col(table.superseded_at).is_(None),
    )
    row = (await conn.execute(statement)).first()
    if row is None:
        return None
    return LedgerWord(
        book_key=row.book_key,
        live=row.live,
        from_day=date.fromisoformat(row.from_day) if row.from_day else None,
        by=row.decided_by,
        reason=row.reason,
        at=row.recorded_at,
    )


async def record_ledger_golive(
    conn: AsyncConnection, psa_id: int, ledger_id: int, word: LedgerWord
) -> None:
    """Keep a word; it supersedes the one before, and the data version grows."""
    table = LedgerGoLive
    before = update(table).where(
        col(table.psa_connection_id) == psa_id,
        col(table.ledger_connection_id) == ledger_id,
        col(table.superseded_at).is_(None),
    )
    await conn.execute(before.values(superseded_at=word.at))
    await conn.execute(
        insert(table).values(
            psa_connection_id=psa_id,
            ledger_connection_id=ledger_id,
            book_key=word.book_key,
            live=word.live,
            from_day="" if word.from_day is None else word.from_day.isoformat(),
            decided_by=word.by,
            reason=word.reason,
            recorded_at=word.at,
        )
    )
    await bump_data_version(conn)


async def linked_at(conn: AsyncConnection, ledger_id: int, book_key: str) -> datetime | None:
    """When the last finished linking pass of an organisation began; None before the first."""
    return await watermark(conn, ledger_id, link_name(book_key))


async def linked_from(conn: AsyncConnection, ledger_id: int, book_key: str) -> date | None:
    """The earliest day that a finished linking pass of an organisation looked at."""
    beginning = linked_from_name(book_key, None)
    statement = select(func.min(col(Watermark.name))).where(
        col(Watermark.connection_id) == ledger_id,
        col(Watermark.name).startswith(beginning, autoescape=True),
    )
    found = (await conn.execute(statement)).scalar_one_or_none()
    return None if found is None else date.fromisoformat(found.removeprefix(beginning))


def link_name(book_key: str) -> str:
    """Name of the watermark of an organisation's linking passes."""
    return f"{LINK}:{book_key}"


def linked_from_name(book_key: str, first: date | None) -> str:
    """Name of the watermark of passes that looked from a day on, or how all of them begin."""
    return f"{link_name(book_key)}:from:{'' if first is None else first.isoformat()}"


async def vouched(conn: AsyncConnection, psa_id: int, ledger_id: int) -> list[Vouched]:
    """What holds for a PSA and a book, the oldest first."""
    table = Attestation
    statement = (
        select(table)
        .where(
            col(table.psa_connection_id) == psa_id,
            or_(
                col(table.ledger_connection_id) == ledger_id,
                col(table.ledger_connection_id).is_(None),
            ),
            col(table.withdrawn_at).is_(None),
        )
        .order_by(col(table.id))
    )
    return [_vouched(row) for row in await conn.execute(statement)]


async def attested(conn: AsyncConnection, psa_id: int, ledger_id: int) -> bool:
    """Whether a person vouches that nobody else carries invoices into the book."""
    return any(one.what == NOBODY_ELSE_POSTS for one in await vouched(conn, psa_id, ledger_id))


async def record_attestation(
    conn: AsyncConnection,
    psa_id: int,
    ledger_id: int | None,
    *,
    what: str,
    by: str,
    reason: str,
    now: datetime,
) -> None:
    """Keep what a person vouches for; the data version grows."""
    await conn.execute(
        insert(Attestation).values(
            psa_connection_id=psa_id,
            ledger_connection_id=ledger_id,
            what=what,
            attested_by=by,
            reason=reason,
            recorded_at=now,
        )
    )
    await bump_data_version(conn)


async def withdraw_attestations(
    conn: AsyncConnection, psa_id: int, ledger_id: int, what: str, *, now: datetime
) -> int:
    """Take back what was vouched for of a book; how many words that were."""
    table = Attestation
    statement = update(table).where(
        col(table.psa_connection_id) == psa_id,
        col(table.ledger_connection_id) == ledger_id,
        col(table.what) == what,
        col(table.withdrawn_at).is_(None),
    )
    done = await conn.execute(statement.values(withdrawn_at=now))
    if done.rowcount:
        await bump_data_version(conn)
    return done.rowcount


def _vouched(row: Any) -> Vouched:
    return Vouched(
        id=row.id,
        ledger_id=row.ledger_connection_id,
        what=row.what,
        by=row.attested_by,
        reason=row.reason,
        at=row.recorded_at,
    )
