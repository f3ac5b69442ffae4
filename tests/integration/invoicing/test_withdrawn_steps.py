"""Voids and credit notes that were queued, and whose reason or document moved before they went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

import msgspec
import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.service.ledger_delivery import deliver_to_book
from syncd.core.store.database import Database
from syncd.core.store.ledger_actions import actions_of_key
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk, queued
from tests.builders_books import BOOK, START, Died, Fate, invoice, line

Change = Callable[[Desk], Awaitable[None]]


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
