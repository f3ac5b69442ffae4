"""A credit note says exactly what a change is worth, or there is none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from syncd.core.invoicing.crediting import allocatable, credit_lines
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import LedgerLine


def line(net: str, tax: str = "OUT20", account: str = "200") -> LedgerLine:
    return LedgerLine(
        description="Service",
        quantity=Decimal(1),
        unit_price=Decimal(net),
        net=Decimal(net),
        tax_code=tax,
        account=account,
    )


def test_a_whole_invoice_is_credited_line_by_line() -> None:
    lines = (line("10"), line("5", "ZERO"))
    assert credit_lines(lines, (), "INV-1") == lines


def test_a_change_is_credited_by_what_fell_under_each_tax_code_and_account() -> None:
    made = credit_lines(
        (line("10"), line("5", "ZERO"), line("7", account="201")),
        (line("4"), line("5", "ZERO"), line("6", account="201")),
        "INV-1",
    )
    assert made is not None
    assert [(one.tax_code, one.account, one.net) for one in made] == [
        ("OUT20", "200", Decimal("6.00")),
        ("OUT20", "201", Decimal("1.00")),
    ]


@pytest.mark.parametrize(
    "after",
    [(line("11"),), (line("4", "ZERO"),), (line("10"),)],
    ids=["grew", "moved to another tax", "same"],
)
def test_what_rose_anywhere_or_nothing_at_all_is_no_matter_of_a_credit_note(
    after: tuple[LedgerLine, ...],
) -> None:
    assert credit_lines((line("10"),), after, "INV-1") is None


def entry(balance: str, **more: object) -> LedgerEntry:
    plain = LedgerEntry(
        remote="d",
        kind=DocumentKind.INVOICE,
        contact="c",
        currency="GBP",
        dated=date(2026, 11, 1),
        status=EntryStatus.OPEN,
        net=Decimal(20),
        tax=Decimal(4),
        total=Decimal(24),
        balance=Decimal(balance),
    )
    return msgspec.structs.replace(plain, **more)


@pytest.mark.parametrize(
    ("credit", "invoice", "amount"),
    [
        (entry("10"), entry("24"), "10"),
        (entry("24"), entry("3"), "3"),
        (entry("10", status=EntryStatus.DRAFT), entry("24"), "0"),
        (entry("10"), entry("0", status=EntryStatus.PAID), "0"),
        (entry("10", currency="EUR"), entry("24"), "0"),
        (entry("10", contact="x"), entry("24"), "0"),
    ],
    ids=["part", "rest", "draft", "paid", "currency", "contact"],
)
def test_an_allocation_takes_no_more_than_is_left_of_either(
    credit: LedgerEntry, invoice: LedgerEntry, amount: str
) -> None:
    assert allocatable(credit, invoice) == Decimal(amount)
