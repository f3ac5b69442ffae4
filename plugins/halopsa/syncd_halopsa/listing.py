"""Reads a whole list of HaloPSA and proves that it is whole, whatever page size the server grants.

The server may silently give fewer rows than asked for, so only its own `record_count` ends a list.
A list that changes while it is read is read once more from the start, then refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Generic

import msgspec

from syncd.sdk.errors import ProtocolError
from syncd.sdk.http import Answer
from syncd.sdk.paging import page_number
from syncd_halopsa.resources import Resource, Row
from syncd_halopsa.wire import broken, lenient

PASSES = 2
"""How often a list that moves under us is read before it is refused."""

SMALLEST_PAGE = 50
"""Rows that HaloPSA answers to a caller who asks for no page size."""

Query = dict[str, str | int]


class _Declared(msgspec.Struct):
    record_count: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One answer of a list.

    Attributes:
        rows: decoded.
        declared: `record_count`, rows of the whole list; None when the answer names none.
    """

    rows: list[Row]
    declared: int | None

    @property
    def pages(self) -> int:
        """Calls that the whole list takes at the size the server granted."""
        if not self.rows or self.declared is None:
            return 1
        return ceil(self.declared / len(self.rows))


class Listing(Generic[Row]):
    """One list with one set of filters.

    Args:
        fetch: sends the query to the resource.
        connection: name in the configuration, for messages.
        resource: what is read.
        page_size: rows asked for.
        filters: query beside the paging.
        first: page 1 when it was read already; used once.
    """

    def __init__(
        self,
        fetch: Callable[[Query], Awaitable[Answer]],
        connection: str,
        resource: Resource[Row],
        page_size: int,
        filters: Mapping[str, str | int],
        first: Page[Row] | None = None,
    ) -> None:
        self._fetch = fetch
        self._connection = connection
        self._page_size = page_size
        self._resource = resource
        self._filters: Query = {**resource.params, **filters}
        self._first = first

    async def rows(self) -> list[Row]:
        """Every row.

        Raises:
            ProtocolError: rows and `record_count` do not agree, also when read again.
            ConnectorError: a page could not be read.
        """
        for turn in range(1, PASSES + 1):
            read: list[Row] = []
            try:
                async for rows in self._pages():
                    read.extend(rows)
            except ProtocolError as error:
                if error.connection:  # an answer that is not a list at all: no race explains it
                    raise
                if turn == PASSES:
                    raise self._not_whole(error) from error
            else:
                return read
        raise AssertionError("unreachable: the last pass returns or raises")

    async def page(self, number: int) -> Page[Row]:
        """One page; page 1 as given at construction, if it was."""
        first, self._first = self._first, None
        if number == 1 and first is not None:
            return first
        paging: Query = {}
        if self._resource.paged:
            paging = {
                "pageinate": "true",
                "page_no": number,
                "page_size": self._page_size,
                "order": "id",
            }
        answer = await self._fetch({**paging, **self._filters})
        return unwrapped(answer, self._resource)

    async def _pages(self) -> AsyncIterator[Sequence[Row]]:
        first = await self.page(1)
        if first.declared is None and (not self._resource.paged or self._is_short(first)):
            yield first.rows
        elif first.declared is None:
            async for rows in self._until_empty(first):
                yield rows
        else:

            async def fetch(number: int) -> Page[Row]:
                return first if number == 1 else await self.page(number)

            async for rows in page_number(
                fetch, rows_of=_rows, total_of=self._declared, id_of=_id_of
            ):
                yield rows

    def _is_short(self, page: Page[Row]) -> bool:
        return self._resource.bare and len(page.rows) < min(self._page_size, SMALLEST_PAGE)

    async def _until_empty(self, page: Page[Row]) -> AsyncIterator[Sequence[Row]]:
        """A list without `record_count` ends with an empty page, and is never empty itself."""
        if not page.rows:
            raise ProtocolError("TOTAL_MISSING: neither rows nor record_count")
        seen: set[int] = set()
        number = 1
        while page.rows:
            ids = {row.id for row in page.rows}
            if len(ids) != len(page.rows) or ids & seen:
                raise ProtocolError(f"PAGE_REPEATED: page {number} gave rows that came before")
            seen |= ids
            yield page.rows
            number += 1
            page = await self.page(number)

    def _declared(self, page: Page[Row]) -> int:
        if page.declared is None:
            raise ProtocolError("TOTAL_MISSING: a later page names no record_count")
        return page.declared

    def _not_whole(self, error: ProtocolError) -> ProtocolError:
        return ProtocolError(
            f"{self._connection}: the list {self._resource.path} is not whole: {error}",
            remedy="nothing was changed; run it again while nobody edits that list in HaloPSA, and"
            " lower page_size if it stays",
            connection=self._connection,
        )


def _rows(page: Page[Row]) -> list[Row]:
    return page.rows


def _id_of(row: Row) -> int:
    return row.id


def unwrapped(answer: Answer, resource: Resource[Row]) -> Page[Row]:
    """The rows of an answer: a bare array, its known key, or the one key that holds an array.

    Raises:
        ProtocolError: no JSON, no array, or rows of another shape.
    """
    if answer.body.lstrip()[:1] == b"[":
        return Page(lenient(answer, resource.rows, answer.body), None)
    content = answer.decode(dict[str, msgspec.Raw])
    arrays = [key for key, raw in content.items() if bytes(raw)[:1] == b"["]
    key = resource.key if resource.key in arrays else arrays[0] if len(arrays) == 1 else None
    if key is None:
        raise broken(answer, f"{len(arrays)} arrays where one was expected")
    declared = lenient(answer, _Declared).record_count
    return Page(lenient(answer, resource.rows, content[key]), declared)
