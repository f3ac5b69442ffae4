"""The connector and the census together: licences as intervals, months apart from them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta

from syncd_backup_console.sandbox import tenancy

from syncd.core.service.pull import pull_connection
from syncd.core.service.pull_run import CensusHints
from syncd.core.store.census.counts import counts_at
from syncd.core.store.census.ledger import load_accounts, load_products
from syncd.core.store.census.snapshots import proven_pulls
from syncd.core.store.census.staging import census_staging
from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.sandbox.presets import demo
from syncd.sdk.period import Period
from tests.builders_backup_console import NOVEMBER, Desk, console, desk

OCTOBER = Period(2026, 10)


class Site:
    """A connection's census and the simulator behind it."""

    def __init__(self, database, connection, running: Desk, world):
        self.database, self.connection, self.running, self.world = (
            database, connection, running, world,
        )  # fmt: skip

    async def pull(self):
        return await pull_connection(
            self.database,
            self.connection,
            self.running.source,
            clock=self.world.now,
            log=self.running.log,
        )

    async def month(self, period):
        """What the census takes from a pull of a month."""
        source = self.running.source
        async with census_staging(self.database, self.connection, period=period) as staging:
            verdicts = await source.observe(staging, period)
            return await staging.finish(
                verdicts,
                taken_at=self.world.now(),
                recorded_at=self.world.now(),
                run_id=None,
                products=source.products(),
            )

    async def counts(self, seq, period=""):
        """Quantity by account key and product key."""
        async with self.database.reader() as conn:
            accounts = await load_accounts(conn, self.connection.id)
            products = await load_products(conn, self.connection.id)
            rows = await counts_at(conn, self.connection.id, seq, period=str(period))
        accounts_by_id = {one.id: key for key, one in accounts.items()}
        products_by_id = {number: key for key, number in products.items()}
        return {
            (accounts_by_id[row.account_id], products_by_id[row.product_id]): row.quantity
            for row in rows
        }

    async def issues(self):
        async with self.database.reader() as conn:
            return {issue.code for issue in await open_issues(conn)}


@asynccontextmanager
async def site(database: Database, world, **given):
    async with database.writer() as conn:
        connection = await ensure_connection(conn, "backup", "backup_console")
    hints = CensusHints(database, connection)
    async with desk(world, hints=hints, **given) as running:
        yield Site(database, connection, running, world)


async def test_hours_that_pass_change_nothing_in_the_census(database: Database):
    world = demo()
    async with site(database, world, computers=True) as here:
        first = await here.pull()
        world.clock.set(world.now() + timedelta(minutes=50))
        second = await here.pull()
    assert first.opened == first.seen > 200
    assert (second.state, second.seen) == ("complete", first.seen)
    assert (second.opened, second.closed) == (0, 0)


async def test_a_month_and_the_present_do_not_touch_each_other(database: Database):
    world = console()
    async with site(database, world, currency="GBP") as here:
        now = await here.pull()
        october = await here.month(OCTOBER)
        november = await here.month(NOVEMBER)
        again = await here.pull()
        assert (again.opened, again.closed) == (0, 0)
        licences = await here.counts(again.seq)
        stored = await here.counts(again.seq, OCTOBER)
        later = await here.counts(again.seq, NOVEMBER)
    assert [one.state for one in (now, october, november)] == ["complete"] * 3
    assert {product for _, product in licences} == {"licence:Server"}
    assert {product for _, product in stored} <= {"storage:all", "restore:all", "limit:all"}
    assert {key for key, _ in stored} == {key for key, _ in later}
    assert stored != later


async def test_a_corrected_month_is_known_as_it_was_and_as_it_is(database: Database):
    corrections: dict[str, int] = {}
    async with site(database, console(), options={"corrections": corrections}) as here:
        first = await here.month(OCTOBER)
        other = await here.month(NOVEMBER)
        unchanged = await here.month(OCTOBER)
        corrections["2026-10"] = 1024
        second = await here.month(OCTOBER)
        before = await here.counts(unchanged.seq, OCTOBER)
        after = await here.counts(second.seq, OCTOBER)
        november = await here.counts(second.seq, NOVEMBER)
        assert november == await here.counts(other.seq, NOVEMBER)
        async with here.database.reader() as conn:
            proven = await proven_pulls(
                conn,
                here.connection.id,
                before=here.world.now() + timedelta(seconds=1),
                period=str(OCTOBER),
            )
    assert (unchanged.opened, unchanged.closed) == (0, 0)
    assert second.opened == second.closed == first.opened
    world = here.world
    users = {
        tenancy.identity(world, "company", n): len(tenancy.logins(world.here[n - 1]))
        for n in (1, 2, 3)
    }
    assert {key: after[key] - before[key] for key in before if key[1] == "storage:all"} == {
        (account, "storage:all"): 1024 * number for account, number in users.items()
    }
    assert {pull.seq for pull in proven.values() if pull} == {second.seq}


async def test_a_renamed_company_is_the_same_account(sqlite_database: Database):
    def renamed(row):
        for field in ("Name", "Company"):
            if row.get(field) == "Client 1":
                row[field] = "Client One"

    async with site(sqlite_database, console()) as here:
        first = await here.pull()
        here.running.edit("companies", renamed)
        here.running.edit("users", renamed)
        second = await here.pull()
        assert await here.counts(first.seq) == await here.counts(second.seq)
        assert (second.opened, second.closed, second.absent) == (0, 0, ())


async def test_twins_keep_their_counts_and_are_one_issue_until_they_are_told_apart(
    sqlite_database: Database,
):
    def twin(row):
        field = "Name" if "Name" in row else "Company"
        row[field] = row[field].replace("Client 2", "Client 1")

    async with site(sqlite_database, console()) as here:
        first = await here.pull()
        here.running.edit("companies", twin)
        here.running.edit("users", twin)
        second = await here.pull()
        assert second.state == "partial"
        assert await here.counts(second.seq) == await here.counts(first.seq)
        assert {"PULL_INCOMPLETE", "UNASSIGNED_USAGE"} <= await here.issues()
        here.running.console.edits.clear()
        third = await here.pull()
        assert third.state == "complete"
        assert not {"PULL_INCOMPLETE", "UNASSIGNED_USAGE"} & await here.issues()
        assert await here.counts(third.seq) == await here.counts(first.seq)


async def test_a_list_that_is_null_changes_nothing_and_is_an_issue(sqlite_database: Database):
    world = console()
    async with site(sqlite_database, world) as here:
        first = await here.pull()
    async with site(sqlite_database, world, options={"null_lists": ("users",)}) as here:
        second = await here.pull()
        assert (second.state, second.opened, second.closed) == ("unknown", 0, 0)
        assert await here.counts(second.seq) == await here.counts(first.seq)
        assert "PULL_INCOMPLETE" in await here.issues()


async def test_what_belongs_to_nobody_asks_for_no_link(sqlite_database: Database):
    async with site(sqlite_database, console(), options={"specimens": True}) as here:
        await here.pull()
        async with here.database.reader() as conn:
            unlinked = [
                one.subject
                for one in await open_issues(conn)
                if one.code == "UNLINKED_ACCOUNT" and "unassigned" in one.subject
            ]
    assert unlinked == []


async def test_a_month_of_a_company_that_left_stays_what_it_was(sqlite_database: Database):
    world = console()
    async with site(sqlite_database, world) as here:
        await here.pull()
        october = await here.month(OCTOBER)
        before = await here.counts(october.seq, OCTOBER)
        world.here.pop()
        await here.pull()
        gone = await here.pull()
        assert len(gone.removed) == 1
        assert not any(account in gone.removed for account, _ in await here.counts(gone.seq))
        again = await here.month(OCTOBER)
        assert await here.counts(again.seq, OCTOBER) == before
