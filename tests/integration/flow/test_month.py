"""Months of one client: planned, held, released, sent, and sent only once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.applied import Fate
from syncd.core.service.refusals import (
    PeriodNotOver,
    PlanConsumed,
    PlanNotFound,
    PlanStale,
    ReleaseRefused,
    ShadowMode,
)
from syncd.core.store.bills import bills_of
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
    recurring,
    rules_of,
)


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def test_the_first_bill_is_held_then_released_then_sent(office: Office) -> None:
    stored = await office.plan()
    (bill,) = stored.plan.bills
    assert (stored.plan.period, bill.client_name, len(bill.changes)) == ("2026-10", "Acme Ltd", 2)
    assert bill.total_after == Decimal("80.00")
    assert rules_of(stored.record.objections) == {"FIRST_BILL"}
    assert stored.record.bills[0].state is PlanBillState.HELD
    assert await office.codes() == {"PLAN_HELD"}
    waiting = await office.apply()
    assert (waiting.exit_code, waiting.count(Fate.HELD), office.psa.calls["apply"]) == (3, 1, 0)
    await office.release()
    assert await office.codes() == set()
    report = await office.apply()
    assert (report.exit_code, report.delivered, report.money(Fate.SENT)) == (0, 2, Decimal(80))
    assert sorted(record.quantity for record in office.psa.records.values()) == [2, 10]


async def test_the_bill_is_final_once_every_line_was_acknowledged(office: Office) -> None:
    await office.bill()
    async with office.database.reader() as conn:
        (bill,) = await bills_of(conn, 1)
    assert (bill.kind, bill.revision, bill.total_price) == (BillKind.MANUAL, 1, Decimal("80.00"))
    assert bill.completed_at is not None


async def test_the_same_month_again_needs_no_write(office: Office) -> None:
    await office.bill()
    before = office.psa.calls["apply"]
    stored = await office.plan()
    assert stored.record.bills[0].state is PlanBillState.UNCHANGED
    report = await office.apply()
    assert (report.exit_code, report.count(Fate.UNCHANGED)) == (0, 1)
    assert office.psa.calls["apply"] == before
    async with office.database.reader() as conn:
        assert len(await bills_of(conn, 1)) == 1


async def test_a_plan_is_consumed_once(office: Office) -> None:
    await office.bill()
    before = dict(office.psa.calls)
    with pytest.raises(PlanConsumed):
        await office.apply()
    assert dict(office.psa.calls) == before


async def test_a_thousand_applies_of_one_plan_make_no_further_call(office: Office) -> None:
    await office.bill()
    before = dict(office.psa.calls)
    for _ in range(1000 if office.database.dialect == "sqlite" else 20):
        with pytest.raises(PlanConsumed):
            await office.apply("2026-10-1")
    assert dict(office.psa.calls) == before


async def test_shadow_computes_and_never_writes(office: Office) -> None:
    office.policy(mode="shadow")
    stored = await office.plan()
    assert [bill.state for bill in stored.record.bills] == [PlanBillState.SHADOW]
    assert stored.record.bills[0].detail == "FIRST_BILL"
    with pytest.raises(ReleaseRefused):
        await office.release()
    with pytest.raises(ShadowMode) as refused:
        await office.apply()
    assert "live" in refused.value.remedy
    dry = await office.apply(dry_run=True)
    assert (dry.exit_code, dry.count(Fate.SHADOW), office.psa.calls["apply"]) == (0, 1, 0)
    assert await office.issues() == {}


async def test_a_month_that_still_goes_on_is_refused(office: Office) -> None:
    with pytest.raises(PeriodNotOver):
        await office.plan(NOVEMBER)


async def test_three_months_of_one_line_are_one_record_with_three_counts(office: Office) -> None:
    """P13: the invoice made after each month takes that month's count."""
    await office.bill()
    office.psa.recurring = [recurring("9001")]
    invoiced = [office.psa.records["9001"].quantity]
    for period, desktops in ((NOVEMBER, 12), (DECEMBER, 11)):
        await office.month(period, {"5": {DESKTOP.key: desktops, SERVER.key: 2}})
        report = await office.bill()
        assert (report.period, report.exit_code) == (str(period), 0)
        invoiced.append(office.psa.records["9001"].quantity)
    assert invoiced == [10, 12, 11]
    assert len(office.psa.records) == 2


async def test_an_older_month_never_covers_a_newer_one(office: Office) -> None:
    """P14."""
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.bill()
    before = office.psa.calls["apply"]
    stored = await office.plan(OCTOBER)
    assert stored.plan.bills[0].errors == ("PERIOD_SUPERSEDED:2026-11",)
    assert stored.record.bills[0].state is PlanBillState.ERROR
    assert "PERIOD_SUPERSEDED" in await office.codes()
    report = await office.apply()
    assert (report.exit_code, office.psa.calls["apply"]) == (6, before)


async def test_a_plan_made_before_an_edit_is_refused(office: Office) -> None:
    await office.plan()
    await office.release()
    await office.rate(DESKTOP.key, "2.00", "50.00")
    with pytest.raises(PlanStale, match="edited"):
        await office.apply()


async def test_an_old_plan_is_refused(office: Office) -> None:
    await office.plan()
    await office.release()
    office.clock.advance(days=8)
    with pytest.raises(PlanStale, match="8 days old"):
        await office.apply()


async def test_a_plan_that_a_newer_one_replaced_is_refused(office: Office) -> None:
    first = await office.plan()
    await office.release()
    await office.plan()
    with pytest.raises(PlanStale, match="replaced by plan 2026-10-2"):
        await office.apply(first.id)
    assert office.psa.calls["apply"] == 0


async def test_an_unknown_plan_is_named(office: Office) -> None:
    with pytest.raises(PlanNotFound):
        await office.apply("2026-10-99")
    with pytest.raises(PlanNotFound):
        await office.apply("latest")


async def test_a_record_that_moved_since_the_plan_refuses_its_bill_with_both_values(
    office: Office,
) -> None:
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.plan()
    office.psa.edit("9001", quantity=77)
    before = office.psa.calls["apply"]
    report = await office.apply()
    assert (report.exit_code, report.bills[0].fate) == (6, Fate.REFUSED)
    assert "quantity was 10 and is 77" in report.bills[0].detail
    assert office.psa.calls["apply"] == before
    assert "PLAN_STALE" in await office.codes()
    stored = await office.plan()
    assert rules_of(stored.record.objections) == {"PSA_DRIFT"}
    assert await office.codes() == {"PLAN_HELD", "PSA_DRIFT"}


async def test_a_record_made_since_the_plan_refuses_the_create(office: Office) -> None:
    await office.plan()
    await office.release()
    stored = await office.plan()
    await office.release(stored.id)
    change = stored.plan.bills[0].changes[0]
    from syncd.sdk.records import KeyedChange

    office.psa._store(KeyedChange(change.key, change.kind, None, change.fields))
    report = await office.apply()
    assert report.bills[0].fate is Fate.REFUSED
    assert "appeared" in report.bills[0].detail


@pytest.mark.parametrize("reason", ["", "   "])
async def test_a_release_without_a_reason_is_refused(office: Office, reason: str) -> None:
    await office.plan()
    with pytest.raises(ReleaseRefused, match="reason"):
        await office.release(reason=reason)


async def test_a_release_says_who_and_why_and_frees_only_what_is_held(office: Office) -> None:
    stored = await office.plan()
    await office.release(by="ann", reason=" compared with the invoice ")
    from syncd.core.store.plans import load_plan

    async with office.database.reader() as conn:
        record = await load_plan(conn, stored.id)
    assert record is not None
    (bill,) = record.bills
    assert (bill.state, bill.released_by, bill.release_reason) == (
        PlanBillState.RELEASED,
        "ann",
        "compared with the invoice",
    )
    with pytest.raises(ReleaseRefused, match="nothing is held"):
        await office.release()


async def test_one_client_is_released_and_the_other_waits(office: Office) -> None:
    await office.pull(
        {"5": {DESKTOP.key: 10}, "6": {DESKTOP.key: 3}}, at=office.month_end(OCTOBER, hours=1)
    )
    await office.link("6", "1002")
    await office.plan()
    await office.release(clients=["Globex"], psa_name="psa")
    report = await office.apply()
    assert {bill.client_name: bill.fate for bill in report.bills} == {
        "Acme Ltd": Fate.HELD,
        "Globex": Fate.SENT,
    }
    assert report.exit_code == 3


async def test_a_reviewing_plugin_holds_the_whole_plan(office: Office) -> None:
    from syncd.sdk.records import Objection

    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    stored = await office.plan(
        review_plan=lambda plan, context: (
            Objection("PLUGIN_REVIEW_FAILED", f"no answer for {context.period}"),
        )
    )
    assert stored.record.bills[0].state is PlanBillState.HELD
    assert list(await office.issues()) == ["PLAN_HELD billing/2026-11"]
    assert (await office.apply()).exit_code == 3
    await office.release()
    assert await office.issues() == {}
    assert (await office.apply()).exit_code == 0
