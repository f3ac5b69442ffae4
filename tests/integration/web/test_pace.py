"""A vendor that calls is asked when something is due, and left alone while it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.store.database import Database
from syncd.core.store.webhooks import next_due
from syncd.daemon.looking import PAUSE_SECONDS, Looking
from syncd.sdk.errors import AuthError, RateLimited, SyncdError, VendorUnavailable
from tests.builders_webhooks import BOOK, Desk, Vendor, announce, desk_of, stand


async def looking(sqlite_database: Database) -> tuple[Desk, Vendor, Looking]:
    desk, vendor = await desk_of(sqlite_database), Vendor()
    connection = await announce(sqlite_database, desk)
    await stand(sqlite_database, connection, "a")
    made = Looking(
        database=sqlite_database,
        connection=connection,
        opened=vendor.open,
        clock=desk.clock,
        log=desk.log,
    )
    return desk, vendor, made


async def hours(desk: Desk, one: Looking, count: float) -> None:
    """As the daemon does it, while nothing new comes."""
    ends = desk.clock() + timedelta(hours=count)
    while desk.clock() < ends:
        try:
            pause = await one.look()
        except SyncdError:
            pause = PAUSE_SECONDS
        desk.clock.advance(max(pause, 1.0))


async def test_what_was_put_off_asks_nobody_before_it_is_due(sqlite_database: Database) -> None:
    desk, vendor, one = await looking(sqlite_database)
    vendor.shut = lambda: RateLimited("books: day limit", retry_after=5 * 3600)
    await announce(sqlite_database, desk, ("1", BOOK, "a"))
    await hours(desk, one, 4.5)
    assert vendor.opened == 1


async def test_news_wakes_no_vendor_that_refused_the_connection(sqlite_database: Database) -> None:
    desk, vendor, one = await looking(sqlite_database)
    vendor.shut = lambda: AuthError("books: the consent was taken back")
    for minute in range(120):
        await announce(sqlite_database, desk, (str(minute), BOOK, "a"))
        await hours(desk, one, 1 / 60)
    assert vendor.opened <= 8  # a pause of 1, 2, 4, 8 … minutes, then an hour

    vendor.shut = None
    await hours(desk, one, 1.1)
    assert vendor.asked
    opened = vendor.opened
    await announce(sqlite_database, desk, ("last", BOOK, "a"))
    await hours(desk, one, 0.01)
    assert vendor.opened == opened + 1


async def test_news_that_keeps_coming_is_gathered(sqlite_database: Database) -> None:
    desk, vendor, one = await looking(sqlite_database)
    for event in range(60):
        await announce(sqlite_database, desk, (str(event), BOOK, "a"))
        await one.look()
        desk.clock.advance(5)
    assert vendor.opened == 5  # of five minutes
    await hours(desk, one, 1 / 60)
    async with sqlite_database.reader() as conn:
        assert await next_due(conn, one.connection.id) is None


async def test_news_about_others_delays_nothing_of_ours(sqlite_database: Database) -> None:
    desk, vendor, one = await looking(sqlite_database)
    await announce(sqlite_database, desk, ("1", BOOK, "theirs"))
    await one.look()
    await announce(sqlite_database, desk, ("2", BOOK, "a"))
    await one.look()
    assert vendor.opened == 1


async def test_a_failure_is_told_and_the_next_look_waits_for_its_time(
    sqlite_database: Database,
) -> None:
    desk, vendor, one = await looking(sqlite_database)
    vendor.refuses = lambda _what: VendorUnavailable("books: cannot serve")
    await announce(sqlite_database, desk, ("1", BOOK, "a"))
    with pytest.raises(VendorUnavailable):
        await one.look()
    desk.clock.advance(45)
    assert await one.look() == 15.0
    assert vendor.opened == 1


async def test_an_idle_connection_only_looks_into_the_database(sqlite_database: Database) -> None:
    desk, vendor, one = await looking(sqlite_database)
    assert await one.look() == PAUSE_SECONDS
    await hours(desk, one, 1)
    assert vendor.opened == 0
    assert desk.log.events == []
