"""A document is an invoice by its id, or by number, total and contact; a number proves nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from syncd.core.service.ledger_matching import Candidate, Matched, Matcher, MatchGround
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry


def candidate(key: str = "1", **more) -> Candidate:
    return Candidate(
        **{
            "key": key,
            "kind": DocumentKind.INVOICE,
            "numbers": (f"S-INV-{key}", f"INV-{key}"),
            "client": "c1",
            "client_name": "Acme Ltd",
            "contacts": frozenset({"contact-1"}),
            "currency": "GBP",
            "total": Decimal("24.00"),
            **more,
        }
    )


def entry(number: str = "INV-1", **more) -> LedgerEntry:
    return LedgerEntry(
        **{
            "remote": f"doc-{number}",
            "kind": DocumentKind.INVOICE,
            "number": number,
            "contact": "contact-1",
            "contact_name": "Acme Ltd",
            "currency": "GBP",
            "dated": date(2026, 11, 1),
            "status": EntryStatus.OPEN,
            "net": Decimal("20.00"),
            "tax": Decimal("4.00"),
            "total": Decimal("24.00"),
            "balance": Decimal("24.00"),
            **more,
        }
    )


def matched(one: Candidate, *entries: LedgerEntry, ours: tuple[str, ...] = ()) -> Matched:
    return Matcher([one]).take(entries, ours)


@pytest.mark.parametrize("number", ["INV-1", "S-INV-1", " inv-1 "], ids=["plain", "prefix", "case"])
def test_number_total_and_contact_make_a_pair(number: str) -> None:
    (pair,) = matched(candidate(), entry(number)).pairs
    assert (pair.ground, pair.differs) == (MatchGround.NUMBER, "")


def test_an_id_and_its_contact_make_a_pair_of_another_total_and_that_is_said() -> None:
    one = candidate(ids=frozenset({"doc-x"}))
    (pair,) = matched(one, entry("77", remote="doc-x", total=Decimal("25.00"))).pairs
    assert pair.ground is MatchGround.ID
    assert "25.00" in pair.differs


def test_sums_that_differ_are_said_with_cents() -> None:
    other = entry(total=Decimal("1200.5"), net=Decimal("1000.0"))
    (doubt,) = matched(candidate(total=Decimal("120.0")), other).doubts
    assert doubt.why == "the book has 1,200.50 GBP, the PSA 120.00"

    delegated = candidate(net=Decimal("120.0"), delegated=True)
    (doubt,) = matched(delegated, other).doubts
    assert doubt.why == "the book has 1,000.00 GBP before tax, the PSA 120.00"


def test_where_the_book_computes_tax_the_net_is_compared() -> None:
    one = candidate(total=Decimal("20.00"), net=Decimal("20.00"), delegated=True)
    (pair,) = matched(one, entry()).pairs
    assert (pair.ground, pair.differs) == (MatchGround.NUMBER, "")

    dearer = entry(net=Decimal("21.00"), total=Decimal("25.00"))
    found = matched(candidate(net=Decimal("20.00"), delegated=True), dearer)
    assert found.pairs == []
    assert "before tax" in found.doubts[0].why


def test_an_id_and_its_number_make_a_pair_for_another_contact() -> None:
    one = candidate(ids=frozenset({"145"}))
    (pair,) = matched(one, entry(remote="145", contact="contact-2", contact_name="B")).pairs
    assert pair.ground is MatchGround.ID


def test_the_id_of_another_company_s_document_takes_nobody_s_document() -> None:
    posted_there = candidate(
        "11", ids=frozenset({"145"}), contacts=frozenset(), client="c9", total=Decimal(120)
    )
    mine = candidate("900")
    stranger = entry("INV-900", remote="145")
    matcher = Matcher([posted_there, mine])
    (pair,) = matcher.take([stranger], ()).pairs
    assert (pair.invoice.key, pair.ground) == ("900", MatchGround.NUMBER)
    assert list(matcher.left) == ["11"]


@pytest.mark.parametrize(
    ("change", "facts", "words"),
    [
        ({}, {"contact": "contact-2", "contact_name": "Beta"}, "has it for Beta"),
        ({"contacts": frozenset()}, {}, "no contact of this book"),
        ({}, {"kind": DocumentKind.CREDIT}, "has it as credit"),
        ({}, {"currency": "EUR"}, "has it in EUR"),
    ],
    ids=["other contact", "client of another book", "other kind", "other currency"],
)
def test_an_id_without_more_is_a_doubt(change, facts, words: str) -> None:
    one = candidate(ids=frozenset({"145"}), **change)
    found = matched(one, entry("777", remote="145", **facts))
    assert (found.pairs, found.books_only) == ([], [])
    (doubt,) = found.doubts
    assert "the PSA shows its id" in doubt.why
    assert words in doubt.why
    assert not doubt.amount


def test_two_invoices_of_one_id_are_both_doubted() -> None:
    both = [candidate(key, ids=frozenset({"145"})) for key in ("1", "2")]
    found = Matcher(both).take([entry("777", remote="145")], ())
    assert (found.pairs, found.books_only) == ([], [])
    assert [doubt.invoice.key for doubt in found.doubts] == ["1", "2"]
    assert all("2 invoices" in doubt.why for doubt in found.doubts)


def test_a_number_with_every_fact_goes_before_an_id_whose_total_differs() -> None:
    named = candidate("1", ids=frozenset({"145"}), total=Decimal(6))
    numbered = candidate("2")
    found = Matcher([named, numbered]).take([entry("INV-2", remote="145")], ())
    assert [(pair.invoice.key, pair.ground) for pair in found.pairs] == [("2", MatchGround.NUMBER)]


def test_an_id_and_a_number_that_are_equally_good_are_both_doubted() -> None:
    named = candidate("1", ids=frozenset({"145"}))
    numbered = candidate("2")
    found = Matcher([named, numbered]).take([entry("INV-2", remote="145")], ())
    assert found.pairs == []
    assert sorted(doubt.invoice.key for doubt in found.doubts) == ["1", "2"]


def test_of_invoices_of_one_number_the_one_of_the_id_is_taken() -> None:
    twins = [candidate("1"), candidate("2", numbers=("INV-1",), ids=frozenset({"145"}))]
    (pair,) = Matcher(twins).take([entry(remote="145")], ()).pairs
    assert (pair.invoice.key, pair.ground) == ("2", MatchGround.ID)


@pytest.mark.parametrize(
    ("change", "amount"),
    [
        ({"total": Decimal("24.01")}, True),
        ({"currency": "EUR"}, False),
        ({"contact": "contact-2"}, False),
    ],
    ids=["total", "currency", "contact"],
)
def test_a_number_alone_is_a_doubt(change, amount: bool) -> None:
    found = matched(candidate(), entry(**change))
    assert found.pairs == []
    (doubt,) = found.doubts
    assert doubt.amount is amount
    assert found.books_only == []


def test_an_equal_name_speaks_for_a_client_without_a_contact() -> None:
    unmapped = candidate(contacts=frozenset())
    assert len(matched(unmapped, entry(contact_name="ACME LTD")).pairs) == 1
    assert matched(unmapped, entry(contact_name="Other")).pairs == []


def test_a_credit_note_of_the_same_number_is_another_document() -> None:
    found = matched(candidate(), entry(kind=DocumentKind.CREDIT))
    assert found.pairs == []
    assert len(found.books_only) == 1


@pytest.mark.parametrize("status", [EntryStatus.VOIDED, EntryStatus.DELETED])
def test_what_does_not_count_in_the_book_is_no_document(status: EntryStatus) -> None:
    found = matched(candidate(), entry(status=status))
    assert (found.pairs, found.doubts, found.books_only) == ([], [], [])


def test_one_invoice_gets_one_document_and_the_second_is_shown() -> None:
    found = matched(candidate(), entry(), entry(remote="doc-2"))
    assert len(found.pairs) == 1
    (doubt,) = found.doubts
    assert "another document already" in doubt.why


def test_documents_with_a_row_are_left_alone() -> None:
    found = matched(candidate(), entry(), ours=("doc-INV-1",))
    assert (found.pairs, found.books_only) == ([], [])


def test_a_document_without_an_invoice_is_the_book_s_only() -> None:
    assert len(matched(candidate(), entry("HAND-1"), entry("", remote="x")).books_only) == 2
