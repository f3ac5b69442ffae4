"""What a credit note shows of an allocation whose answer was lost, and how it is said."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from syncd.core.service.bookkeeping_calls import DidNot, Happened, Unclear, changed
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import ActionKind, LedgerAction

ALLOCATION = LedgerAction(
    key="k",
    attempt="a",
    kind=ActionKind.ALLOCATE,
    document_kind=DocumentKind.CREDIT,
    remote="note-1",
    target="doc-1",
    amount=Decimal("1200.5"),
)


def note(balance: str) -> LedgerEntry:
    return LedgerEntry(
        remote="note-1",
        kind=DocumentKind.CREDIT,
        number="CN-1",
        contact="contact-1",
        currency="GBP",
        dated=date(2026, 11, 1),
        status=EntryStatus.OPEN,
        net=Decimal("1200.5"),
        tax=Decimal(0),
        total=Decimal("1200.5"),
        balance=Decimal(balance),
    )


@pytest.mark.parametrize(
    ("balance", "verdict"),
    [("0", Happened(remote="note-1", entry=note("0"))), ("1200.5", DidNot())],
    ids=["all of it is used", "none of it is used"],
)
def test_what_is_used_tells_whether_it_happened(balance: str, verdict: object) -> None:
    assert changed(ALLOCATION, note(balance)) == verdict


def test_a_part_that_is_used_is_a_person_s_and_is_said_with_cents() -> None:
    verdict = changed(ALLOCATION, note("1000.0"))
    assert isinstance(verdict, Unclear)
    assert "200.50 of the credit note is used, and 1,200.50 was to be" in verdict.message


@pytest.mark.parametrize(
    ("balance", "verdict"),
    [("600.25", DidNot()), ("0", Happened(remote="note-1", entry=note("0")))],
    ids=["nothing moved since", "ours is there as well"],
)
def test_what_others_used_before_it_was_planned_is_not_taken_for_ours(
    balance: str, verdict: object
) -> None:
    half = msgspec.structs.replace(ALLOCATION, amount=Decimal("600.25"), left=Decimal("600.25"))
    assert changed(half, note(balance)) == verdict


def test_another_use_since_it_was_planned_is_a_person_s() -> None:
    half = msgspec.structs.replace(ALLOCATION, amount=Decimal("600.25"), left=Decimal("600.25"))
    verdict = changed(half, note("500.25"))
    assert isinstance(verdict, Unclear)
    assert "100.00 of the credit note is used since it was planned" in verdict.message
