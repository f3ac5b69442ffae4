"""The identity of billing lines, and the ledger of the PSA records that carry them.

A line's uid is computed from ids that never change, so that a database restored from an older
backup gives the same line the same external key and finds its record instead of making a second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.census.selection import among, gathered, listed
from syncd.core.store.ledger_rows import (
    LINE_COLUMNS,
    RECORD_COLUMNS,
    LedgerRows,
    LineRows,
    record_of,
    sent_text,
)
from syncd.core.store.ledger_rows import LedgerRecord as LedgerRecord
from syncd.core.store.ledger_rows import RecordStatus as RecordStatus
from syncd.core.store.ledger_rows import StoredLine as StoredLine
from syncd.core.store.outbox import chunks
from syncd.core.store.tables import BillingLine, PsaRecord

_UID_LENGTH = 12

_REMOTES = msgspec.json.Decoder(list[tuple[str]])


def line_uid(
    connection_uid: str,
    account_key: str,
    slot: tuple[str, str, str],
    taken: Mapping[str, tuple[str, str, str]],
) -> str:
    """The uid of a line that is not stored yet.

    Args:
        connection_uid: of the source.
        account_key: of the account.
        slot: configuration uid, asset type and part.
        taken: uids of the account's stored lines with their slots; a line whose asset type changed
            keeps the uid of its first slot, so that slot's next line gets another.
    """
    attempt = 0
    while True:
        text = "\x1f".join(
            (connection_uid, account_key, *slot, *([str(attempt)] if attempt else []))
        )
        uid = hashlib.sha256(text.encode()).hexdigest()[:_UID_LENGTH]
        if taken.get(uid, slot) == slot:
            return uid
        attempt += 1


async def lines_of(conn: AsyncConnection, account_ids: Collection[int]) -> dict[int, LineRows]:
    """Stored lines by account; an account without any is absent."""
    statement = text(
        f"SELECT account_id, {gathered(conn, LINE_COLUMNS)} FROM billing_line"  # noqa: S608 - values are bound
        f" WHERE {among(conn, 'account_id', 'accounts')} GROUP BY account_id"
    )
    found: dict[int, LineRows] = {}
    for chunk in chunks(account_ids):
        rows = (await conn.execute(statement, {"accounts": listed(conn, chunk)})).fetchall()
        found.update({account_id: LineRows(lines) for account_id, lines in rows})
    return found


async def store_lines(conn: AsyncConnection, lines: Sequence[StoredLine], *, now: datetime) -> None:
    """Store lines; one that is stored already stays, with its asset type brought up to date."""
    stored = await lines_of(conn, {line.account_id for line in lines})
    known = {line.uid: line for found in stored.values() for line in found}
    fresh = []
    for line in lines:
        before = known.get(line.uid)
        if before is None:
            fresh.append(line)
        elif before.slot != line.slot:
            await _move(conn, line, stored.get(line.account_id, ()))
    if fresh:
        await conn.execute(
            insert(BillingLine),
            [
                {
                    "uid": line.uid,
                    "connection_id": line.connection_id,
                    "account_id": line.account_id,
                    "configuration_uid": line.configuration_uid,
                    "asset_type_key": line.asset_type_key,
                    "part": line.part,
                    "created_at": now,
                }
                for line in fresh
            ],
        )


async def records_of(
    conn: AsyncConnection, psa_connection_id: int, account_ids: Collection[int]
) -> dict[int, LedgerRows]:
    """Ledger rows by account, only of this PSA, since ids of another name other things.

    An account without any is absent.
    """
    statement = text(
        f"SELECT account_id, {gathered(conn, RECORD_COLUMNS)} FROM psa_record"  # noqa: S608 - values are bound
        f" WHERE psa_connection_id = :psa AND {among(conn, 'account_id', 'accounts')}"
        " GROUP BY account_id"
    )
    found: dict[int, LedgerRows] = {}
    for chunk in chunks(account_ids):
        bound = {"psa": psa_connection_id, "accounts": listed(conn, chunk)}
        rows = (await conn.execute(statement, bound)).fetchall()
        found.update({account_id: LedgerRows(records) for account_id, records in rows})
    return found


async def record_of_key(conn: AsyncConnection, key: str) -> LedgerRecord | None:
    """The ledger row of an external key, or None when nothing was ever delivered for it."""
    statement = text(f"SELECT {RECORD_COLUMNS} FROM psa_record WHERE key = :key")  # noqa: S608 - values are bound
    row = (await conn.execute(statement, {"key": key})).one_or_none()
    return None if row is None else record_of(row)


async def known_remotes(conn: AsyncConnection, psa_connection_id: int) -> frozenset[str]:
    """The PSA's ids of all records that are ours, of every account."""
    statement = text(
        f"SELECT {gathered(conn, 'remote')} FROM psa_record"  # noqa: S608 - values are bound
        " WHERE psa_connection_id = :psa AND remote IS NOT NULL"
    )
    found = await conn.scalar(statement, {"psa": psa_connection_id})
    return frozenset([remote for (remote,) in _REMOTES.decode(found or "[]")])


async def save_records(conn: AsyncConnection, records: Sequence[LedgerRecord]) -> None:
    """Write what was delivered; the row of each key is replaced."""
    rows: list[dict[str, Any]] = [
        {
            "key": record.key,
            "line_uid": record.line_uid,
            "psa_connection_id": record.psa_connection_id,
            "account_id": record.account_id,
            "period": record.period,
            "remote": record.remote,
            "state": record.status.value,
            "mode": record.mode,
            "content_hash": record.content_hash,
            "sent": sent_text(record),
            "sent_period": record.sent_period,
            "total_price": record.total_price,
            "total_cost": record.total_cost,
            "updated_at": record.updated_at,
        }
        for record in records
    ]
    if not rows:
        return
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(PsaRecord)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=["key"],
            set_={name: statement.excluded[name] for name in rows[0] if name != "key"},
        ),
        rows,
    )


async def mark_gone(conn: AsyncConnection, key: str, *, now: datetime) -> None:
    """Write that the PSA no longer has the record of this key."""
    await conn.execute(
        update(PsaRecord)
        .where(col(PsaRecord.key) == key)
        .values(state=RecordStatus.GONE.value, updated_at=now)
    )


async def _move(conn: AsyncConnection, line: StoredLine, others: Sequence[StoredLine]) -> None:
    """Give the line its new slot; a line that sat there without ever being billed steps aside."""
    for other in others:
        if other.slot == line.slot and other.uid != line.uid:
            await conn.execute(
                update(BillingLine)
                .where(col(BillingLine.uid) == other.uid)
                .values(asset_type_key=f"{other.asset_type_key}~{other.uid}")
            )
    await conn.execute(
        update(BillingLine)
        .where(col(BillingLine.uid) == line.uid)
        .values(asset_type_key=line.asset_type_key)
    )
