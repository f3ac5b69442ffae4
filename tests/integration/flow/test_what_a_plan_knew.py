"""The moment of a plan is one at which everything it rests on was known, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.core.service import billing_run
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.database import Database
from tests.builders_month import DESKTOP, OCTOBER, Office


async def test_an_edit_that_came_while_a_plan_began_is_known_at_its_moment(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await Office.open(database)
    await office.usual()

    async def slow(*_: Any, **__: Any) -> int:
        office.clock.advance(seconds=20)
        await office.rate(DESKTOP.key, "2.00", "9.00")
        office.clock.advance(seconds=1)
        return 0

    monkeypatch.setattr(billing_run, "find_late_changes", slow)
    stored = await office.plan(OCTOBER)
    (bill,) = stored.plan.bills
    assert bill.total_after == Decimal(120), "10 x 9.00 + 2 x 15.00"
    async with database.reader() as conn:
        known = await load_billing_data(
            conn, period_first_day="2026-10-01", as_of=stored.plan.made_at
        )
    prices = {rate.price for rates in known.rates.values() for rate in rates}
    assert prices == {Decimal(9), Decimal(15)}
