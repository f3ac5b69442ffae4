"""Uses a plan of invoices up, row by row: what nobody objects to becomes ledger rows in one commit.

Whatever was checked before and can change is checked again inside of the transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.invoicing.identity import document_digest
from syncd.core.invoicing.plan_rows import APPLICABLE, PlannedStep, RowState, Step
from syncd.core.service.ledger_actions import queue_action
from syncd.core.service.refusals import PlanConsumed, PlanStale
from syncd.core.store.connections import data_version
from syncd.core.store.invoice_facts import StoredInvoice, golive_of, invoices_of_keys
from syncd.core.store.invoice_plans import InvoicePlanRecord, StoredRow, move_rows
from syncd.core.store.ledger_documents import (
    NOT_STANDING,
    DocumentItem,
    DocumentPayload,
    documents_of_invoices,
)
from syncd.core.store.ledger_intents import NewDocument, insert_documents, intend_again
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import DocumentKind

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_WRITES_DOCUMENT = (Step.POST, Step.CREDIT)


@dataclass(slots=True)
class Queued:
    """What became of the rows of a plan.

    Attributes:
        documents: rows whose document was queued.
        actions: rows whose other write was queued.
        stale: rows that were left, with why.
    """

    documents: list[StoredRow] = field(default_factory=list)
    actions: list[StoredRow] = field(default_factory=list)
    stale: list[tuple[StoredRow, str]] = field(default_factory=list)


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
) -> Queued:
    """Queue what may be written, in one commit.

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
        golive = await golive_of(conn, psa_connection.id, ledger_connection.id)
        keys = {row.step.invoice for row in record.rows if row.step.invoice}
        sources = await invoices_of_keys(conn, psa_connection.id, keys)
        documents = await documents_of_invoices(
            conn, psa_connection.id, keys, ledger_id=ledger_connection.id
        )
        wanted = []
        for row in record.rows:
            if row.state not in APPLICABLE:
                continue
            why = "the book is not live" if golive is None or golive.book_key != book_key else ""
            why = why or _moved(row.step, sources, documents)
            if why:
                queued.stale.append((row, why))
            else:
                wanted.append(row)
        stale = [row.id for row, _ in queued.stale]
        await move_rows(conn, stale, expected=APPLICABLE, to=RowState.SUPERSEDED)
        ids = [row.id for row in wanted]
        taken = await move_rows(conn, ids, expected=APPLICABLE, to=RowState.APPLIED)
        first: list[NewDocument] = []
        for row in wanted:
            if row.id not in taken:
                continue
            if row.step.step in _WRITES_DOCUMENT:
                new = _new(row, record, ledger_connection.id, psa_connection.id)
                known = documents.get(row.step.invoice, ())
                same = [item for item in known if item.key == new.key]
                if same:
                    await intend_again(conn, same[0], new, now=now)
                else:
                    first.append(new)
                queued.documents.append(row)
            else:
                await _act(conn, row, record, ledger_connection.id, now)
                queued.actions.append(row)
        await insert_documents(conn, first, now=now)
    return queued


async def _act(
    conn: AsyncConnection,
    row: StoredRow,
    record: InvoicePlanRecord,
    ledger_id: int,
    now: datetime,
) -> None:
    action = row.step.action
    assert action is not None  # a step that writes no document has an action
    await queue_action(
        conn,
        kind=action.kind.value,
        connection_id=ledger_id,
        payload=action,
        now=now,
        document_id=row.step.replaces,
        plan_id=record.id,
    )


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


def _moved(
    step: PlannedStep,
    sources: dict[str, StoredInvoice],
    documents: dict[str, list[DocumentItem]],
) -> str:
    """Why a row must not be written any more, or an empty text."""
    if step.step is not Step.POST:
        return _target_moved(step, documents)
    source = sources.get(step.invoice)
    if source is None or source.gone:
        return "the PSA does not know the invoice any more"
    if source.invoice.voided or not source.invoice.finalised:
        return "the PSA voided the invoice, or made it a draft again"
    if source.digest != step.source_digest:
        return "the invoice changed in the PSA after it was planned"
    standing = [item for item in documents.get(step.invoice, ()) if item.state not in NOT_STANDING]
    if standing:
        return "a document of it stands in the books already, or is on its way"
    return ""


def _target_moved(step: PlannedStep, documents: dict[str, list[DocumentItem]]) -> str:
    """A void or a credit note rests on a document that stands."""
    if step.replaces is None:
        return ""
    known = [item for item in documents.get(step.invoice, ()) if item.id == step.replaces]
    fine = {DocumentState.CONFIRMED, DocumentState.DRIFTED, DocumentState.LINKED}
    if not known or known[0].state not in fine:
        return "the document that it rests on does not stand in the books any more"
    credits_it = step.step is Step.CREDIT
    if credits_it and any(
        item.kind is DocumentKind.CREDIT and item.state not in NOT_STANDING
        for item in documents.get(step.invoice, ())
    ):
        return "a credit note of it is there already"
    return ""
