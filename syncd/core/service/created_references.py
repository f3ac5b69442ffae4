"""Contacts and items that we made in a book: known and mapped in the commit that proves them.

Otherwise the next plan would propose to make them a second time.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.ledger_actions import ActionItem
from syncd.core.store.ledger_mappings import MADE, LedgerDecision, write_ledger_mappings
from syncd.core.store.ledger_references import add_ledger_reference
from syncd.core.store.tables.ledger import InvoicePlan, InvoicePlanRow
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import ActionKind, LedgerAction


async def keep_created(
    conn: AsyncConnection, item: ActionItem, action: LedgerAction, remote: str, now: datetime
) -> None:
    """Store an entry that was made, and the mapping that it was made for.

    Args:
        conn: of the transaction that settles the write.
        item: the write.
        action: what was made.
        remote: the book's id of it.
        now: UTC.
    """
    contact = action.kind is ActionKind.CREATE_CONTACT
    kind = ReferenceKind.CONTACT if contact else ReferenceKind.ITEM
    await add_ledger_reference(
        conn,
        item.connection_id,
        LedgerReference(
            kind=kind,
            key=remote,
            name=action.name,
            foreign_key=action.foreign_key,
            currency=action.currency,
        ),
        now=now,
    )
    asked = await conn.execute(
        select(col(InvoicePlan.psa_connection_id), col(InvoicePlanRow.released_by))
        .join(InvoicePlanRow, col(InvoicePlanRow.plan_id) == col(InvoicePlan.id))
        .where(
            col(InvoicePlan.id) == item.plan_id,
            col(InvoicePlanRow.key) == f"{kind.value}:{action.foreign_key}",
        )
    )
    row = asked.first()
    if row is None:
        return
    decision = LedgerDecision(
        kind=kind,
        source=action.foreign_key,
        source_name=action.name,
        currency=action.currency if contact else "",
        target=remote,
        target_name=action.name,
        by=row.released_by or "syncd",
        reason=f"{MADE} {item.plan_id}",
    )
    await write_ledger_mappings(
        conn, row.psa_connection_id, item.connection_id, new=[decision], now=now
    )
