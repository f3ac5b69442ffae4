"""A list counts as whole only when HaloPSA's own record_count agrees with the rows read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from syncd_halopsa.listing import Listing, Query, unwrapped
from syncd_halopsa.models import WireLicence
from syncd_halopsa.resources import ASSET_TYPES, SUBSCRIPTIONS

from syncd.sdk.errors import ProtocolError
from syncd.sdk.http import Answer


def answer(content: Any) -> Answer:
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Answer(
        status=200,
        url="http://127.0.0.1:9/api/SoftwareLicence?page_no=1",
        headers={},
        body=body,
        request_id=None,
        method="GET",
        connection="halo",
    )


def row(number: int) -> dict[str, Any]:
    return {"id": number, "count": 1}


class Server:
    """Pages of a list of ids; it grants `cap` rows whatever is asked for."""

    def __init__(self, ids: list[int], cap: int = 100) -> None:
        self.ids = ids
        self.cap = cap
        self.asked: list[Query] = []
        self.before: dict[int, Callable[[], None]] = {}
        self.total: int | None = None
        self.with_total = True

    async def __call__(self, query: Query) -> Answer:
        self.asked.append(query)
        self.before.get(len(self.asked), lambda: None)()
        number = int(query["page_no"])
        size = min(int(query["page_size"]), self.cap)
        rows = [row(one) for one in sorted(self.ids)[(number - 1) * size : number * size]]
        content: dict[str, Any] = {"licences": rows}
        if self.with_total:
            content["record_count"] = len(self.ids) if self.total is None else self.total
        return answer(content)


def listing(server: Server, page_size: int = 1000, **filters: Any) -> Listing[WireLicence]:
    return Listing(server, "halo", SUBSCRIPTIONS, page_size, filters)


async def ids_of(listing: Listing[WireLicence]) -> list[int]:
    return [one.id for one in await listing.rows()]


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 717])
async def test_every_row_is_read_although_the_server_gives_fewer_than_asked_for(rows: int) -> None:
    server = Server(list(range(1, rows + 1)))
    assert await ids_of(listing(server)) == list(range(1, rows + 1))
    assert len(server.asked) == max(1, -(-rows // 100))


async def test_paging_is_always_asked_for_with_a_stable_order() -> None:
    server = Server([1])
    await ids_of(listing(server, client_id=7))
    assert server.asked == [
        {
            "pageinate": "true",
            "page_no": 1,
            "page_size": 1000,
            "order": "id",
            "licence_type": 1,
            "includeinactive": "true",
            "client_id": 7,
        }
    ]


async def test_fewer_rows_than_declared_are_refused_with_both_numbers() -> None:
    server = Server(list(range(150)))
    server.total = 152
    with pytest.raises(ProtocolError, match=r"152 rows declared, 150 read"):
        await ids_of(listing(server))


async def test_more_rows_than_declared_are_refused() -> None:
    server = Server(list(range(150)))
    server.total = 120
    with pytest.raises(ProtocolError, match=r"120 rows declared, 150 read"):
        await ids_of(listing(server))


async def test_a_row_deleted_while_reading_makes_it_read_once_more() -> None:
    server = Server(list(range(250)))
    server.before[2] = lambda: server.ids.remove(5)  # shifts the others: one would be missed
    assert await ids_of(listing(server)) == [one for one in range(250) if one != 5]


async def test_a_row_inserted_before_others_makes_it_read_once_more() -> None:
    server = Server(list(range(1, 251)))
    server.before[2] = lambda: server.ids.append(0)  # the last of page 1 would come twice
    assert await ids_of(listing(server)) == list(range(251))


async def test_a_list_that_keeps_moving_is_refused() -> None:
    server = Server(list(range(250)))
    for call in range(2, 20):
        server.before[call] = lambda: server.ids.append(len(server.ids))
    with pytest.raises(ProtocolError, match="not whole") as caught:
        await ids_of(listing(server))
    assert "run it again" in caught.value.remedy
    assert len(server.asked) == 4


async def test_a_page_that_repeats_is_refused() -> None:
    server = Server(list(range(250)))
    whole = server.__call__

    async def stuck(query: Query) -> Answer:
        return await whole({**query, "page_no": 1})

    with pytest.raises(ProtocolError, match="PAGE_REPEATED"):
        await ids_of(Listing(stuck, "halo", SUBSCRIPTIONS, 100, {}))


async def test_rows_that_come_twice_never_stand_in_for_missing_ones() -> None:
    pages = {1: [1, 2], 2: [2, 3]}

    async def fetch(query: Query) -> Answer:
        rows = [row(one) for one in pages[int(query["page_no"])]]
        return answer({"record_count": 4, "licences": rows})

    with pytest.raises(ProtocolError, match="PAGE_REPEATED"):
        await ids_of(Listing(fetch, "halo", SUBSCRIPTIONS, 100, {}))


async def test_a_list_without_a_total_ends_only_with_an_empty_page() -> None:
    server = Server(list(range(250)))
    server.with_total = False
    assert await ids_of(listing(server)) == list(range(250))
    assert len(server.asked) == 4


async def test_an_empty_list_without_a_total_is_no_proof_of_emptiness() -> None:
    server = Server([])
    server.with_total = False
    with pytest.raises(ProtocolError, match="TOTAL_MISSING"):
        await ids_of(listing(server))


async def test_a_first_page_read_before_is_not_asked_for_again() -> None:
    server = Server(list(range(150)))
    first = await listing(server).page(1)
    assert first.pages == 2
    again = Listing(server, "halo", SUBSCRIPTIONS, 1000, {}, first)
    assert len(await again.rows()) == 150
    assert [query["page_no"] for query in server.asked] == [1, 2]


async def test_asset_types_come_as_a_bare_array_in_one_call() -> None:
    asked: list[Query] = []

    async def fetch(query: Query) -> Answer:
        asked.append(query)
        return answer([{"id": 101, "name": "Workstation"}, {"id": "102", "name": "Server"}])

    rows = await Listing(fetch, "halo", ASSET_TYPES, 100, {}).rows()
    assert [one.id for one in rows] == [101, 102]
    assert asked == [{}]


@pytest.mark.parametrize(
    "content",
    [
        [row(1)],
        {"licences": [row(1)], "record_count": 1.0},
        {"licences": [row(1)], "others": [], "record_count": "1"},
        {"somethingelse": [row(1)], "page_no": 1},
    ],
)
def test_rows_are_found_bare_under_their_key_or_under_the_only_array(content: Any) -> None:
    assert [one.id for one in unwrapped(answer(content), SUBSCRIPTIONS).rows] == [1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"record_count": 1}, "0 arrays"),
        ({"a": [], "b": []}, "2 arrays"),
        ({"licences": [{"id": "abc", "count": 1}]}, r"\$\[0\].id"),
        ({"licences": [{"id": 1, "count": 1.5}]}, r"\$\[0\].count"),
        (b"<html>Sign in</html>", "web page"),
        (b"", "empty body"),
        (b'{"licences": [{"id": 1', "not whole JSON"),
    ],
)
def test_another_shape_is_refused_by_its_place(content: Any, says: str) -> None:
    with pytest.raises(ProtocolError, match=says) as caught:
        unwrapped(answer(content), SUBSCRIPTIONS)
    assert "/api/SoftwareLicence" in str(caught.value)
    assert "Sign in" not in str(caught.value)
    assert "page_no" not in str(caught.value)
