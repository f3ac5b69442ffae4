"""Announcements are looked into once each, and come again when the vendor cannot serve."""

from __future__ import annotations

from itertools import pairwise

from sqlalchemy import text

from syncd.core.service.webhooks import Looked, look_into
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.webhooks import next_due
from syncd.sdk.errors import AuthError, RateLimited, VendorUnavailable
from syncd.sdk.webhooks import Announced
from tests.builders_webhooks import BOOK, Desk, Vendor, announce, desk_of, stand


def unavailable() -> Exception:
    return VendorUnavailable("books: cannot serve")


async def look(database: Database, desk: Desk, connection: ConnectionRef, vendor: Vendor) -> Looked:
    return await look_into(database, connection, opened=vendor.open, clock=desk.clock)


async def until_nothing_waits(
    database: Database, desk: Desk, connection: ConnectionRef, vendor: Vendor
) -> list[float]:
    """Look whenever something is due; the minutes between the looks."""
    moments = []
    while True:
        async with database.reader() as conn:
            due = await next_due(conn, connection.id)
        if due is None:
            return [(b - a).total_seconds() / 60 for a, b in pairwise(moments)]
        desk.clock.now = max(due, desk.clock.now)
        moments.append(desk.clock.now)
        await look(database, desk, connection, vendor)


async def details(database: Database) -> set[str]:
    async with database.reader() as conn:
        return set((await conn.execute(text("SELECT detail FROM webhook"))).scalars())


async def test_each_thing_is_asked_for_once(database: Database) -> None:
    desk, vendor = await desk_of(database), Vendor()
    connection = await announce(
        database, desk, ("1", BOOK, "a"), ("2", BOOK, "a"), ("3", BOOK, "b"), ("4", "other", "c")
    )
    await stand(database, connection, "a", "b", "c")

    looked = await look(database, desk, connection, vendor)
    assert (looked.done, looked.foreign, looked.waiting) == (4, 1, 0)
    assert vendor.asked == [(Announced.DOCUMENT, ("a", "b"))]
    assert (await look(database, desk, connection, vendor)).done == 0
    assert (vendor.asked, vendor.opened) == ([(Announced.DOCUMENT, ("a", "b"))], 1)


async def test_what_is_none_of_ours_costs_the_vendor_no_call(database: Database) -> None:
    desk, vendor = await desk_of(database), Vendor()
    connection = await announce(database, desk, ("1", BOOK, "theirs"), ("2", "other", "a"))
    await announce(database, desk, ("3", BOOK, "k1"), what="contact")
    await announce(database, desk, ("4", "other", "p1"), what="payment")
    await stand(database, connection, "a")

    looked = await look(database, desk, connection, vendor)
    assert (looked.done, looked.foreign, vendor.opened) == (4, 4, 0)
    assert await details(database) == {"not ours"}


async def test_a_payment_is_looked_for_once_any_document_of_ours_stands(
    database: Database,
) -> None:
    desk, vendor = await desk_of(database), Vendor()
    connection = await announce(database, desk, ("1", BOOK, "p1"), what="payment")
    await look(database, desk, connection, vendor)
    assert vendor.opened == 0
    await stand(database, connection, "a")
    await announce(database, desk, ("2", BOOK, "p2"), what="payment")
    await look(database, desk, connection, vendor)
    assert vendor.asked == [(Announced.PAYMENT, ("p2",))]


async def test_one_that_fails_comes_again_later_and_later(database: Database) -> None:
    desk = await desk_of(database)
    connection = await announce(database, desk, ("1", BOOK, "a"))
    await stand(database, connection, "a")
    vendor = Vendor(refuses=lambda _what: unavailable())

    pauses = await until_nothing_waits(database, desk, connection, vendor)
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert max(pauses) == 60
    assert len(vendor.asked) == 12
    assert await details(database) == {"given up: VENDOR_UNAVAILABLE"}


async def test_a_pause_that_the_vendor_names_is_kept(database: Database) -> None:
    desk = await desk_of(database)
    connection = await announce(database, desk, ("1", BOOK, "a"))
    await stand(database, connection, "a")
    vendor = Vendor(refuses=lambda _what: RateLimited("books: day limit", retry_after=7200))

    looked = await look(database, desk, connection, vendor)
    assert looked.waiting == 1
    assert looked.error is not None
    desk.clock.advance(7100)
    assert (await look(database, desk, connection, vendor)).waiting == 0
    desk.clock.advance(200)
    assert (await look(database, desk, connection, vendor)).waiting == 1


async def test_a_vendor_that_cannot_be_opened_puts_off_everything_and_counts_the_try(
    database: Database,
) -> None:
    desk = await desk_of(database)
    connection = await announce(database, desk, ("1", BOOK, "a"))
    await announce(database, desk, ("2", BOOK, "p"), what="payment")
    await stand(database, connection, "a")
    vendor = Vendor(shut=lambda: AuthError("books: the consent was taken back"))

    pauses = await until_nothing_waits(database, desk, connection, vendor)
    assert (pauses[:5], max(pauses)) == ([1, 2, 4, 8, 16], 60)
    assert (vendor.opened, vendor.asked) == (12, [])
    assert await details(database) == {"given up: CREDENTIALS_REFUSED"}


async def test_a_refusal_of_the_whole_connection_is_not_asked_for_twice_in_one_look(
    database: Database,
) -> None:
    desk = await desk_of(database)
    connection = await announce(database, desk, ("1", BOOK, "a"))
    await announce(database, desk, ("2", BOOK, "p"), what="payment")
    await stand(database, connection, "a")
    vendor = Vendor(refuses=lambda _what: RateLimited("books: day limit", retry_after=3600))

    looked = await look(database, desk, connection, vendor)
    assert (len(vendor.asked), looked.waiting) == (1, 2)
    assert looked.closed_until is not None
    assert (looked.closed_until - desk.clock()).total_seconds() == 3600


async def test_a_failure_of_one_kind_leaves_the_other_alone(database: Database) -> None:
    desk = await desk_of(database)
    connection = await announce(database, desk, ("1", BOOK, "a"))
    await announce(database, desk, ("2", BOOK, "p"), what="payment")
    await stand(database, connection, "a")
    vendor = Vendor(refuses=lambda what: unavailable() if what is Announced.DOCUMENT else None)

    looked = await look(database, desk, connection, vendor)
    assert (looked.done, looked.waiting, looked.closed_until) == (1, 1, None)


async def test_a_defect_of_a_plugin_is_put_off_like_any_failure(database: Database) -> None:
    desk = await desk_of(database)
    connection = await announce(database, desk, ("1", BOOK, "a"))
    await stand(database, connection, "a")
    vendor = Vendor(refuses=lambda _what: KeyError("client Acme"))

    looked = await look(database, desk, connection, vendor)
    assert looked.waiting == 1
    assert await details(database) == {"KeyError"}
    assert (await look(database, desk, connection, vendor)).waiting == 0
