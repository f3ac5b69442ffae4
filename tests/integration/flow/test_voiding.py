"""A pull that was wrong after all: voided with a reason, and bills on it compared again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.service.refusals import PullUnknown, VoidRefused
from syncd.core.service.voiding import call_pull_wrong
from syncd.core.store.census.voiding import PullEntry, list_pulls
from syncd.core.store.database import Database
from tests.builders_month import DESKTOP, OCTOBER, SERVER, Office


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def void(office: Office, seq: int, reason: str = "a group was hidden") -> PullEntry:
    return await call_pull_wrong(
        office.database,
        "source-eu",
        seq,
        reason=reason,
        by="ann",
        clock=office.clock,
        log=office.log,
    )


async def pulls(office: Office) -> list[PullEntry]:
    async with office.database.reader() as conn:
        return await list_pulls(conn)


async def test_a_voided_pull_says_who_and_why(office: Office) -> None:
    await void(office, 1)
    (pull,) = await pulls(office)
    assert (pull.voided_by, pull.reason, pull.voided_at) == (
        "ann",
        "a group was hidden",
        office.clock(),
    )
    assert [fields["pull"] for fields in office.log.of("pull.voided")] == [1]


async def test_a_bill_on_a_voided_pull_becomes_a_late_change(office: Office) -> None:
    await office.pull(
        {"5": {DESKTOP.key: 8, SERVER.key: 2}}, at=office.month_end(OCTOBER, minutes=30)
    )
    await office.bill()
    assert "LATE_CHANGE" not in await office.codes()
    office.clock.moment += timedelta(days=1)
    await void(office, 2)
    await office.plan()
    assert "LATE_CHANGE" in await office.codes()
    bill = next(iter(office.psa.records.values()))
    assert bill.quantity in {8, 2}


async def test_a_pull_is_voided_once(office: Office) -> None:
    await void(office, 1)
    with pytest.raises(VoidRefused, match="ann voided pull 1"):
        await void(office, 1)


async def test_without_a_reason_nothing_is_voided(office: Office) -> None:
    with pytest.raises(VoidRefused, match="for a reason"):
        await void(office, 1, reason=" ")
    assert [one.voided_at for one in await pulls(office)] == [None]


async def test_a_number_that_is_no_pull_is_refused(office: Office) -> None:
    with pytest.raises(PullUnknown, match="no pull number 9"):
        await void(office, 9)
