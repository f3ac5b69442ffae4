"""What invoices that wait for a book really use: the only things that need a counterpart there.

A catalogue of the PSA is never walked through: what no invoice names is nobody's question, and the
book's own catalogues stay clean.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from syncd.core.invoicing.ledger_map import DEFAULT, LedgerMap
from syncd.sdk.invoice_records import Ownership, PsaInvoice
from syncd.sdk.ledger_records import ReferenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One thing of the PSA that invoices name.

    Attributes:
        kind: of which counterpart is asked.
        source: the PSA's key; `*` for lines that name no item or account.
        name: for people.
        invoices: how many name it.
        example: number of one of them.
        clients: of those invoices; of a contact itself.
        currencies: likewise.
        rate: of a tax: in percent, None where lines name none or several.
    """

    kind: ReferenceKind
    source: str
    name: str
    invoices: int
    example: str
    clients: frozenset[str] = field(default_factory=frozenset)
    currencies: frozenset[str] = field(default_factory=frozenset)
    rate: Decimal | None = None


def uses_of(invoices: Iterable[PsaInvoice]) -> list[Use]:
    """Every thing that these invoices name, by kind and the number of invoices."""
    found: dict[tuple[ReferenceKind, str], Use] = {}
    mixed: set[str] = set()
    for invoice in invoices:
        for (kind, source), (name, rate) in _named(invoice).items():
            before = found.get((kind, source))
            if before is None:
                found[kind, source] = Use(
                    kind=kind,
                    source=source,
                    name=name,
                    invoices=1,
                    example=invoice.number or invoice.key,
                    clients=frozenset({invoice.client}),
                    currencies=frozenset({invoice.currency}),
                    rate=rate,
                )
                continue
            if kind is ReferenceKind.TAX and before.rate != rate:
                mixed.add(source)
            found[kind, source] = replace(
                before,
                name=before.name or name,
                invoices=before.invoices + 1,
                clients=before.clients | {invoice.client},
                currencies=before.currencies | {invoice.currency},
            )
    order = list(ReferenceKind)
    uses = [
        replace(one, rate=None) if one.kind is ReferenceKind.TAX and one.source in mixed else one
        for one in found.values()
    ]
    return sorted(uses, key=lambda one: (order.index(one.kind), -one.invoices, one.source))


def may_be_posted(invoice: PsaInvoice) -> bool:
    """Whether it is finished, counts, and surely belongs to nobody else."""
    return invoice.finalised and not invoice.voided and invoice.owner is not Ownership.OTHER


def unmapped_uses(
    uses: Iterable[Use],
    mapping: LedgerMap,
    *,
    needs_item: bool,
    currencies: Collection[str] = (),
    terms: bool = False,
) -> list[Use]:
    """Those that have no counterpart in a book and need one.

    Args:
        uses: of invoices of clients that the book serves, and of clients of no book.
        mapping: what people decided.
        needs_item: lines name an item in this book, otherwise an account.
        currencies: of the book; empty where that is not known.
        terms: due dates are the book's to derive, so that terms are needed.
    """
    line = ReferenceKind.ITEM if needs_item else ReferenceKind.ACCOUNT
    known: Mapping[ReferenceKind, Collection[str]] = {
        ReferenceKind.CONTACT: mapping.contacts,
        ReferenceKind.TAX: mapping.taxes,
        ReferenceKind.ITEM: mapping.items,
        ReferenceKind.ACCOUNT: mapping.accounts,
        ReferenceKind.TRACKING: mapping.tracking,
        ReferenceKind.TERM: mapping.terms,
        ReferenceKind.CURRENCY: {*mapping.currencies, *currencies},
    }
    asked = {ReferenceKind.CONTACT, ReferenceKind.TAX, line}
    if terms:
        asked.add(ReferenceKind.TERM)
    if currencies:
        asked.add(ReferenceKind.CURRENCY)
    return [
        one
        for one in uses
        if one.kind in asked
        and one.source not in known[one.kind]
        and not (one.kind is line and DEFAULT in known[line])
    ]


def _named(invoice: PsaInvoice) -> dict[tuple[ReferenceKind, str], tuple[str, Decimal | None]]:
    """What one invoice names, each once."""
    found: dict[tuple[ReferenceKind, str], tuple[str, Decimal | None]] = {
        (ReferenceKind.CONTACT, invoice.client): (invoice.client_name, None),
        (ReferenceKind.CURRENCY, invoice.currency): (invoice.currency, None),
    }
    if invoice.terms:
        found[ReferenceKind.TERM, invoice.terms] = (invoice.terms, None)
    for line in invoice.lines:
        if line.text_only:
            continue
        found[ReferenceKind.TAX, line.tax_code] = ("", line.tax_rate)
        found[ReferenceKind.ITEM, line.item or DEFAULT] = (
            line.item_name if line.item else "",
            None,
        )
        found[ReferenceKind.ACCOUNT, line.account or DEFAULT] = ("", None)
        for name in line.tracking:
            found[ReferenceKind.TRACKING, name] = (name, None)
    return found
