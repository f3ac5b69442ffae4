"""What an invoice becomes, line by line, and what refuses it by name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.core.invoicing.drafting import Drafted, draft
from syncd.core.invoicing.identity import document_digest
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.problems import Weight
from syncd.core.invoicing.rules import LedgerRules
from syncd.sdk.invoice_records import DocumentKind, PsaInvoice
from syncd.sdk.ledger_records import (
    LedgerBook,
    LedgerReference,
    ReferenceKind,
    TaxMeaning,
    TaxMode,
)
from tests.builders_invoices import BOOKKEEPING, MAP, REFERENCES, invoice, line

COMPUTING = msgspec.structs.replace(BOOKKEEPING, tax_mode=TaxMode.DELEGATED)
"""Books that compute the tax themselves."""


def drafted(
    one: PsaInvoice, *, mapping: LedgerMap = MAP, book: LedgerBook = BOOKKEEPING, **rules: Any
) -> Drafted:
    """The draft of an invoice under some rules."""
    return draft(one, mapping=mapping, book=book, rules=LedgerRules(**rules), names={"c9": "Niner"})


def codes(one: Drafted) -> list[str]:
    """Codes of its problems."""
    return [problem.code for problem in one.problems]


def test_a_plain_invoice_keeps_its_number_day_and_lines() -> None:
    one = drafted(invoice("7", line(1, quantity="137", price="0.0625"), reference="PO 12"))
    assert one.problems == ()
    assert one.document is not None
    document = one.document
    assert (document.number, document.contact, document.currency) == (
        "INV-00007",
        "contact-1",
        "GBP",
    )
    assert (document.dated, document.due) == (date(2026, 11, 15), date(2026, 12, 15))
    assert document.reference == "PO 12"
    assert document.lines[0].net == Decimal("8.56")
    assert document.lines[0].tax_code == "OUT20"
    assert document.lines[0].account == "200"
    assert not document.approved


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("INVOICE_DOES_NOT_ADD_UP", {"total": Decimal("25.00")}),
        ("INVOICE_DOES_NOT_ADD_UP", {"net": Decimal("20.02"), "total": Decimal("24.02")}),
        ("UNMAPPED_CURRENCY", {"currency": "JPY"}),
        ("UNMAPPED_CURRENCY", {"currency": ""}),
        ("UNMAPPED_CONTACT", {"client": "nobody"}),
        ("CONTACT_UNUSABLE", {"client": "c2"}),
        ("NUMBER_TOO_LONG", {"number": "INV-2026-11-0000000001"}),
        ("NUMBER_MISSING", {"number": " "}),
        ("DUE_UNKNOWN", {"due": None}),
        ("NO_LINES", {"lines": ()}),
    ],
)
def test_bad_input_refuses_the_invoice_by_name(code: str, changes: dict[str, Any]) -> None:
    one = drafted(msgspec.structs.replace(invoice("1"), **changes))
    assert code in codes(one)
    assert all(problem.weight is Weight.REFUSE for problem in one.problems if problem.code == code)


def test_a_number_that_is_too_long_is_never_cut_and_the_advice_names_the_way_out() -> None:
    one = drafted(invoice("1", number="N" * 20), prefix="PSA-")
    (problem,) = [p for p in one.problems if p.code == "NUMBER_TOO_LONG"]
    assert "PSA-" + "N" * 20 in problem.message
    assert "prefix of this book" in problem.remedy


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("UNMAPPED_TAX", {"tax_code": "99"}),
        ("UNMAPPED_TAX", {"tax_code": ""}),
        ("TAX_RATE_DIFFERS", {"tax_rate": Decimal(5)}),
        ("TAX_MEANING_DIFFERS", {"tax_code": "2"}),
    ],
)
def test_a_tax_is_never_guessed(code: str, change: dict[str, Any]) -> None:
    assert code in codes(drafted(invoice("1", line(1, **change))))


def test_three_kinds_of_no_tax_are_three_mappings() -> None:
    lines = [line(n, tax_code=str(n + 1), rate="0", price="1.00") for n in (1, 2, 3)]
    one = drafted(invoice("1", *lines))
    assert one.document is not None
    assert [(o.tax_code, o.meaning) for o in one.document.lines] == [
        ("ZERO", TaxMeaning.ZERO_RATED),
        ("EXEMPT", TaxMeaning.EXEMPT),
        ("NONE", TaxMeaning.OUT_OF_SCOPE),
    ]


def test_a_closed_period_refuses() -> None:
    book = msgspec.structs.replace(BOOKKEEPING, locked_until=date(2026, 11, 15))
    assert codes(drafted(invoice("1"), book=book)) == ["PERIOD_LOCKED"]


def test_a_negative_invoice_is_refused_or_becomes_a_credit_note_with_positive_lines() -> None:
    one = invoice("1", line(1, quantity="-2"))
    assert codes(drafted(one)) == ["NEGATIVE_INVOICE"]
    credit = drafted(one, negative_invoice="credit")
    assert credit.problems == ()
    assert credit.kind is DocumentKind.CREDIT
    assert credit.document is not None
    assert credit.document.lines[0].quantity == 2
    assert credit.source_total == Decimal("24.00")


@pytest.mark.parametrize(
    ("rule", "weight"), [("hold", Weight.HOLD), ("skip", Weight.SKIP), ("post", None)]
)
def test_a_zero_total_goes_by_its_rule_and_visibly(rule: str, weight: Weight | None) -> None:
    one = drafted(invoice("1", line(1, price="0.00")), zero_total=rule)
    assert [problem.weight for problem in one.problems] == ([weight] if weight else [])


def test_an_invoice_whose_tax_is_left_to_the_books_is_judged_by_its_net() -> None:
    nothing = invoice("1", line(1, price="0.00"), delegated_tax=True)
    assert codes(drafted(nothing, book=COMPUTING)) == ["ZERO_TOTAL"]
    told = msgspec.structs.replace(nothing, tax=Decimal("8.25"), total=Decimal("8.25"))
    assert codes(drafted(told, book=COMPUTING)) == ["ZERO_TOTAL"]


@pytest.mark.parametrize("mode", [TaxMode.PER_LINE, TaxMode.PER_RATE])
def test_tax_that_is_left_to_books_that_compute_none_of_their_own_is_refused(mode: TaxMode) -> None:
    """They would ask for 120.00, where the client's document shows 100.00."""
    book = msgspec.structs.replace(BOOKKEEPING, tax_mode=mode)
    left = invoice("1", line(1, quantity="10", rate="0", tax_rate=None), delegated_tax=True)
    one = drafted(left, book=book)
    (problem,) = one.problems
    assert (problem.code, problem.weight) == ("TOTAL_DIFFERS", Weight.REFUSE)
    assert book.name in problem.message
    assert problem.remedy
    assert not one.delegated


def test_tax_that_the_psa_and_the_books_both_compute_waits_for_a_person() -> None:
    (problem,) = drafted(invoice("1"), book=COMPUTING).problems
    assert (problem.code, problem.weight) == ("TOTAL_DIFFERS", Weight.HOLD)
    assert "4.00" in problem.message
    untaxed = invoice("1", line(1, rate="0", tax_rate=None))
    assert drafted(untaxed, book=COMPUTING).problems == ()
    left = invoice("1", line(1, rate="0", tax_rate=None), delegated_tax=True)
    written = msgspec.structs.replace(left, tax=Decimal("8.25"), total=left.net + Decimal("8.25"))
    assert drafted(written, book=COMPUTING).problems == ()
    stating = msgspec.structs.replace(COMPUTING, states_tax=True)
    assert drafted(invoice("1"), book=stating).problems == ()


def test_a_price_of_seven_decimals_is_written_as_one_piece_with_its_arithmetic() -> None:
    one = drafted(invoice("1", line(1, quantity="137", price="0.0624987")))
    assert one.document is not None
    (only,) = one.document.lines
    assert only.net == Decimal("8.56")
    if only.quantity == 1:
        assert "137 x 0.0624987" in only.description
    else:
        assert only.unit_price == Decimal("0.0625")
    assert one.notes


def test_a_price_whose_rounding_would_change_the_amount_keeps_the_amount() -> None:
    one = drafted(invoice("1", line(1, quantity="10000", price="0.0624987")))
    assert one.document is not None
    (only,) = one.document.lines
    assert (only.quantity, only.unit_price) == (Decimal(1), Decimal("624.99"))
    assert only.description == "Service 1 (10000 x 0.0624987)"


def test_the_client_that_a_line_is_about_is_named_once() -> None:
    lines = (
        line(1, original_client="c9"),
        line(2, original_client="c9", description="Backup for Niner"),
        line(3),
    )
    one = drafted(invoice("1", *lines))
    assert one.document is not None
    assert [o.description for o in one.document.lines] == [
        "Service 1 (for Niner)",
        "Backup for Niner",
        "Service 3",
    ]


def test_words_without_money_stay_and_empty_lines_go_only_when_allowed() -> None:
    words = line(2, description="Thank you", quantity="0", price="0", text_only=True, tax_code="")
    empty = line(3, description="", quantity="1", price="0.00")
    one = invoice("1", line(1), words, empty)
    kept = drafted(one)
    assert kept.document is not None
    assert len(kept.document.lines) == 3
    assert kept.document.lines[1].text_only
    dropped = drafted(one, drop_zero_lines=True)
    assert dropped.document is not None
    assert len(dropped.document.lines) == 2


def test_the_address_of_the_invoice_goes_along_and_makes_no_other_document() -> None:
    one = drafted(invoice("1", url="https://desk.example/1")).document
    other = drafted(invoice("1", url="https://desk.example/i/1")).document
    assert one is not None
    assert other is not None
    assert one.url == "https://desk.example/1"
    assert document_digest(one) == document_digest(other)


def test_a_book_that_names_items_refuses_a_line_without_one() -> None:
    book = msgspec.structs.replace(BOOKKEEPING, needs_item=True)
    assert codes(drafted(invoice("1", line(1, item="i1")), book=book)) == ["UNMAPPED_ITEM"]


def test_a_contact_of_another_currency_refuses() -> None:
    bound = LedgerReference(
        kind=ReferenceKind.CONTACT, key="contact-1", name="Acme Ltd", currency="EUR"
    )
    references = {**REFERENCES, (ReferenceKind.CONTACT, "contact-1"): bound}
    mapping = LedgerMap(
        contacts=MAP.contacts, accounts=MAP.accounts, taxes=MAP.taxes, references=references
    )
    assert codes(drafted(invoice("1"), mapping=mapping)) == ["CURRENCY_UNUSABLE"]


def test_tax_that_the_books_computed_does_not_stand_in_the_way_of_a_reissue() -> None:
    """It is written back to one line for all, whatever that line's own tax code is."""
    exempt = msgspec.structs.replace(line(1, tax_code="3", rate="0"), tax=Decimal("1.65"))
    taxed = line(2, rate="0", tax_rate=Decimal(8))
    invoiced = invoice("7", exempt, taxed, tax=Decimal("1.65"), delegated_tax=True)
    one = drafted(
        msgspec.structs.replace(invoiced, total=invoiced.net + Decimal("1.65")), book=COMPUTING
    )
    assert codes(one) == []
    assert one.delegated


def test_a_contact_of_another_name_than_the_client_is_told() -> None:
    """A mapping that leads to a stranger shows in every plan."""
    assert drafted(invoice("1")).notes == ()
    assert drafted(invoice("1", client_name="ACME  ltd")).notes == ()
    assert drafted(invoice("1", client_name="Zeta Ltd")).notes == (
        "it goes to the contact 'Acme Ltd'",
    )
