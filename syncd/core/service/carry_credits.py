"""Credit notes that follow a change of the PSA, and what they settle as a second step.

A credit note says exactly what the books make of the change, or there is none.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from syncd.core.invoicing.carrying import Carry
from syncd.core.invoicing.crediting import allocatable, credit_lines
from syncd.core.invoicing.drafting import draft
from syncd.core.invoicing.identity import ledger_key, marker_of
from syncd.core.invoicing.objections import ABANDONED, REPEATABLE
from syncd.core.invoicing.plan_rows import PlannedStep, Step
from syncd.core.invoicing.prediction import predicted
from syncd.core.invoicing.problems import NUMBER_TOO_LONG
from syncd.core.invoicing.recognition import GONE
from syncd.core.invoicing.wording import shown
from syncd.core.service.carry_scene import CarryScene, hold
from syncd.core.store.ledger_documents import NOT_STANDING, DocumentItem
from syncd.core.store.moved_invoices import kept_source, takes_back
from syncd.core.store.standing_documents import STANDING
from syncd.core.store.states import DocumentState
from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis, EntryStatus
from syncd.sdk.ledger_writes import ActionKind, LedgerAction, LedgerDocument, LedgerLine

CREDIT_IMPOSSIBLE: Final = "CREDIT_IMPOSSIBLE"

_SUFFIX: Final = "-CR"
"""Of the number of a credit note that the PSA does not have, and the client never saw."""


def credit(
    scene: CarryScene, document: DocumentItem, *, whole: bool, by_person: bool
) -> PlannedStep | Carry:
    """A credit note over what the change is worth, or why there is none.

    Args:
        scene: of the book.
        document: that the PSA changed or took back.
        whole: nothing of it is owed any more.
        by_person: a word that stands asks for it, which is newer than every refusal.
    """
    facts = scene.facts
    payload = document.payload
    if document.kind is DocumentKind.CREDIT or payload is None:
        return hold(CREDIT_IMPOSSIBLE, "a credit note cannot be credited itself")
    notes = [
        one for one in scene.family.get(document.invoice, ()) if one.kind is DocumentKind.CREDIT
    ]
    if any(one.state not in NOT_STANDING for one in notes):
        return hold(CREDIT_IMPOSSIBLE, "a credit note for an earlier change stands")
    source = kept_source(scene.stored[document.invoice])
    refused = [one for one in notes if one.state is DocumentState.REFUSED]
    before = None if by_person or not refused else _refused_before(refused[-1], source)
    if before is not None:
        return before
    after: tuple[LedgerLine, ...] = ()
    worth = payload.totals.total
    if not whole:
        drafted = draft(
            scene.stored[document.invoice].invoice,
            mapping=facts.mapping,
            book=facts.book,
            rules=facts.rules,
        )
        if drafted.document is None or drafted.kind is not document.kind:
            return hold(CREDIT_IMPOSSIBLE, "the invoice as it is now cannot be written")
        if drafted.document.contact != document.contact:
            return hold(CREDIT_IMPOSSIBLE, "the invoice is another client's now")
        now = predicted(drafted, facts.predict, facts.rules, needs_item=facts.book.needs_item)
        if now.totals is None or now.problems:
            return hold(CREDIT_IMPOSSIBLE, now.problems[0].message)
        after = now.document.lines
        worth -= now.totals.total
    lines = credit_lines(payload.document.lines, after, document.number)
    if lines is None:
        return hold(CREDIT_IMPOSSIBLE, "a credit note cannot say what was added or kept")
    issue = refused[-1].issue if refused else max((one.issue for one in notes), default=0) + 1
    made = _note(scene, document, lines, issue)
    if len(made.number) > facts.book.number_limit:
        message = f"'{made.number}' is longer than the books' {facts.book.number_limit}"
        return hold(NUMBER_TOO_LONG, message)
    try:
        totals = scene.ledger.predict(made, facts.book, facts.mapping.taxes_by_key())
    except DataError as error:
        return hold(CREDIT_IMPOSSIBLE, str(error))
    if not payload.delegated and totals.total != worth:
        message = f"the books would make it {shown(totals.total)} where {shown(worth)} is meant"
        return hold(CREDIT_IMPOSSIBLE, message)
    return msgspec.structs.replace(
        scene.step(Step.CREDIT, document, f"credits {document.number}"),
        kind=DocumentKind.CREDIT,
        # Also that it is gone, so that it is told when the invoice is there again.
        source_digest=source,
        number=made.number,
        document=made,
        totals=totals,
        source_total=worth,
        delegated=payload.delegated,
        issue=issue,
        effect=-totals.total,
    )


def _refused_before(note: DocumentItem, source: str) -> Carry | None:
    """Why a rule does not post a credit note once more, or None.

    One that a person gave up may have been entered by hand, whatever its change looks like since.
    """
    if note.code == ABANDONED:
        return hold("GIVEN_UP", f"a person decided that it is not credited: {note.detail}")
    if note.code in REPEATABLE or note.source_digest != source:
        return None
    why = f"the same credit note was refused before ({note.code}: {note.detail})"
    return hold("REFUSED_BEFORE", why)


def _note(
    scene: CarryScene, document: DocumentItem, lines: tuple[LedgerLine, ...], issue: int
) -> LedgerDocument:
    assert document.payload is not None  # it is ours
    posted = document.payload.document
    facts = scene.facts
    key = ledger_key(
        ledger_uid=facts.ledger_uid,
        book_key=facts.book.key,
        psa_uid=facts.psa_uid,
        invoice=document.invoice,
        kind=DocumentKind.CREDIT,
        issue=issue,
    )
    return msgspec.structs.replace(
        posted,
        key=key,
        marker=marker_of(key),
        attempt="",
        kind=DocumentKind.CREDIT,
        number=document.number + _SUFFIX + (str(issue) if issue > 1 else ""),
        dated=scene.today,
        due=None,
        terms="",
        # What a change is worth is said by its nets; a whole invoice by its own lines.
        basis=posted.basis if lines == posted.lines else _said_by_nets(posted.basis),
        lines=lines,
        tax=None,
    )


def _said_by_nets(basis: AmountBasis) -> AmountBasis:
    return AmountBasis.EXCLUSIVE if basis is AmountBasis.INCLUSIVE else basis


def target(scene: CarryScene, credit: DocumentItem) -> DocumentItem | None:
    """The standing document of the invoice that a credit note belongs to."""
    replaces = None if credit.payload is None else credit.payload.replaces
    stored = scene.stored.get(credit.invoice)
    about = credit.invoice if replaces else (stored.invoice.credits if stored else "")
    return next(
        (
            one
            for one in scene.family.get(about, ())
            if one.kind is DocumentKind.INVOICE
            and one.state in STANDING
            and one.remote
            and replaces in (None, one.id)
        ),
        None,
    )


def may_settle(scene: CarryScene, credit: DocumentItem) -> bool:
    """Whether a credit note may settle something, as far as was seen: one that cannot is not asked.

    What was paid and is open again shows itself in the changes of the books.
    """
    owed = target(scene, credit)
    if owed is None or credit.state is DocumentState.DRIFTED:
        return False
    ours_alone = credit.payload is not None and credit.payload.replaces is not None
    if ours_alone and not takes_back(credit, scene.stored.get(credit.invoice)):
        return False
    settled = owed.seen_status in {EntryStatus.PAID, *GONE} or owed.seen_balance == 0
    return not settled


def allocation(scene: CarryScene, credit: DocumentItem) -> PlannedStep | None:
    """The second step of a credit note: it settles its invoice, as far as that is open."""
    owed = target(scene, credit)
    if owed is None or not may_settle(scene, credit):
        return None
    ours = scene.entries.get(credit.remote or "")
    theirs = scene.entries.get(owed.remote or "")
    amount = allocatable(ours, theirs) if ours and theirs else Decimal(0)
    if not amount or ours is None:
        return None
    assert owed.remote is not None  # it stands
    assert credit.remote is not None
    action = LedgerAction(
        key=f"{credit.key}:allocate:{owed.key}:{shown(ours.balance)}",
        attempt="",
        kind=ActionKind.ALLOCATE,
        document_kind=DocumentKind.CREDIT,
        remote=credit.remote,
        version=ours.version,
        target=owed.remote,
        amount=amount,
        left=ours.balance,
        dated=scene.today,
    )
    note = f"settles {shown(amount)} {credit.currency} of {owed.number}"
    step = msgspec.structs.replace(scene.step(Step.ALLOCATE, credit, note), action=action)
    return scene.approved(step, note)
