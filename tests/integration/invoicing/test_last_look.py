"""What moved between the plan and the sending is seen in the transaction that claims the write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta

import msgspec
import pytest

from syncd.core.service.ledger_actions import queue_action
from syncd.core.service.ledger_golive import PutBack, attest, put_book_back
from syncd.core.store.database import Database
from syncd.core.store.ledger_documents import move_document
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.ledger_intents import NewDocument, insert_document
from syncd.core.store.ledger_mappings import LedgerDecision, write_ledger_mappings
from syncd.core.store.states import DocumentState
from syncd.sdk.errors import OutcomeUnknown
from syncd.sdk.invoice_records import Ownership
from syncd.sdk.ledger_records import EntryStatus, ReferenceKind
from syncd.sdk.ledger_writes import ActionKind, LedgerAction, LedgerDocument, PostOutcome
from tests.builders_after import Desk, desk, queued
from tests.builders_books import BOOK, START, FakeBook, invoice
from tests.builders_invoices import connected

Change = Callable[[Desk], Awaitable[None]]


async def owner_is_another(one: Desk) -> None:
    await one.shown(invoice("1", owner=Ownership.OTHER))


async def owner_is_unsure(one: Desk) -> None:
    await one.shown(invoice("1", owner=Ownership.UNSURE))


async def live_from_later(one: Desk) -> None:
    word = LedgerWord(
        book_key=BOOK, live=True, from_day=date(2026, 11, 18), by="ann", reason="later", at=START
    )
    async with one.database.writer() as conn:
        await record_ledger_golive(conn, one.psa.id, one.connection.id, word)


async def mapped_to_another_contact(one: Desk) -> None:
    new = LedgerDecision(kind=ReferenceKind.CONTACT, source="c1", target="contact-9", by="ann")
    async with one.database.writer() as conn:
        await write_ledger_mappings(conn, one.psa.id, one.connection.id, new=[new], now=START)


@pytest.mark.parametrize(
    "change",
    [owner_is_another, owner_is_unsure, live_from_later, mapped_to_another_contact],
    ids=lambda change: change.__name__,
)
async def test_a_queued_document_is_not_sent_once_a_decision_about_it_moved(
    database: Database, change: Change
) -> None:
    one = await desk(database)
    await one.shown(invoice("1"))
    await queued(one)

    await change(one)
    await one.deliver()

    assert one.book.entries == {}
    document = await one.document("INV-00001")
    assert (document.state, document.code) == (DocumentState.REFUSED, "SOURCE_MOVED")


async def test_an_unsure_owner_that_a_person_vouched_for_is_no_obstacle(
    database: Database,
) -> None:
    one = await desk(database)
    await attest(
        database, one.psa, one.connection,
        reason="the module is off", by="ann", withdraw=False, clock=one.time.clock, log=one.log,
    )  # fmt: skip
    await one.shown(invoice("1", owner=Ownership.UNSURE))
    await queued(one)
    await one.deliver()
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED


@pytest.mark.parametrize("state", [DocumentState.LINKED, DocumentState.UNKNOWN])
async def test_what_stands_in_another_book_meanwhile_is_not_sent_to_this_one(
    database: Database, state: DocumentState
) -> None:
    one = await desk(database)
    await one.shown(invoice("1"))
    await queued(one)
    await into_another_book(one, state)

    await one.deliver()

    assert one.book.entries == {}
    document = await one.document("INV-00001")
    assert (document.ledger_id, document.code) == (one.connection.id, "SOURCE_MOVED")
    assert "books-2" in document.detail


async def into_another_book(one: Desk, state: DocumentState) -> None:
    """The same invoice comes to stand, or comes on its way, in another company's books."""
    here = await one.document("INV-00001")
    assert here.payload is not None
    new = NewDocument(
        key=f"{here.key}:other",
        psa_id=here.psa_id,
        ledger_id=(await connected(one.database, suffix="-2"))[1].id,
        book_key="org-2",
        plan_id=None,
        invoice=here.invoice,
        issue=1,
        client=here.client,
        payload=msgspec.structs.replace(
            here.payload,
            document=msgspec.structs.replace(here.payload.document, number="OTHER-1"),
        ),
        digest=here.digest,
        source_digest=here.source_digest,
    )
    async with one.database.writer() as conn:
        made = await insert_document(conn, new, now=START)
        await move_document(conn, made, expected=[DocumentState.PENDING], to=state)


async def test_documents_of_another_organisation_wait_as_they_are(database: Database) -> None:
    one = await desk(database)
    await one.shown(invoice("1"))
    await queued(one)
    one.book.key = "org-2"
    await one.deliver()
    assert one.book.entries == {}
    assert (await one.document("INV-00001")).state is DocumentState.PENDING
    one.book.key = BOOK
    await one.deliver()
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED


async def stopped(one: Desk) -> PutBack:
    return await put_book_back(
        one.database, one.psa, one.connection,
        reason="wrong accounts", by="ann", clock=one.time.clock, log=one.log,
    )  # fmt: skip


async def test_a_book_that_is_put_back_withdraws_what_waits_and_plans_it_again_when_live(
    database: Database,
) -> None:
    one = await desk(database, on_void="void-and-reissue")
    (standing,) = await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True), invoice("2"), invoice("3"))
    await queued(one)

    done = await stopped(one)
    assert (done.before.live, done.withdrawn, done.in_doubt) == (True, 3, 0)
    waited = [await one.document("INV-00002"), await one.document("INV-00003")]
    assert {(each.state, each.code) for each in waited} == {(DocumentState.REFUSED, "LINK_ONLY")}
    (void,) = await one.actions("void")
    assert (void.state, void.code) == ("rejected", "LINK_ONLY")
    await one.deliver()
    assert list(one.book.entries) == [standing.remote]
    assert one.book.entries[standing.remote or ""].status is EntryStatus.OPEN

    await live_again(one)
    await one.apply(await one.plan())
    assert (await one.document("INV-00002")).state is DocumentState.CONFIRMED
    assert one.book.entries[standing.remote or ""].status is EntryStatus.VOIDED


@pytest.mark.parametrize("arrived", [True, False])
async def test_what_was_on_its_way_when_a_book_was_put_back_is_looked_up_and_never_sent_again(
    database: Database, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await desk(database)
    post = FakeBook.post

    async def lost(book: FakeBook, documents: Sequence[LedgerDocument]) -> Sequence[PostOutcome]:
        if arrived:
            await post(book, documents)
        message = "the answer was lost"
        raise OutcomeUnknown(message)

    with monkeypatch.context() as patched:
        patched.setattr(FakeBook, "post", lost)
        patched.setattr(FakeBook, "find_documents", lost)
        await one.post(invoice("1"))
    assert (await one.document("INV-00001")).state is DocumentState.UNKNOWN

    done = await stopped(one)
    assert (done.withdrawn, done.in_doubt) == (0, 1)
    one.time.now += timedelta(hours=1)
    await one.deliver()

    document = await one.document("INV-00001")
    if arrived:
        assert document.state is DocumentState.CONFIRMED
    else:
        assert (document.state, document.code) == (DocumentState.REFUSED, "LINK_ONLY")
    assert len(one.book.entries) == arrived


async def live_again(one: Desk) -> None:
    word = LedgerWord(
        book_key=BOOK, live=True, from_day=date(2026, 1, 1), by="ann", reason="", at=one.time.now
    )
    async with one.database.writer() as conn:
        await record_ledger_golive(conn, one.psa.id, one.connection.id, word)


async def test_nothing_is_made_in_a_book_that_is_only_linked(database: Database) -> None:
    _, ledger = await connected(database, live=False)
    one = await desk(database)
    creation = LedgerAction(
        key="k1", attempt="", kind=ActionKind.CREATE_CONTACT, name="Zeta Ltd", foreign_key="c9"
    )
    async with database.writer() as conn:
        word = LedgerWord(
            book_key=BOOK, live=False, from_day=None, by="ann", reason="back", at=START
        )
        await record_ledger_golive(conn, one.psa.id, ledger.id, word)
        await queue_action(
            conn, kind=creation.kind.value, connection_id=ledger.id, payload=creation, now=START
        )
    await one.deliver()
    assert "Zeta Ltd" not in {row.name for row in one.book.catalogue}
