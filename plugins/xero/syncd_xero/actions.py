"""Writes beside creating documents: each reads first, so that a repetition finds its work done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.sdk.errors import AuthError, ConnectorError, RequestRejected
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus
from syncd.sdk.ledger_writes import ActionKind, ActionOutcome, Done, LedgerAction, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd_xero.client import XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.creations import Creations
from syncd_xero.lookup import Lookup
from syncd_xero.moves import MOVES, Moves
from syncd_xero.posting import SURELY_NOT_SENT, batch_key, leaves_open
from syncd_xero.refusals import all_messages, refusal
from syncd_xero.values import chunks, identifier


class Actions:
    """Acts on documents and catalogues of one organisation."""

    def __init__(self, client: XeroClient, config: XeroConfig, connection: str) -> None:
        self._client = client
        self._config = config
        self._connection = connection
        self._lookup = Lookup(client, config, connection)
        self._creations = Creations(client, connection)
        self._moves = Moves(client, self._lookup, connection)

    async def act(self, actions: Sequence[LedgerAction]) -> list[ActionOutcome]:
        """One outcome per action.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        outcomes: list[ActionOutcome] = []
        groups: list[Sequence[LedgerAction]] = []
        for kind in DocumentKind:
            moves = [one for one in actions if one.kind in MOVES and one.document_kind is kind]
            groups += chunks(moves, self._config.batch)
        groups += [[one] for one in actions if one.kind not in MOVES]
        for group in groups:
            try:
                outcomes += await self._group(group)
            except AuthError as error:
                if not outcomes:
                    raise
                outcomes += [NotSent(one.key, str(error)) for one in group]
        return outcomes

    async def _group(self, group: Sequence[LedgerAction]) -> list[ActionOutcome]:
        if group[0].kind in MOVES:
            return await self._moves.move(group)
        if group[0].kind is ActionKind.ALLOCATE:
            return [await self._allocate(group[0])]
        return [await self._creations.create(group[0])]

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
                f"the credit note is {entry.status.value} and {entry.balance:,.2f} of it is left;"
                f" {one.amount:,.2f} is to be allocated",
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
            return refusal(one.key, all_messages(error.body) or [str(error)])
        except ConnectorError as error:
            return Unknown(one.key, str(error))
        return Done(key=one.key, remote=remote, request_id=answer.request_id or "")


def _refuse(one: LedgerAction, message: str) -> Rejected:
    return Rejected(one.key, RejectedCode.NOT_ALLOWED_NOW.value, message)
