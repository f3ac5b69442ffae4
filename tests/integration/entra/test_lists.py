"""Tenants out of the partner's lists: each once, under its source, and gone for a stated reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from syncd_entra.sandbox.directory import tenant_id

from syncd.sdk.errors import PermissionMissing, ProtocolError
from syncd.sdk.records import ScopeState
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_entra import ONE, TWO, cloud, connected
from tests.builders_entra_gdap import PARTNER, entered
from tests.builders_ninjaone import NOW

COMPLETE, UNKNOWN = ScopeState.COMPLETE, ScopeState.UNKNOWN
LISTED = {"tenants": [], "tenants_from": ["gdap"]}
EVERYBODY = {tenant_id(number) for number in range(1, 9)}


def moment(days: float) -> str:
    return f"{NOW + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def relationships(running, tenant):
    rows = running.state.partner.relationships
    return [row for row in rows if row["customer"]["tenantId"] == tenant]


@pytest.mark.parametrize("names", [["gdap"], ["contracts"], ["contracts", "gdap"]])
async def test_every_customer_is_a_tenant_once(names):
    async with entered(cloud(8), tenants=[], tenants_from=names) as (running, _):
        running.state.graph.partner_page = 3
        sink, verdicts = await running.pull()
    assert set(sink.roster) == set(verdicts) == EVERYBODY
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    assert sink.roster[ONE].name == "Client 1"


async def test_a_list_without_any_tenant_is_not_believed():
    async with entered(cloud(2), **LISTED) as (running, _):
        running.state.partner.relationships.clear()
        with pytest.raises(ProtocolError, match="NO_TENANTS"):
            await running.pull()


async def test_an_app_reads_the_lists_in_the_partners_tenant():
    given = {**LISTED, "partner_tenant": PARTNER}
    async with connected(cloud(8), **given) as running:
        sink, verdicts = await running.pull()
        found = await running.source.check()
    assert set(sink.roster) == EVERYBODY
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    assert found.summary == "8 of 8 tenants can be read (8 from gdap)"
    assert "DelegatedAdminRelationship.Read.All" in [one.name for one in found.permissions]


async def test_names_of_the_configuration_win_and_sources_are_told():
    given = {
        "tenants": [{"id": ONE, "name": "Ours"}],
        "tenants_from": ["config", "gdap", "contracts"],
    }
    async with entered(cloud(2), **given) as (running, _):
        sink, _ = await running.pull()
        found = await running.source.check()
    assert {key: one.name for key, one in sink.roster.items()} == {ONE: "Ours", TWO: "Client 2"}
    assert found.summary.endswith("(1 from config, 2 from gdap, 2 from contracts)")


async def test_the_relationship_that_ends_last_counts():
    async with entered(cloud(1), **LISTED) as (running, _):
        (row,) = relationships(running, ONE)
        early = {**row, "endDateTime": moment(5), "autoExtendDuration": "PT0S"}
        late = {**row, "endDateTime": moment(200), "autoExtendDuration": "PT0S"}
        gone = {**row, "endDateTime": moment(-5), "status": "expired"}
        managed = {**row, "displayName": "MLT_x", "endDateTime": moment(900)}
        for rows in ([early, late, gone, managed], [managed, gone, late, early]):
            running.state.partner.relationships[:] = rows
            _, verdicts = await running.pull()
            assert verdicts[ONE].notes == ()
        running.state.partner.relationships[:] = [gone, early, managed]
        _, verdicts = await running.pull()
    (note,) = verdicts[ONE].notes
    assert verdicts[ONE].state is COMPLETE
    assert note.startswith(f"GDAP_ENDS: Client 1: the GDAP relationship ends on {moment(5)[:10]}")


async def test_a_relationship_that_extends_itself_does_not_end():
    async with entered(cloud(1), **LISTED) as (running, _):
        (row,) = relationships(running, ONE)
        row |= {"endDateTime": moment(5), "autoExtendDuration": "P180D"}
        _, verdicts = await running.pull()
    assert verdicts[ONE].notes == ()


@pytest.mark.parametrize("status", ["expired", "terminated"])
async def test_an_ended_relationship_leaves_its_tenant_unproven_and_in_the_list(status):
    async with entered(cloud(2), **LISTED) as (running, _):
        for row in relationships(running, TWO):
            row |= {"status": status, "endDateTime": moment(-3), "lastModifiedDateTime": moment(-3)}
        sink, verdicts = await running.pull()
        found = await running.source.check()
    assert set(sink.roster) == {ONE, TWO}
    assert (verdicts[ONE].state, verdicts[TWO].state) == (COMPLETE, UNKNOWN)
    (reason,) = verdicts[TWO].reasons
    assert reason.startswith("GDAP_EXPIRED: Client 2: ")
    assert moment(-3)[:10] in reason
    assert found.warnings
    assert found.warnings[0].startswith("Client 2: GDAP_EXPIRED")


async def test_an_app_of_the_tenant_goes_on_without_a_relationship():
    async with connected(cloud(1), **LISTED, partner_tenant=PARTNER) as running:
        (row,) = relationships(running, ONE)
        row |= {"status": "expired", "endDateTime": moment(-3)}
        _, verdicts = await running.pull()
    assert verdicts[ONE].state is COMPLETE
    assert verdicts[ONE].notes[0].startswith("GDAP_EXPIRED: Client 1: ")


@pytest.mark.parametrize("rule", [None, {"tenant": TWO, "reason": "left"}])
async def test_a_customer_who_left_long_ago_or_is_not_imported_is_no_tenant(rule):
    rules = [rule] if rule else []
    async with entered(cloud(2), do_not_import=rules, **LISTED) as (running, _):
        for row in relationships(running, TWO):
            row |= {"status": "terminated", "endDateTime": moment(-3 if rule else -91)}
        sink, _ = await running.pull()
    assert set(sink.roster) == {ONE}


async def test_a_listed_tenant_that_is_not_imported_is_kept_uncounted():
    rules = [{"tenant": TWO, "reason": "ours"}]
    async with entered(cloud(2), do_not_import=rules, **LISTED) as (running, _):
        sink, verdicts = await running.pull()
    assert verdicts[TWO].state is COMPLETE
    assert sink.units[TWO]
    assert {one.excluded for one in sink.units[TWO]} == {"do_not_import"}


@pytest.mark.parametrize("status", ["created", "approvalPending", "approved", "activating"])
async def test_what_is_not_yet_approved_is_no_tenant(status):
    async with entered(cloud(2), **LISTED) as (running, _):
        for row in relationships(running, TWO):
            row["status"] = status
        sink, _ = await running.pull()
    assert set(sink.roster) == {ONE}


async def test_a_state_that_came_later_is_open_until_its_end():
    async with entered(cloud(2), **LISTED) as (running, _):
        relationships(running, ONE)[0]["status"] = "unknownFutureValue"
        relationships(running, TWO)[0] |= {"status": "somethingNew", "endDateTime": moment(-1)}
        sink, _ = await running.pull()
    assert set(sink.roster) == {ONE}


async def test_a_list_that_cannot_be_read_ends_the_read():
    options = {"missing_rights": {PARTNER: ["DelegatedAdminRelationship.Read.All"]}}
    async with entered(cloud(2), options=options, **LISTED) as (running, _):
        with pytest.raises(PermissionMissing, match=r"DelegatedAdminRelationship\.Read\.All"):
            await running.pull()
        found = await running.source.check()
    assert not found.ok
    given = {"tenants": [], "tenants_from": ["contracts"]}
    options = {"missing_rights": {PARTNER: ["Directory.Read.All"]}}
    async with entered(cloud(2), options=options, **given) as (running, _):
        with pytest.raises(PermissionMissing, match=r"Directory\.Read\.All"):
            await running.pull()


async def test_a_list_that_breaks_in_the_middle_names_nobody():
    async with entered(cloud(8), **LISTED) as (running, _):
        running.state.graph.partner_page = 3
        running.break_with(
            Fault(action=Action.STATUS_BEFORE, status=404, path="Relationships", nth=2)
        )
        with pytest.raises(Exception, match="404"):
            await running.pull()


async def test_empty_pages_in_a_list_are_not_its_end():
    async with entered(cloud(8), **LISTED) as (running, _):
        running.state.graph.partner_page = 3
        running.state.graph.empty_pages = True
        sink, _ = await running.pull()
    assert set(sink.roster) == EVERYBODY
