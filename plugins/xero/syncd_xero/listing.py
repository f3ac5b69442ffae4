"""Reads lists of Xero page by page, and believes them only when the rows are as many as declared.

While a list is read somebody may change it, and a row may slip from one page to another: then the
distinct rows are fewer than the last page declares, and the list is read again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from syncd.sdk.errors import ProtocolError
from syncd_xero.client import Params, XeroClient
from syncd_xero.models import Envelope
from syncd_xero.values import moment

T = TypeVar("T")

ATTEMPTS: Final = 3
MOST_PAGES: Final = 10_000
SMALLEST_PAGE: Final = 100
"""Rows of a page where the wish for more is not heard."""


class Pages:
    """One list; read it with `all` or `each`.

    Attributes:
        asked_at: the vendor's clock at the first answer, None if it does not tell.
    """

    def __init__(
        self,
        client: XeroClient,
        path: str,
        params: Params,
        *,
        page_size: int,
        connection: str,
        headers: Mapping[str, str] | None = None,
        essential: bool = False,
    ) -> None:
        """Describe the list.

        Args:
            client: open.
            path: of the list.
            params: filter.
            page_size: rows asked for per page.
            connection: for messages.
            headers: of each call.
            essential: it proves a write.
        """
        self._client = client
        self._path = path
        self._params = params
        self._size = page_size
        self._connection = connection
        self._headers = headers
        self._essential = essential
        self.asked_at: datetime | None = None
        self.pages = 0

    async def page(self, number: int) -> Envelope:
        params = {**self._params, "page": number, "pageSize": self._size}
        answer = await self._client.read(
            self._path, params, headers=self._headers, essential=self._essential
        )
        if self.asked_at is None and answer.date_time_utc:
            self.asked_at = _clock(answer.date_time_utc)
        return answer

    async def all(
        self, rows_of: Callable[[Envelope], list[T] | None], id_of: Callable[[T], str]
    ) -> list[T]:
        """Every row once.

        Args:
            rows_of: the list within an answer.
            id_of: tells rows apart.

        Raises:
            ProtocolError: fewer rows came than declared, however often it was read.
        """
        declared, seen = 0, 0
        for _ in range(ATTEMPTS):
            found: dict[str, T] = {}
            declared = 0
            async for rows, count in self._walk(rows_of):
                found.update((id_of(row), row) for row in rows)
                declared = count if count is not None else len(found)
            if len(found) >= declared:
                return list(found.values())
            seen = len(found)
        raise ProtocolError(
            f"{self._connection}: GET {self._path} declares {declared} rows and gives {seen}",
            remedy="nothing of it is believed; the next run reads it again",
            connection=self._connection,
        )

    async def each(
        self, rows_of: Callable[[Envelope], list[T] | None], id_of: Callable[[T], str]
    ) -> AsyncIterator[Sequence[T]]:
        """The rows by pages, for lists too long to hold; a row may come twice.

        Raises:
            ProtocolError: fewer rows came than declared.
        """
        seen: set[str] = set()
        declared = 0
        async for rows, count in self._walk(rows_of):
            seen.update(map(id_of, rows))
            declared = count if count is not None else len(seen)
            yield rows
        if len(seen) < declared:
            raise ProtocolError(
                f"{self._connection}: GET {self._path} declares {declared} rows and gives"
                f" {len(seen)}",
                remedy="nothing of it is believed; the next run reads it again",
                connection=self._connection,
            )

    async def _walk(
        self, rows_of: Callable[[Envelope], list[T] | None]
    ) -> AsyncIterator[tuple[list[T], int | None]]:
        for number in range(1, MOST_PAGES + 1):
            answer = await self.page(number)
            rows = rows_of(answer) or []
            pages = answer.pagination
            count = pages.item_count if pages else None
            self.pages = pages.page_count if pages else number
            yield rows, count
            if pages is None:
                if len(rows) < min(self._size, SMALLEST_PAGE):
                    return
            elif number >= pages.page_count or not rows:
                return
        raise ProtocolError(
            f"{self._connection}: GET {self._path} does not end", connection=self._connection
        )


def _clock(text: str) -> datetime | None:
    try:
        return moment(text)
    except ValueError:
        return None
