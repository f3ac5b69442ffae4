"""The file of billing: which accounts are billed automatically, from and until when, and how.

An account without a row is billed automatically, from its first counts on and without an end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from syncd.core.billing.billed_days import Policy
from syncd.core.service.csv_text import Problem
from syncd.core.service.sheets.months import POLICIES, choices_against_configurations
from syncd.core.service.sheets.row import NO, YES, RowReader, SheetContext
from syncd.core.service.sheets.sheet import Current, Draft, Entry, Sheet, account_label
from syncd.core.store.mappings import BILLING, CONFIGURATIONS


def _read(row: RowReader) -> Entry | None:
    connection = row.connection()
    account = row.account(connection)
    automatic = row.flag("automatic", default=True)
    start = row.day("billing_start", required=False)
    end = row.day("billing_end", required=False)
    months = {
        name: row.choice(name, POLICIES, default="") for name in ("first_month", "last_month")
    }
    agreement = row.text("agreement")
    if start and end and end < start:
        row.blame("billing_end", f"{end} is before {start}", "write the last day that is billed")
    if row.problems or connection is None or account is None:
        return None
    if not (row.text("automatic") or start or end or agreement or any(months.values())):
        return None
    return Entry(
        line=row.row.line,
        connection_id=connection.id,
        values={
            "account_id": account.id,
            "automatic": automatic,
            "billing_start": start,
            "billing_end": end,
            **months,
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
        held = {} if decided is None else decided.values
        yield {
            "connection": context.directory.connections[account.connection_id].name,
            "account": account.key,
            "account_name": account.name,
            "automatic": "" if decided is None else YES if decided.values["automatic"] else NO,
            **{name: held.get(name, "") for name in ("billing_start", *_LASTING)},
            "agreement": held.get("agreement_key", ""),
        }


def _describe(_context: SheetContext, values: Mapping[str, Any]) -> str:
    how = "billed automatically" if values["automatic"] else "billed by hand"
    start = values["billing_start"]
    said = f"{how} from {start[:7]} on" if start else how
    if values["billing_end"]:
        said += f" until {values['billing_end']}"
    for name, which in (("first_month", "first"), ("last_month", "last")):
        if values[name]:
            said += f", the {which} month {_WORDS[Policy(values[name])]}"
    agreement = values["agreement_key"]
    return f"{said} under agreement {agreement}" if agreement else said


_LASTING: Final = ("billing_end", "first_month", "last_month")
_WORDS: Final = {Policy.FULL: "whole", Policy.BY_DAYS: "by days", Policy.FREE: "free"}

BILLING_SHEET: Final = Sheet(
    name="billing",
    title="automatic billing",
    decisions=BILLING,
    columns=(
        "connection",
        "account",
        "account_name",
        "automatic",
        "billing_start",
        "agreement",
        *_LASTING,
    ),
    optional=("account_name", "agreement", *_LASTING),
    read=_read,
    write=_write,
    label=lambda context, values: account_label(context, values["account_id"]),
    describe=_describe,
    settle=_settle,
    check=choices_against_configurations,
    beside=(CONFIGURATIONS,),
    lasting=_LASTING,
    connection_of=lambda context, values: (
        context.directory.accounts[values["account_id"]].connection_id
    ),
)
"""Columns and rules of the file."""
