"""Asks a PSA for invoices by their ids: long unheard of, drafts whose day has come, gone ones.

An answer that shows nothing of what it was asked for may be a right that was lost for an hour: it
is believed only if the same question still finds invoices that the PSA has just shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_uses import may_be_posted
from syncd.core.store.gone_invoices import (
    drafts_of_the_day,
    gone_lately,
    gone_unposted,
    mark_invoices_gone,
    newest_read,
    oldest_read,
)
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_golive import load_ledger_golive
from syncd.core.store.ledger_mappings import routes
from syncd.sdk.connector import EventLog
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.ledger_port import InvoiceKeeper

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

INVOICES_DOUBTED: Final = "INVOICES_DOUBTED"
GONE_BEFORE_POSTING: Final = "GONE_BEFORE_POSTING"

_UNHEARD: Final = timedelta(hours=24)
_AGAIN: Final = timedelta(hours=6)
_GONE_DAYS: Final = timedelta(days=14)
_MOST: Final = 25
_WITNESSES: Final = 3

Take = Callable[[Sequence[PsaInvoice]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What came of it.

    Attributes:
        asked: invoices that were asked for by id.
        gone: those that the PSA does not know any more, of which that is new.
        doubted: how many it did not know, where that is not believed.
    """

    asked: int = 0
    gone: int = 0
    doubted: int = 0


async def sweep_invoices(
    database: Database,
    connection: ConnectionRef,
    keeper: InvoiceKeeper,
    take: Take,
    *,
    began: datetime,
    days: int,
    clock: Callable[[], datetime],
    log: EventLog,
) -> Swept:
    """Ask by id for a few invoices, store what came, and mark what is gone.

    Args:
        database: where invoices are.
        connection: of the PSA.
        keeper: the PSA.
        take: stores invoices.
        began: when this read of the PSA began, UTC.
        days: invoices dated within so many days are asked for now and then.
        clock: current time in UTC.
        log: gets the changes of issues.

    Raises:
        ConnectorError: the PSA could not be asked; nothing is marked.
    """
    first = (began - timedelta(days=days)).date()
    async with database.reader() as conn:
        unheard = await oldest_read(
            conn, connection.id, before=began - _UNHEARD, since=first, most=_MOST
        )
        unheard += await drafts_of_the_day(
            conn,
            connection.id,
            now=began,
            asked_before=began - _AGAIN,
            since=first,
            most=_MOST,
        )
        gone = await gone_lately(
            conn,
            connection.id,
            asked_before=began - _AGAIN,
            since=began - _GONE_DAYS,
            most=_MOST,
        )
    asked = [*unheard, *gone]
    absent: list[str] = []
    believed = True
    if asked:
        found = await keeper.read_invoices(asked)
        await take([found[key] for key in asked if key in found])
        absent = [key for key in asked if key not in found]
        if len(absent) == len(asked):
            believed = await _is_believed(database, connection, keeper, take, absent, began)
    async with database.writer() as conn:
        now = clock()
        book = IssueBook(conn, connection.name, now)
        if believed:
            await mark_invoices_gone(conn, connection.id, absent, now=now)
            await book.close(INVOICES_DOUBTED, connection.name)
        else:
            await book.open(INVOICES_DOUBTED, connection.name, _doubt(connection.name, absent))
        await book.replace(GONE_BEFORE_POSTING, await _lost(conn, connection, began))
    book.speak(log)
    fresh = set(absent) - set(gone) if believed else ()
    return Swept(asked=len(asked), gone=len(fresh), doubted=0 if believed else len(absent))


async def _is_believed(
    database: Database,
    connection: ConnectionRef,
    keeper: InvoiceKeeper,
    take: Take,
    absent: Sequence[str],
    began: datetime,
) -> bool:
    """Whether invoices that were shown lately are found where none of these is."""
    async with database.reader() as conn:
        lately = await newest_read(
            conn, connection.id, since=began - _UNHEARD, most=_WITNESSES + len(absent)
        )
    witnesses = [key for key in lately if key not in absent][:_WITNESSES]
    if not witnesses:
        return len(absent) == 1
    found = await keeper.read_invoices(witnesses)
    await take(list(found.values()))
    return bool(found)


def _doubt(name: str, absent: Sequence[str]) -> Finding:
    asked = (
        "the invoice that was asked for by its id and none that it has just listed"
        if len(absent) == 1
        else f"none of {len(absent)} invoices that were asked for by their ids"
    )
    return Finding(
        message=f"{name} knows {asked}. That is not believed: nothing counts as gone, and what "
        "changed since may be missed.",
        remedy="Look at the rights of the API user, e.g. to clients and areas: "
        f"`syncd check {name}`. Then run `syncd invoices read`.",
        evidence={"invoices": ", ".join(absent[:_MOST])},
    )


async def _lost(
    conn: AsyncConnection, connection: ConnectionRef, began: datetime
) -> dict[str, Finding]:
    """One issue for each invoice that a live book waited for and that is gone."""
    days: dict[str, date] = {}
    words = {}
    for client, targets in (await routes(conn, connection.id)).items():
        for ledger, _ in targets:
            if ledger not in words:
                words[ledger] = await load_ledger_golive(conn, connection.id, ledger)
            word = words[ledger]
            if word is not None and word.live and word.from_day is not None:
                days[client] = min(word.from_day, days.get(client, word.from_day))
    lost = await gone_unposted(conn, connection.id, since=began - _GONE_DAYS, days=days)
    return {
        f"{connection.name}/{one.key}": Finding(
            message=f"Invoice {one.number or one.key} of {one.client_name or one.client} over "
            f"{one.total:,.2f} {one.currency} was finished and waited for its book; "
            f"{connection.name} does not know it any more, so that it is not posted.",
            remedy="If it was deleted on purpose, nothing is to be done: this is told for "
            f"{_GONE_DAYS.days} days. Otherwise mend the rights of the API user, or enter the "
            "invoice again; `syncd invoices read` takes it in.",
            severity=IssueSeverity.WARNING,
            evidence={"invoice": one.key, "client": one.client_name or one.client},
        )
        for one in lost
        if may_be_posted(one)
    }
