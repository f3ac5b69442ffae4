"""Voids invoices, and deletes credit memos where that is allowed; never what is paid or linked.

QuickBooks keeps the number of a voided invoice taken. Where another document is to have it, the
old one is given another number first, by id and version, and then voided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from syncd.sdk.errors import AuthError, ConnectorError, ProtocolError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import ActionOutcome, Done, LedgerAction, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.entries import Reader, linked
from syncd_quickbooks.faults import Next, Refused
from syncd_quickbooks.models import Transaction
from syncd_quickbooks.payload import ENTITIES
from syncd_quickbooks.requests import Made, Requests, rejected
from syncd_quickbooks.searching import Search

PATHS: Final[Mapping[DocumentKind, tuple[str, str]]] = {
    DocumentKind.INVOICE: ("invoice", "void"),
    DocumentKind.CREDIT: ("creditmemo", "delete"),
}
"""Path and operation: credit memos cannot be voided."""


@dataclass(frozen=True, slots=True)
class Voider:
    """Takes documents of one company back.

    Attributes:
        requests: sends the writes.
        search: looks before.
        reader: of answers.
        config: of the connection.
    """

    requests: Requests
    search: Search
    reader: Reader
    config: QuickBooksConfig

    async def void(self, action: LedgerAction) -> ActionOutcome:
        """Take a document back, by id and version.

        Raises:
            OutcomeUnknown: it may have been renamed or voided.
            Refused: QuickBooks refuses, and says why.
            ConnectorError: it was not voided.
        """
        kind = action.document_kind
        row = (await self.search.rows(ENTITIES[kind], [action.remote])).get(action.remote)
        if row is None:
            if kind is DocumentKind.CREDIT:
                return Done(action.key, action.remote)
            what = f"document {action.remote} is not in the company any more"
            return rejected(action, RejectedCode.NOT_ALLOWED_NOW, what)
        entry = self.reader.entry(row, kind)
        frees = bool(action.renumber) and kind is DocumentKind.INVOICE
        renamed = frees and entry.number == action.renumber
        if entry.status is EntryStatus.VOIDED:
            if frees and not renamed:
                # Ours are renamed first, so that somebody else voided it.
                if action.version and row.sync_token != action.version:
                    what = f"{entry.kind.value} {entry.number} was voided by somebody"
                    message = f"{what} since it was read"
                    return rejected(action, RejectedCode.VERSION_MOVED, message)
                entry = self.reader.entry(await self._renamed(action, row), kind)
            return Done(action.key, action.remote, entry)
        refused = self._fixed(action, row, entry, renamed=renamed)
        if refused is not None:
            return refused
        if not frees or renamed:
            return await self._taken_back(action, row)
        changed = await self._renamed(action, row)
        try:
            return await self._taken_back(action, changed)
        except Refused as error:
            if error.said.next is not Next.REFUSED:
                raise
            refused = rejected(action, error.said.rejected, error.said.sentence)
            return await self._number_back(action, entry.number, refused)
        except AuthError as error:
            # Not raised, as that would say that nothing was written.
            return NotSent(action.key, str(error))

    def _fixed(
        self, action: LedgerAction, row: Transaction, entry: LedgerEntry, *, renamed: bool
    ) -> Rejected | None:
        """Why a document may not be taken back."""
        what = f"{entry.kind.value} {entry.number}"
        kept = _kept(action) if renamed else ""
        if linked(row, ["Payment", "CreditMemo", "Deposit"]) or entry.balance != entry.total:
            message = f"{what} is paid or applied; take that back in QuickBooks{kept}"
            return rejected(action, RejectedCode.NOT_ALLOWED_NOW, message)
        # Our own renaming counts as one change, unless the void was planned after it.
        known = {action.version, _next(action.version)} if renamed else {action.version}
        if action.version and row.sync_token not in known:
            message = f"{what} was changed since it was read{kept}"
            return rejected(action, RejectedCode.VERSION_MOVED, message)
        if entry.kind is DocumentKind.CREDIT and self.config.void_credits == "refuse":
            return rejected(
                action,
                RejectedCode.NOT_ALLOWED_NOW,
                "QuickBooks voids no credit memos, it only deletes them; delete it there, or"
                ' write void_credits = "delete" for this connection',
            )
        return None

    async def _taken_back(self, action: LedgerAction, row: Transaction) -> ActionOutcome:
        path, operation = PATHS[action.document_kind]
        body = {"Id": row.id, "SyncToken": row.sync_token}
        answer = await self.requests.send(action, path, body, operation=operation)
        made = answer.decode(Made)
        now = made.invoice or made.credit
        after = None
        if now is not None and now.txn_date is not None:
            after = self.reader.entry(now, action.document_kind)
        return Done(action.key, action.remote, after, answer.request_id or "")

    async def _renamed(self, action: LedgerAction, row: Transaction) -> Transaction:
        """The document under its other number, of its next version."""
        body = _number(row, action.renumber)
        answer = await self.requests.send(action, "invoice", body, step="n")
        changed = answer.decode(Made).invoice
        if changed is None:
            raise ProtocolError(f"the answer does not tell of document {row.id}")
        return changed

    async def _number_back(self, action: LedgerAction, number: str, refused: Rejected) -> Rejected:
        """The refusal of a void; the document stands, so that its number is its own again."""
        try:
            rows = await self.search.rows(ENTITIES[action.document_kind], [action.remote])
            body = _number(rows[action.remote], number)
            answer = await self.requests.send(action, "invoice", body, step="b")
            back = answer.decode(Made).invoice
        except (ConnectorError, KeyError):
            return msgspec.structs.replace(refused, message=refused.message + _kept(action))
        return msgspec.structs.replace(refused, version="" if back is None else back.sync_token)


def _number(row: Transaction, number: str) -> dict[str, Any]:
    """Changes the number and nothing else."""
    body = {"Id": row.id, "SyncToken": row.sync_token, "sparse": True, "DocNumber": number}
    # Intuit wants it on every invoice of a company with several currencies, and it never changes.
    if row.currency_ref is not None:
        body["CurrencyRef"] = {"value": row.currency_ref.value}
    return body


def _kept(action: LedgerAction) -> str:
    return f"; its number is now {action.renumber}, give it its own back in QuickBooks"


def _next(version: str) -> str:
    return str(int(version) + 1) if version.isdecimal() else version
