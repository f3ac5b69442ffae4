"""What stops an invoice beside the document itself: its book, its owner, its past, a person's word.

Each objection says what it is, and what to do; whether it may be released is its weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syncd.core.invoicing.book_facts import BookFacts, Earlier, Other, books_of
from syncd.core.invoicing.problems import (
    ALREADY_MARKED,
    AMBIGUOUS_BOOK,
    APPROVAL_NEEDED,
    LINK_AGAIN,
    LINK_ONLY,
    OWNED_BY_PSA_MODULE,
    OWNER_UNSURE,
    POSTED_ELSEWHERE,
    Problem,
    Weight,
)
from syncd.sdk.invoice_records import Ownership, PsaInvoice

ABANDONED: Final = "ABANDONED"
"""Reason of a document that a person gave up."""

REPEATABLE: Final = frozenset({"SOURCE_MOVED", "LINK_ONLY"})
"""Reasons of ours for which a refused document is simply planned again."""


def of_book(invoice: PsaInvoice, facts: BookFacts) -> list[Problem]:
    """The book is live for documents, and no other one is as near."""
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


def of_owner(invoice: PsaInvoice, facts: BookFacts, earlier: Sequence[Earlier]) -> list[Problem]:
    """Nobody else carries the invoice, and we did not carry it before."""
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
                code=ALREADY_MARKED,
                message=f"{invoice.number}: the PSA says that we posted it, and this database does "
                "not know of it",
                weight=Weight.HOLD,
                remedy="Was the database put back? Run `syncd invoices link` first.",
            )
        ]
    return []


def of_linking(invoice: PsaInvoice, facts: BookFacts) -> list[Problem]:
    """What a person entered of the client before it had a contact here was looked for."""
    since = facts.unlinked.get(invoice.client)
    if since is None or invoice.dated > since:
        return []
    return [
        Problem(
            code=LINK_AGAIN,
            message=f"{invoice.client_name or invoice.client} became a contact of "
            f"{facts.book.name} after the last linking pass: somebody may have entered "
            f"{invoice.number or invoice.key} there before",
            weight=Weight.HOLD,
            remedy="Run `syncd invoices link NAME`, then `syncd plan invoices NAME`.",
        )
    ]


def of_others(number: str, others: Sequence[Other]) -> list[Problem]:
    """One document of a client stands in the books of one company only."""
    if not others:
        return []
    other = next((one for one in others if not one.live), others[0])
    message = f"{number} stands in '{other.book}' already, or is on its way there"
    if other.live:
        return [Problem(code=POSTED_ELSEWHERE, message=message, weight=Weight.SKIP)]
    return [
        Problem(
            code=POSTED_ELSEWHERE,
            message=f"{message}, and that book is not live any more",
            remedy=f"If it does not count there, void it in '{other.book}' and then say so: "
            f"`syncd invoices drift --again {other.number} --why TEXT`.",
        )
    ]


def of_history(last: Earlier | None, digest: str) -> list[Problem]:
    """What became of the last document of the invoice in this book is no reason against another."""
    if last is None:
        return []
    if last.voided and not last.ours:
        return [
            Problem(
                code="VOIDED_IN_BOOKS",
                message="it was posted before, and somebody voided it in the books",
                weight=Weight.HOLD,
                remedy="Name it to post it anew: `syncd invoices release PLAN NUMBER --why TEXT`; "
                "books that keep the number of a voided document take it under another number "
                "only. Void it in the PSA too if it shall not count.",
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
                remedy="Mend what is named, then name it to try once more: "
                "`syncd invoices release PLAN NUMBER --why TEXT`.",
            )
        ]
    return []


def approval(facts: BookFacts) -> Problem:
    """A person releases each document of this book."""
    arrives = "at once in the books" if facts.rules.approved or not facts.book.drafts else "a draft"
    return Problem(
        code=APPROVAL_NEEDED,
        message=f"a person releases each document of {facts.book.name}; it is then {arrives}",
        weight=Weight.HOLD,
        remedy='`syncd invoices release PLAN --why TEXT`, or `approval = "automatic"`.',
    )
