"""Reading a console over real HTTP: what is counted, what is not proven, with how many calls."""

from __future__ import annotations

import json

import pytest
from syncd_backup_console.sandbox import specimens, tenancy

from syncd.sandbox.presets import demo
from syncd.sdk.errors import AuthError, PermissionMissing, VendorUnavailable
from syncd.sdk.records import ScopeState
from syncd.sdk.testing.fakes import FakeHints, RecordingSink
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_backup_console import console, counted, desk, excluded
from tests.builders_ninjaone import PlainWorld, client, world_device

COMPLETE, PARTIAL, UNKNOWN = ScopeState.COMPLETE, ScopeState.PARTIAL, ScopeState.UNKNOWN


def key(world, number):
    return tenancy.identity(world, "company", number)


async def test_licences_are_counted_by_company_with_one_call_per_list():
    world = console(clients=2, servers=5)
    async with desk(world) as d:
        sink, verdicts = await d.pull()
        assert d.calls == {
            "POST /api/Provider/Login": 1,
            "GET /api/Companies": 1,
            "GET /api/Users": 1,
            "GET /api/Licenses": 1,
        }
    assert counted(sink.observations) == {
        (key(world, 1), "licence:Server"): 3,
        (key(world, 2), "licence:Server"): 2,
    }
    verdict = verdicts["console"]
    assert (verdict.state, verdict.seen, verdict.declared) == (COMPLETE, 8, None)
    assert verdict.reasons == verdict.notes == ()
    assert sink.scopes == {"console": [key(world, 1), key(world, 2), "unassigned"]}
    assert sink.early == []


async def test_a_company_without_licences_is_in_the_roster():
    world = console(clients=3, servers=1)
    async with desk(world) as d:
        accounts = [one async for batch in d.source.accounts() for one in batch]
    assert [one.key for one in accounts] == [*(key(world, n) for n in (1, 2, 3)), "unassigned"]


async def test_products_are_the_types_that_were_met():
    async with desk(demo(), currency="GBP", computers=True) as d:
        await d.pull()
        assert {one.key for one in d.source.products()} == {
            "licence:Desktop", "licence:Server", "licence:VM Server", "computer:all",
            "storage:all", "restore:all", "limit:all",
        }  # fmt: skip


async def test_a_computer_with_several_plans_is_counted_once():
    world = console(clients=1, servers=3)
    async with desk(world, computers=True) as d:
        sink, _ = await d.pull()
    assert counted(sink.observations)[key(world, 1), "computer:all"] == 3


@pytest.mark.parametrize("letters", [False, True])
async def test_specimens_are_read_and_explained_in_any_letters(letters):
    async with desk(console(), options={"specimens": True, "camel": letters}) as d:
        sink, verdicts = await d.pull()
    assert {unit.excluded for unit in sink.observations} == {
        None, "trial", "not_taken", "expired", "no_user", "no_company", "ambiguous_company",
        "unknown_company",
    }  # fmt: skip
    assert verdicts["console"].state is COMPLETE
    assert {note.partition(":")[0] for note in verdicts["console"].notes} == {
        "JOINED_BY_NAME", "UNASSIGNED_USAGE",
    }  # fmt: skip
    twins = verdicts["companies named Specimen Twins"]
    assert (twins.state, len(twins.reasons)) == (UNKNOWN, 1)
    assert sink.scopes["companies named Specimen Twins"] == [
        specimens.identity("twin-1"), specimens.identity("twin-2"),
    ]  # fmt: skip
    assert specimens.identity("renamed") in sink.scopes["unknown company names"]


async def test_companies_of_one_name_keep_the_others_proven():
    world = PlainWorld(
        [client(1), client(2), client(3)],
        [world_device(10_001 + 2 * n, client=n, kind="server") for n in (1, 2, 3)],
    )

    def twin(row):
        field = "Name" if "Name" in row else "Company"
        row[field] = row[field].replace("Client 2", "Client 1")

    async with desk(world) as d:
        d.edit("companies", twin)
        d.edit("users", twin)
        sink, verdicts = await d.pull()
    assert counted(sink.observations) == {(key(world, 3), "licence:Server"): 1}
    assert verdicts["console"].state is COMPLETE
    assert (
        verdicts["companies named Client 1"]
        .reasons[0]
        .startswith("AMBIGUOUS_ACCOUNT_NAME: 2 companies are called 'Client 1' and 3 users name it")
    )
    assert sink.scopes["console"] == [key(world, 3), "unassigned"]


def renamed(row):
    for field in ("Name", "Company"):
        if row.get(field) == "Client 1":
            row[field] = "Client One"


async def test_a_company_renamed_in_the_middle_of_a_read_is_read_again():
    world = console(clients=2, servers=4)
    async with desk(world) as d:
        d.edit("users", renamed, until=1)
        sink, verdicts = await d.pull()
        assert (d.calls["GET /api/Companies"], d.calls["GET /api/Users"]) == (2, 2)
        assert d.calls["GET /api/Licenses"] == 1
    assert verdicts["console"].state is COMPLETE
    assert list(verdicts) == ["console"]
    assert counted(sink.observations)[key(world, 1), "licence:Server"] == 2


async def test_a_company_renamed_without_its_users_keeps_its_counts():
    world = console(clients=3, servers=6)
    async with desk(world) as d:
        d.edit("companies", renamed)
        sink, verdicts = await d.pull()
    assert verdicts["console"].state is COMPLETE
    doubt = verdicts["unknown company names"]
    assert doubt.state is UNKNOWN
    assert "1 user names a company that is not in the list: 'Client 1'" in doubt.reasons[0]
    assert sink.scopes["unknown company names"] == [key(world, 1)]
    assert counted(sink.observations) == {(key(world, n), "licence:Server"): 2 for n in (2, 3)}


async def test_a_company_renamed_with_its_users_is_the_same_account():
    world = console(clients=2, servers=4)
    async with desk(world) as d:
        before, _ = await d.pull()
        d.edit("companies", renamed)
        d.edit("users", renamed)
        after, verdicts = await d.pull()
    assert counted(after.observations) == counted(before.observations)
    assert after.roster[key(world, 1)].name == "Client One"
    assert list(verdicts) == ["console"]


async def test_usage_of_a_user_without_company_is_evidence_and_a_note():
    def homeless(row):
        if row["Company"] == "Client 1":
            row["Company"] = ""

    async with desk(console(clients=2, servers=4)) as d:
        d.edit("users", homeless)
        sink, verdicts = await d.pull()
    assert sorted(filter(None, excluded(sink.observations).values())) == [
        "no_company", "no_company", "not_taken", "not_taken", "not_taken",
    ]  # fmt: skip
    assert verdicts["console"].state is COMPLETE
    (note,) = verdicts["console"].notes
    assert note == "UNASSIGNED_USAGE: counted for nobody, since without a company: 2 no_company"


async def test_usage_of_a_user_who_is_not_listed_proves_nothing_after_a_second_look():
    def drop(row):
        if row["Company"] == "Client 1":
            row["ID"] = "another"

    async with desk(console(clients=2, servers=4)) as d:
        d.edit("users", drop)
        _, verdicts = await d.pull()
        assert d.calls["GET /api/Users"] == 2
    assert verdicts["console"].state is PARTIAL
    assert verdicts["console"].reasons[0].startswith("UNKNOWN_USER: 2 units in use")


async def test_a_user_made_between_two_lists_is_found_at_the_second_look():
    def drop(row):
        row["ID"] = "another"

    async with desk(console(clients=2, servers=4)) as d:
        d.edit("users", drop, until=1)
        _, verdicts = await d.pull()
    assert verdicts["console"].state is COMPLETE


# what is not a list

ODD = [
    ("null_lists", "answered 200 with null, which stands for something unknown"),
    ("text_lists", "answered 200 with a text, which stands for an error"),
    ("refused_lists", "answered 406: the console does not know what was asked for"),
]


@pytest.mark.parametrize("name", ["Companies", "Users", "Licenses"])
@pytest.mark.parametrize(("option", "words"), ODD, ids=[option for option, _ in ODD])
async def test_null_a_text_and_406_are_one_clear_message_and_prove_nothing(option, words, name):
    async with desk(console(), options={option: (name.lower(),)}) as d:
        sink, verdicts = await d.pull()
    (verdict,) = verdicts.values()
    (reason,) = verdict.reasons
    assert verdict.state is UNKNOWN
    assert f": backup: GET /api/{name} {words}" in reason
    assert sink.observations == []


@pytest.mark.parametrize("name", ["Users", "Licenses"])
async def test_the_roster_is_declared_though_the_rest_fails(name):
    world = console()
    async with desk(world, options={"null_lists": (name.lower(),)}) as d:
        sink, _ = await d.pull()
    assert set(sink.roster) == {*(key(world, n) for n in (1, 2, 3)), "unassigned"}
    assert sink.scopes["console"]


@pytest.mark.parametrize("name", ["Companies", "Users", "Licenses"])
async def test_a_list_that_is_empty_once_is_asked_for_again(name):
    empty = Fault(action=Action.EMPTY_LIST, path=f"/api/{name}$", count=1)
    async with desk(console(), hints=FakeHints(7)) as d:
        d.break_with(empty)
        sink, verdicts = await d.pull()
        assert d.calls[f"GET /api/{name}"] == 2
    assert verdicts["console"].state is COMPLETE
    assert len(sink.observations) == 7


async def test_an_empty_list_of_licences_is_believed_the_second_time():
    async with desk(console(), hints=FakeHints(7)) as d:
        d.break_with(Fault(action=Action.EMPTY_LIST, path="/api/Licenses$"))
        sink, verdicts = await d.pull()
    assert (verdicts["console"].state, sink.observations) == (COMPLETE, [])


@pytest.mark.parametrize("name", ["Companies", "Users"])
async def test_an_empty_list_that_others_contradict_is_never_believed(name):
    async with desk(console(), hints=FakeHints(7)) as d:
        d.break_with(Fault(action=Action.EMPTY_LIST, path=f"/api/{name}$"))
        _, verdicts = await d.pull()
    assert {verdict.state for verdict in verdicts.values()} != {COMPLETE}


async def test_a_first_read_of_an_empty_console_asks_once():
    async with desk(PlainWorld(), hints=FakeHints(0)) as d:
        _, verdicts = await d.pull()
        assert d.calls["GET /api/Companies"] == 1
    assert verdicts["console"].state is COMPLETE


async def test_a_failure_that_heals_is_retried():
    async with desk(console()) as d:
        d.break_with(Fault(action=Action.STATUS_BEFORE, path="/api/Users", count=2, status=503))
        _, verdicts = await d.pull()
        assert d.stopwatch.waits
    assert verdicts["console"].state is COMPLETE


async def test_a_token_revoked_in_mid_run_logs_in_once_more():
    async with desk(console()) as d:
        await d.pull()
        d.simulator.app.state.logins.revoke()
        _, verdicts = await d.pull()
        assert d.calls["POST /api/Provider/Login"] == 2
    assert verdicts["console"].state is COMPLETE


async def test_refused_credentials_stop_the_read():
    async with desk(console(), password="another") as d:
        with pytest.raises(AuthError, match=r"refuses the login \(invalid_grant\): The user name"):
            await d.pull()


async def test_a_missing_right_stops_the_read():
    async with desk(console()) as d:
        d.break_with(Fault(action=Action.STATUS_BEFORE, path="/api/Licenses", status=403))
        with pytest.raises(PermissionMissing):
            await d.pull()


async def test_a_console_that_is_away_is_transient():
    async with desk(console()) as d:
        d.break_with(Fault(action=Action.STATUS_BEFORE, path="/api/Companies", status=503))
        with pytest.raises(VendorUnavailable):
            await d.pull()


async def test_a_row_of_another_shape_names_its_place_and_not_its_content():
    rows = [{"ID": "x", "IsTaken": "canary"}]
    async with desk(console()) as d:
        d.break_with(
            Fault(
                action=Action.REPLACE,
                path="/api/Licenses",
                body=json.dumps(rows),
                content_type="application/json",
            )
        )
        _, verdicts = await d.pull()
    (reason,) = verdicts["console"].reasons
    assert reason.startswith("VENDOR_CONTRACT_BROKEN: backup: GET /api/Licenses answered 200 with")
    assert "canary" not in reason


async def test_a_cancelled_sink_leaves_no_read_behind():
    class Full(RecordingSink):
        async def add(self, scope, batch):
            raise OSError("full")

    async with desk(console()) as d:
        with pytest.raises(OSError, match="full"):
            await d.source.observe(Full(), None)
