"""What mappings leave for a person: counterparts that are gone, and things that have none.

Only what waiting invoices use is told, one issue for each book and kind: a catalogue that nobody
bills from is nobody's work.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_uses import Use, may_be_posted, unmapped_uses, uses_of
from syncd.core.store.invoice_facts import unposted_invoices
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_golive import load_ledger_golive
from syncd.core.store.ledger_mappings import (
    LedgerDecision,
    current_ledger_mappings,
    map_of,
    routes,
)
from syncd.core.store.ledger_references import References, load_book, load_ledger_references
from syncd.sdk.invoice_records import PsaInvoice

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef

MAPPED_TARGET_GONE: Final = "MAPPED_TARGET_GONE"
BOOK_UNMAPPED: Final = "BOOK_UNMAPPED"

_NAMED: Final = 8


async def write_ledger_mapping_issues(
    issues: IssueBook, psa_id: int, ledger: ConnectionRef
) -> None:
    """Open and close both codes for one book, inside of the caller's transaction."""
    conn = issues.conn
    decisions = await current_ledger_mappings(conn, psa_id, ledger.id)
    references = await load_ledger_references(conn, ledger.id)
    await issues.replace(MAPPED_TARGET_GONE, _gone(decisions.values(), references, ledger.name))
    found: dict[str, Finding] = {}
    if references:
        mapping = map_of(decisions.values(), references)
        missing = await waiting_unmapped(conn, psa_id, ledger.id, mapping)
        for kind in dict.fromkeys(one.kind for one in missing):
            these = [one for one in missing if one.kind is kind]
            found[f"{ledger.name}/{kind.value}"] = _missing(these, ledger.name)
    await issues.replace(BOOK_UNMAPPED, found)


async def waiting_unmapped(
    conn: AsyncConnection, psa_id: int, ledger_id: int, mapping: LedgerMap
) -> list[Use]:
    """What invoices that wait for a book name, and what has no counterpart in it."""
    book = await load_book(conn, ledger_id)
    return unmapped_uses(
        uses_of(await waiting_for(conn, psa_id, ledger_id)),
        mapping,
        needs_item=book is not None and book.needs_item,
        currencies=() if book is None else {book.currency, *book.currencies},
    )


async def waiting_for(conn: AsyncConnection, psa_id: int, ledger_id: int) -> list[PsaInvoice]:
    """Invoices without a document whose client this book serves, or no book yet.

    Once a book is live, those from before its first day do not wait.
    """
    led = await routes(conn, psa_id)
    word = await load_ledger_golive(conn, psa_id, ledger_id)
    first = word.from_day if word is not None and word.live else None
    return [
        one.invoice
        for one in await unposted_invoices(conn, psa_id, ledger_id, in_no_book=True)
        if may_be_posted(one.invoice)
        and (first is None or one.invoice.dated >= first)
        and (
            one.invoice.client not in led
            or any(book == ledger_id for book, _ in led[one.invoice.client])
        )
    ]


def _gone(
    decisions: Collection[LedgerDecision], references: References, ledger: str
) -> dict[str, Finding]:
    """Nothing is told before the book was read for the first time."""
    found: dict[str, Finding] = {}
    for one in decisions if references else ():
        finding = _of_decision(one, references, ledger)
        if finding is not None:
            found[f"{ledger}/{one.kind.value}/{one.source}/{one.currency}"] = finding
    return found


def _of_decision(one: LedgerDecision, references: References, ledger: str) -> Finding | None:
    entry = references.get((one.kind, one.target))
    if entry is not None and entry.active and not entry.blocked:
        return None
    state = "is not there any more" if entry is None or "gone" in entry.detail else "is inactive"
    source = f"{one.source_name} ({one.source})" if one.source_name else one.source
    return Finding(
        message=f"{one.kind.value} {one.target_name or one.target} of {ledger}, to which {source} "
        f"is mapped, {state}: its invoices are refused.",
        remedy=f"Restore it in the book and run `syncd map books {ledger} --refresh`, or map to "
        f"another one: `syncd map books {ledger} --export FILE`, then `--import FILE`.",
        evidence={"kind": one.kind.value, "source": one.source, "target": one.target},
    )


def _missing(uses: list[Use], ledger: str) -> Finding:
    kind = uses[0].kind.value
    named = ", ".join(one.name or one.source or "(none named)" for one in uses[:_NAMED])
    if len(uses) > _NAMED:
        named += f" and {len(uses) - _NAMED} more"
    noun = f"{kind}s" if len(uses) != 1 else kind
    return Finding(
        message=f"{len(uses):,} {noun} of waiting invoices have no counterpart in {ledger}: "
        f"{named}.",
        remedy=f"`syncd map books {ledger} --propose --export FILE`, look at it, then "
        f"`syncd map books {ledger} --import FILE`.",
        severity=IssueSeverity.WARNING,
        evidence={"sources": [one.source for one in uses]},
    )
