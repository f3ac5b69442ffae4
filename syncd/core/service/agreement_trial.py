"""Tries, read-only, whether the agreements that accounts name can be read at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlmodel import col

from syncd.core.service.agreements import read_agreements
from syncd.core.store.tables import AccountBilling, ClientLink, ConnectionRow
from syncd.sdk.ports import Psa
from syncd.sdk.records import CheckResult, Permission

if TYPE_CHECKING:
    from syncd.core.store.database import Database

NEEDED_FOR = "holding bills whose agreement is not active"


async def try_agreements(database: Database, psa_name: str, psa: Psa) -> CheckResult | None:
    """What a read of the agreements of one client showed; None where no account names one.

    Raises:
        ConnectorError: the PSA could not be read, for another reason than a missing right.
        StoreError: the database cannot serve.
    """
    clients = await _clients(database, psa_name)
    if not clients:
        return None
    read = await read_agreements(psa, clients[:1])
    said = "s name agreements" if len(clients) > 1 else " names an agreement"
    right = Permission(name="agreements", granted=not read.unread, needed_for=NEEDED_FOR)
    return CheckResult(
        ok=not read.unread,
        summary=f"accounts of {len(clients)} client{said}",
        permissions=(right,),
        error=f"the agreements that accounts name cannot be read: {read.unread}"
        if read.unread
        else None,
    )


async def _clients(database: Database, psa_name: str) -> list[str]:
    """PSA ids of the clients of which an account names an agreement, ascending."""
    statement = (
        select(col(ClientLink.client_key))
        .join(AccountBilling, col(AccountBilling.account_id) == col(ClientLink.account_id))
        .join(ConnectionRow, col(ConnectionRow.id) == col(ClientLink.psa_connection_id))
        .where(
            col(ClientLink.superseded_at).is_(None),
            col(AccountBilling.superseded_at).is_(None),
            col(AccountBilling.agreement_key) != "",
            col(ConnectionRow.name) == psa_name,
        )
        .distinct()
        .order_by(col(ClientLink.client_key))
    )
    async with database.reader() as conn:
        return list((await conn.execute(statement)).scalars())
