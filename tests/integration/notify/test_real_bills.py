"""What real plans and bills become in a message, for each kind of reader."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.service.notice_gathering import gather_notice
from syncd.core.store.database import Database
from syncd.core.store.notices import sent_bills
from syncd.core.store.plans import PlanKind
from syncd.core.store.runs import RunStatus, finish_run, insert_run
from tests.builders_life import automatic
from tests.builders_month import Office
from tests.builders_notify import reader


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def ran(office: Office, name: str) -> None:
    async with office.database.writer() as conn:
        started = office.clock() - timedelta(hours=1)
        await insert_run(
            conn,
            run_id=name,
            subject="billing",
            kind="bill",
            scheduled_for=office.clock(),
            started_at=started,
            node="n",
        )
        await finish_run(
            conn,
            name,
            status=RunStatus.SUCCEEDED,
            finished_at=office.clock(),
            counts={"bills": 1},
        )


async def test_a_held_bill_is_told_with_its_money_to_who_may_know_it(office: Office) -> None:
    stored = await office.plan(kind=PlanKind.AUTOMATIC)
    for name, clients in (("counts", False), ("clients", True)):
        found = await gather_notice(
            office.database, name, reader(clients=clients), now=office.clock()
        )
        assert found is not None
        assert "1 held bill to release" in found.title
        assert f"syncd plans release {stored.id} --reason TEXT" in found.text
        assert ("GBP" in found.text) is clients
        assert ("FIRST_BILL" in found.text) is True


async def test_what_was_sent_is_told_with_its_total(office: Office) -> None:
    await automatic(office)
    async with office.database.reader() as conn:
        (sent,) = await sent_bills(
            conn, office.clock() - timedelta(days=1), office.clock() + timedelta(days=1)
        )
    assert (sent.period, sent.currency, sent.bills) == ("2026-10", "GBP", 1)
    assert sent.money > 0
    await ran(office, "20261101T000000-a")
    found = await gather_notice(
        office.database, "ops", reader(clients=True, always=True), now=office.clock()
    )
    assert found is not None
    assert f"1 bill of 2026-10: {sent.money:,} GBP" in found.text
