"""Creates documents in batches: each has an outcome of its own, and nothing is sent twice.

Whether a number is taken is looked up before, as the company may be set to allow what is taken;
QuickBooks's own refusal comes on top of that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    DataError,
    OutcomeUnknown,
    ProtocolError,
    TransientError,
)
from syncd.sdk.ledger_records import EntryStatus
from syncd.sdk.ledger_writes import (
    LedgerDocument,
    Posted,
    PostOutcome,
    RejectedCode,
)
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd_quickbooks.book import Home
from syncd_quickbooks.client import PAUSE, CompanyClient
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.entries import Reader
from syncd_quickbooks.faults import Next, Refused, Said, said
from syncd_quickbooks.models import BatchAnswer, Done
from syncd_quickbooks.payload import ENTITIES, body_of
from syncd_quickbooks.searching import Search

LONGEST_REQUEST_ID: Final = 36
"""Of a batch, which leaves each item ten characters."""

NUMBERS_OFF: Final = (
    "the company numbers its documents itself, so that the client's number would be lost; switch"
    " on 'Custom transaction numbers' in QuickBooks under Account and settings, Sales"
)
_GONE: Final = frozenset({EntryStatus.VOIDED, EntryStatus.DELETED})


class Poster:
    """Writes documents of one company."""

    def __init__(self, client: CompanyClient, search: Search, reader: Reader, home: Home) -> None:
        """Describe the work; nothing is asked.

        Args:
            client: of the company.
            search: likewise.
            reader: of its answers.
            home: what is known of it.
        """
        self._client = client
        self._search = search
        self._reader = reader
        self._home = home
        self._postponed = client.postponed

    async def post(
        self, documents: Sequence[LedgerDocument], config: QuickBooksConfig
    ) -> list[PostOutcome]:
        """Create documents; one outcome per key.

        Raises:
            AuthError: the consent or a right is missing, and nothing was written.
        """
        if self._home.book.own_numbers is False:
            code = RejectedCode.REFUSED
            return [Rejected(one.key, code=code, message=NUMBERS_OFF) for one in documents]
        outcomes: list[PostOutcome] = []
        sent: list[tuple[LedgerDocument, dict[str, Any]]] = []
        named: set[tuple[str, str]] = set()
        for one in documents:
            try:
                body = body_of(one, self._home, config)
            except DataError as error:
                outcomes.append(_refused(one, RejectedCode.REFUSED, f"{error}; {error.remedy}"))
                continue
            name = one.kind.value, one.number.casefold()
            if name in named:
                what = f"number {one.number} stands twice in one batch"
                outcomes.append(_refused(one, RejectedCode.NUMBER_TAKEN, what))
                continue
            named.add(name)
            sent.append((one, body))
        try:
            free, taken = await self._free(sent)
        except (TransientError, ProtocolError) as error:
            return outcomes + [not_sent(one.key, error) for one, _ in sent]
        outcomes += taken
        return outcomes + (await self._send(free) if free else [])

    async def _free(
        self, sent: list[tuple[LedgerDocument, dict[str, Any]]]
    ) -> tuple[list[tuple[LedgerDocument, dict[str, Any]]], list[PostOutcome]]:
        """Those whose number nobody has, and refusals of the others."""
        free: list[tuple[LedgerDocument, dict[str, Any]]] = []
        taken: list[PostOutcome] = []
        for kind in ENTITIES:
            of_kind = [one for one in sent if one[0].kind is kind]
            if not of_kind:
                continue
            known = await self._search.numbered(kind, [one.number for one, _ in of_kind])
            for one, body in of_kind:
                holders = [
                    entry
                    for entry in known.get(one.number.casefold(), ())
                    if entry.status not in _GONE
                ]
                if holders:
                    what = f"number {one.number} is that of {kind.value} {holders[0].remote}"
                    taken.append(_refused(one, RejectedCode.NUMBER_TAKEN, what))
                else:
                    free.append((one, body))
        return free, taken

    async def _send(self, items: list[tuple[LedgerDocument, dict[str, Any]]]) -> list[PostOutcome]:
        """One batch; one that is refused as a whole is halved until the culprit is found."""
        request = [
            {"bId": str(n), "operation": "create", ENTITIES[one.kind]: body}
            for n, (one, body) in enumerate(items, start=1)
        ]
        # An item that was put off was surely not done, and its fault may be what is remembered.
        attempts = "|".join(
            f"{one.attempt}{self._postponed[one.attempt] or ''}" for one, _ in items
        )
        digest = hashlib.sha256(attempts.encode()).hexdigest()[:LONGEST_REQUEST_ID]
        try:
            answer = await self._client.write(
                "batch", {"BatchItemRequest": request}, {"requestid": digest}, batch=True
            )
            outcomes = answer.decode(BatchAnswer).items
        except OutcomeUnknown as error:
            return [Unknown(one.key, str(error)) for one, _ in items]
        except ProtocolError as error:
            return [Unknown(one.key, str(error)) for one, _ in items]
        except TransientError as error:
            return [not_sent(one.key, error) for one, _ in items]
        except Refused as error:
            return await self._halved(items, error)
        done = {item.bid: item for item in outcomes}
        tid = answer.request_id or ""
        return [
            self._outcome(one, done.get(str(n)), tid) for n, (one, _) in enumerate(items, start=1)
        ]

    async def _halved(
        self, items: list[tuple[LedgerDocument, dict[str, Any]]], error: Refused
    ) -> list[PostOutcome]:
        if error.said.next is Next.UNKNOWN:
            return [Unknown(one.key, str(error)) for one, _ in items]
        if len(items) == 1:
            return [_refused(items[0][0], error.said.rejected, error.said.sentence)]
        middle = len(items) // 2
        first = await self._send(items[:middle])
        try:
            return first + await self._send(items[middle:])
        except AuthError as lost:
            # The first half may be written, so this is no refusal of the whole.
            return first + [NotSent(one.key, str(lost)) for one, _ in items[middle:]]

    def _outcome(self, one: LedgerDocument, item: Done | None, tid: str) -> PostOutcome:
        row = None if item is None else item.invoice or item.credit
        if item is not None and item.fault is not None:
            fault = said(item.fault)
            if fault.next in {Next.LATER, Next.PERSON}:
                self._postponed[one.attempt] += 1
            return _faulted(one, fault)
        if row is None:
            return Unknown(one.key, f"{one.number}: the batch's answer does not tell of it")
        try:
            return Posted(one.key, self._reader.entry(row, one.kind), tid)
        except ProtocolError as error:
            return Unknown(one.key, str(error))


def not_sent(key: str, error: ConnectorError) -> NotSent:
    """The outcome of what was not written because something before it could not be read."""
    return NotSent(
        key, str(error), error.retry_after if isinstance(error, TransientError) else None
    )


def _faulted(one: LedgerDocument, fault: Said) -> PostOutcome:
    match fault.next:
        case Next.LATER:
            return NotSent(one.key, fault.sentence, PAUSE)
        case Next.UNKNOWN:
            return Unknown(one.key, fault.sentence)
        case Next.PERSON:
            return NotSent(one.key, fault.sentence)
    return _refused(one, fault.rejected, fault.sentence)


def _refused(one: LedgerDocument, code: RejectedCode, message: str) -> Rejected:
    return Rejected(one.key, code=code.value, message=message)
