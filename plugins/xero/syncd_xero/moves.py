"""Approves and voids documents by their ids, each as it was read right before.

Xero guards no change by a version. So the version that a person or a plan saw is compared first,
and status rules of Xero itself are the second fence. A voided document keeps its number for ever,
so where another one is to have it, the document is renumbered before it is voided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from syncd.sdk.errors import AuthError, ConnectorError, ProtocolError, RequestRejected
from syncd.sdk.http import Answer
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import ActionKind, ActionOutcome, Done, LedgerAction, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd_xero.client import XeroClient
from syncd_xero.lookup import PATHS, Lookup, documents_in
from syncd_xero.models import Envelope, WireDocument
from syncd_xero.posting import ELEMENTS, SURELY_NOT_SENT, batch_key, leaves_open
from syncd_xero.refusals import all_messages, refusal
from syncd_xero.values import NOTHING, identifier

MOVES: Final = (ActionKind.APPROVE, ActionKind.VOID)
ID_FIELDS: Final = {DocumentKind.INVOICE: "InvoiceID", DocumentKind.CREDIT: "CreditNoteID"}
NUMBER_FIELDS: Final = {
    DocumentKind.INVOICE: "InvoiceNumber",
    DocumentKind.CREDIT: "CreditNoteNumber",
}
WRITE: Final[dict[str, str | int]] = {"summarizeErrors": "false", "unitdp": 4}


@dataclass(frozen=True, slots=True)
class _Move:
    """A document on its way to another status.

    Attributes:
        action: what was asked for.
        status: where it goes.
        number: that it had when it was read.
    """

    action: LedgerAction
    status: str
    number: str

    @property
    def renumbers(self) -> bool:
        """Whether it still has the number that another document is to have."""
        return bool(self.action.renumber) and not _same(self.number, self.action.renumber)


Moving = Mapping[str, _Move]
"""Documents by id."""


class Moves:
    """Changes statuses of documents in one organisation."""

    def __init__(self, client: XeroClient, lookup: Lookup, connection: str) -> None:
        self._client = client
        self._lookup = lookup
        self._connection = connection

    async def move(self, actions: Sequence[LedgerAction]) -> list[ActionOutcome]:
        """Approve and void documents of one kind; one outcome per action.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        kind = actions[0].document_kind
        try:
            remotes = {identifier(one.remote): kind for one in actions}
            found = await self._lookup.by_remote(remotes, essential=True)
        except AuthError:
            raise
        except ConnectorError as error:
            return [NotSent(one.key, str(error)) for one in actions]
        outcomes: list[ActionOutcome] = []
        moving: dict[str, _Move] = {}
        for one in actions:
            remote = identifier(one.remote)
            decided = _decided(one, found.get(remote))
            if not isinstance(decided, _Move):
                outcomes.append(decided)
            elif remote in moving:
                outcomes.append(NotSent(one.key, "another action on the document goes first"))
            else:
                moving[remote] = decided
        return outcomes + list((await self._moved(kind, moving)).values())

    async def _moved(self, kind: DocumentKind, moving: Moving) -> dict[str, ActionOutcome]:
        """Renumber what must be, then change statuses; what kept its number stays as it is."""
        renaming = {remote: one for remote, one in moving.items() if one.renumbers}
        outcomes = await self._renumbered(kind, renaming)
        ready = {remote: one for remote, one in moving.items() if remote not in outcomes}
        elements = {remote: {"Status": one.status} for remote, one in ready.items()}
        try:
            ended = await self._write(kind, ready, elements, "")
        except AuthError as error:
            if not renaming:
                raise
            ended = {remote: NotSent(one.action.key, str(error)) for remote, one in ready.items()}
        for remote, outcome in ended.items():
            if isinstance(outcome, Rejected) and remote in renaming:
                ended[remote] = await self._given_back(kind, remote, renaming[remote], outcome)
        return outcomes | ended

    async def _renumbered(self, kind: DocumentKind, moving: Moving) -> dict[str, ActionOutcome]:
        """Free numbers; the outcomes of those whose number is surely or perhaps not free.

        Raises:
            AuthError: nothing was written.
        """
        field = NUMBER_FIELDS[kind]
        elements = {remote: {field: one.action.renumber} for remote, one in moving.items()}
        outcomes = await self._write(kind, moving, elements, "renumber ")
        for remote, outcome in list(outcomes.items()):
            one, entry = moving[remote], outcome.entry if isinstance(outcome, Done) else None
            if not isinstance(outcome, Done):
                continue
            if entry is None:
                message = f"{self._connection}: Xero's answer does not show the number"
                outcomes[remote] = Unknown(one.action.key, message)
            elif _same(entry.number, one.action.renumber):
                del outcomes[remote]
            else:
                outcomes[remote] = _refuse(one.action, f"Xero keeps the number {entry.number}")
        return outcomes

    async def _given_back(
        self, kind: DocumentKind, remote: str, move: _Move, refused: Rejected
    ) -> Rejected:
        """The refusal of a void; the document stands, so that its number is its own again."""
        element = {remote: {NUMBER_FIELDS[kind]: move.number}}
        try:
            outcome = (await self._write(kind, {remote: move}, element, "number back "))[remote]
        except AuthError as error:
            outcome = NotSent(move.action.key, str(error))
        if isinstance(outcome, Done):
            entry = outcome.entry
            return msgspec.structs.replace(refused, version=entry.version if entry else "")
        told = f"; it has the number {move.action.renumber} there now: give it {move.number} again"
        return msgspec.structs.replace(refused, message=f"{refused.message}{told}")

    async def _write(
        self,
        kind: DocumentKind,
        moving: Moving,
        elements: Mapping[str, Mapping[str, str]],
        what: str,
    ) -> dict[str, ActionOutcome]:
        """Change documents by their ids in one call.

        Args:
            kind: of all of them.
            moving: documents.
            elements: what each is told beside its id.
            what: tells the idempotency keys of several writes of one attempt apart.

        Raises:
            AuthError: nothing was written.
        """
        if not moving:
            return {}
        names = [f"{what}{one.action.kind.value} {one.action.attempt}" for one in moving.values()]
        body: list[dict[str, Any]] = [
            {ID_FIELDS[kind]: remote, **elements[remote]} for remote in moving
        ]
        unsure: ConnectorError
        try:
            answer = await self._client.write(
                "POST",
                PATHS[kind],
                json={ELEMENTS[kind]: body},
                key=batch_key(names),
                params=WRITE,
            )
        except AuthError:
            raise
        except SURELY_NOT_SENT as error:
            return {remote: NotSent(one.action.key, str(error)) for remote, one in moving.items()}
        except RequestRejected as error:
            if not leaves_open(error):
                return await self._one_by_one(kind, moving, elements, what, error)
            unsure = error
        except ConnectorError as error:
            unsure = error
        else:
            return self._answered(moving, answer)
        return {remote: Unknown(one.action.key, str(unsure)) for remote, one in moving.items()}

    async def _one_by_one(
        self,
        kind: DocumentKind,
        moving: Moving,
        elements: Mapping[str, Mapping[str, str]],
        what: str,
        error: RequestRejected,
    ) -> dict[str, ActionOutcome]:
        """What the refusal of a whole batch means: nothing of it was done, so each goes alone."""
        if len(moving) == 1:
            ((remote, one),) = moving.items()
            return {remote: refusal(one.action.key, all_messages(error.body) or [str(error)])}
        outcomes: dict[str, ActionOutcome] = {}
        for remote, one in moving.items():
            try:
                outcomes |= await self._write(kind, {remote: one}, elements, what)
            except AuthError as failure:
                if not outcomes:
                    raise
                outcomes[remote] = NotSent(one.action.key, str(failure))
        return outcomes

    def _answered(self, moving: Moving, answer: Answer) -> dict[str, ActionOutcome]:
        try:
            rows = documents_in(answer.decode(Envelope)) or []
        except ProtocolError as error:
            return {remote: Unknown(one.action.key, str(error)) for remote, one in moving.items()}
        by_id = {identifier(row.id): row for row in rows if row.id != NOTHING}
        outcomes: dict[str, ActionOutcome] = {}
        for place, (remote, one) in enumerate(moving.items()):
            row = by_id.get(remote)
            if row is None and len(rows) == len(moving):
                row = rows[place] if rows[place].has_errors else None
            outcomes[remote] = self._outcome(one.action, row, answer.request_id or "")
        return outcomes

    def _outcome(
        self, one: LedgerAction, row: WireDocument | None, request_id: str
    ) -> ActionOutcome:
        if row is None:
            return Unknown(one.key, f"{self._connection}: Xero's answer does not show the document")
        if row.has_errors or (row.status_attribute_string or "").upper() == "ERROR":
            return refusal(one.key, [text.message for text in row.validation_errors or []])
        try:
            entry = self._lookup.entry(row)
        except ProtocolError:
            entry = None  # it happened; what it looks like is read back later
        return Done(key=one.key, remote=identifier(one.remote), entry=entry, request_id=request_id)


def _decided(one: LedgerAction, entry: LedgerEntry | None) -> _Move | ActionOutcome:
    """What to write, or the outcome without a write."""
    if entry is None:
        return _refuse(one, "the document is gone from Xero")
    done = Done(key=one.key, remote=entry.remote, entry=entry)
    ours = bool(one.renumber) and _same(entry.number, one.renumber)
    if one.kind is ActionKind.APPROVE and entry.status in (EntryStatus.OPEN, EntryStatus.PAID):
        return done
    if one.kind is ActionKind.VOID:
        if entry.status is EntryStatus.VOIDED and one.renumber and not ours:
            return _refuse(
                one, f"{entry.number} was voided by somebody, and Xero gives its number to no other"
            )
        if entry.status in (EntryStatus.VOIDED, EntryStatus.DELETED):
            return done
    # One that has its new number was renumbered by us, which moved its version.
    if one.version and entry.version != one.version and not ours:
        code = RejectedCode.VERSION_MOVED.value
        return Rejected(one.key, code, f"{entry.number} was changed in Xero since it was read")
    if one.kind is ActionKind.APPROVE:
        if entry.status is not EntryStatus.DRAFT:
            return _refuse(one, f"{entry.number} is {entry.status.value} and cannot be approved")
        return _Move(one, "AUTHORISED", entry.number)
    if entry.status is EntryStatus.DRAFT:
        return _Move(one, "DELETED", entry.number)
    if entry.status is EntryStatus.PAID or entry.paid or entry.credited:
        return _refuse(
            one,
            f"{entry.number} has {entry.paid:,.2f} paid and {entry.credited:,.2f} credited; it is"
            " never voided",
        )
    return _Move(one, "VOIDED", entry.number)


def _same(number: str, other: str) -> bool:
    return number.casefold() == other.casefold()


def _refuse(one: LedgerAction, message: str) -> Rejected:
    return Rejected(one.key, RejectedCode.NOT_ALLOWED_NOW.value, message)
