"""How writes beside documents end, and what follows from them in the ledger.

A void that stands ends its document; a contact or an item that was made is mapped from then on.
The endings of a call are one commit with their history, their issues and what follows from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from syncd.core.invoicing.objections import ABANDONED, REPEATABLE
from syncd.core.service.bookkeeping_calls import Happened
from syncd.core.service.committed_together import commit_together
from syncd.core.service.created_references import keep_created
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_actions import again
from syncd.core.service.read_back import UNSEEN_FOR
from syncd.core.store.issue_subjects import open_codes_by_subject
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_actions import ActionItem
from syncd.core.store.ledger_documents import move_document, seen_values
from syncd.core.store.ledger_intents import LedgerTry, record_tries
from syncd.core.store.ledger_moves import Move, move_actions
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.connector import EventLog
from syncd.sdk.ledger_writes import ActionKind, LedgerAction
from syncd.sdk.records import canonical_json

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

WRITE_REFUSED: Final = "WRITE_REFUSED"
WRITE_UNCLEAR: Final = "WRITE_UNCLEAR"
_CODES: Final = frozenset({WRITE_REFUSED, WRITE_UNCLEAR})
_QUIET: Final = frozenset({ABANDONED, *REPEATABLE})
"""Of what is not written by a person's word, or is planned again as it is by then."""
_MORE: Final = timedelta(hours=1)
_STANDS: Final = (DocumentState.CONFIRMED, DocumentState.DRIFTED, DocumentState.LINKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEnding:
    """What becomes of a write.

    Attributes:
        state: where it goes.
        code: stable name of the reason, empty where all is well.
        message: one sentence.
        available_at: not touched before; for one that waits.
        done: what came of it, for one that stands.
        anew: proven not to have happened: the next sending is another attempt.
        unsent: surely not sent: the sending does not count.
        version: of the document after a refusal, where the attempt itself moved it.
    """

    state: OutboxState
    code: str = ""
    message: str = ""
    available_at: datetime | None = None
    done: Happened | None = None
    anew: bool = False
    unsent: bool = False
    version: str = ""


Ended = tuple[ActionItem, ActionEnding]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSettler:
    """Writes endings.

    Attributes:
        database: where the writes are queued.
        connection: whom they go to.
        clock: current time in UTC.
        log: told after each commit.
    """

    database: Database
    connection: ConnectionRef
    clock: Callable[[], datetime]
    log: EventLog

    async def settle(
        self, ended: Sequence[Ended], *, what: str, started_at: datetime
    ) -> list[Ended]:
        """Write how the tries of one call ended, before anything else is done.

        Returns:
            what was written; a row that somebody else moved meanwhile is left out.
        """

        async def commit(piece: Sequence[Ended]) -> list[Ended]:
            return await self._commit(piece, what, started_at)

        return await commit_together(ended, commit)

    async def _commit(self, ended: Sequence[Ended], what: str, started_at: datetime) -> list[Ended]:
        now = self.clock()
        async with self.database.writer() as conn:
            book = IssueBook(conn, self.connection.name, now)
            moves = [
                Move(
                    id=item.id,
                    expected=item.state,
                    to=ending.state,
                    values=_values(item, ending, now),
                )
                for item, ending in ended
            ]
            written = await move_actions(conn, moves)
            moved = [(item, ending) for item, ending in ended if item.id in written]
            tries = [_try(item, ending, what, started_at, now) for item, ending in moved]
            await record_tries(conn, tries)
            for item, ending in moved:
                if ending.done is not None:
                    await self._follow(book, item, ending.done)
                elif ending.state is OutboxState.REJECTED:
                    await self._look_again(book, item)
            await self._issues(book, moved)
        book.speak(self.log)
        for item, ending in moved:
            self._tell(item, ending)
        return moved

    async def _follow(self, book: IssueBook, item: ActionItem, done: Happened) -> None:
        """What a write that stands changes in our own ledger."""
        payload = item.payload
        if not isinstance(payload, LedgerAction):
            return
        if payload.kind in {ActionKind.CREATE_CONTACT, ActionKind.CREATE_ITEM}:
            await keep_created(book.conn, item, payload, done.remote, book.now)
            return
        if item.document_id is None:
            return
        seen = seen_values(done.entry, book.now) if done.entry is not None else {}
        if payload.kind is ActionKind.VOID:
            await move_document(
                book.conn,
                item.document_id,
                expected=_STANDS,
                to=DocumentState.VOIDED,
                settled_at=book.now,
                code=None,
                detail="voided by us",
                **seen,
            )
        elif seen and payload.kind is ActionKind.APPROVE:
            for state in _STANDS:
                await move_document(
                    book.conn, item.document_id, expected=(state,), to=state, **seen
                )

    async def _look_again(self, book: IssueBook, item: ActionItem) -> None:
        """A void that was begun may have left its document under another number.

        While it was on its way a look took that for its doing, and would not ask for it for days.
        """
        payload = item.payload
        begun = bool(item.attempts) or item.sent_at is not None
        if not begun or not isinstance(payload, LedgerAction) or not payload.renumber:
            return
        for state in _STANDS:
            await move_document(
                book.conn,
                item.document_id or 0,
                expected=(state,),
                to=state,
                seen_at=book.now - UNSEEN_FOR - _MORE,
            )

    async def _issues(self, book: IssueBook, ended: Sequence[Ended]) -> None:
        subjects = [f"{self.connection.name}/{item.key}" for item, _ in ended]
        open_now = await open_codes_by_subject(book.conn, subjects, _CODES)
        for (item, ending), about in zip(ended, subjects, strict=True):
            wanted = _wanted(item, ending)
            for code in sorted(open_now.get(about, set())):
                if wanted is None or wanted[0] != code:
                    await book.close(code, about)
            if wanted is not None:
                await book.open(wanted[0], about, wanted[1])

    def _tell(self, item: ActionItem, ending: ActionEnding) -> None:
        about = {"connection": self.connection.name, "kind": item.kind, "key": item.key}
        if ending.state is OutboxState.DELIVERED:
            self.log("bookkeeping.done", **about)
        elif ending.state is OutboxState.REJECTED:
            self.log("bookkeeping.refused", **about, code=ending.code)
        elif ending.state is OutboxState.NEEDS_REVIEW:
            self.log("bookkeeping.parked", **about, reason=ending.code)


def _try(
    item: ActionItem, ending: ActionEnding, what: str, started_at: datetime, now: datetime
) -> LedgerTry:
    return LedgerTry(
        what=what,
        n=item.attempts,
        outcome=ending.code or ending.state.value,
        started_at=started_at,
        finished_at=now,
        action_id=item.id,
        request_id=ending.done.request_id if ending.done is not None else None,
        detail=ending.message,
    )


def _wanted(item: ActionItem, ending: ActionEnding) -> tuple[str, Finding] | None:
    what = item.kind.replace("_", " ")
    settle = f"`syncd invoices settle {item.key} --why TEXT` tries it again"
    if ending.state is OutboxState.REJECTED and ending.code not in _QUIET:
        return WRITE_REFUSED, Finding(
            message=f"The write '{what}' was refused ({ending.code}): {ending.message}.",
            remedy=f"Mend what is named; {settle}, with --give-up it is closed.",
            severity=IssueSeverity.ERROR,
            evidence={"key": item.key, "code": ending.code},
        )
    if ending.state is OutboxState.NEEDS_REVIEW:
        return WRITE_UNCLEAR, Finding(
            message=f"It is not clear whether '{what}' happened: {ending.message}.",
            remedy=f"Look whether it did; {settle}, with --give-up it is closed.",
            severity=IssueSeverity.ERROR,
            evidence={"key": item.key},
        )
    return None


def _values(item: ActionItem, ending: ActionEnding, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"code": ending.code or None, "detail": ending.message}
    if ending.available_at is not None:
        values["available_at"] = ending.available_at
    if ending.done is not None:
        values["remote"] = ending.done.remote or item.remote
    if ending.anew:
        other = again(item)
        values["generation"] = other.generation
        values["payload"] = canonical_json(other.payload).decode()
    if ending.version and isinstance(item.payload, LedgerAction):
        # So that the same refusal is not sought again, though the document has another version.
        moved = msgspec.structs.replace(item.payload, version=ending.version)
        values["payload"] = canonical_json(moved).decode()
    if ending.unsent:
        values["attempts"] = max(item.attempts - 1, 0)
    if ending.state in {OutboxState.DELIVERED, OutboxState.REJECTED}:
        values["settled_at"] = now
    return values
