"""The page of a month and its seal: states, money that adds up, and what a sealed month refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.core.billing.month_difference import CAUSES
from syncd.core.service.applied import Fate
from syncd.core.service.month_closing import close_month
from syncd.core.service.month_page import ClientState, MonthPage
from syncd.core.service.month_reading import read_month
from syncd.core.service.reckoning import Sources
from syncd.core.service.refusals import MonthNotClosable, PeriodNotOver, ReopenRefused
from syncd.core.service.reopening import look_at_bills
from syncd.core.store.database import Database
from syncd.core.store.month_close import closed_months
from syncd.core.store.plans import PlanBillState
from syncd.sdk.period import Period
from syncd.sdk.records import Observation
from tests import builders_census as census
from tests.builders_corrections import accept, late, november, october, open_office
from tests.builders_golive import back, live
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    NOVEMBER,
    OCTOBER,
    PRODUCTS,
    SERVER,
    Office,
    recurring,
)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual(
        accounts={"5": "1001", "6": "1002"},
        counts={"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 4, SERVER.key: 1}},
    )
    return made


def common(office: Office, period: Period) -> dict[str, Any]:
    return {
        "psa": office.psa_connection,
        "period": period,
        "timezone": office.zone,
        "rules": office.settings,
        "sources": Sources(active=office.active, broken=office.broken),
        "clock": office.clock,
    }


async def page(office: Office, period: Period = OCTOBER) -> MonthPage:
    return await read_month(office.database, **common(office, period))


async def close(office: Office, period: Period = OCTOBER) -> MonthPage:
    return await close_month(
        office.database, **common(office, period), log=office.log, by="ann", reason="all checked"
    )


def states(found: MonthPage) -> dict[str, ClientState]:
    return {one.client: one.state for one in found.clients}


async def test_before_any_plan_every_client_is_told_with_the_command(office: Office) -> None:
    found = await page(office)
    assert states(found) == dict.fromkeys(["1001", "1002"], ClientState.NOT_PLANNED)
    assert {one.next for one in found.exceptions} == {"syncd plan billing --period 2026-10"}
    assert found.price == 0
    (source,) = found.sources
    assert (source.name, source.accounts, source.behind) == ("source-eu", 2, 0)
    assert source.complete_until == office.month_end(OCTOBER)


async def test_held_bills_are_told_with_their_plan_and_money(office: Office) -> None:
    stored = await office.plan()
    found = await page(office)
    assert set(states(found).values()) == {ClientState.HELD}
    assert found.held
    assert found.price == Decimal("115.00")
    assert {one.next for one in found.exceptions} == {f"syncd plans show {stored.id}"}
    assert {one.detail for one in found.exceptions} == {"FIRST_BILL"}


async def test_a_plan_from_before_an_edit_is_to_be_made_again(office: Office) -> None:
    await office.plan()
    await office.rate(DESKTOP.key, "2.00", "5.50")
    held = await page(office)
    assert set(states(held).values()) == {ClientState.HELD}
    assert {one.next for one in held.exceptions} == {"syncd plan billing --period 2026-10"}


async def test_a_bill_that_was_sent_stands_beside_a_plan_that_an_edit_ended(
    office: Office,
) -> None:
    await office.bill()
    await office.rate(DESKTOP.key, "2.00", "5.10")
    stored = await office.plan()
    if stored.count(PlanBillState.HELD):
        await office.release(stored.id)
    assert ClientState.WAITING in states(await page(office)).values()
    await office.rate(SERVER.key, "6.00", "16.00")
    found = await page(office)
    assert set(states(found).values()) == {ClientState.SENT}
    assert found.price == Decimal("115.00")


async def test_the_difference_to_last_month_is_split_and_adds_up(office: Office) -> None:
    await office.bill()
    await office.month(
        NOVEMBER,
        {"5": {DESKTOP.key: 12, SERVER.key: 1}, "6": {DESKTOP.key: 4, SERVER.key: 1}},
    )
    await office.rate(DESKTOP.key, "2.00", "5.50")
    await office.bill(NOVEMBER)
    found = await page(office, NOVEMBER)
    assert set(states(found).values()) == {ClientState.SENT}
    assert found.exceptions == ()
    assert {name: getattr(found.split, name) for name in CAUSES if getattr(found.split, name)} == {
        "joined": Decimal(10),
        "left": Decimal(-15),
        "price": Decimal(8),
    }
    assert (found.before, found.price) == (Decimal(115), Decimal(118))
    assert found.split.whole == found.price - found.before
    assert [one.client for one in found.movers] == ["1002", "1001"]


async def test_one_clients_failure_is_missing_money_and_not_a_fall(office: Office) -> None:
    await office.bill()
    office.clock.moment = NOVEMBER.end(office.zone)
    await office.pull(
        {"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 4, SERVER.key: 1}},
        at=office.month_end(NOVEMBER),
        unproven={"6"},
    )
    await office.bill(NOVEMBER)
    found = await page(office, NOVEMBER)
    assert states(found) == {"1001": ClientState.SENT, "1002": ClientState.FAILED}
    (failed,) = found.exceptions
    assert (failed.price, failed.missing) == (None, Decimal(-35))
    assert failed.next == "syncd issues --client 1002"
    assert found.split.whole + found.missing == found.price - found.before == Decimal(-35)


async def test_money_that_no_recurring_line_bills_is_not_linked(office: Office) -> None:
    await office.bill()
    assert {one.client for one in (await page(office)).not_linked} == {"1001", "1002"}
    office.psa.recurring = [
        recurring(record.key, client=record.client) for record in office.psa.records.values()
    ]
    counts = {"5": {DESKTOP.key: 11, SERVER.key: 3}, "6": {DESKTOP.key: 4, SERVER.key: 1}}
    await office.month(NOVEMBER, counts)
    await office.bill(NOVEMBER)
    assert (await page(office, NOVEMBER)).not_linked == ()


async def test_a_write_without_an_end_is_unfinished(office: Office) -> None:
    office.psa.faults = ["lost_before"] * 30
    office.psa.visible_at = {}
    await office.bill()
    found = await page(office)
    assert ClientState.SENT not in states(found).values()
    assert found.obstacles


async def test_a_month_with_anything_open_cannot_be_sealed(office: Office) -> None:
    with pytest.raises(MonthNotClosable, match="2 clients are not planned: Acme Ltd, Globex"):
        await close(office)
    await office.plan()
    with pytest.raises(MonthNotClosable, match="2 clients are held"):
        await close(office)
    async with office.database.reader() as conn:
        assert await closed_months(conn, office.psa_connection.id) == []


async def test_the_running_month_cannot_be_sealed(office: Office) -> None:
    with pytest.raises(PeriodNotOver):
        await close(office, NOVEMBER)


async def test_a_late_change_stands_against_the_seal(office: Office) -> None:
    await office.bill()
    office.clock.advance(hours=1)
    await census.pull(
        office.database,
        office.source,
        [Observation("5", DESKTOP.key, "to1", 1, "to1.local", b"{}", None)],
        roster=["5"],
        scopes={"5": ["5"]},
        at=office.month_end(OCTOBER, hours=1),
        recorded_at=office.clock(),
        products=PRODUCTS,
    )
    await office.plan()
    assert "LATE_CHANGE" in await office.codes()
    with pytest.raises(MonthNotClosable, match="Acme Ltd"):
        await close(office)


async def test_a_sealed_month_shows_the_same_page_for_ever(office: Office) -> None:
    await office.bill()
    sealed = await close(office)
    assert (sealed.closed_by, sealed.closed_at) == ("ann", office.clock())
    assert [fields["period"] for fields in office.log.of("month.closed")] == ["2026-10"]
    office.clock.advance(days=40)
    await office.rate(DESKTOP.key, "2.00", "99.00")
    assert msgspec.json.encode(await page(office)) == msgspec.json.encode(sealed)
    with pytest.raises(MonthNotClosable, match="sealed by ann"):
        await close(office)


async def test_bills_of_a_sealed_month_are_not_planned(office: Office) -> None:
    await office.bill()
    await close(office)
    writes = office.psa.calls["apply"]
    stored = await office.plan(OCTOBER)
    assert {bill.state for bill in stored.record.bills} == {PlanBillState.FROZEN}
    assert {bill.detail for bill in stored.record.bills} == {"MONTH_SEALED"}
    assert office.psa.calls["apply"] == writes


async def test_a_plan_from_before_the_seal_is_refused(office: Office) -> None:
    await office.bill()
    stored = await office.plan(OCTOBER)
    await close(office)
    report = await office.apply(stored.id)
    assert report.count(Fate.SENT, Fate.UNCHANGED) == 0
    assert {"MONTH_SEALED" in one.detail for one in report.bills} == {True}


async def test_a_bill_of_a_sealed_month_is_not_reopened(office: Office) -> None:
    await office.bill()
    await close(office)
    with pytest.raises(ReopenRefused, match="2026-10 is sealed") as refused:
        await look_at_bills(
            office.database,
            client="1001",
            period=OCTOBER,
            rules=office.settings,
            timezone=office.zone,
            psa_connection=office.psa_connection,
            sources=Sources(active=office.active, broken=office.broken),
        )
    assert "syncd corrections" in (refused.value.remedy or "")


async def test_the_next_month_goes_on_after_the_seal(office: Office) -> None:
    await office.bill()
    await close(office)
    counts = {"5": {DESKTOP.key: 11, SERVER.key: 2}, "6": {DESKTOP.key: 4, SERVER.key: 1}}
    await office.month(NOVEMBER, counts)
    await office.bill(NOVEMBER)
    found = await page(office, NOVEMBER)
    assert (found.price, found.before) == (Decimal(120), Decimal(115))
    office.clock.moment = DECEMBER.start(office.zone)
    assert (await close(office, NOVEMBER)).closed_by == "ann"


async def test_a_client_with_nothing_to_bill_keeps_no_month_open(database: Database) -> None:
    office = await Office.open(database)
    await office.usual(
        accounts={"5": "1001", "6": "1002"},
        counts={"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {}},
    )
    await office.bill()
    assert states(await page(office)) == {"1001": ClientState.SENT}
    assert (await close(office)).closed_by == "ann"


async def test_a_plan_without_a_line_keeps_no_month_open_after_an_edit(office: Office) -> None:
    await office.drop_configuration("c1")
    await office.configure("c2", "Managed", "average", [DESKTOP.key], account_id=1)
    await office.bill()
    await office.plan()
    await office.rate(DESKTOP.key, "2.00", "5.10")
    assert states(await page(office)) == {"1001": ClientState.SENT}


async def test_units_that_come_free_keep_no_month_open_either(office: Office) -> None:
    await office.rule(DESKTOP.key, client_key="1002", included=Decimal(50))
    await office.rule(SERVER.key, client_key="1002", included=Decimal(50))
    await office.bill()
    assert states(await page(office)) == {"1001": ClientState.SENT}


async def test_a_client_that_no_plan_looked_at_is_not_planned(office: Office) -> None:
    stored = await office.plan(clients=["1001"])
    await office.release(stored.id)
    await office.apply(stored.id)
    assert states(await page(office)) == {
        "1001": ClientState.SENT,
        "1002": ClientState.NOT_PLANNED,
    }


async def test_an_error_of_a_client_in_shadow_does_not_stand_against_the_seal(
    database: Database,
) -> None:
    office = await Office.open(database)
    counts = {"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 4}}
    await office.usual(accounts={"5": "1001", "6": "1002"}, counts=counts, unproven={"6"})
    office.policy(mode="shadow")
    await live(office, "1001")
    await office.bill()
    found = await page(office)
    assert states(found) == {"1001": ClientState.SENT, "1002": ClientState.SHADOW}
    assert (found.price, found.obstacles) == (Decimal(80), ())


async def test_a_client_that_went_live_after_its_shadow_plan_is_to_be_planned(
    office: Office,
) -> None:
    office.policy(mode="shadow")
    await live(office, "1001")
    await office.bill()
    await live(office, "1002")
    assert states(await page(office))["1002"] is ClientState.NOT_PLANNED
    with pytest.raises(MonthNotClosable, match="not planned: Globex"):
        await close(office)


async def test_what_was_sent_counts_after_its_client_was_put_back(office: Office) -> None:
    office.policy(mode="shadow")
    await live(office, "1001", "1002")
    await office.bill()
    await back(office, "1002")
    await office.plan()
    found = await page(office)
    assert set(states(found).values()) == {ClientState.SENT}
    assert found.price == Decimal(115)


async def test_the_page_of_a_month_tells_what_was_accepted_and_no_bill_carries(
    database: Database,
) -> None:
    office = await october(await open_office(database))
    await late(office, 12)
    await accept(office)
    office.policy(mode="shadow")
    await november(office)
    await office.plan(NOVEMBER)
    (note,) = (await page(office, NOVEMBER)).notes
    assert (note.code, "+10.00 GBP of 2026-10" in note.message) == ("CORRECTION_WAITS", True)
    office.policy(mode="live")
    await office.bill(NOVEMBER)
    assert (await page(office, NOVEMBER)).notes == ()
