"""A credit note that waited is held against its document as the books show it when it goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from syncd.core.store.database import Database
from syncd.core.store.states import DocumentState
from syncd.sdk.errors import ProtocolError, SyncdError, VendorUnavailable
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk, queued
from tests.builders_books import invoice

NOTE = "INV-00001-CR"


async def waiting(database: Database) -> tuple[Desk, str]:
    """A credit note that is queued, and the id of what it credits."""
    one = await desk(database, on_void="credit")
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    await queued(one)
    return one, document.remote or ""


def paid(one: Desk, remote: str) -> None:
    one.book.pay(remote, "24.00")


def paid_in_part(one: Desk, remote: str) -> None:
    one.book.pay(remote, "1.00")


def credited(one: Desk, remote: str) -> None:
    one.book.edit(remote, credited=Decimal(24), balance=Decimal(0), status=EntryStatus.PAID)


def voided(one: Desk, remote: str) -> None:
    one.book.edit(remote, status=EntryStatus.VOIDED)


def deleted(one: Desk, remote: str) -> None:
    one.book.delete(remote)


def edited(one: Desk, remote: str) -> None:
    one.book.edit(remote, due=date(2027, 1, 1))


@pytest.mark.parametrize("happens", [paid, paid_in_part, credited, voided, deleted, edited])
async def test_it_is_withdrawn_where_nobody_saw_yet_what_people_did_in_the_books(
    sqlite_database: Database, happens: Callable[[Desk, str], None]
) -> None:
    one, remote = await waiting(sqlite_database)
    happens(one, remote)
    before = dict(one.book.entries)
    one.time.now += timedelta(hours=2)

    await one.deliver()

    note = await one.document(NOTE)
    assert (note.state, note.code) == (DocumentState.REFUSED, "SOURCE_MOVED")
    assert one.book.entries == before


async def test_it_is_posted_where_nothing_moved(sqlite_database: Database) -> None:
    one, _ = await waiting(sqlite_database)
    one.time.now += timedelta(hours=2)
    await one.deliver()
    assert (await one.document(NOTE)).state is DocumentState.CONFIRMED


@pytest.mark.parametrize("error", [ProtocolError("makes no sense"), VendorUnavailable("down")])
async def test_it_waits_unsent_while_the_books_cannot_show_it_and_keeps_nothing_else(
    sqlite_database: Database, error: SyncdError, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = await waiting(sqlite_database)
    await one.shown(invoice("2"))
    await queued(one)

    async def unreadable(*_: object) -> object:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(type(one.book), "read_back", unreadable)
        await one.deliver()
    note = await one.document(NOTE)
    assert (note.state, note.attempts) == (DocumentState.PENDING, 0)
    assert (await one.document("INV-00002")).state is DocumentState.CONFIRMED

    one.time.now += timedelta(hours=2)
    await one.deliver()
    assert (await one.document(NOTE)).state is DocumentState.CONFIRMED
