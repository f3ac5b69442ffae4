"""What the books would show, held against the client's document, to the cent."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.core.invoicing.comparison import compare
from syncd.core.invoicing.drafting import draft
from syncd.core.invoicing.identity import attempt_of, ledger_key, marker_of
from syncd.core.invoicing.prediction import Predicted, predicted
from syncd.core.invoicing.recognition import AskAPerson, NotThere, Ours, recognise
from syncd.core.invoicing.rules import LedgerRules
from syncd.sdk.invoice_records import DocumentKind, PsaInvoice
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry, Totals
from syncd.sdk.ledger_writes import LedgerDocument
from tests.builders_books import FakeBook, Fate, Time
from tests.builders_invoices import BOOKKEEPING, MAP, invoice, line, totals_of

TAXES = MAP.taxes_by_key()


def check(one: PsaInvoice, **rules: Any) -> Predicted:
    """An invoice drafted and predicted."""
    said = LedgerRules(**rules)
    return predicted(
        draft(one, mapping=MAP, book=BOOKKEEPING, rules=said), lambda d: totals_of(d, TAXES), said
    )


def taxed_on_the_sum() -> PsaInvoice:
    """Three lines of 3.33 whose PSA taxes the sum: 2.00, where the books make 2.01 of it."""
    return invoice(
        "1",
        *[line(n, quantity="1", price="3.33") for n in (1, 2, 3)],
        tax=Decimal("2.00"),
        total=Decimal("11.99"),
    )


def test_a_cent_of_difference_is_refused() -> None:
    one = check(taxed_on_the_sum())
    assert [p.code for p in one.problems] == ["TOTAL_DIFFERS"]
    assert "+0.01" in one.problems[0].message


def test_a_tolerance_that_a_person_set_lets_it_pass_and_says_so() -> None:
    one = check(taxed_on_the_sum(), tolerance=Decimal("0.01"))
    assert one.problems == ()
    assert one.notes


def test_a_rounding_line_needs_account_tax_and_limit_and_makes_the_total_exact() -> None:
    limits = {"rounding_limit": Decimal("0.02"), "rounding_account": "860"}
    assert check(taxed_on_the_sum(), **limits).problems
    one = check(taxed_on_the_sum(), **limits, rounding_tax="NONE")
    assert one.problems == ()
    assert one.totals is not None
    assert one.totals.total == Decimal("11.99")
    last = one.document.lines[-1]
    assert (last.rounding, last.net, last.account) == (True, Decimal("-0.01"), "860")


def test_tax_of_one_line_alone_is_held_against_that_of_the_books_for_both() -> None:
    """A line whose tax the PSA leaves open, beside one with 20.00 of its own."""
    left = line(1, quantity="10", rate="0", tax_rate=None)
    one = check(invoice("1", left, line(2, quantity="10")))
    assert [p.code for p in one.problems] == ["TOTAL_DIFFERS"]
    assert "240.00" in one.problems[0].message
    assert "220.00" in one.problems[0].message


def test_a_rounding_line_does_not_even_out_a_net_and_a_tax_that_are_both_wrong() -> None:
    wrong = line(1, quantity="1", price="100.00", net=Decimal("99.00"), tax=Decimal("21.01"))
    limits = {"rounding_limit": Decimal("0.05"), "rounding_account": "860", "rounding_tax": "NONE"}
    assert [p.code for p in check(invoice("1", wrong), **limits).problems] == ["TOTAL_DIFFERS"]


def test_a_difference_above_the_limit_is_refused_whatever_is_allowed() -> None:
    wrong = invoice("1", line(1), net=Decimal("20.00"), tax=Decimal("4.00"))
    wrong_price = line(1, quantity="2", price="10.05", net=Decimal("20.00"), tax=Decimal("4.00"))
    one = check(
        invoice("1", wrong_price, net=wrong.net, tax=wrong.tax, total=wrong.total),
        rounding_limit=Decimal("0.02"),
        rounding_account="860",
        rounding_tax="NONE",
    )
    assert [p.code for p in one.problems] == ["TOTAL_DIFFERS"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 100_000),
            st.integers(0, 10_000_000),
            st.integers(0, 7),
            st.sampled_from(["1", "2", "3", "4"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_adds_up_per_line_is_posted_at_exactly_its_total(
    drawn: list[tuple[int, int, int, str]],
) -> None:
    lines = [
        line(
            n,
            quantity=str(quantity),
            price=str(Decimal(price).scaleb(-scale)),
            tax_code=code,
            rate="20" if code == "1" else "0",
        )
        for n, (quantity, price, scale, code) in enumerate(drawn, start=1)
    ]
    one = invoice("1", *lines)
    result = check(one, zero_total="post")
    assert result.problems == ()
    assert result.totals is not None
    assert (result.totals.net, result.totals.tax, result.totals.total) == (
        one.net,
        one.tax,
        one.total,
    )
    assert all(
        sent.quantity.normalize().as_tuple().exponent >= -4
        and sent.unit_price.normalize().as_tuple().exponent >= -4
        for sent in result.document.lines
    )


def entry_of(document: LedgerDocument, **changes: Any) -> LedgerEntry:
    """The document as a book keeps it."""
    book = FakeBook(time=Time(), fate=Fate())
    book.catalogue = list(TAXES.values())
    return msgspec.structs.replace(book.entry_of(document), **changes)


def sent() -> tuple[LedgerDocument, Totals]:
    """A document under its marker, with its prediction."""
    result = check(invoice("1", line(1), line(2, tax_code="2", rate="0")))
    assert result.totals is not None
    return msgspec.structs.replace(result.document, marker="syncd-mine"), result.totals


def test_a_silently_changed_quantity_or_tax_is_seen_although_totals_agree() -> None:
    document, totals = sent()
    entry = entry_of(document)
    assert compare(document, totals, entry) == ()
    first, second = entry.lines
    halved = msgspec.structs.replace(first, quantity=Decimal(1), unit_price=Decimal(20))
    exempt = msgspec.structs.replace(second, tax_code="EXEMPT")
    found = compare(document, totals, msgspec.structs.replace(entry, lines=(halved, exempt)))
    assert [one.field for one in found] == ["quantity of line 1", "tax code of line 2"]


def test_a_cent_more_in_the_books_is_seen() -> None:
    document, totals = sent()
    entry = entry_of(document, total=totals.total + Decimal("0.01"))
    assert [one.field for one in compare(document, totals, entry)] == ["total"]


def test_whose_a_document_is() -> None:
    document, totals = sent()
    ours = entry_of(document)
    unmarked = entry_of(document, marker="")
    foreign = entry_of(document, marker="", contact="contact-9")
    voided = entry_of(document, status=EntryStatus.VOIDED)
    credit = entry_of(document, kind=DocumentKind.CREDIT, marker="")
    twin = entry_of(document, remote="doc-2")

    def verdict(*found: LedgerEntry, **more: Any) -> object:
        answer = recognise(document, totals, found, **more)
        return answer.code if isinstance(answer, AskAPerson) else type(answer)

    assert verdict(ours) is Ours
    assert verdict(entry_of(document, total=Decimal(1))) is Ours
    assert verdict(unmarked) is Ours
    assert verdict() is NotThere
    assert verdict(credit) is NotThere
    assert verdict(foreign) == "FOREIGN_DOCUMENT"
    assert verdict(ours, twin) == "DUPLICATE_IN_BOOKS"
    assert verdict(voided) == "VOIDED_IN_BOOKS"
    assert verdict(number_refused=True) == "NUMBER_TAKEN"
    assert verdict(ours, foreign) is Ours


def test_names_are_derived_and_differ_by_what_they_name() -> None:
    key = ledger_key(
        ledger_uid="ab", book_key="o", psa_uid="cd", invoice="9", kind=DocumentKind.INVOICE, issue=1
    )
    assert key == "ab:o:cd:9:invoice:1"
    assert marker_of(key) == marker_of(key)
    assert marker_of(key) != marker_of(key.replace(":1", ":2"))
    assert len(marker_of(key)) == len("syncd-") + 16
    names = {attempt_of(key, "d", 1), attempt_of(key, "d", 2), attempt_of(key, "e", 1)}
    assert len(names) == 3
    assert all(len(name) <= 36 for name in names)


def test_rounding_is_half_away_from_zero() -> None:
    assert Decimal("0.125").quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal("0.13")
    assert check(invoice("1", line(1, quantity="1", price="0.125"))).problems == ()
