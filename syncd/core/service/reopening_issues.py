"""The issue of a bill that was reopened: it stands until the bill is complete again."""

from __future__ import annotations

from typing import Final

from syncd.core.service.issue_book import IssueBook
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.reopenings import Reopening, names_of_account

BILL_REOPENED: Final = "BILL_REOPENED"


async def reopening_told(
    book: IssueBook, account_id: int, client: str, client_name: str, period: str, word: Reopening
) -> None:
    """Open the issue."""
    finding = Finding(
        message=f"The bill of {client_name} for {period} was reopened by {word.by} and was not "
        f"made again yet: {word.reason}",
        remedy=f"`syncd plan billing --period {period} --client {client}` shows what it would "
        "change; apply that plan.",
        severity=IssueSeverity.WARNING,
        evidence={"client": client_name, "period": period, "by": word.by, "reason": word.reason},
    )
    await book.open(BILL_REOPENED, await subject_of_month(book, account_id, period), finding)


async def reopening_ended(book: IssueBook, account_id: int, period: str) -> None:
    """Close the issue; there need not be one."""
    await book.close(BILL_REOPENED, await subject_of_month(book, account_id, period))


async def subject_of_month(book: IssueBook, account_id: int, period: str) -> str:
    """The subject of an issue about one month of an account."""
    connection, account = await names_of_account(book.conn, account_id)
    return f"{connection}/{account}/{period}"
