"""What the books refused, or a person gave up, is not tried again by a rule in every round."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.service.drift_words import choose_way
from syncd.core.service.invoice_settling import Settling
from syncd.core.store.database import Database
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import EntryStatus
from syncd.sdk.ledger_writes import ActionKind, ActionOutcome, LedgerAction
from syncd.sdk.psa_records import Rejected
from tests.builders_after import Desk, LivingBook, desk, queued, steps
from tests.builders_books import BOOK, invoice, line


async def given_up(one: Desk, key: str) -> None:
    @asynccontextmanager
    async def opened(_: str) -> AsyncIterator[Ledger]:
        yield one.book

    settling = Settling(
        database=one.database,
        open_ledger=opened,
        clock=one.time.clock,
        log=one.log,
        sleep=one.time.sleep,
    )
    await settling.settle(key, reason="entered by hand", by="ann", give_up=True)


async def rounds(one: Desk, count: int = 3) -> None:
    for _ in range(count):
        await one.apply(await one.plan())
        one.time.now += timedelta(minutes=15)


async def said(one: Desk, way: str) -> None:
    await choose_way(
        one.database,
        one.psa,
        one.connection,
        await one.document("INV-00001"),
        way,
        by="ann",
        why="it is mended",
        clock=one.time.clock,
    )


async def test_a_credit_note_that_the_books_refuse_is_sent_once_and_again_by_a_word(
    database: Database,
) -> None:
    one = await desk(database, on_void="credit")
    await one.post(invoice("1"))
    one.book.refuse["INV-00001-CR"] = "PERIOD_LOCKED"
    await one.shown(invoice("1", voided=True))
    before = one.book.posts
    await rounds(one)
    assert one.book.posts == before + 1
    (issue,) = [found for found in await one.issues() if found.code == "VOIDED_IN_PSA"]
    assert issue.evidence["reason"] == "REFUSED_BEFORE"
    assert "--credit INV-00001" in issue.remedy

    one.book.refuse.clear()
    await rounds(one)
    assert one.book.posts == before + 1
    await said(one, "credit")
    await rounds(one, 1)
    assert (await one.document("INV-00001-CR")).state is DocumentState.CONFIRMED


async def test_a_credit_note_that_a_person_gave_up_is_not_posted_beside_hers(
    database: Database,
) -> None:
    one = await desk(database, on_void="credit")
    (document,) = await one.post(invoice("1"))
    posted = one.book.entries[document.remote or ""]
    hers = msgspec.structs.replace(
        posted,
        remote="hers",
        kind=DocumentKind.CREDIT,
        number="INV-00001-CR",
        marker="",
        contact="another",
    )
    one.book.add(hers)
    await one.shown(invoice("1", voided=True))
    await rounds(one, 1)
    await given_up(one, (await one.document("INV-00001-CR")).key)
    assert (await one.document("INV-00001-CR")).code == "ABANDONED"
    one.book.edit("hers", number="CN-5")

    await rounds(one)
    (issue,) = [found for found in await one.issues() if found.code == "VOIDED_IN_PSA"]
    assert issue.evidence["reason"] == "GIVEN_UP"
    assert sorted(entry.number for entry in one.book.entries.values()) == ["CN-5", "INV-00001"]


async def test_an_allocation_that_the_books_refuse_waits_until_something_moved_there(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await desk(database, on_void="credit")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    await rounds(one, 1)
    sent = refusing(monkeypatch)

    await rounds(one)
    assert len(sent) == 1
    assert await one.codes() == ["WRITE_REFUSED"]
    note = await one.document("INV-00001-CR")
    one.book.edit(note.remote or "")
    await rounds(one)
    assert len(sent) == 2

    (action,) = [each for each in await one.actions("allocate") if each.generation == 2]
    await given_up(one, action.key)
    one.book.edit(note.remote or "")
    await rounds(one)
    assert len(sent) == 2
    assert await one.codes() == []


async def test_a_void_that_a_person_gave_up_is_not_made_after_any_touch_of_the_document(
    database: Database,
) -> None:
    one = await desk(database, on_void="void-and-reissue", on_edit="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    remote = document.remote or ""
    one.book.refuse_void.add(remote)
    await one.shown(invoice("1", voided=True))
    await rounds(one, 1)
    (action,) = await one.actions("void")
    await given_up(one, action.key)
    one.book.refuse_void.clear()
    one.book.edit(remote)

    await rounds(one)
    assert one.book.entries[remote].status is EntryStatus.OPEN
    (issue,) = await one.issues()
    assert (issue.code, issue.evidence["reason"]) == ("VOIDED_IN_PSA", "GIVEN_UP")
    assert "entered by hand" in issue.message

    await said(one, "void-and-reissue")
    await rounds(one, 1)
    assert one.book.entries[remote].status is EntryStatus.VOIDED


async def test_a_void_that_was_given_up_says_nothing_of_a_later_change(database: Database) -> None:
    one = await desk(database, on_void="void-and-reissue", on_edit="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    remote = document.remote or ""
    one.book.refuse_void.add(remote)
    await one.shown(invoice("1", voided=True))
    await rounds(one, 1)
    (action,) = await one.actions("void")
    await given_up(one, action.key)
    one.book.refuse_void.clear()

    await one.shown(invoice("1", line(1, quantity="3")))
    await rounds(one, 1)
    assert one.book.entries[remote].status is EntryStatus.VOIDED


@pytest.mark.parametrize("way", ["void-and-reissue", "credit"])
async def test_a_word_binds_until_its_step_is_made_and_not_for_the_next_change(
    database: Database, way: str
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    smaller = invoice("1", line(1, quantity="1"))
    await one.shown(smaller)
    await said(one, way)
    await queued(one)
    await one.shown(invoice("1"))
    await one.deliver()
    assert await steps(one) == []
    await one.shown(smaller)
    assert await steps(one) == []  # it was said of the change that is undone

    await said(one, way)
    await queued(one)
    await live(one, None)
    await one.deliver()
    await live(one, date(2026, 11, 1))
    (step,) = await steps(one)
    assert step[0] is (Step.CREDIT if way == "credit" else Step.VOID)
    await rounds(one, 1)
    assert [each for each, _, _ in await steps(one)] == [
        Step.ALLOCATE if way == "credit" else Step.POST
    ]
    assert document.remote


async def test_a_word_binds_once_more_where_somebody_touched_the_document_meanwhile(
    database: Database,
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    remote = document.remote or ""
    await one.shown(invoice("1", line(1, quantity="3")))
    await said(one, "void-and-reissue")
    await queued(one)
    one.book.edit(remote)
    await one.deliver()
    (action,) = await one.actions("void")
    assert action.code == "VERSION_MOVED"

    await rounds(one, 2)
    assert one.book.entries[remote].status is EntryStatus.VOIDED
    assert (await one.document("INV-00001")).total == Decimal("36.00")


async def live(one: Desk, from_day: date | None) -> None:
    word = LedgerWord(
        book_key=BOOK,
        live=from_day is not None,
        from_day=from_day,
        by="ann",
        reason="a mess",
        at=one.time.now,
    )
    async with one.database.writer() as conn:
        await record_ledger_golive(conn, one.psa.id, one.connection.id, word)


def refusing(monkeypatch: pytest.MonkeyPatch) -> list[LedgerAction]:
    """Every allocation is refused; what was sent."""
    sent: list[LedgerAction] = []
    made = LivingBook._act

    def act(self: LivingBook, action: LedgerAction) -> ActionOutcome:
        if action.kind is not ActionKind.ALLOCATE:
            return made(self, action)
        sent.append(action)
        return Rejected(action.key, "PERIOD_LOCKED", "the month is closed")

    monkeypatch.setattr(LivingBook, "_act", act)
    return sent
