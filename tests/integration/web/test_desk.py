"""Webhooks are proven, stored and answered at once; everything else is refused and said once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from syncd.core.store.database import Database
from syncd.core.store.webhooks import next_due, waiting_webhooks
from syncd.web.server import application
from tests.builders_webhooks import SECRET, Desk, desk_of, signed

ONE = {"key": "e1", "remote": "d1"}


@pytest.fixture
async def desk(database: Database) -> Desk:
    return await desk_of(database)


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(desk.desk))
    async with httpx.AsyncClient(transport=transport, base_url="http://syncd") as client:
        yield client


def refusals(desk: Desk) -> list[str]:
    return [one["refusal"] for name, one in desk.log.events if name == "webhook.refused"]


async def stored(database: Database) -> list[str]:
    async with database.reader() as conn:
        rows = await conn.execute(text("SELECT key FROM webhook ORDER BY key"))
        return [row.key for row in rows]


async def test_what_is_proven_is_stored_and_answered_with_nothing(
    desk: Desk, client: httpx.AsyncClient, database: Database
) -> None:
    body, headers = signed(ONE, {"key": "e2", "remote": "p9", "what": "payment"})
    answer = await client.post("/webhooks/books", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert await stored(database) == ["e1", "e2"]
    assert desk.woken == ["books"]


async def test_a_repeat_is_answered_alike_and_kept_once(
    desk: Desk, client: httpx.AsyncClient, database: Database
) -> None:
    body, headers = signed(ONE)
    for _ in range(3):
        answer = await client.post("/webhooks/books", content=body, headers=headers)
        assert answer.status_code == 200
    assert await stored(database) == ["e1"]
    assert desk.woken == ["books"]


async def test_a_replay_is_answered_well_and_logged_once_a_minute(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    body, headers = signed(ONE)
    for _ in range(4):
        answer = await client.post("/webhooks/books", content=body, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
    desk.clock.advance(61)
    assert (await client.post("/webhooks/books", content=body, headers=headers)).is_success

    seen = [one for name, one in desk.log.events if name == "webhook.refused"]
    assert [(one["refusal"], one["status"], one["n_before"]) for one in seen] == [
        ("REPEATED", 200, 0),
        ("REPEATED", 200, 2),
    ]
    told = [one["n_new"] for name, one in desk.log.events if name == "webhook.received"]
    assert told == [1]


async def test_what_tells_one_thing_new_or_nothing_at_all_is_no_replay(
    desk: Desk, client: httpx.AsyncClient, database: Database
) -> None:
    for events in ((ONE,), (ONE, {"key": "e2", "remote": "d2"}), ()):
        body, headers = signed(*events)
        answer = await client.post("/webhooks/books", content=body, headers=headers)
        assert answer.status_code == 200
    assert refusals(desk) == []
    assert await stored(database) == ["e1", "e2"]
    assert desk.woken == ["books", "books"]


async def test_a_forged_one_changes_nothing_and_is_logged_once(
    desk: Desk, client: httpx.AsyncClient, database: Database
) -> None:
    body, headers = signed(ONE)
    for _ in range(5):
        answer = await client.post("/webhooks/books", content=body + b" ", headers=headers)
        assert (answer.status_code, answer.content) == (401, b"")
    assert await stored(database) == []
    assert refusals(desk) == ["FORGED"]
    desk.clock.advance(61)
    await client.post("/webhooks/books", content=b"[]", headers={"x-signature": "0"})
    assert [one["n_before"] for name, one in desk.log.events if name == "webhook.refused"] == [0, 4]
    assert SECRET not in str(desk.log.events)


async def test_a_malformed_one_is_refused(desk: Desk, client: httpx.AsyncClient) -> None:
    body, headers = signed({"remote": "no key"})
    answer = await client.post("/webhooks/books", content=body, headers=headers)
    assert answer.status_code == 400
    assert refusals(desk) == ["MALFORMED"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_long_one_is_refused_without_being_read(
    desk: Desk, client: httpx.AsyncClient, declared: bool, database: Database
) -> None:
    read = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b"x" * 1024

    headers = {"content-length": "1024000"} if declared else {}
    answer = await client.post("/webhooks/books", content=parts(), headers=headers)
    assert answer.status_code == 413
    assert await stored(database) == []
    assert refusals(desk) == ["TOO_LONG"]


@pytest.mark.parametrize("path", ["/webhooks/other", "/webhooks/", "/", "/webhooks/books/more"])
async def test_a_stranger_learns_nothing(client: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "POST"):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.content) == (404, b"")


async def test_only_posts_are_taken(client: httpx.AsyncClient) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        answer = await client.request(method, "/webhooks/books")
        assert (answer.status_code, answer.content) == (405, b"")


async def test_too_many_at_once_are_put_off(database: Database) -> None:
    desk = await desk_of(database, max_open=1)
    transport = httpx.ASGITransport(application(desk.desk))
    body, headers = signed(ONE)
    held = asyncio.Event()
    began = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        began.set()
        await held.wait()
        yield body

    async with httpx.AsyncClient(transport=transport, base_url="http://syncd") as client:
        first = asyncio.create_task(client.post("/webhooks/books", content=slow(), headers=headers))
        await began.wait()
        second = await client.post("/webhooks/books", content=body, headers=headers)
        held.set()
        assert (second.status_code, (await first).status_code) == (503, 200)
    assert refusals(desk) == ["TOO_MANY_AT_ONCE"]


async def test_what_could_not_be_stored_is_not_acknowledged(
    desk: Desk, client: httpx.AsyncClient, database: Database
) -> None:
    async with database.writer() as conn:
        await conn.execute(text("ALTER TABLE webhook RENAME TO webhook_gone"))
    body, headers = signed(ONE)
    answer = await client.post("/webhooks/books", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (500, b"")
    assert refusals(desk) == ["DEFECT"]
    async with database.writer() as conn:
        await conn.execute(text("ALTER TABLE webhook_gone RENAME TO webhook"))
    answer = await client.post("/webhooks/books", content=body, headers=headers)
    assert answer.status_code == 200
    assert await stored(database) == ["e1"]


async def test_what_waits_is_due_at_once(
    desk: Desk, client: httpx.AsyncClient, database: Database
) -> None:
    body, headers = signed(ONE)
    receiver = desk.desk.receivers["books"].connection
    async with database.reader() as conn:
        assert await next_due(conn, receiver.id) is None
    await client.post("/webhooks/books", content=body, headers=headers)
    async with database.reader() as conn:
        assert await next_due(conn, receiver.id) == desk.clock()
        (one,) = await waiting_webhooks(conn, receiver.id, now=desk.clock(), most=10)
    assert (one.remote, one.attempts) == ("d1", 0)
