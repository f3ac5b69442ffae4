"""What would be written to one book for one invoice, with everything that objects to it.

Pure: from what was read and decided to a row of a plan. Whether it may go is said by objections,
never by leaving an invoice out in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import msgspec

from syncd.core.invoicing.book_facts import BookFacts, Earlier, Other
from syncd.core.invoicing.drafting import Drafted, Identity, draft
from syncd.core.invoicing.identity import document_digest, ledger_key, marker_of
from syncd.core.invoicing.objections import (
    approval,
    of_book,
    of_history,
    of_linking,
    of_others,
    of_owner,
)
from syncd.core.invoicing.plan_rows import PlannedStep, Step, signed
from syncd.core.invoicing.prediction import predicted
from syncd.core.invoicing.problems import Problem
from syncd.sdk.invoice_records import PsaInvoice


def plan_post(
    invoice: PsaInvoice,
    source_digest: str,
    facts: BookFacts,
    earlier: Sequence[Earlier] = (),
    others: Sequence[Other] = (),
) -> PlannedStep:
    """The row of one invoice.

    Args:
        invoice: as it was read.
        source_digest: of it.
        facts: of the book.
        earlier: its documents in this book that stand no more, the oldest first.
        others: its documents in other books.
    """
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
    objections = [*of_others(invoice.number or invoice.key, others), *of_book(invoice, facts)]
    objections += [*of_linking(invoice, facts), *of_owner(invoice, facts, earlier)]
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
        objections += of_history(last, document_digest(document))
    if facts.rules.by_hand(drafts=facts.book.drafts):
        objections.append(approval(facts))
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
