"""What a person says to a late difference: once, with a reason, or refused with what to do."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text

from syncd.core.service.correction_views import State
from syncd.core.service.refusals import CorrectionRefused
from syncd.core.store.database import Database
from tests.builders_corrections import (
    HOUR,
    accept,
    dismiss,
    late,
    listed,
    november,
    october,
    open_office,
    reopen,
    settle,
)
from tests.builders_month import (
    NOVEMBER,
    OCTOBER,
    Office,
    recurring,
)

ISSUE = "LATE_CHANGE source-eu/5/2026-10"
UNLINKED = "CORRECTION_NOT_LINKED source-eu/5/2026-10"
NAME = "Correction 2026-10: Managed - Workstation"


@pytest.fixture
async def office(database: Database) -> Office:
    return await october(await open_office(database))


async def test_a_dismissed_one_comes_back_for_other_facts_only(office: Office) -> None:
    await late(office, 11)
    (done,) = await dismiss(office)
    assert done.state is State.DISMISSED
    assert ISSUE not in await office.issues()
    await late(office, 11, before_end=HOUR / 2)
    assert await listed(office) == []
    await late(office, 12, before_end=HOUR / 3)
    (fresh,) = await listed(office)
    assert (fresh.price, fresh.state) == (Decimal(10), State.OPEN)
    await late(office, 11, before_end=HOUR / 4)
    assert await listed(office) == [], "the word of before counts again"
    assert ISSUE not in await office.issues()
    states = [one.state for one in await listed(office, everything=True)]
    assert states == [State.DISMISSED, State.WITHDRAWN, State.DISMISSED]


async def test_of_two_people_the_first_wins_and_the_other_is_told(office: Office) -> None:
    await late(office, 11)
    (one,) = await listed(office)
    await accept(office, one.id, by="ann")
    with pytest.raises(CorrectionRefused, match="accepted by ann already: the device was there"):
        await accept(office, one.id, by="bob")
    with pytest.raises(CorrectionRefused, match="accepted by ann"):
        await dismiss(office, one.id, by="bob")
    with pytest.raises(CorrectionRefused, match="no correction 99"):
        await accept(office, 99)
    async with office.database.reader() as conn:
        assert await conn.scalar(text("SELECT COUNT(*) FROM correction")) == 1


async def test_all_of_several_are_accepted_or_none(office: Office) -> None:
    await late(office, 11)
    (one,) = await listed(office)
    with pytest.raises(CorrectionRefused):
        await accept(office, one.id, 99)
    assert [each.state for each in await listed(office)] == [State.OPEN]


async def test_without_a_price_of_ours_it_says_what_to_adjust_by_hand(
    sqlite_database: Database,
) -> None:
    office = await october(await open_office(sqlite_database, mode="quantity"))
    await late(office, 11)
    (one,) = await listed(office)
    assert one.price is None
    with pytest.raises(CorrectionRefused, match="the PSA sets its price") as refused:
        await accept(office)
    assert "client 1001" in (refused.value.remedy or "")
    assert "'Managed - Workstation' +1 units" in (refused.value.remedy or "")
    assert "'Managed - Workstation' +1 units" in (await office.issues())[ISSUE].remedy
    await dismiss(office)
    assert await listed(office) == []


async def test_a_word_needs_a_bill_that_can_carry_it(office: Office) -> None:
    await late(office, 11)
    (one,) = await listed(office)
    await office.link("5", "1002")
    with pytest.raises(CorrectionRefused, match="linked to another client"):
        await accept(office, one.id)
    await office.link("5", "1001")
    office.policy(currency="EUR")
    with pytest.raises(CorrectionRefused, match="in GBP, and bills are made in EUR"):
        await accept(office, one.id)
    office.policy(currency="GBP")
    office.clock.advance(hours=1)
    await reopen(office)
    await office.bill(OCTOBER)
    with pytest.raises(CorrectionRefused, match=r"billed again since|facts behind"):
        await accept(office, one.id)


async def test_a_correction_of_another_client_waits(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await office.link("5", "1002")
    await november(office)
    stored = await office.plan()
    assert all(not change.line.endswith("2026-10") for bill in stored.plan.bills
               for change in bill.changes)  # fmt: skip
    assert [one.state for one in await listed(office)] == [State.WAITS]


async def test_on_no_recurring_line_the_issue_says_what_to_adjust(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.bill()
    issue = (await office.issues())[UNLINKED]
    assert "+5.00 GBP" in issue.message
    assert NAME in issue.message
    assert "client 1001" in issue.remedy
    number = issue.evidence["corrections"][0]
    await settle(office, number)
    assert UNLINKED not in await office.issues()
    with pytest.raises(CorrectionRefused, match="on no recurring line"):
        await settle(office, number)


async def test_on_a_recurring_line_the_issue_ends_with_the_next_plan(office: Office) -> None:
    await late(office, 11)
    await accept(office)
    await november(office)
    await office.bill()
    record = next(one for one in office.psa.records.values() if one.name == NAME)
    office.psa.recurring = [recurring(key) for key in office.psa.records]
    assert record.key in office.psa.records
    await office.plan(NOVEMBER)
    assert UNLINKED not in await office.issues()


async def test_two_people_at_the_same_moment_say_one_word(database_url: str) -> None:
    mine, theirs = Database(database_url), Database(database_url)
    office = await october(await open_office(mine))
    await late(office, 11)
    (one,) = await listed(office)
    other = Office(theirs, office.source, office.psa_connection)
    other.clock = office.clock
    ends = await asyncio.gather(
        accept(office, one.id, by="ann"), dismiss(other, one.id, by="bob"), return_exceptions=True
    )
    refused = [end for end in ends if isinstance(end, CorrectionRefused)]
    assert len(refused) == 1
    winner = "ann" if isinstance(ends[1], CorrectionRefused) else "bob"
    assert f"by {winner} already" in str(refused[0])
    assert [each.by for each in await listed(office, everything=True)] == [winner]
    await mine.dispose()
    await theirs.dispose()
