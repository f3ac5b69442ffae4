"""First and last months through counting, planning, sending and explaining, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from syncd.core.billing.billed_days import CountedDays
from syncd.core.service.evidence_pack import EvidencePack
from syncd.core.service.explain import explain
from syncd.core.service.explanation import ExplainedProduct
from syncd.core.service.leaks import read_leaks
from syncd.core.service.reckoning import Sources
from syncd.core.store.connections import bump_data_version
from syncd.core.store.database import Database
from syncd.core.store.states import PlanKind
from syncd.core.store.tables import AccountBilling, AccountRow
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    LONDON,
    NOVEMBER,
    SERVER,
    Office,
    rules_of,
)


def _at(day: int, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


async def billed(office: Office, account: str = "5", **choice: str) -> None:
    """What an account chose of its days."""
    async with office.database.writer() as conn:
        found = select(AccountRow.__table__.c.id).where(AccountRow.__table__.c.key == account)  # type: ignore[attr-defined]
        account_id = await conn.scalar(found)
        table = AccountBilling.__table__  # type: ignore[attr-defined]
        await conn.execute(
            update(table)
            .where(table.c.account_id == account_id, table.c.superseded_at.is_(None))
            .values(superseded_at=office.clock())
        )
        await conn.execute(
            insert(AccountBilling).values(
                account_id=account_id, automatic=True, recorded_at=office.clock(), **choice
            )
        )
        await bump_data_version(conn)


async def opened(database: Database, mode: str = "average", **counts: int) -> Office:
    """Counts of November: 10 desktops on the 5th, and what is given by day (`d12=4`)."""
    office = await Office.open(database)
    first = {"5": {DESKTOP.key: counts.pop("d5", 10)}}
    await office.pull(first, at=_at(5))
    for name, units in counts.items():
        await office.pull({"5": {DESKTOP.key: units}}, at=_at(int(name[1:])))
    await office.link("5", "1001")
    await office.asset_type(DESKTOP.key, "10")
    await office.asset_type(SERVER.key, "11")
    await office.configure("c1", "Managed", mode, [DESKTOP.key])
    await office.rate(DESKTOP.key, "2.00", "15.00")
    office.clock.moment = datetime(2026, 12, 1, 9, tzinfo=UTC)
    return office


async def explained(office: Office, period: Any = NOVEMBER) -> ExplainedProduct:
    found = await explain(
        office.database, "1001", None, psa_name="psa", timezone=LONDON, period=period
    )
    return found.lines[0].products[0]


async def test_a_first_month_by_days_is_the_worked_example_of_the_page(
    database: Database,
) -> None:
    office = await opened(database, d5=4, d21=5, d30=5)
    await billed(office, billing_start="2026-11-12", first_month="by_days")
    await office.bill(NOVEMBER)
    (record,) = office.psa.records.values()
    assert (record.quantity, record.unit_price) == (5, Decimal("8.6000"))
    product = await explained(office)
    assert product.basis.price == Decimal("43.00")
    note = product.basis.prorated
    assert note is not None
    assert note.spans == (
        CountedDays(date(2026, 11, 12), date(2026, 11, 20), 4),
        CountedDays(date(2026, 11, 21), date(2026, 11, 30), 5),
    )
    assert "days x units: 9 x 4 + 10 x 5 = 86 unit-days" in product.steps
    assert "price: 5 x 15 x 86 / 150 = 43 GBP" in " ".join(product.steps)


async def test_the_next_month_is_whole_again_and_not_a_change_of_days(database: Database) -> None:
    office = await opened(database, d5=4, d30=5)
    await billed(office, billing_start="2026-11-12", first_month="by_days")
    await office.bill(NOVEMBER)
    await office.month(DECEMBER, {"5": {DESKTOP.key: 5}})
    stored = await office.plan()
    assert "CHANGED_SINCE_LAST_BILL" not in rules_of(stored.record.objections)
    (change,) = stored.record.plan.bills[0].changes
    assert change.after.total_price == Decimal("75.00")


async def test_the_last_month_counts_at_the_end_of_its_last_day(database: Database) -> None:
    office = await opened(database, d5=6, d20=6, d25=0)
    await billed(office, billing_end="2026-11-20", last_month="by_days")
    await office.bill(NOVEMBER)
    (record,) = office.psa.records.values()
    product = await explained(office)
    assert record.quantity == 6
    assert product.basis.price == Decimal(6 * 15 * 16) / 30, "known from the 5th to the 20th"
    assert product.snapshot is not None
    assert product.snapshot.taken_at == _at(20)
    assert len(product.counted) == 6


async def test_days_before_the_first_count_are_told(database: Database) -> None:
    office = await opened(database, d5=6, d20=6, d30=6)
    await billed(office, billing_end="2026-11-20", last_month="by_days")
    (bill,) = (await office.plan(NOVEMBER)).record.plan.bills
    assert f"DAYS_NOT_KNOWN:{DESKTOP.key}:4" in bill.warnings


async def test_a_whole_last_month_counts_at_its_last_day_as_well(database: Database) -> None:
    office = await opened(database, d5=6, d20=6, d25=0)
    await billed(office, billing_end="2026-11-20")
    await office.bill(NOVEMBER)
    (record,) = office.psa.records.values()
    assert (record.quantity, record.unit_price) == (6, Decimal("15.0000"))


async def test_after_the_end_lines_go_to_zero_and_are_held(database: Database) -> None:
    office = await opened(database, d5=6, d20=6, d30=6)
    await office.rule(DESKTOP.key, minimum=Decimal(10))
    await billed(office, billing_end="2026-11-20", last_month="by_days")
    await office.bill(NOVEMBER)
    await office.month(DECEMBER, {"5": {DESKTOP.key: 6}})
    stored = await office.plan()
    (bill,) = stored.record.plan.bills
    assert "AFTER_BILLING_END:2026-11-20" in bill.warnings
    assert [change.after.quantity for change in bill.changes] == [0]
    assert "FELL_TO_ZERO" in rules_of(stored.record.objections)


async def test_an_ended_account_leaves_the_pool_of_its_client(database: Database) -> None:
    office = await opened(database)
    both = {"5": {DESKTOP.key: 4}, "6": {DESKTOP.key: 4}}
    await office.pull(both, at=_at(30))
    await office.link("6", "1001")
    await office.rule(DESKTOP.key, included=Decimal(3))
    await billed(office, billing_end="2026-10-20")
    stored = await office.plan(NOVEMBER)
    units = {
        change.key.split(":")[2]: change.after.quantity
        for bill in stored.record.plan.bills
        for change in bill.changes
    }
    assert units == {"6": 1}, "4 - 3 included, of which none went to the account that ended"


async def test_a_free_first_month_sends_the_count_at_no_price(database: Database) -> None:
    office = await opened(database, d12=4, d30=4)
    await billed(office, billing_start="2026-11-12", first_month="free")
    await office.bill(NOVEMBER)
    (record,) = office.psa.records.values()
    assert (record.quantity, record.unit_price) == (4, Decimal(0))
    assert any(step.startswith("free: ") for step in (await explained(office)).steps)


async def test_a_template_speaks_where_the_account_says_nothing(database: Database) -> None:
    office = await opened(database, d5=4, d21=5, d30=5)
    await office.configure("c1", "Managed", "average", [DESKTOP.key], first_month="free")
    await billed(office, billing_start="2026-11-12")
    (bill,) = (await office.plan(NOVEMBER)).record.plan.bills
    assert bill.changes[0].after.total_price == 0
    await billed(office, billing_start="2026-11-12", first_month="by_days")
    (bill,) = (await office.plan(NOVEMBER)).record.plan.bills
    assert bill.changes[0].after.total_price == Decimal("43.00")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"mode": "quantity"}, "PRORATION_NEEDS_MONEY:c1"),
        ({"proration_owner": "psa"}, "PRORATION_OWNED_BY_PSA:c1"),
        ({"billed_in": "advance"}, "PRORATION_NEEDS_ARREARS:c1"),
    ],
)
async def test_what_cannot_follow_stops_the_bill(
    database: Database, more: dict[str, str], code: str
) -> None:
    office = await opened(database, d30=4)
    chosen: dict[str, Any] = {"mode": "average", **more}
    mode = chosen.pop("mode")
    await office.configure("c1", "Managed", mode, [DESKTOP.key], **chosen)
    await billed(office, billing_start="2026-11-12", first_month="by_days")
    (bill,) = (await office.plan(NOVEMBER)).record.plan.bills
    assert bill.errors == (code,)
    assert code.partition(":")[0] in await office.codes()


async def test_in_a_running_month_days_to_come_are_like_today(database: Database) -> None:
    office = await opened(database, d5=4)
    office.clock.moment = _at(16)
    await office.pull({"5": {DESKTOP.key: 5}}, at=_at(16))
    await billed(office, billing_start="2026-11-12", first_month="by_days")
    stored = await office.plan(NOVEMBER, kind=PlanKind.RUNNING)
    (bill,) = stored.record.plan.bills
    unit_days = 4 * 4 + 15 * 5
    assert bill.changes[0].after.total_price == Decimal(15 * unit_days) / 30


async def test_an_end_after_bills_were_sent_waits_for_a_person(database: Database) -> None:
    office = await opened(database, d30=4)
    await office.bill(NOVEMBER)
    await office.month(DECEMBER, {"5": {DESKTOP.key: 4}})
    await billed(office, billing_end="2026-12-20", last_month="by_days")
    assert "CHANGED_SINCE_LAST_BILL" in rules_of((await office.plan()).record.objections)


async def test_the_evidence_has_days_and_the_day_on_which_a_unit_came_or_went(
    database: Database,
) -> None:
    office = await Office.open(database)
    for day, names in ((5, ["a", "b"]), (12, ["a", "b", "c"]), (20, ["b", "c"]), (30, ["b", "c"])):
        await office.pull({"5": {DESKTOP.key: names}}, at=_at(day))
    await office.link("5", "1001")
    await office.asset_type(DESKTOP.key, "10")
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.rate(DESKTOP.key, "2.00", "15.00")
    office.clock.moment = datetime(2026, 12, 1, 9, tzinfo=UTC)
    await office.bill(NOVEMBER)
    for day, names in ((9, ["b", "c", "d"]), (14, ["c", "d"]), (20, ["c", "d"])):
        await office.pull({"5": {DESKTOP.key: names}}, at=_at(day, month=12))
    await billed(office, billing_end="2026-12-20", last_month="by_days")
    office.clock.moment = datetime(2027, 1, 1, 9, tzinfo=UTC)
    stored = await office.plan(DECEMBER)
    await office.release(stored.id)
    await office.apply(stored.id)
    found = await explain(database, "1001", None, psa_name="psa", timezone=LONDON, period=DECEMBER)
    (product,) = found.lines[0].products
    assert product.since is not None
    joined, left = product.since.movements.joined, product.since.movements.left
    assert [(one.unit.unit, one.at) for one in joined] == [("d", _at(9, month=12))]
    assert [(one.unit.unit, one.at) for one in left] == [("b", _at(14, month=12))]
    files = {one.name: one for one in EvidencePack(found=found, zone=LONDON).files()}
    (line,) = files["lines.csv"].rows()
    amount = files["lines.csv"].columns.index("amount")
    assert line[amount] == "21.77419355", "15 x 45 / 31 has no end"
    changes = list(files["changes.csv"].rows())
    assert [row[-1] for row in changes] == ["2026-12-09", "2026-12-14"]
    days = [row[3:8] for row in files["days.csv"].rows()]
    assert days == [
        ("2026-12-01", "2026-12-08", "8", "2", "16"),
        ("2026-12-09", "2026-12-13", "5", "3", "15"),
        ("2026-12-14", "2026-12-20", "7", "2", "14"),
    ]


async def test_what_is_counted_after_the_end_is_told_as_a_leak(database: Database) -> None:
    office = await opened(database, d30=6)
    await billed(office, billing_end="2026-10-20")
    report = await read_leaks(
        database,
        rules=office.settings,
        timezone=LONDON,
        psa=office.psa_connection,
        sources=Sources(active=office.active),
        period=NOVEMBER,
    )
    found = [(one.kind.value, one.account, one.quantity) for one in report.not_billed]
    assert found == [("billing ended", "5", Decimal(6))]
