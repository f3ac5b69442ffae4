"""Accepted differences of billed months as rows, and which bill carries each.

A row is written once; only the month of the bill that carries it is filled in, in the commit that
queues that bill.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.census.selection import among, listed
from syncd.core.store.outbox import chunks
from syncd.core.store.tables import Correction, LateChange
from syncd.core.store.types import from_micros
from syncd.sdk.money import from_scaled


class NewCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an accepted late change; meanings as in `StoredCorrection`."""

    late_change_id: int
    account_id: int
    period: str
    line_uid: str
    line_key: str
    name: str
    price: Decimal | None
    cost: Decimal | None
    currency: str
    accepted_by: str
    reason: str


class StoredCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an accepted late change.

    Attributes:
        id: row id.
        late_change_id: what was accepted.
        account_id: whose.
        client_key: PSA client of the corrected bill.
        period: the corrected month.
        line_key: line of the corrected bill.
        name: of that line.
        price: signed.
        cost: likewise, None where it is not ours.
        currency: of the money.
        billed_in: month of the bill that carries it, empty while it waits; its own month where
            that was billed again before.
        accepted_by: who.
        reason: why.
        accepted_at: UTC.
    """

    id: int
    late_change_id: int
    account_id: int
    client_key: str
    period: str
    line_key: str
    name: str
    price: Decimal | None
    cost: Decimal | None
    currency: str
    billed_in: str
    accepted_by: str
    reason: str
    accepted_at: datetime


class LateEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What showed an accepted difference.

    Attributes:
        content: JSON, see `syncd.core.service.late_content`.
        found_at: UTC.
    """

    content: str
    found_at: datetime


_COLUMNS = (
    "c.id, c.late_change_id, c.account_id, l.client_key, c.period, c.line_key, c.name, c.price,"
    " c.cost, c.currency, c.billed_in, c.accepted_by, c.reason, c.accepted_at"
    " FROM correction c JOIN late_change l ON l.id = c.late_change_id"
)
_ALL = text(f"SELECT {_COLUMNS} ORDER BY c.id")


async def all_corrections(conn: AsyncConnection) -> dict[int, list[StoredCorrection]]:
    """Every correction by account, the oldest first; most installations have few."""
    return _by_account((await conn.execute(_ALL)).fetchall())


async def corrections_of(
    conn: AsyncConnection, account_ids: Collection[int]
) -> dict[int, list[StoredCorrection]]:
    """Corrections of these accounts, the oldest first; accounts without one are absent."""
    statement = text(
        f"SELECT {_COLUMNS} WHERE {among(conn, 'c.account_id', 'accounts')} ORDER BY c.id"
    )
    found: dict[int, list[StoredCorrection]] = {}
    for chunk in chunks(account_ids):
        rows = (await conn.execute(statement, {"accounts": listed(conn, chunk)})).fetchall()
        found.update(_by_account(rows))
    return found


async def evidence_of(
    conn: AsyncConnection, late_change_ids: Collection[int]
) -> dict[int, LateEvidence]:
    """What showed these late changes, by row id."""
    found: dict[int, LateEvidence] = {}
    for chunk in chunks(late_change_ids):
        statement = select(
            col(LateChange.id), col(LateChange.content), col(LateChange.found_at)
        ).where(col(LateChange.id).in_(chunk))
        for row_id, content, found_at in await conn.execute(statement):
            found[int(row_id or 0)] = LateEvidence(content=content, found_at=found_at)
    return found


async def insert_corrections(
    conn: AsyncConnection, corrections: Sequence[NewCorrection], *, now: datetime
) -> None:
    rows = [
        {**msgspec.structs.asdict(one), "billed_in": "", "accepted_at": now} for one in corrections
    ]
    if rows:
        await conn.execute(insert(Correction), rows)


async def carry_correction(
    conn: AsyncConnection, correction_id: int, *, seen: str, period: str
) -> bool:
    """Write that the bill of a month carries it; False where another bill took it since.

    Args:
        conn: a writer's connection.
        correction_id: which.
        seen: month of its bill as the plan saw it, empty for none.
        period: month of the bill that is queued.
    """
    done = await conn.execute(
        update(Correction)
        .where(col(Correction.id) == correction_id, col(Correction.billed_in).in_([seen, period]))
        .values(billed_in=period)
    )
    return bool(done.rowcount)


def _by_account(rows: Sequence[Any]) -> dict[int, list[StoredCorrection]]:
    found: dict[int, list[StoredCorrection]] = {}
    for row in rows:
        one = StoredCorrection(
            id=row[0],
            late_change_id=row[1],
            account_id=row[2],
            client_key=row[3],
            period=row[4],
            line_key=row[5],
            name=row[6],
            price=None if row[7] is None else from_scaled(row[7]),
            cost=None if row[8] is None else from_scaled(row[8]),
            currency=row[9],
            billed_in=row[10],
            accepted_by=row[11],
            reason=row[12],
            accepted_at=from_micros(row[13]),
        )
        found.setdefault(one.account_id, []).append(one)
    return found
