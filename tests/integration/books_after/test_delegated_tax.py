"""Where the books compute tax, what they computed goes back to the PSA and disturbs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.store.book_balances import book_balances
from syncd.core.store.database import Database
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import PostedMark, PsaInvoice
from syncd.sdk.ledger_records import LedgerBook, LedgerEntry, LedgerReference, TaxMode, Totals
from syncd.sdk.ledger_writes import LedgerDocument
from syncd.sdk.psa_records import Outcome
from tests.builders_after import Desk, LivingBook, desk
from tests.builders_books import CATALOGUE, FakeKeeper, invoice, line

RATE = Decimal("0.0825")


@dataclass(slots=True)
class AmericanBook(LivingBook):
    """It computes sales tax by address, which nobody can predict."""

    async def book(self) -> LedgerBook:
        here = await LivingBook.book(self)
        return msgspec.structs.replace(here, tax_mode=TaxMode.DELEGATED)

    def predict(
        self, document: LedgerDocument, book: LedgerBook, taxes: Mapping[str, LedgerReference]
    ) -> Totals:
        totals = LivingBook.predict(self, document, book, taxes)
        return msgspec.structs.replace(totals, tax=Decimal(0), total=totals.net)

    def entry_of(self, document: LedgerDocument) -> LedgerEntry:
        entry = LivingBook.entry_of(self, document)
        tax = (entry.net * RATE).quantize(Decimal("0.01"), ROUND_HALF_UP)
        total = entry.net + tax
        return msgspec.structs.replace(entry, tax=tax, total=total, balance=total)


@dataclass(slots=True)
class TaxTakingKeeper(FakeKeeper):
    """A PSA that shows the tax that it is told of."""

    takes_tax: bool = True

    async def mark_posted(self, marks: Sequence[PostedMark]) -> Sequence[Outcome]:
        done = await FakeKeeper.mark_posted(self, marks)
        for mark in marks:
            if self.takes_tax and mark.tax is not None:
                self._taxed(self.invoices_by_key[mark.invoice], mark.tax)
        return done

    def _taxed(self, one: PsaInvoice, tax: Decimal) -> None:
        first = msgspec.structs.replace(one.lines[0], tax=tax)
        self.invoices_by_key[one.key] = msgspec.structs.replace(
            one, tax=tax, total=one.net + tax, lines=(first, *one.lines[1:]), version="2"
        )


async def american(database: Database, *, writes_tax: bool, **rules: Any) -> Desk:
    one = await desk(database, **rules)
    one.book = AmericanBook(time=one.time, fate=one.book.fate, catalogue=list(CATALOGUE))
    one.keeper = TaxTakingKeeper(one.book.fate, takes_tax=writes_tax)
    return one


def untaxed(key: str = "1", quantity: str = "10") -> PsaInvoice:
    """100.00 for which the PSA leaves tax to the books."""
    return invoice(key, line(rate="0", quantity=quantity, tax_rate=None), delegated_tax=True)


@pytest.mark.parametrize("writes_tax", [True, False], ids=["written back", "not written back"])
@pytest.mark.parametrize("on_edit", ["hold", "void-and-reissue", "credit"])
async def test_tax_of_the_books_is_no_change_and_the_whole_total_is_paid(
    database: Database, on_edit: str, writes_tax: bool
) -> None:
    one = await american(database, writes_tax=writes_tax, on_edit=on_edit)
    (document,) = await one.post(untaxed())
    assert document.state is DocumentState.CONFIRMED
    assert one.keeper.marks["1"].tax == Decimal("8.25")
    shown = one.keeper.invoices_by_key["1"]
    assert shown.total == Decimal("108.25" if writes_tax else "100.00")

    await one.shown(shown)
    plan = await one.plan()
    assert ([row.step for row in plan.record.rows], await one.codes()) == ([], [])

    one.book.pay(document.remote or "", "108.25")
    assert await one.paid_over() == [Decimal("108.25")]
    assert await one.codes() == []


async def test_more_than_the_books_ask_for_is_held_there_too(database: Database) -> None:
    one = await american(database, writes_tax=False)
    (document,) = await one.post(untaxed())
    one.book.pay(document.remote or "", "108.26")

    assert await one.paid_over() == []
    assert "PAYMENT_EXCEEDS" in (await one.issues())[0].message


async def test_what_is_outstanding_is_what_the_books_ask_for(sqlite_database: Database) -> None:
    one = await american(sqlite_database, writes_tax=False)
    await one.post(untaxed())
    async with sqlite_database.reader() as conn:
        (balance,) = await book_balances(conn, one.connection.id)
    assert (balance.total, balance.balance) == (Decimal("108.25"), Decimal("108.25"))


async def test_an_edit_beside_the_tax_that_was_written_back_is_a_change(
    database: Database,
) -> None:
    one = await american(database, writes_tax=True, on_edit="void-and-reissue")
    await one.post(untaxed())
    taxed = one.keeper.invoices_by_key["1"]
    dearer = untaxed(quantity="20")
    edited = msgspec.structs.replace(
        dearer,
        tax=taxed.tax,
        total=dearer.net + taxed.tax,
        lines=(msgspec.structs.replace(dearer.lines[0], tax=taxed.tax),),
        version="3",
    )
    await one.shown(edited)

    plan = await one.plan()
    assert [row.step.step for row in plan.record.rows] == [Step.VOID]
