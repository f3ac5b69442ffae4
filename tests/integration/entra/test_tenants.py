"""Each tenant stands for itself: what one refuses has a name, and the others finish."""

from __future__ import annotations

import pytest
from syncd_entra.refusals import AADSTS, Blame
from syncd_entra.sandbox import SECRET

from syncd.sdk.connector import RateLimit
from syncd.sdk.errors import AuthError, TransientError
from syncd.sdk.records import ScopeState
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_entra import ONE, PREMIUM, THREE, TWO, cloud, connected, counted

COMPLETE, UNKNOWN = ScopeState.COMPLETE, ScopeState.UNKNOWN
OF_ONE = [n for n, meaning in AADSTS.items() if meaning.blame in (Blame.TENANT, Blame.FACTOR)]
OF_ALL = [n for n, meaning in AADSTS.items() if meaning.blame in (Blame.APP, Blame.SIGN_IN)]
LATER = [n for n, meaning in AADSTS.items() if meaning.blame is Blame.LATER]


def own_app(number: str, name: str = "Client") -> dict[str, str]:
    return {"id": number, "name": name, "client_id": "own", "client_secret": "own-secret"}


@pytest.mark.parametrize("number", OF_ONE)
async def test_a_refusal_of_one_tenant_is_its_own_reason_and_the_others_finish(number):
    async with connected(cloud(), options={"refusals": {TWO: number}}) as running:
        sink, verdicts = await running.pull()
    assert {key: one.state for key, one in verdicts.items()} == {
        ONE: COMPLETE,
        TWO: UNKNOWN,
        THREE: COMPLETE,
    }
    (reason,) = verdicts[TWO].reasons
    assert reason.startswith(f"{AADSTS[number].code}: Client 2: ")
    assert f"AADSTS{number}" in reason
    assert not sink.units.get(TWO)
    assert counted(sink.observations, ONE)


@pytest.mark.parametrize("number", OF_ALL)
async def test_a_refusal_of_the_shared_app_ends_the_read_with_its_reason(number):
    async with connected(cloud(), options={"refusals": {TWO: number}}) as running:
        with pytest.raises(AuthError, match=f"{AADSTS[number].code}: m365: .*AADSTS{number}"):
            await running.pull()


@pytest.mark.parametrize("number", [7000222, 7000215])
async def test_a_tenant_with_an_app_of_its_own_fails_alone(number):
    world = cloud(2)
    tenants = [{"id": ONE, "name": "Client 1"}, own_app(TWO)]
    async with connected(world, options={"refusals": {TWO: number}}, tenants=tenants) as running:
        _, verdicts = await running.pull()
    assert (verdicts[ONE].state, verdicts[TWO].state) == (COMPLETE, UNKNOWN)
    assert verdicts[TWO].reasons[0].startswith(AADSTS[number].code)


@pytest.mark.parametrize("number", LATER)
async def test_a_busy_sign_in_service_is_asked_again(number):
    options = {"refusals": {TWO: number}, "refused_once": (TWO,)}
    async with connected(cloud(), options=options) as running:
        _, verdicts = await running.pull()
    assert {one.state for one in verdicts.values()} == {COMPLETE}


async def test_a_sign_in_service_that_stays_busy_leaves_its_tenant_unproven():
    async with connected(cloud(), options={"refusals": {TWO: 50196}}) as running:
        _, verdicts = await running.pull()
    assert verdicts[TWO].reasons[0].startswith("LOGIN_BUSY: Client 2")
    assert verdicts[ONE].state is COMPLETE


async def test_a_tenant_that_does_not_exist_is_gone():
    gone = "99999999-0000-4000-8000-000000000000"
    tenants = [{"id": ONE, "name": "Here"}, {"id": gone, "name": "Left"}]
    async with connected(cloud(1), tenants=tenants) as running:
        _, verdicts = await running.pull()
    assert verdicts[gone].reasons[0].startswith("TENANT_GONE: Left: ")
    assert verdicts[ONE].state is COMPLETE


async def test_a_missing_right_is_named_and_is_not_zero():
    options = {"missing_rights": {TWO: ["Organization.Read.All"]}}
    async with connected(cloud(), options=options) as running:
        sink, verdicts = await running.pull()
    assert verdicts[TWO].state is UNKNOWN
    assert (
        verdicts[TWO].reasons[0].startswith("PERMISSION_MISSING: Client 2: Organization.Read.All")
    )
    assert not sink.units.get(TWO)
    assert verdicts[ONE].state is COMPLETE


async def test_conditional_access_is_named_where_graph_itself_refuses():
    async with connected(cloud(), options={"shut_tenants": (TWO,)}) as running:
        _, verdicts = await running.pull()
    assert verdicts[TWO].reasons[0].startswith("CONDITIONAL_ACCESS: Client 2: ")
    assert verdicts[ONE].state is verdicts[THREE].state is COMPLETE


async def test_a_tenant_that_is_throttled_pauses_alone_and_is_read():
    options = {"throttled_tenants": {TWO: 2}, "retry_after": 40}
    limits = RateLimit(concurrency=1)
    async with connected(cloud(), options=options, limits=limits) as running:
        sink, verdicts = await running.pull()
        assert running.calls["POST /v1.0/$batch"] == 5
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    assert running.stopwatch.now >= 80
    assert counted(sink.observations, TWO)


async def test_a_tenant_that_is_throttled_for_ever_is_left_and_the_others_finish():
    async with connected(cloud(), options={"throttled_tenants": {TWO: 99}}) as running:
        _, verdicts = await running.pull()
    assert verdicts[TWO].reasons[0].startswith("RATE_LIMITED: Client 2: ")
    assert verdicts[ONE].state is verdicts[THREE].state is COMPLETE


async def test_throttled_questions_cost_no_more_than_one_call_more():
    async with connected(cloud(), options={"throttled_items": 2}) as running:
        _, verdicts = await running.pull()
        sizes = running.state.batch_sizes
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    assert sorted(sizes) == [1, 1, 1, 2, 2, 2]


async def test_tokens_are_kept_while_the_connection_is_open():
    async with connected(cloud()) as running:
        await running.pull()
        first = dict(running.calls)
        await running.pull()
        tokens = {name: n for name, n in running.calls.items() if name.endswith("/token")}
        assert len(first) == 4
        assert sum(tokens.values()) == 3
        assert running.calls["POST /v1.0/$batch"] == 6


async def test_a_pull_writes_nothing_anywhere():
    async with connected(cloud(), users="listed") as running:
        await running.pull()
        assert running.simulator.controlled.statistics.as_data()["writes"] == 0
        assert running.state.writes == []


async def test_a_token_that_ends_is_renewed():
    world = cloud(1)
    async with connected(world) as running:
        await running.pull()
        running.state.logins.revoke()
        _, verdicts = await running.pull()
    assert verdicts[ONE].state is COMPLETE


async def test_nothing_at_all_is_an_error_and_not_a_list_of_reasons():
    async with connected(cloud()) as running:
        running.break_with(Fault(action=Action.STATUS_BEFORE, status=503, path="batch"))
        with pytest.raises(TransientError):
            await running.pull()


async def test_an_answer_of_another_tenant_is_refused():
    async with connected(cloud(2)) as running:
        one, two = running.state.tenants[ONE], running.state.tenants[TWO]
        one.skus = two.skus
        _, verdicts = await running.pull()
        assert verdicts[ONE].reasons[0].startswith("WRONG_TENANT: Client 1")
        one.skus, one.id = [], TWO
        _, verdicts = await running.pull()
        assert verdicts[ONE].reasons[0].startswith("WRONG_TENANT: Client 1")
        assert verdicts[TWO].state is COMPLETE


async def test_a_tenant_without_any_sku_counts_nothing_and_is_proven():
    async with connected(cloud(1)) as running:
        running.state.tenants[ONE].skus = []
        sink, verdicts = await running.pull()
        assert running.state.questions["/subscribedSkus"] == 2
    assert verdicts[ONE].state is COMPLETE
    assert sink.observations == []


async def test_a_list_that_is_empty_once_is_asked_for_again():
    async with connected(cloud(1)) as running:
        answer, told = running.state.graph.answer, []

        def forgetful(asked):
            said = answer(asked)
            if asked.path == "/subscribedSkus" and not told:
                told.append(said.body["value"])
                said.body["value"] = []
            return said

        running.state.graph.answer = forgetful
        sink, verdicts = await running.pull()
    assert verdicts[ONE].state is COMPLETE
    assert len({one.unit for one in sink.observations}) == len(told[0]) > 1


async def test_no_secret_is_in_any_reason_or_event():
    async with connected(cloud(), options={"refusals": {TWO: 65001}}) as running:
        sink, verdicts = await running.pull()
    assert SECRET not in repr((sink.observations, verdicts, running.log.events))


async def test_unknown_skus_are_told_once_in_a_pull():
    async with connected(cloud(3)) as running:
        for tenant in running.state.tenants.values():
            row = {**tenant.skus[0], "skuId": "ABCDEF00-0000-4000-8000-000000000001"}
            row |= {"id": f"{tenant.id}_{row['skuId']}", "skuPartNumber": "NEXT_SUITE"}
            tenant.skus.append(row)
        sink, verdicts = await running.pull()
    notes = [note for one in verdicts.values() for note in one.notes]
    assert len(notes) == 1
    assert notes[0].startswith("UNKNOWN_SKU: abcdef00-0000-4000-8000-000000000001 (NEXT_SUITE)")
    assert "Client 1, Client 2, Client 3" in notes[0]
    assert "sku:abcdef00-0000-4000-8000-000000000001:bought" in counted(sink.observations, ONE)


async def test_the_numbers_of_a_sku():
    async with connected(cloud(1)) as running:
        (row, *_) = running.state.tenants[ONE].skus
        row |= {
            "skuId": PREMIUM, "id": f"{ONE}_{PREMIUM}", "consumedUnits": 14,
            "capabilityStatus": "Warning",
            "prepaidUnits": {"enabled": 10, "warning": 2, "suspended": 5, "lockedOut": 1},
        }  # fmt: skip
        running.state.tenants[ONE].skus = [row]
        sink, _ = await running.pull()
    units = {one.product.split(":")[2]: one for one in sink.observations}
    assert {kind: one.quantity for kind, one in units.items()} == {
        "assigned": 14, "bought": 10, "warning": 2, "free": 0, "committed": 14,
    }  # fmt: skip
    assert b'"over":2' in units["assigned"].attributes
    assert b'"assigned":14,"bought":12' in units["committed"].attributes
    assert b'"suspended":5' in units["bought"].attributes
    assert b'"status":"Warning"' in units["bought"].attributes
    assert all(one.name == "Microsoft 365 Business Premium" for one in units.values())


async def test_seats_that_are_all_in_grace_are_no_zero():
    async with connected(cloud(6, people=6)) as running:
        sink, _ = await running.pull()
        lapsed = [
            (tenant.id, row)
            for tenant in running.state.tenants.values()
            for row in tenant.skus
            if row["prepaidUnits"]["warning"]
        ]
    assert lapsed, "the simulator lets no subscription lapse"
    for tenant, row in lapsed:
        sums = counted(sink.observations, tenant)
        assert row["skuId"] == PREMIUM
        assert sums[f"sku:{PREMIUM}:bought"] == 0
        assert sums[f"sku:{PREMIUM}:warning"] == row["prepaidUnits"]["warning"]
