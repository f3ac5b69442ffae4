"""What stands beside the sums of a month's page, since no sum can say it.

Issues of the month, bills in another currency, and corrections that no bill carries yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from syncd.core.billing.arithmetic import total
from syncd.core.service.month_page import Note
from syncd.core.store.billing_data import BillingData
from syncd.core.store.corrections import StoredCorrection
from syncd.core.store.issues import Issue
from syncd.core.store.month_bills import MonthBill

CORRECTION_WAITS: Final = "CORRECTION_WAITS"


def issue_notes(issues: Sequence[Issue], code: str, period: str) -> tuple[Note, ...]:
    """Open issues of a code about the month, or about no month."""
    return tuple(
        Note(code=code, message=issue.message, next=issue.remedy)
        for issue in issues
        if issue.code == code and issue.evidence.get("period") in {None, period}
    )


def other_currencies(
    bills: Iterable[tuple[int, MonthBill | None]], data: BillingData, currency: str
) -> tuple[Note, ...]:
    """Bills in another currency: never added to the rest."""
    return tuple(
        Note(
            code="OTHER_CURRENCY",
            message=f"{data.accounts[account_id].name}: its bill of {bill.period} is in "
            f"{bill.currency} and in no sum of this page",
            next=f"syncd margin {bill.period} --client {bill.client}",
        )
        for account_id, bill in bills
        if bill is not None and bill.currency != currency
    )


def waiting_corrections(
    rows: Mapping[int, Sequence[StoredCorrection]], data: BillingData, period: str
) -> tuple[Note, ...]:
    """Accepted differences of earlier months that no bill carries yet, by account and month.

    A bill that was sent already, a client in shadow and an account that moved to another client
    take none, so that somebody has to know of them.
    """
    found: dict[tuple[int, str], list[StoredCorrection]] = {}
    for account_id in sorted(rows):
        for one in rows[account_id]:
            if not one.billed_in and one.period < period:
                found.setdefault((account_id, one.period), []).append(one)
    return tuple(
        Note(
            code=CORRECTION_WAITS,
            message=f"{data.accounts[account_id].name}: {_money(waits)} of {month} was accepted as "
            "a correction, and no bill carries it yet",
            next="syncd corrections list --all",
        )
        for (account_id, month), waits in sorted(found.items())
    )


def _money(rows: Sequence[StoredCorrection]) -> str:
    known = [one.price for one in rows if one.price is not None]
    return f"{total(known):+,} {rows[0].currency}" if known else "an unknown amount"
