"""Links of recurring lines: proposed with their money, written once, never over a person's edit."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from syncd.core.service.application import find_plan
from syncd.core.service.refusals import LinksByHand, PlanConsumed, PlanStale, ShadowMode
from syncd.core.store.database import Database
from syncd.core.store.outbox import OutboxState
from syncd.core.store.plans import PlanKind, PlanState
from syncd.core.store.wire_changes import links_of_plan
from syncd.sdk.errors import ConfigError
from syncd.sdk.period import Period
from syncd.sdk.records import RecurringLine
from tests.builders_adoption import by_hand, plan_adoptions, put
from tests.builders_flow import FakePsa
from tests.builders_month import Office, recurring
from tests.builders_wire import WiringPsa, apply_wiring, billed_office, free_line, propose

D = Decimal
DESKTOPS = "Managed: Workstation"
SERVERS = "Managed: Server"


def both() -> list[RecurringLine]:
    return [
        free_line("r1", "?", quantity=D(8), unit_price=D("5.00")),
        free_line("r2", "?", quantity=D(2), unit_price=D("14.00")),
    ]


async def named(database: Database) -> tuple[Office, WiringPsa]:
    """Lines that are named as the records are."""
    office, psa = await billed_office(database)
    names = {record.key: record.name for record in psa.records.values()}
    one, two = both()
    psa.recurring = [
        msgspec.structs.replace(one, name=names["9001"]),
        msgspec.structs.replace(two, name=names["9002"]),
    ]
    return office, psa


async def states(office: Office, plan_id: str) -> list[OutboxState]:
    async with office.database.reader() as conn:
        return [one.state for one in await links_of_plan(conn, plan_id)]


async def test_links_are_proposed_with_what_the_next_invoice_says_before_and_after(
    database: Database,
) -> None:
    office, psa = await named(database)
    plan = await propose(office)
    assert (plan.kind, plan.state, plan.plan.period) == (PlanKind.WIRING, PlanState.OPEN, "2026-10")
    first = next(one for one in plan.plan.links if one.change.subscription == "9001")
    assert (first.change.line, first.evidence) == ("r1", ("same name", "same price"))
    assert (first.before.quantity, first.before.total) == (D(8), D("40.00"))
    assert (first.after.quantity, first.after.total) == (D(10), D("50.00"))
    assert first.money_effect == D("10.00")
    assert first.change.price_from_subscription
    assert first.change.observed == psa.digest("-9")
    assert plan.plan.unlinked == ()
    assert await find_plan(database, plan.id) == plan


async def test_a_line_takes_the_price_that_an_adopted_record_will_get(database: Database) -> None:
    """Else it goes on with its own price, and the first bill is not what is invoiced."""
    office = await Office.open(database)
    office.psa = psa = WiringPsa(clock=office.clock)
    await office.usual(mode="total")
    put(office, by_hand("700", "Workstations", 8), by_hand("701", "Servers", 2))
    plan = await plan_adoptions(office)
    await office.apply(plan.id)
    psa.recurring = [free_line("r1", "Servers", quantity=D(2), unit_price=D("4.50"))]
    (link,) = (await propose(office)).plan.links
    assert (link.change.subscription, link.change.price_from_subscription) == ("701", True)


async def test_a_plan_of_links_is_written_once_and_ends_the_issue(database: Database) -> None:
    office, psa = await named(database)
    await office.plan()
    assert "NOT_LINKED source-eu/5" in await office.issues()
    plan = await propose(office)
    done = await apply_wiring(office, plan.id)
    assert done.report is not None
    assert (done.exit_code, done.report.delivered, done.report.calls) == (0, 2, 1)
    assert psa.line("r1").subscriptions == ("9001",)
    assert psa.line("r1").price_from_subscription
    assert await office.codes() == set()
    assert len(office.log.of("link.delivered")) == 2
    with pytest.raises(PlanConsumed):
        await apply_wiring(office, plan.id)
    again = await propose(office)
    assert (again.plan.links, again.plan.unlinked) == ((), ())


async def test_latest_stays_the_newest_plan_of_bills(database: Database) -> None:
    office, _ = await named(database)
    wiring = await propose(office)
    assert (await find_plan(database, "latest")).kind is not PlanKind.WIRING
    stored = await office.plan()
    assert (await find_plan(database, wiring.id)).state is PlanState.OPEN
    assert (await find_plan(database, "latest")).id == stored.id


async def test_only_where_a_person_allowed_it_is_anything_written(database: Database) -> None:
    office, psa = await named(database)
    plan = await propose(office)
    office.policy(write_links=False)
    with pytest.raises(LinksByHand) as refused:
        await apply_wiring(office, plan.id)
    assert f"syncd plans show {plan.id}" in refused.value.remedy
    office.policy(write_links=True)
    office.psa = FakePsa(clock=office.clock, records=psa.records, recurring=psa.recurring)
    with pytest.raises(LinksByHand, match="connector"):
        await apply_wiring(office, plan.id)
    assert await states(office, plan.id) == []


async def test_a_client_in_shadow_is_never_written_to(database: Database) -> None:
    office, psa = await named(database)
    plan = await propose(office)
    office.policy(mode="shadow")
    with pytest.raises(ShadowMode):
        await apply_wiring(office, plan.id)
    assert not psa.links


async def test_a_dry_run_writes_nothing_anywhere(database: Database) -> None:
    office, psa = await named(database)
    plan = await propose(office)
    done = await apply_wiring(office, plan.id, dry_run=True)
    assert (done.report, done.exit_code) == (None, 0)
    assert not psa.links
    assert (await find_plan(database, plan.id)).state is PlanState.OPEN


async def test_a_plan_that_is_too_old_is_refused(database: Database) -> None:
    office, _ = await named(database)
    plan = await propose(office)
    office.clock.advance(days=8)
    with pytest.raises(PlanStale):
        await apply_wiring(office, plan.id)


async def test_an_invoice_that_a_person_edited_since_is_told_and_left_alone(
    database: Database,
) -> None:
    office, psa = await named(database)
    plan = await propose(office)
    psa.edit_line("r2", quantity=D(3))
    done = await apply_wiring(office, plan.id)
    assert (done.exit_code, psa.line("r1").subscriptions) == (6, ())
    issues = await office.issues()
    issue = issues["LINK_REFUSED psa/1001/-9/r1"]
    assert "INVOICE_MOVED" in issue.message
    assert "syncd wire 1001" in issue.remedy
    plan = await propose(office)
    assert "LINK_REFUSED" not in await office.codes()
    assert (await apply_wiring(office, plan.id)).exit_code == 0


@pytest.mark.parametrize("fault", ["lost_after", "lost_before", "raise"])
async def test_a_lost_answer_is_settled_by_reading_and_nothing_is_linked_twice(
    database: Database, fault: str
) -> None:
    office, psa = await named(database)
    plan = await propose(office)
    psa.link_faults = [fault]
    await apply_wiring(office, plan.id)
    assert (await office.codes()) & {"LINK_REFUSED", "LINK_UNKNOWN"}
    if set(await states(office, plan.id)) & {OutboxState.PENDING, OutboxState.UNKNOWN}:
        await apply_wiring(office, plan.id)
    if psa.line("r2").subscriptions != ("9002",) or psa.line("r1").subscriptions != ("9001",):
        plan = await propose(office)
        assert len(plan.plan.links) == 1
        await apply_wiring(office, plan.id)
    assert psa.line("r1").subscriptions == ("9001",)
    assert psa.line("r2").subscriptions == ("9002",)
    assert max(psa.links.values()) == 1
    await office.plan()
    assert await office.codes() == set()


async def test_a_link_that_never_arrives_is_given_up_and_told(database: Database) -> None:
    office, psa = await named(database)
    psa.recurring = psa.recurring[:1]
    plan = await propose(office)
    psa.link_faults = ["lost_before"] * 5
    done = await apply_wiring(office, plan.id)
    assert [one.state for one in done.items] == [OutboxState.REJECTED]
    assert "LINK_NEVER_ARRIVED" in (await office.issues())["LINK_REFUSED psa/1001/-9/r1"].message


@pytest.mark.parametrize("fault", ["not_sent", "auth"])
async def test_what_could_not_be_sent_waits_for_the_next_apply(
    database: Database, fault: str
) -> None:
    office, psa = await named(database)
    plan = await propose(office)
    psa.link_faults = [fault]
    done = await apply_wiring(office, plan.id)
    assert done.exit_code in {4, 5}
    assert OutboxState.PENDING in await states(office, plan.id)
    other = await propose(office)
    blocked = await apply_wiring(office, other.id)
    assert all(f"syncd apply {plan.id}" in why for _, why in blocked.skipped)
    assert psa.line("r1").subscriptions == ("9001",)
    assert max(psa.links.values()) == 1


async def test_a_refusal_of_the_psa_is_an_issue_and_the_other_link_goes_on(
    database: Database,
) -> None:
    office, psa = await named(database)
    plan = await propose(office)
    psa.link_faults = ["refused"]
    done = await apply_wiring(office, plan.id)
    assert sorted(one.state for one in done.items) == ["delivered", "rejected"]
    assert "LINK_REFUSED" in await office.codes()


async def test_a_line_that_counts_something_else_is_shown_and_not_chosen(
    database: Database,
) -> None:
    office, psa = await named(database)
    psa.edit_line("r1", subscriptions=("4711",))
    plan = await propose(office)
    (left,) = plan.plan.unlinked
    assert (left.subscription, left.money) == ("9001", D("50.00"))
    assert [one.against for one in left.candidates] == ["", "it counts another record"]
    named_by_a_person = await propose(office, chosen={"9001": "r1"})
    assert "cannot take it" in named_by_a_person.plan.unlinked[0].why


async def test_a_person_names_the_line_of_a_record(database: Database) -> None:
    office, psa = await billed_office(database, free_line("r1", "Flat fee", quantity=D(1)))
    assert {one.subscription for one in (await propose(office)).plan.unlinked} == {"9001", "9002"}
    plan = await propose(office, clients=["Acme Ltd"], chosen={"9002": "r1"})
    (link,) = plan.plan.links
    assert (link.change.subscription, link.chosen_by) == ("9002", "person")
    assert (await apply_wiring(office, plan.id)).exit_code == 0
    assert psa.line("r1").subscriptions == ("9002",)


async def test_a_word_about_a_record_that_waits_for_no_line_is_a_mistake(
    database: Database,
) -> None:
    office, _ = await billed_office(database, free_line("r1", "Flat fee", quantity=D(1)))
    with pytest.raises(ConfigError, match="no record '4711' of ours"):
        await propose(office, chosen={"4711": "r1"})


async def test_records_of_the_running_month_are_never_linked(database: Database) -> None:
    office, _ = await named(database)
    await office.pull({"5": {"device:desktop": 11}}, at=office.clock())
    running = await office.plan(office_month(office), kind=PlanKind.RUNNING)
    if any(bill.state.value == "held" for bill in running.record.bills):
        await office.release(running.id)
    await office.apply(running.id)
    plan = await propose(office)
    assert {one.change.subscription for one in plan.plan.links} == {"9001", "9002"}


def office_month(office: Office) -> Period:
    return Period.containing(office.clock(), office.zone)


async def test_a_linked_running_month_record_is_an_issue_until_it_is_mended(
    database: Database,
) -> None:
    office, psa = await named(database)
    await office.pull({"5": {"device:desktop": 11}}, at=office.clock())
    running = await office.plan(office_month(office), kind=PlanKind.RUNNING)
    if any(bill.state.value == "held" for bill in running.record.bills):
        await office.release(running.id)
    await office.apply(running.id)
    beside = next(one for one in psa.records.values() if "running month" in one.name)
    psa.recurring = [recurring("9001"), recurring("9002"), recurring(beside.key)]
    await office.plan()
    assert await office.codes() == {"RUNNING_MONTH_LINKED"}
    psa.recurring = psa.recurring[:2]
    await office.plan()
    assert await office.codes() == set()
