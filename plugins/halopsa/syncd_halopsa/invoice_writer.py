"""Writes number and posted state of documents back to their invoices; what is not shown is unsaid.

Each invoice is read before it is written, so that a mark is never written twice and never over one
of somebody else; a save whose answer was not seen is read again and never repeated blind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.sdk import waiting
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    ProtocolError,
    RateLimited,
    RequestRejected,
)
from syncd.sdk.http import Answer
from syncd.sdk.invoice_records import PostedMark
from syncd.sdk.psa_records import Delivered, NotSent, Outcome, Receipt, Rejected, Unknown
from syncd_halopsa.bookkeeping import links_of, modules_on
from syncd_halopsa.client import HaloApi
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.finality import checks_of
from syncd_halopsa.invoice_models import WireInvoice
from syncd_halopsa.invoices import InvoiceReader
from syncd_halopsa.posted_mark import Links, MarkShape, lines_with_tax
from syncd_halopsa.proof import not_sent, unread
from syncd_halopsa.wire import lenient

FOREIGN_MARK = "FOREIGN_MARK"
INVOICE_GONE = "INVOICE_GONE"
MARK_NOT_KEPT = "MARK_NOT_KEPT"


@dataclass(frozen=True, slots=True)
class _Item:
    """A mark and its invoice as it was read before the save."""

    mark: PostedMark
    wire: WireInvoice

    @property
    def key(self) -> str:
        return self.mark.key


class InvoiceWriter:
    """Marks invoices over one opened connection."""

    def __init__(self, api: HaloApi, config: HaloPsaConfig, reader: InvoiceReader) -> None:
        self._api = api
        self._config = config
        self._reader = reader
        self._saved = False

    async def mark(self, marks: Sequence[PostedMark]) -> list[Outcome]:
        """One outcome per mark.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        if not marks:
            return []
        self._saved = False
        try:
            shape = await self._shape()
            known = await self._reader.rows(
                [mark.invoice for mark in marks], **self._unposted_only()
            )
            posted = [row.id for row in known.values() if row.posted]
            links = await links_of(self._api, posted) if posted else None
        except AuthError:
            raise
        except ConnectorError as error:
            return [not_sent(mark.key, error) for mark in marks]
        outcomes: list[Outcome] = []
        items: list[_Item] = []
        for mark in marks:
            wire = known.get(mark.invoice)
            settled = _settled(mark, wire, shape, links)
            if settled is not None:
                outcomes.append(settled)
            elif wire is not None:
                items.append(_Item(mark, wire))
        size = self._config.write_batch
        groups = [items[n : n + size] for n in range(0, len(items), size)]
        return outcomes + await self._all(groups, shape, links)

    async def _all(
        self, groups: list[list[_Item]], shape: MarkShape, links: Links | None
    ) -> list[Outcome]:
        """Outcomes of all groups; after one that could not be sent, none is sent any more."""
        outcomes: list[Outcome] = []
        barrier: NotSent | None = None
        for group in groups:
            if barrier is not None:
                reason, wait = barrier.message, barrier.retry_after
                outcomes += [NotSent(item.key, reason, wait) for item in group]
                continue
            try:
                done = await self._group(group, shape, links)
            except AuthError as error:
                if not self._saved:
                    raise
                done = [not_sent(item.key, error) for item in group]
            outcomes += done
            barrier = next((one for one in done if isinstance(one, NotSent)), None)
        return outcomes

    async def _shape(self) -> MarkShape:
        off = bool(self._config.foreign_id_fields) and await modules_on(self._api) == ()
        return MarkShape(self._config, modules_off=off)

    def _unposted_only(self) -> dict[str, str]:
        """Filters of a sweep before the writes: what is posted is then asked for by itself."""
        found = {} if self._config.write_tax else {"includelines": "false"}
        if "posted" not in checks_of(self._config.finalised):
            found["notpostedonly"] = "true"
        return found

    async def _group(
        self, group: list[_Item], shape: MarkShape, links: Links | None, *, again: bool = True
    ) -> list[Outcome]:
        """Outcomes of one save.

        Raises:
            AuthError: refused; nothing of the group was saved.
        """
        try:
            elements = [await self._element(item, shape, links) for item in group]
        except AuthError:
            raise
        except ConnectorError as error:
            return [not_sent(item.key, error) for item in group]
        try:
            answer = await self._api.save_invoices(elements)
        except AuthError:
            raise
        except RequestRejected as error:
            if len(group) > 1:
                await waiting.sleep(self._config.settle_seconds)  # a part may have been saved
                return await self._one_by_one(group, shape, links)
            return [await self._refused(group[0], shape, links, error, again=again)]
        except (ConnectFailed, RateLimited) as error:
            return [not_sent(item.key, error) for item in group]
        except ConnectorError as error:
            self._saved = True
            await waiting.sleep(self._config.settle_seconds)
            return await self._looked_up(group, shape, lost=error)
        self._saved = True
        return await self._proven(group, shape, answer)

    async def _element(
        self, item: _Item, shape: MarkShape, links: Links | None
    ) -> dict[str, object]:
        element = shape.element(item.mark, item.wire, links)
        if shape.writes_tax(item.mark, item.wire) and item.mark.tax is not None:
            answer = await self._api.whole_invoice(item.mark.invoice)
            if answer is not None:
                element["lines"] = lines_with_tax(answer, item.mark.tax)
        return element

    async def _one_by_one(
        self, group: list[_Item], shape: MarkShape, links: Links | None
    ) -> list[Outcome]:
        """A refused array: what was saved of it counts, the rest goes again, each alone."""
        try:
            rows = await self._reader.rows([item.mark.invoice for item in group])
        except AuthError:
            raise
        except ConnectorError as error:
            return [unread(item.key, error) for item in group]
        outcomes: list[Outcome] = []
        groups: list[list[_Item]] = []
        for item in group:
            wire = rows.get(item.mark.invoice)
            settled = _settled(item.mark, wire, shape, links)
            if settled is not None:
                self._saved = self._saved or isinstance(settled, Delivered)
                outcomes.append(settled)
            elif wire is not None:
                groups.append([_Item(item.mark, wire)])
        return outcomes + await self._all(groups, shape, links)

    async def _refused(
        self,
        item: _Item,
        shape: MarkShape,
        links: Links | None,
        error: RequestRejected,
        *,
        again: bool,
    ) -> Outcome:
        """A refused save of one invoice; one that moved since it was read is tried once more."""
        refusal = Rejected(item.key, "REFUSED_BY_PSA", str(error))
        try:
            wire = await self._api.invoice(item.mark.invoice)
        except ConnectorError:
            return refusal  # the refusal stands; only its cause stays open
        settled = _settled(item.mark, wire, shape, links)
        if settled is not None or wire is None:
            return settled or refusal
        if again and wire.change_seq != item.wire.change_seq:
            fresh = _Item(item.mark, wire)
            return (await self._group([fresh], shape, links, again=False))[0]
        return refusal

    async def _proven(self, group: list[_Item], shape: MarkShape, answer: Answer) -> list[Outcome]:
        """What an answered save did, from its answer or else from the invoices read again."""
        shown = {str(row.id): row for row in _shown(answer)}
        outcomes: list[Outcome] = []
        left: list[_Item] = []
        for item in group:
            row = shown.get(item.mark.invoice)
            if row is not None and _is_kept(item, row, shape):
                outcomes.append(_delivered(item.mark, answer.request_id))
            else:
                left.append(item)
        return outcomes + (await self._looked_up(left, shape, lost=None) if left else [])

    async def _looked_up(
        self, group: list[_Item], shape: MarkShape, *, lost: ConnectorError | None
    ) -> list[Outcome]:
        try:
            rows = await self._reader.rows([item.mark.invoice for item in group], postedonly="true")
            untold = [
                rows[item.mark.invoice].id
                for item in group
                if item.mark.invoice in rows
                and not shape.links(item.mark, rows[item.mark.invoice], None)
            ]
            links = await links_of(self._api, untold) if untold else None
        except ConnectorError as error:
            return [unread(item.key, error) for item in group]
        outcomes: list[Outcome] = []
        for item in group:
            wire = rows.get(item.mark.invoice)
            if wire is not None and _is_marked(item.mark, wire, shape, links):
                outcomes.append(_delivered(item.mark, None))
            elif lost is not None:
                outcomes.append(Unknown(item.key, str(lost)))
            elif wire is None:
                outcomes.append(_gone(item.mark))
            else:
                message = (
                    f"HaloPSA took the save of invoice {item.mark.invoice} and does not show it as"
                    f" posted with number {item.mark.number} and a link to {item.mark.remote}"
                )
                outcomes.append(Rejected(item.key, MARK_NOT_KEPT, message))
        return outcomes


def _settled(
    mark: PostedMark, wire: WireInvoice | None, shape: MarkShape, links: Links | None
) -> Outcome | None:
    """The outcome where nothing is to be written, or nothing may be."""
    if wire is None:
        return _gone(mark)
    if obstacle := shape.obstacle(mark, wire, links):
        message = f"invoice {mark.invoice} was not marked: {obstacle}"
        return Rejected(mark.key, FOREIGN_MARK, message)
    return _delivered(mark, None) if _is_marked(mark, wire, shape, links) else None


def _is_marked(mark: PostedMark, wire: WireInvoice, shape: MarkShape, links: Links | None) -> bool:
    """Whether the invoice shows the mark; a link that nobody can read is not asked for."""
    return shape.shows(mark, wire) and shape.links(mark, wire, links) is not False


def _is_kept(item: _Item, row: WireInvoice, shape: MarkShape) -> bool:
    """Whether the answer to a save shows it; where it tells no link, the rest must be new."""
    told = shape.links(item.mark, row, None)
    fresh = not shape.shows(item.mark, item.wire)
    return shape.shows(item.mark, row) and (told or (told is None and fresh))


def _shown(answer: Answer) -> list[WireInvoice]:
    """The invoices in the answer to a save: one object, an array, or nothing that can be read."""
    try:
        if answer.body.lstrip()[:1] == b"[":
            return lenient(answer, list[WireInvoice])
        return [lenient(answer, WireInvoice)]
    except ProtocolError:
        return []  # the save was answered; what it did is read back


def _delivered(mark: PostedMark, request_id: str | None) -> Delivered:
    return Delivered(mark.key, Receipt(mark.key, mark.invoice, None, request_id))


def _gone(mark: PostedMark) -> Rejected:
    return Rejected(
        mark.key, INVOICE_GONE, f"HaloPSA has no invoice {mark.invoice} any more", gone=True
    )
