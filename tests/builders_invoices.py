"""Invoices that add up, a book's catalogues, and the words of people between them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.invoices import store_invoices
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.ledger_mappings import LedgerDecision, write_ledger_mappings
from syncd.core.store.ledger_references import store_ledger_references
from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import (
    DocumentKind,
    InvoiceLine,
    Ownership,
    PsaInvoice,
)
from syncd.sdk.ledger_records import (
    AmountBasis,
    LedgerBook,
    LedgerReference,
    ReferenceKind,
    TaxMeaning,
    TaxMode,
    Totals,
)
from syncd.sdk.ledger_writes import (
    LedgerDocument,
)

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
BOOK = "org-1"
CENT = Decimal("0.01")


def totals_of(document: LedgerDocument, taxes: Mapping[str, LedgerReference]) -> Totals:
    """Per line, rounded half up to cents, then added up."""
    nets, tax = [], Decimal(0)
    for line in document.lines:
        if not line.text_only and line.tax_code not in taxes:
            raise DataError(f"tax {line.tax_code} is not known")
        amount = line.quantity * line.unit_price * (100 - line.discount_percent) / 100
        rate = Decimal(0) if line.text_only else sum(taxes[line.tax_code].rates, Decimal(0))
        gross = document.basis is AmountBasis.INCLUSIVE
        part = rate / (100 + rate) if gross else rate / 100
        shown = amount.quantize(CENT, ROUND_HALF_UP)
        of_line = (shown * part).quantize(CENT, ROUND_HALF_UP)
        nets.append(shown - of_line if gross else shown)
        tax += of_line
    total = sum(nets, Decimal(0))
    return Totals(net=total, tax=tax, total=total + tax, lines=tuple(nets))


def line(
    n: int = 1,
    *,
    quantity: str = "2",
    price: str = "10.00",
    tax_code: str = "1",
    rate: str = "20",
    **more: Any,
) -> InvoiceLine:
    """A line with its tax rounded per line."""
    net = (Decimal(quantity) * Decimal(price)).quantize(CENT, ROUND_HALF_UP)
    tax = (net * Decimal(rate) / 100).quantize(CENT, ROUND_HALF_UP)
    return InvoiceLine(
        **{
            "key": str(n),
            "description": f"Service {n}",
            "quantity": Decimal(quantity),
            "unit_price": Decimal(price),
            "net": net,
            "tax": tax,
            "tax_rate": Decimal(rate),
            "tax_code": tax_code,
            "account": "4000",
            **more,
        }
    )


def invoice(key: str = "1", *lines: InvoiceLine, **more: Any) -> PsaInvoice:
    """A finished invoice that adds up."""
    held = lines or (line(),)
    net = sum((one.net for one in held), Decimal(0))
    tax = sum((one.tax for one in held), Decimal(0))
    return PsaInvoice(
        **{
            "key": key,
            "kind": DocumentKind.INVOICE,
            "number": f"INV-{int(key):05d}" if key.isdecimal() else key,
            "client": "c1",
            "client_name": "Acme Ltd",
            "currency": "GBP",
            "dated": date(2026, 11, 15),
            "due": date(2026, 12, 15),
            "net": net,
            "tax": tax,
            "total": net + tax,
            "lines": held,
            "finalised": True,
            "predicate": "posted",
            "owner": Ownership.FREE,
            "modified": START - timedelta(days=1),
            **more,
        }
    )


CATALOGUE = (
    LedgerReference(kind=ReferenceKind.CONTACT, key="contact-1", name="Acme Ltd"),
    LedgerReference(kind=ReferenceKind.CONTACT, key="contact-2", name="Beta Ltd", active=False),
    LedgerReference(kind=ReferenceKind.ACCOUNT, key="200", code="200", name="Sales"),
    LedgerReference(kind=ReferenceKind.ACCOUNT, key="860", code="860", name="Rounding"),
    LedgerReference(kind=ReferenceKind.TAX, key="OUT20", name="20 % VAT", rates=(Decimal(20),)),
    LedgerReference(kind=ReferenceKind.TAX, key="ZERO", name="Zero rated", rates=(Decimal(0),)),
    LedgerReference(kind=ReferenceKind.TAX, key="EXEMPT", name="Exempt", rates=(Decimal(0),)),
    LedgerReference(kind=ReferenceKind.TAX, key="NONE", name="No tax", rates=(Decimal(0),)),
)

_DECISIONS = (
    (ReferenceKind.CONTACT, "c1", "contact-1", ""),
    (ReferenceKind.ACCOUNT, "*", "200", ""),
    (ReferenceKind.TAX, "1", "OUT20", TaxMeaning.STANDARD.value),
    (ReferenceKind.TAX, "2", "ZERO", TaxMeaning.ZERO_RATED.value),
    (ReferenceKind.TAX, "3", "EXEMPT", TaxMeaning.EXEMPT.value),
    (ReferenceKind.TAX, "4", "NONE", TaxMeaning.OUT_OF_SCOPE.value),
)


REFERENCES = {(one.kind, one.key): one for one in CATALOGUE}
MAP = LedgerMap(
    contacts={"c1": [("", "contact-1")], "c2": [("", "contact-2")]},
    accounts={"*": "200"},
    taxes={
        "1": ("OUT20", TaxMeaning.STANDARD),
        "2": ("ZERO", TaxMeaning.ZERO_RATED),
        "3": ("EXEMPT", TaxMeaning.EXEMPT),
        "4": ("NONE", TaxMeaning.OUT_OF_SCOPE),
    },
    references=REFERENCES,
)
BOOKKEEPING = LedgerBook(
    key=BOOK,
    name="Acme Books",
    currency="GBP",
    currencies=("GBP", "EUR"),
    tax_mode=TaxMode.PER_LINE,
    number_limit=21,
    drafts=True,
)


async def connected(
    database: Database, *, live: bool = True, suffix: str = ""
) -> tuple[ConnectionRef, ConnectionRef]:
    """A PSA and a book, mapped, and live from the first of November."""
    async with database.writer() as conn:
        psa = await ensure_connection(conn, f"psa{suffix}", "fake-psa")
        ledger = await ensure_connection(conn, f"books{suffix}", "fake-books")
        await store_ledger_references(conn, ledger.id, CATALOGUE, now=START)
        decisions = [
            LedgerDecision(kind=kind, source=source, target=target, meaning=meaning, by="ann")
            for kind, source, target, meaning in _DECISIONS
        ]
        await write_ledger_mappings(conn, psa.id, ledger.id, new=decisions, now=START)
        if live:
            word = LedgerWord(
                book_key=BOOK,
                live=True,
                from_day=date(2026, 11, 1),
                by="ann",
                reason="the books are ready",
                at=START,
            )
            await record_ledger_golive(conn, psa.id, ledger.id, word)
    return psa, ledger


async def read(database: Database, psa: ConnectionRef, *invoices: PsaInvoice) -> None:
    """Invoices as the reader of the PSA stores them."""
    async with database.writer() as conn:
        await store_invoices(conn, psa.id, invoices, now=START)
