"""What is outstanding is told by age and currency; days sales outstanding follow their formula."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from syncd.core.service.outstanding import outstanding
from syncd.core.store.book_balances import BookBalance
from syncd.sdk.invoice_records import DocumentKind

DAY = date(2026, 11, 21)


def document(
    days_old: int, total: str, left: str | None, *, due_in: int = 30, **more: object
) -> BookBalance:
    dated = DAY - timedelta(days=days_old)
    values: dict[str, object] = {
        "number": f"INV-{days_old}",
        "kind": DocumentKind.INVOICE,
        "client": "c1",
        "client_name": "Acme",
        "currency": "GBP",
        "dated": dated,
        "due": dated + timedelta(days=due_in),
        "total": Decimal(total),
        "balance": None if left is None else Decimal(left),
        "status": "open",
        "seen_at": datetime(2026, 11, 20, tzinfo=UTC),
        **more,
    }
    return BookBalance(**values)  # type: ignore[arg-type]


def test_ages_begin_on_the_day_after_the_due_date() -> None:
    report = outstanding(
        [
            document(30, "1", "1"),
            document(31, "2", "2"),
            document(60, "4", "4"),
            document(61, "8", "8"),
            document(91, "16", "16"),
            document(121, "32", "32"),
        ],
        DAY,
    )
    (row,) = report.rows
    assert row.ages == (Decimal(1), Decimal(6), Decimal(8), Decimal(16), Decimal(32))
    assert (row.outstanding, row.overdue, row.documents) == (Decimal(63), Decimal(62), 6)


def test_days_sales_outstanding_are_what_is_left_over_what_was_invoiced_in_ninety_days() -> None:
    report = outstanding([document(100, "50", "10"), document(10, "90", "35")], DAY)
    assert report.rows[0].invoiced == Decimal(90)
    assert report.rows[0].days == Decimal("45.0")


def test_a_shorter_history_takes_the_place_of_ninety_days() -> None:
    assert outstanding([document(9, "90", "90")], DAY).rows[0].days == Decimal("10.0")


def test_credit_notes_lower_what_is_owed_and_currencies_are_never_added() -> None:
    report = outstanding(
        [
            document(1, "100", "100"),
            document(1, "30", "30", kind=DocumentKind.CREDIT, due=None),
            document(1, "7", "7", currency="EUR"),
        ],
        DAY,
    )
    assert {one.currency: one.outstanding for one in report.rows} == {
        "GBP": Decimal(70),
        "EUR": Decimal(7),
    }
    assert [one.currency for one in report.totals] == ["EUR", "GBP"]


def test_drafts_are_left_out_and_what_was_never_read_back_is_not_known() -> None:
    report = outstanding(
        [
            document(1, "100", "100", status="draft"),
            document(2, "50", "0", status="voided"),
            document(3, "20", None),
        ],
        DAY,
    )
    assert (report.rows, report.drafts, report.unknown) == ((), 1, 1)


def test_where_nothing_was_invoiced_there_are_no_days() -> None:
    assert outstanding([document(200, "20", "20")], DAY).rows[0].days is None


def test_a_client_who_paid_everything_is_no_row_and_counts_in_the_total() -> None:
    report = outstanding(
        [document(9, "90", "0", client="c2", client_name="Paid"), document(9, "10", "10")], DAY
    )
    assert [one.client for one in report.rows] == ["c1"]
    assert [(one.invoiced, one.days) for one in report.totals] == [(Decimal(100), Decimal("1.0"))]
