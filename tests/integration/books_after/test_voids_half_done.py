"""A void that gave the number away and stopped there is finished, or told: never forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from syncd.core.service.invoice_settling import Settling
from syncd.core.store.database import Database
from syncd.core.store.states import DocumentState
from syncd.sdk.ledger_writes import ActionOutcome, LedgerAction
from syncd.sdk.psa_records import NotSent
from tests.builders_after import Desk, LivingBook, desk
from tests.builders_books import invoice, line


async def renamed_only(book: LivingBook, actions: Sequence[LedgerAction]) -> list[ActionOutcome]:
    """The quota of the day ends between the two writes of a void."""
    for action in actions:
        book.edit(action.remote, number=action.renumber)
    return [NotSent(action.key, "quota", 7200.0) for action in actions]


async def half_done(database: Database, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A document whose void gave its number away; a look saw that and took it for ours."""
    one = await desk(database, on_edit="void-and-reissue")
    await one.post(invoice("1"))
    one.time.now += timedelta(hours=3)
    await one.look()
    await one.shown(invoice("1", line(1, quantity="3")))
    with monkeypatch.context() as patched:
        patched.setattr(LivingBook, "act", renamed_only)
        await one.apply(await one.plan())
    one.time.now += timedelta(minutes=15)
    await one.look()
    assert numbers(one) == {"INV-00001-V1": "open"}
    assert "BOOKS_RENUMBERED" not in await one.codes()
    return one


def numbers(one: Desk) -> dict[str, str]:
    return {entry.number: entry.status.value for entry in one.book.entries.values()}


async def test_one_more_edit_does_not_stop_it_and_the_newest_version_follows(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await half_done(sqlite_database, monkeypatch)
    await one.shown(invoice("1", line(1, quantity="4")))
    one.time.now += timedelta(hours=3)
    await one.deliver()
    assert numbers(one) == {"INV-00001-V1": "voided"}

    await one.apply(await one.plan())
    assert numbers(one) == {"INV-00001-V1": "voided", "INV-00001": "open"}
    assert (await one.document("INV-00001")).total == 48
    assert await one.codes() == []


async def test_an_edit_that_is_undone_meanwhile_leaves_no_document_under_a_number_of_nobody(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await half_done(sqlite_database, monkeypatch)
    await one.shown(invoice("1"))
    one.time.now += timedelta(hours=3)
    await one.deliver()
    assert [void.code for void in await one.actions("void")] == ["SOURCE_MOVED"]

    await told_and_mended(one)


async def test_one_that_a_person_gave_up_is_looked_at(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await half_done(sqlite_database, monkeypatch)
    one.time.now += timedelta(hours=3)
    one.book.refuse_void = set(one.book.entries)
    await one.deliver()
    (void,) = await one.actions("void")
    assert void.code == "NOT_ALLOWED_NOW"
    await settling(one).settle(void.key, reason="it stays", by="ann", give_up=True)
    await one.shown(invoice("1"))

    await told_and_mended(one)


async def told_and_mended(one: Desk) -> None:
    await one.plan()
    await one.look()
    assert await one.codes() == ["BOOKS_RENUMBERED"]
    document = await one.document("INV-00001")
    assert document.state is DocumentState.DRIFTED

    one.book.edit(document.remote or "", number="INV-00001")
    await one.look()
    assert await one.codes() == []
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED


def settling(one: Desk) -> Settling:
    @asynccontextmanager
    async def opened(_name: str) -> AsyncIterator[Any]:
        yield one.book

    return Settling(
        database=one.database,
        open_ledger=opened,
        clock=one.time.clock,
        log=one.log,
        sleep=one.time.sleep,
    )
