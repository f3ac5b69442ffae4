"""Reads every page of a list, in the four ways vendors cut lists into pages.

Each reader is an async generator that trusts nothing: a page that repeats, a total that does not
come true or a link that loops ends in a ProtocolError whose text begins with a stable code.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import NoReturn, TypeVar

from syncd.sdk.errors import ProtocolError

Row = TypeVar("Row")
Page = TypeVar("Page")

REMEDY = "what was read is not used; if it stays, ask the vendor"


async def after_id(
    fetch: Callable[[int], Awaitable[Sequence[Row]]],
    *,
    id_of: Callable[[Row], int],
    page_size: int,
    start: int = 0,
    stop: int | None = None,
    prove_end: bool = False,
) -> AsyncGenerator[Sequence[Row]]:
    """Pages of a list that is asked for "the next rows with an id above this one".

    The next id is the highest on the page, in whatever order the rows came. A page with fewer rows
    than asked for is the last one; a page with more is taken as it is.

    Args:
        fetch: rows with an id above the given one, at most `page_size` of them.
        id_of: a row's id, a whole number.
        page_size: the number of rows that `fetch` asks for.
        start: read above this id.
        stop: read below this id only, for several chains over ranges of ids; None reads to the
            end.
        prove_end: believe in the end only after a short page and then an empty one, or after two
            empty ones. One more call, for a vendor that states no total.

    Yields:
        the rows of each page that has some.

    Raises:
        ProtocolError: `PAGE_REPEATED` when a row was to be behind us already, `ID_UNUSABLE` when
            an id is not a whole number.
    """
    after, doubted = start, not prove_end
    while True:
        rows = await fetch(after)
        if not rows:
            if doubted:
                return
            doubted = True
            continue
        ids = [id_of(row) for row in rows]
        if not all(type(number) is int for number in ids):
            _broken("ID_UNUSABLE", f"after={after} gave a row whose id is not a whole number")
        if min(ids) <= after:
            _broken("PAGE_REPEATED", f"after={after} gave id {min(ids)} again")
        highest = max(ids)
        if stop is not None and highest >= stop:
            inside = [row for row, number in zip(rows, ids, strict=True) if number < stop]
            if inside:
                yield inside
            return
        yield rows
        short = len(rows) < page_size
        if short and not prove_end:
            return
        after, doubted = highest, short or not prove_end


async def page_number(
    fetch: Callable[[int], Awaitable[Page]],
    *,
    rows_of: Callable[[Page], Sequence[Row]],
    total_of: Callable[[Page], int],
    id_of: Callable[[Row], object] | None = None,
    first: int = 1,
) -> AsyncGenerator[Sequence[Row]]:
    """Pages by number, read until the declared total is reached, whatever a page's size.

    Args:
        fetch: the page with this number.
        rows_of: a page's rows.
        total_of: rows of the whole list as the page declares it.
        id_of: a row's id, to prove that no row came twice while another is missing.
        first: number of the first page.

    Yields:
        the rows of each page that has some.

    Raises:
        ProtocolError: `TOTAL_CHANGED` when two pages declare different totals, `TOTAL_MISSED` when
            the rows read are not as many as declared, `PAGE_REPEATED` when rows came twice.
    """
    number, seen, declared = first, 0, -1
    previous: Sequence[Row] = ()
    ids: set[object] = set()
    while True:
        page = await fetch(number)
        rows, total = rows_of(page), total_of(page)
        if declared not in (-1, total):
            _broken("TOTAL_CHANGED", f"page {number} declares {total} rows, before {declared}")
        declared = total
        _refuse_repetition(rows, previous, f"page {number} is page {number - 1} again")
        seen += len(rows)
        if id_of is not None:
            ids.update(map(id_of, rows))
            if len(ids) != seen:
                _broken("PAGE_REPEATED", f"page {number} gave rows that came before")
        if rows:
            yield rows
        if seen >= total or not rows:
            break
        number, previous = number + 1, rows
    _require(seen, page, total_of)


async def named_cursor(
    fetch: Callable[[str | None], Awaitable[Page]],
    *,
    rows_of: Callable[[Page], Sequence[Row]],
    cursor_of: Callable[[Page], str | None],
    page_size: int,
    total_of: Callable[[Page], int] | None = None,
) -> AsyncGenerator[Sequence[Row]]:
    """Pages from a cursor that the vendor keeps; its name may stay the same from page to page.

    Args:
        fetch: the next page of the named cursor; None opens one.
        rows_of: a page's rows.
        cursor_of: name of the cursor for the next page, None if the page has none.
        page_size: the number of rows that `fetch` asks for; a page with fewer is the last one.
        total_of: rows of the whole list as the last page declares it, where the vendor does.

    Yields:
        the rows of each page that has some.

    Raises:
        ProtocolError: `CURSOR_MISSING` when a full page names no cursor, `PAGE_REPEATED` when a
            page is the one before again, `TOTAL_MISSED` when the rows read are not as many as
            declared.
    """
    cursor: str | None = None
    previous: Sequence[Row] = ()
    seen = 0
    while True:
        page = await fetch(cursor)
        rows = rows_of(page)
        seen += len(rows)
        if rows:
            _refuse_repetition(rows, previous, "the cursor gave the same page again")
            yield rows
        if len(rows) < page_size:
            _require(seen, page, total_of)
            return
        cursor, previous = cursor_of(page), rows
        if not cursor:
            _broken("CURSOR_MISSING", f"a full page of {len(rows)} rows names no cursor")


async def next_link(
    fetch: Callable[[str | None], Awaitable[Page]],
    *,
    rows_of: Callable[[Page], Sequence[Row]],
    link_of: Callable[[Page], str | None],
    total_of: Callable[[Page], int] | None = None,
) -> AsyncGenerator[Sequence[Row]]:
    """Pages that each name the address of the next one; the page without one is the last.

    Args:
        fetch: the page at a link; None asks for the first.
        rows_of: a page's rows; a page in the middle may be empty.
        link_of: the next page's address, None on the last page.
        total_of: rows of the whole list as the last page declares it, where the vendor does.

    Yields:
        the rows of each page that has some.

    Raises:
        ProtocolError: `LINK_LOOPS` when a link leads to a page that was read already,
            `TOTAL_MISSED` when the rows read are not as many as declared.
    """
    link: str | None = None
    followed: set[str] = set()
    seen = 0
    while True:
        page = await fetch(link)
        rows = rows_of(page)
        seen += len(rows)
        if rows:
            yield rows
        link = link_of(page)
        if not link:
            _require(seen, page, total_of)
            return
        if link in followed:
            _broken("LINK_LOOPS", f"page {len(followed) + 1} leads back to a page that was read")
        followed.add(link)


def _refuse_repetition(rows: Sequence[object], previous: Sequence[object], what: str) -> None:
    if rows and rows == previous:
        _broken("PAGE_REPEATED", what)


def _require(seen: int, last: Page, total_of: Callable[[Page], int] | None) -> None:
    declared = seen if total_of is None else total_of(last)
    if seen != declared:
        _broken("TOTAL_MISSED", f"{declared} rows declared, {seen} read")


def _broken(code: str, what: str) -> NoReturn:
    raise ProtocolError(f"{code}: {what}", remedy=REMEDY)
