"""The connector and the census together, and the program itself against the simulated cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager

from syncd_entra.sandbox import SANDBOX

from syncd.core.service.pull import pull_connection
from syncd.core.store.census.counts import counts_at
from syncd.core.store.census.ledger import load_accounts, load_products
from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.sandbox.config_file import secrets_of, write_config
from syncd.sandbox.host import SandboxHost
from syncd.sandbox.presets import demo
from tests.builders_entra import EXCHANGE, ONE, PREMIUM, TWO, Cloud, cloud, connected


class Site:
    """A connection's census and the simulator behind it."""

    def __init__(self, database, connection, running: Cloud, world):
        self.database, self.connection = database, connection
        self.running, self.world = running, world

    async def pull(self):
        return await pull_connection(
            self.database,
            self.connection,
            self.running.source,
            clock=self.world.now,
            log=self.running.log,
        )

    async def counts(self, seq):
        """Quantity by account key and product key."""
        async with self.database.reader() as conn:
            accounts = await load_accounts(conn, self.connection.id)
            products = await load_products(conn, self.connection.id)
            rows = await counts_at(conn, self.connection.id, seq)
        account = {one.id: key for key, one in accounts.items()}
        product = {number: key for key, number in products.items()}
        return {(account[row.account_id], product[row.product_id]): row.quantity for row in rows}

    async def issues(self):
        async with self.database.reader() as conn:
            return {issue.code: issue for issue in await open_issues(conn)}


@asynccontextmanager
async def site(database: Database, world, **given):
    async with database.writer() as conn:
        connection = await ensure_connection(conn, "m365", "entra")
    async with connected(world, **given) as running:
        yield Site(database, connection, running, world)


async def test_a_second_look_changes_nothing(database: Database):
    rules = [{"key": "active", "name": "Active", "signed_in_days": 30}]
    given = {"users": "listed", "user_counts": rules, "without_sign_in_data": "skip"}
    async with site(database, cloud(3, people=30), **given) as here:
        first = await here.pull()
        second = await here.pull()
    assert first.opened == first.seen > 30
    assert (second.state, second.opened, second.closed) == ("complete", 0, 0)


async def test_a_tenant_that_refuses_keeps_its_counts_and_is_one_issue(database: Database):
    bought = f"sku:{EXCHANGE}:bought"
    async with site(database, cloud(3)) as here:
        first = await here.pull()
        before = await here.counts(first.seq)
        here.running.state.logins.refusals[TWO] = 65001
        here.running.state.logins.revoke()
        for tenant in here.running.state.tenants.values():
            for row in tenant.skus:
                row["prepaidUnits"]["enabled"] += 5
        second = await here.pull()
        after = await here.counts(second.seq)
        issue = (await here.issues())["PULL_INCOMPLETE"]
        here.running.state.logins.refusals.clear()
        third = await here.pull()
        healed = await here.counts(third.seq)
        left = await here.issues()
    assert (first.state, second.state, third.state) == ("complete", "partial", "complete")
    assert after[TWO, bought] == before[TWO, bought]
    assert after[ONE, bought] == before[ONE, bought] + 5
    assert healed[TWO, bought] == before[TWO, bought] + 5
    assert "CONSENT_MISSING: Client 2" in issue.message
    assert "PULL_INCOMPLETE" not in left


def test_the_program_checks_and_pulls_every_tenant_of_the_demo_world(tmp_path):
    world = demo()
    with SandboxHost(world, [SANDBOX]) as host:
        write_config(tmp_path, host, names={"entra": "m365"}, mode="shadow")
        environment = {**os.environ, **secrets_of(host), "SYNCD_NOW": world.now().isoformat()}

        def run(*words):
            done = subprocess.run(
                [sys.executable, "-m", "syncd", "--json", *words],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            return json.loads(done.stdout)

        run("db", "upgrade")
        assert str(len(world.clients())) in json.dumps(run("check", "m365"))
        run("pull", "m365")
        products = {row["product"] for row in run("map", "unmapped")["products"]}
    assert f"sku:{PREMIUM}:assigned" in products
