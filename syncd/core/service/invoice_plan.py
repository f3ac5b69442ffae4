"""Plans what is written to one book: a row per invoice, with its money and what objects to it.

Nothing is written to anybody. A plan that says the same as the last one keeps its id, and a release
holds as long as its row would do exactly the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.invoicing.book_facts import BookFacts, Earlier, Other, concerns
from syncd.core.invoicing.creations import plan_creations
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.plan_rows import PlannedStep, RowState
from syncd.core.invoicing.planning import failed, plan_post
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.answers import answer_of
from syncd.core.service.invoice_plan_issues import write_plan_issues
from syncd.core.service.issue_book import IssueBook
from syncd.core.store.connections import data_version
from syncd.core.store.documents_elsewhere import documents_elsewhere
from syncd.core.store.invoice_facts import (
    StoredInvoice,
    client_names,
    golive_of,
    live_books,
    unposted_invoices,
)
from syncd.core.store.invoice_plans import (
    InvoicePlanRecord,
    StoredRow,
    load_invoice_plan,
    new_plan_id,
    newest_invoice_plan,
    save_invoice_plan,
    touch_invoice_plan,
)
from syncd.core.store.ledger_actions import actions_of_document
from syncd.core.store.ledger_documents import DocumentItem, documents_of_invoices
from syncd.core.store.ledger_golive import attested, linked_at
from syncd.core.store.ledger_mappings import contacts_since, load_ledger_map, routes
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.connector import EventLog
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import LedgerBook, TaxMeaning
from syncd.sdk.ledger_writes import ActionKind

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_OPEN = (RowState.READY, RowState.HELD, RowState.RELEASED, RowState.REFUSED, RowState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInvoices:
    """A plan with what was left alone.

    Attributes:
        record: the plan.
        book: the organisation it is for.
        before_golive: invoices that are older than the day from which the book is live.
        elsewhere: invoices of other books.
        kept: the plan is an earlier one that says the same.
    """

    record: InvoicePlanRecord
    book: LedgerBook
    before_golive: int
    elsewhere: int
    kept: bool


async def plan_invoices(
    database: Database,
    *,
    ledger: Ledger,
    ledger_connection: ConnectionRef,
    psa_connection: ConnectionRef,
    rules: LedgerRules,
    clock: Callable[[], datetime],
    log: EventLog,
    made_by: str = "",
    run_id: str = "",
    extra: Sequence[PlannedStep] = (),
    book: LedgerBook | None = None,
) -> PlannedInvoices:
    """Plan what a book lacks, store it, and tell what needs a person.

    Args:
        database: where invoices, mappings and the ledger of documents are.
        ledger: the opened book.
        ledger_connection: its stored connection.
        psa_connection: of the PSA whose invoices were read.
        rules: settings of the book.
        clock: current time in UTC.
        log: told of the plan.
        made_by: who asked for it.
        run_id: of the run this belongs to.
        extra: further steps, e.g. voids and credit notes that carry changes across.
        book: the organisation, where it was asked for a moment ago.

    Raises:
        ConnectorError: the book could not be asked which it is.
        StoreError: the database cannot serve.
    """
    if book is None:
        name = ledger_connection.name
        book = await answer_of(ledger.book(), connection=name, work="the planning")
    now = clock()
    async with database.reader() as conn:
        version = await data_version(conn)
        facts = await load_facts(
            conn,
            ledger=ledger,
            book=book,
            ledger_connection=ledger_connection,
            psa_connection=psa_connection,
            rules=rules,
        )
        stored = await unposted_invoices(conn, psa_connection.id, ledger_connection.id)
        others = await _others(conn, psa_connection.id, ledger_connection.id, book.key, stored)
        ours = [
            one
            for one in stored
            if concerns(one.invoice, facts, elsewhere=one.invoice.key in others)
        ]
        earlier = await _earlier(conn, psa_connection.id, ledger_connection.id, ours)
    posts = [
        _row(one, facts, earlier.get(one.invoice.key, ()), others.get(one.invoice.key, ()))
        for one in ours
    ]
    steps = [*plan_creations([one.invoice for one in ours], facts, posts), *extra, *posts]
    old = sum(facts.live_from is not None and one.invoice.dated < facts.live_from for one in stored)
    read_at = max((one.read_at for one in stored), default=now)
    async with database.writer() as conn:
        last = await newest_invoice_plan(
            conn, psa_id=psa_connection.id, ledger_id=ledger_connection.id
        )
        kept = last is not None and last.book_key == book.key and _same(last, steps)
        if kept and last is not None:
            await touch_invoice_plan(
                conn, last.id, data_version=version, read_at=read_at, made_at=now
            )
            plan_id = last.id
        else:
            plan_id = new_plan_id(now)
            made = InvoicePlanRecord(
                id=plan_id,
                psa_id=psa_connection.id,
                ledger_id=ledger_connection.id,
                book_key=book.key,
                run_id=run_id,
                data_version=version,
                read_at=read_at,
                made_at=now,
                made_by=made_by,
                rows=tuple(_rows(plan_id, steps, last)),
            )
            await save_invoice_plan(conn, made)
        record = await load_invoice_plan(conn, plan_id)
        assert record is not None  # it was stored a moment ago
        issues = IssueBook(conn, ledger_connection.name, now)
        await write_plan_issues(issues, record, ledger_connection)
    issues.speak(log)
    states = [row.state for row in record.rows]
    log(
        "invoices.planned",
        plan=plan_id,
        ledger=ledger_connection.name,
        n_ready=sum(state in {RowState.READY, RowState.RELEASED} for state in states),
        n_held=states.count(RowState.HELD),
        n_refused=states.count(RowState.REFUSED),
    )
    return PlannedInvoices(
        record=record,
        book=book,
        before_golive=old,
        elsewhere=len(stored) - len(ours) - old,
        kept=kept,
    )


async def load_facts(
    conn: AsyncConnection,
    *,
    ledger: Ledger,
    book: LedgerBook,
    ledger_connection: ConnectionRef,
    psa_connection: ConnectionRef,
    rules: LedgerRules,
) -> BookFacts:
    """Everything that planning for a book rests on, as the database has it now."""
    said = await load_ledger_map(conn, psa_connection.id, ledger_connection.id)
    mapping = LedgerMap(
        contacts=said.contacts,
        items=said.items,
        accounts=said.accounts,
        taxes={
            source: (key, TaxMeaning(meaning) if meaning else TaxMeaning.STANDARD)
            for source, (key, meaning) in said.taxes.items()
        },
        tracking=said.tracking,
        terms=said.terms,
        currencies=said.currencies,
        references=said.references,
    )
    taxes = mapping.taxes_by_key()
    golive = await golive_of(conn, psa_connection.id, ledger_connection.id)
    return BookFacts(
        ledger_uid=ledger_connection.uid,
        ledger_id=ledger_connection.id,
        psa_uid=psa_connection.uid,
        book=book,
        rules=rules,
        mapping=mapping,
        predict=lambda document: ledger.predict(document, book, taxes),
        live_from=golive.from_day if golive is not None else None,
        live_book=golive.book_key if golive is not None else "",
        attested=await attested(conn, psa_connection.id, ledger_connection.id),
        routes=await routes(conn, psa_connection.id),
        names=await client_names(conn, psa_connection.id),
        unlinked=await contacts_since(
            conn,
            psa_connection.id,
            ledger_connection.id,
            await linked_at(conn, ledger_connection.id, book.key),
        ),
    )


def _row(
    one: StoredInvoice, facts: BookFacts, earlier: Sequence[Earlier], others: Sequence[Other]
) -> PlannedStep:
    try:
        return plan_post(one.invoice, one.digest, facts, earlier, others)
    except Exception as error:  # noqa: BLE001 - a defect stops one invoice, and is told
        return failed(one.invoice, one.digest, type(error).__name__)


async def _others(
    conn: AsyncConnection,
    psa_id: int,
    ledger_id: int,
    book_key: str,
    invoices: Sequence[StoredInvoice],
) -> dict[str, list[Other]]:
    """Documents of these invoices that count, or may come to count, in another book."""
    keys = {one.invoice.key for one in invoices}
    rows = await documents_elsewhere(conn, psa_id, keys, ledger_id=ledger_id, book_key=book_key)
    live = await live_books(conn, psa_id) if rows else set()
    return {
        key: [
            Other(number=one.number, book=one.ledger, live=(one.ledger, one.book_key) in live)
            for one in found
        ]
        for key, found in rows.items()
    }


async def _earlier(
    conn: AsyncConnection, psa_id: int, ledger_id: int, invoices: Sequence[StoredInvoice]
) -> dict[str, list[Earlier]]:
    keys = {one.invoice.key for one in invoices}
    rows = await documents_of_invoices(conn, psa_id, keys, ledger_id=ledger_id)
    found: dict[str, list[Earlier]] = {}
    for key, items in rows.items():
        for item in items:
            voided = item.state is DocumentState.VOIDED
            found.setdefault(key, []).append(
                Earlier(
                    kind=item.kind,
                    issue=item.issue,
                    voided=voided,
                    ours=voided and await _voided_by_us(conn, item),
                    digest=item.digest,
                    code=item.code or "",
                    detail=item.detail,
                    remote=item.remote or "",
                )
            )
    return found


async def _voided_by_us(conn: AsyncConnection, item: DocumentItem) -> bool:
    return any(
        action.kind == ActionKind.VOID and action.state is OutboxState.DELIVERED
        for action in await actions_of_document(conn, item.id)
    )


def _rows(
    plan_id: str, steps: Sequence[PlannedStep], last: InvoicePlanRecord | None
) -> list[StoredRow]:
    """Rows of a new plan; what a person released before stays so if it would do the same."""
    released: Mapping[str, StoredRow] = (
        {row.key: row for row in last.rows if row.state is RowState.RELEASED} if last else {}
    )
    found = []
    for step in steps:
        row = StoredRow(
            id=0, plan_id=plan_id, key=step.key, state=step.state, digest=step.digest, step=step
        )
        before = released.get(step.key)
        if (
            before is not None
            and row.state is RowState.HELD
            and before.digest == row.digest
            and _codes(step) <= _codes(before.step)
        ):
            row = replace(
                row,
                state=RowState.RELEASED,
                released_by=before.released_by,
                release_reason=before.release_reason,
                released_at=before.released_at,
            )
        found.append(row)
    return found


def _codes(step: PlannedStep) -> set[str]:
    return {one.code for one in step.objections}


def _same(last: InvoicePlanRecord, steps: Sequence[PlannedStep]) -> bool:
    """Whether a plan that nobody began to use says the same."""
    standing = {row.key: row for row in last.rows if row.state in _OPEN}
    if not len(standing) == len(steps) == len(last.rows):
        return False
    return all(
        step.key in standing
        and standing[step.key].digest == step.digest
        and standing[step.key].step.objections == step.objections
        for step in steps
    )
