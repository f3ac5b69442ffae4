"""Uses a plan of invoices up, row by row: what nobody objects to becomes ledger rows in one commit.

Whatever was checked before and can change is checked again inside of the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.invoicing.identity import document_digest
from syncd.core.invoicing.plan_rows import APPLICABLE, RowState, Step
from syncd.core.service.ledger_actions import queue_action
from syncd.core.service.plan_look import look
from syncd.core.service.refusals import PlanConsumed, PlanStale
from syncd.core.store.connections import data_version
from syncd.core.store.invoice_plans import InvoicePlanRecord, StoredRow, move_rows
from syncd.core.store.ledger_documents import DocumentPayload
from syncd.core.store.ledger_intents import NewDocument, insert_documents, intend_again
from syncd.core.store.moved_invoices import use_ways

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.ledger_records import LedgerEntry

_WRITES_DOCUMENT = (Step.POST, Step.CREDIT)


@dataclass(slots=True)
class Queued:
    """What became of the rows of a plan.

    Attributes:
        documents: rows whose document was queued.
        actions: rows whose other write was queued.
        stale: rows that were left, with why.
        waiting: rows that stay as they are, since their invoices were not read lately, with why.
    """

    documents: list[StoredRow] = field(default_factory=list)
    actions: list[StoredRow] = field(default_factory=list)
    stale: list[tuple[StoredRow, str]] = field(default_factory=list)
    waiting: list[tuple[StoredRow, str]] = field(default_factory=list)


def require_fresh(
    record: InvoicePlanRecord, *, version: int, book_key: str, now: datetime, max_age_days: int
) -> None:
    """Refuse a plan that rests on what is not so any more.

    Raises:
        PlanStale: it is too old, decisions changed since, or the book is another one.
    """
    remedy = "`syncd plan invoices NAME` makes a new one"
    if record.book_key != book_key:
        message = f"plan {record.id} was made for another organisation than is open now"
        raise PlanStale(message, remedy=remedy)
    if now - record.made_at > timedelta(days=max_age_days):
        age = (now - record.made_at).days
        message = f"plan {record.id} is {age} days old, and plans are used up to {max_age_days}"
        raise PlanStale(message, remedy=remedy)
    if record.data_version != version:
        message = f"mappings or other decisions changed since plan {record.id} was made"
        raise PlanStale(message, remedy=remedy)


def require_anything_left(record: InvoicePlanRecord) -> None:
    """Refuse a plan of which nothing is left; one that waits for a person is reported instead.

    Raises:
        PlanConsumed: everything of it was applied.
        PlanStale: a newer plan replaced it.
    """
    states = {row.state for row in record.rows}
    if states & {*APPLICABLE, RowState.HELD, RowState.REFUSED}:
        return
    remedy = "`syncd plan invoices NAME` makes a new one"
    if RowState.APPLIED in states:
        raise PlanConsumed(f"plan {record.id} was applied and is used up", remedy=remedy)
    if RowState.SUPERSEDED in states:
        raise PlanStale(f"a newer plan took the place of {record.id}", remedy=remedy)


async def queue_plan(
    database: Database,
    record: InvoicePlanRecord,
    *,
    ledger_connection: ConnectionRef,
    psa_connection: ConnectionRef,
    book_key: str,
    now: datetime,
    max_age_days: int,
    entries: Mapping[str, LedgerEntry] | None = None,
) -> Queued:
    """Queue what may be written, in one commit.

    Args:
        database: where the plan is.
        record: the plan.
        ledger_connection: of the book.
        psa_connection: of the PSA.
        book_key: the organisation that is open.
        now: UTC.
        max_age_days: older plans are refused.
        entries: documents that voids and credit notes act upon, as the books show them now; None
            where they were not asked, and what was last seen of them must do.

    Raises:
        PlanStale: see `require_fresh`.
    """
    queued = Queued()
    async with database.writer() as conn:
        require_fresh(
            record,
            version=await data_version(conn),
            book_key=book_key,
            now=now,
            max_age_days=max_age_days,
        )
        holds = await look(
            conn,
            record,
            ledger=ledger_connection,
            psa=psa_connection,
            book_key=book_key,
            now=now,
            entries=entries,
        )
        wanted = []
        for row in record.rows:
            if row.state not in APPLICABLE:
                continue
            waits = holds.waits(row.step)
            if waits:
                queued.waiting.append((row, waits))
                continue
            why = holds.why_not(row.step)
            if why:
                queued.stale.append((row, why))
            else:
                wanted.append(row)
        stale = [row.id for row, _ in queued.stale]
        await move_rows(conn, stale, expected=APPLICABLE, to=RowState.SUPERSEDED)
        ids = [row.id for row in wanted]
        taken = await move_rows(conn, ids, expected=APPLICABLE, to=RowState.APPLIED)
        first: list[NewDocument] = []
        left: list[int] = []
        for row in wanted:
            if row.id not in taken:
                continue
            if row.step.step in _WRITES_DOCUMENT:
                new = _new(row, record, ledger_connection.id, psa_connection.id)
                known = holds.documents.get(row.step.invoice, ())
                same = next((item for item in known if item.key == new.key), None)
                if same is None:
                    first.append(new)
                elif not await intend_again(conn, same, new, now=now):
                    left.append(row.id)
                    queued.stale.append((row, "a document of it is on its way already"))
                    continue
                queued.documents.append(row)
            elif await _act(conn, row, record, ledger_connection.id, now):
                queued.actions.append(row)
            else:
                left.append(row.id)
                queued.stale.append((row, "the same write is on its way already, or was made"))
        await insert_documents(conn, first, now=now)
        await move_rows(conn, left, expected=(RowState.APPLIED,), to=RowState.SUPERSEDED)
        used = [row.step.replaces for row in [*queued.documents, *queued.actions]]
        await use_ways(conn, [one for one in used if one is not None], now=now)
    return queued


async def _act(
    conn: AsyncConnection,
    row: StoredRow,
    record: InvoicePlanRecord,
    ledger_id: int,
    now: datetime,
) -> bool:
    """Queue a write beside documents; False if the same one stands already."""
    action = row.step.action
    assert action is not None  # a step that writes no document has an action
    made = await queue_action(
        conn,
        kind=action.kind.value,
        connection_id=ledger_id,
        payload=action,
        now=now,
        document_id=row.step.replaces,
        plan_id=record.id,
    )
    return made is not None


def _new(row: StoredRow, record: InvoicePlanRecord, ledger_id: int, psa_id: int) -> NewDocument:
    step = row.step
    assert step.document is not None and step.totals is not None  # noqa: PT018 - one fact
    return NewDocument(
        key=step.document.key,
        psa_id=psa_id,
        ledger_id=ledger_id,
        book_key=record.book_key,
        plan_id=record.id,
        invoice=step.invoice,
        issue=step.issue,
        client=step.client,
        payload=DocumentPayload(
            document=step.document,
            totals=step.totals,
            client_name=step.client_name,
            source_total=step.source_total,
            delegated=step.delegated,
            replaces=step.replaces,
        ),
        digest=document_digest(step.document),
        source_digest=step.source_digest,
    )
