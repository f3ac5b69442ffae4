"""Counted units become assets: recognised by what is stored, never twice, never by a name alone."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from syncd.core.service.application import find_plan
from syncd.core.service.refusals import AssetsNotKept, PlanConsumed, PlanStale, ShadowMode
from syncd.core.store.asset_records import INACTIVE, LIVE
from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.core.store.references import ReferenceEntry, ReferenceKind, store_references
from syncd.core.store.tables import ProductMapping
from tests.builders_assets import (
    SOURCE,
    actions,
    asset_office,
    content,
    counting,
    export,
    ledger,
    look,
    pulled,
    write,
)
from tests.builders_flow import FakePsa
from tests.builders_month import DESKTOP, SERVER, rules_of

D = Decimal
FOUR = {"5": {DESKTOP.key: 3, SERVER.key: 1}}


async def test_a_first_export_is_planned_with_its_money_and_waits(database: Database) -> None:
    office, psa = await asset_office(database)
    psa.put("1", "Printer", asset_type="11")
    psa.recurring = [counting("10"), counting("11", "14.00")]
    plan = await look(office)
    assert (plan.kind, plan.plan.period) == (PlanKind.ASSETS, "2026-11")
    assert actions(plan) == {"de1": "create", "de2": "create", "de3": "create", "se1": "create"}
    desktops, servers = content(plan).effects
    assert (desktops.before, desktops.after, desktops.money_effect) == (D(0), D(3), D("12.00"))
    assert (servers.before, servers.after, servers.money_effect) == (D(1), D(2), D("14.00"))
    (bill,) = plan.bills
    assert bill.state is PlanBillState.HELD
    assert rules_of(plan.objections) == {"FIRST_ASSET_EXPORT"}
    assert "ASSETS_HELD psa/1001" in await office.issues()
    assert (await write(office, plan.id)).exit_code == 3
    assert psa.asset_writes == []
    await office.release(plan.id)
    done = await write(office, plan.id)
    assert done.report is not None
    assert (done.exit_code, done.report.delivered, done.report.calls) == (0, 4, 1)
    assert psa.active == {"10": 3, "11": 2}
    assert await office.codes() == set()
    with pytest.raises(PlanConsumed):
        await write(office, plan.id)
    again = await look(office)
    assert (again.plan.bills, content(again).planned, content(again).unchanged) == ((), (), 4)


async def test_what_left_is_deactivated_and_what_returns_is_the_same_asset(
    database: Database,
) -> None:
    office, psa = await asset_office(database)
    psa.recurring = [counting("10")]
    await export(office)
    await pulled(office, {"5": {DESKTOP.key: ["de1", "de2"], SERVER.key: ["se1"]}})
    plan = await look(office)
    assert actions(plan) == {"de3": "deactivate"}
    (effect,) = content(plan).effects
    assert (effect.before, effect.after, effect.money_effect) == (D(3), D(2), D("-4.00"))
    assert (await write(office, plan.id)).exit_code == 0
    assert not psa.named("de3.local").active
    assert (await ledger(office))["de3"].state == INACTIVE
    assert len(psa.kept) == 4
    await pulled(office, FOUR)
    plan = await look(office)
    assert actions(plan) == {"de3": "reactivate"}
    await write(office, plan.id)
    assert psa.named("de3.local").active
    assert len(psa.kept) == 4
    assert (await ledger(office))["de3"].state == LIVE


async def test_an_excluded_unit_is_not_exported(database: Database) -> None:
    office, _ = await asset_office(database)
    await export(office)
    await pulled(office, FOUR, excluded={"de1": "retired"})
    assert actions(await look(office)) == {"de1": "deactivate"}


async def test_an_account_that_was_not_proven_changes_nothing(database: Database) -> None:
    office, _ = await asset_office(database)
    await export(office)
    await pulled(office, {"5": {DESKTOP.key: ["de1"]}}, unproven=["5"])
    plan = await look(office)
    assert (actions(plan), content(plan).unproven) == ({}, (f"{SOURCE}/5",))
    await pulled(office, {"5": {DESKTOP.key: ["de1"]}})
    assert actions(await look(office)) == dict.fromkeys(("de2", "de3", "se1"), "deactivate")


async def test_a_fall_of_more_than_half_waits_for_a_person(database: Database) -> None:
    office, psa = await asset_office(database)
    await export(office)
    await pulled(office, {"5": {DESKTOP.key: ["de1"]}})
    plan = await look(office)
    assert rules_of(plan.objections) == {"ASSETS_FALL"}
    assert (await write(office, plan.id)).exit_code == 3
    assert sum(psa.active.values()) == 4


async def test_a_name_alone_is_never_taken_for_the_unit(database: Database) -> None:
    office, psa = await asset_office(database)
    psa.put("7", "DE1.local", asset_type="15")
    plan = await look(office)
    (held,) = content(plan).held
    assert (held.unit, held.code, held.candidates) == ("de1", "ASSET_TWIN", ("7",))
    assert "de1" not in actions(plan)
    plan = await look(office, chosen={(SOURCE, "de1"): "7"})
    assert actions(plan)["de1"] == "link"
    await office.release(plan.id)
    await write(office, plan.id)
    assert psa.kept["7"].asset_type == "15"
    assert len(psa.kept) == 4
    assert content(await look(office)).unchanged == 4
    assert "ASSETS_HELD psa/1001" not in await office.issues()


async def test_a_twin_can_be_said_to_be_another(database: Database) -> None:
    office, psa = await asset_office(database)
    psa.put("7", "de1.local")
    plan = await look(office, chosen={(SOURCE, "de1"): "new"})
    assert actions(plan)["de1"] == "create"


async def test_an_asset_with_the_sources_own_id_is_linked_and_keeps_its_type(
    database: Database,
) -> None:
    office, psa = await asset_office(database)
    psa.put("7", "Front desk", asset_type="15", foreign_ids={"fakesource": "de1"})
    psa.put("8", "de2.local", client="1002", foreign_ids={"fakesource": "de2"})
    plan = await look(office)
    assert actions(plan)["de1"] == "link"
    assert actions(plan)["de2"] == "create"
    assert content(plan).types_kept == 1
    await office.release(plan.id)
    await write(office, plan.id)
    assert (psa.kept["7"].name, psa.kept["7"].asset_type) == ("Front desk", "15")
    await pulled(office, {"5": {DESKTOP.key: ["de2", "de3"], SERVER.key: ["se1"]}})
    await export(office)
    assert not psa.kept["7"].active


async def test_types_are_overwritten_only_where_told(database: Database) -> None:
    office, psa = await asset_office(database)
    await export(office)
    psa.alter(psa.named("de1.local").key, asset_type="15")
    plan = await look(office)
    assert (actions(plan), content(plan).types_kept) == ({}, 1)
    plan = await look(office, overwrite=True)
    assert actions(plan) == {"de1": "update"}
    await write(office, plan.id)
    assert psa.named("de1.local").asset_type == "10"


async def test_what_a_person_changed_in_the_psa_stays(database: Database) -> None:
    office, psa = await asset_office(database)
    await export(office)
    remote = psa.named("de1.local").key
    psa.alter(remote, name="Reception", site="77")
    assert actions(await look(office)) == {}
    await pulled(office, FOUR, names={"de1": "desk-1"})
    plan = await look(office)
    (one,) = content(plan).planned
    assert (one.unit, one.changed) == ("de1", ("name",))
    await write(office, plan.id)
    assert (psa.kept[remote].name, psa.kept[remote].site) == ("desk-1", "77")


@pytest.mark.parametrize(
    ("what", "code"),
    [("gone", "ASSET_GONE"), ("moved", "ASSET_MOVED"), ("inactive", "ASSET_INACTIVE")],
)
async def test_what_somebody_did_to_an_asset_is_told_and_not_undone(
    database: Database, what: str, code: str
) -> None:
    office, psa = await asset_office(database)
    await export(office)
    remote = psa.named("de1.local").key
    if what == "gone":
        del psa.kept[remote]
    elif what == "moved":
        psa.alter(remote, client="1002")
    else:
        psa.alter(remote, active=False)
    plan = await look(office)
    assert [one.code for one in content(plan).held] == [code]
    assert (actions(plan), len(psa.asset_writes)) == ({}, 4)
    issue = (await office.issues())["ASSETS_HELD psa/1001"]
    assert code in issue.message


async def test_an_account_that_moves_takes_its_assets_along(database: Database) -> None:
    office, _ = await asset_office(database)
    await export(office)
    await office.link("5", "1002")
    plan = await look(office)
    assert {one.code for one in content(plan).held} == {"SITE_NOT_MAPPED"}


async def test_an_account_with_a_site_moves_its_assets_and_both_invoices(
    database: Database,
) -> None:
    office, psa = await asset_office(database, {"5": {DESKTOP.key: ["de1"]}})
    psa.recurring = [counting("10"), counting("10", "5.00", client="1002", invoice="-10")]
    await export(office)
    async with database.writer() as conn:
        entries = [
            ReferenceEntry(key="1001", name="Acme Ltd", main_site="71"),
            ReferenceEntry(key="1002", name="Globex", main_site="72"),
        ]
        psa_id = office.psa_connection.id
        await store_references(conn, psa_id, ReferenceKind.CLIENT, entries, now=office.clock())
    await office.link("5", "1002")
    plan = await look(office)
    (one,) = content(plan).planned
    assert (one.action, one.changed, one.site) == ("update", ("client",), "72")
    effects = {(one.client, one.money_effect) for one in content(plan).effects}
    assert effects == {("1001", D("-4.00")), ("1002", D("5.00"))}
    assert rules_of(plan.objections) == {"FIRST_ASSET_EXPORT"}
    await export(office)
    asset = psa.named("de1.local")
    assert (asset.client, asset.site, len(psa.kept)) == ("1002", "72", 1)
    assert content(await look(office)).unchanged == 1


async def test_a_second_source_that_counts_the_same_device_is_a_twin(database: Database) -> None:
    office, psa = await asset_office(database)
    await export(office)
    async with database.writer() as conn:
        other = await ensure_connection(conn, "source-us", "fakesource")
    await office.pull({"9": {DESKTOP.key: ["de1"]}}, at=office.clock(), source=other)
    await office.link("9", "1001", source=other)
    await office.asset_type(DESKTOP.key, "10", source=other)
    both = {SOURCE: False, "source-us": False}
    (held,) = content(await look(office, exporting=both)).held
    assert (held.connection, held.code) == ("source-us", "ASSET_TWIN")
    plan = await look(office, exporting=both, chosen={("source-us", "de1"): "new"})
    assert rules_of(plan.objections) == {"FIRST_ASSET_EXPORT"}
    await office.release(plan.id)
    await write(office, plan.id)
    assert len(psa.kept) == 5


async def test_a_release_says_how_much_it_lets_through(database: Database) -> None:
    office, psa = await asset_office(database)
    psa.recurring = [counting("10")]
    (one,) = (await office.release((await look(office)).id)).bills
    assert (one.client, one.writes, one.money) == ("1001", 4, D("12.00"))


async def test_our_key_finds_an_asset_that_our_ledger_lost(database: Database) -> None:
    office, psa = await asset_office(database)
    key = "syncd:" + office.source.uid + ":5:de1"
    psa.put("7", "Renamed", asset_type="10", marker=psa.marker(key))
    plan = await look(office)
    assert actions(plan)["de1"] == "update"
    await office.release(plan.id)
    await write(office, plan.id)
    assert psa.kept["7"].name == "de1.local"
    psa.put("9", "x", marker=psa.marker("syncd:" + office.source.uid + ":5:de2"))
    assert content(await look(office)).unchanged == 4


async def test_a_key_on_two_assets_is_held(database: Database) -> None:
    office, psa = await asset_office(database)
    marker = psa.marker("syncd:" + office.source.uid + ":5:de1")
    psa.put("7", "a", marker=marker)
    psa.put("8", "b", marker=marker)
    (held,) = content(await look(office)).held
    assert (held.code, held.candidates) == ("DUPLICATE_IN_PSA", ("7", "8"))


async def test_a_client_in_shadow_is_compared_and_never_written(database: Database) -> None:
    office, psa = await asset_office(database)
    office.policy(mode="shadow")
    plan = await look(office)
    assert [bill.state for bill in plan.bills] == [PlanBillState.SHADOW]
    with pytest.raises(ShadowMode):
        await write(office, plan.id)
    assert psa.asset_writes == []


async def test_a_client_put_back_to_shadow_since_the_plan_is_not_written(
    database: Database,
) -> None:
    office, psa = await asset_office(database)
    plan = await look(office)
    await office.release(plan.id)
    office.policy(mode="shadow")
    with pytest.raises(ShadowMode):
        await write(office, plan.id)
    assert psa.asset_writes == []


async def test_one_clients_failure_leaves_the_others_alone(database: Database) -> None:
    counts = {"5": {DESKTOP.key: ["a1", "a2"]}, "6": {DESKTOP.key: ["b1", "b2"]}}
    office, psa = await asset_office(database, counts, accounts={"5": "1001", "6": "1002"})
    psa.poison = {"1001"}
    done = await export(office)
    assert done.exit_code == 6
    assert {one.client for one in psa.kept.values()} == {"1002"}
    assert "ASSET_REFUSED psa/1001" in await office.issues()
    psa.poison = set()
    await export(office)
    assert len(psa.kept) == 4
    assert await office.codes() == set()


async def test_a_new_plan_replaces_the_one_that_waits(database: Database) -> None:
    office, _ = await asset_office(database)
    first = await look(office)
    office.clock.advance(days=31)
    second = await look(office)
    assert second.plan.period != first.plan.period
    with pytest.raises(PlanStale):
        await write(office, first.id)
    states = [bill.state for bill in (await find_plan(database, first.id)).bills]
    assert states == [PlanBillState.SUPERSEDED]


async def test_decisions_that_moved_and_age_make_a_plan_stale(database: Database) -> None:
    office, psa = await asset_office(database)
    plan = await look(office)
    await office.release(plan.id)
    await office.asset_type(DESKTOP.key, "15")
    with pytest.raises(PlanStale, match="edited"):
        await write(office, plan.id)
    plan = await look(office)
    await office.release(plan.id)
    office.clock.advance(days=8)
    with pytest.raises(PlanStale, match="days old"):
        await write(office, plan.id)
    assert psa.asset_writes == []


async def test_a_dry_run_writes_nothing_anywhere(database: Database) -> None:
    office, psa = await asset_office(database)
    plan = await look(office)
    await office.release(plan.id)
    done = await write(office, plan.id, dry_run=True)
    assert (done.would_write, done.report) == (4, None)
    assert (psa.asset_writes, await ledger(office)) == ([], {})


async def test_a_psa_without_assets_says_so(database: Database) -> None:
    office, _ = await asset_office(database)
    office.psa = FakePsa(clock=office.clock)
    with pytest.raises(AssetsNotKept):
        await look(office)


async def test_a_unit_without_asset_type_waits(database: Database) -> None:
    office, _ = await asset_office(database, {"5": {DESKTOP.key: 1, "storage:all": 0}})
    await pulled(office, {"5": {DESKTOP.key: ["de1"], SERVER.key: ["se1"]}})
    async with database.writer() as conn:
        await office._supersede(conn, ProductMapping, asset_type_key="11")
    (held,) = content(await look(office)).held
    assert (held.unit, held.code) == ("se1", "ASSET_TYPE_MISSING")


async def test_free_units_and_unknown_lines_are_told(database: Database) -> None:
    office, psa = await asset_office(database)
    blind = msgspec.structs.replace(counting(None), key="blind", sources=())
    psa.recurring = [
        counting("10", source={"free_units": 2}),
        counting(None, None, source={"minimum_units": 3, "prorated": True}),
        blind,
    ]
    free, least, unknown = content(await look(office)).effects
    assert (free.before, free.after, free.money_effect) == (D(0), D(1), D("4.00"))
    assert (least.before, least.after, least.money_effect) == (D(3), D(4), None)
    assert "price" in least.note
    assert (unknown.before, unknown.money_effect) == (None, None)
    assert "does not say" in unknown.note
