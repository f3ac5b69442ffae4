"""Going live, client by client: the word is kept with who said it, and taken back as easily.

A word changes nothing in the PSA. It says from which month on bills of a client may be written;
those of the others are computed and compared as before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from syncd.core.service.golive_asks import Choice, exact_client
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.plan_issues import PLAN_HELD, PLAN_STALE, account_subject
from syncd.core.service.queueing import AUTO_WINDOW_MISSED
from syncd.core.service.refusals import ClientUnknown, GoLiveRefused
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.connections import bump_data_version
from syncd.core.store.golive import (
    GoLiveWord,
    clients_with_open_assets,
    clients_with_open_links,
    clients_with_open_writes,
    load_golive,
    record_golive,
    shelve_bills,
)
from syncd.core.store.plans import WAITING, PlanBillState, PlanKind, close_finished
from syncd.core.store.references import ReferenceEntry
from syncd.sdk.connector import EventLog

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_BILLS: Final = (PlanKind.BILLING, PlanKind.AUTOMATIC, PlanKind.RUNNING)


_EVER: Final = "9999-12"
"""A month after every first one: whoever is live at all is live then."""


async def go_live(
    database: Database,
    choices: Sequence[Choice],
    *,
    psa_connection: ConnectionRef,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> tuple[Choice, ...]:
    """Keep the words that say something new, in one commit; those are returned.

    Args:
        database: where they are kept.
        choices: of `choose_golive`, after a person saw what they mean.
        psa_connection: where the clients are.
        by: who.
        clock: current time in UTC.
        log: gets `client.went_live` for each.
    """
    said = tuple(one for one in choices if one.changes)
    now = clock()
    words = [
        GoLiveWord(
            client_key=one.client,
            live=True,
            from_period=str(one.period),
            by=by,
            reason=one.reason,
            at=now,
        )
        for one in said
    ]
    if words:
        async with database.writer() as conn:
            await record_golive(conn, psa_connection.id, words)
            await bump_data_version(conn)
    for one in said:
        log("client.went_live", client=one.client_name, period=str(one.period), by=by)
    return said


async def put_back(
    database: Database,
    clients: Sequence[str],
    *,
    psa_connection: ConnectionRef,
    mode: str,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> tuple[ReferenceEntry, ...]:
    """Put clients back to shadow, all or none; what stands in the PSA stays as it is.

    Bills that wait are not waited for any more, and nobody is asked about them.

    Args:
        database: where words, plans and writes are.
        clients: by id or exact name.
        psa_connection: where they are.
        mode: of the installation.
        reason: why; must say something.
        by: who.
        clock: current time in UTC.
        log: gets `client.put_back` for each.

    Raises:
        GoLiveRefused: no reason, a client is unknown or not live, or a write of it has no certain
            end yet.
    """
    if not reason.strip():
        message = "a client is put back for a reason: it is kept"
        raise GoLiveRefused(message, remedy='add --reason "what is wrong"')
    now = clock()
    books: list[IssueBook] = []
    async with database.writer() as conn:
        data = await load_billing_data(conn, period_first_day="0001-01-01")
        book = await load_golive(conn, psa_connection.id, mode=mode)
        found = _named(data, psa_connection.id, clients)
        idle = [one.name for one in found if not book.is_live(one.key, _EVER)]
        if idle:
            message = f"nobody was put back, since these are not live: {', '.join(idle)}"
            raise GoLiveRefused(message, remedy="`syncd golive` lists who is live")
        await _require_settled(conn, psa_connection.id, found)
        words = [
            GoLiveWord(
                client_key=one.key, live=False, from_period="", by=by, reason=reason.strip(), at=now
            )
            for one in found
        ]
        await record_golive(conn, psa_connection.id, words)
        for one in found:
            accounts = data.accounts_of_client(psa_connection.id, one.key)
            await shelve_bills(
                conn,
                accounts,
                states=[state.value for state in WAITING],
                to=PlanBillState.SHADOW.value,
                detail=f"put back to shadow by {by}: {reason.strip()}",
                kinds=[kind.value for kind in _BILLS],
            )
            books += await _nobody_asked(conn, data, accounts, now)
        await close_finished(conn)
        await bump_data_version(conn)
    for issues in books:
        issues.speak(log)
    for one in found:
        log("client.put_back", client=one.name, by=by, reason=reason.strip())
    return tuple(found)


def _named(data: BillingData, psa_id: int, clients: Sequence[str]) -> list[ReferenceEntry]:
    found: dict[str, ReferenceEntry] = {}
    wrong: list[ClientUnknown] = []
    for one in clients:
        try:
            entry = exact_client(data, psa_id, one)
            found[entry.key] = entry
        except ClientUnknown as error:
            wrong.append(error)
    if wrong:
        said = "; ".join(str(error) for error in wrong)
        raise GoLiveRefused(f"nobody was put back: {said}", remedy=wrong[0].remedy)
    return list(found.values())


async def _require_settled(
    conn: AsyncConnection, psa_id: int, clients: Sequence[ReferenceEntry]
) -> None:
    """Refuse while a write of a client is under way: it may still arrive."""
    names = {one.key: one.name for one in clients}
    writes = await clients_with_open_writes(conn, psa_id)
    links = await clients_with_open_links(conn, psa_id, names)
    assets = await clients_with_open_assets(conn, psa_id, names)
    busy = [name for key, name in names.items() if key in writes | links | assets]
    if busy:
        message = f"nobody was put back: writes of {', '.join(busy)} have no certain end yet"
        remedy = (
            "`syncd apply latest` looks them up, `syncd status` names plans of links and assets; "
            "`syncd issues` names what needs a person"
        )
        raise GoLiveRefused(message, remedy=remedy)


async def _nobody_asked(
    conn: AsyncConnection, data: BillingData, accounts: Collection[int], now: datetime
) -> list[IssueBook]:
    """Close what a person was asked about bills of these accounts."""
    books = []
    for account_id in accounts:
        account = data.accounts[account_id]
        name = data.connections[account.connection_id].name
        book = IssueBook(conn, name, now)
        for code in (PLAN_HELD, PLAN_STALE, AUTO_WINDOW_MISSED):
            await book.close(code, account_subject(name, account.key))
        books.append(book)
    return books
