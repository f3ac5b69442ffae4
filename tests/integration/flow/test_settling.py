"""A write in doubt waits for a person, and a person can end it."""

from __future__ import annotations

import pytest

from syncd.core.service.applied import Fate
from syncd.core.service.refusals import NothingToSettle, ReleaseRefused
from syncd.core.service.settling import Settled, settle_write
from syncd.core.store.attempts import attempts
from syncd.core.store.database import Database
from syncd.core.store.outbox import OutboxState, of_plan
from syncd.core.store.plans import PlanBillState
from tests.builders_month import DESKTOP, NOVEMBER, SERVER, Office


@pytest.fixture
async def office(database: Database) -> Office:
    """A create was lost, and the PSA shows two records with its key."""
    made = await Office.open(database)
    await made.usual(counts={"5": {DESKTOP.key: 10}})
    made.psa.faults = ["lost_after"]

    def doubled(name: str) -> None:
        if name == "find_many:before" and len(made.psa.records) == 1:
            import msgspec

            (record,) = made.psa.records.values()
            made.psa.records["77"] = msgspec.structs.replace(record, key="77")

    made.psa.point = doubled
    report = await made.bill()
    made.psa.point = None
    assert (report.exit_code, report.bills[0].fate) == (5, Fate.NEEDS_REVIEW)
    return made


async def key_of(office: Office) -> str:
    async with office.database.reader() as conn:
        (item,) = await of_plan(conn, "2026-10-1")
    return item.key


async def settle(office: Office, key: str, **given: object) -> Settled:
    return await settle_write(
        office.database,
        key,
        psa=office.psa,
        psa_connection=office.psa_connection,
        **{"reason": "removed the second", "by": "ann", "give_up": False, **given},  # type: ignore[arg-type]
        clock=office.clock,
        log=office.log,
        sleep=office.clock.sleep,
    )


async def test_the_next_plan_of_the_account_stops_until_it_is_settled(office: Office) -> None:
    assert await office.codes() == {"DUPLICATE_IN_PSA"}
    stored = await office.plan()
    assert stored.plan.bills[0].errors == ("DELIVERY_UNSETTLED",)
    assert stored.record.bills[0].state is PlanBillState.ERROR
    assert await office.codes() == {"DUPLICATE_IN_PSA", "DELIVERY_UNSETTLED"}


async def test_looked_up_again_while_nothing_was_mended_it_stays_in_doubt(office: Office) -> None:
    settled = await settle(office, await key_of(office))
    assert settled.state is OutboxState.NEEDS_REVIEW
    assert await office.codes() == {"DUPLICATE_IN_PSA"}


async def test_once_the_second_record_is_gone_it_is_delivered(office: Office) -> None:
    del office.psa.records["77"]
    settled = await settle(office, await key_of(office))
    assert settled.state is OutboxState.DELIVERED
    assert await office.codes() == set()
    again = await office.bill()
    assert (again.exit_code, again.delivered, len(office.psa.records)) == (0, 0, 1)


async def test_once_both_are_gone_the_next_apply_sends_it_again(office: Office) -> None:
    office.psa.records.clear()
    assert (await settle(office, await key_of(office))).state is OutboxState.PENDING
    report = await office.apply("latest")
    assert (report.exit_code, report.delivered, len(office.psa.records)) == (0, 1, 1)


async def test_given_up_it_is_planned_anew_against_what_the_psa_shows(office: Office) -> None:
    del office.psa.records["77"]
    settled = await settle(office, await key_of(office), give_up=True)
    assert settled.state is OutboxState.REJECTED
    assert await office.codes() == set()
    stored = await office.plan()
    (change,) = stored.plan.bills[0].changes
    assert (change.kind.value, change.remote) == ("update", "9001")


async def test_who_and_why_are_kept(office: Office) -> None:
    await settle(office, await key_of(office), give_up=True, reason="not ours", by="ben")
    async with office.database.reader() as conn:
        (item,) = await of_plan(conn, "2026-10-1")
        last = (await attempts(conn, [item.id]))[item.id][-1]
    assert (last.what, last.outcome) == ("decide", "ABANDONED")
    assert last.detail == "given up (ben: not ours)"


async def test_only_what_waits_for_a_person_can_be_settled(office: Office) -> None:
    with pytest.raises(NothingToSettle):
        await settle(office, "syncd:unknown")
    with pytest.raises(ReleaseRefused, match="reason"):
        await settle(office, await key_of(office), reason=" ")
    del office.psa.records["77"]
    await settle(office, await key_of(office))
    with pytest.raises(NothingToSettle):
        await settle(office, await key_of(office))


async def test_another_line_of_the_month_is_not_stopped(office: Office) -> None:
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10}, "6": {SERVER.key: 1}})
    await office.link("6", "1002")
    stored = await office.plan()
    errors = {bill.account: bill.errors for bill in stored.plan.bills}
    assert errors == {"5": ("DELIVERY_UNSETTLED",), "6": ()}
