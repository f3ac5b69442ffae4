"""What a credit note shows of an allocation whose answer was lost, and how it is said."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

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
