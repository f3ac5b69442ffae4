"""Records that existed before us carry our lines after a person said so, and keep what they are."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.billing.adoption import Ground
from syncd.core.service.adoption_plan import Choice, certain_choices
from syncd.core.service.applied import Fate
from syncd.core.service.csv_text import BadFile
from syncd.core.service.leaks import read_leaks
from syncd.core.service.reckoning import Sources, reckon
from syncd.core.service.refusals import AdoptionRefused, PlanConsumed, PlanStale
from syncd.core.store.adoptions import load_adoptions
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.database import Database
from syncd.core.store.lines import records_of
from syncd.core.store.outbox import OutboxState
from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.sdk.records import ChangeKind
from tests.builders_adoption import by_hand, chosen_in, plan_adoptions, put, view_of
from tests.builders_month import DESKTOP, NOVEMBER, OCTOBER, SERVER, Office, recurring, rules_of

D = Decimal


async def _office(database: Database, mode: str = "quantity") -> Office:
    """Ten desktops and two servers of client 1001; a record for the desktops was made by hand."""
    office = await Office.open(database)
    await office.usual(mode=mode)
    put(office, by_hand("88", "Managed workstation", 8, asset_type="10"))
    return office


async def test_a_lookalike_holds_the_create_and_after_adoption_there_is_one_record(
    database: Database,
) -> None:
    office = await _office(database)
    office.psa.recurring = [recurring("88")]
    held = await office.plan()
    assert "POSSIBLE_TWIN" in rules_of(held.record.objections)
    issue = next(i for key, i in (await office.issues()).items() if key.startswith("POSSIBLE_TWIN"))
    assert "syncd adopt" in issue.remedy

    plan = await plan_adoptions(office)
    report = await office.apply(plan.id)
    assert (report.exit_code, report.count(Fate.SENT)) == (0, 1)
    adopted = office.psa.records["88"]
    assert adopted == by_hand(
        "88", "Managed workstation", 8, asset_type="10", marker=adopted.marker
    )
    assert adopted.marker is not None

    stored = await office.plan()
    desktops = next(c for c in stored.plan.bills[0].changes if c.remote == "88")
    assert desktops.kind is ChangeKind.UPDATE
    assert desktops.before is not None
    assert (desktops.before.quantity, desktops.before.total_price) == (8, D("36.00"))
    assert desktops.billed_by is not None
    assert (desktops.fields.unit_price, desktops.fields.start) == (None, None)
    assert rules_of(stored.record.objections) == {"FIRST_BILL"}

    await office.release(stored.id)
    await office.apply(stored.id)
    after = office.psa.records["88"]
    assert (after.quantity, after.unit_price, after.start) == (10, D("4.50"), "2024-03-01")
    assert after.marker == adopted.marker
    assert sum(record.asset_type == "10" for record in office.psa.records.values()) == 1
    assert await office.codes() == {"NOT_LINKED"}  # of the servers, which are new

    await office.month(NOVEMBER, {"5": {DESKTOP.key: 11, SERVER.key: 2}})
    report = await office.bill(NOVEMBER)
    assert (report.exit_code, office.psa.records["88"].quantity) == (0, 11)


async def test_the_word_of_the_person_and_the_record_as_it_was_are_kept(
    database: Database,
) -> None:
    office = await _office(database)
    plan = await plan_adoptions(office)
    await office.apply(plan.id)
    async with database.reader() as conn:
        (kept,) = await load_adoptions(conn, plan_id=plan.id)
        (row,) = (await records_of(conn, office.psa_connection.id, [kept.account_id]))[
            kept.account_id
        ]
    assert (kept.remote, kept.confirmed_by, kept.state) == ("88", "ann", OutboxState.DELIVERED)
    assert kept.seen == by_hand("88", "Managed workstation", 8, asset_type="10")
    assert "asset type equal" in kept.evidence
    assert (row.remote, row.sent, row.mode, row.content_hash) == ("88", None, "", "")
    assert (row.key, row.line_uid) == (kept.key, kept.line_uid)


async def test_an_adoption_makes_no_bill_and_is_not_the_latest_plan(database: Database) -> None:
    office = await _office(database)
    await office.plan()
    plan = await plan_adoptions(office)
    await office.apply(plan.id)
    report = await office.apply("latest")
    assert report.plan_id != plan.id
    assert report.count(Fate.HELD) == 1


async def test_a_plan_made_before_the_adoption_does_not_make_a_second_record(
    database: Database,
) -> None:
    office = await _office(database)
    before = await office.plan()
    await office.release(before.id)
    plan = await plan_adoptions(office)
    await office.apply(plan.id)
    report = await office.apply(before.id)
    assert report.count(Fate.REFUSED) == 1
    assert "appeared" in report.bills[0].detail
    assert set(office.psa.records) == {"88"}


async def test_an_installation_in_shadow_may_adopt_and_bills_nothing(database: Database) -> None:
    office = await _office(database)
    office.policy(mode="shadow")
    plan = await plan_adoptions(office)
    report = await office.apply(plan.id)
    assert report.count(Fate.SENT) == 1
    assert [change.kind for change in office.psa.history] == [ChangeKind.ADOPT]


async def test_a_dry_run_adopts_nothing(database: Database) -> None:
    office = await _office(database)
    plan = await plan_adoptions(office)
    report = await office.apply(plan.id, dry_run=True)
    assert report.count(Fate.WOULD_SEND) == 1
    assert office.psa.records["88"].marker is None


async def test_what_is_adopted_is_not_proposed_again(database: Database) -> None:
    office = await _office(database)
    plan = await plan_adoptions(office)
    await office.apply(plan.id)
    view = await view_of(office)
    assert [line.line.asset_type for line in view.lines.values()] == ["11"]
    assert view.proposals == ()
    with pytest.raises(PlanConsumed):
        await office.apply(plan.id)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"client": "1002"}, "belongs to client 1002 now"),
        ({"active": False}, "is not active any more"),
        ({"foreign_writer": "Parts Co"}, "is kept by Parts Co now"),
        ({"marker": "TEL-01"}, "has another name or another key"),
        ({"name": "Telephony"}, "has another name or another key"),
    ],
)
async def test_a_record_that_changed_hands_is_refused_with_one_sentence(
    sqlite_database: Database, values: dict[str, object], said: str
) -> None:
    office = await _office(sqlite_database)
    plan = await plan_adoptions(office)
    office.psa.edit("88", **values)
    report = await office.apply(plan.id)
    assert (report.exit_code, report.count(Fate.REFUSED)) == (6, 1)
    assert said in report.bills[0].detail
    assert office.psa.history == []


async def test_a_record_deleted_since_the_proposal_is_refused(database: Database) -> None:
    office = await _office(database)
    plan = await plan_adoptions(office)
    del office.psa.records["88"]
    report = await office.apply(plan.id)
    assert report.count(Fate.REFUSED) == 1
    assert report.bills[0].detail == "'Managed - Workstation': record 88 is gone"


async def test_a_record_deleted_at_the_last_moment_is_refused_by_the_psa(
    database: Database,
) -> None:
    office = await _office(database)
    plan = await plan_adoptions(office)

    def deleted(name: str) -> None:
        if name == "apply:before":
            office.psa.records.pop("88", None)

    office.psa.point = deleted
    report = await office.apply(plan.id)
    assert (report.exit_code, report.count(Fate.REJECTED)) == (6, 1)
    assert await office.codes() == {"PSA_RECORD_GONE"}
    async with database.reader() as conn:
        assert await records_of(conn, office.psa_connection.id, [1]) == {}


async def test_a_figure_that_a_person_edits_meanwhile_stops_no_adoption(
    sqlite_database: Database,
) -> None:
    office = await _office(sqlite_database)
    plan = await plan_adoptions(office)
    office.psa.edit("88", quantity=9, unit_price=D("4.75"))
    report = await office.apply(plan.id)
    assert report.count(Fate.SENT) == 1
    adopted = office.psa.records["88"]
    assert (adopted.quantity, adopted.unit_price) == (9, D("4.75"))
    assert await office.codes() == set()


async def test_one_record_that_moved_stops_no_other(database: Database) -> None:
    office = await _office(database)
    put(office, by_hand("89", "Managed server", 2, asset_type="11"))
    plan = await plan_adoptions(office)
    office.psa.edit("88", active=False)
    report = await office.apply(plan.id)
    assert (report.count(Fate.SENT), report.count(Fate.REFUSED)) == (1, 1)
    assert office.psa.records["89"].marker is not None


async def test_a_record_of_another_writer_is_told_and_never_proposed(database: Database) -> None:
    office = await _office(database)
    office.psa.edit("88", foreign_writer="Parts Co")
    view = await view_of(office)
    assert view.proposals == ()
    (told,) = view.untouchable
    assert told.startswith("FOREIGN_WRITER: record 88 'Managed workstation' is kept by Parts Co")
    line = next(line for line in view.lines.values() if line.line.asset_type == "10")
    with pytest.raises(BadFile, match="is kept by Parts Co"):
        await chosen_in(office, view, f"source-eu,5,{line.line.key},88")


async def test_a_sku_is_certain_and_a_name_is_not(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    put(office, by_hand("88", "Some contract", sku="DESKTOP"), by_hand("89", "Managed Server", 2))
    view = await view_of(office)
    grounds = {one.record.key: one.ground for one in view.proposals if one.record is not None}
    assert grounds == {"88": Ground.SKU, "89": Ground.NAME}
    assert [choice.record.key for choice in certain_choices(view)] == ["88"]


async def test_a_record_that_carries_our_key_already_is_certain(database: Database) -> None:
    office = await _office(database)
    line = next(
        one for one in (await view_of(office)).lines.values() if one.line.asset_type == "10"
    )
    office.psa.edit("88", marker=office.psa.marker(line.key), name="Anything", asset_type=None)
    view = await view_of(office)
    assert [one.ground for one in view.proposals] == [Ground.KEY]
    plan = await plan_adoptions(office, certain_choices(view), view=view)
    report = await office.apply(plan.id)
    assert report.count(Fate.SENT) == 1


async def test_one_record_cannot_be_chosen_for_two_lines(sqlite_database: Database) -> None:
    office = await _office(sqlite_database)
    view = await view_of(office)
    choices = [
        Choice(line=line, record=office.psa.records["88"], evidence="chosen")
        for line in view.lines.values()
    ]
    with pytest.raises(AdoptionRefused, match="record 88 was chosen twice"):
        await plan_adoptions(office, choices, view=view)
    with pytest.raises(AdoptionRefused, match="nothing was chosen"):
        await plan_adoptions(office, [], view=view)


async def test_a_decision_made_since_makes_the_plan_stale(database: Database) -> None:
    office = await _office(database)
    view = await view_of(office)
    plan = await plan_adoptions(office, view=view)
    await office.drop_configuration("c1")
    with pytest.raises(PlanStale, match="were edited after plan") as refused:
        await office.apply(plan.id)
    assert "syncd adopt" in refused.value.remedy
    with pytest.raises(PlanStale, match="edited while you looked"):
        await plan_adoptions(office, view=view)


async def test_a_monthly_record_is_adopted_only_for_its_month(database: Database) -> None:
    office = await _office(database)
    office.policy(subscription_style="per_period")
    put(
        office,
        by_hand("90", "Managed workstation", start="2026-10-01", end="2026-10-31", asset_type="10"),
    )
    view = await view_of(office)
    assert [one.record and one.record.key for one in view.proposals] == ["90"]
    plan = await plan_adoptions(office, view=view)
    await office.apply(plan.id)
    stored = await office.plan()
    assert {change.remote for change in stored.plan.bills[0].changes} == {"90", None}


async def test_an_adopted_record_whose_configuration_goes_keeps_its_name_and_price(
    database: Database,
) -> None:
    office = await _office(database)
    await office.apply((await plan_adoptions(office)).id)
    await office.drop_configuration("c1")
    stored = await office.plan()
    (change,) = stored.plan.bills[0].changes
    assert (change.remote, change.fields.name) == ("88", "Managed workstation")
    assert (change.fields.quantity, change.fields.unit_price) == (0, None)
    assert "REMOVED_BY_CONFIGURATION" in rules_of(stored.record.objections)


async def test_what_is_asked_of_our_books_goes_on_with_a_record_not_written_yet(
    database: Database,
) -> None:
    """Leaks, the running month and whoever asks for the state of a record read the same books."""
    office = await _office(database, "average")
    await office.apply((await plan_adoptions(office)).id)
    running = await office.plan(NOVEMBER, kind=PlanKind.RUNNING)
    assert running.count(PlanBillState.ERROR) == 0
    leaks = await read_leaks(
        database,
        rules=office.settings,
        timezone=office.zone,
        psa=office.psa_connection,
        sources=Sources(active=office.active),
        period=OCTOBER,
    )
    assert [leak.what for leak in leaks.not_counted] == []
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-10-01")
        drafting = await reckon(
            conn,
            data,
            psa_id=office.psa_connection.id,
            sources=Sources(active=office.active),
            period=OCTOBER,
            timezone=office.zone,
            rules=office.settings,
        )
        (draft,) = drafting.drafts([1])
    (state,) = drafting.states(draft.books).values()
    assert (state.remote, state.sent, state.mode, state.sent_period) == ("88", None, None, None)
    assert draft.books.last_lines(drafting.style, NOVEMBER, running=True) == {}
    (record,) = draft.books.records
    assert (record.name, record.billed) == ("adopted record", 0)
