"""Changes of the PSA after a document was confirmed, as steps of the next plan with their money.

Every decision rests on the document as the books show it now, not as we remember it. A step waits
for the one before it: what replaces a voided document, and what allocates a credit note, comes in a
later plan, when the first is confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from syncd.core.invoicing.book_facts import BookFacts
from syncd.core.invoicing.objections import ABANDONED, REPEATABLE
from syncd.core.invoicing.plan_rows import PlannedStep, Step
from syncd.core.invoicing.rules import CREDIT
from syncd.core.service.answers import answer_of
from syncd.core.service.carry_credits import allocation, may_settle, target
from syncd.core.service.carry_scene import CarryScene
from syncd.core.service.carry_steps import (
    CHANGED_IN_PSA,
    CREDIT_UNDONE,
    GONE_IN_PSA,
    UNFINISHED_IN_PSA,
    VOIDED_IN_PSA,
    MovedInvoice,
    judge,
    settled,
    undone,
)
from syncd.core.service.drift_issues import title
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.posting_issues import subject
from syncd.core.store.claim_facts import PlanFact, plan_facts
from syncd.core.store.invoice_facts import StoredInvoice, invoices_of_keys
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_actions import UNSETTLED, ActionItem, actions_of_documents
from syncd.core.store.ledger_documents import DocumentItem, documents_of_invoices
from syncd.core.store.moved_invoices import (
    credits_of,
    decided_ways,
    end_undone_ways,
    is_undone,
    moved_documents,
    open_credits,
    used_ways,
)
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.connector import EventLog
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import LedgerEntry
from syncd.sdk.ledger_writes import ActionKind, LedgerAction, RejectedCode

if TYPE_CHECKING:
    from datetime import datetime

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.ledger_port import Ledger

_HAPPENED = {
    CHANGED_IN_PSA: "was changed in the PSA after it was posted",
    VOIDED_IN_PSA: "was voided in the PSA after it was posted",
    GONE_IN_PSA: "is gone from the PSA and stands in the books",
    UNFINISHED_IN_PSA: "is a draft again in the PSA and stands in the books",
    CREDIT_UNDONE: "is in the PSA again as it was posted, and is credited in the books",
}


_NO_REFUSAL = {*REPEATABLE, RejectedCode.VERSION_MOVED.value}
"""Ends of a void or an allocation that say nothing against the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What follows from the PSA's changes.

    Attributes:
        steps: rows for the plan.
        moved: every document whose invoice moved, for issues.
    """

    steps: tuple[PlannedStep, ...] = ()
    moved: tuple[MovedInvoice, ...] = ()


async def plan_carries(
    database: Database,
    ledger: Ledger,
    *,
    psa: ConnectionRef,
    connection: ConnectionRef,
    facts: BookFacts,
    today: date,
) -> Carried:
    """What the plan of a book says of changed and voided invoices, and of open credit notes.

    Args:
        database: where documents and invoices are kept; nothing is written.
        ledger: the opened book; documents that moved are read from it once more.
        psa: connection of the PSA.
        connection: that of the book.
        facts: what planning knows of the book.
        today: local day, of credit notes and allocations.

    Raises:
        ConnectorError: the books could not be read; nothing is proposed on memory alone.
    """
    book, rules = facts.book, facts.rules
    async with database.reader() as conn:
        moved = await moved_documents(conn, psa.id, connection.id, book.key)
        ways = await decided_ways(conn, [one.id for one in moved])
        used = await used_ways(conn, [one.id for one in moved])
        oldest = today - timedelta(days=rules.read_back_days)
        notes = await open_credits(conn, psa.id, connection.id, book.key, dated_from=oldest)
        stored = await invoices_of_keys(conn, psa.id, {one.invoice for one in [*moved, *notes]})
        wanted = {one.invoice for one in [*moved, *notes]}
        wanted |= {one.invoice.credits for one in stored.values() if one.invoice.credits}
        family = await documents_of_invoices(conn, psa.id, wanted, ledger_id=connection.id)
        entries: dict[str, LedgerEntry] = {}
        scene = CarryScene(
            ledger=ledger,
            facts=facts,
            today=today,
            family=family,
            stored=stored,
            entries=entries,
        )
        notes = [one for one in notes if may_settle(scene, one)]
        busy = await actions_of_documents(conn, {one.id for one in [*moved, *notes]})
        ended = {
            action.plan_id
            for one in moved
            for action in busy[one.id]
            if action.code == ABANDONED and action.plan_id is not None
        }
        plans = await plan_facts(conn, ended, {one.invoice for one in moved})
    kinds = {one.remote: one.kind for one in [*moved, *notes] if one.remote}
    for one in moved:
        if is_undone(one, stored[one.invoice]):
            made = credits_of(one, family.get(one.invoice, ()))
            kinds.update({note.remote: note.kind for note in made if note.remote})
    for note in notes:
        owed = target(scene, note)
        if owed is not None and owed.remote is not None:
            kinds[owed.remote] = owed.kind
    if kinds:
        call = ledger.read_back(kinds)
        entries.update(await answer_of(call, connection=connection.name, work="the planning"))
    found = []
    for one in moved:
        if is_undone(one, stored[one.invoice]):
            if (told := undone(scene, one)) is not None:
                found.append(told)
            continue
        actions = [action for action in busy[one.id] if isinstance(action.payload, LedgerAction)]
        if settled(scene, one) or any(action.state in UNSETTLED for action in actions):
            continue
        refused = [
            action.payload
            for action in actions
            if isinstance(action.payload, LedgerAction)
            and action.kind == ActionKind.VOID
            and action.state is OutboxState.REJECTED
            and action.code not in {*_NO_REFUSAL, ABANDONED}
        ]
        way = ways.get(one.id, "")
        if one.id in used and _never_made(used[one.id], actions, family.get(one.invoice, ())):
            way = used[one.id]
        given_up = _given_up(actions, stored[one.invoice], plans)
        found.append(judge(scene, one, way, refused, given_up=given_up))
    steps = [one.step for one in found if one.step is not None]
    for one in notes:
        step = allocation(scene, one)
        if step is not None and not _tried(busy[one.id], step):
            steps.append(step)
    return Carried(steps=tuple(steps), moved=tuple(found))


def _never_made(way: str, actions: Sequence[ActionItem], family: Sequence[DocumentItem]) -> bool:
    """Whether the step that a person's word led to was withdrawn, or found its document moved.

    Such an end says nothing against the word, which binds for the same change once more.
    """
    notes = [
        one
        for one in family
        if one.kind is DocumentKind.CREDIT and one.payload is not None and one.payload.replaces
    ]
    if way.startswith(CREDIT) and notes:
        return notes[-1].state is DocumentState.REFUSED and notes[-1].code in _NO_REFUSAL
    voids = [one for one in actions if one.kind == ActionKind.VOID]
    ended = bool(voids) and voids[-1].state is OutboxState.REJECTED
    return ended and voids[-1].code in _NO_REFUSAL


def _given_up(
    actions: Sequence[ActionItem], invoice: StoredInvoice, plans: Mapping[str, PlanFact]
) -> str:
    """Why a person gave a void of this change up, or an empty text."""
    for one in reversed(actions):
        if one.kind != ActionKind.VOID or one.code != ABANDONED:
            continue
        plan = plans.get(one.plan_id or "")
        planned = plan.digests.get(f"{Step.VOID.value}:{invoice.invoice.key}") if plan else None
        if planned in (None, invoice.digest):
            return one.detail or "given up"
    return ""


def _tried(actions: Sequence[ActionItem], step: PlannedStep) -> bool:
    """Whether an allocation is on its way, was given up, or was refused as it would be now."""
    known = [one for one in actions if one.kind == ActionKind.ALLOCATE]
    if any(one.state in UNSETTLED for one in known):
        return True
    last = known[-1] if known else None
    if last is None or last.state is not OutboxState.REJECTED or last.code in _NO_REFUSAL:
        return False
    before, now = last.payload, step.action
    if last.code == ABANDONED or now is None or not isinstance(before, LedgerAction):
        return True
    return (before.key, before.version) == (now.key, now.version)


async def sync_carry_issues(
    database: Database,
    connection: ConnectionRef,
    carried: Carried,
    *,
    psa: ConnectionRef,
    book_key: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    """Make the open issues those of the documents whose invoices moved; what is settled closes.

    A person's word about a change that is undone is forgotten, so that it binds no later one.
    """
    async with database.writer() as conn:
        book = IssueBook(conn, connection.name, clock())
        await end_undone_ways(conn, psa.id, connection.id, book_key, now=book.now)
        for code in _HAPPENED:
            findings: dict[str, Finding] = {}
            for one in carried.moved:
                if one.code != code:
                    continue
                about = subject(connection.name, one.document.number)
                if about in findings:  # an invoice and a credit note may have one number
                    about += f" ({one.document.kind.value} {one.document.remote})"
                findings[about] = _finding(connection.name, one)
            await book.replace(code, findings)
    book.speak(log)


def _finding(name: str, moved: MovedInvoice) -> Finding:
    document, invoice = moved.document, moved.stored.invoice
    shown = title(document)
    money = f"{document.total:,.2f} {document.currency} in {name}"
    if moved.code == CHANGED_IN_PSA:
        money += f", {abs(invoice.total):,.2f} {invoice.currency or document.currency} in the PSA"
    number = document.number
    if moved.step is not None:
        remedy = "`syncd plan invoices` proposes what follows, and `syncd apply PLAN` does it; "
    elif moved.code == CREDIT_UNDONE:
        remedy = "Void the credit note in the books, or take the invoice back in the PSA again; "
    elif moved.code == UNFINISHED_IN_PSA:
        remedy = "Finish it in the PSA, or void it there; "
    else:
        remedy = (
            f"Put it back in the PSA, or say what follows with `syncd invoices drift --void "
            f"{number} --why TEXT` or `--credit {number}`; "
        )
    remedy += f"to leave the books as they are: `syncd invoices drift --keep {number} --why TEXT`."
    return Finding(
        message=f"{shown[0].upper()}{shown[1:]} {_HAPPENED[moved.code]} ({money}): "
        f"{moved.carry.message}.",
        remedy=remedy,
        severity=IssueSeverity.WARNING if moved.step is not None else IssueSeverity.ERROR,
        evidence={
            "client": invoice.client_name or invoice.client,
            "invoice": invoice.key,
            "number": number,
            "reason": moved.carry.code,
            "books": {"total": str(document.total), "net": str(document.net)},
            "psa": {
                "total": str(invoice.total),
                "net": str(invoice.net),
                "voided": invoice.voided,
                "gone": moved.stored.gone,
            },
        },
    )
