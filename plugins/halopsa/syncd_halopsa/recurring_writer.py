"""Lets lines of recurring invoices count subscriptions: read whole, one link, all lines, re-read.

HaloPSA replaces the lines of a recurring invoice by those of a save, so nothing is claimed before
the invoice was read again and shows the link and everything else as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from syncd.sdk import waiting
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    RateLimited,
    RequestRejected,
)
from syncd.sdk.records import (
    Delivered,
    LinkChange,
    NotSent,
    Outcome,
    Receipt,
    Rejected,
    Unknown,
)
from syncd_halopsa.client import HaloApi
from syncd_halopsa.whole_invoice import WholeInvoice

INVOICE_MOVED = "INVOICE_MOVED"
INVOICE_EDITED = "INVOICE_EDITED"
INVOICE_GONE = "INVOICE_GONE"
LINK_NOT_KEPT = "LINK_NOT_KEPT"

_SHOWN = 5


class RecurringWriter:
    """Writes links over one opened connection.

    Args:
        api: the signed API.
        settle_seconds: wait after a lost answer before the invoice is read again.
    """

    def __init__(self, api: HaloApi, settle_seconds: float) -> None:
        self._api = api
        self._settle_seconds = settle_seconds
        self._saves = 0

    async def digests(self, invoices: Collection[str]) -> dict[str, str]:
        """Digest of each recurring invoice as it stands; one that is gone is absent."""
        found = {}
        for remote in sorted(set(invoices)):
            whole = await self._read(remote)
            if whole is not None:
                found[remote] = whole.digest()
        return found

    async def link(self, changes: Sequence[LinkChange]) -> list[Outcome]:
        """One outcome per change.

        Changes of one invoice that were planned on the same digest follow one another: each rests
        on what the one before it was seen to leave.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        self._saves = 0
        standing: dict[tuple[str, str], str] = {}
        outcomes: list[Outcome] = []
        for change in changes:
            planned = (change.invoice, change.observed)
            try:
                outcome, left = await self._one(change, standing.get(planned, change.observed))
            except AuthError as error:
                if self._saves:
                    outcome, left = NotSent(change.key, str(error)), None
                else:
                    raise
            if left is not None:
                standing[planned] = left
            outcomes.append(outcome)
        return outcomes

    async def _one(self, change: LinkChange, expected: str) -> tuple[Outcome, str | None]:
        """The outcome, and the digest of the invoice where a save was seen to stand."""
        try:
            before = await self._read(change.invoice)
        except AuthError:
            raise
        except ConnectorError as error:
            return NotSent(change.key, str(error)), None
        if before is None or int(change.line) not in before.lines:
            what = f"line {change.line} of " if before is not None else ""
            message = f"{what}recurring invoice {change.invoice} is no longer there"
            return Rejected(change.key, INVOICE_GONE, message, gone=True), None
        if before.shows(change):
            return _delivered(change), None
        if before.digest() != expected:
            message = (
                f"recurring invoice {change.invoice} was changed since it was planned; nothing of"
                " it was written"
            )
            return Rejected(change.key, INVOICE_MOVED, message), None
        lost: ConnectorError | None = None
        try:
            await self._api.save_recurring([before.with_link(change)])
        except AuthError:
            raise
        except RequestRejected as error:
            return Rejected(change.key, "REFUSED_BY_PSA", str(error)), None
        except (ConnectFailed, RateLimited) as error:
            return NotSent(change.key, str(error)), None
        except ConnectorError as error:
            lost = error
            await waiting.sleep(self._settle_seconds)
        self._saves += 1
        return await self._proven(change, before, lost)

    async def _proven(
        self, change: LinkChange, before: WholeInvoice, lost: ConnectorError | None
    ) -> tuple[Outcome, str | None]:
        """What a save did, from the invoice read again."""
        try:
            after = await self._read(change.invoice)
        except ConnectorError as error:
            return Unknown(change.key, f"saved, and not read again: {error}"), None
        if after is None:
            message = f"recurring invoice {change.invoice} was removed while it was written"
            return Rejected(change.key, INVOICE_GONE, message, gone=True), None
        stands, moved = after.shows(change), before.differences(after, change)
        if lost is not None and not stands:
            return Unknown(change.key, str(lost)), None
        if moved:
            state = "the link stands" if stands else "the link is not there"
            more = f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else ""
            message = (
                f"recurring invoice {change.invoice} was edited while it was written: {state}, and"
                f" these read otherwise than before: {', '.join(moved[:_SHOWN])}{more}"
            )
            return Rejected(change.key, INVOICE_EDITED, message), None
        if not stands:
            message = (
                f"HaloPSA took the save of recurring invoice {change.invoice} without the link"
            )
            return Rejected(change.key, LINK_NOT_KEPT, message), None
        return _delivered(change), after.digest()

    async def _read(self, remote: str) -> WholeInvoice | None:
        answer = await self._api.whole_recurring(remote)
        return None if answer is None else WholeInvoice.read(answer, remote)


def _delivered(change: LinkChange) -> Delivered:
    return Delivered(change.key, Receipt(change.key, change.line))
