"""From an invoice of the PSA to the document that the books shall hold, or to what is in the way.

Nothing is guessed: what has no counterpart in the book refuses this invoice alone, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import msgspec

from syncd.core.invoicing.adding_up import adds_up, cents
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.line_drafting import LineRules, draft_line, usable
from syncd.core.invoicing.problems import TOTAL_DIFFERS, Problem, Weight, unmapped
from syncd.core.invoicing.rules import CREDIT, FROM_TERMS, HOLD, POST, SKIP, LedgerRules
from syncd.core.invoicing.wording import shown
from syncd.sdk.invoice_records import DocumentKind, InvoiceLine, PsaInvoice
from syncd.sdk.ledger_records import AmountBasis, LedgerBook, ReferenceKind, TaxMode
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How a document is named; see `identity.py`."""

    key: str = ""
    marker: str = ""
    attempt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What came of an invoice.

    Attributes:
        document: as it would be written; None where something that it needs is missing.
        problems: what is in the way, also of a document that could be written.
        notes: what was changed in form, for people.
        source_total: positive, in the direction of `kind`.
        source_tax: likewise; 0 where tax is left to the books.
        source_net: likewise.
        kind: of the document, which for a negative invoice may be a credit note.
        delegated: the books compute the tax, so that `source_total` is the net.
    """

    document: LedgerDocument | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    source_total: Decimal
    source_tax: Decimal
    source_net: Decimal
    kind: DocumentKind
    delegated: bool = False


@dataclass(slots=True, kw_only=True)
class _Draft:
    invoice: PsaInvoice
    mapping: LedgerMap
    book: LedgerBook
    rules: LedgerRules
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.invoice.number or self.invoice.key

    def refuse(self, code: str, message: str, remedy: str = "") -> None:
        self.problems.append(Problem(code=code, message=f"{self.name}: {message}", remedy=remedy))

    def hold(self, code: str, message: str, remedy: str = "") -> None:
        self.problems.append(
            Problem(code=code, message=f"{self.name}: {message}", remedy=remedy, weight=Weight.HOLD)
        )


def draft(
    invoice: PsaInvoice,
    *,
    mapping: LedgerMap,
    book: LedgerBook,
    rules: LedgerRules,
    identity: Identity | None = None,
    names: Mapping[str, str] | None = None,
) -> Drafted:
    """The document of a finished invoice, with everything that is in its way.

    Args:
        invoice: of the PSA.
        mapping: what people said of this book.
        book: the organisation.
        rules: settings of the book.
        identity: names of the document; left empty where only problems are wanted.
        names: PSA client -> name, for lines about another client than the invoiced one.
    """
    work = _Draft(invoice=invoice, mapping=mapping, book=book, rules=rules)
    work.problems.extend(adds_up(invoice))
    kind, sign = _direction(work)
    number = _number(work)
    currency = _currency(work)
    contact = _contact(work, currency)
    due, terms = _due(work, kind)
    _day(work)
    basis = AmountBasis(rules.basis)
    if basis is AmountBasis.NO_TAX and invoice.tax:
        message = f"it has {shown(invoice.tax)} of tax, and the book takes none"
        work.refuse("TAX_NOT_CARRIED", message)
    lines = _lines(work, basis, sign, names or {})
    document = None
    said = identity or Identity()
    stated = book.states_tax and not invoice.delegated_tax
    if lines and contact and number and currency and (due or terms or kind is DocumentKind.CREDIT):
        document = LedgerDocument(
            key=said.key,
            attempt=said.attempt,
            kind=kind,
            number=number,
            marker=said.marker,
            contact=contact,
            dated=invoice.dated,
            due=due,
            terms=terms,
            currency=currency,
            basis=basis,
            lines=tuple(lines),
            tax=sign * invoice.tax if stated else None,
            approved=rules.approved or not book.drafts,
            reference=invoice.reference,
            url=invoice.url,
        )
    computing = book.tax_mode is TaxMode.DELEGATED
    delegated = computing and not stated
    if invoice.delegated_tax and not computing:
        work.refuse(
            TOTAL_DIFFERS,
            f"the PSA leaves its tax to the books, and {book.name} adds tax by rates, so that its "
            "total would not be the one that the client's document shows",
            "Let the PSA compute the tax of this client's invoices; then plan again.",
        )
    if delegated and not invoice.delegated_tax and cents(invoice.tax):
        work.hold(
            TOTAL_DIFFERS,
            f"the client's document shows {shown(invoice.tax)} of tax, and the books compute their "
            "own",
            "Let the PSA leave its tax to the books, or let the book's connection state the PSA's "
            "tax; or release it by its number.",
        )
    return Drafted(
        document=document,
        problems=tuple(dict.fromkeys(work.problems)),
        notes=tuple(dict.fromkeys(work.notes)),
        source_total=sign * (invoice.net if delegated else invoice.total),
        source_tax=Decimal(0) if delegated else sign * invoice.tax,
        source_net=sign * invoice.net,
        kind=kind,
        delegated=delegated,
    )


def _direction(work: _Draft) -> tuple[DocumentKind, int]:
    """Kind of the document, and -1 where its amounts change their sign."""
    invoice, rules = work.invoice, work.rules
    owed = invoice.net if invoice.delegated_tax else invoice.total
    if not cents(owed):
        message = f"its total is {shown(owed)}"
        remedy = 'Release it, or set zero_total = "skip" or "post" for this book.'
        if rules.zero_total == SKIP:
            problem = Problem(code="ZERO_TOTAL", message=message, weight=Weight.SKIP)
            work.problems.append(problem)
        elif rules.zero_total != POST:
            work.hold("ZERO_TOTAL", message, remedy)
    if owed >= 0:
        return invoice.kind, 1
    if invoice.kind is DocumentKind.INVOICE and rules.negative_invoice == CREDIT:
        work.notes.append("its total is negative: it is written as a credit note")
        return DocumentKind.CREDIT, -1
    remedy = "Make it a credit note in the PSA"
    if invoice.kind is DocumentKind.INVOICE and rules.negative_invoice == HOLD:
        remedy += ', or set negative_invoice = "credit" for this book'
    work.refuse("NEGATIVE_INVOICE", f"its total is {shown(owed)}", remedy + "; plan again.")
    return invoice.kind, 1


def _number(work: _Draft) -> str:
    if not work.invoice.number.strip():
        work.refuse("NUMBER_MISSING", "the PSA gave it no number", "Give it one in the PSA.")
        return ""
    number = work.rules.prefix + work.invoice.number.strip()
    if len(number) > work.book.number_limit:
        prefixed = f" with the prefix '{work.rules.prefix}'" if work.rules.prefix else ""
        work.refuse(
            "NUMBER_TOO_LONG",
            f"'{number}'{prefixed} has {len(number)} characters, and the books keep "
            f"{work.book.number_limit}; it is not cut, since the client has it in full",
            "Shorten the PSA's numbering (its prefix or its padding)"
            + (", or the prefix of this book" if prefixed else "")
            + "; enter this one document by hand, then run `syncd invoices link`.",
        )
    if work.book.own_numbers is False:
        work.refuse(
            "NUMBERS_NOT_OURS",
            f"{work.book.name} numbers documents itself, so the client's number would be lost",
            "Let documents have custom numbers in the settings of the books; then plan again.",
        )
    return number


def _currency(work: _Draft) -> str:
    said = work.invoice.currency
    currency = work.mapping.currencies.get(said, said)
    known = {*work.book.currencies, work.book.currency}
    if not currency:
        work.problems.append(unmapped("currency", f"{work.name} names no currency"))
    elif currency not in known:
        message = f"{work.name} is in {currency}, which {work.book.name} does not use"
        work.problems.append(unmapped("currency", message))
        return ""
    return currency


def _contact(work: _Draft, currency: str) -> str:
    invoice = work.invoice
    found = work.mapping.contact_of(invoice.client, currency or invoice.currency)
    if not found:
        message = f"{invoice.client_name} ({invoice.client}) is no contact of {work.book.name}"
        work.problems.append(unmapped("contact", message))
        return ""
    if len(found) > 1:
        work.refuse("AMBIGUOUS_BOOK", f"{invoice.client_name} is {len(found)} contacts at once")
        return ""
    reference = work.mapping.references.get((ReferenceKind.CONTACT, found[0]))
    if not usable(reference):
        shown = reference.name if reference is not None else found[0]
        work.refuse(
            "CONTACT_UNUSABLE",
            f"the contact '{shown}' is archived, gone, or no customer",
            "Restore it in the books, or map the client to another one: "
            "`syncd map books NAME --export FILE`; then plan again.",
        )
    elif reference is not None and reference.currency not in {"", currency}:
        work.refuse(
            "CURRENCY_UNUSABLE",
            f"it is in {currency}, and the contact '{reference.name}' takes {reference.currency}",
            "Map the client to a contact of that currency as well; then plan again.",
        )
    elif reference is not None and not _alike(reference.name, invoice.client_name):
        work.notes.append(f"it goes to the contact '{reference.name}'")
    return found[0]


def _alike(contact: str, client: str) -> bool:
    """Whether two names say the same; a client without a name is told like another one."""
    return contact.casefold().split() == client.casefold().split()


def _due(work: _Draft, kind: DocumentKind) -> tuple[date | None, str]:
    """Due date and terms; a credit note needs neither."""
    invoice = work.invoice
    terms = work.mapping.terms.get(invoice.terms, "") if invoice.terms else ""
    if kind is DocumentKind.CREDIT:
        return None, ""
    if work.rules.due_from == FROM_TERMS:
        if not terms:
            message = f"{work.name} has the terms '{invoice.terms}', which are mapped to none"
            work.problems.append(unmapped("term", message))
        return None, terms
    if invoice.due is None and not terms:
        work.refuse("DUE_UNKNOWN", "it has no due date, and no terms that are mapped")
    elif invoice.due is not None and invoice.due < invoice.dated:
        work.notes.append(f"it is due {invoice.due}, before its own day {invoice.dated}")
    return invoice.due, terms


def _day(work: _Draft) -> None:
    locked = work.book.locked_until
    if locked is not None and work.invoice.dated <= locked:
        work.refuse(
            "PERIOD_LOCKED",
            f"it is dated {work.invoice.dated}, and the books are closed up to {locked}",
            "Open the period in the books, or enter it there by hand and run "
            "`syncd invoices link`.",
        )


def _lines(
    work: _Draft, basis: AmountBasis, sign: int, names: Mapping[str, str]
) -> list[LedgerLine]:
    rules = LineRules(
        mapping=work.mapping,
        basis=basis,
        needs_item=work.book.needs_item,
        sign=sign,
        about=names,
        client=work.invoice.client,
        subject=work.invoice.original_client,
    )
    drafted: list[LedgerLine] = []
    whole = True
    for n, line in enumerate(work.invoice.lines, start=1):
        empty = not line.description.strip() and not line.item_name and not cents(line.net)
        if empty and work.rules.drop_zero_lines:
            work.notes.append(f"line {n} says nothing and is left away")
            continue
        one = draft_line(n, _untaxed(line) if work.invoice.delegated_tax else line, rules)
        work.problems.extend(one.problems)
        work.notes.extend(one.notes)
        if one.line is None:
            whole = False
        else:
            drafted.append(one.line)
    if not work.invoice.lines:
        work.refuse("NO_LINES", "it has no lines", "A right to read lines may be missing.")
    return drafted if whole else []


def _untaxed(line: InvoiceLine) -> InvoiceLine:
    """What the books computed stands on one line for all, whatever its own tax code is."""
    return msgspec.structs.replace(line, tax=Decimal(0), tax_rate=None)
