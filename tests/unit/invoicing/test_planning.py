"""Whose book an invoice is of, and what of its past or its owner stops it."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from syncd.core.invoicing.book_facts import BookFacts, Earlier, Other, concerns
from syncd.core.invoicing.creations import holders, plan_creations
from syncd.core.invoicing.identity import document_digest
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.plan_rows import RowState
from syncd.core.invoicing.planning import plan_post
from syncd.core.invoicing.problems import Weight
from syncd.core.invoicing.rules import LedgerRules
from syncd.sdk.invoice_records import DocumentKind, Ownership
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from tests.builders_invoices import BOOK, BOOKKEEPING, MAP, REFERENCES, invoice, line, totals_of

TAXES = MAP.taxes_by_key()


def facts(**changes: Any) -> BookFacts:
    """A live book."""
    values: dict[str, Any] = {
        "ledger_uid": "ab",
        "ledger_id": 2,
        "psa_uid": "cd",
        "book": BOOKKEEPING,
        "rules": LedgerRules(),
        "mapping": MAP,
        "predict": lambda document: totals_of(document, TAXES),
        "live_from": date(2026, 11, 1),
        "live_book": BOOK,
        "attested": False,
        "routes": {"c1": {(2, "")}},
    }
    return BookFacts(**{**values, **changes})


@pytest.mark.parametrize(
    ("day", "held"),
    [(date(2026, 11, 14), False), (date(2026, 11, 15), True), (date(2026, 12, 1), True)],
)
def test_invoices_from_before_a_contact_was_mapped_wait_for_another_linking_pass(
    day: date, held: bool
) -> None:
    row = plan_post(invoice("1"), "d", facts(unlinked={"c1": day}), [])
    assert ("LINK_AGAIN" in codes(row)) is held
    other = plan_post(invoice("1"), "d", facts(unlinked={"c9": day}), [])
    assert "LINK_AGAIN" not in codes(other)
    if held:
        (problem,) = [one for one in row.objections if one.code == "LINK_AGAIN"]
        assert problem.weight is Weight.HOLD
        assert "syncd invoices link" in problem.remedy


def earlier(**changes: Any) -> Earlier:
    """A document that does not stand any more."""
    values: dict[str, Any] = {
        "kind": DocumentKind.INVOICE,
        "issue": 1,
        "voided": True,
        "ours": False,
        "digest": "",
        "code": "",
        "detail": "",
        "remote": "doc-1",
    }
    return Earlier(**{**values, **changes})


def codes(one: Any) -> list[str]:
    """Codes of the objections of a row."""
    return [problem.code for problem in one.objections]


def test_the_contact_of_a_client_is_its_route_and_currency_tells_two_apart() -> None:
    two = facts(routes={"c1": {(2, "EUR"), (3, "GBP")}})
    assert not concerns(invoice("1"), two)
    assert concerns(invoice("1", currency="EUR"), two)
    both = facts(routes={"c1": {(2, ""), (3, "")}})
    assert concerns(invoice("1"), both)
    assert codes(plan_post(invoice("1"), "d", both)) == ["AMBIGUOUS_BOOK"]


def test_a_client_without_any_contact_shows_up_rather_than_nowhere() -> None:
    none = facts(routes={})
    assert concerns(invoice("1", client="new"), none)
    assert codes(plan_post(invoice("1", client="new"), "d", none)) == ["UNMAPPED_CONTACT"]


def test_what_stands_in_another_live_book_is_left_there_without_an_issue() -> None:
    moved = facts(routes={"c1": {(2, "")}})
    other = Other(number="INV-00001", book="old books", live=True)
    row = plan_post(invoice("1"), "d", moved, others=[other])
    assert (codes(row), row.state) == (["POSTED_ELSEWHERE"], RowState.SKIPPED)
    assert "'old books'" in row.objections[0].message


def test_what_stands_in_a_book_that_is_no_longer_live_is_refused_with_the_way_out() -> None:
    other = Other(number="INV-00001", book="trial", live=False)
    row = plan_post(invoice("1"), "d", facts(), others=[other])
    assert (codes(row), row.state) == (["POSTED_ELSEWHERE"], RowState.REFUSED)
    assert "drift --again INV-00001" in row.objections[0].remedy


def test_what_stands_elsewhere_is_of_this_book_only_if_a_contact_leads_here() -> None:
    assert concerns(invoice("1"), facts(), elsewhere=True)
    assert concerns(invoice("1"), facts(routes={}))
    assert not concerns(invoice("1"), facts(routes={}), elsewhere=True)


def test_no_contact_is_made_for_an_invoice_that_stands_in_another_book() -> None:
    new = invoice("1", client="c7", client_name="Zeta Ltd")
    at = facts(rules=LedgerRules(create_contacts=True))
    row = plan_post(new, "d", at, others=[Other(number="INV-00001", book="b", live=True)])
    assert plan_creations([new], at, [row]) == []


def test_another_organisation_behind_the_connection_is_not_live() -> None:
    row = plan_post(invoice("1"), "d", facts(live_book="org-2"))
    assert codes(row) == ["LINK_ONLY"]
    assert row.state is RowState.REFUSED


def test_a_document_that_somebody_voided_is_not_posted_again_by_itself() -> None:
    held = plan_post(invoice("1"), "d", facts(), [earlier()])
    assert (codes(held), held.state, held.issue) == (["VOIDED_IN_BOOKS"], RowState.HELD, 2)
    ours = plan_post(invoice("1"), "d", facts(), [earlier(ours=True)])
    assert (codes(ours), ours.issue) == ([], 2)
    assert ours.document is not None
    assert ours.document.key.endswith(":2")


def test_what_was_refused_is_held_only_if_it_is_the_same_document() -> None:
    first = plan_post(invoice("1"), "d", facts())
    assert first.document is not None
    refused = earlier(voided=False, code="TAX_UNUSABLE", digest=document_digest(first.document))
    assert codes(plan_post(invoice("1"), "d", facts(), [refused])) == ["REFUSED_BEFORE"]
    other = invoice("1", line(1, price="11.00"))
    again = plan_post(other, "e", facts(), [refused])
    assert (codes(again), again.issue) == ([], 1)


def test_what_a_person_gave_up_is_held_whatever_changed_since() -> None:
    given_up = earlier(voided=False, code="ABANDONED", digest="of another mapping", detail="by ann")
    assert codes(plan_post(invoice("1"), "d", facts(), [given_up])) == ["GIVEN_UP"]


def test_a_mark_of_ours_that_this_database_does_not_know_is_held() -> None:
    marked = invoice("1", owner=Ownership.OURS, foreign={"id": "doc-9"})
    assert codes(plan_post(marked, "d", facts())) == ["ALREADY_MARKED"]
    known = earlier(ours=True, remote="doc-9")
    assert codes(plan_post(marked, "d", facts(), [known])) == []


def test_an_attestation_settles_what_is_unsure_and_never_what_is_owned() -> None:
    unsure = invoice("1", owner=Ownership.UNSURE)
    assert codes(plan_post(unsure, "d", facts())) == ["OWNER_UNSURE"]
    assert codes(plan_post(unsure, "d", facts(attested=True))) == []
    other = invoice("1", owner=Ownership.OTHER)
    assert codes(plan_post(other, "d", facts(attested=True))) == ["OWNED_BY_PSA_MODULE"]


def test_a_release_holds_for_what_it_was_given_for() -> None:
    one = plan_post(invoice("1"), "d", facts())
    same = plan_post(invoice("1"), "d", facts())
    other = plan_post(invoice("1", line(1, price="10.01")), "e", facts())
    assert one.digest == same.digest
    assert one.digest != other.digest


def test_nothing_is_made_whose_name_a_supplier_holds() -> None:
    supplier = LedgerReference(
        kind=ReferenceKind.CONTACT,
        key="v1",
        name="Zeta  LTD",
        namespace="names",
        blocked=True,
        detail={"type": "vendor"},
    )
    references = {**REFERENCES, (ReferenceKind.CONTACT, "v1"): supplier}
    mapping = LedgerMap(
        contacts=MAP.contacts, accounts=MAP.accounts, taxes=MAP.taxes, references=references
    )
    new = invoice("1", client="c7", client_name="Zeta Ltd")
    at = facts(mapping=mapping, rules=LedgerRules(create_contacts=True))
    (step,) = plan_creations([new], at, [plan_post(new, "d", at)])
    assert (step.key, codes(step), step.state) == ("contact:c7", ["NAME_TAKEN"], RowState.REFUSED)
    assert "vendor" in step.objections[0].message
    assert holders(mapping, ReferenceKind.CONTACT, "zeta ltd") == [supplier]


def test_nothing_is_made_for_an_invoice_that_would_not_be_posted_anyway() -> None:
    new = invoice("1", client="c7", client_name="Zeta Ltd", total=invoice("1").total + 1)
    at = facts(rules=LedgerRules(create_contacts=True))
    assert plan_creations([new], at, [plan_post(new, "d", at)]) == []


def test_a_negative_invoice_as_a_credit_note_lowers_what_is_owed() -> None:
    rules = LedgerRules(negative_invoice="credit")
    row = plan_post(invoice("1", line(1, quantity="-1")), "d", facts(rules=rules))
    assert (row.kind, str(row.effect)) == (DocumentKind.CREDIT, "-12.00")
    assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row
