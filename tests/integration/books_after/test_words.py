"""A person's word is held against the books before it is acted upon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.core.service.drift_words import keep, post_again
from syncd.core.service.invoice_settling import SettledDocument, Settling
from syncd.core.service.refusals import NothingToSettle, ReleaseRefused
from syncd.core.store.database import Database
from syncd.core.store.ledger_documents import DocumentItem, find_documents_by, move_document
from syncd.core.store.states import DocumentState
from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from tests.builders_after import Desk, desk
from tests.builders_books import invoice


async def again(one: Desk, document: DocumentItem) -> None:
    await post_again(
        one.database,
        one.book,
        one.connection,
        document,
        by="ann",
        why="deleted by mistake",
        clock=one.time.clock,
        log=one.log,
    )


async def adopt(one: Desk, number: str, remote: str) -> SettledDocument:
    @asynccontextmanager
    async def opened(_name: str) -> AsyncIterator[Any]:
        yield one.book

    settling = Settling(
        database=one.database,
        open_ledger=opened,
        clock=one.time.clock,
        log=one.log,
        sleep=one.time.sleep,
    )
    return await settling.settle(number, reason="it is the same", by="ann", adopt=remote)


async def clashing(one: Desk) -> LedgerEntry:
    """Somebody's document has the number of an invoice, which waits for a person."""
    (document,) = await one.post(invoice("1"))
    theirs = msgspec.structs.replace(
        one.book.entries[document.remote or ""], remote="theirs", number="INV-00002", marker=""
    )
    theirs = msgspec.structs.replace(theirs, contact="contact-9")
    one.book.add(theirs)
    (parked,) = await one.post(invoice("2"))
    assert parked.state is DocumentState.NEEDS_REVIEW
    return theirs


async def test_a_document_that_stands_is_adopted(database: Database) -> None:
    one = await desk(database)
    await clashing(one)
    settled = await adopt(one, "INV-00002", "theirs")

    assert not settled.doubtful
    assert (await one.document("INV-00002")).remote == "theirs"


@pytest.mark.parametrize("status", [EntryStatus.VOIDED, EntryStatus.DELETED])
async def test_a_document_that_counts_no_more_is_not_adopted(
    sqlite_database: Database, status: EntryStatus
) -> None:
    one = await desk(sqlite_database)
    await clashing(one)
    one.book.edit("theirs", status=status)

    with pytest.raises(ReleaseRefused, match=status.value):
        await adopt(one, "INV-00002", "theirs")
    assert (await one.document("INV-00002")).state is DocumentState.NEEDS_REVIEW


@pytest.mark.parametrize("marked", [True, False], ids=["by its mark", "by its id"])
async def test_a_document_of_another_invoice_is_not_adopted(
    database: Database, marked: bool
) -> None:
    one = await desk(database)
    await clashing(one)
    first = await one.document("INV-00001")
    remote = first.remote or ""
    if marked:
        # It is another document by its id, which bears the mark of the first one.
        copy = msgspec.structs.replace(one.book.entries[remote], remote="copy")
        one.book.add(copy)
        remote = "copy"

    with pytest.raises(ReleaseRefused, match="INV-00001"):
        await adopt(one, "INV-00002", remote)
    assert (await one.document("INV-00002")).state is DocumentState.NEEDS_REVIEW


async def test_what_stands_again_in_the_books_is_not_posted_again(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database)
    (document,) = await one.post(invoice("1"))
    one.book.edit(document.remote or "", status=EntryStatus.VOIDED)
    await one.look()
    drifted = await one.document("INV-00001")
    one.book.edit(document.remote or "", status=EntryStatus.OPEN)

    with pytest.raises(DataError, match="stands in the books"):
        await again(one, drifted)
    assert await one.document("INV-00001") == drifted
    assert await one.codes() == ["BOOKS_VOIDED"]
    await one.look()
    assert await one.codes() == []


async def test_a_word_on_a_document_that_moved_meanwhile_is_not_kept(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database)
    (document,) = await one.post(invoice("1"))
    one.book.edit(document.remote or "", status=EntryStatus.VOIDED)
    await one.look()
    drifted = await one.document("INV-00001")
    async with one.database.writer() as conn:
        await move_document(
            conn, drifted.id, expected=[drifted.state], to=DocumentState.CONFIRMED, code=None
        )

    with pytest.raises(DataError, match="moved meanwhile"):
        await again(one, drifted)
    assert await one.codes() == ["BOOKS_VOIDED"]
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED


async def test_two_documents_of_one_number_are_named_by_their_keys(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database)
    await clashing(one)
    theirs = msgspec.structs.replace(
        one.book.entries["theirs"], remote="credit", kind=DocumentKind.CREDIT
    )
    one.book.add(theirs)
    await one.post(invoice("3", number="INV-00002", kind=DocumentKind.CREDIT))
    async with one.database.reader() as conn:
        waiting = await find_documents_by(conn, "INV-00002")
    assert len(waiting) == 2

    with pytest.raises(NothingToSettle, match="more than one") as refused:
        await adopt(one, "INV-00002", "theirs")
    assert all(document.key in str(refused.value.remedy) for document in waiting)
    assert not (await adopt(one, waiting[0].key, "theirs")).doubtful


async def test_what_is_not_shown_is_not_kept_as_it_is(sqlite_database: Database) -> None:
    one = await desk(sqlite_database)
    (document,) = await one.post(invoice("1"))
    one.book.edit(document.remote or "", total=Decimal(25))
    await one.look()
    drifted = await one.document("INV-00001")
    shown = one.book.entries.pop(document.remote or "")

    with pytest.raises(DataError, match="does not show"):
        await kept(one, drifted)
    assert await one.codes() == ["BOOKS_EDITED"]
    one.book.add(shown)
    await kept(one, drifted)
    assert await one.codes() == []


async def kept(one: Desk, document: DocumentItem) -> None:
    await keep(
        one.database,
        one.book,
        one.connection,
        document,
        by="ann",
        why="agreed with the client",
        clock=one.time.clock,
        log=one.log,
    )
