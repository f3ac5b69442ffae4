"""What a plan of invoices asks a person for: each refused invoice, and what waits as a whole.

Every planning closes what it no longer finds; what delivery said of a document stays delivery's.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from syncd.core.invoicing.plan_rows import RowState
from syncd.core.invoicing.problems import APPROVAL_NEEDED, LINK_ONLY, OWNER_UNSURE, Problem, Weight
from syncd.core.service.issue_book import IssueBook
from syncd.core.store.invoice_plans import InvoicePlanRecord, StoredRow
from syncd.core.store.issue_subjects import open_subjects
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_documents import documents_in
from syncd.core.store.states import DocumentState

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef

_AS_A_WHOLE: Final = (APPROVAL_NEEDED, OWNER_UNSURE)
"""Codes of which one issue speaks for all rows; that a book is only linked is no issue at all."""

_SHARED: Final = frozenset(
    {
        "PERIOD_LOCKED",
        "CONTACT_UNUSABLE",
        "ITEM_UNUSABLE",
        "ACCOUNT_UNUSABLE",
        "TAX_UNUSABLE",
        "CURRENCY_UNUSABLE",
        "NAME_TAKEN",
        "VOIDED_IN_BOOKS",
    }
)
"""Codes that delivery opens as well."""

PLAN_CODES: Final = frozenset(
    {
        "INVOICE_DOES_NOT_ADD_UP",
        "NO_LINES",
        "UNMAPPED_CONTACT",
        "UNMAPPED_TAX",
        "UNMAPPED_ACCOUNT",
        "UNMAPPED_ITEM",
        "UNMAPPED_CURRENCY",
        "UNMAPPED_TERM",
        "TAX_MEANING_DIFFERS",
        "TAX_RATE_DIFFERS",
        "TAX_NOT_CARRIED",
        "NUMBER_MISSING",
        "NUMBER_TOO_LONG",
        "NUMBERS_NOT_OURS",
        "DUE_UNKNOWN",
        "NEGATIVE_INVOICE",
        "ZERO_TOTAL",
        "TOTAL_DIFFERS",
        "CANNOT_BE_WRITTEN",
        "AMBIGUOUS_BOOK",
        "OWNED_BY_PSA_MODULE",
        "PLANNING_FAILED",
        "ALREADY_MARKED",
        "POSTED_ELSEWHERE",
        "LINK_AGAIN",
        *_AS_A_WHOLE,
        *_SHARED,
    }
)


async def write_plan_issues(
    book: IssueBook, record: InvoicePlanRecord, ledger: ConnectionRef
) -> None:
    """Open and close issues inside of the plan's transaction."""
    wanted: dict[str, dict[str, Finding]] = {code: {} for code in PLAN_CODES}
    for row in record.rows:
        if any(one.code == LINK_ONLY for one in row.step.objections):
            continue
        for problem in _telling(row):
            subject = f"{ledger.name}/{row.step.number}"
            wanted.setdefault(problem.code, {}).setdefault(
                subject, _finding(row, problem, record, ledger.name)
            )
    for code in _AS_A_WHOLE:
        waiting = _waiting(record, code)
        if waiting:
            wanted[code] = {ledger.name: _whole(code, waiting, record, ledger.name)}
    open_now = await open_subjects(book.conn, ledger.name, PLAN_CODES)
    of_delivery: set[str] = set()
    if open_now.keys() & _SHARED:
        stuck = [DocumentState.REFUSED, DocumentState.NEEDS_REVIEW]
        refused = await documents_in(book.conn, ledger.id, stuck)
        of_delivery = {f"{ledger.name}/{item.number}" for item in refused}
    for code, findings in sorted(wanted.items()):
        if not findings and code not in open_now:
            continue
        keep = open_now.get(code, set()) & of_delivery if code in _SHARED else set()
        await book.replace(code, findings, keep=keep)


def _telling(row: StoredRow) -> list[Problem]:
    """Objections that deserve an issue of their own."""
    if row.state not in {RowState.HELD, RowState.REFUSED}:
        return []
    return [
        one
        for one in row.step.objections
        if one.code in PLAN_CODES and one.code not in _AS_A_WHOLE and one.weight is not Weight.SKIP
    ]


def _waiting(record: InvoicePlanRecord, code: str) -> list[StoredRow]:
    """Rows that wait for nothing else."""
    found = []
    for row in record.rows:
        if row.state not in {RowState.HELD, RowState.REFUSED}:
            continue
        codes = {one.code for one in row.step.objections}
        if code in codes and codes <= set(_AS_A_WHOLE):
            found.append(row)
    return found


def _whole(code: str, rows: list[StoredRow], record: InvoicePlanRecord, ledger: str) -> Finding:
    amounts: dict[str, Decimal] = {}
    for row in rows:
        amounts[row.step.currency] = amounts.get(row.step.currency, Decimal(0)) + row.step.effect
    said = ", ".join(f"{amounts[one]} {one}" for one in sorted(amounts))
    what = "1 document waits" if len(rows) == 1 else f"{len(rows)} documents wait"
    if code == APPROVAL_NEEDED:
        remedy = (
            f"Look at them: `syncd plan invoices {ledger}`; then "
            f"`syncd invoices release {record.id} --why TEXT` and `syncd apply {record.id}`."
        )
        message = f"{what} for a person's release for '{ledger}' ({said})."
    else:
        remedy = (
            "Make sure that nobody else carries invoices there, then say so once: "
            f"`syncd invoices attest {ledger} --why TEXT`."
        )
        message = f"{what}, since another owner cannot be ruled out for '{ledger}' ({said})."
    return Finding(
        message=message,
        remedy=remedy,
        severity=IssueSeverity.WARNING,
        evidence={"plan": record.id, "documents": len(rows), "money": said},
    )


def _finding(row: StoredRow, problem: Problem, record: InvoicePlanRecord, ledger: str) -> Finding:
    message = problem.message
    if row.step.number not in message:
        message = f"{row.step.number}: {message}"
    if row.step.client_name and row.step.client_name not in message:
        message = f"{message} ({row.step.client_name})"
    remedy = problem.remedy or "Mend it in the PSA or in the books; then plan again."
    return Finding(
        message=f"{message}.",
        remedy=remedy.replace("NAME", ledger).replace("PLAN", record.id),
        severity=IssueSeverity.ERROR if problem.weight is Weight.REFUSE else IssueSeverity.WARNING,
        evidence={
            "plan": record.id,
            "row": row.key,
            "client": row.step.client_name,
            "number": row.step.number,
            "money": str(row.step.effect),
            "currency": row.step.currency,
        },
    )
