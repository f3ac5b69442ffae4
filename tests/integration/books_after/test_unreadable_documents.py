"""What cannot be looked at keeps nothing else back: new invoices, and what is on its way, go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.core.service.book_round import CHANGES_NOT_PLANNED, carry_book
from syncd.core.service.invoice_apply import LATEST, find_invoice_plan
from syncd.core.service.runs import run
from syncd.core.store.database import Database
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RateLimited,
    VendorUnavailable,
)
from syncd.sdk.ledger_writes import ActionKind
from tests.builders_after import LONDON, Desk, LivingBook, desk
from tests.builders_books import invoice, line


async def a_round(one: Desk) -> None:
    """As the daemon goes it."""
    async with run(
        one.database,
        subject=one.connection.name,
        kind="books",
        scheduled_for=None,
        clock=one.time.clock,
        log=one.log,
        node="n",
    ) as handle:
        await carry_book(
            one.database,
            ledger=one.book,
            ledger_connection=one.connection,
            keeper=one.keeper,
            psa_connection=one.psa,
            rules=one.rules,
            timezone=LONDON,
            max_age_days=7,
            clock=one.time.clock,
            log=one.log,
            run=handle,
        )


def unreadable(monkeypatch: pytest.MonkeyPatch, error: ConnectorError) -> None:
    async def read_back(self: LivingBook, remotes: object) -> object:
        raise error

    monkeypatch.setattr(LivingBook, "read_back", read_back)


async def changed_and_new(database: Database, **rules: str) -> Desk:
    """One invoice was changed after it was posted, and one is new."""
    one = await desk(database, **rules)
    await one.post(invoice("1"))
    one.time.now += timedelta(minutes=15)
    await one.shown(invoice("1", line(1, quantity="3")), invoice("2"))
    return one


@pytest.mark.parametrize(
    "error", [ProtocolError("a shape that nobody knows"), RateLimited("kept for writes")]
)
async def test_new_invoices_are_posted_while_a_changed_document_cannot_be_read(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, error: ConnectorError
) -> None:
    one = await changed_and_new(sqlite_database)
    with monkeypatch.context() as broken:
        unreadable(broken, error)
        await a_round(one)
    assert (await one.document("INV-00002")).state is DocumentState.CONFIRMED
    (issue,) = [each for each in await one.issues() if each.code == CHANGES_NOT_PLANNED]
    assert str(error) in issue.message
    assert f"`syncd plan invoices {one.connection.name}`" in (issue.remedy or "")
    await a_round(one)
    assert CHANGES_NOT_PLANNED not in await one.codes()


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_plan_whose_rows_a_person_releases_stays_while_calls_are_kept_for_writes(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    one = await changed_and_new(sqlite_database, on_edit="void-and-reissue")
    one.rules = replace(one.rules, approval="by_hand" if by_hand else "automatic")
    before = await one.plan()
    one.time.now += timedelta(minutes=15)
    unreadable(monkeypatch, RateLimited("kept for writes"))
    if by_hand:
        with pytest.raises(RateLimited):
            await a_round(one)
    else:
        await a_round(one)
    newest = await find_invoice_plan(one.database, LATEST)
    assert (newest.id == before.record.id) is by_hand


async def test_what_waits_is_sent_though_no_plan_can_be_made(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await changed_and_new(sqlite_database)

    async def spent(self: LivingBook, documents: object) -> object:
        message = "the minute is over"
        raise RateLimited(message, retry_after=60.0)

    with monkeypatch.context() as busy:
        busy.setattr(LivingBook, "post", spent)
        await a_round(one)
    assert (await one.document("INV-00002")).state is DocumentState.PENDING
    one.time.now += timedelta(hours=1)
    unreadable(monkeypatch, VendorUnavailable("the list of documents is down"))
    with pytest.raises(VendorUnavailable):
        await a_round(one)
    assert (await one.document("INV-00002")).state is DocumentState.CONFIRMED


async def test_who_may_not_come_in_is_asked_nothing_more(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await changed_and_new(sqlite_database)
    unreadable(monkeypatch, AuthError("the consent has ended"))
    posts = one.book.posts
    with pytest.raises(AuthError):
        await a_round(one)
    assert one.book.posts == posts


@pytest.mark.parametrize("error", [ProtocolError("nonsense"), AuthError("no more")])
async def test_documents_go_though_another_write_was_answered_with_nonsense(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, error: ConnectorError
) -> None:
    one = await changed_and_new(sqlite_database, on_edit="void-and-reissue")

    async def act(self: LivingBook, actions: object) -> object:
        raise error

    monkeypatch.setattr(LivingBook, "act", act)
    await one.apply(await one.plan())
    (void,) = await one.actions(ActionKind.VOID)
    assert void.state in (OutboxState.PENDING, OutboxState.UNKNOWN)
    stands = isinstance(error, ProtocolError)
    expected = DocumentState.CONFIRMED if stands else DocumentState.PENDING
    assert (await one.document("INV-00002")).state is expected
