"""Consuming a plan of adoptions: the person's word, the line and the outbox, in one commit.

A record that another line took since, and a line that has a record by now, are refused inside of
the transaction; two plans and two processes therefore never adopt one record twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.core.billing.identity import content_hash
from syncd.core.service.adoption_plan import AdoptionBasis, basis_of
from syncd.core.service.queueing import require_same_data
from syncd.core.store.adoptions import AdoptedRecord, busy_remotes, record_adoptions
from syncd.core.store.lines import StoredLine, known_remotes, records_of, store_lines
from syncd.core.store.outbox import Intent, NewItem, OutboxState, enqueue, unsettled
from syncd.core.store.plans import (
    APPLICABLE,
    PlanBillState,
    PlanRecord,
    StoredBill,
    close_finished,
    move_bill,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.records import KeyedChange, PlannedBill, PlannedChange

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


async def queue_adoptions(
    database: Database,
    record: PlanRecord,
    applicable: Sequence[StoredBill],
    planned: Mapping[str, PlannedBill],
    refused: Mapping[str, str],
    psa_connection: ConnectionRef,
    now: datetime,
    log: EventLog,  # noqa: ARG001 - the signature of `queue_bills`
    *,
    mode: str,  # noqa: ARG001 - an adoption changes no bill, in shadow or out of it
) -> dict[str, str]:
    """Consume the adoptions of a plan, in one commit; arguments and result as of `queue_bills`.

    Raises:
        PlanStale: what people decide was edited since the plan was made.
    """
    refused = dict(refused)
    async with database.writer() as conn:
        await require_same_data(conn, record)
        changes = {bill.bill_key: planned[bill.bill_key].changes[0] for bill in applicable}
        standing = await _standing(conn, psa_connection.id, applicable, changes)
        for stored in applicable:
            change, basis = changes[stored.bill_key], basis_of(stored.basis)
            why = refused.get(stored.bill_key) or standing.against(change)
            if why:
                refused[stored.bill_key] = why
                await move_bill(
                    conn, stored.id, expected=APPLICABLE, to=PlanBillState.STALE, detail=why
                )
            elif await move_bill(
                conn, stored.id, expected=APPLICABLE, to=PlanBillState.APPLIED, applied_at=now
            ):
                standing.taken.add(change.remote or "")
                await _consume(conn, record, stored, planned, basis, psa_connection.id, now)
            else:
                refused[stored.bill_key] = "another apply took it at the same moment"
        await close_finished(conn)
    return refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What our books say inside of the transaction."""

    lines: Collection[str]
    open_lines: Mapping[str, OutboxState]
    taken: set[str]
    busy: Collection[str]

    def against(self, change: PlannedChange) -> str:
        """Why the record cannot be given to the line any more, or empty."""
        if change.key in self.lines:
            return f"ALREADY_ADOPTED: '{change.line_name}' has a record by now"
        if change.remote in self.taken:
            return f"ALREADY_OURS: record {change.remote} carries another line of ours by now"
        if change.key in self.open_lines or change.remote in self.busy:
            return f"DELIVERY_UNSETTLED: an open write concerns record {change.remote} or its line"
        return ""


async def _standing(
    conn: AsyncConnection,
    psa_id: int,
    applicable: Sequence[StoredBill],
    changes: Mapping[str, PlannedChange],
) -> _Standing:
    ledger = await records_of(conn, psa_id, {bill.account_id for bill in applicable})
    remotes = [change.remote for change in changes.values() if change.remote is not None]
    return _Standing(
        lines={one.key for held in ledger.values() for one in held},
        open_lines=await unsettled(conn, [change.key for change in changes.values()]),
        taken=set(await known_remotes(conn, psa_id)),
        busy=await busy_remotes(conn, psa_id, remotes),
    )


async def _consume(
    conn: AsyncConnection,
    record: PlanRecord,
    stored: StoredBill,
    planned: Mapping[str, PlannedBill],
    basis: AdoptionBasis,
    psa_id: int,
    now: datetime,
) -> None:
    bill = planned[stored.bill_key]
    change = bill.changes[0]
    assert change.remote is not None
    configuration, asset_type, part = basis.slot
    await store_lines(
        conn,
        [
            StoredLine(
                uid=basis.uid,
                connection_id=basis.connection_id,
                account_id=stored.account_id,
                configuration_uid=configuration,
                asset_type_key=asset_type,
                part=part,
            )
        ],
        now=now,
    )
    await record_adoptions(
        conn,
        [
            AdoptedRecord(
                plan_id=record.id,
                psa_connection_id=psa_id,
                account_id=stored.account_id,
                client_key=bill.client,
                remote=change.remote,
                line_uid=basis.uid,
                key=change.key,
                evidence=basis.evidence,
                seen=basis.seen,
                confirmed_by=basis.by,
                recorded_at=now,
            )
        ],
    )
    await enqueue(conn, [_item(record, stored, bill, basis, psa_id)], now=now)


def _item(
    record: PlanRecord, stored: StoredBill, bill: PlannedBill, basis: AdoptionBasis, psa_id: int
) -> NewItem:
    change = bill.changes[0]
    return NewItem(
        plan_id=record.id,
        bill_key=stored.bill_key,
        psa_connection_id=psa_id,
        account_id=stored.account_id,
        line_uid=basis.uid,
        mode="",
        content_hash=content_hash(change.fields),
        intent=Intent(
            change=KeyedChange(
                key=change.key, kind=change.kind, remote=change.remote, fields=change.fields
            ),
            observed=change.observed,
            before=change.before,
            after=change.after,
            period=record.plan.period,
            record_period=basis.record_period,
            client=bill.client,
            client_name=bill.client_name,
            line_name=change.line_name,
            money=Decimal(0),
            currency=record.plan.currency,
        ),
    )
