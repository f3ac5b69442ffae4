"""What a start decides on either kind of database: who is alone, and which runs are abandoned."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from syncd.bootstrap import App
from syncd.config.settings import BillingSettings, Settings
from syncd.core.store.database import Database
from syncd.core.store.runs import insert_run, running_runs
from syncd.daemon.instance import DaemonRunning, only_daemon
from syncd.daemon.recovery import recover
from syncd.node import this_node
from tests.builders_host import installed

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)


async def test_only_one_daemon_works_with_a_database(database: Database, database_url: str) -> None:
    other = Database(database_url)
    try:
        async with only_daemon(database, "host/1/1") as still_held:
            await still_held()
            with pytest.raises(DaemonRunning) as refused:
                async with only_daemon(other, "host/2/2"):
                    pytest.fail("two daemons on one database")
            assert refused.value.exit_code == 5
        async with only_daemon(other, "host/2/2"):
            pass
    finally:
        await other.dispose()


async def test_the_refusal_names_the_daemon_that_holds_the_file(
    sqlite_database: Database, sqlite_url: str
) -> None:
    other = Database(sqlite_url)
    async with only_daemon(sqlite_database, "host/1/1"):
        with pytest.raises(DaemonRunning, match=r"\(host/1/1\)"):
            async with only_daemon(other, "host/2/2"):
                pytest.fail("two daemons on one database")
    await other.dispose()


async def test_only_runs_of_dead_processes_are_abandoned(
    database: Database, database_url: str
) -> None:
    dead = f"{socket.gethostname()}/{2**22 + 1}/1"
    nodes = {"dead": dead, "alive": this_node(), "elsewhere": "other-host/1/1"}
    async with database.writer() as connection:
        for run_id, node in nodes.items():
            await insert_run(
                connection,
                run_id=run_id,
                subject=run_id,
                kind="pull",
                scheduled_for=NOW,
                started_at=NOW,
                node=node,
            )
    app = App(
        Settings(
            path=Path("syncd.toml"),
            database=database_url,
            timezone=ZoneInfo("Europe/London"),
            billing=BillingSettings(),
            connections={},
        ),
        installed(),
        database,
    )
    told: list[object] = []
    app.log = lambda event, **fields: told.append((event, fields.get("subject")))
    await recover(app)
    async with database.reader() as connection:
        assert {run.id for run in await running_runs(connection)} == {"alive", "elsewhere"}
    assert told == [("run.abandoned", "dead")]
