"""A book that is gone: what was posted there is told, and goes elsewhere once a person says so."""

from __future__ import annotations

import pytest

from syncd.core.invoicing.plan_rows import RowState
from syncd.core.service.forgotten_books import (
    BOOK_NOT_CONFIGURED,
    FORGOTTEN,
    Forgotten,
    forget_book,
    left_in,
    tell_unconfigured,
)
from syncd.core.service.refusals import GoLiveRefused
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.ledger_documents import documents_in
from syncd.core.store.ledger_golive import load_ledger_golive
from syncd.core.store.states import DocumentState
from tests.builders_desk import Desk, desk
from tests.integration.invoicing.test_elsewhere import another_book, said, stands

ELSEWHERE = [(RowState.SKIPPED, ["POSTED_ELSEWHERE"])]


async def forget(at: Desk, book: ConnectionRef, reason: str = "the trial has ended") -> Forgotten:
    return await forget_book(
        at.database, at.psa, book, reason=reason, by="ann", clock=at.time.clock, log=at.log
    )


async def told(at: Desk, *configured: str) -> list[Issue]:
    await tell_unconfigured(at.database, at.psa, configured, clock=at.time.clock, log=at.log)
    async with at.database.reader() as conn:
        return await open_issues(conn, connection=at.psa.name)


@pytest.mark.parametrize(
    "state",
    [
        DocumentState.CONFIRMED,
        DocumentState.LINKED,
        DocumentState.PENDING,
        DocumentState.UNKNOWN,
        DocumentState.NEEDS_REVIEW,
    ],
)
async def test_what_was_in_a_forgotten_book_is_posted_in_another_one(
    database: Database, state: DocumentState
) -> None:
    at = await desk(database)
    book = await another_book(at)
    await stands(at, book, state)
    assert said(await at.plan()) == ELSEWHERE
    assert await left_in(at.database, at.psa, book) == Forgotten(documents=1, writes=0)
    assert await forget(at, book) == Forgotten(documents=1, writes=0)
    assert said(await at.plan()) == [(RowState.READY, [])]
    async with database.reader() as conn:
        (gone,) = await documents_in(conn, book.id, [DocumentState.VOIDED])
        word = await load_ledger_golive(conn, at.psa.id, book.id)
    assert gone.code == FORGOTTEN
    assert "ann: the trial has ended" in gone.detail
    assert word is not None
    assert not word.live


async def test_a_word_that_was_cut_short_goes_on(database: Database) -> None:
    at = await desk(database)
    book = await another_book(at, live=False)
    await stands(at, book, DocumentState.CONFIRMED)
    assert (await forget(at, book)).documents == 1
    assert (await forget(at, book)).documents == 0


async def test_a_book_is_forgotten_for_a_reason(database: Database) -> None:
    at = await desk(database)
    book = await another_book(at)
    await stands(at, book, DocumentState.CONFIRMED)
    with pytest.raises(GoLiveRefused, match="for a reason"):
        await forget(at, book, " ")
    assert said(await at.plan()) == ELSEWHERE


async def test_what_stands_in_a_live_book_that_no_configuration_names_is_told(
    database: Database,
) -> None:
    at = await desk(database)
    book = await another_book(at)
    await stands(at, book, DocumentState.CONFIRMED)
    (issue,) = await told(at, at.ledger.name)
    assert (issue.code, issue.subject) == (BOOK_NOT_CONFIGURED, book.name)
    assert "1 invoice stands in" in issue.message
    assert f"`syncd golive {book.name} --forget --why TEXT`" in (issue.remedy or "")
    assert await told(at, at.ledger.name, book.name) == []
    assert await told(at, at.ledger.name) != []
    await forget(at, book)
    async with database.reader() as conn:
        assert await open_issues(conn, connection=at.psa.name) == []
    assert await told(at, at.ledger.name) == []


async def test_a_book_that_was_put_back_is_no_news(database: Database) -> None:
    at = await desk(database)
    book = await another_book(at, live=False)
    await stands(at, book, DocumentState.CONFIRMED)
    assert await told(at, at.ledger.name) == []
