"""Writes beside creating documents: each reads first, so that a repetition finds its work done.

Xero guards no change by a version. So the version that a person or a plan saw is compared right
before the write, and status rules of Xero itself are the second fence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syncd.sdk.errors import AuthError, ConnectorError, ProtocolError, RequestRejected
from syncd.sdk.http import Answer
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import ActionKind, ActionOutcome, Done, LedgerAction, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd_xero.client import XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.creations import Creations
from syncd_xero.lookup import PATHS, Lookup, documents_in
from syncd_xero.models import Envelope, WireDocument
from syncd_xero.posting import ELEMENTS, SURELY_NOT_SENT, batch_key, leaves_open
from syncd_xero.refusals import all_messages, meaning
from syncd_xero.values import NOTHING, chunks, identifier

STATUS_ACTIONS: Final = (ActionKind.APPROVE, ActionKind.VOID)
GONE: Final = (EntryStatus.VOIDED, EntryStatus.DELETED)


class Actions:
    """Acts on documents and catalogues of one organisation."""

    def __init__(self, client: XeroClient, config: XeroConfig, connection: str) -> None:
        self._client = client
        self._config = config
        self._connection = connection
        self._lookup = Lookup(client, config, connection)
        self._creations = Creations(client, connection)

    async def act(self, actions: Sequence[LedgerAction]) -> list[ActionOutcome]:
        """One outcome per action.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        outcomes: list[ActionOutcome] = []
        groups: list[Sequence[LedgerAction]] = []
        for kind in DocumentKind:
            moves = [
                one for one in actions if one.kind in STATUS_ACTIONS and one.document_kind is kind
            ]
            groups += chunks(moves, self._config.batch)
        groups += [[one] for one in actions if one.kind not in STATUS_ACTIONS]
        for group in groups:
            try:
                outcomes += await self._group(group)
            except AuthError as error:
                if not outcomes:
                    raise
                outcomes += [NotSent(one.key, str(error)) for one in group]
        return outcomes

    async def _group(self, group: Sequence[LedgerAction]) -> list[ActionOutcome]:
        if group[0].kind in STATUS_ACTIONS:
            return await self._moves(group)
        if group[0].kind is ActionKind.ALLOCATE:
            return [await self._allocate(group[0])]
        return [await self._creations.create(group[0])]

    async def _moves(self, actions: Sequence[LedgerAction]) -> list[ActionOutcome]:
        """Approve and void documents of one kind, each by its id."""
        kind = actions[0].document_kind
        try:
            remotes = {identifier(one.remote): kind for one in actions}
            found = await self._lookup.by_remote(remotes, essential=True)
        except AuthError:
            raise
        except ConnectorError as error:
            return [NotSent(one.key, str(error)) for one in actions]
        outcomes: list[ActionOutcome] = []
        moving: dict[str, tuple[LedgerAction, str]] = {}
        for one in actions:
            remote = identifier(one.remote)
            decided = _decided(one, found.get(remote))
            if not isinstance(decided, str):
                outcomes.append(decided)
            elif remote in moving:
                outcomes.append(NotSent(one.key, "another action on the document goes first"))
            else:
                moving[remote] = (one, decided)
        if moving:
            outcomes += await self._write_moves(kind, moving)
        return outcomes

    async def _write_moves(
        self, kind: DocumentKind, moving: dict[str, tuple[LedgerAction, str]]
    ) -> list[ActionOutcome]:
        name = "InvoiceID" if kind is DocumentKind.INVOICE else "CreditNoteID"
        elements: list[dict[str, Any]] = [
            {name: remote, "Status": status} for remote, (_, status) in moving.items()
        ]
        actions = [one for one, _ in moving.values()]
        try:
            answer = await self._client.write(
                "POST",
                PATHS[kind],
                json={ELEMENTS[kind]: elements},
                key=batch_key([f"{one.kind.value} {one.attempt}" for one in actions]),
                params={"summarizeErrors": "false", "unitdp": 4},
            )
        except AuthError:
            raise
        except SURELY_NOT_SENT as error:
            return [NotSent(one.key, str(error)) for one in actions]
        except RequestRejected as error:
            if leaves_open(error):
                return [Unknown(one.key, str(error)) for one in actions]
            if len(actions) == 1:
                return [rejected(actions[0].key, all_messages(error.body) or [str(error)])]
            outcomes: list[ActionOutcome] = []
            for remote, pair in moving.items():
                outcomes += await self._write_moves(kind, {remote: pair})
            return outcomes
        except ConnectorError as error:
            return [Unknown(one.key, str(error)) for one in actions]
        return self._moved(moving, answer)

    def _moved(
        self, moving: dict[str, tuple[LedgerAction, str]], answer: Answer
    ) -> list[ActionOutcome]:
        try:
            rows = documents_in(answer.decode(Envelope)) or []
        except ProtocolError as error:
            return [Unknown(one.key, str(error)) for one, _ in moving.values()]
        by_id = {identifier(row.id): row for row in rows if row.id != NOTHING}
        outcomes: list[ActionOutcome] = []
        for place, (remote, (one, _)) in enumerate(moving.items()):
            row = by_id.get(remote)
            if row is None and len(rows) == len(moving):
                row = rows[place] if rows[place].has_errors else None
            outcomes.append(self._outcome(one, row, answer.request_id or ""))
        return outcomes

    def _outcome(
        self, one: LedgerAction, row: WireDocument | None, request_id: str
    ) -> ActionOutcome:
        if row is None:
            return Unknown(one.key, f"{self._connection}: Xero's answer does not show the document")
        if row.has_errors or (row.status_attribute_string or "").upper() == "ERROR":
            return rejected(one.key, [text.message for text in row.validation_errors or []])
        try:
            entry = self._lookup.entry(row)
        except ProtocolError:
            entry = None  # it happened; what it looks like is read back later
        return Done(key=one.key, remote=identifier(one.remote), entry=entry, request_id=request_id)

    async def _allocate(self, one: LedgerAction) -> ActionOutcome:
        """Put a credit note's money to an invoice, unless that was done before."""
        remote, target = identifier(one.remote), identifier(one.target)
        try:
            rows = await self._lookup.wires({remote: DocumentKind.CREDIT}, essential=True)
        except AuthError:
            raise
        except ConnectorError as error:
            return NotSent(one.key, str(error))
        if remote not in rows:
            return _refuse(one, "the credit note is gone from Xero")
        credit = rows[remote]
        for part in credit.allocations or []:
            done = part.invoice is not None and identifier(part.invoice.invoice_id) == target
            if done and part.amount == one.amount and not part.is_deleted:
                return Done(key=one.key, remote=remote, entry=self._lookup.entry(credit))
        entry = self._lookup.entry(credit)
        if entry.status is not EntryStatus.OPEN or entry.balance < one.amount:
            return _refuse(
                one,
                f"the credit note is {entry.status.value} and {entry.balance:f} of it is left;"
                f" {one.amount:f} is to be allocated",
            )
        body: dict[str, Any] = {"Invoice": {"InvoiceID": target}, "Amount": one.amount}
        if one.dated is not None:
            body["Date"] = one.dated.isoformat()
        try:
            answer = await self._client.write(
                "PUT",
                f"/CreditNotes/{remote}/Allocations",
                json={"Allocations": [body]},
                key=batch_key([f"{one.kind.value} {one.attempt}"]),
            )
        except AuthError:
            raise
        except SURELY_NOT_SENT as error:
            return NotSent(one.key, str(error))
        except RequestRejected as error:
            if leaves_open(error):
                return Unknown(one.key, str(error))
            return rejected(one.key, all_messages(error.body) or [str(error)])
        except ConnectorError as error:
            return Unknown(one.key, str(error))
        return Done(key=one.key, remote=remote, request_id=answer.request_id or "")


def _decided(one: LedgerAction, entry: LedgerEntry | None) -> str | ActionOutcome:
    """The status to write, or the outcome without a write."""
    if entry is None:
        return _refuse(one, "the document is gone from Xero")
    done = Done(key=one.key, remote=entry.remote, entry=entry)
    if one.kind is ActionKind.APPROVE and entry.status in (EntryStatus.OPEN, EntryStatus.PAID):
        return done
    if one.kind is ActionKind.VOID and entry.status in GONE:
        return done
    if one.version and entry.version != one.version:
        code = RejectedCode.VERSION_MOVED.value
        return Rejected(one.key, code, f"{entry.number} was changed in Xero since it was read")
    if one.kind is ActionKind.APPROVE:
        if entry.status is not EntryStatus.DRAFT:
            return _refuse(one, f"{entry.number} is {entry.status.value} and cannot be approved")
        return "AUTHORISED"
    if entry.status is EntryStatus.DRAFT:
        return "DELETED"
    if entry.status is EntryStatus.PAID or entry.paid or entry.credited:
        return _refuse(
            one,
            f"{entry.number} has {entry.paid:f} paid and {entry.credited:f} credited; it is never"
            " voided",
        )
    return "VOIDED"


def _refuse(one: LedgerAction, message: str) -> Rejected:
    return Rejected(one.key, RejectedCode.NOT_ALLOWED_NOW.value, message)


def rejected(key: str, messages: Sequence[str]) -> Rejected:
    """A refusal in Xero's words, with the code of what happens next."""
    code, text = meaning(list(messages))
    return Rejected(key, code.value, text)
