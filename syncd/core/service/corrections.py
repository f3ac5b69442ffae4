"""What a person says to a late difference: it goes on the next bill, or it is put aside.

Each word is kept with who said it and why, and is said once: of two people the first wins, and the
other is told. Nothing here writes to the PSA.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.service.correction_carry import CORRECTION_NOT_LINKED
from syncd.core.service.correction_views import CorrectionView, correction_views
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.late_content import LateContent, decode_late
from syncd.core.service.late_issues import LATE_CHANGE, by_hand, late_subject
from syncd.core.service.plan_issues import speak
from syncd.core.service.refusals import CorrectionRefused
from syncd.core.store.billed import linked_accounts
from syncd.core.store.bills import bills_of
from syncd.core.store.connections import bump_data_version
from syncd.core.store.corrections import NewCorrection, insert_corrections
from syncd.core.store.issues import Finding, open_issues
from syncd.core.store.late_changes import (
    ACCEPTED,
    DISMISSED,
    StoredLateChange,
    decide_late_change,
    late_changes,
)
from syncd.sdk.connector import EventLog

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


async def accept_corrections(
    database: Database,
    ids: Collection[int],
    *,
    psa_connection: ConnectionRef,
    currency: str,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> list[CorrectionView]:
    """Put differences on the next bills of their accounts; all of them, or none.

    Args:
        database: where they are.
        ids: by which people call them.
        psa_connection: where the clients are.
        currency: of the bills to come.
        reason: why; must say something.
        by: who.
        clock: current time in UTC.
        log: gets `correction.accepted` for each.

    Raises:
        CorrectionRefused: no reason, or one of them cannot be accepted; the sentence says why.
    """
    _require_reason(reason)
    now = clock()
    async with database.writer() as conn:
        for one in await _waiting(conn, ids):
            content = decode_late(one.content)
            _require_money(one, content)
            await _require_bearer(conn, one, psa_connection.id, currency)
            if not await decide_late_change(
                conn, one.id, outcome=ACCEPTED, by=by, reason=reason.strip(), closed_at=now
            ):
                await _refuse_decided(conn, one.id)
            uids = {
                line.key: line.line_uid
                for bill in await bills_of(conn, one.account_id, period=one.period)
                if bill.id == one.bill_id
                for line in bill.lines
            }
            await insert_corrections(
                conn,
                [
                    NewCorrection(
                        late_change_id=one.id,
                        account_id=one.account_id,
                        period=one.period,
                        line_uid=uids.get(line.key, ""),
                        line_key=line.key,
                        name=line.name,
                        price=line.price_change,
                        cost=line.cost_change,
                        currency=one.currency,
                        accepted_by=by,
                        reason=reason.strip(),
                    )
                    for line in content.lines
                ],
                now=now,
            )
        await bump_data_version(conn)
        views = await correction_views(conn, psa_connection.id, ids=ids)
        books = [await _closed(conn, view, now) for view in views]
    speak(books, log)
    for view in views:
        log("correction.accepted", **_facts(view, by))
    return views


async def dismiss_corrections(
    database: Database,
    ids: Collection[int],
    *,
    psa_connection: ConnectionRef,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> list[CorrectionView]:
    """Put differences aside; the same facts are not raised again. Arguments as for accepting.

    Raises:
        CorrectionRefused: no reason, or somebody decided before.
    """
    _require_reason(reason)
    now = clock()
    async with database.writer() as conn:
        for one in await _waiting(conn, ids):
            if not await decide_late_change(
                conn, one.id, outcome=DISMISSED, by=by, reason=reason.strip(), closed_at=None
            ):
                await _refuse_decided(conn, one.id)
        views = await correction_views(conn, psa_connection.id, ids=ids)
        books = [await _closed(conn, view, now) for view in views]
    speak(books, log)
    for view in views:
        log("correction.dismissed", **_facts(view, by))
    return views


async def settle_corrections(
    database: Database,
    ids: Collection[int],
    *,
    psa_connection: ConnectionRef,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> list[CorrectionView]:
    """Keep that a person adjusted the PSA by hand for billed corrections nobody would invoice.

    Raises:
        CorrectionRefused: no reason, or there is no such issue.
    """
    _require_reason(reason)
    now = clock()
    books: list[IssueBook] = []
    async with database.writer() as conn:
        views = await correction_views(conn, psa_connection.id, ids=ids)
        _require_known(ids, [view.id for view in views])
        done: set[str] = set()
        for view in views:
            about = late_subject(view.connection, view.account, view.period)
            if about in done:
                continue
            issues = await open_issues(conn, connection=view.connection)
            issue = next(
                (x for x in issues if (x.code, x.subject) == (CORRECTION_NOT_LINKED, about)), None
            )
            if issue is None:
                message = f"nothing says that correction {view.id} is on no recurring line"
                raise CorrectionRefused(
                    message, remedy="`syncd issues --code CORRECTION_NOT_LINKED` lists them"
                )
            book = IssueBook(conn, view.connection, now)
            kept = Finding(
                message=issue.message,
                remedy=issue.remedy,
                severity=issue.severity,
                evidence={**issue.evidence, "settled_by": by, "settled_reason": reason.strip()},
            )
            await book.open(CORRECTION_NOT_LINKED, about, kept)
            await book.close(CORRECTION_NOT_LINKED, about)
            books.append(book)
            done.add(about)
    speak(books, log)
    for view in views:
        log("correction.settled", **_facts(view, by), reason=reason.strip())
    return views


async def _waiting(conn: AsyncConnection, ids: Collection[int]) -> list[StoredLateChange]:
    """The rows, each of which waits for a word."""
    found = await late_changes(conn, ids=ids)
    _require_known(ids, [one.id for one in found])
    for one in found:
        if one.outcome or one.closed_at is not None:
            await _refuse_decided(conn, one.id)
    return sorted(found, key=lambda one: one.id)


def _require_known(ids: Collection[int], found: Collection[int]) -> None:
    unknown = sorted(set(ids) - set(found))
    if unknown:
        message = f"there is no correction {unknown[0]}"
        raise CorrectionRefused(message, remedy="`syncd corrections list --all` shows them")


async def _refuse_decided(conn: AsyncConnection, late_change_id: int) -> None:
    (one,) = await late_changes(conn, ids=[late_change_id])
    if one.outcome:
        message = f"correction {one.id} was {one.outcome} by {one.by} already: {one.reason}"
    else:
        message = f"the facts behind correction {one.id} have changed since"
    remedy = "`syncd corrections list` shows what waits for a word"
    raise CorrectionRefused(message, remedy=remedy)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        message = "a word about a correction needs a reason: it is kept with it"
        raise CorrectionRefused(message, remedy='add --reason "what was looked at"')


def _require_money(one: StoredLateChange, content: LateContent) -> None:
    """Refuse what has no amount that a bill could carry."""
    dismiss = f"`syncd corrections dismiss {one.id} --reason TEXT`"
    if content.unproven:
        message = f"correction {one.id} has no amount: nothing proves {one.period} any more"
        raise CorrectionRefused(message, remedy=f"pull the source again, or {dismiss}")
    if any(line.price_change is None for line in content.lines):
        message = f"correction {one.id} has no amount of ours: the PSA sets its price"
        hand = by_hand(one.client_key, one.period, one.currency, content)
        raise CorrectionRefused(message, remedy=f"{hand}; then {dismiss}")


async def _require_bearer(
    conn: AsyncConnection, one: StoredLateChange, psa_id: int, currency: str
) -> None:
    """Refuse what no later bill could carry, or what a newer bill of the month may hold already."""
    newest = next(
        (
            bill
            for bill in await bills_of(conn, one.account_id, period=one.period)
            if bill.completed_at is not None
        ),
        None,
    )
    if newest is None or newest.id != one.bill_id:
        message = f"{one.period} was billed again since correction {one.id} was found"
        raise CorrectionRefused(
            message, remedy="`syncd plan billing` compares again; then `syncd corrections list`"
        )
    content = decode_late(one.content)
    hand = by_hand(one.client_key, one.period, one.currency, content)
    if one.account_id not in await linked_accounts(conn, psa_id, one.client_key, as_of=None):
        message = f"the account of correction {one.id} is linked to another client by now"
        raise CorrectionRefused(message, remedy=hand)
    if one.currency != currency:
        message = f"correction {one.id} is in {one.currency}, and bills are made in {currency} now"
        raise CorrectionRefused(message, remedy=hand)


async def _closed(conn: AsyncConnection, view: CorrectionView, now: datetime) -> IssueBook:
    book = IssueBook(conn, view.connection, now)
    await book.close(LATE_CHANGE, late_subject(view.connection, view.account, view.period))
    return book


def _facts(view: CorrectionView, by: str) -> dict[str, str | None]:
    """What the log says of it."""
    return {
        "client": view.client_name,
        "account": view.account,
        "period": view.period,
        "money": None if view.price is None else str(view.price),
        "currency": view.currency,
        "by": by,
    }
