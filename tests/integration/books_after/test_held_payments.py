"""What a person leaves held: the PSA is asked about it once a day, not in every round."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest

from syncd.core.store.database import Database
from syncd.core.store.ledger_payments import PartState
from tests.builders_after import desk, entered
from tests.builders_books import FakeKeeper, invoice

ROUND = timedelta(minutes=15)


async def test_what_is_held_for_long_is_asked_about_once_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    assert document.remote is not None
    one.book.pay(document.remote, "24.00")
    one.keeper.payments.append(entered("1", "20.00"))
    await one.look()
    asked: list[str] = []
    real = FakeKeeper.find_payments

    async def counted(self: FakeKeeper, invoices: Collection[str]) -> Any:
        asked.extend(invoices)
        return await real(self, invoices)

    monkeypatch.setattr(FakeKeeper, "find_payments", counted)
    for _ in range(3):
        assert (await one.settle()).held == 1
        one.time.now += ROUND
    assert len(asked) == 3, "somebody may be about to enter it"
    one.time.now += timedelta(days=1)
    asked.clear()
    for _ in range(3):
        assert (await one.settle()).held == 1
        one.time.now += ROUND
    assert asked == ["1"]
    one.time.now += timedelta(days=1)
    one.keeper.payments[:] = [entered("1", "24.00")]
    assert (await one.settle()).echoes == 1
    assert [part.state for part in await one.parts()] == [PartState.ECHO]
