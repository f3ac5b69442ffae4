"""An organisation that is split by location: accounts, devices, proofs, in the simulator."""

from __future__ import annotations

import pytest

from syncd.core.service.pull import pull_connection
from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.mappings import load_accounts
from syncd.sdk.records import ScopeState
from syncd.sdk.sandbox import WorldSite
from tests.builders_ninjaone import PlainWorld, client, stand, world_device

SITES = (WorldSite(id=21, name="North"), WorldSite(id=22, name="South"))


def group() -> PlainWorld:
    """Organisation 11 has two locations and a device of none; organisation 12 is whole."""
    return PlainWorld(
        [client(1, name="Fairview", sites=SITES), client(2)],
        [
            world_device(1000, site=21),
            world_device(1002, site=22),
            world_device(1004, site=22),
            world_device(1006, site=0),
            world_device(1008, client=2, site=2),
        ],
    )


def shares(sink) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in sink.observations:
        found.setdefault(one.account, []).append(one.unit)
    return found


@pytest.mark.parametrize("named", ["fairview", 11])
async def test_each_location_is_an_account_and_the_rest_stays_with_the_organisation(named):
    async with stand(group(), split_by_location=[named]) as here:
        sink, verdict = await here.pull()
    assert verdict.state is ScopeState.COMPLETE
    assert {key: (one.name, one.parent) for key, one in sink.roster.items()} == {
        "11": ("Fairview", None),
        "11/21": ("Fairview / North", "11"),
        "11/22": ("Fairview / South", "11"),
        "12": ("Client 2", None),
    }
    assert shares(sink) == {
        "11/21": ["1000"],
        "11/22": ["1002", "1004"],
        "11": ["1006"],
        "12": ["1008"],
    }
    assert sink.early == []
    assert sorted(sink.scopes["instance"]) == ["11", "11/21", "11/22", "12"]


async def test_locations_are_one_list_and_read_only_for_a_split():
    async with stand(group()) as here:
        sink, _ = await here.pull()
        assert not any("locations" in path for path in here.calls)
        assert all(one.parent is None for one in sink.roster.values())
    async with stand(group(), split_by_location="all") as here:
        sink, _ = await here.pull()
        calls = [n for path, n in here.calls.items() if "locations" in path]
    assert calls == [2], "a page, and the empty one that is the end"
    assert {one.parent for one in sink.roster.values()} == {None, "11", "12"}


async def test_check_names_an_organisation_that_is_not_there():
    async with stand(group(), split_by_location=["Fairvew"]) as here:
        result = await here.source.check()
    assert any("split_by_location names 'Fairvew'" in one for one in result.warnings)


async def test_a_list_of_locations_that_breaks_off_proves_nothing():
    from syncd.sdk.testing.faults import Action, Fault

    async with stand(group(), split_by_location="all") as here:
        here.break_with(Fault(action=Action.TRUNCATE, path="/locations$"))
        sink, verdict = await here.pull()
    assert verdict.state is not ScopeState.COMPLETE
    assert sink.observations == []


async def test_a_split_later_moves_units_and_loses_none(database: Database):
    async with database.writer() as conn:
        connection = await ensure_connection(conn, "ninja-eu", "ninjaone")
    world = group()
    for number, split in enumerate(([], ["Fairview"], ["Fairview"], [], []), start=1):
        async with stand(world, split_by_location=split) as here:
            result = await pull_connection(
                database, connection, here.source, clock=world.now, log=here.log
            )
        assert result.seen == 5
        world.moment = world.moment.replace(day=30, hour=12 + number)
        async with database.reader() as conn:
            accounts = {one.key: one for one in (await load_accounts(conn)).values()}
        if number == 2:
            assert (result.opened, result.closed) == (3, 3)
            assert accounts["11/22"].parent == "11"
            assert accounts["11"].parent == ""
        if number == 4:
            assert set(result.absent) == {"11/21", "11/22"}
        if number == 5:
            assert set(result.removed) == {"11/21", "11/22"}
