"""Reads an after-id list to its proven end, page after page or in ranges of ids at once.

Ids decide: `after` is the largest id of the page before, a page that does not advance is an error,
and only an empty page is the end. A short page may have been cut, or capped below the size asked
for; believing it once dropped devices in silence, asking once more costs one call.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from itertools import islice, pairwise
from typing import Any, Final, Generic, NoReturn, Protocol, TypeAlias, TypeVar

from syncd.sdk.errors import ProtocolError


class Numbered(Protocol):
    """A row with the vendor's id."""

    id: int


RowT = TypeVar("RowT", bound=Numbered)

Fetch = Callable[[int, int], Coroutine[Any, Any, list[RowT]]]
"""(after, size) → rows with an id above `after`, at most `size`."""

Emit = Callable[[Sequence[RowT]], Awaitable[None]]

_READ_AGAIN: Final = "nothing was changed; the next run reads again"
_NO_RANGES: Final = 'set id_ranges = "off" and chains = 1 for this connection'

_Part: TypeAlias = tuple[list[RowT], bool]


class Listing(Generic[RowT]):
    """One list of the vendor, read once; `rows` counts what was handed out so far."""

    def __init__(
        self,
        fetch: Fetch[RowT],
        emit: Emit[RowT],
        *,
        path: str,
        page_size: int,
        connection: str,
        expected: int = 0,
    ) -> None:
        """Describe the list.

        Args:
            fetch: asks for one page.
            emit: receives each page in ascending order; the next page is on its way meanwhile.
            path: for messages.
            page_size: rows asked for.
            connection: for messages.
            expected: rows there were last time; with fewer the end is asked for twice.
        """
        self.rows = 0
        self._ended_before: int | None = None
        self._fetch = fetch
        self._emit = emit
        self._path = path
        self._size = page_size
        self._connection = connection
        self._expected = expected

    async def read(self) -> None:
        """Read everything in a single chain.

        Raises:
            ConnectorError: the list could not be read to its end.
        """
        await self._chain(0, await self._fetch(0, self._size))

    async def read_ranges(self, bounds: Sequence[int], *, chains: int) -> None:
        """Read everything in ranges of ids that end at `bounds`, `chains` calls in flight.

        Rows are handed out in ascending order all the same. The last range is open-ended, so that
        new rows are found.

        Args:
            bounds: ascending ids, at most a page of rows apart as far as is known.
            chains: most calls in flight.

        Raises:
            ConnectorError: the list could not be read to its end, or ids do not ascend.
        """
        starts = iter(
            [
                *(partial(self._range, low, high) for low, high in pairwise([0, *bounds])),
                partial(self._open_end, bounds[-1]),
            ]
        )
        flying = deque(asyncio.create_task(start()) for start in islice(starts, chains))
        try:
            for high in bounds:
                rows, ended = await flying.popleft()
                flying.extend(asyncio.create_task(start()) for start in islice(starts, 1))
                await self._hand_out(rows)
                if ended and self._ended_before is None:
                    self._ended_before = high
            first, _ = await flying.popleft()
            await self._chain(bounds[-1], first)
        finally:
            await _drop(flying)

    async def _range(self, low: int, high: int) -> _Part[RowT]:
        """Rows with an id above `low` and up to `high`, and whether the list ended before it."""
        kept: list[RowT] = []
        after = low
        while rows := await self._fetch(after, self._size):
            after = self._advance(after, rows, ascending=True)
            if after >= high:
                return kept + rows[: bisect_right(rows, high, key=_id)], False
            # A short page is not believed here: `high` existed last time.
            kept += rows
        return kept, True

    async def _open_end(self, low: int) -> _Part[RowT]:
        return await self._fetch(low, self._size), False

    async def _chain(self, after: int, rows: list[RowT]) -> None:
        """Go on from a first page, which begins after `after`, to the empty page at the end."""
        asked_again = False
        while True:
            if rows:
                after = self._advance(after, rows)
            elif asked_again or self.rows >= self._expected:
                return
            asked_again = not rows
            # One page ahead: the vendor works on the next page while this one is stored.
            ahead = asyncio.create_task(self._fetch(after, self._size))
            try:
                await self._hand_out(rows)
                rows = await ahead
            finally:
                await _drop([ahead])

    def _advance(self, after: int, rows: Sequence[RowT], *, ascending: bool = False) -> int:
        """The largest id of a page, which must lie wholly after `after`."""
        ids = [row.id for row in rows]
        if min(ids) <= after:
            self._broken("PAGE_REPEATED", f"gave id {min(ids)} again after id {after}")
        if len(set(ids)) != len(ids):
            self._broken("PAGE_REPEATED", f"gave an id twice on the page after id {after}")
        if ascending and ids != sorted(ids):
            self._broken("ORDER_BROKEN", "does not give ids in ascending order", remedy=_NO_RANGES)
        return max(ids)

    async def _hand_out(self, rows: Sequence[RowT]) -> None:
        if not rows:
            return
        if self._ended_before is not None:
            self._broken(
                "PAGE_CUT_SHORT",
                f"ended before id {self._ended_before}, yet id {rows[0].id} exists",
            )
        self.rows += len(rows)
        await self._emit(rows)

    def _broken(self, code: str, what: str, remedy: str = _READ_AGAIN) -> NoReturn:
        raise ProtocolError(
            f"{code}: {self._connection}: GET {self._path} {what}",
            remedy=remedy,
            connection=self._connection,
        )


def _id(row: Numbered) -> int:
    return row.id


async def _drop(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what is still under way and wait until it has let go."""
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
