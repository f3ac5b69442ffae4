"""A person's word on a refused write binds its newest attempt, never one that is past."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from syncd.core.service.invoice_settling import Settling
from syncd.core.service.refusals import NothingToSettle
from syncd.core.store.database import Database
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_writes import ActionOutcome, LedgerAction
from syncd.sdk.psa_records import NotSent
from tests.builders_after import Desk, LivingBook, desk
from tests.builders_books import invoice


async def over_quota(_: LivingBook, actions: Sequence[LedgerAction]) -> list[ActionOutcome]:
    return [NotSent(action.key, "quota", 7200.0) for action in actions]


async def refused_and_queued_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> Desk:
    one = await desk(database, on_void="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    one.book.refuse_void = {document.remote or ""}
    await one.shown(invoice("1", voided=True))
    await one.apply(await one.plan())
    one.book.refuse_void = set()
    one.book.edit(document.remote or "")
    with monkeypatch.context() as patched:
        patched.setattr(LivingBook, "act", over_quota)
        await one.apply(await one.plan())
    assert await states(one) == ["rejected", "pending"]
    return one


async def states(one: Desk) -> list[str]:
    return [void.state for void in await one.actions("void")]


def settling(one: Desk) -> Settling:
    def opened(name: str) -> AbstractAsyncContextManager[Ledger]:
        raise AssertionError(name)

    return Settling(
        database=one.database,
        open_ledger=opened,
        clock=one.time.clock,
        log=one.log,
        sleep=one.time.sleep,
    )


@pytest.mark.parametrize("give_up", [False, True])
async def test_a_refused_attempt_is_left_while_a_later_one_waits_and_once_it_was_made(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, give_up: bool
) -> None:
    one = await refused_and_queued_again(sqlite_database, monkeypatch)
    key = (await one.actions("void"))[0].key
    with pytest.raises(NothingToSettle, match="waits already"):
        await settling(one).settle(key, reason="try", by="ann", give_up=give_up)
    assert await states(one) == ["rejected", "pending"]

    one.time.now += timedelta(hours=3)
    await one.deliver()
    with pytest.raises(NothingToSettle, match="was made"):
        await settling(one).settle(key, reason="try", by="ann", give_up=give_up)
    assert await states(one) == ["rejected", "delivered"]


async def test_the_newest_attempt_is_tried_again_where_it_was_refused(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database, on_void="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    one.book.refuse_void = {document.remote or ""}
    await one.shown(invoice("1", voided=True))
    await one.apply(await one.plan())
    one.book.refuse_void = set()
    (void,) = await one.actions("void")
    await settling(one).settle(void.key, reason="it is open now", by="ann")
    await one.deliver()
    assert await states(one) == ["delivered"]
