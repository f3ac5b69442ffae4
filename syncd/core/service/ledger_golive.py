"""A book goes live by a person's word, from a day on; until then invoices are only linked to it.

The word is said of an organisation: it needs a finished linking pass of that organisation, and
another one behind the same connection is not live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.bookkeeping_claim import moved_meanwhile
from syncd.core.service.bookkeeping_settlement import ActionEnding, ActionSettler
from syncd.core.service.last_look import LINK_ONLY
from syncd.core.service.ledger_effect import LedgerEffect, effect_of
from syncd.core.service.ledger_uses import may_be_posted
from syncd.core.service.posting_endings import DocumentEnding
from syncd.core.service.posting_settlement import DocumentSettler
from syncd.core.service.refusals import GoLiveRefused
from syncd.core.store.invoice_facts import unposted_invoices
from syncd.core.store.ledger_actions import actions_in
from syncd.core.store.ledger_documents import documents_in
from syncd.core.store.ledger_golive import (
    NOBODY_ELSE_POSTS,
    LedgerWord,
    Vouched,
    attested,
    linked_at,
    linked_from,
    load_ledger_golive,
    record_attestation,
    record_ledger_golive,
    vouched,
    withdraw_attestations,
)
from syncd.core.store.ledger_mappings import contacts_since, load_ledger_map
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ConfigError
from syncd.sdk.invoice_records import Ownership
from syncd.sdk.ledger_records import LedgerBook

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_IN_DOUBT = (DocumentState.SENDING, DocumentState.UNKNOWN, DocumentState.NEEDS_REVIEW)
_WRITES_IN_DOUBT = (OutboxState.SENDING, OutboxState.UNKNOWN, OutboxState.NEEDS_REVIEW)
_STOPPED = "the book was put back before it was sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChoice:
    """A book that can go live, and what that means.

    Attributes:
        ledger: name of its connection.
        book: the organisation as it answers now.
        from_day: invoices dated from this day on.
        before: the word so far, or None.
        linked_at: when the last linking pass began.
        effect: invoices from that day on that wait, and how many have all counterparts.
        unsure: of those, how many may be carried by somebody else.
        attested: a person vouches that nobody else does.
        unlinked: of those, how many are of clients that were mapped after the last linking pass.
        older: invoices from before that day without a document, which are never posted.
    """

    ledger: str
    book: LedgerBook
    from_day: date
    before: LedgerWord | None
    linked_at: datetime
    effect: LedgerEffect = field(default_factory=LedgerEffect)
    unsure: int = 0
    attested: bool = False
    unlinked: int = 0
    older: int = 0
    waiting_totals: dict[str, Decimal] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether that says anything new."""
        before = self.before
        return before is None or not (
            before.live and before.book_key == self.book.key and before.from_day == self.from_day
        )


async def choose_book(
    database: Database,
    psa: ConnectionRef,
    connection: ConnectionRef,
    book: LedgerBook,
    from_day: date,
    rules: LedgerRules,
) -> BookChoice:
    """Check that a book can go live, and find what it means, before anything is changed.

    Raises:
        GoLiveRefused: no linking pass of this organisation was finished, none that looked so far
            back, or no client is mapped.
    """
    async with database.reader() as conn:
        linked = await linked_at(conn, connection.id, book.key)
        mapping = await load_ledger_map(conn, psa.id, connection.id)
        first = await linked_from(conn, connection.id, book.key)
        linked = _require_ready(connection.name, book, linked, first, from_day, mapping)
        before = await load_ledger_golive(conn, psa.id, connection.id)
        served = [
            one.invoice
            for one in await unposted_invoices(conn, psa.id, connection.id, in_no_book=True)
            if one.invoice.client in mapping.contacts
        ]
        waiting = [one for one in served if one.dated >= from_day and may_be_posted(one)]
        sure = await attested(conn, psa.id, connection.id)
        since = await contacts_since(conn, psa.id, connection.id, linked)
    totals: dict[str, Decimal] = {}
    for one in waiting:
        totals[one.currency] = totals.get(one.currency, Decimal(0)) + one.total
    return BookChoice(
        ledger=connection.name,
        book=book,
        from_day=from_day,
        before=before,
        linked_at=linked,
        effect=effect_of(waiting, before=mapping, after=mapping, book=book, rules=rules),
        unsure=sum(1 for one in waiting if one.owner is Ownership.UNSURE),
        attested=sure,
        unlinked=sum(
            1 for one in waiting if one.client in since and one.dated <= since[one.client]
        ),
        older=sum(1 for one in served if one.dated < from_day),
        waiting_totals=totals,
    )


async def book_goes_live(
    database: Database,
    psa: ConnectionRef,
    connection: ConnectionRef,
    choice: BookChoice,
    *,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    """Keep the word."""
    word = LedgerWord(
        book_key=choice.book.key,
        live=True,
        from_day=choice.from_day,
        by=by,
        reason=reason.strip(),
        at=clock(),
    )
    async with database.writer() as conn:
        await record_ledger_golive(conn, psa.id, connection.id, word)
    log("book.went_live", book=connection.name, day=choice.from_day.isoformat(), by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """What became of a book that a person stopped.

    Attributes:
        before: the word that held so far.
        withdrawn: documents and other writes that waited, and surely are not written.
        in_doubt: those that were sent and whose end is not known yet; they are looked up, and none
            is sent again.
    """

    before: LedgerWord
    withdrawn: int
    in_doubt: int


async def put_book_back(
    database: Database,
    psa: ConnectionRef,
    connection: ConnectionRef,
    *,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> PutBack:
    """Nothing more is written to a book; what stands in it stays.

    The word holds from its commit on, since each claim of a write asks for it. What waits is
    withdrawn after it; a crash in between leaves that to the next delivery.

    Raises:
        GoLiveRefused: no reason, or the book is not live.
    """
    if not reason.strip():
        message = "a book is put back for a reason: it is kept"
        raise GoLiveRefused(message, remedy='add --why "what is wrong"')
    async with database.writer() as conn:
        before = await load_ledger_golive(conn, psa.id, connection.id)
        if before is None or not before.live:
            message = f"{connection.name} is not live"
            raise GoLiveRefused(message, remedy="`syncd golive` lists which books are live")
        word = LedgerWord(
            book_key=before.book_key,
            live=False,
            from_day=None,
            by=by,
            reason=reason.strip(),
            at=clock(),
        )
        await record_ledger_golive(conn, psa.id, connection.id, word)
        waiting = await documents_in(conn, connection.id, [DocumentState.PENDING])
        documents = [
            one for one in waiting if (one.psa_id, one.book_key) == (psa.id, word.book_key)
        ]
        writes = await actions_in(conn, connection.id, [OutboxState.PENDING])
        moved = await moved_meanwhile(conn, connection.id, writes)
        in_doubt = len(await documents_in(conn, connection.id, _IN_DOUBT))
        in_doubt += len(await actions_in(conn, connection.id, _WRITES_IN_DOUBT))
    log("book.put_back", book=connection.name, by=by, reason=reason.strip())
    now = clock()
    refused = DocumentEnding(state=DocumentState.REFUSED, code=LINK_ONLY, message=_STOPPED)
    left = await DocumentSettler(database=database, ledger=connection, clock=clock, log=log).settle(
        [(item, refused) for item in documents], what="decide", started_at=now
    )
    rejected = ActionEnding(state=OutboxState.REJECTED, code=LINK_ONLY, message=_STOPPED)
    settler = ActionSettler(database=database, connection=connection, clock=clock, log=log)
    gone = await settler.settle(
        [(item, rejected) for item in writes if item.id in moved], what="decide", started_at=now
    )
    return PutBack(before=before, withdrawn=len(left) + len(gone), in_doubt=in_doubt)


async def attest(
    database: Database,
    psa: ConnectionRef,
    connection: ConnectionRef,
    *,
    reason: str,
    by: str,
    withdraw: bool,
    clock: Callable[[], datetime],
    log: EventLog,
) -> list[Vouched]:
    """Keep, or take back, a person's word that nobody else carries invoices into a book.

    Returns:
        what holds afterwards.

    Raises:
        ConfigError: no reason, or there is nothing to take back.
    """
    if not reason.strip() and not withdraw:
        message = "nobody can check what a person vouches for, so the reason is kept"
        raise ConfigError(message, remedy='add --why "the PSA\'s own module was switched off"')
    now = clock()
    async with database.writer() as conn:
        if withdraw:
            count = await withdraw_attestations(
                conn, psa.id, connection.id, NOBODY_ELSE_POSTS, now=now
            )
            if not count:
                message = f"nobody vouched for anything of {connection.name}"
                raise ConfigError(message, remedy="nothing is to be done")
        elif not await attested(conn, psa.id, connection.id):
            await record_attestation(
                conn,
                psa.id,
                connection.id,
                what=NOBODY_ELSE_POSTS,
                by=by,
                reason=reason.strip(),
                now=now,
            )
        held = await vouched(conn, psa.id, connection.id)
    if withdraw:
        log("book.attestation_withdrawn", book=connection.name, by=by, reason=reason.strip())
    else:
        log("book.attested", book=connection.name, by=by, reason=reason.strip())
    return held


def _require_ready(
    name: str,
    book: LedgerBook,
    linked: datetime | None,
    first: date | None,
    from_day: date,
    mapping: LedgerMap,
) -> datetime:
    """When the last linking pass began, where all that a book needs is there."""
    if linked is None or first is None:
        message = f"{name} has no finished linking pass of {book.name}, so that it cannot be told "
        message += "which invoices stand there already"
        raise GoLiveRefused(message, remedy=f"run `syncd invoices link {name}` and look at it")
    if from_day < first:
        message = f"{name} was linked from {first} on, so that it cannot be told which invoices "
        message += f"dated from {from_day} on stand there already"
        days = (linked.date() + timedelta(days=1) - from_day).days
        remedy = f"run `syncd invoices link {name} --days {days}` and look at it"
        raise GoLiveRefused(message, remedy=remedy)
    if not mapping.contacts:
        message = f"no client is a contact of {name}: nothing would be posted"
        raise GoLiveRefused(
            message, remedy=f"map them first: `syncd map books {name} --propose --export FILE`"
        )
    return linked
