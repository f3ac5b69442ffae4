"""Reopening a final bill: a word with a reason, a new revision, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.automatic import choose_automatic
from syncd.core.service.reckoning import Sources
from syncd.core.service.refusals import ReopenRefused
from syncd.core.service.reopening import Prospect, ReopeningLook, look_at_bills, reopen_bills
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.core.store.reopenings import reopened_months, reopenings_of
from syncd.sdk.period import Period
from tests.builders_life import automatic, bills, choose, chosen, kinds, records, send
from tests.builders_month import DESKTOP, LONDON, NOVEMBER, OCTOBER, SERVER, Office

MANUAL, TEMPORARY, AUTOMATIC = BillKind.MANUAL, BillKind.TEMPORARY, BillKind.AUTOMATIC
DAY_5 = datetime(2026, 11, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def look(office: Office, period: Period = OCTOBER) -> ReopeningLook:
    return await look_at_bills(
        office.database,
        client="1001",
        period=period,
        rules=office.settings,
        timezone=LONDON,
        psa_connection=office.psa_connection,
        sources=Sources(active=office.active),
    )


async def reopen(office: Office, period: Period = OCTOBER) -> tuple[Prospect, ...]:
    return await reopen_bills(
        office.database,
        await look(office, period),
        reason="two servers were ours",
        by="ann",
        timezone=LONDON,
        clock=office.clock,
        log=office.log,
    )


async def test_a_reopened_automatic_bill_is_manual_and_waits_until_a_new_revision(
    office: Office,
) -> None:
    await automatic(office)
    office.clock.moment = DAY_5
    (before,) = await bills(office)
    await reopen(office)
    issue = (await office.issues())["BILL_REOPENED source-eu/5/2026-10"]
    assert "reopened by ann" in issue.message
    assert "two servers were ours" in issue.message
    choice = await chosen(office)
    assert choice.finished == {1}
    assert [one.reason for one in choice.left] == ["RUNNING_MONTH_OFF"]
    await office.rate(SERVER.key, "6.00", "14.00")
    stored = await office.plan(OCTOBER)
    assert stored.record.bills[0].state is PlanBillState.HELD, "guards hold as for any bill"
    await office.release(stored.id)
    assert (await office.apply(stored.id)).exit_code == 0
    after, same = await bills(office)
    assert same == before, "what was sent stays as it was"
    assert (after.revision, after.kind, after.total_price) == (2, MANUAL, Decimal(78))
    assert "BILL_REOPENED" not in await office.codes()
    async with office.database.reader() as conn:
        (word,) = await reopenings_of(conn, before.id)
        assert (word.by, word.reason, word.at) == ("ann", "two servers were ours", DAY_5)
        assert await reopened_months(conn, [1]) == {}


async def test_a_reopened_bill_that_says_the_same_is_made_again_all_the_same(
    office: Office,
) -> None:
    await choose(office, automatic=False)
    await send(office)
    await reopen(office)
    writes = office.psa.calls["apply"]
    await send(office)
    assert [(bill.revision, bill.kind) for bill in await bills(office)][-2:] == [
        (2, MANUAL),
        (1, MANUAL),
    ]
    assert office.psa.calls["apply"] == writes
    assert "BILL_REOPENED" not in await office.codes()


async def test_inside_the_window_the_automatic_run_makes_it_again_and_once(office: Office) -> None:
    await automatic(office)
    await reopen(office)
    assert (await chosen(office)).finished == {1}, "a person may, whatever is still to come"
    await automatic(office)
    assert [(bill.revision, bill.kind) for bill in await bills(office)] == [
        (2, AUTOMATIC),
        (1, AUTOMATIC),
    ]
    assert await kinds(office) == {"2026-10": AUTOMATIC}
    assert (await chosen(office)).finished == set()


async def test_after_the_window_no_run_touches_a_reopened_bill(office: Office) -> None:
    await automatic(office)
    office.clock.moment = DAY_5
    await reopen(office)
    found = await choose_automatic(
        office.database,
        timezone=LONDON,
        auto_time=office.settings.opens,
        psa_connection=office.psa_connection,
        now=office.clock(),
        log=office.log,
    )
    assert not found.due | found.missed


async def test_what_it_would_come_to_is_shown_before_and_nothing_is_written(office: Office) -> None:
    await automatic(office)
    await office.rate(DESKTOP.key, "2.00", "6.00")
    (found,) = (await look(office)).bills
    assert (found.bill.total_price, found.price, found.change) == (
        Decimal(80),
        Decimal(90),
        Decimal(10),
    )
    assert await office.codes() == set()
    async with office.database.reader() as conn:
        assert await reopenings_of(conn, found.bill.id) == []


async def test_nothing_and_a_temporary_bill_are_refused(office: Office) -> None:
    with pytest.raises(ReopenRefused, match="no bill"):
        await look(office)
    await choose(office, automatic=False)
    await send(office)
    with pytest.raises(ReopenRefused, match="a temporary bill only"):
        await look(office, NOVEMBER)


async def test_twice_and_without_a_reason_are_refused(office: Office) -> None:
    await automatic(office)
    found = await look(office)
    with pytest.raises(ReopenRefused, match="for a reason"):
        await reopen_bills(
            office.database,
            found,
            reason="  ",
            by="ann",
            timezone=LONDON,
            clock=office.clock,
            log=office.log,
        )
    await reopen(office)
    with pytest.raises(ReopenRefused, match="is open already"):
        await reopen(office)


async def test_a_bill_of_a_newer_revision_than_was_looked_at_is_refused(office: Office) -> None:
    await choose(office, automatic=False)
    await send(office)
    seen = await look(office)
    await reopen(office)
    await send(office)
    with pytest.raises(ReopenRefused, match="changed meanwhile"):
        await reopen_bills(
            office.database,
            seen,
            reason="late",
            by="ann",
            timezone=LONDON,
            clock=office.clock,
            log=office.log,
        )


async def test_an_older_month_never_overwrites_the_newer_one_on_a_lasting_record(
    office: Office,
) -> None:
    await office.bill(OCTOBER)
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.bill(NOVEMBER)
    held = records(office)
    (found,) = await reopen(office)
    assert found.newer == "2026-11"
    await office.rate(DESKTOP.key, "2.00", "6.00")
    stored = await office.plan(OCTOBER)
    assert {error.partition(":")[0] for error in stored.plan.bills[0].errors} == {
        "PERIOD_SUPERSEDED"
    }
    assert records(office) == held


async def test_with_monthly_records_an_older_month_is_made_again(office: Office) -> None:
    office.policy(subscription_style="per_period")
    await office.bill(OCTOBER)
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.bill(NOVEMBER)
    await office.rate(DESKTOP.key, "2.00", "6.00")
    (found,) = await reopen(office)
    assert found.newer == ""
    await office.bill(OCTOBER)
    newest = {bill.period: bill for bill in reversed(await bills(office))}
    assert (newest["2026-10"].revision, newest["2026-10"].total_price) == (2, Decimal(90))
    assert newest["2026-11"].revision == 1


async def test_a_bill_that_is_partly_acknowledged_stays_reopened(office: Office) -> None:
    await automatic(office)
    office.clock.moment = DAY_5
    await reopen(office)
    await office.rate(DESKTOP.key, "2.00", "6.00")
    await office.rate(SERVER.key, "6.00", "16.00")
    stored = await office.plan(OCTOBER, kind=PlanKind.BILLING)
    await office.release(stored.id)
    office.psa.faults = ["", "lost_before"]
    await office.apply(stored.id, patience_seconds=0)
    assert "BILL_REOPENED" in await office.codes()
    await office.apply(stored.id)
    assert "BILL_REOPENED" not in await office.codes()
    assert await kinds(office) == {"2026-10": MANUAL}
