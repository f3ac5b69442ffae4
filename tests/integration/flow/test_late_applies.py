"""Applies that come late: after a newer month, after a person, and after another plan's writes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.service.applied import Fate
from syncd.core.store.database import Database
from tests.builders_month import DECEMBER, DESKTOP, LONDON, NOVEMBER, OCTOBER, SERVER, Office


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def test_a_plan_of_an_older_month_is_refused_once_a_newer_one_stands(office: Office) -> None:
    """The newer month had the figures of October, so that the record looks untouched."""
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.pull({"5": {DESKTOP.key: 10, SERVER.key: 2}}, at=office.month_end(DECEMBER))
    office.clock.moment = DECEMBER.end(LONDON) + timedelta(hours=9)
    older, newer = await office.plan(NOVEMBER), await office.plan(DECEMBER)
    assert (await office.apply(newer.id)).exit_code == 0
    report = await office.apply(older.id)
    assert (report.exit_code, report.bills[0].fate) == (6, Fate.REFUSED)
    assert "PERIOD_SUPERSEDED: its records hold 2026-12" in report.bills[0].detail
    assert office.psa.records["9001"].quantity == 10
    assert "PLAN_STALE" in await office.codes()


async def test_a_write_that_waited_for_days_does_not_cover_a_person_s_edit(office: Office) -> None:
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.plan()
    office.psa.faults = ["not_sent"] * 1000
    assert (await office.apply()).bills[0].fate is Fate.WAITING
    office.psa.faults = []
    office.clock.advance(days=5)
    office.psa.edit("9001", quantity=77)
    report = await office.apply()
    assert (report.exit_code, report.bills[0].fate) == (5, Fate.NEEDS_REVIEW)
    assert office.psa.records["9001"].quantity == 77
    assert "PSA_DRIFT" in await office.codes()


async def test_a_write_that_waited_for_days_is_sent_where_nothing_moved(office: Office) -> None:
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 3}})
    await office.plan()
    office.psa.faults = ["not_sent"] * 1000
    await office.apply()
    office.psa.faults = []
    office.clock.advance(days=5)
    report = await office.apply()
    assert (report.exit_code, report.bills[0].fate, report.delivered) == (0, Fate.SENT, 2)
    assert office.psa.records["9001"].quantity == 12
    assert await office.codes() == set()


async def test_a_refused_write_of_an_earlier_plan_is_in_the_exit_code(office: Office) -> None:
    both = {"5": {DESKTOP.key: 10}, "6": {DESKTOP.key: 3}}
    await office.pull(both, at=office.month_end(OCTOBER, hours=1))
    await office.link("6", "1002")
    office.psa.faults = ["not_sent"] * 1000
    first = await office.plan(clients=["1001"])
    await office.release(first.id)
    assert (await office.apply(first.id)).exit_code == 5
    office.psa.faults, office.psa.poison = [], {"1001"}
    second = await office.plan(clients=["1002"])
    await office.release(second.id)
    report = await office.apply(second.id)
    assert [bill.fate for bill in report.bills] == [Fate.SENT]
    assert "DELIVERY_REJECTED" in await office.codes()
    assert (report.exit_code, "earlier plan" in report.elsewhere) == (6, True)
