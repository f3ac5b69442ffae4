"""A document or another write in doubt that a person looked at: looked up again, adopted, given up.

Nothing is posted here; what is proven absent goes with the next apply.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.invoicing.objections import ABANDONED
from syncd.core.invoicing.recognition import GONE
from syncd.core.service.bookkeeping_settlement import ActionEnding, ActionSettler
from syncd.core.service.posting_endings import DocumentEnding, DocumentEndings, stands
from syncd.core.service.posting_settlement import DocumentSettler
from syncd.core.service.refusals import NothingToSettle, ReleaseRefused
from syncd.core.store.connections import ConnectionRef, all_connections
from syncd.core.store.delivery_lock import books_turn
from syncd.core.store.ledger_actions import ActionItem, actions_of_key
from syncd.core.store.ledger_documents import DocumentItem, find_documents_by
from syncd.core.store.standing_documents import others_called
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import OutcomeUnknown
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_writes import Wanted

if TYPE_CHECKING:
    from syncd.core.store.database import Database
    from syncd.sdk.ledger_records import LedgerEntry

OpenLedger = Callable[[str], AbstractAsyncContextManager[Ledger]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledDocument:
    """How something in doubt stands after a person's word.

    Attributes:
        name: number of the document, or key of the write.
        ledger: name of the connection.
        state: of it now.
        message: one sentence.
        by: who.
        reason: why.
    """

    name: str
    ledger: str
    state: str
    message: str
    by: str
    reason: str

    @property
    def doubtful(self) -> bool:
        """Whether a person is still needed."""
        return self.state == DocumentState.NEEDS_REVIEW.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What settling needs.

    Attributes:
        database: where the ledger is.
        open_ledger: opens a book by its connection's name.
        clock: current time in UTC.
        log: told how it ended.
        sleep: waits; replaced in tests.
    """

    database: Database
    open_ledger: OpenLedger
    clock: Callable[[], datetime]
    log: EventLog
    sleep: Callable[[float], Awaitable[None]]

    async def settle(
        self, wanted: str, *, reason: str, by: str, give_up: bool = False, adopt: str = ""
    ) -> SettledDocument:
        """Settle what waits for a person under a number or a key.

        Args:
            wanted: number of a document, its id in the PSA or in the books, or key of a write.
            reason: why; kept in the history.
            by: who.
            give_up: close it as not written, without looking.
            adopt: id in the books of the document that it is.

        Raises:
            ReleaseRefused: no reason was given, or what was named is not there.
            NothingToSettle: nothing of this name waits for a person.
            BooksBusy: another process writes to this book.
            ConnectorError: it could not be looked up.
        """
        if not reason.strip():
            message = "settling needs a reason: it is kept in the history"
            raise ReleaseRefused(message, remedy='add --why "what was found in the books"')
        async with self.database.reader() as conn:
            documents = [
                item
                for item in await find_documents_by(conn, wanted)
                if item.state is DocumentState.NEEDS_REVIEW
            ]
            attempts = await actions_of_key(conn, wanted)
            connections = {one.id: one for one in await all_connections(conn)}
        said = f"{by}: {reason.strip()}"
        if len(documents) == 1:
            ledger = connections[documents[0].ledger_id]
            ending = await self._document(documents[0], ledger, said, give_up, adopt)
            return SettledDocument(
                name=documents[0].number,
                ledger=ledger.name,
                state=ending.state.value,
                message=ending.message,
                by=by,
                reason=reason.strip(),
            )
        if attempts and not documents:
            newest = attempts[-1]
            _require_in_doubt(newest)
            target = connections[newest.connection_id]
            done = await self._action(newest, target, said, give_up)
            return SettledDocument(
                name=newest.key,
                ledger=target.name,
                state=done.state.value,
                message=done.message,
                by=by,
                reason=reason.strip(),
            )
        what = "more than one document waits" if documents else "nothing waits for a person"
        message = f"{what} under '{wanted}'"
        remedy = "`syncd issues` names what waits, with its key"
        if documents:
            keys = " or ".join(f"{one.key} ({one.kind.value})" for one in documents)
            remedy = f"name one by its key: {keys}"
        raise NothingToSettle(message, remedy=remedy)

    async def _document(
        self, item: DocumentItem, ledger: ConnectionRef, said: str, give_up: bool, adopt: str
    ) -> DocumentEnding:
        started_at = self.clock()
        async with books_turn(self.database, ledger.id, wait_seconds=10.0, sleep=self.sleep):
            if give_up:
                ending = DocumentEnding(
                    state=DocumentState.REFUSED, code=ABANDONED, message=f"given up ({said})"
                )
            else:
                async with self.open_ledger(ledger.name) as book:
                    ending = await self._looked_up(item, book, adopt)
                ending = replace(ending, message=f"{ending.message} ({said})".strip())
            settler = DocumentSettler(
                database=self.database, ledger=ledger, clock=self.clock, log=self.log
            )
            await settler.settle([(item, ending)], what="decide", started_at=started_at)
        return ending

    async def _looked_up(self, item: DocumentItem, book: Ledger, adopt: str) -> DocumentEnding:
        if (await book.book()).key != item.book_key:
            message = "another organisation is open now than the document was made for"
            raise ReleaseRefused(message, remedy="sign in to the right one: `syncd login NAME`")
        if adopt:
            shown = await book.read_back({adopt: item.kind})
            if adopt not in shown:
                message = f"the books know no document {adopt}"
                raise ReleaseRefused(message, remedy="its id is in its address in the books")
            await self._require_adoptable(item, shown[adopt])
            return stands(item, shown[adopt], message="a person says that it is this one")
        wanted = Wanted(
            key=item.key,
            kind=item.kind,
            number=item.number,
            marker=item.marker,
            contact=item.contact,
            dated=item.dated,
        )
        found = await book.find_documents([wanted])
        if item.key not in found:
            message = f"the look-up of {item.number} was not answered"
            raise OutcomeUnknown(message, remedy="try it again")
        # A person looked: what was sent in vain before does not count against it.
        fresh = replace(item, attempts=0, code=None)
        endings = DocumentEndings(self.clock(), book.post_batch.settle_seconds)
        return endings.of_lookup(fresh, found[item.key])

    async def _require_adoptable(self, item: DocumentItem, entry: LedgerEntry) -> None:
        """A document that counts and is nobody else's.

        Raises:
            ReleaseRefused: it is not.
        """
        named = f"document {entry.number or entry.remote}"
        if entry.status in GONE:
            message = (
                f"{named} is {entry.status.value} in the books, and {item.number} is not there"
            )
            remedy = "name the document that stands, or leave --adopt out to have it looked for"
            raise ReleaseRefused(message, remedy=remedy)
        async with self.database.reader() as conn:
            others = await others_called(conn, item, entry.remote, entry.marker)
        if others:
            other = others[0]
            message = f"{named} is that of {other.number} (invoice {other.invoice} of the PSA)"
            remedy = "one document is one invoice's; name another one, or close it: --give-up"
            raise ReleaseRefused(message, remedy=remedy)

    async def _action(
        self, item: ActionItem, target: ConnectionRef, said: str, give_up: bool
    ) -> ActionEnding:
        """Another write is looked for by the next delivery, which sends it if it is not there."""
        ending = ActionEnding(
            state=OutboxState.UNKNOWN,
            message=f"looked for again ({said})",
            available_at=self.clock(),
            unsent=True,
        )
        if give_up:
            ending = ActionEnding(
                state=OutboxState.REJECTED, code=ABANDONED, message=f"given up ({said})"
            )
        async with books_turn(self.database, target.id, wait_seconds=10.0, sleep=self.sleep):
            settler = ActionSettler(
                database=self.database, connection=target, clock=self.clock, log=self.log
            )
            await settler.settle([(item, ending)], what="decide", started_at=self.clock())
        return ending


def _require_in_doubt(newest: ActionItem) -> None:
    """An attempt that was refused is past once a later one waits or was made.

    Raises:
        NothingToSettle: so it is; two attempts of one write must not be under way.
    """
    if newest.state in {OutboxState.NEEDS_REVIEW, OutboxState.REJECTED}:
        return
    if newest.state is OutboxState.DELIVERED:
        message = f"'{newest.key}' was made: nothing is to be settled"
        raise NothingToSettle(message, remedy="`syncd issues` names what waits, with its key")
    message = f"an attempt of '{newest.key}' waits already ({newest.state.value})"
    raise NothingToSettle(message, remedy="`syncd apply latest` goes on with it")
