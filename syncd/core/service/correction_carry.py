"""Corrections and the bill that takes them: in one commit, once, and told where nobody bills them.

A recurring line that counts the record of a correction can only be set once that record exists, so
the issue says what to adjust by hand until somebody did the one or the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from syncd.core.billing.corrections import corrected, is_correction
from syncd.core.service.basis import BillBasis, LineBasis, decode_bill
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.late_issues import late_subject
from syncd.core.service.refusals import PlanStale
from syncd.core.store.corrections import StoredCorrection, carry_correction
from syncd.core.store.issues import Finding, IssueSeverity

CORRECTION_NOT_LINKED: Final = "CORRECTION_NOT_LINKED"


def taken_elsewhere(basis: str, rows: Sequence[StoredCorrection]) -> str:
    """Why a bill must not be queued: another bill took a correction since it was planned.

    Args:
        basis: JSON of the planned bill.
        rows: corrections of its account as they stand; empty asks nothing.
    """
    if not rows:
        return ""
    bill = decode_bill(basis)
    billed = {one.id: one.billed_in for one in rows}
    for correction_id, seen in bill.corrections:
        now = billed.get(correction_id, seen)
        if now not in {seen, bill.period}:
            return f"CORRECTION_BILLED: the bill of {now} took one of its corrections"
    return ""


async def take_corrections(book: IssueBook, bill: BillBasis) -> None:
    """Write that this bill holds its corrections, in the commit that queues it, and tell of them.

    Raises:
        PlanStale: another bill took one of them within this transaction's time.
    """
    for correction_id, seen in bill.corrections:
        if not await carry_correction(book.conn, correction_id, seen=seen, period=bill.period):
            message = f"a correction of {bill.client_name} was taken by another bill meanwhile"
            raise PlanStale(message, remedy="`syncd plan billing` makes a new one")
    for period, lines in _by_month(bill.lines).items() if bill.corrections else ():
        unlinked = [one for one in lines if one.units and one.billed_by is None]
        if unlinked:
            await book.open(CORRECTION_NOT_LINKED, _subject(bill, period), _finding(bill, unlinked))


async def tell_linked(books: Mapping[str, IssueBook], bill: BillBasis) -> None:
    """Close the issues of corrected months whose corrections a recurring line bills by now."""
    for period, lines in _by_month(bill.lines).items():
        book = books.get(bill.connection)
        if book is not None and all(one.billed_by is not None for one in lines):
            await book.close(CORRECTION_NOT_LINKED, _subject(bill, period))


def _subject(bill: BillBasis, period: str) -> str:
    return late_subject(bill.connection, bill.account, period)


def _by_month(lines: Iterable[LineBasis]) -> dict[str, list[LineBasis]]:
    found: dict[str, list[LineBasis]] = {}
    for line in lines:
        if is_correction(line.key):
            found.setdefault(corrected(line.key)[1], []).append(line)
    return found


def _finding(bill: BillBasis, lines: Sequence[LineBasis]) -> Finding:
    said = "; ".join(f"{_money(one, bill)} for '{one.name}'" for one in lines)
    numbers = sorted({each.late_change for one in lines for each in one.corrections})
    settle = " ".join(str(number) for number in numbers)
    return Finding(
        message=f"The bill of {bill.client_name} for {bill.period} carries a correction that no "
        f"recurring line of the PSA bills: {said}.",
        remedy="Let a recurring line count the record before the invoice is made; or adjust the "
        f"invoice of client {bill.client} in the PSA by hand ({said}), then "
        f"`syncd corrections settle {settle} --reason TEXT`.",
        severity=IssueSeverity.WARNING,
        evidence={
            "client": bill.client_name,
            "period": bill.period,
            "corrections": numbers,
            "money": [_money(one, bill) for one in lines],
            "records": [one.external_key for one in lines],
        },
    )


def _money(line: LineBasis, bill: BillBasis) -> str:
    return "unknown" if line.total_price is None else f"{line.total_price:+,} {bill.currency}"
