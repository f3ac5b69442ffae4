"""Creates documents in batches and says of each what became of it; never an update by number.

`PUT` alone is used: a `POST` with a number that exists would overwrite somebody's invoice. The key
of a batch follows from the attempts in it, so that its repetition executes once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    DataError,
    ProtocolError,
    RateLimited,
    RequestRejected,
)
from syncd.sdk.http import Answer
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus
from syncd.sdk.ledger_writes import LedgerDocument, Posted, PostOutcome, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd.sdk.wire import write_json
from syncd_xero.client import XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.lookup import PATHS, Lookup, documents_in
from syncd_xero.models import Envelope, WireDocument
from syncd_xero.payload import document_of
from syncd_xero.refusals import all_messages, is_other_request, of_elements, refusal
from syncd_xero.values import NOTHING

LARGEST_BODY: Final = 3_000_000
"""Bytes of one write; Xero's pages name 3.5 MB and 10 MB as its limit."""

STILL_RUNNING: Final = 409
"""Perhaps the answer while the first call under a key is under way; Xero does not say."""

SURELY_NOT_SENT: Final = (ConnectFailed, RateLimited)
ELEMENTS: Final = {DocumentKind.INVOICE: "Invoices", DocumentKind.CREDIT: "CreditNotes"}
WRITE: Final[dict[str, str | int]] = {"summarizeErrors": "false", "unitdp": 4}


@dataclass(frozen=True, slots=True)
class _Item:
    document: LedgerDocument
    wire: dict[str, Any]
    size: int


def batch_key(attempts: Sequence[str]) -> str:
    """The idempotency key of a batch: the same for the same attempts in the same order."""
    return "syncd-" + hashlib.sha256("\n".join(attempts).encode()).hexdigest()[:48]


class Posting:
    """Creates documents in one organisation."""

    def __init__(self, client: XeroClient, config: XeroConfig, connection: str) -> None:
        self._client = client
        self._config = config
        self._connection = connection
        self._lookup = Lookup(client, config, connection)

    async def post(self, documents: Sequence[LedgerDocument]) -> list[PostOutcome]:
        """One outcome per document.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
            ValueError: a key stands in two documents of one call.
        """
        if len({one.key for one in documents}) != len(documents):
            message = "a key stands in two documents of one call"
            raise ValueError(message)
        outcomes: list[PostOutcome] = []
        items = [item for one in documents if (item := self._item(one, outcomes)) is not None]
        wrote = False
        for kind in DocumentKind:
            same = [item for item in items if item.document.kind is kind]
            for batch in _batches(same, self._config.batch):
                try:
                    outcomes += await self._batch(kind, batch)
                    wrote = True
                except AuthError as error:
                    if not wrote:
                        raise
                    outcomes += [_not_sent(item, error) for item in batch]
        return outcomes

    def _item(self, document: LedgerDocument, outcomes: list[PostOutcome]) -> _Item | None:
        try:
            wire = document_of(document, self._config)
        except DataError as error:
            code = RejectedCode.REFUSED.value
            outcomes.append(Rejected(document.key, code, f"{error}; {error.remedy}"))
            return None
        return _Item(document, wire, len(write_json(wire)) + 1)

    async def _batch(self, kind: DocumentKind, batch: list[_Item]) -> list[PostOutcome]:
        """Write one batch.

        Raises:
            AuthError: nothing of it was written.
        """
        outcomes: list[PostOutcome] = []
        if kind is DocumentKind.CREDIT:
            try:
                batch = await self._without_taken(batch, outcomes)
            except AuthError:
                raise
            except ConnectorError as error:
                return [_not_sent(item, error) for item in batch]
        if not batch:
            return outcomes
        key = batch_key([item.document.attempt for item in batch])
        body = {ELEMENTS[kind]: [item.wire for item in batch]}
        try:
            answer = await self._client.write("PUT", PATHS[kind], json=body, key=key, params=WRITE)
        except AuthError:
            raise
        except SURELY_NOT_SENT as error:
            return outcomes + [_not_sent(item, error) for item in batch]
        except RequestRejected as error:
            return outcomes + await self._refused(kind, batch, error)
        except ConnectorError as error:
            return outcomes + [Unknown(item.document.key, str(error)) for item in batch]
        return outcomes + self._answered(batch, answer)

    async def _without_taken(self, batch: list[_Item], outcomes: list[PostOutcome]) -> list[_Item]:
        """Credit notes whose number is free: it is not documented that Xero keeps them unique."""
        numbers = {item.document.number for item in batch}
        rows = await self._lookup.numbered(sorted(numbers), DocumentKind.CREDIT)
        gone = {EntryStatus.VOIDED, EntryStatus.DELETED}
        entries = [self._lookup.entry(row) for row in rows]
        taken = {one.number.casefold() for one in entries if one.status not in gone}
        free = []
        for item in batch:
            number = item.document.number
            if number.casefold() in taken:
                code = RejectedCode.NUMBER_TAKEN.value
                message = f"Xero has a credit note {number} already"
                outcomes.append(Rejected(item.document.key, code, message))
            else:
                free.append(item)
        return free

    async def _refused(
        self, kind: DocumentKind, batch: list[_Item], error: RequestRejected
    ) -> list[PostOutcome]:
        """What a batch's refusal as a whole means: nothing of it was saved.

        A batch that does not say which element is to blame is sent again in halves, so that one
        bad document costs no other its place.
        """
        messages = all_messages(error.body)
        if leaves_open(error):
            return [Unknown(item.document.key, str(error)) for item in batch]
        named = of_elements(error.body)
        numbers = {item.document.number for item in batch}
        if len(batch) == 1:
            return [refusal(batch[0].document.key, messages or [str(error)])]
        guilty = [item for item in batch if item.document.number in named]
        if guilty and set(named) <= numbers and len(guilty) < len(batch):
            rest = [item for item in batch if item.document.number not in named]
            outcomes = [refusal(item.document.key, named[item.document.number]) for item in guilty]
            return outcomes + await self._again(kind, rest)
        half = len(batch) // 2
        first = await self._again(kind, batch[:half])
        return first + await self._again(kind, batch[half:])

    async def _again(self, kind: DocumentKind, batch: list[_Item]) -> list[PostOutcome]:
        try:
            return await self._batch(kind, batch)
        except AuthError as error:
            return [_not_sent(item, error) for item in batch]

    def _answered(self, batch: list[_Item], answer: Answer) -> list[PostOutcome]:
        """Outcomes by element; the numbers prove which one an answer is about."""
        try:
            rows = documents_in(answer.decode(Envelope)) or []
        except ProtocolError as error:
            return [Unknown(item.document.key, str(error)) for item in batch]
        by_number: dict[str, list[WireDocument]] = {}
        for one in rows:
            by_number.setdefault(one.number.casefold(), []).append(one)
        outcomes: list[PostOutcome] = []
        for place, item in enumerate(batch):
            named = by_number.get(item.document.number.casefold(), [])
            row = named[0] if len(named) == 1 else None
            if row is None and len(rows) == len(batch) and not rows[place].number:
                row = rows[place]
            outcomes.append(self._outcome(item, row, answer.request_id or ""))
        return outcomes

    def _outcome(self, item: _Item, row: WireDocument | None, request_id: str) -> PostOutcome:
        key = item.document.key
        if row is None:
            return Unknown(key, f"{self._connection}: Xero's answer does not show the document")
        errors = [one.message for one in row.validation_errors or []]
        failed = row.has_errors or (row.status_attribute_string or "").upper() == "ERROR"
        if failed or (errors and row.id in ("", NOTHING)):
            return refusal(item.document.key, errors)
        try:
            entry = self._lookup.entry(row)
        except ProtocolError as error:
            return Unknown(key, str(error))
        return Posted(key=key, entry=entry, request_id=request_id)


def leaves_open(error: RequestRejected) -> bool:
    """Whether a refusal says nothing about what became of an earlier call under the key."""
    texts = all_messages(error.body)
    return error.http_status == STILL_RUNNING or any(map(is_other_request, texts))


def _batches(items: Sequence[_Item], most: int) -> Iterator[list[_Item]]:
    """Batches within the count and the bytes of one write; a number stands in one of them once."""
    batch: list[_Item] = []
    size = 0
    numbers: set[str] = set()
    for item in items:
        number = item.document.number.casefold()
        full = len(batch) >= most or size + item.size > LARGEST_BODY or number in numbers
        if batch and full:
            yield batch
            batch, size, numbers = [], 0, set()
        batch.append(item)
        size += item.size
        numbers.add(number)
    if batch:
        yield batch


def _not_sent(item: _Item, error: ConnectorError) -> NotSent:
    after = error.retry_after if isinstance(error, RateLimited) else None
    return NotSent(item.document.key, str(error), after)
