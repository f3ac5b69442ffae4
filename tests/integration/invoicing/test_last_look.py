"""What moved between the plan and the sending is seen in the transaction that claims the write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

import msgspec
import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.service.invoice_plan import PlannedInvoices
from syncd.core.service.invoice_queueing import queue_plan
from syncd.core.service.ledger_actions import queue_action
from syncd.core.service.ledger_delivery import deliver_to_book
from syncd.core.service.ledger_golive import attest, put_book_back
from syncd.core.service.refusals import GoLiveRefused
from syncd.core.store.database import Database
from syncd.core.store.ledger_actions import actions_of_key
from syncd.core.store.ledger_documents import move_document
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.ledger_intents import NewDocument, insert_document
from syncd.core.store.ledger_mappings import LedgerDecision, write_ledger_mappings
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.invoice_records import Ownership
from syncd.sdk.ledger_records import EntryStatus, ReferenceKind
from syncd.sdk.ledger_writes import ActionKind, LedgerAction
from tests.builders_after import Desk, desk
from tests.builders_books import BOOK, START, Died, Fate, invoice, line
from tests.builders_invoices import connected

Change = Callable[[Desk], Awaitable[None]]


async def queued(one: Desk, plan: PlannedInvoices | None = None) -> PlannedInvoices:
    """A plan whose rows were queued, and of which nothing was sent yet."""
    made = plan or await one.plan()
    done = await queue_plan(
        one.database,
        made.record,
        ledger_connection=one.connection,
        psa_connection=one.psa,
        book_key=one.book.key,
        now=one.time.now,
        max_age_days=7,
    )
    assert done.documents or done.actions
    return made


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


async def undone(one: Desk) -> None:
    await one.shown(invoice("1"))


async def edited_once_more(one: Desk) -> None:
    await one.shown(invoice("1", line(1, quantity="9")))


async def paid(one: Desk) -> None:
    document = await one.document("INV-00001")
    one.book.pay(document.remote or "", "1.00")
    await one.look()


async def edited_in_the_books(one: Desk) -> None:
    document = await one.document("INV-00001")
    one.book.edit(document.remote or "", due=date(2027, 1, 1))
    await one.look()


async def put_back(one: Desk) -> None:
    word = LedgerWord(book_key=BOOK, live=False, from_day=None, by="ann", reason="a mess", at=START)
    async with one.database.writer() as conn:
        await record_ledger_golive(conn, one.psa.id, one.connection.id, word)


MOVES = pytest.mark.parametrize(
    "change",
    [undone, edited_once_more, paid, edited_in_the_books, put_back],
    ids=lambda change: change.__name__,
)


@MOVES
async def test_a_queued_void_is_withdrawn_once_its_reason_or_its_document_moved(
    database: Database, change: Change
) -> None:
    one = await desk(database, on_edit="void-and-reissue", on_void="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    plan = await queued(one)
    assert [row.step.step for row in plan.record.rows] == [Step.VOID]

    await change(one)
    await one.deliver()

    assert one.book.entries[document.remote or ""].status is not EntryStatus.VOIDED
    async with database.reader() as conn:
        (action,) = await actions_of_key(conn, f"{document.key}:void")
    assert action.state is OutboxState.REJECTED
    assert "WRITE_REFUSED" not in await one.codes()


async def test_a_withdrawn_void_is_planned_again_when_its_reason_is_back(
    database: Database,
) -> None:
    one = await desk(database, on_void="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    await queued(one)
    await one.shown(invoice("1"))
    await one.deliver()

    await one.shown(invoice("1", voided=True))
    await one.apply(await one.plan())
    assert one.book.entries[document.remote or ""].status is EntryStatus.VOIDED


@MOVES
async def test_a_queued_credit_note_is_not_sent_once_its_reason_or_its_document_moved(
    database: Database, change: Change
) -> None:
    one = await desk(database, on_edit="credit", on_void="credit")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    plan = await queued(one)
    assert [row.step.step for row in plan.record.rows] == [Step.CREDIT]

    await change(one)
    await one.deliver()

    assert [entry.number for entry in one.book.entries.values()] == ["INV-00001"]
    assert (await one.document("INV-00001-CR")).state is DocumentState.REFUSED


async def test_a_book_is_not_put_back_while_another_write_has_no_certain_end(
    database: Database,
) -> None:
    one = await desk(database, on_void="void-and-reissue")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    await queued(one)

    with pytest.raises(GoLiveRefused, match="1 write"):
        await put_book_back(
            database, one.psa, one.connection,
            reason="a mess", by="ann", clock=one.time.clock, log=one.log,
        )  # fmt: skip


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


async def test_a_lost_void_of_a_document_that_is_not_shown_is_for_a_person(
    database: Database,
) -> None:
    """Absence proves nothing by itself: the read may have failed, or another company answered."""
    one = await desk(database, on_void="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    await queued(one)
    await lose_answer(one)
    held = one.book.entries.pop(document.remote or "")

    one.time.now = one.time.now.replace(hour=9)
    await one.deliver()

    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED
    assert "WRITE_UNCLEAR" in await one.codes()
    one.book.entries[document.remote or ""] = held


async def lose_answer(one: Desk) -> None:
    """The next write beside documents happens, and nobody sees its answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(one.book.fate), "strikes", lambda _self, share=1.0: share == 0.6)
        await deliver_to_book(
            one.database,
            one.book,
            one.connection,
            clock=one.time.clock,
            log=one.log,
            sleep=one.time.sleep,
            patience_seconds=0.0,
        )


async def test_a_void_that_died_between_its_two_steps_goes_on_though_the_books_were_read_since(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await desk(database, on_edit="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", line(1, quantity="9")))
    await queued(one)
    looks = iter([None])

    def dies(_fate: Fate, share: float = 0.3) -> None:
        if share == 0.3 and next(looks, "dead") == "dead":
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr(Fate, "may_die", dies)
        with pytest.raises(Died):
            await one.deliver()
    remote = document.remote or ""
    assert one.book.entries[remote].number != "INV-00001"
    assert one.book.entries[remote].status is EntryStatus.OPEN

    await one.look()
    await one.deliver()
    assert one.book.entries[remote].status is EntryStatus.VOIDED
    await one.apply(await one.plan())
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED
    assert await one.codes() == []


async def test_a_void_for_a_new_version_is_withdrawn_when_the_invoice_is_a_draft_again(
    database: Database,
) -> None:
    one = await desk(database, on_edit="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    edited = invoice("1", line(1, quantity="9"))
    await one.shown(edited)
    await queued(one)
    await one.shown(msgspec.structs.replace(edited, finalised=False))
    await one.deliver()
    assert one.book.entries[document.remote or ""].status is EntryStatus.OPEN


async def test_a_draft_is_taken_back_when_its_invoice_was_edited_whatever_a_credit_would_do(
    database: Database,
) -> None:
    one = await desk(database, on_edit="credit", approved=False)
    (document,) = await one.post(invoice("1"))
    assert document.seen_status == EntryStatus.DRAFT
    await one.shown(invoice("1", line(1, quantity="9")))
    await one.apply(await one.plan())
    assert one.book.entries[document.remote or ""].status is EntryStatus.VOIDED
