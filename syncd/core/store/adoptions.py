"""Adoptions: which record of the PSA a person gave to which line, and what it held at that moment.

Rows are appended with the write that shall mark the record; the outbox knows how that ended.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import UNSETTLED, OutboxState, chunks
from syncd.core.store.tables import Adoption, OutboxRow
from syncd.sdk.records import Subscription, canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedRecord:
    """A record that a person gave to a line.

    Attributes:
        plan_id: the plan with which it was confirmed.
        psa_connection_id: where it is.
        account_id: whose line.
        client_key: PSA client id.
        remote: the PSA's id of the record.
        line_uid: the line.
        key: external key of the line.
        evidence: what it was chosen for.
        seen: the record as it stood.
        confirmed_by: who.
        recorded_at: UTC.
        state: how its write ended; None where there is none.
    """

    plan_id: str
    psa_connection_id: int
    account_id: int
    client_key: str
    remote: str
    line_uid: str
    key: str
    evidence: str
    seen: Subscription
    confirmed_by: str
    recorded_at: datetime
    state: OutboxState | None = None


async def record_adoptions(conn: AsyncConnection, adopted: Sequence[AdoptedRecord]) -> None:
    """Append what was confirmed."""
    rows = [
        {
            "plan_id": one.plan_id,
            "psa_connection_id": one.psa_connection_id,
            "account_id": one.account_id,
            "client_key": one.client_key,
            "remote": one.remote,
            "line_uid": one.line_uid,
            "key": one.key,
            "evidence": one.evidence,
            "seen": canonical_json(one.seen).decode(),
            "confirmed_by": one.confirmed_by,
            "recorded_at": one.recorded_at,
        }
        for one in adopted
    ]
    if rows:
        await conn.execute(insert(Adoption), rows)


async def load_adoptions(
    conn: AsyncConnection, *, plan_id: str | None = None, account_id: int | None = None
) -> list[AdoptedRecord]:
    """What was confirmed, the oldest first: of a plan, of an account, or all of it."""
    statement: Any = (
        select(Adoption, col(OutboxRow.state).label("state"))
        .outerjoin(
            OutboxRow,
            (col(OutboxRow.plan_id) == col(Adoption.plan_id))
            & (col(OutboxRow.key) == col(Adoption.key)),
        )
        .order_by(col(Adoption.id))
    )
    if plan_id is not None:
        statement = statement.where(col(Adoption.plan_id) == plan_id)
    if account_id is not None:
        statement = statement.where(col(Adoption.account_id) == account_id)
    return [
        AdoptedRecord(
            plan_id=row.plan_id,
            psa_connection_id=row.psa_connection_id,
            account_id=row.account_id,
            client_key=row.client_key,
            remote=row.remote,
            line_uid=row.line_uid,
            key=row.key,
            evidence=row.evidence,
            seen=msgspec.json.decode(row.seen, type=Subscription),
            confirmed_by=row.confirmed_by,
            recorded_at=row.recorded_at,
            state=None if row.state is None else OutboxState(row.state),
        )
        for row in await conn.execute(statement)
    ]


async def only_adoptions_wait(conn: AsyncConnection, psa_connection_id: int) -> bool:
    """Whether writes are left open and every one of them only marks a record.

    Marking changes no bill, so that it is gone on with in shadow too.
    """
    adopted = (
        select(col(Adoption.id))
        .where(
            col(Adoption.plan_id) == col(OutboxRow.plan_id), col(Adoption.key) == col(OutboxRow.key)
        )
        .exists()
    )
    statement = select(adopted).where(
        col(OutboxRow.psa_connection_id) == psa_connection_id,
        col(OutboxRow.state).in_(UNSETTLED),
    )
    found = [bool(one) for one in await conn.scalars(statement)]
    return bool(found) and all(found)


async def busy_remotes(
    conn: AsyncConnection, psa_connection_id: int, remotes: Collection[str]
) -> set[str]:
    """Which of these records have a write whose end is not known yet."""
    found: set[str] = set()
    for chunk in chunks(remotes):
        statement = select(col(OutboxRow.remote)).where(
            col(OutboxRow.psa_connection_id) == psa_connection_id,
            col(OutboxRow.remote).in_(chunk),
            col(OutboxRow.state).in_(UNSETTLED),
        )
        found |= {remote for remote in await conn.scalars(statement) if remote is not None}
    return found
