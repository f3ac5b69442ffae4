"""A scripted fault breaks the calls it names, in the way it names, and no others."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from syncd.sdk.testing.faults import PAGE, Action, Fault, FaultScript, Faulty
from syncd.sdk.testing.host import LoopbackHost


class Shop:
    """An application that remembers what it did."""

    def __init__(self) -> None:
        self.script = FaultScript()
        self.done: list[str] = []
        self.app = Faulty(
            Starlette(
                routes=[
                    Route("/list", self.listing),
                    Route("/page", self.page),
                    Route("/save", self.save, methods=["POST"]),
                ]
            ),
            self.script,
        )

    async def listing(self, request: Request) -> JSONResponse:
        self.done.append("list")
        start = int(request.query_params.get("after", 0))
        return JSONResponse([start + 1, start + 2])

    async def page(self, request: Request) -> JSONResponse:
        return JSONResponse({"total": 7, "rows": [1, 2], "none": None})

    async def save(self, request: Request) -> JSONResponse:
        self.done.append((await request.body()).decode())
        return JSONResponse({"id": 1}, 201)


@pytest.fixture(scope="module")
def hosted() -> Iterator[tuple[Shop, str]]:
    shop = Shop()
    with LoopbackHost(shop.app) as host:
        yield shop, host.url


@pytest.fixture
def shop(hosted):
    shop, _ = hosted
    shop.done.clear()
    shop.script.replace(())
    return shop


@pytest.fixture
def http(hosted) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hosted[1], trust_env=False) as client:
        yield client


def test_without_a_script_nothing_is_touched(shop, http):
    assert http.get("/list").json() == [1, 2]
    assert shop.script.struck == []


def test_a_fault_meets_its_method_and_path_from_its_turn_on_for_its_count(shop, http):
    shop.script.replace(
        [Fault(action=Action.STATUS_BEFORE, status=418, method="GET", path="^/l", nth=2, count=2)]
    )
    assert http.post("/save").status_code == 201
    assert http.get("/page").status_code == 200
    assert [http.get("/list").status_code for _ in range(5)] == [200, 418, 418, 200, 200]
    assert shop.script.struck == [("GET", "/list", Action.STATUS_BEFORE)] * 2


def test_the_first_fault_that_strikes_wins_and_the_others_still_count(shop, http):
    shop.script.replace(
        [
            Fault(action=Action.STATUS_BEFORE, status=500, count=1),
            Fault(action=Action.STATUS_BEFORE, status=501, nth=2),
        ]
    )
    assert [http.get("/list").status_code for _ in range(3)] == [500, 501, 501]


def test_a_status_before_is_answered_without_the_application(shop, http):
    fault = Fault(
        action=Action.STATUS_BEFORE, status=429, headers={"Retry-After": "7"}, body="slow down"
    )
    shop.script.replace([fault])
    answer = http.post("/save", content=b"x")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.text == "slow down"
    assert shop.done == []


def test_a_status_after_is_answered_once_the_work_is_done(shop, http):
    shop.script.replace([Fault(action=Action.STATUS_AFTER, status=502)])
    assert http.post("/save", content=b"x").status_code == 502
    assert shop.done == ["x"]


@pytest.mark.parametrize(("action", "done"), [(Action.CUT_BEFORE, []), (Action.CUT_AFTER, ["x"])])
def test_a_cut_gives_no_byte_before_or_after_the_work(shop, http, action, done):
    shop.script.replace([Fault(action=action, count=1)])
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)) as caught:
        http.post("/save", content=b"x")
    assert "without sending a response" in str(caught.value) or isinstance(
        caught.value, httpx.ReadError
    )
    assert shop.done == done
    assert http.post("/save", content=b"y").status_code == 201


def test_a_cut_body_declares_more_than_it_gives(shop, http):
    shop.script.replace([Fault(action=Action.CUT_BODY)])
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        http.get("/list")
    assert shop.done == ["list"]


def test_a_truncated_answer_looks_whole(shop, http):
    shop.script.replace([Fault(action=Action.TRUNCATE)])
    answer = http.get("/list")
    assert answer.status_code == 200
    assert answer.content == b"[1,2]"[:2]


def test_a_replaced_answer_keeps_its_status(shop, http):
    shop.script.replace([Fault(action=Action.REPLACE)])
    answer = http.post("/save", content=b"x")
    assert (answer.status_code, answer.text) == (201, PAGE)
    assert answer.headers["content-type"].startswith("text/html")
    assert shop.done == ["x"]


def test_an_emptied_list_keeps_its_totals(shop, http):
    shop.script.replace([Fault(action=Action.EMPTY_LIST)])
    assert http.get("/list").json() == []
    assert http.get("/page").json() == {"total": 7, "rows": [], "none": None}


def test_a_repeated_answer_is_the_one_before_whatever_the_query(shop, http):
    shop.script.replace([Fault(action=Action.REPEAT, nth=2, count=2)])
    answers = [http.get("/list", params={"after": n}).json() for n in (0, 10, 20, 30)]
    assert answers == [[1, 2], [1, 2], [11, 12], [31, 32]]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_huge_answer_is_true_and_compressed_where_that_is_accepted(shop, http, encoding):
    shop.script.replace([Fault(action=Action.HUGE, size=3 * 2**20)])
    with http.stream("GET", "/list", headers={"accept-encoding": encoding}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding", "identity") == encoding
    body = gzip.decompress(raw) if encoding == "gzip" else raw
    assert len(raw) < 2**16 or encoding == "identity"
    assert len(body) > 3 * 2**20
    assert json.loads(body) == [1, 2]


def test_latency_delays_and_changes_nothing_else(shop, http):
    shop.script.replace([Fault(action=Action.LATENCY, seconds=0.01)])
    assert http.get("/list").json() == [1, 2]
    assert shop.script.struck == [("GET", "/list", Action.LATENCY)]


def test_a_script_may_be_written_as_data():
    fault = Fault.from_data({"action": "status_before", "status": 503, "path": "/x", "count": 2})
    assert fault == Fault(action=Action.STATUS_BEFORE, status=503, path="/x", count=2)


@pytest.mark.parametrize("data", [{}, {"action": "explode"}, {"action": "latency", "secs": 1}])
def test_a_fault_that_cannot_be_meant_is_refused(data):
    with pytest.raises(ValueError, match=r"action|explode"):
        Fault.from_data(data)


async def test_a_server_whose_connection_cannot_be_cut_is_told_so():
    async def receive():
        return {"type": "http.request"}

    app = Faulty(Shop().app, FaultScript([Fault(action=Action.CUT_BEFORE)]))
    with pytest.raises(RuntimeError, match="needs uvicorn"):
        await app({"type": "http", "method": "GET", "path": "/"}, receive, receive)
