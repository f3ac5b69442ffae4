"""Invoices that are asked for by their ids: long unheard of, drafts whose day has come, gone ones.

An invoice is marked as gone and never deleted, since a PSA may deny today what it shows tomorrow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta

import msgspec
from sqlalchemy import bindparam, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.ledger_documents import NOT_STANDING
from syncd.core.store.tables.books import InvoiceRow
from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.core.store.types import UtcDateTime
from syncd.sdk.invoice_records import PsaInvoice

_Row = InvoiceRow
_BEGINS = timedelta(hours=-14)
_BEGUN = timedelta(hours=12)
"""A day begins so long before and after it does in UTC, somewhere and everywhere on earth."""


async def mark_invoices_gone(
    conn: AsyncConnection, psa_id: int, keys: Collection[str], *, now: datetime
) -> None:
    """Say that the PSA, asked for these by id, does not know them; since when, is kept."""
    if keys:
        statement = (
            update(_Row)
            .where(col(_Row.psa_connection_id) == psa_id, col(_Row.key) == bindparam("gone"))
            .values(
                gone_at=func.coalesce(col(_Row.gone_at), literal(now, UtcDateTime)), read_at=now
            )
        )
        await conn.execute(statement, [{"gone": key} for key in sorted(keys)])


async def oldest_read(
    conn: AsyncConnection, psa_id: int, *, before: datetime, since: date, most: int
) -> list[str]:
    """Keys of finished invoices that were last seen before a moment, the longest unseen first."""
    statement = (
        select(col(_Row.key))
        .where(
            col(_Row.psa_connection_id) == psa_id,
            col(_Row.read_at) < before,
            col(_Row.gone_at).is_(None),
            col(_Row.voided).is_(False),
            col(_Row.finalised).is_(True),
            col(_Row.dated) >= since.isoformat(),
        )
        .order_by(col(_Row.read_at), col(_Row.id))
        .limit(most)
    )
    return list((await conn.execute(statement)).scalars())


async def drafts_of_the_day(
    conn: AsyncConnection,
    psa_id: int,
    *,
    now: datetime,
    asked_before: datetime,
    since: date,
    most: int,
) -> list[str]:
    """Keys of unfinished invoices whose day has come since they were read.

    A PSA may count an invoice as finished by its date, which changes nothing of the invoice.

    Args:
        conn: a reader's connection.
        psa_id: connection of the PSA.
        now: moment of the question, UTC.
        asked_before: only those that were not read since.
        since: only those dated from this day on.
        most: how many at most, the longest unread first.
    """
    statement = (
        select(col(_Row.key), col(_Row.dated), col(_Row.read_at))
        .where(
            col(_Row.psa_connection_id) == psa_id,
            col(_Row.read_at) < asked_before,
            col(_Row.gone_at).is_(None),
            col(_Row.voided).is_(False),
            col(_Row.finalised).is_(False),
            col(_Row.dated) >= since.isoformat(),
            col(_Row.dated) <= (now - _BEGINS).date().isoformat(),
        )
        .order_by(col(_Row.read_at), col(_Row.id))
    )
    found = [
        row.key
        for row in await conn.execute(statement)
        if row.read_at < datetime.combine(date.fromisoformat(row.dated), time(), UTC) + _BEGUN
    ]
    return found[:most]


async def gone_lately(
    conn: AsyncConnection, psa_id: int, *, asked_before: datetime, since: datetime, most: int
) -> list[str]:
    """Keys of invoices gone since a moment, the longest not asked for first."""
    statement = (
        select(col(_Row.key))
        .where(
            col(_Row.psa_connection_id) == psa_id,
            col(_Row.gone_at) >= since,
            col(_Row.read_at) < asked_before,
        )
        .order_by(col(_Row.read_at), col(_Row.id))
        .limit(most)
    )
    return list((await conn.execute(statement)).scalars())


async def newest_read(
    conn: AsyncConnection, psa_id: int, *, since: datetime, most: int
) -> list[str]:
    """Keys of invoices that the PSA has shown lately, the last one first."""
    statement = (
        select(col(_Row.key))
        .where(
            col(_Row.psa_connection_id) == psa_id,
            col(_Row.gone_at).is_(None),
            col(_Row.read_at) >= since,
        )
        .order_by(col(_Row.read_at).desc(), col(_Row.id).desc())
        .limit(most)
    )
    return list((await conn.execute(statement)).scalars())


async def gone_unposted(
    conn: AsyncConnection, psa_id: int, *, since: datetime, days: Mapping[str, date]
) -> list[PsaInvoice]:
    """Finished invoices that are gone and stand in no book, although a book waits for them.

    Args:
        conn: a reader's connection.
        psa_id: connection of the PSA.
        since: only those gone since this moment.
        days: by client: from which day on its invoices are posted to a book.
    """
    standing = (
        select(col(LedgerDocumentRow.id))
        .where(
            col(LedgerDocumentRow.psa_connection_id) == psa_id,
            col(LedgerDocumentRow.invoice_key) == col(_Row.key),
            col(LedgerDocumentRow.state).not_in([state.value for state in NOT_STANDING]),
        )
        .exists()
    )
    statement = (
        select(col(_Row.content))
        .where(
            col(_Row.psa_connection_id) == psa_id,
            col(_Row.gone_at) >= since,
            col(_Row.finalised).is_(True),
            col(_Row.voided).is_(False),
            ~standing,
        )
        .order_by(col(_Row.id))
    )
    rows = (await conn.execute(statement)).scalars()
    found = [msgspec.json.decode(content, type=PsaInvoice) for content in rows]
    return [one for one in found if one.client in days and one.dated >= days[one.client]]
