"""Every page is read, once, or the reading fails with a code."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.sdk.errors import ProtocolError
from syncd.sdk.paging import after_id, named_cursor, next_link, page_number


async def everything(pages) -> list:
    return [row for page in [page async for page in pages] for row in page]


class Fleet:
    """A vendor that answers the rows above an id, as NinjaOne's lists do."""

    def __init__(self, ids, size: int) -> None:
        self.ids = sorted(ids)
        self.size = size
        self.asked: list[int] = []

    async def __call__(self, after: int) -> list[int]:
        self.asked.append(after)
        return [number for number in self.ids if number > after][: self.size]


def after(fetch, size: int, **more):
    return after_id(fetch, id_of=lambda row: row, page_size=size, **more)


@settings(deadline=None)
@given(ids=st.sets(st.integers(1, 500)), size=st.integers(1, 40))
def test_after_id_reads_every_row_once_in_the_fewest_calls(ids, size):
    fleet = Fleet(ids, size)
    assert asyncio.run(everything(after(fleet, size))) == sorted(ids)
    assert len(fleet.asked) == len(ids) // size + 1


@settings(deadline=None)
@given(
    ids=st.sets(st.integers(1, 500)),
    size=st.integers(1, 40),
    bounds=st.lists(st.integers(1, 500), max_size=5, unique=True).map(sorted),
)
def test_ranges_together_read_every_row_once(ids, size, bounds):
    async def read() -> list[int]:
        edges = [0, *bounds]
        chains = zip(edges, [*bounds, None], strict=True)
        rows: list[int] = []
        for low, stop in chains:
            start = low - 1 if low else 0
            rows += await everything(after(Fleet(ids, size), size, start=start, stop=stop))
        return rows

    assert asyncio.run(read()) == sorted(ids)


async def test_the_next_id_is_the_highest_of_a_page_in_any_order():
    pages = {0: [3, 1, 2], 3: [4]}
    asked: list[int] = []

    async def fetch(after_: int) -> list[int]:
        asked.append(after_)
        return pages[after_]

    assert await everything(after(fetch, 3)) == [3, 1, 2, 4]
    assert asked == [0, 3]


async def test_a_chain_ends_at_its_stop_without_a_further_call():
    fleet = Fleet(range(1, 100), 10)
    assert await everything(after(fleet, 10, stop=16)) == list(range(1, 16))
    assert fleet.asked == [0, 10]


async def test_rows_at_the_stop_belong_to_the_next_chain():
    assert await everything(after(Fleet([5, 6], 10), 10, stop=5)) == []


async def test_more_rows_than_asked_for_are_taken():
    assert await everything(after(Fleet(range(1, 9), 3), 2)) == list(range(1, 9))


async def test_a_short_page_ends_the_list_unless_the_end_must_be_proven():
    class Stingy(Fleet):
        async def __call__(self, after_: int) -> list[int]:
            return (await super().__call__(after_))[:2]

    assert await everything(after(Stingy(range(1, 8), 9), 3)) == [1, 2]
    assert await everything(after(Stingy(range(1, 8), 9), 3, prove_end=True)) == list(range(1, 8))


async def test_a_list_that_is_empty_once_by_mistake_is_read_to_its_proven_end():
    class Forgetful(Fleet):
        async def __call__(self, after_: int) -> list[int]:
            rows = await super().__call__(after_)
            return [] if len(self.asked) == 2 else rows

    fleet = Forgetful(range(1, 8), 3)
    assert await everything(after(fleet, 3, prove_end=True)) == list(range(1, 8))
    assert fleet.asked == [0, 3, 3, 6, 7]


@settings(deadline=None)
@given(ids=st.sets(st.integers(1, 200)), size=st.integers(1, 20))
def test_a_proven_end_costs_exactly_one_call(ids, size):
    fleet = Fleet(ids, size)
    assert asyncio.run(everything(after(fleet, size, prove_end=True))) == sorted(ids)
    assert len(fleet.asked) == len(ids) // size + 2


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ([1, 2], "PAGE_REPEATED: after=2 gave id 1 again"),
        ([2, 3], "PAGE_REPEATED: after=2 gave id 2 again"),
        ([3, "4"], "ID_UNUSABLE: after=2 "),
        ([3, None], "ID_UNUSABLE: after=2 "),
        ([True, False], "ID_UNUSABLE: after=2 "),
    ],
)
async def test_a_page_that_does_not_advance_is_an_error_and_not_the_end(second, code):
    answers = iter([[1, 2], second])

    async def fetch(after_: int) -> list[int]:
        return next(answers)

    pages = after(fetch, 2)
    assert await anext(pages) == [1, 2]
    with pytest.raises(ProtocolError) as error:
        await anext(pages)
    assert str(error.value).startswith(code)
    assert error.value.remedy


class Numbered(NamedTuple):
    rows: list[int]
    total: int


def by_number(fetch, **more):
    return page_number(
        fetch, rows_of=lambda page: page.rows, total_of=lambda page: page.total, **more
    )


@settings(deadline=None)
@given(total=st.integers(0, 60), cap=st.integers(1, 20))
def test_page_number_trusts_the_total_and_no_page_size(total, cap):
    calls = 0

    async def fetch(number: int) -> Numbered:
        nonlocal calls
        calls += 1
        return Numbered(list(range(total))[(number - 1) * cap : number * cap], total)

    assert asyncio.run(everything(by_number(fetch, id_of=lambda row: row))) == list(range(total))
    assert calls == max(1, -(-total // cap))


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        (
            [Numbered([1, 2], 5), Numbered([3], 6)],
            "TOTAL_CHANGED: page 2 declares 6 rows, before 5",
        ),
        ([Numbered([1, 2], 5), Numbered([], 5)], "TOTAL_MISSED: 5 rows declared, 2 read"),
        ([Numbered([], 5)], "TOTAL_MISSED: 5 rows declared, 0 read"),
        ([Numbered([1, 2, 3], 2)], "TOTAL_MISSED: 2 rows declared, 3 read"),
        ([Numbered([1, 2], 4), Numbered([1, 2], 4)], "PAGE_REPEATED: page 2 is page 1 again"),
        ([Numbered([1, 2], 4), Numbered([2, 3], 4)], "PAGE_REPEATED: page 2 gave rows"),
        ([Numbered([1, 1], 2)], "PAGE_REPEATED: page 1 gave rows"),
    ],
)
async def test_rows_and_total_that_differ_are_an_error_with_numbers(pages, message):
    answers = iter(pages)

    async def fetch(number: int) -> Numbered:
        return next(answers)

    with pytest.raises(ProtocolError) as error:
        await everything(by_number(fetch, id_of=lambda row: row))
    assert str(error.value).startswith(message)


async def test_a_repeated_page_is_seen_without_ids_too():
    async def fetch(number: int) -> Numbered:
        return Numbered([1, 2], 4)

    with pytest.raises(ProtocolError, match="PAGE_REPEATED"):
        await everything(by_number(fetch))


class Cursored(NamedTuple):
    rows: list[int]
    cursor: str | None


def by_cursor(fetch, size: int = 2):
    return named_cursor(
        fetch,
        rows_of=lambda page: page.rows,
        cursor_of=lambda page: page.cursor,
        page_size=size,
    )


@pytest.mark.parametrize("last", [[5], []])
async def test_a_cursor_may_keep_its_name_from_page_to_page(last):
    answers = iter([Cursored([1, 2], "same"), Cursored([3, 4], "same"), Cursored(last, "same")])
    asked: list[str | None] = []

    async def fetch(cursor: str | None) -> Cursored:
        asked.append(cursor)
        return next(answers)

    assert await everything(by_cursor(fetch)) == [1, 2, 3, 4, *last]
    assert asked == [None, "same", "same"]


@pytest.mark.parametrize(
    ("second", "code"),
    [(Cursored([1, 2], "c"), "PAGE_REPEATED"), (Cursored([3, 4], None), "CURSOR_MISSING")],
)
async def test_a_cursor_that_does_not_lead_on_is_an_error(second, code):
    answers = iter([Cursored([1, 2], "c"), second])

    async def fetch(cursor: str | None) -> Cursored:
        return next(answers)

    with pytest.raises(ProtocolError, match=code):
        await everything(by_cursor(fetch))


class Linked(NamedTuple):
    rows: list[int]
    link: str | None


def by_link(fetch):
    return next_link(fetch, rows_of=lambda page: page.rows, link_of=lambda page: page.link)


async def test_links_are_followed_past_an_empty_page_to_the_last():
    pages = {None: Linked([1], "b"), "b": Linked([], "c"), "c": Linked([2], None)}

    async def fetch(link: str | None) -> Linked:
        return pages[link]

    assert await everything(by_link(fetch)) == [1, 2]


@pytest.mark.parametrize("loop", ["b", "c"])
async def test_a_link_back_is_an_error(loop):
    pages = {None: Linked([1], "b"), "b": Linked([2], "c"), "c": Linked([3], loop)}

    async def fetch(link: str | None) -> Linked:
        return pages[link]

    with pytest.raises(ProtocolError, match="LINK_LOOPS: page 3 "):
        await everything(by_link(fetch))


@pytest.mark.parametrize("style", ["cursor", "link"])
@pytest.mark.parametrize(("declared", "whole"), [(3, True), (4, False), (2, False)])
async def test_a_declared_total_must_come_true_in_every_style(style, declared, whole):
    pages = {None: ([1, 2], "b"), "b": ([3], None)}

    async def fetch(place: str | None) -> tuple[list[int], str | None]:
        return pages[place]

    where = {"cursor_of" if style == "cursor" else "link_of": lambda page: page[1]}
    size = {"page_size": 2} if style == "cursor" else {}
    reader = named_cursor if style == "cursor" else next_link
    rows = reader(
        fetch, rows_of=lambda page: page[0], total_of=lambda page: declared, **where, **size
    )
    if whole:
        assert await everything(rows) == [1, 2, 3]
    else:
        with pytest.raises(ProtocolError, match=f"TOTAL_MISSED: {declared} rows declared, 3 read"):
            await everything(rows)
