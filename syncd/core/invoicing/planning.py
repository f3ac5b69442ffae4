"""What would be written to one book for one invoice, with everything that objects to it.

Pure: from what was read and decided to a row of a plan. Whether it may go is said by objections,
never by leaving an invoice out in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import msgspec

from syncd.core.invoicing.drafting import Drafted, Identity, draft
from syncd.core.invoicing.identity import document_digest, ledger_key, marker_of
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.plan_rows import PlannedStep, Step, signed
from syncd.core.invoicing.prediction import Predict, predicted
from syncd.core.invoicing.problems import (
    AMBIGUOUS_BOOK,
    APPROVAL_NEEDED,
    LINK_ONLY,
    OWNED_BY_PSA_MODULE,
    OWNER_UNSURE,
    Problem,
    Weight,
)
from syncd.core.invoicing.rules import LedgerRules
from syncd.sdk.invoice_records import DocumentKind, Ownership, PsaInvoice
from syncd.sdk.ledger_records import LedgerBook

ABANDONED = "ABANDONED"
"""Reason of a document that a person gave up."""

REPEATABLE = frozenset({"SOURCE_MOVED", "LINK_ONLY"})
"""Reasons of ours for which a refused document is simply planned again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The last document of an invoice in this book, which does not stand there any more.

    Attributes:
        kind: of it.
        issue: which document it was.
        voided: it stood, and was voided; otherwise it was refused.
        ours: the void was planned here.
        digest: of the document.
        code: why it was refused.
        detail: one sentence.
        remote: the books' id, empty if it never stood.
    """

    kind: DocumentKind
    issue: int
    voided: bool
    ours: bool
    digest: str
    code: str
    detail: str
    remote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFacts:
    """What planning knows of a book.

    Attributes:
        ledger_uid: of its connection.
        ledger_id: its row id.
        psa_uid: of the PSA's connection.
        book: the organisation.
        rules: settings.
        mapping: what people said.
        predict: the book's arithmetic.
        live_from: the day from which it is live; None while it is only linked.
        live_book: the organisation that was said of.
        attested: a person said that nobody else carries invoices.
        routes: PSA client -> (connection of a book, currency) of its contacts in all books.
        names: PSA client -> name.
    """

    ledger_uid: str
    ledger_id: int
    psa_uid: str
    book: LedgerBook
    rules: LedgerRules
    mapping: LedgerMap
    predict: Predict
    live_from: date | None
    live_book: str
    attested: bool
    routes: Mapping[str, set[tuple[int, str]]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def concerns(invoice: PsaInvoice, facts: BookFacts) -> bool:
    """Whether an invoice is of this book: by its client's contacts, or because it has none."""
    if facts.live_from is not None and invoice.dated < facts.live_from:
        return False  # history is linked, never posted
    here = books_of(invoice, facts)
    return not facts.routes.get(invoice.client) or facts.ledger_id in here or not here


def books_of(invoice: PsaInvoice, facts: BookFacts) -> set[int]:
    """Books that the client's contacts lead to in the invoice's currency."""
    routes = facts.routes.get(invoice.client, set())
    exact = {ledger for ledger, currency in routes if currency == invoice.currency}
    return exact or {ledger for ledger, currency in routes if not currency}


def plan_post(
    invoice: PsaInvoice,
    source_digest: str,
    facts: BookFacts,
    earlier: Sequence[Earlier] = (),
) -> PlannedStep:
    """The row of one invoice."""
    drafted = draft(
        invoice, mapping=facts.mapping, book=facts.book, rules=facts.rules, names=facts.names
    )
    last = next((one for one in reversed(earlier) if one.kind is drafted.kind), None)
    issue = 1 if last is None else last.issue + (1 if last.voided else 0)
    key = ledger_key(
        ledger_uid=facts.ledger_uid,
        book_key=facts.book.key,
        psa_uid=facts.psa_uid,
        invoice=invoice.key,
        kind=drafted.kind,
        issue=issue,
    )
    objections = [*_of_book(invoice, facts), *_of_owner(invoice, facts, earlier)]
    objections += drafted.problems
    notes = [*drafted.notes]
    document, totals = None, None
    if drafted.document is not None:
        drafted = _named(drafted, Identity(key=key, marker=marker_of(key)))
        assert drafted.document is not None
        check = predicted(drafted, facts.predict, facts.rules, needs_item=facts.book.needs_item)
        document, totals = check.document, check.totals
        objections += check.problems
        notes += check.notes
        objections += _of_history(last, document_digest(document))
    if facts.rules.by_hand(drafts=facts.book.drafts):
        objections.append(_approval(facts))
    effect = signed(drafted.kind, totals.total if totals else drafted.source_total)
    return PlannedStep(
        step=Step.POST,
        invoice=invoice.key,
        number=document.number if document else invoice.number or invoice.key,
        client=invoice.client,
        client_name=invoice.client_name,
        kind=drafted.kind,
        dated=invoice.dated,
        currency=document.currency if document else invoice.currency,
        effect=effect,
        source_digest=source_digest,
        source_total=drafted.source_total,
        issue=issue,
        document=document,
        totals=totals,
        delegated=drafted.delegated,
        notes=tuple(dict.fromkeys(notes)),
        objections=tuple(dict.fromkeys(objections)),
    )


def failed(invoice: PsaInvoice, source_digest: str, what: str) -> PlannedStep:
    """The row of an invoice whose planning failed with a defect; the others are not affected."""
    problem = Problem(
        code="PLANNING_FAILED",
        message=f"{invoice.number}: drafting it failed ({what})",
        remedy="Report this with the error's name; the other invoices are not affected.",
    )
    return PlannedStep(
        step=Step.POST,
        invoice=invoice.key,
        number=invoice.number or invoice.key,
        client=invoice.client,
        client_name=invoice.client_name,
        kind=invoice.kind,
        dated=invoice.dated,
        currency=invoice.currency,
        effect=Decimal(0),
        source_digest=source_digest,
        source_total=invoice.total,
        objections=(problem,),
    )


def _named(drafted: Drafted, identity: Identity) -> Drafted:
    assert drafted.document is not None
    document = msgspec.structs.replace(
        drafted.document, key=identity.key, marker=identity.marker, attempt=identity.attempt
    )
    return replace(drafted, document=document)


def _of_book(invoice: PsaInvoice, facts: BookFacts) -> list[Problem]:
    found = []
    if facts.live_from is None or facts.live_book != facts.book.key:
        other = facts.live_from is not None
        why = "another organisation was said to be live" if other else "it is not live"
        found.append(
            Problem(
                code=LINK_ONLY,
                message=f"{facts.book.name} is only linked: {why}",
                remedy="`syncd golive NAME --from DATE` lets documents be posted.",
            )
        )
    books = books_of(invoice, facts)
    if len(books) > 1:
        found.append(
            Problem(
                code=AMBIGUOUS_BOOK,
                message=f"{invoice.client_name} has contacts for {invoice.currency} in "
                f"{len(books)} books",
                remedy="Bind the contacts to currencies, or leave one of them: "
                "`syncd map books NAME --export FILE`.",
            )
        )
    return found


def _of_owner(invoice: PsaInvoice, facts: BookFacts, earlier: Sequence[Earlier]) -> list[Problem]:
    if invoice.owner is Ownership.OTHER:
        return [
            Problem(
                code=OWNED_BY_PSA_MODULE,
                message=f"{invoice.number}: {invoice.owner_detail or 'somebody else carries it'}",
                remedy="Let one of the two carry invoices: switch the PSA's own module off, or "
                "leave this client to it.",
            )
        ]
    if invoice.owner is Ownership.UNSURE and not facts.attested:
        return [
            Problem(
                code=OWNER_UNSURE,
                message=f"{invoice.number}: {invoice.owner_detail or 'another owner is possible'}",
                remedy="Make sure that nobody else carries invoices into these books, then say so "
                "once: `syncd invoices attest NAME --why TEXT`.",
            )
        ]
    ours = {one.remote for one in earlier if one.remote}
    if invoice.owner is Ownership.OURS and not ours & set(invoice.foreign.values()):
        return [
            Problem(
                code="ALREADY_MARKED",
                message=f"{invoice.number}: the PSA says that we posted it, and this database does "
                "not know of it",
                weight=Weight.HOLD,
                remedy="Was the database put back? Run `syncd invoices link` first.",
            )
        ]
    return []


def _of_history(last: Earlier | None, digest: str) -> list[Problem]:
    if last is None:
        return []
    if last.voided and not last.ours:
        return [
            Problem(
                code="VOIDED_IN_BOOKS",
                message="it was posted before, and somebody voided it in the books",
                weight=Weight.HOLD,
                remedy="Release it to post it anew; void it in the PSA too if it shall not count.",
            )
        ]
    if not last.voided and last.code == ABANDONED:
        # Whatever was mapped or edited since: somebody may have entered it by hand.
        return [
            Problem(
                code="GIVEN_UP",
                message=f"a person decided that it is not posted: {last.detail}",
                weight=Weight.HOLD,
                remedy="Name it to post it after all: `syncd invoices release PLAN NUMBER --why "
                "TEXT`.",
            )
        ]
    if not last.voided and last.digest == digest and last.code not in REPEATABLE:
        return [
            Problem(
                code="REFUSED_BEFORE",
                message=f"the same document was refused before ({last.code}: {last.detail})",
                weight=Weight.HOLD,
                remedy="Mend what is named, then release it to try once more.",
            )
        ]
    return []


def _approval(facts: BookFacts) -> Problem:
    arrives = "at once in the books" if facts.rules.approved or not facts.book.drafts else "a draft"
    return Problem(
        code=APPROVAL_NEEDED,
        message=f"a person releases each document of {facts.book.name}; it is then {arrives}",
        weight=Weight.HOLD,
        remedy='`syncd invoices release PLAN --why TEXT`, or `approval = "automatic"`.',
    )
