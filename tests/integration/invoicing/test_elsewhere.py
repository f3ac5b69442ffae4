"""A document of a client stands in the books of one company, whatever is mapped later."""

from __future__ import annotations

from datetime import date

import pytest

from syncd.core.invoicing.plan_rows import RowState
from syncd.core.service.invoice_plan import PlannedInvoices
from syncd.core.service.invoice_queueing import queue_plan
from syncd.core.service.ledger_mapping_issues import waiting_for
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.ledger_documents import DocumentPayload, move_document
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.ledger_intents import NewDocument, insert_document
from syncd.core.store.ledger_mappings import LedgerDecision, write_ledger_mappings
from syncd.core.store.states import DocumentState
from syncd.sdk.ledger_records import ReferenceKind
from tests.builders_desk import Desk, desk
from tests.builders_invoices import START, invoice


async def another_book(at: Desk, *, live: bool = True) -> ConnectionRef:
    """A second company that invoices of the same PSA are, or were, carried into."""
    word = LedgerWord(
        book_key="org-2", live=live, from_day=date(2026, 11, 1), by="ann", reason="r", at=START
    )
    async with at.database.writer() as conn:
        made = await ensure_connection(conn, "old books", "fake-books")
        await record_ledger_golive(conn, at.psa.id, made.id, word)
    return made


async def stands(at: Desk, book: ConnectionRef, state: DocumentState) -> None:
    """The invoice of a first plan has a document in another book."""
    planned = await at.plan(invoice("1"))
    step = planned.record.rows[0].step
    assert step.document is not None
    assert step.totals is not None
    payload = DocumentPayload(document=step.document, totals=step.totals)
    new = NewDocument(
        key=f"{step.document.key}:other",
        psa_id=at.psa.id,
        ledger_id=book.id,
        book_key="org-2",
        plan_id=None,
        invoice="1",
        issue=1,
        client="c1",
        payload=payload,
        digest="d",
        source_digest=step.source_digest,
    )
    async with at.database.writer() as conn:
        made = await insert_document(conn, new, now=START)
        await move_document(conn, made, expected=[DocumentState.PENDING], to=state)


def said(plan: PlannedInvoices) -> list[tuple[RowState, list[str]]]:
    return [(row.state, [one.code for one in row.step.objections]) for row in plan.record.rows]


@pytest.mark.parametrize(
    "state",
    [
        DocumentState.LINKED,
        DocumentState.CONFIRMED,
        DocumentState.DRIFTED,
        DocumentState.PENDING,
        DocumentState.UNKNOWN,
        DocumentState.NEEDS_REVIEW,
    ],
)
async def test_what_stands_or_is_on_its_way_in_another_book_is_not_posted(
    database: Database, state: DocumentState
) -> None:
    at = await desk(database)
    await stands(at, await another_book(at), state)

    planned = await at.plan()
    assert said(planned) == [(RowState.SKIPPED, ["POSTED_ELSEWHERE"])]
    assert (await at.apply(planned)).exit_code == 0
    assert at.book.entries == {}
    assert await at.codes() == []


@pytest.mark.parametrize("state", [DocumentState.REFUSED, DocumentState.VOIDED])
async def test_what_stands_there_no_more_is_posted(
    database: Database, state: DocumentState
) -> None:
    at = await desk(database)
    await stands(at, await another_book(at), state)
    assert said(await at.plan()) == [(RowState.READY, [])]


async def test_what_was_left_in_a_book_that_was_put_back_is_told_by_name(
    database: Database,
) -> None:
    at = await desk(database)
    await stands(at, await another_book(at, live=False), DocumentState.CONFIRMED)
    assert said(await at.plan()) == [(RowState.REFUSED, ["POSTED_ELSEWHERE"])]
    assert await at.codes() == ["POSTED_ELSEWHERE"]


async def test_a_plan_does_not_outlive_a_document_that_came_to_stand_elsewhere(
    database: Database,
) -> None:
    at = await desk(database)
    book = await another_book(at)
    planned = await at.plan(invoice("1"))
    await stands(at, book, DocumentState.LINKED)
    queued = await queue_plan(
        database,
        planned.record,
        ledger_connection=at.ledger,
        psa_connection=at.psa,
        book_key=at.book.key,
        now=at.time.now,
        max_age_days=7,
    )
    assert queued.documents == []
    ((_, why),) = queued.stale
    assert "'old books'" in why


async def test_an_invoice_of_no_book_that_stands_elsewhere_is_not_asked_about(
    database: Database,
) -> None:
    at = await desk(database)
    await stands(at, await another_book(at), DocumentState.CONFIRMED)
    async with database.writer() as conn:
        gone = LedgerDecision(kind=ReferenceKind.CONTACT, source="c1", target="", by="ann")
        await write_ledger_mappings(
            conn, at.psa.id, at.ledger.id, new=(), ended=[gone.key], now=START
        )
    planned = await at.plan()
    assert (planned.record.rows, planned.elsewhere) == ((), 1)
    async with database.reader() as conn:
        assert await waiting_for(conn, at.psa.id, at.ledger.id) == []
