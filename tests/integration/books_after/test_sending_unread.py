"""What waited for a quota is sent only upon a read of the PSA that is whole and fresh."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from syncd.core.service.invoice_reading import KIND as INVOICES
from syncd.core.service.runs import run
from syncd.core.service.unread_source import READ_WITHIN
from syncd.core.store.database import Database
from syncd.core.store.ledger_documents import move_document
from syncd.core.store.states import DocumentState
from syncd.core.store.watermarks import move_watermark
from syncd.sdk.errors import VendorUnavailable
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk, queued
from tests.builders_books import invoice, line


async def read_of_the_psa(one: Desk, *, fails: bool) -> None:
    one.time.now += timedelta(minutes=1)
    with suppress(VendorUnavailable):
        async with run(
            one.database, subject=one.psa.name, kind=INVOICES, scheduled_for=None,
            clock=one.time.clock, log=one.log, node="here",
        ):  # fmt: skip
            if fails:
                message = "the PSA is down"
                raise VendorUnavailable(message)
            async with one.database.writer() as conn:
                await move_watermark(conn, one.psa.id, INVOICES, one.time.now)


async def failed(one: Desk) -> None:
    await read_of_the_psa(one, fails=True)


async def too_old(one: Desk) -> None:
    await read_of_the_psa(one, fails=False)
    one.time.now += READ_WITHIN + timedelta(minutes=1)


async def of_a_wrong_clock(one: Desk) -> None:
    one.time.now += timedelta(days=3)
    await read_of_the_psa(one, fails=False)
    one.time.now -= timedelta(days=3)


@pytest.mark.parametrize("happens", [failed, too_old, of_a_wrong_clock])
async def test_documents_and_voids_wait_as_they_are_until_the_psa_was_read(
    sqlite_database: Database, happens: object
) -> None:
    one = await desk(sqlite_database, on_void="void-and-reissue")
    (standing,) = await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True), invoice("2"))
    await queued(one)
    assert callable(happens)
    await happens(one)

    began = one.time.now
    await one.deliver()
    assert list(one.book.entries) == [standing.remote]
    assert one.book.entries[standing.remote or ""].status is EntryStatus.OPEN
    assert (await one.document("INV-00002")).state is DocumentState.PENDING
    assert [void.state for void in await one.actions("void")] == ["pending"]
    assert one.time.now == began  # nobody waits for a read in a delivery

    one.time.now += timedelta(days=4) if happens is of_a_wrong_clock else timedelta(0)
    await read_of_the_psa(one, fails=False)
    await one.deliver()
    assert (await one.document("INV-00002")).state is DocumentState.CONFIRMED
    assert one.book.entries[standing.remote or ""].status is EntryStatus.VOIDED


async def test_what_rests_on_nothing_of_the_psa_goes_on_while_voids_wait(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many voids stand before it."""
    monkeypatch.setattr("syncd.core.service.ledger_delivery.BATCH", 1)
    one = await desk(sqlite_database, on_void="void-and-reissue")
    await one.post(invoice("1"), invoice("2"), invoice("3"))
    note = invoice("4", line(1, quantity="1"), kind=DocumentKind.CREDIT, number="CN-4", credits="3")
    (credit,) = await one.post(note)
    await one.shown(invoice("1", voided=True), invoice("2", voided=True))
    await queued(one)
    await failed(one)
    await one.deliver()

    assert [void.state for void in await one.actions("void")] == ["pending", "pending"]
    assert [each.state for each in await one.actions("allocate")] == ["delivered"]
    assert one.book.entries[credit.remote or ""].balance == 0


async def test_a_document_whose_answer_was_lost_is_looked_up_whatever_was_read(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database)
    await one.shown(invoice("1"), invoice("2"))
    await queued(one)
    async with one.database.writer() as conn:
        document = await one.document("INV-00001")
        await move_document(
            conn, document.id, expected=[DocumentState.PENDING], to=DocumentState.SENDING
        )
    assert document.payload is not None
    one.book.add(one.book.entry_of(document.payload.document))
    await failed(one)
    await one.deliver()
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED
    assert (await one.document("INV-00002")).state is DocumentState.PENDING
