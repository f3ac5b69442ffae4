"""The last day of the automatic window: what is not sent is told while there is still time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from syncd.core.billing.bill_life import AUTO_TIME
from syncd.core.service.closing_window import closing_window
from syncd.core.service.notice_content import ClosingWindow
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanKind
from tests.builders_life import automatic, choose
from tests.builders_month import LONDON, Office


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def left(office: Office, *moment: int, mode: str = "live") -> ClosingWindow | None:
    async with office.database.reader() as conn:
        return await closing_window(
            conn,
            datetime(2026, 11, *moment, tzinfo=UTC),
            psa=office.psa_connection.name,
            mode=mode,
            timezone=LONDON,
            auto_time=AUTO_TIME,
        )


async def test_a_bill_that_is_not_made_is_told_on_the_last_day_alone(office: Office) -> None:
    assert await left(office, 2, 23, 59) is None
    found = await left(office, 3, 0, 0)
    assert found is not None
    assert (found.period, found.last_day) == ("2026-10", date(2026, 11, 3))
    assert (found.held, found.missing) == (0, 1)
    assert len(found.clients) == 1
    assert await left(office, 3, 23, 59) is not None
    assert await left(office, 4, 0, 0) is None


async def test_a_held_bill_is_told_as_held(office: Office) -> None:
    await office.plan(kind=PlanKind.AUTOMATIC)
    found = await left(office, 3, 9, 0)
    assert found is not None
    assert (found.held, found.missing) == (1, 0)


async def test_nothing_is_left_of_a_month_that_is_billed(office: Office) -> None:
    await automatic(office)
    assert await left(office, 3, 9, 0) is None


async def test_an_account_billed_by_hand_has_no_window(office: Office) -> None:
    await choose(office, automatic=False)
    assert await left(office, 3, 9, 0) is None


async def test_a_client_in_shadow_has_no_window(office: Office) -> None:
    assert await left(office, 3, 9, 0, mode="shadow") is None
