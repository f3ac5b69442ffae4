"""Invoices of a PSA as they were last read, whole, with a digest of what they show.

A row that was read before a newer one is never put back, so that two readers at once do no harm.
Whatever an invoice is not shown in any more stays here: it is only marked as gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.tables.books import InvoiceRow
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.money import STORED_SCALE, round_half_up
from syncd.sdk.records import canonical_json

_Row = InvoiceRow
_KEPT = ("first_read_at",)
_UNSHOWN = frozenset({"key", "item_name"})
_TAX = frozenset({"tax", "tax_rate"})
_PAGE = 500
_MOST = Decimal(90_000_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInvoice:
    """An invoice and what the reader knows of it.

    Attributes:
        id: row id, in the order of first reading.
        invoice: as it was last read.
        digest: of what it shows; see `shown_digest`.
        read_at: when it was last read, or asked for by its id and not found, UTC.
        gone_at: since when the PSA no longer knows it, or None.
    """

    id: int
    invoice: PsaInvoice
    digest: str
    read_at: datetime
    gone_at: datetime | None

    @property
    def counts(self) -> bool:
        """Finished, not voided and there: what a book may hold."""
        return self.invoice.finalised and not self.invoice.voided and self.gone_at is None


@dataclass(frozen=True, slots=True)
class InvoicesStored:
    """What a batch changed.

    Attributes:
        new: never read before.
        changed: of another digest than before, or there again.
        same: of the same digest; other facts of it, such as what is paid, may be new.
        older: left alone, since a newer state is known.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0


def shown_digest(invoice: PsaInvoice) -> str:
    """Digest of what the client's document shows, and of nothing else.

    What is paid, marks of bookkeeping and the moment of a change are left out; so are trailing
    zeros of amounts, and tax that is left to the books: it is written back after posting, which is
    no change of the invoice.
    """
    theirs = invoice.delegated_tax
    left_out = _UNSHOWN | _TAX if theirs else _UNSHOWN
    shown: dict[str, Any] = {
        "kind": invoice.kind.value,
        "number": invoice.number,
        "client": invoice.client,
        "currency": invoice.currency,
        "dated": invoice.dated.isoformat(),
        "due": None if invoice.due is None else invoice.due.isoformat(),
        "terms": invoice.terms,
        "reference": invoice.reference,
        "net": _plain(invoice.net),
        "tax": None if theirs else _plain(invoice.tax),
        "total": None if theirs else _plain(invoice.total),
        "voided": invoice.voided,
        "lines": [
            {
                name: _plain(value) if isinstance(value, Decimal) else value
                for name, value in msgspec.structs.asdict(line).items()
                if name not in left_out
            }
            for line in invoice.lines
        ],
    }
    return hashlib.sha256(canonical_json(shown)).hexdigest()


async def store_invoices(
    conn: AsyncConnection, psa_id: int, invoices: Sequence[PsaInvoice], *, now: datetime
) -> InvoicesStored:
    """Keep what was read; the last of several states of one invoice counts.

    Args:
        conn: a writer's connection.
        psa_id: connection of the PSA.
        invoices: whole ones.
        now: when they were read.
    """
    latest: dict[str, PsaInvoice] = {}
    for one in invoices:
        if one.key not in latest or one.modified >= latest[one.key].modified:
            latest[one.key] = one
    known = await _known(conn, psa_id, latest)
    rows, new, changed, same, older = [], 0, 0, 0, 0
    for key, one in latest.items():
        digest = shown_digest(one)
        before = known.get(key)
        if before is not None and before.modified_at > one.modified:
            older += 1
            continue
        if before is None:
            new += 1
        elif before.digest != digest or before.gone_at is not None:
            changed += 1
        else:
            same += 1
        rows.append(_values(psa_id, one, digest, now))
    if rows:
        dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(_Row)
        statement = statement.on_conflict_do_update(
            index_elements=["psa_connection_id", "key"],
            set_={name: statement.excluded[name] for name in rows[0] if name not in _KEPT},
        )
        await conn.execute(statement, rows)
    return InvoicesStored(new=new, changed=changed, same=same, older=older)


async def invoices_by_key(
    conn: AsyncConnection, psa_id: int, keys: Collection[str]
) -> dict[str, StoredInvoice]:
    """These invoices; a key that was never read is absent."""
    found: dict[str, StoredInvoice] = {}
    for chunk in chunks(sorted(keys)):
        for row in await conn.execute(_of(psa_id).where(col(_Row.key).in_(chunk))):
            found[row.key] = _stored(row)
    return found


async def all_invoices(
    conn: AsyncConnection,
    psa_id: int,
    *,
    since: date | None = None,
    clients: Collection[str] | None = None,
) -> AsyncIterator[StoredInvoice]:
    """Every stored invoice, gone and voided ones included, a page at a time.

    Args:
        conn: a reader's connection.
        psa_id: connection of the PSA.
        since: only those dated from this day on.
        clients: only those of these PSA clients.
    """
    after = 0
    while True:
        statement = _of(psa_id).where(col(_Row.id) > after).order_by(col(_Row.id)).limit(_PAGE)
        if since is not None:
            statement = statement.where(col(_Row.dated) >= since.isoformat())
        if clients is not None:
            statement = statement.where(col(_Row.client_key).in_(sorted(clients)))
        rows = (await conn.execute(statement)).all()
        for row in rows:
            yield _stored(row)
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


async def count_invoices(conn: AsyncConnection, psa_id: int) -> int:
    """How many are stored."""
    statement = select(func.count()).where(col(_Row.psa_connection_id) == psa_id)
    return int((await conn.execute(statement)).scalar_one())


async def _known(conn: AsyncConnection, psa_id: int, keys: Collection[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for chunk in chunks(sorted(keys)):
        statement = select(
            col(_Row.key), col(_Row.digest), col(_Row.modified_at), col(_Row.gone_at)
        ).where(col(_Row.psa_connection_id) == psa_id, col(_Row.key).in_(chunk))
        found |= {row.key: row for row in await conn.execute(statement)}
    return found


def _of(psa_id: int) -> Any:
    return select(
        col(_Row.id),
        col(_Row.key),
        col(_Row.content),
        col(_Row.digest),
        col(_Row.read_at),
        col(_Row.gone_at),
    ).where(col(_Row.psa_connection_id) == psa_id)


def _stored(row: Any) -> StoredInvoice:
    return StoredInvoice(
        id=row.id,
        invoice=msgspec.json.decode(row.content, type=PsaInvoice),
        digest=row.digest,
        read_at=row.read_at,
        gone_at=row.gone_at,
    )


def _plain(amount: Decimal) -> str:
    """`1.50` and `1.5` are one amount; so are `0` and `-0`."""
    return f"{amount.normalize() + 0:f}"


def _listed(amount: Decimal) -> Decimal:
    """For lists, within what a column takes; the content keeps the amount as it is."""
    return round_half_up(max(min(amount, _MOST), -_MOST), STORED_SCALE)


def _text(value: str) -> str:
    """PostgreSQL takes no NUL; the content keeps it escaped."""
    return value.replace("\x00", "")


def _values(psa_id: int, one: PsaInvoice, digest: str, now: datetime) -> dict[str, Any]:
    return {
        "psa_connection_id": psa_id,
        "key": one.key,
        "kind": one.kind.value,
        "number": _text(one.number),
        "client_key": _text(one.client),
        "client_name": _text(one.client_name),
        "currency": _text(one.currency),
        "dated": one.dated.isoformat(),
        "due": None if one.due is None else one.due.isoformat(),
        "net": _listed(one.net),
        "tax": _listed(one.tax),
        "total": _listed(one.total),
        "finalised": one.finalised,
        "voided": one.voided,
        "owner": one.owner.value,
        "content": msgspec.json.encode(one, order="deterministic").decode(),
        "digest": digest,
        "modified_at": one.modified,
        "first_read_at": now,
        "read_at": now,
        "gone_at": None,
    }
