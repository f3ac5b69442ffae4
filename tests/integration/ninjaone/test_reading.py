"""Reading a whole instance over real HTTP: what is proven, what is not, and with how many calls."""

from __future__ import annotations

import json
from math import ceil

import pytest
from syncd_ninjaone.sandbox.fleet import PSA_OFFSET

from syncd.sdk.errors import AuthError, PermissionMissing, VendorUnavailable
from syncd.sdk.records import ScopeState
from syncd.sdk.testing.fakes import RecordingSink
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_ninjaone import FixedHints, PlainWorld, client, excluded, fleet, stand
from tests.builders_ninjaone import world_device as device

DEVICES = "/devices-detailed"


def rows(*given):
    return Fault(
        action=Action.REPLACE, path=DEVICES, body=json.dumps(given), content_type="application/json"
    )


@pytest.mark.parametrize(("devices", "size"), [(0, 10), (9, 10), (20, 10), (38, 10)])
async def test_everything_is_read_once_with_the_least_calls(devices, size):
    async with stand(fleet(devices, clients=3), page_size=size) as st:
        sink, verdict = await st.pull()
        assert sum(st.calls.values()) == 1 + 2 + ceil(devices / size) + 1
    assert (verdict.state, verdict.seen, verdict.reasons) == (ScopeState.COMPLETE, devices, ())
    assert [unit.unit for unit in sink.observations] == [str(1000 + n * 2) for n in range(devices)]
    assert sink.scopes == {"instance": ["11", "12", "13"]}
    assert sink.early == []


async def test_an_organisation_without_devices_is_in_the_roster():
    async with stand(PlainWorld([client(1), client(2)], [device(1000)])) as st:
        sink, _ = await st.pull()
    assert list(sink.roster) == ["11", "12"]


async def test_accounts_are_the_roster_with_the_id_proof_of_each():
    world = PlainWorld([client(1, id_proof=True), client(2)])
    async with stand(world, psa_id_pattern=r"HPSA:(\d+)", page_size=1) as st:
        accounts = [account async for batch in st.source.accounts() for account in batch]
    assert [account.key for account in accounts] == ["11", "12"]
    assert [account.name for account in accounts] == ["Client 1", "Client 2"]
    assert [account.psa_ids for account in accounts] == [
        {"psa_client": str(PSA_OFFSET + 1)},
        {},
    ]


async def test_specimens_of_every_class_are_read_and_explained():
    async with stand(fleet(0), options={"specimens": True}) as st:
        sink, verdict = await st.pull()
    assert verdict.state is ScopeState.COMPLETE
    assert verdict.seen == len(sink.observations) > 40
    assert verdict.notes == (
        "UNKNOWN_CLASS: '', 1 device not counted",
        "UNKNOWN_CLASS: NMS_FUTURE, 1 device not counted",
    )
    assert {unit.excluded for unit in sink.observations} == {
        None, "unmanaged", "network_discovered", "probe", "unknown_class", "not_approved",
        "decommissioned", "never_seen", "tag:spare", "stale", "duplicate",
    }  # fmt: skip
    offered = {product.key for product in st.source.products()}
    assert {unit.product for unit in sink.observations} <= offered


async def test_internal_organisations_are_excluded_by_id_or_name():
    world = PlainWorld(
        [client(1, name="Bluebird IT"), client(2), client(3)],
        [device(1000, client=1), device(1001, client=2), device(1002, client=3)],
    )
    async with stand(world, internal_organisations=["bluebird it ", 13]) as st:
        sink, _ = await st.pull()
    assert list(excluded(sink.observations).values()) == ["internal_org", None, "internal_org"]


async def test_the_short_list_is_read_when_asked_for():
    world = PlainWorld([client(1)], [device(1000, serial="A"), device(1001, serial="A")])
    async with stand(world, detail="devices") as st:
        sink, _ = await st.pull()
        assert "GET /v2/devices" in st.calls
    assert list(excluded(sink.observations).values()) == [None, None]


async def test_the_other_prefix_and_token_path_work_too():
    async with stand(fleet(3), api_prefix="/api/v2", token_path="/oauth/token") as st:
        _, verdict = await st.pull()
        assert {"GET /api/v2/devices-detailed", "POST /oauth/token"} < set(st.calls)
    assert verdict.seen == 3


@pytest.mark.parametrize("link", [True, False])
async def test_a_link_header_changes_nothing(link):
    async with stand(fleet(25), options={"link_header": link}, page_size=10) as st:
        assert (await st.pull())[1].seen == 25


async def test_a_vendor_that_caps_pages_is_read_to_the_end():
    async with stand(fleet(230), options={"page_cap": 100}) as st:
        assert (await st.pull())[1].seen == 230


# what is not proven


BROKEN = [
    (Action.TRUNCATE, "VENDOR_CONTRACT_BROKEN: ninja-eu: GET /v2/devices-detailed answered 200"),
    (Action.REPLACE, "VENDOR_CONTRACT_BROKEN: ninja-eu: GET /v2/devices-detailed answered 200"),
    (Action.REPEAT, "PAGE_REPEATED: ninja-eu: GET /v2/devices-detailed gave id 1020 again"),
    (Action.STATUS_BEFORE, "VENDOR_UNAVAILABLE: ninja-eu: GET /v2/devices-detailed"),
    (Action.CUT_BODY, "VENDOR_UNAVAILABLE: ninja-eu: GET /v2/devices-detailed"),
]


@pytest.mark.parametrize(("action", "reason"), BROKEN, ids=[action for action, _ in BROKEN])
async def test_a_page_that_fails_in_mid_list_makes_the_scope_partial(action, reason):
    async with stand(fleet(38), page_size=10) as st:
        st.break_with(Fault(action=action, path=DEVICES, nth=3, status=502))
        _, verdict = await st.pull()
    assert (verdict.state, verdict.seen) == (ScopeState.PARTIAL, 20)
    (given,) = verdict.reasons
    assert given.startswith(reason)


async def test_a_web_page_instead_of_json_is_named():
    async with stand(fleet(38), page_size=10) as st:
        st.break_with(Fault(action=Action.REPLACE, path=DEVICES, nth=2))
        _, verdict = await st.pull()
    assert "a web page instead of JSON" in verdict.reasons[0]


async def test_a_failure_that_heals_is_retried_and_the_read_is_complete():
    async with stand(fleet(38), page_size=10) as st:
        st.break_with(Fault(action=Action.STATUS_BEFORE, path=DEVICES, nth=2, count=2, status=503))
        _, verdict = await st.pull()
        assert st.stopwatch.waits
    assert (verdict.state, verdict.seen) == (ScopeState.COMPLETE, 38)


async def test_an_id_as_text_is_one_clear_reason():
    async with stand(fleet(3)) as st:
        st.break_with(rows({"id": "1041", "organizationId": 11}))
        _, verdict = await st.pull()
    assert verdict.state is ScopeState.PARTIAL
    assert "Expected `int`, got `str` at `$[0].id`" in verdict.reasons[0]


async def test_a_list_that_is_suddenly_empty_is_asked_again():
    hints = FixedHints([1000 + n * 2 for n in range(30)])
    async with stand(fleet(30), hints=hints) as st:
        st.break_with(Fault(action=Action.EMPTY_LIST, path=DEVICES, count=1))
        _, verdict = await st.pull()
    assert (verdict.state, verdict.seen) == (ScopeState.COMPLETE, 30)


async def test_a_device_of_an_organisation_outside_the_roster_is_handed_over_undeclared():
    world = PlainWorld([client(1)], [device(1000), device(1001, client=9)])
    async with stand(world) as st:
        sink, verdict = await st.pull()
    assert [unit.account for unit in sink.early] == ["19"]
    assert "19" not in sink.roster
    assert (verdict.state, verdict.seen) == (ScopeState.COMPLETE, 2)


async def test_an_organisation_that_disappears_in_mid_read_is_left_as_it_was():
    world = fleet(30)
    hints = FixedHints([one.id for one in world.fleet])
    sink = RecordingSink()
    async with stand(world, hints=hints, page_size=10) as st:
        add = sink.add

        async def vanish_then_add(scope, batch):
            world.here = [one for one in world.here if one.id != 3]
            world.fleet = [one for one in world.fleet if one.client != 3]
            await add(scope, batch)

        sink.add = vanish_then_add
        instance, vanished = await st.source.observe(sink, None)
    assert sink.scopes == {"instance": ["11", "12", "13"], "vanished organisations": ["13"]}
    assert (instance.state, vanished.state) == (ScopeState.COMPLETE, ScopeState.UNKNOWN)
    assert vanished.reasons == ("ACCOUNT_VANISHED: 13 was deleted while devices were read",)


async def test_the_roster_is_read_again_only_when_there_are_fewer_devices_than_before():
    for before, calls in ((30, 2), (29, 2), (31, 4)):
        hints = FixedHints(list(range(before)))
        async with stand(fleet(30), hints=hints, page_size=100) as st:
            _, verdict = await st.pull()
            assert st.calls["GET /v2/organizations"] == calls
        assert verdict.state is ScopeState.COMPLETE


async def test_a_roster_that_fails_the_second_time_makes_the_scope_partial():
    async with stand(fleet(30), hints=FixedHints(list(range(31)))) as st:
        st.break_with(Fault(action=Action.REPLACE, path="/organizations", nth=3))
        _, verdict = await st.pull()
    assert (verdict.state, verdict.seen) == (ScopeState.PARTIAL, 30)


async def test_an_unreadable_roster_leaves_everything_unknown():
    async with stand(fleet(3)) as st:
        st.break_with(Fault(action=Action.REPLACE, path="/organizations"))
        sink, verdict = await st.pull()
        assert not any(DEVICES in route for route in st.calls)
    assert verdict.state is ScopeState.UNKNOWN
    assert "GET /v2/organizations answered 200 with a web page" in verdict.reasons[0]
    assert sink.observations == []


async def test_a_roster_that_cannot_be_had_is_raised_for_the_next_run():
    async with stand(fleet(3)) as st:
        st.break_with(Fault(action=Action.STATUS_BEFORE, path="/organizations", status=503))
        with pytest.raises(VendorUnavailable):
            await st.pull()


async def test_a_wrong_secret_is_raised():
    async with stand(fleet(3), client_secret="not-the-secret") as st:
        with pytest.raises(AuthError, match="invalid_client"):
            await st.pull()


async def test_a_missing_right_is_raised():
    async with stand(fleet(3), options={"scopes": ("management",)}) as st:
        with pytest.raises(PermissionMissing):
            await st.pull()


async def test_credentials_that_are_revoked_in_mid_read_are_raised():
    async with stand(fleet(38), page_size=10) as st:
        st.break_with(
            Fault(action=Action.STATUS_BEFORE, path=DEVICES, nth=3, status=401),
        )
        with pytest.raises(AuthError):
            await st.pull()


async def test_a_token_that_expires_in_mid_read_is_renewed():
    async with stand(fleet(38), page_size=10) as st:
        st.break_with(Fault(action=Action.STATUS_BEFORE, path=DEVICES, nth=3, count=1, status=401))
        _, verdict = await st.pull()
        assert st.calls["POST /ws/oauth/token"] == 2
    assert (verdict.state, verdict.seen) == (ScopeState.COMPLETE, 38)


@pytest.mark.parametrize("said", [True, False])
async def test_a_quota_is_waited_for(said):
    # The simulator's own time stands still here, so the refusal is scripted.
    headers = {"Retry-After": "7"} if said else {}
    async with stand(fleet(38), page_size=10) as st:
        st.break_with(
            Fault(action=Action.STATUS_BEFORE, path=DEVICES, nth=2, count=1, status=429,
                  headers=headers)
        )  # fmt: skip
        _, verdict = await st.pull()
        assert not said or max(st.stopwatch.waits) >= 7
    assert verdict.seen == 38


# ranges of ids


async def test_ranges_read_the_same_in_the_same_order_with_no_more_calls():
    world = fleet(95)
    hints = FixedHints([one.id for one in world.fleet])
    ranges = {"id_ranges": "on", "chains": 4, "page_size": 10}
    async with stand(world, page_size=10) as st:
        single, _ = await st.pull()
        least = sum(st.calls.values())
    async with stand(world, hints=hints, **ranges) as st:
        several, verdict = await st.pull()
        assert sum(st.calls.values()) <= least + 1 <= 1.1 * least
    assert several.observations == single.observations
    assert verdict.state is ScopeState.COMPLETE
    assert hints.asked == [ceil(95 / 9)]


async def test_devices_that_came_and_went_since_are_found_in_ranges():
    world = fleet(60)
    hints = FixedHints([one.id for one in world.fleet])
    world.fleet = [
        *(one for one in world.fleet if one.id % 7),
        *(device(5000 + n) for n in range(25)),
    ]
    async with stand(world, hints=hints, page_size=10, id_ranges="on", chains=3) as st:
        sink, verdict = await st.pull()
    assert [unit.unit for unit in sink.observations] == [str(one.id) for one in world.fleet]
    assert verdict.state is ScopeState.COMPLETE


@pytest.mark.parametrize("known", [None, FixedHints([]), FixedHints([1000, 1002, 1004])])
async def test_a_first_pull_and_a_small_fleet_are_read_in_one_chain(known):
    async with stand(fleet(25), hints=known, page_size=10, id_ranges="on", chains=5) as st:
        assert (await st.pull())[1].seen == 25
        assert st.calls["GET /v2/devices-detailed"] == 4
    assert known is None or known.asked == []


async def test_a_cut_page_in_a_range_makes_the_scope_partial():
    world = fleet(60)
    hints = FixedHints([one.id for one in world.fleet])
    async with stand(world, hints=hints, page_size=10, id_ranges="on", chains=2) as st:
        st.break_with(Fault(action=Action.TRUNCATE, path=DEVICES, nth=4))
        _, verdict = await st.pull()
    assert verdict.state is ScopeState.PARTIAL
    assert verdict.seen < 60
