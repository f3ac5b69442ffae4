"""Invoices that are made before the counts arrive: told by the automatic run, never held."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState, PlanKind
from tests.builders_month import DESKTOP, NOVEMBER, SERVER, Office, recurring

ISSUE = "INVOICE_BEFORE_COUNTS source-eu/5"
DAY_1 = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
async def office(database: Database) -> Office:
    """October is billed, November has other counts, and 1 December has come."""
    made = await Office.open(database)
    await made.usual()
    await made.bill()
    await made.month(NOVEMBER, {"5": {DESKTOP.key: 11, SERVER.key: 2}})
    made.clock.moment = DAY_1
    return made


def invoices(office: Office, when: datetime | None) -> None:
    """Every record has a recurring line whose next invoice is made then."""
    office.psa.recurring = [recurring(remote, next_date=when) for remote in office.psa.records]


async def run(office: Office) -> PlanBillState:
    stored = await office.plan(kind=PlanKind.AUTOMATIC)
    return stored.record.bills[0].state


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (datetime(2026, 12, 1, tzinfo=UTC), "is due on 2026-12-01"),
        (datetime(2026, 11, 28, tzinfo=UTC), "is due on 2026-11-28"),
        (datetime(2027, 1, 1, tzinfo=UTC), "comes next on 2027-01-01"),
    ],
)
async def test_an_invoice_that_is_due_or_was_made_is_told_and_holds_nothing(
    office: Office, when: datetime, said: str
) -> None:
    invoices(office, when)
    assert await run(office) is PlanBillState.READY
    issue = (await office.issues())[ISSUE]
    assert said in issue.message
    assert "Acme Ltd" in issue.message
    assert [line["next_date"] for line in issue.evidence["lines"]] == [str(when)]


@pytest.mark.parametrize(
    "when", [datetime(2026, 12, 2, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC), None]
)
async def test_an_invoice_that_comes_in_time_or_of_a_longer_cycle_says_nothing(
    office: Office, when: datetime | None
) -> None:
    invoices(office, when)
    await run(office)
    assert ISSUE not in await office.issues()


async def test_the_day_is_the_one_of_the_billing_zone(office: Office) -> None:
    office.clock.moment = datetime(2027, 3, 31, 23, 30, tzinfo=UTC)
    await office.pull({"5": {DESKTOP.key: 12, SERVER.key: 2}}, at=datetime(2027, 3, 31, tzinfo=UTC))
    invoices(office, datetime(2027, 3, 31, 23, 45, tzinfo=UTC))
    await run(office)
    assert "due on 2027-04-01" in (await office.issues())[ISSUE].message


async def test_a_record_that_keeps_its_figures_is_billed_rightly_on_any_day(
    office: Office,
) -> None:
    await office.pull(
        {"5": {DESKTOP.key: 10, SERVER.key: 2}}, at=office.month_end(NOVEMBER, hours=1)
    )
    invoices(office, DAY_1)
    await run(office)
    assert ISSUE not in await office.issues()


async def test_it_closes_itself_once_the_date_is_mended(office: Office) -> None:
    invoices(office, DAY_1)
    await run(office)
    invoices(office, datetime(2026, 12, 4, tzinfo=UTC))
    await run(office)
    assert ISSUE not in await office.issues()


async def test_a_plan_by_hand_neither_opens_nor_closes_it(office: Office) -> None:
    invoices(office, DAY_1)
    await office.plan(NOVEMBER)
    assert ISSUE not in await office.issues()
    await run(office)
    await office.plan(NOVEMBER)
    assert ISSUE in await office.issues()
