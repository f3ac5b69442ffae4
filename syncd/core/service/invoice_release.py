"""What a person says to a held document: it may go, with who said it and why."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.invoicing.plan_rows import RowState
from syncd.core.invoicing.problems import APPROVAL_NEEDED, Weight
from syncd.core.service.invoice_apply import find_invoice_plan
from syncd.core.service.invoice_plan_issues import write_plan_issues
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.refusals import ReleaseRefused
from syncd.core.store.connections import all_connections
from syncd.core.store.invoice_plans import (
    InvoicePlanRecord,
    StoredRow,
    load_invoice_plan,
    move_row,
)
from syncd.sdk.connector import EventLog

if TYPE_CHECKING:
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedRows:
    """What a release did.

    Attributes:
        record: the plan as it stands now.
        rows: those that may be written now.
        by: who.
        reason: why.
    """

    record: InvoicePlanRecord
    rows: tuple[StoredRow, ...]
    by: str
    reason: str


async def release_rows(
    database: Database,
    wanted: str,
    *,
    rows: Collection[str],
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> ReleasedRows:
    """Release held rows of a plan; what is refused cannot be released, it has to be mended.

    Args:
        database: where the plan is.
        wanted: id of the plan, or `latest`.
        rows: keys of rows, numbers of documents, or ids of invoices; empty: all that waits for
            approval and nothing else. What is held for another reason must be named.
        reason: why; must say something.
        by: who.
        clock: current time in UTC.
        log: gets one line per row.

    Raises:
        PlanNotFound: there is no such plan.
        ReleaseRefused: no reason was given, a row is not there, or nothing is held.
    """
    if not reason.strip():
        message = "a release needs a reason: it is kept with the document"
        raise ReleaseRefused(message, remedy='add --why "what was looked at"')
    record = await find_invoice_plan(database, wanted)
    chosen = [
        row for row in record.rows if (_names(row) & set(rows) if rows else wants_approval(row))
    ]
    missing = sorted(set(rows) - {name for row in chosen for name in _names(row)})
    if missing:
        message = f"plan {record.id} has no row '{missing[0]}'"
        raise ReleaseRefused(message, remedy=f"`syncd plans show {record.id}` lists its rows")
    now = clock()
    async with database.writer() as conn:
        released = [
            row
            for row in chosen
            if row.state is RowState.HELD
            and await move_row(
                conn,
                row.id,
                expected=(RowState.HELD,),
                to=RowState.RELEASED,
                released_by=by,
                release_reason=reason.strip(),
                released_at=now,
            )
        ]
        if not released:
            message = f"nothing of what was named is held in plan {record.id}"
            if not rows:
                message = f"nothing in plan {record.id} waits for approval alone"
            remedy = (
                f"`syncd plans show {record.id}` says how it stands; what is held for another "
                "reason must be named"
            )
            raise ReleaseRefused(message, remedy=remedy)
        made = await load_invoice_plan(conn, record.id)
        assert made is not None  # it was there a moment ago
        record = made
        ledger = {one.id: one for one in await all_connections(conn)}[record.ledger_id]
        book = IssueBook(conn, ledger.name, now)
        await write_plan_issues(book, record, ledger)
    book.speak(log)
    for row in released:
        log("invoices.released", plan=record.id, row=row.key, by=by, reason=reason.strip())
    return ReleasedRows(record=record, rows=tuple(released), by=by, reason=reason.strip())


def wants_approval(row: StoredRow) -> bool:
    """Whether approval is all that it waits for; a possible duplicate is never let pass with it."""
    if row.state is not RowState.HELD:
        return False
    held = {one.code for one in row.step.objections if one.weight is Weight.HOLD}
    return held == {APPROVAL_NEEDED}


def _names(row: StoredRow) -> set[str]:
    return {row.key, row.step.number, row.step.invoice or row.step.reference}
