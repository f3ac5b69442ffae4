"""`syncd check` looks at the book and at the PSA whose invoices it gets, also at both together."""

from __future__ import annotations

import msgspec
import pytest

from syncd.sdk.errors import VendorUnavailable
from syncd.sdk.ledger_port import TaxKeeper
from syncd.sdk.ledger_records import LedgerBook, TaxMode
from tests.builders_books import FakeBook
from tests.builders_intake import BookOffice

WARNING = "Acme Books computes tax itself, and connection 'desk' does not write it back"


def test_check_tries_the_book_and_the_keeper(office: BookOffice) -> None:
    code, out, _ = office("check")
    assert code == 0
    assert "Acme Books (org-1), GBP" in out
    assert "invoices can be read" in out


def computing(office: BookOffice, mode: TaxMode) -> None:
    """The book computes tax in this way."""
    book = office.books["uk-books"]

    async def told() -> LedgerBook:
        return msgspec.structs.replace(await FakeBook.book(book), tax_mode=mode)

    book.book = told


@pytest.mark.parametrize(
    ("mode", "writes", "warned"),
    [
        (TaxMode.DELEGATED, False, True),
        (TaxMode.DELEGATED, True, False),
        (TaxMode.DELEGATED, None, False),
        (TaxMode.PER_LINE, False, False),
    ],
    ids=["left out", "written", "nobody can tell", "predicted"],
)
def test_tax_of_the_books_that_the_psa_never_shows_is_warned_of(
    office: BookOffice, mode: TaxMode, writes: bool | None, warned: bool
) -> None:
    computing(office, mode)
    if writes is not None:
        office.desk.writes_tax = writes
    assert isinstance(office.desk, TaxKeeper) is (writes is not None)
    code, out, _ = office("check", "uk-books")
    assert code == 0
    assert (WARNING in " ".join(out.split())) is warned


def test_a_psa_that_cannot_be_opened_does_not_end_the_check_of_a_book(
    office: BookOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    computing(office, TaxMode.DELEGATED)

    def down(_app: object) -> object:
        message = "the PSA is down"
        raise VendorUnavailable(message)

    monkeypatch.setattr("syncd.cli.check_books.open_keeper", down)
    code, out, _ = office("check", "uk-books")
    assert (code, WARNING in out) == (0, False)
