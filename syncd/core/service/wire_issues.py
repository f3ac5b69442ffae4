"""Issues around links: writes that were refused, and records that a recurring line counts by now.

What a new look at a client no longer finds is closed, whoever mended it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from syncd.core.billing.wiring import wire
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.plan_issues import account_subject
from syncd.core.service.wiring_issues import NOT_LINKED
from syncd.core.store.issue_subjects import open_subjects
from syncd.core.store.issues import Finding, IssueSeverity

if TYPE_CHECKING:
    from syncd.core.service.psa_sweep import Sweep
    from syncd.core.store.billing_data import BillingData
    from syncd.core.store.lines import LedgerRecord
    from syncd.core.store.wire_changes import WireItem

LINK_REFUSED: Final = "LINK_REFUSED"
LINK_UNKNOWN: Final = "LINK_UNKNOWN"


def link_subject(psa: str, item: WireItem) -> str:
    """The subject of an issue about one intended link."""
    change = item.change
    return f"{psa}/{item.link.client}/{change.invoice}/{change.line}"


async def link_refused(book: IssueBook, psa: str, item: WireItem, code: str, why: str) -> None:
    """A link was not written, or more than the link was: a person must look."""
    await book.open(
        LINK_REFUSED,
        link_subject(psa, item),
        Finding(
            message=f"{_about(item)} was not linked as planned ({code}): {why}.",
            remedy=f"Look at recurring invoice '{item.link.invoice}' in the PSA, then "
            f"`syncd wire {item.link.client}` proposes what is left.",
            severity=IssueSeverity.ERROR,
            evidence={"client": item.link.client_name, "plan": item.plan_id, "code": code},
        ),
    )


async def link_unknown(book: IssueBook, psa: str, item: WireItem, why: str) -> None:
    """Whether a link was written is not known yet."""
    await book.open(
        LINK_UNKNOWN,
        link_subject(psa, item),
        Finding(
            message=f"Whether {_about(item)} was linked is not known: {why}.",
            remedy=f"`syncd apply {item.plan_id}` reads the invoice again and goes on.",
            severity=IssueSeverity.WARNING,
            evidence={"client": item.link.client_name, "plan": item.plan_id},
        ),
    )


async def link_settled(book: IssueBook, psa: str, item: WireItem) -> None:
    """Nothing is open about this link any more."""
    about = link_subject(psa, item)
    await book.close(LINK_REFUSED, about)
    await book.close(LINK_UNKNOWN, about)


async def forget_refused(book: IssueBook, psa: str, clients: Collection[str]) -> None:
    """Close refusals of these clients: a new plan of wiring says what is left."""
    found = await open_subjects(book.conn, psa, {LINK_REFUSED})
    ours = tuple(f"{psa}/{client}/" for client in clients)
    for about in sorted(found.get(LINK_REFUSED, ())):
        if about.startswith(ours):
            await book.close(LINK_REFUSED, about)


async def close_linked(
    book: IssueBook,
    data: BillingData,
    ledger: Mapping[int, Sequence[LedgerRecord]],
    seen: Sweep,
) -> None:
    """Close NOT_LINKED of accounts whose records that bill are all counted by active lines.

    Args:
        book: of the transaction.
        data: links and names of accounts.
        ledger: the records of each account that was looked at.
        seen: what the PSA showed of their clients.
    """
    open_now: dict[str, set[str]] = {}
    for account_id, records in ledger.items():
        account = data.accounts[account_id]
        connection = data.connections[account.connection_id].name
        if connection not in open_now:
            found = await open_subjects(book.conn, connection, {NOT_LINKED})
            open_now[connection] = {*found.get(NOT_LINKED, ())}
        about = account_subject(connection, account.key)
        if about not in open_now[connection]:
            continue
        recurring = seen.recurring.get(data.links[account_id].client_key, ())
        shown = [seen.by_id.get(one.remote) for one in records if one.remote and not one.period]
        billing = [one for one in shown if one is not None and one.active and one.quantity]
        if billing and all(wire(one, recurring).line is not None for one in billing):
            await book.close(NOT_LINKED, about)


def _about(item: WireItem) -> str:
    link = item.link
    return f"{link.client_name}, '{link.record}' on line '{link.line}' of '{link.invoice}'"
