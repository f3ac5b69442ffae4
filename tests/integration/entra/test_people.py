"""Users, groups and devices: counted by Graph or listed, excluded with a reason, page by page."""

from __future__ import annotations

from syncd_entra.sandbox.directory import SERVICE_GROUP

from syncd.sdk.records import ScopeState
from tests.builders_entra import (
    EXCHANGE,
    FIVE,
    FOUR,
    ONE,
    PREMIUM,
    TWO,
    cloud,
    connected,
    counted,
    of,
)

COMPLETE = ScopeState.COMPLETE
PEOPLE = {"key": "people", "name": "People", "type": "member", "enabled": True, "licensed": True}
LISTED = {"users": "listed"}


async def test_graph_counts_what_we_would_list():
    rules = [
        PEOPLE,
        {"key": "guests", "name": "Guests", "type": "guest"},
        {"key": "all", "name": "Everybody"},
        {"key": "shut", "name": "Shut", "enabled": False},
        {"key": "bare", "name": "Unlicensed", "licensed": False},
        {"key": "domain", "name": "Domain", "domain": "client1.example.com"},
    ]
    world = cloud(4, people=24)
    async with connected(world, user_counts=rules) as running:
        by_graph, verdicts = await running.pull()
        assert not running.calls.get("GET /v1.0/users")
    async with connected(world, user_counts=rules, **LISTED) as running:
        by_us, _ = await running.pull()
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    for account in (ONE, TWO, FOUR):
        listed = counted(by_us.observations, account)
        for product, number in counted(by_graph.observations, account).items():
            assert listed.get(product, 0) == number, product


async def test_listed_seats_are_users_by_name():
    async with connected(cloud(1), **LISTED) as running:
        sink, verdicts = await running.pull()
        skus = running.state.tenants[ONE].skus
    assert verdicts[ONE].state is COMPLETE
    assert verdicts[ONE].notes == ()
    for row in skus:
        seats = of(sink.observations, ONE, f"sku:{row['skuId']}:assigned")
        assert len(seats) == row["consumedUnits"]
    scanner = of(sink.observations, ONE, f"sku:{EXCHANGE}:assigned")["Scanner"]
    assert scanner.quantity == 1
    assert b'"user":"scanner@client1.example.com"' in scanner.attributes


async def test_only_licensed_users_are_read_where_no_rule_needs_others():
    async with connected(cloud(1, people=0), **LISTED) as running:
        sink, _ = await running.pull()
    assert {one.name for one in sink.observations if one.unit != EXCHANGE} == {"Scanner"}


async def test_a_difference_between_users_and_the_count_is_told_and_the_users_count():
    async with connected(cloud(1), **LISTED) as running:
        row = next(one for one in running.state.tenants[ONE].skus if one["skuId"] == PREMIUM)
        row["consumedUnits"] += 3
        sink, verdicts = await running.pull()
    assert verdicts[ONE].state is COMPLETE
    assert verdicts[ONE].notes[0].startswith("ASSIGNED_DIFFERS: Microsoft 365 Business Premium has")
    assert counted(sink.observations, ONE)[f"sku:{PREMIUM}:assigned"] == row["consumedUnits"] - 3


async def test_every_page_is_read_and_the_declared_number_must_come():
    world = cloud(1, people=20)
    options = {"page_cap": 4, "empty_pages": True}
    async with connected(world, options=options, user_counts=[PEOPLE], **LISTED) as running:
        _, verdicts = await running.pull()
        assert verdicts[ONE].state is COMPLETE
        assert running.state.questions["/users"] == 7
        users = running.state.tenants[ONE].users
        users[5]["id"] = users[4]["id"]
        _, verdicts = await running.pull()
        assert verdicts[ONE].reasons[0].startswith("PAGE_REPEATED: Client 1")


async def test_users_that_vanish_while_pages_are_read_prove_nothing():
    async with connected(
        cloud(1, people=20),
        options={"page_cap": 4},
        user_counts=[{"key": "all", "name": "All"}],
        **LISTED,
    ) as running:
        answer, users = running.state.graph.answer, running.state.tenants[ONE].users

        def losing(asked):
            said = answer(asked)
            if asked.path == "/users" and len(users) > 22:
                del users[-1]
            return said

        running.state.graph.answer = losing
        _, verdicts = await running.pull()
    assert verdicts[ONE].state is ScopeState.PARTIAL
    assert verdicts[ONE].reasons[0].startswith("TOTAL_MISSED: Client 1: 23 users declared, 22 read")


async def test_a_next_link_that_is_too_old_proves_nothing():
    options = {"page_cap": 4, "links_expire": True}
    async with connected(cloud(1), options=options, user_counts=[PEOPLE], **LISTED) as running:
        _, verdicts = await running.pull()
    assert verdicts[ONE].state is ScopeState.PARTIAL
    assert verdicts[ONE].reasons[0].startswith("LINK_EXPIRED: Client 1")


async def test_do_not_import_keeps_everything_with_the_reason():
    rules = [
        {"group": SERVICE_GROUP, "reason": "service accounts"},
        {"user": "person1003@client1.example.com", "reason": "the owner's son"},
        {"sku": "SPB", "tenant": TWO, "reason": "bought elsewhere"},
    ]
    async with connected(cloud(2), do_not_import=rules, user_counts=[PEOPLE], **LISTED) as running:
        sink, verdicts = await running.pull()
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    why = {
        (one.account, one.name, one.product): (one.excluded, one.attributes)
        for one in sink.observations
    }
    code, facts = why[ONE, "Person 1003", "users:people"]
    assert code == "do_not_import"
    assert b"the owner's son" in facts
    assert why[ONE, "Scanner", "users:people"][0] is None  # that tenant lacks the group
    assert why[TWO, "Scanner", "users:people"][0] == "do_not_import"
    assert why[TWO, "Scanner", f"sku:{EXCHANGE}:assigned"][0] == "do_not_import"
    bought = f"sku:{PREMIUM}:bought"
    assert why[TWO, "Microsoft 365 Business Premium", bought][0] == "do_not_import"
    assert why[ONE, "Microsoft 365 Business Premium", bought][0] is None
    seats = of(sink.observations, TWO, f"sku:{PREMIUM}:assigned").values()
    assert seats
    assert {one.excluded for one in seats} == {"do_not_import"}


async def test_a_tenant_that_is_not_imported_is_read_and_counts_nothing():
    rules = [{"tenant": TWO, "reason": "our own"}]
    given = {"do_not_import": rules, "user_counts": [PEOPLE], "devices": ["entra", "intune"]}
    for users in ("counted", "listed"):
        async with connected(cloud(2), users=users, **given) as running:
            sink, verdicts = await running.pull()
        assert verdicts[TWO].state is COMPLETE
        assert counted(sink.observations, TWO) == {}
        assert sink.units[TWO]
        assert counted(sink.observations, ONE)


async def test_a_group_of_one_tenant_must_be_there_and_be_the_only_one():
    one = [{"group": SERVICE_GROUP, "tenant": ONE, "reason": "x"}]
    async with connected(cloud(2), do_not_import=one, **LISTED) as running:
        _, verdicts = await running.pull()
        assert verdicts[ONE].reasons[0].startswith("GROUP_NOT_FOUND: Client 1")
        assert verdicts[TWO].state is COMPLETE
    every = [{"group": SERVICE_GROUP, "reason": "x"}]
    async with connected(cloud(2), do_not_import=every, **LISTED) as running:
        groups = running.state.tenants[TWO].groups
        groups.append({**groups[0], "id": "00000000-0000-4000-8000-000000000001"})
        _, verdicts = await running.pull()
        assert verdicts[ONE].notes[0].startswith("GROUP_NOT_FOUND: no group")
        assert verdicts[TWO].reasons[0].startswith("AMBIGUOUS_GROUP: Client 2")


async def test_members_of_a_group_are_counted_by_name_and_by_id():
    async with connected(cloud(2), **LISTED) as running:
        key = running.state.tenants[TWO].groups[0]["id"]
    for name in (SERVICE_GROUP, key):
        rule = {"key": "staff", "name": "Staff", "group": name}
        async with connected(cloud(2), user_counts=[rule], **LISTED) as running:
            sink, _ = await running.pull()
        assert list(of(sink.observations, TWO, "users:staff")) == ["Scanner"]
        assert not of(sink.observations, ONE, "users:staff")


async def test_sign_ins_count_where_graph_tells_them():
    rules = [
        {"key": "active", "name": "Active", "signed_in_days": 30},
        {"key": "silent", "name": "Silent", "silent_days": 30},
    ]
    async with connected(cloud(1, people=30), user_counts=rules, **LISTED) as running:
        sink, _ = await running.pull()
        users = running.state.tenants[ONE].users
    active = of(sink.observations, ONE, "users:active")
    silent = of(sink.observations, ONE, "users:silent")
    assert active
    assert not active.keys() & silent.keys()
    assert len(active) + len(silent) == len(users)
    assert all("signInActivity" in user for user in users if user["displayName"] in active)
    assert not any(b"SignIn" in one.attributes for one in sink.observations)


async def test_a_tenant_without_sign_in_data_is_refused_or_counted_without_those_rules():
    rules = [PEOPLE, {"key": "active", "name": "Active", "signed_in_days": 30}]
    given = {"user_counts": rules, **LISTED}
    async with connected(cloud(5, people=10), **given) as running:
        _, verdicts = await running.pull()
        assert verdicts[FIVE].reasons[0].startswith("SIGN_IN_DATA_MISSING: Client 5")
        assert verdicts[ONE].state is COMPLETE
    async with connected(cloud(5, people=10), without_sign_in_data="skip", **given) as running:
        sink, verdicts = await running.pull()
        assert verdicts[FIVE].state is COMPLETE
        left_out = "SIGN_IN_DATA_MISSING: rules about sign-ins are left out, in Client 5"
        assert left_out in verdicts[FIVE].notes
    found = counted(sink.observations, FIVE)
    assert found["users:people"] > 0
    assert "users:active" not in found


async def test_devices_are_numbers_and_no_intune_is_zero():
    world = cloud(4, people=16)
    async with connected(world, devices=["entra", "intune"]) as running:
        sink, verdicts = await running.pull()
        tenants = running.state.tenants
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    here = counted(sink.observations, ONE)
    assert here["device:entra"] == sum(row["accountEnabled"] for row in tenants[ONE].devices)
    assert here["device:intune"] == here["device:intune:windows"] == 4
    assert counted(sink.observations, FOUR)["device:intune"] == 0
    async with connected(world, devices=["entra"], device_active_days=5) as running:
        sink, _ = await running.pull()
    assert counted(sink.observations, ONE)["device:entra"] < here["device:entra"]


async def test_a_missing_right_for_intune_is_not_taken_for_no_intune():
    options = {"missing_rights": {ONE: ["DeviceManagementManagedDevices.Read.All"]}}
    async with connected(cloud(2), options=options, devices=["intune"]) as running:
        _, verdicts = await running.pull()
    assert verdicts[ONE].reasons[0].startswith("PERMISSION_MISSING: Client 1: DeviceManagement")
    assert verdicts[TWO].state is COMPLETE


async def test_free_skus_are_kept_uncounted_unless_asked_for():
    world = cloud(1, people=8)
    for count_free, reason in ((False, {"free_sku"}), (True, {None})):
        async with connected(world, count_free=count_free) as running:
            sink, _ = await running.pull()
        free = [one for one in sink.observations if one.name == "Microsoft Fabric (Free)"]
        assert free
        assert {one.excluded for one in free} == reason
