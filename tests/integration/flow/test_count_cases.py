"""Counts that become bills: methods, days, zones and pools, from the pulls to the lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from syncd.core.service.basis import ProductBasis, decode_bill
from syncd.core.service.stored_plan import StoredPlan
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanKind
from syncd.sdk.period import Period, day_start
from tests.builders_month import DECEMBER, DESKTOP, LONDON, NOVEMBER, Office

METHODS = ("point_in_time", "peak", "average")


def on(day: int, hour: int = 12, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.fixture
async def office(database: Database) -> Office:
    return await Office.open(database)


async def decided(
    office: Office, clients: Mapping[str, str], method: str = "point_in_time", **rule: object
) -> None:
    """Accounts, once they were pulled, are linked, and their desktops are billed at 5.00."""
    for account, client in clients.items():
        await office.link(account, client)
    await office.asset_type(DESKTOP.key, "10")
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.rate(DESKTOP.key, "2.00", "5.00")
    await office.rule(DESKTOP.key, count_method=method, **rule)


def products(stored: StoredPlan) -> dict[str, ProductBasis]:
    """What the desktops of each account come to; a bill without a line has none."""
    return {
        basis.account: product
        for bill in stored.record.bills
        for basis in [decode_bill(bill.basis)]
        for line in basis.lines
        for product in line.products
    }


def billed(stored: StoredPlan) -> dict[str, int]:
    """Quantity on the bill of each account; 0 for a bill without a line."""
    assert not any(bill.errors for bill in stored.plan.bills)
    found = {account: product.quantity for account, product in products(stored).items()}
    return {bill.account: found.get(bill.account, 0) for bill in stored.plan.bills}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("point_in_time", {"5": 0, "6": 1}),
        ("peak", {"5": 1, "6": 1}),
        ("average", {"5": 0, "6": 1}),
    ],
)
async def test_p11_a_licence_that_moved_after_seven_days(
    office: Office, method: str, expected: dict[str, int]
) -> None:
    """P11: the average is 7/30 and 23/30."""
    for day in range(1, 31):
        holder, other = ("5", "6") if day <= 7 else ("6", "5")
        await office.pull({holder: {DESKTOP.key: ["L1"]}, other: {}}, at=on(day, 20))
    await decided(office, {"5": "1001", "6": "1002"}, method)
    office.clock.moment = on(1, 9, 12)
    stored = await office.plan(NOVEMBER)
    assert {"5": 0, "6": 0, **billed(stored)} == expected
    if method == "average":
        month = products(stored)["6"].month
        assert month is not None
        assert (month.unit_days, month.days) == (23, 30)


@pytest.mark.parametrize(
    ("method", "expected"), [("point_in_time", 6), ("peak", 6), ("average", 5)]
)
async def test_p12_days_without_a_snapshot_carry_the_day_before(
    office: Office, method: str, expected: int
) -> None:
    """P12: 4 up to day 9, none on days 10 to 12, 6 from day 13: (12 x 4 + 18 x 6) / 30 = 5.2."""
    for day in (*range(1, 10), *range(13, 31)):
        await office.pull({"5": {DESKTOP.key: 4 if day <= 9 else 6}}, at=on(day, 20))
    await decided(office, {"5": "1001"}, method)
    office.clock.moment = on(1, 9, 12)
    stored = await office.plan(NOVEMBER)
    assert billed(stored) == {"5": expected}
    if method == "average":
        month = products(stored)["5"].month
        assert month is not None
        assert (month.unit_days, month.days) == (12 * 4 + 18 * 6, 30)


@pytest.mark.parametrize("method", METHODS)
async def test_the_first_count_within_three_local_days_after_the_month_stands_for_it(
    office: Office, method: str
) -> None:
    """LATE_SNAPSHOT up to the end of the third day in London, NO_SNAPSHOT from then on."""
    await office.pull({"5": {DESKTOP.key: 4}}, at=on(3, 23, 12) + timedelta(minutes=59))
    await office.pull({"5": {DESKTOP.key: 9}}, at=on(4, 9, 12))
    await decided(office, {"5": "1001"}, method)
    office.clock.moment = on(4, 10, 12)
    late = await office.plan(NOVEMBER)
    assert billed(late) == {"5": 4}
    assert late.plan.bills[0].warnings[0].startswith("LATE_SNAPSHOT:")


async def test_a_count_after_the_third_day_does_not_stand_for_the_month(office: Office) -> None:
    await office.pull({"5": {DESKTOP.key: 4}}, at=on(4, 0, 12))
    await decided(office, {"5": "1001"})
    office.clock.moment = on(4, 10, 12)
    stored = await office.plan(NOVEMBER)
    assert [bill.errors for bill in stored.plan.bills] == [("NO_SNAPSHOT",)]


async def test_the_average_is_over_the_days_that_are_known(office: Office) -> None:
    """First pulled on the 21st with 4, then 8 from the 26th: ten days, 6 on average."""
    for day in range(21, 31):
        await office.pull({"5": {DESKTOP.key: 4 if day < 26 else 8}}, at=on(day, 20))
    await decided(office, {"5": "1001"}, "average")
    office.clock.moment = on(1, 9, 12)
    assert billed(await office.plan(NOVEMBER)) == {"5": 6}


async def test_an_account_made_within_the_month_was_there_with_nothing_before(
    office: Office,
) -> None:
    """Known from the 21st on at a source that was read since the 1st: 10 days of 6 are 2 of 30."""
    for day in range(1, 31):
        counts = {"5": {DESKTOP.key: 3}, **({"6": {DESKTOP.key: 6}} if day > 20 else {})}
        await office.pull(counts, at=on(day, 20))
    await decided(office, {"5": "1001", "6": "1002"}, "average")
    office.clock.moment = on(1, 9, 12)
    assert billed(await office.plan(NOVEMBER)) == {"5": 3, "6": 2}


@pytest.mark.parametrize(
    ("period", "hours"), [(Period(2026, 3), 743), (Period(2026, 10), 745), (NOVEMBER, 720)]
)
@pytest.mark.parametrize("method", METHODS)
async def test_a_month_with_a_clock_change_is_counted_in_whole_days(
    office: Office, period: Period, hours: int, method: str
) -> None:
    """A pull half an hour before each local midnight; 2, and 34 on the last day of all."""
    assert period.end(LONDON) - period.start(LONDON) == timedelta(hours=hours)
    days = period.last_day.day
    for day in period.days:
        before = day_start(day + timedelta(days=1), LONDON) - timedelta(minutes=30)
        await office.pull({"5": {DESKTOP.key: 34 if day == period.last_day else 2}}, at=before)
    await decided(office, {"5": "1001"}, method)
    office.clock.moment = period.end(LONDON) + timedelta(hours=9)
    stored = await office.plan(period)
    total = 2 * (days - 1) + 34
    assert billed(stored) == {"5": round(total / days) if method == "average" else 34}
    if method != "point_in_time":
        month = products(stored)["5"].month
        assert month is not None
        assert (month.unit_days, month.days) == (total, days)


@pytest.mark.parametrize("name", ["Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu"])
@pytest.mark.parametrize("method", METHODS)
async def test_the_turn_of_the_month_is_at_midnight_where_the_office_is(
    office: Office, name: str, method: str
) -> None:
    """5 a minute before local midnight, 9 a minute after; a day of UTC lies elsewhere."""
    office.zone = ZoneInfo(name)
    start, end = NOVEMBER.start(office.zone), NOVEMBER.end(office.zone)
    await office.pull({"5": {DESKTOP.key: 40}}, at=start - timedelta(minutes=1))
    await office.pull({"5": {DESKTOP.key: 5}}, at=start + timedelta(minutes=1))
    await office.pull({"5": {DESKTOP.key: 5}}, at=end - timedelta(minutes=1))
    await office.pull({"5": {DESKTOP.key: 9}}, at=end + timedelta(minutes=1))
    await decided(office, {"5": "1001"}, method)
    office.clock.moment = end + timedelta(hours=9)
    stored = await office.plan()
    assert (stored.plan.period, billed(stored)) == ("2026-11", {"5": 5})


async def test_another_zone_of_billing_counts_from_the_next_bill_on(office: Office) -> None:
    """The month of November is over in Auckland 13 hours before London; a sent bill stays."""
    await office.pull({"5": {DESKTOP.key: 5}}, at=NOVEMBER.end(LONDON) - timedelta(hours=14))
    await office.pull({"5": {DESKTOP.key: 8}}, at=NOVEMBER.end(LONDON) - timedelta(hours=1))
    await decided(office, {"5": "1001"})
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    await office.bill(NOVEMBER)
    assert [record.quantity for record in office.psa.records.values()] == [8]
    office.zone = ZoneInfo("Pacific/Auckland")
    december = DECEMBER.end(office.zone)
    await office.pull({"5": {DESKTOP.key: 7}}, at=december - timedelta(hours=1))
    await office.pull({"5": {DESKTOP.key: 99}}, at=december + timedelta(minutes=5))
    office.clock.moment = december + timedelta(hours=2)
    await office.bill()
    assert [record.quantity for record in office.psa.records.values()] == [7]


async def test_a_clock_that_steps_back_between_pulls_loses_no_count(office: Office) -> None:
    """The later pull says an earlier time: the census goes by the order in which pulls came."""
    await office.pull({"5": {DESKTOP.key: 5}}, at=on(30, 22))
    await office.pull({"5": {DESKTOP.key: 6}}, at=on(30, 21))
    await decided(office, {"5": "1001"})
    office.clock.moment = on(1, 9, 12)
    await office.bill()
    assert [record.quantity for record in office.psa.records.values()] == [6]
    office.clock.moment = on(30, 23)
    again = await office.plan(NOVEMBER.previous())
    assert [bill.changes for bill in again.plan.bills] in ([], [()])
    assert [record.quantity for record in office.psa.records.values()] == [6]


@pytest.mark.parametrize(
    ("method", "expected"), [("point_in_time", 3), ("peak", 5), ("average", 5)]
)
@pytest.mark.parametrize("pool", [True, False])
async def test_p19_included_units_are_shared_by_the_accounts_of_a_client(
    office: Office, method: str, expected: int, *, pool: bool
) -> None:
    """P19: 4 + 4 at the end; 5 + 5 at most; half the month each, 4.5 on average, rounded to 5."""
    for day in range(1, 31):
        count = 5 if day <= 15 else 4
        counts = {"5": {DESKTOP.key: count}, "6": {DESKTOP.key: count}}
        await office.pull(counts, at=on(day, 20))
    await decided(office, {"5": "1001", "6": "1001"}, method, included=Decimal(5), pool=pool)
    office.clock.moment = on(1, 9, 12)
    stored = await office.plan(NOVEMBER)
    assert sum(billed(stored).values()) == (expected if pool else 0)


@pytest.mark.parametrize(
    ("until", "removed", "expected"),
    [(None, False, 10), ("", True, 0), ("2026-12-31", True, 10), ("2026-10-31", True, 0)],
)
async def test_p20_a_minimum_lasts_while_the_account_does_or_as_long_as_it_was_agreed(
    office: Office, until: str | None, removed: bool, expected: int
) -> None:
    """P20: raw 0, minimum 10; bills of October had it, the account goes in November."""
    october = NOVEMBER.previous()
    await office.pull({"5": {DESKTOP.key: 3}, "6": {}}, at=office.month_end(october))
    await decided(
        office, {"5": "1001"}, minimum=Decimal(10), valid_until="2026-12-31" if until else ""
    )
    await office.bill(october)
    assert [record.quantity for record in office.psa.records.values()] == [10]
    if until == "2026-10-31":
        office.clock.advance(hours=1)
        await office.rule(DESKTOP.key, minimum=Decimal(10), valid_until=until)
    counts: dict[str, dict[str, int]] = {"6": {}} if removed else {"5": {}, "6": {}}
    for hours in (3, 2):
        await office.pull(counts, at=NOVEMBER.end(LONDON) - timedelta(hours=hours))
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    stored = await office.plan(NOVEMBER)
    assert billed(stored) == {"5": expected}
    if expected == 0:
        assert stored.record.bills[0].state.value == "held"


async def test_a_running_month_is_the_average_of_the_days_that_have_begun(office: Office) -> None:
    """On the 4th at noon: 10 on three days and 50 today; the days to come say nothing."""
    for day in range(1, 5):
        await office.pull({"5": {DESKTOP.key: 50 if day == 4 else 10}}, at=on(day, 10))
    await decided(office, {"5": "1001"}, "average")
    office.clock.moment = on(4, 12)
    assert billed(await office.plan(NOVEMBER, kind=PlanKind.RUNNING)) == {"5": 20}


def test_the_days_of_these_cases_are_those_of_the_calendar() -> None:
    assert day_start(date(2026, 3, 30), LONDON) == datetime(2026, 3, 29, 23, tzinfo=UTC)
    assert NOVEMBER.end(ZoneInfo("Pacific/Auckland")) == datetime(2026, 11, 30, 11, tzinfo=UTC)
    assert NOVEMBER.end(ZoneInfo("America/St_Johns")) == datetime(2026, 12, 1, 3, 30, tzinfo=UTC)
