"""What a thing of the PSA may be in a book: ids and codes first, names with who holds them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.service.ledger_proposals import BookProposal, Ground, propose
from syncd.core.service.ledger_uses import Use
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind

CONTACT = ReferenceKind.CONTACT


def use(kind: ReferenceKind = CONTACT, source: str = "c1", name: str = "Acme", **more) -> Use:
    return Use(kind=kind, source=source, name=name, invoices=1, example="1", **more)


def entry(key: str, name: str, kind: ReferenceKind = CONTACT, **more) -> LedgerReference:
    return LedgerReference(kind=kind, key=key, name=name, **more)


def proposed(one: Use, *entries: LedgerReference, **known) -> BookProposal:
    (found,) = propose([one], {(e.kind, e.key): e for e in entries}, **known)
    return found


LONG = "565acaa9-e7f3-4fbf-80c3-16b081ddae10"


def test_a_long_id_that_the_psa_keeps_wins_over_a_name() -> None:
    found = proposed(
        use(), entry(LONG, "Other name"), entry("b", "Acme"), foreign_ids={"c1": [LONG]}
    )
    assert (found.target, found.ground) == (LONG, Ground.ID)


def test_a_short_id_is_filled_in_with_its_name() -> None:
    found = proposed(use(), entry("145", "ACME"), foreign_ids={"c1": ["145"]})
    assert (found.target, found.ground) == ("145", Ground.ID)


@pytest.mark.parametrize("name", ["Acme", ""], ids=["another name", "no name"])
def test_a_short_id_of_somebody_else_s_entry_fills_in_nothing(name: str) -> None:
    found = proposed(use(name=name), entry("145", "Zeta"), foreign_ids={"c1": ["145"]})
    assert (found.target, found.ground) == ("", Ground.SIMILAR)
    assert "145 'Zeta'" in found.evidence
    assert "the PSA knows it as 145" in found.evidence


def test_a_short_id_and_a_name_of_two_entries_are_a_person_s_choice() -> None:
    found = proposed(use(), entry("145", "Zeta"), entry("7", "Acme"), foreign_ids={"c1": ["145"]})
    assert (found.target, found.ground) == ("", Ground.SIMILAR)
    assert "145 'Zeta'" in found.evidence
    assert "7 'Acme'" in found.evidence


def test_of_several_ids_the_one_with_the_name_is_taken() -> None:
    found = proposed(
        use(), entry("145", "Zeta"), entry("9", "Acme"), foreign_ids={"c1": ["145", "9"]}
    )
    assert (found.target, found.ground) == ("9", Ground.ID)


def test_a_key_that_the_book_keeps_is_filled_in_with_its_name() -> None:
    found = proposed(use(), entry("a", "Acme", foreign_key="c1"), entry("b", "Acme"))
    assert (found.target, found.ground) == ("a", Ground.FOREIGN_KEY)


def test_a_key_that_another_system_used_fills_in_nothing() -> None:
    found = proposed(use(), entry("a", "Other", foreign_key="c1"), entry("b", "Acme"))
    assert (found.target, found.ground) == ("", Ground.SIMILAR)
    assert "a 'Other'" in found.evidence
    assert "b 'Acme'" in found.evidence


def test_an_id_of_an_archived_entry_fills_in_nothing() -> None:
    found = proposed(use(), entry("a", "Acme", active=False), foreign_ids={"c1": ["a"]})
    assert (found.target, found.ground) == ("", Ground.TAKEN)
    assert "inactive or archived" in found.evidence


def test_an_equal_name_is_filled_in_without_case_and_double_spaces() -> None:
    found = proposed(use(name="ACME  Ltd"), entry("a", "acme ltd"))
    assert (found.target, found.ground) == ("a", Ground.NAME)


def test_two_equal_names_are_a_person_s_choice() -> None:
    found = proposed(use(), entry("a", "Acme"), entry("b", "ACME"))
    assert (found.target, found.ground) == ("", Ground.SIMILAR)
    assert "a 'Acme'" in found.evidence
    assert "b 'ACME'" in found.evidence


def test_an_active_entry_is_taken_where_an_archived_one_has_its_name() -> None:
    found = proposed(use(), entry("a", "Acme", active=False), entry("b", "Acme"))
    assert found.target == "b"


def test_a_name_that_a_vendor_holds_is_said_so() -> None:
    vendor = entry("v", "Acme", blocked=True, detail={"type": "a vendor"})
    found = proposed(use(), vendor)
    assert (found.target, found.ground) == ("", Ground.TAKEN)
    assert "v is a vendor" in found.evidence


def test_what_is_only_alike_is_a_suggestion_and_fills_in_nothing() -> None:
    found = proposed(use(name="Acme Limited"), entry("a", "Acme Ltd"), entry("b", "Zeta"))
    assert (found.target, found.ground) == ("", Ground.SIMILAR)
    assert "a 'Acme Ltd'" in found.evidence
    assert "Zeta" not in found.evidence


def test_nothing_alike_is_said() -> None:
    assert proposed(use(), entry("b", "Zeta")).ground is Ground.NONE


def test_an_account_is_found_by_its_code() -> None:
    kind = ReferenceKind.ACCOUNT
    found = proposed(use(kind, "200", ""), entry("uuid", "Sales", kind, code="200"))
    assert (found.target, found.ground) == ("uuid", Ground.NUMBER)


def test_a_default_is_never_guessed() -> None:
    kind = ReferenceKind.ACCOUNT
    assert proposed(use(kind, "*", ""), entry("uuid", "Sales", kind, code="200")).target == ""


def test_a_rate_narrows_taxes_down_and_fills_in_nothing() -> None:
    kind = ReferenceKind.TAX
    twenty = entry("OUT", "20 %", kind, rates=(Decimal(12), Decimal(8)))
    found = proposed(use(kind, "1", "", rate=Decimal(20)), twenty)
    assert (found.target, found.ground) == ("", Ground.RATE)
    assert "OUT" in found.evidence


def test_the_kinds_of_nothing_are_never_told_apart_by_a_rate() -> None:
    kind = ReferenceKind.TAX
    zero = entry("Z", "Zero", kind, rates=(Decimal(0),))
    found = proposed(use(kind, "2", "", rate=Decimal(0)), zero)
    assert (found.target, found.ground) == ("", Ground.NONE)
    assert "zero_rated, exempt and out_of_scope" in found.evidence


def test_a_tracking_option_is_found_by_its_own_name() -> None:
    kind = ReferenceKind.TRACKING
    found = proposed(use(kind, "Managed", "Managed"), entry("o", "Department / Managed", kind))
    assert found.target == "o"
