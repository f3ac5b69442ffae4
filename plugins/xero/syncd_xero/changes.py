"""What changed in an organisation since a moment: documents, payments, pre- and overpayments.

Xero keeps the moment of a change to the second and not every change moves it, so each read reaches
back behind the last one; repeats are harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from syncd.sdk.ledger_records import LedgerChanges, LedgerEntry, LedgerPayment
from syncd_xero.client import XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.entries import credits_of, is_sale, payments_of
from syncd_xero.listing import Pages
from syncd_xero.lookup import PATHS, SALES, Lookup, documents_in
from syncd_xero.models import Envelope
from syncd_xero.values import modified_since

T = TypeVar("T")


class Changes:
    """One read of what changed."""

    def __init__(
        self, client: XeroClient, config: XeroConfig, connection: str, now: datetime
    ) -> None:
        self._client = client
        self._config = config
        self._connection = connection
        self._lookup = Lookup(client, config, connection)
        self._began = now

    async def read(self, since: datetime) -> LedgerChanges:
        """Everything changed at or after a moment.

        Raises:
            ProtocolError: a list is not whole.
        """
        entries: list[LedgerEntry] = []
        for kind, path in PATHS.items():
            rows = await self._list(
                path, {"where": SALES[kind], "unitdp": 4}, since, documents_in, lambda row: row.id
            )
            entries += [self._lookup.entry(row) for row in rows if is_sale(row)]
        paid = await self._list(
            "/Payments", {}, since, lambda answer: answer.payments, lambda row: row.payment_id
        )
        payments: list[LedgerPayment] = list(payments_of(paid))
        if self._config.other_payments:
            over = await self._list(
                "/Overpayments", {}, since, lambda answer: answer.overpayments, lambda row: row.id
            )
            before = await self._list(
                "/Prepayments", {}, since, lambda answer: answer.prepayments, lambda row: row.id
            )
            payments += [*credits_of(over, self._connection), *credits_of(before, self._connection)]
        overlap = timedelta(seconds=self._config.overlap_seconds)
        until = max(since, (self._began - overlap).replace(microsecond=0))
        return LedgerChanges(entries=tuple(entries), payments=tuple(payments), until=until)

    async def _list(
        self,
        path: str,
        params: dict[str, str | int],
        since: datetime,
        rows_of: Callable[[Envelope], list[T] | None],
        id_of: Callable[[T], str],
    ) -> list[T]:
        pages = Pages(
            self._client,
            path,
            params,
            page_size=self._config.page_size,
            connection=self._connection,
            headers={"if-modified-since": modified_since(since)},
        )
        rows = await pages.all(rows_of, id_of)
        if pages.asked_at is not None:
            # The earlier of two clocks: what the other one calls past may still be to come.
            self._began = min(self._began, pages.asked_at.astimezone(UTC))
        return rows
