"""An office whose PSA knows agreements, and accounts that name one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import insert

from syncd.core.store.connections import bump_data_version
from syncd.core.store.database import Database
from syncd.core.store.tables import AccountBilling
from syncd.sdk.errors import PermissionMissing
from syncd.sdk.records import Agreement, KeyedChange, Subscription
from tests.builders_flow import FakePsa
from tests.builders_month import Office


def contract(**values: Any) -> Agreement:
    """Agreement 601 of client 1001, in force since January."""
    plain = {"key": "601", "client": "1001", "name": "Care", "starts": "2026-01-01"}
    return Agreement(**{**plain, **values})


@dataclass
class ContractPsa(FakePsa):
    """Agreements in memory; `refused` stands for a right that is missing."""

    contracts: list[Agreement] = field(default_factory=list)
    agreement_field: str = ""
    refused: bool = False
    asked: list[frozenset[str]] = field(default_factory=list)

    async def agreements(self, *, clients: Collection[str]) -> AsyncIterator[Sequence[Agreement]]:
        self.asked.append(frozenset(clients))
        if self.refused:
            raise PermissionMissing("psa: 403", remedy="grant read:contracts")
        yield [one for one in self.contracts if one.client in clients]

    def _store(self, change: KeyedChange) -> Subscription:
        record = super()._store(change)
        if change.fields.agreement is not None:
            record = msgspec.structs.replace(record, agreement=change.fields.agreement)
            self.records[record.key] = record
        return record


async def name_agreement(office: Office, key: str, *, account_id: int = 1) -> None:
    """A person names the agreement of an account."""
    async with office.database.writer() as conn:
        await office._supersede(conn, AccountBilling, account_id=account_id)
        await conn.execute(
            insert(AccountBilling).values(
                account_id=account_id,
                automatic=True,
                billing_start="",
                agreement_key=key,
                recorded_at=office.clock(),
            )
        )
        await bump_data_version(conn)


async def office_under(
    database: Database, *agreements: Agreement, named: str = "601", **psa: Any
) -> tuple[Office, ContractPsa]:
    """Account 5 of client 1001 names an agreement; the PSA shows these."""
    office = await Office.open(database)
    shown = ContractPsa(clock=office.clock, contracts=list(agreements), **psa)
    office.psa = shown
    await office.usual()
    if named:
        await name_agreement(office, named)
    return office, shown
