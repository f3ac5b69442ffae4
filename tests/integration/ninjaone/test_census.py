"""The connector and the census together: what a pull leaves behind, and ranges made from it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from math import ceil

import pytest

from syncd.core.service.pull import pull_connection
from syncd.core.service.pull_run import CensusHints
from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.sandbox.presets import demo
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_ninjaone import Stand, fleet, stand, world_device


class Site:
    """A connection's census and the simulator behind it."""

    def __init__(self, database, connection, running: Stand, world):
        self.database, self.connection, self.running, self.world = (
            database, connection, running, world,
        )  # fmt: skip

    async def pull(self, *faults: Fault):
        """The result, and how many calls it took."""
        self.running.break_with(*faults)
        before = sum(self.running.calls.values())
        result = await pull_connection(
            self.database,
            self.connection,
            self.running.source,
            clock=self.world.now,
            log=self.running.log,
            run=None,
            progress=None,
        )
        return result, sum(self.running.calls.values()) - before

    async def issues(self) -> set[str]:
        async with self.database.reader() as conn:
            return {issue.code for issue in await open_issues(conn)}


@asynccontextmanager
async def site(database: Database, world, **settings):
    async with database.writer() as conn:
        connection = await ensure_connection(conn, "ninja-eu", "ninjaone")
    hints = CensusHints(database, connection)
    async with stand(world, hints=hints, **settings) as running:
        yield Site(database, connection, running, world)


async def test_hours_that_pass_change_nothing_in_the_census(database: Database):
    world = demo()
    async with site(database, world) as here:
        first, _ = await here.pull()
        world.clock.set(world.now() + timedelta(hours=7))
        second, _ = await here.pull()
    assert first.opened == first.seen > 300
    assert (second.seen, second.opened, second.closed) == (first.seen, 0, 0)


async def test_an_unknown_class_is_an_issue_and_the_pull_is_complete(sqlite_database: Database):
    async with site(sqlite_database, demo()) as here:
        result, _ = await here.pull()
        assert "UNKNOWN_CLASS" in await here.issues()
    assert result.state == "complete"


async def test_a_page_cut_short_changes_nothing_and_is_an_issue(sqlite_database: Database):
    async with site(sqlite_database, fleet(30), page_size=10) as here:
        await here.pull()
        cut = Fault(action=Action.TRUNCATE, path="/devices-detailed", nth=2)
        result, _ = await here.pull(cut)
        assert "PULL_INCOMPLETE" in await here.issues()
    assert (result.state, result.opened, result.closed) == ("partial", 0, 0)


@pytest.mark.parametrize("churn", [0, 3, 7])
async def test_ranges_from_the_census_cost_at_most_a_tenth_more_calls(
    database: Database, churn: int
):
    world = fleet(1500)
    async with site(database, world, page_size=50, id_ranges="on", chains=4) as here:
        await here.pull()
        if churn:
            world.fleet = [one for one in world.fleet if one.id % churn]
            world.fleet += [world_device(9000 + n) for n in range(1500 - len(world.fleet))]
            await here.pull()
        result, calls = await here.pull()
        assert here.running.calls["POST /ws/oauth/token"] == 1
    least = ceil((3 + 1) / 50) + ceil((1500 + 1) / 50)
    assert least <= calls <= 1.1 * least
    assert (result.state, result.seen, result.opened, result.closed) == ("complete", 1500, 0, 0)
