"""The file of billing: which accounts are billed automatically, from when, by which agreement.

An account without a row is billed automatically and from its first counts on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from syncd.core.service.csv_text import Problem
from syncd.core.service.sheets.row import NO, YES, RowReader, SheetContext
from syncd.core.service.sheets.sheet import Current, Draft, Entry, Sheet, account_label
from syncd.core.store.mappings import BILLING


def _read(row: RowReader) -> Entry | None:
    connection = row.connection()
    account = row.account(connection)
    automatic = row.flag("automatic", default=True)
    start = row.day("billing_start", required=False)
    agreement = row.text("agreement")
    if row.problems or connection is None or account is None:
        return None
    if not (row.text("automatic") or start or agreement):
        return None
    return Entry(
        line=row.row.line,
        connection_id=connection.id,
        values={
            "account_id": account.id,
            "automatic": automatic,
            "billing_start": start,
            "agreement_key": agreement if "agreement" in row.row.cells else None,
        },
        doubts=row.doubts,
    )


def _settle(draft: Draft) -> Sequence[Problem]:
    """A file without the column of agreements leaves them as they are."""
    for entry in draft.entries:
        if entry.values["agreement_key"] is None:
            found = draft.current.get((entry.values["account_id"],))
            entry.values["agreement_key"] = found.values["agreement_key"] if found else ""
    return ()


def _write(context: SheetContext, current: Current) -> Iterator[Mapping[str, str]]:
    for account in context.directory.accounts.values():
        decided = current.get((account.id,))
        if decided is None and account.removed is not None:
            continue
        yield {
            "connection": context.directory.connections[account.connection_id].name,
            "account": account.key,
            "account_name": account.name,
            "automatic": "" if decided is None else YES if decided.values["automatic"] else NO,
            "billing_start": "" if decided is None else decided.values["billing_start"],
            "agreement": "" if decided is None else decided.values["agreement_key"],
        }


def _describe(_context: SheetContext, values: Mapping[str, Any]) -> str:
    how = "billed automatically" if values["automatic"] else "billed by hand"
    start = values["billing_start"]
    said = f"{how} from {start[:7]} on" if start else how
    agreement = values["agreement_key"]
    return f"{said} under agreement {agreement}" if agreement else said


BILLING_SHEET: Final = Sheet(
    name="billing",
    title="automatic billing",
    decisions=BILLING,
    columns=("connection", "account", "account_name", "automatic", "billing_start", "agreement"),
    optional=("account_name", "agreement"),
    read=_read,
    write=_write,
    label=lambda context, values: account_label(context, values["account_id"]),
    describe=_describe,
    settle=_settle,
    connection_of=lambda context, values: (
        context.directory.accounts[values["account_id"]].connection_id
    ),
)
"""Columns and rules of the file."""
