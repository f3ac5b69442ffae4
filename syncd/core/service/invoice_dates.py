"""Invoices that are made before the counts they are to bill: told with date and client.

A recurring line takes the quantity that its record has when the invoice is made. Where that is due
before our counts arrive, or was done already, the invoice bills the month before once more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from syncd.core.billing.wiring import wire
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.plan_issues import account_subject, speak
from syncd.core.store.issue_subjects import open_subjects
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from syncd.core.service.bill_plan import PlannedDraft
    from syncd.core.service.psa_sweep import Sweep
    from syncd.core.store.database import Database
    from syncd.sdk.records import RecurringLine

INVOICE_BEFORE_COUNTS: Final = "INVOICE_BEFORE_COUNTS"

_SHOWN = 3


async def tell_early_invoices(
    database: Database,
    planned: Sequence[PlannedDraft],
    seen: Sweep,
    *,
    looked_at: Mapping[str, Collection[str]],
    now: datetime,
    zone: ZoneInfo,
    log: EventLog,
) -> None:
    """Open the issues of these bills, and close those of bills whose invoices come in time.

    Args:
        database: where issues are.
        planned: the bills that the automatic run is about to send.
        seen: the recurring lines.
        looked_at: subjects of accounts that the plan is about, by connection name.
        now: UTC.
        zone: of billing.
        log: told of the issues.
    """
    found: dict[str, dict[str, Finding]] = {name: {} for name in looked_at}
    for made in planned:
        early = early_lines(made, seen, now, zone)
        if early:
            bill = made.bill
            subject = account_subject(bill.connection, bill.account)
            found.setdefault(bill.connection, {})[subject] = _finding(made, early, now, zone)
    books = []
    async with database.writer() as conn:
        for connection, findings in sorted(found.items()):
            book = IssueBook(conn, connection, now)
            open_now = await open_subjects(conn, connection, {INVOICE_BEFORE_COUNTS})
            others = open_now.get(INVOICE_BEFORE_COUNTS, set()) - {*looked_at.get(connection, ())}
            await book.replace(INVOICE_BEFORE_COUNTS, findings, keep=others)
            books.append(book)
    speak(books, log)


def early_lines(
    made: PlannedDraft, seen: Sweep, now: datetime, zone: ZoneInfo
) -> list[RecurringLine]:
    """Recurring lines that bill a record of the bill too early, the first due first.

    Where the PSA does not say when a line was made last, one that comes next in the month after
    this one was made in this one already, and one that comes later still is left out.
    """
    records = {one.key: one for one in seen.of(made.bill.client, _remotes(made))}
    recurring = seen.recurring.get(made.bill.client, ())
    lines = {}
    for remote in _remotes(made):
        line = wire(records.get(remote), recurring).line
        if line is not None and line.active and line.next_date is not None:
            lines[line.key] = line
    early = [
        line for line in lines.values() if _is_due(line, now, zone) or _is_made(line, now, zone)
    ]
    return sorted(early, key=lambda line: (str(line.next_date), line.key))


def _remotes(made: PlannedDraft) -> list[str]:
    """Records whose figures this bill changes; one that keeps them is billed rightly any day."""
    return [
        change.remote
        for change in made.bill.changes
        if change.remote is not None and change.before != change.after
    ]


def _is_due(line: RecurringLine, now: datetime, zone: ZoneInfo) -> bool:
    assert line.next_date is not None
    return line.next_date.astimezone(zone).date() <= now.astimezone(zone).date()


def _is_made(line: RecurringLine, now: datetime, zone: ZoneInfo) -> bool:
    assert line.next_date is not None
    if line.last_made is not None:
        return Period.containing(line.last_made, zone) == Period.containing(now, zone)
    return Period.containing(line.next_date, zone) == Period.containing(now, zone).following()


def _finding(
    made: PlannedDraft, early: Sequence[RecurringLine], now: datetime, zone: ZoneInfo
) -> Finding:
    sentences = list(dict.fromkeys(_sentence(line, now, zone) for line in early))
    said = "; ".join(sentences[:_SHOWN])
    more = f"; and {len(sentences) - _SHOWN} more" if len(sentences) > _SHOWN else ""
    period = made.basis.period
    return Finding(
        message=f"The counts of {made.bill.client_name} for {period} arrive on "
        f"{now.astimezone(zone):%Y-%m-%d %H:%M}, and {said}{more}.",
        remedy="Compare that invoice with the counts and mend its quantities in the PSA; then set "
        "the date of the next one to day 4 or later, or `auto_time` to an earlier hour.",
        severity=IssueSeverity.WARNING,
        evidence={
            "client": made.bill.client_name,
            "period": period,
            "lines": [
                {
                    "invoice": line.invoice,
                    "line": line.key,
                    "next_date": str(line.next_date),
                }
                for line in early
            ],
        },
    )


def _sentence(line: RecurringLine, now: datetime, zone: ZoneInfo) -> str:
    assert line.next_date is not None
    name = line.invoice_name or line.invoice
    day = f"{line.next_date.astimezone(zone):%Y-%m-%d}"
    if _is_due(line, now, zone):
        return f"invoice '{name}' that bills them is due on {day}"
    return f"invoice '{name}' that bills them comes next on {day}: this month's was made before"
