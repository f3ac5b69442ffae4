"""Reading after-id lists: to the proven end, with the least calls, in ranges or in one chain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_ninjaone.pages import Listing

from syncd.sdk.errors import ProtocolError, VendorUnavailable


@dataclass
class Row:
    id: int


@dataclass
class Vendor:
    """A list of ids; `answers` overrides the answer to a question after an id."""

    ids: list[int]
    cap: int = 10**9
    answers: dict[int, list] = field(default_factory=dict)
    pause: int | None = None
    asked: list[int] = field(default_factory=list)
    flying: int = 0
    most_flying: int = 0

    async def page(self, after: int, size: int) -> list[Row]:
        self.asked.append(after)
        self.flying += 1
        self.most_flying = max(self.flying, self.most_flying)
        try:
            for _ in range(after % 5 if self.pause is None else self.pause):  # in any order
                await asyncio.sleep(0)
        finally:
            self.flying -= 1
        queued = self.answers.get(after)
        given = queued.pop(0) if queued else None
        if isinstance(given, Exception):
            raise given
        if given is not None:
            return [Row(number) for number in given]
        return [Row(number) for number in self.ids if number > after][: min(size, self.cap)]


def listing(vendor: Vendor, size: int = 10, expected: int = 0):
    seen: list[int] = []

    async def emit(rows):
        seen.extend(row.id for row in rows)

    options = {"path": "/v2/devices", "page_size": size, "connection": "ninja"}
    return Listing(vendor.page, emit, expected=expected, **options), seen


async def read(vendor: Vendor, **options) -> list[int]:
    one, seen = listing(vendor, **options)
    await one.read()
    assert one.rows == len(seen)
    return seen


@given(st.integers(0, 45))
async def test_one_chain_reads_every_row_with_the_least_calls(rows):
    vendor = Vendor([n * 3 + 7 for n in range(rows)])
    assert await read(vendor) == vendor.ids
    assert len(vendor.asked) == ceil(rows / 10) + 1


async def test_a_full_last_page_is_followed_until_the_list_is_empty():
    vendor = Vendor(list(range(1, 21)))
    assert await read(vendor) == vendor.ids
    assert vendor.asked == [0, 10, 20]


async def test_a_vendor_that_caps_its_pages_is_read_to_the_end():
    vendor = Vendor(list(range(1, 1116)), cap=200)
    assert await read(vendor, size=1000) == vendor.ids


@pytest.mark.parametrize("cut", [1, 4, 9])
async def test_a_page_cut_short_by_rows_is_not_the_end(cut):
    vendor = Vendor(list(range(1, 56)))
    vendor.answers = {10: [vendor.ids[10 : 10 + cut]]}
    assert await read(vendor) == vendor.ids


async def test_a_page_that_repeats_is_an_error_not_an_end():
    vendor = Vendor(list(range(1, 31)), answers={10: [list(range(1, 11))]})
    with pytest.raises(ProtocolError, match=r"^PAGE_REPEATED: ninja: GET /v2/devices gave id 1 "):
        await read(vendor)


async def test_a_page_that_holds_an_id_twice_is_an_error():
    vendor = Vendor([], answers={0: [[1, 2, 2]]})
    with pytest.raises(ProtocolError, match=r"^PAGE_REPEATED"):
        await read(vendor)


async def test_an_unordered_page_advances_by_its_largest_id():
    vendor = Vendor(list(range(1, 16)), answers={0: [[5, 3, 9, 1, 10, 8, 2, 4, 6, 7]]})
    assert sorted(await read(vendor)) == vendor.ids


@pytest.mark.parametrize("after", [10, 20])
@pytest.mark.parametrize("cut", [0, 3])
async def test_a_list_shorter_than_last_time_is_asked_once_more(after, cut):
    vendor = Vendor(list(range(1, 31)))
    vendor.answers = {after: [vendor.ids[after : after + cut]]}
    assert await read(vendor, expected=30) == vendor.ids


async def test_a_list_that_stays_short_when_asked_again_is_believed():
    vendor = Vendor([])
    assert await read(vendor, expected=30) == []
    assert vendor.asked == [0, 0]


async def test_an_error_in_mid_list_keeps_what_was_handed_out_and_surfaces():
    vendor = Vendor(list(range(1, 31)), answers={20: [VendorUnavailable("gone")]})
    one, seen = listing(vendor)
    with pytest.raises(VendorUnavailable):
        await one.read()
    assert seen == list(range(1, 21))


async def test_the_next_page_is_on_its_way_while_one_is_stored():
    vendor, states = Vendor(list(range(1, 26))), []

    async def emit(rows):
        await asyncio.sleep(0)
        states.append(len(vendor.asked))

    await Listing(vendor.page, emit, path="/", page_size=10, connection="n").read()
    assert states == [2, 3, 4]


async def test_a_store_that_fails_ends_the_reading_and_leaves_no_call_behind():
    vendor = Vendor(list(range(1, 100)))

    async def emit(rows):
        raise OSError("disk full")

    one = Listing(vendor.page, emit, path="/", page_size=10, connection="n")
    with pytest.raises(OSError, match="disk full"):
        await one.read()
    with pytest.raises(OSError, match="disk full"):
        await one.read_ranges([10, 20, 30], chains=2)
    assert vendor.flying == 0


@given(data=st.data())
async def test_ranges_give_the_same_rows_in_the_same_order_as_one_chain(data):
    before = sorted(data.draw(st.sets(st.integers(1, 400), min_size=1, max_size=80)))
    gone = data.draw(st.sets(st.sampled_from(before)))
    new = data.draw(st.sets(st.integers(1, 500), max_size=60))
    vendor = Vendor(sorted((set(before) - gone) | new))
    parts = ceil(len(before) / 10)
    bounds = [before[len(before) * n // parts - 1] for n in range(1, parts)]
    one, seen = listing(vendor, expected=len(before))
    chains = data.draw(st.integers(1, 12))
    if bounds:
        await one.read_ranges(bounds, chains=chains)
        assert vendor.most_flying <= chains
    else:
        await one.read()
    assert seen == vendor.ids


@pytest.mark.parametrize(("rows", "chains"), [(100, 10), (95, 10), (1001, 10), (1000, 25), (37, 2)])
async def test_ranges_make_at_most_one_call_more_than_one_chain(rows, chains):
    vendor = Vendor([n * 2 + 1 for n in range(rows)])
    parts = ceil(rows / 10)
    bounds = [vendor.ids[rows * n // parts - 1] for n in range(1, parts)]
    one, seen = listing(vendor, expected=rows)
    await one.read_ranges(bounds, chains=chains)
    assert seen == vendor.ids
    assert len(vendor.asked) <= ceil(rows / 10) + 2
    assert vendor.most_flying <= chains


@pytest.mark.parametrize("chains", [1, 2, 5])
async def test_as_many_ranges_are_under_way_as_there_are_chains(chains):
    vendor = Vendor(list(range(1, 101)), pause=20)
    await listing(vendor)[0].read_ranges(list(range(10, 100, 10)), chains=chains)
    assert vendor.most_flying == chains


async def test_ranges_refuse_a_list_that_is_not_in_ascending_order():
    vendor = Vendor(list(range(1, 31)), answers={0: [[2, 1, *range(3, 11)]]})
    one, _ = listing(vendor)
    with pytest.raises(ProtocolError, match=r"^ORDER_BROKEN"):
        await one.read_ranges([10, 20], chains=2)


async def test_a_range_that_ends_before_rows_that_exist_is_a_page_cut_short():
    vendor = Vendor(list(range(1, 31)), answers={5: [[]], 0: [[1, 2, 3, 4, 5]]})
    one, seen = listing(vendor)
    with pytest.raises(ProtocolError, match=r"^PAGE_CUT_SHORT: .* ended before id 10, yet id 11"):
        await one.read_ranges([10, 20], chains=3)
    assert seen == [1, 2, 3, 4, 5]


async def test_a_short_page_inside_a_range_is_read_on():
    vendor = Vendor(list(range(1, 31)), answers={0: [[1, 2, 3]]})
    one, seen = listing(vendor)
    await one.read_ranges([10, 20], chains=3)
    assert seen == vendor.ids


async def test_a_failed_range_ends_the_reading_in_order_and_leaves_no_call_behind():
    vendor = Vendor(list(range(1, 101)), answers={20: [VendorUnavailable("gone")]})
    one, seen = listing(vendor)
    with pytest.raises(VendorUnavailable):
        await one.read_ranges([10, 20, 30, 40, 50], chains=4)
    assert seen == list(range(1, 21))
    assert vendor.flying == 0


async def test_a_cancelled_reading_leaves_no_call_behind():
    vendor = Vendor(list(range(1, 101)))
    stuck = asyncio.Event()

    async def emit(rows):
        await stuck.wait()

    one = Listing(vendor.page, emit, path="/", page_size=10, connection="n")
    task = asyncio.create_task(one.read_ranges([10, 20, 30], chains=3))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert vendor.flying == 0
    assert len(asyncio.all_tasks()) == 1
