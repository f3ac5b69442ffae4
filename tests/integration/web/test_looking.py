"""Announcements are looked into once each, and come again when the vendor cannot serve."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import text

from syncd.core.service.webhooks import Looked, Refresh, look_into
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.webhooks import count_waiting, store_announcements
from syncd.sdk.errors import RateLimited, VendorUnavailable
from syncd.sdk.webhooks import Announced, Announcement
from tests.builders_webhooks import BOOK, Desk, desk_of


async def announced(database: Database, desk: Desk, *events: tuple[str, str, str]) -> ConnectionRef:
    connection = desk.desk.receivers["books"].connection
    async with database.writer() as conn:
        await store_announcements(
            conn,
            connection.id,
            [
                Announcement(
                    key=key, book=book, what=Announced.DOCUMENT, remote=remote, at=desk.clock()
                )
                for key, book, remote in events
            ],
            now=desk.clock(),
        )
    return connection


async def look(
    database: Database, desk: Desk, connection: ConnectionRef, refresh: Refresh
) -> Looked:
    return await look_into(database, connection, book=BOOK, refresh=refresh, clock=desk.clock)


async def test_each_thing_is_asked_for_once(database: Database) -> None:
    desk = await desk_of(database)
    connection = await announced(
        database, desk, ("1", BOOK, "a"), ("2", BOOK, "a"), ("3", BOOK, "b"), ("4", "other", "c")
    )
    asked: list[Sequence[str]] = []

    async def refresh(what: Announced, remotes: Sequence[str]) -> None:
        asked.append(remotes)

    looked = await look(database, desk, connection, refresh)
    assert (looked.done, looked.foreign, looked.waiting) == (4, 1, 0)
    assert asked == [("a", "b")]
    assert (await look(database, desk, connection, refresh)).done == 0
    assert asked == [("a", "b")]


async def test_one_that_fails_comes_again_later_and_later(database: Database) -> None:
    desk = await desk_of(database)
    connection = await announced(database, desk, ("1", BOOK, "a"))
    tries = []

    async def refresh(what: Announced, remotes: Sequence[str]) -> None:
        tries.append(desk.clock())
        message = "books: cannot serve"
        raise VendorUnavailable(message)

    for _ in range(600):
        await look(database, desk, connection, refresh)
        desk.clock.advance(60)
    pauses = [round((b - a).total_seconds() / 60) for a, b in pairwise(tries)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == 60
    assert len(tries) == 12
    async with database.reader() as conn:
        assert await count_waiting(conn, connection.id) == 0
        detail = (await conn.execute(text("SELECT detail FROM webhook"))).scalar_one()
    assert detail == "given up: VENDOR_UNAVAILABLE"


async def test_a_pause_that_the_vendor_names_is_kept(database: Database) -> None:
    desk = await desk_of(database)
    connection = await announced(database, desk, ("1", BOOK, "a"))

    async def refresh(what: Announced, remotes: Sequence[str]) -> None:
        message = "books: day limit"
        raise RateLimited(message, retry_after=7200)

    looked = await look(database, desk, connection, refresh)
    assert looked.waiting == 1
    assert looked.error is not None
    desk.clock.advance(7100)
    assert (await look(database, desk, connection, refresh)).waiting == 0
    desk.clock.advance(200)
    assert (await look(database, desk, connection, refresh)).waiting == 1
