"""A process that dies leaves the database as it was before, or as it would be after."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from syncd.core.store.database import Database
from syncd.core.store.schema import current, head, upgrade
from tests.builders_census import START, connect, pull
from tests.crash_child import ROSTER_BEFORE, second_pull, units

ROOT = Path(__file__).parents[3]
TABLES = ("account", "product", "pull", "pull_gap", "unit_interval")

BEFORE = ("staging:4000", "finish:written", "commit:before")


Content = dict[str, list[tuple[object, ...]]]


def child(what: str, url: str, point: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash_child", what, url, point],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


async def content(url: str) -> Content:
    """All rows of the census."""
    database = Database(url)
    try:
        async with database.reader() as reading:
            return {
                table: sorted(
                    (tuple(row) for row in await reading.execute(text(f"SELECT * FROM {table}"))),
                    key=repr,
                )
                for table in TABLES
            }
    finally:
        await database.dispose()


async def prepare(url: str) -> None:
    database = Database(url)
    try:
        connection = await connect(database)
        first = units(ROSTER_BEFORE, 0, "old")
        await pull(database, connection, first, roster=ROSTER_BEFORE, at=START)
    finally:
        await database.dispose()


async def die_at(url: str, point: str) -> tuple[Content, Content, Content]:
    """The content before, after the death, and after a further pull."""
    before = await content(url)
    process = child("pull", url, point)
    out, _ = await asyncio.to_thread(process.communicate)
    assert process.returncode == -signal.SIGKILL, out
    assert out.splitlines()[-1] == point
    after = await content(url)
    return before, after, await again(url)


async def again(url: str) -> Content:
    await second_pull(url, lambda _point: None)
    return await content(url)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what `second_pull` patches when it runs in this process."""
    from syncd.core.store import database
    from syncd.core.store.census import recording

    monkeypatch.setattr(recording, "_write", recording._write)
    monkeypatch.setattr(database, "commit_hook", None)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("point", BEFORE)
async def test_dying_before_the_commit_changes_nothing(database_url: str, point: str) -> None:
    await prepare(database_url)
    before, after, repeated = await die_at(database_url, point)
    assert after == before
    assert repeated != before


@pytest.mark.usefixtures("whole")
async def test_dying_after_the_commit_keeps_all_of_it(database_url: str) -> None:
    await prepare(database_url)
    before, after, repeated = await die_at(database_url, "commit:after")
    assert [len(state["pull"]) for state in (before, after, repeated)] == [1, 2, 3]
    opened, closed = await changes(database_url, 2)
    assert opened > 0
    assert closed > 0
    assert (await changes(database_url, 3))[0] == 0


async def changes(url: str, seq: int) -> tuple[int, int]:
    """What a pull says it changed, after checking that the intervals say the same."""
    database = Database(url)
    try:
        async with database.reader() as reading:
            bound = {"seq": seq}
            said = text("SELECT opened, closed FROM pull WHERE seq = :seq")
            opened, closed = (await reading.execute(said, bound)).one()
            for column, count in (("opened_pull", opened), ("closed_pull", closed)):
                rows = text(f"SELECT count(*) FROM unit_interval WHERE {column} = :seq")
                assert await reading.scalar(rows, bound) == count
            return opened, closed
    finally:
        await database.dispose()


@pytest.mark.usefixtures("whole")
async def test_dying_at_any_time_leaves_one_of_the_two(sqlite_url: str, tmp_path: Path) -> None:
    await prepare(sqlite_url)
    before = await content(sqlite_url)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    complete = f"sqlite:///{shutil.copyfile(file, tmp_path / 'complete.db')}"
    after = await again(complete)
    rng = random.Random(0)
    for n in range(3):
        url = f"sqlite:///{shutil.copyfile(file, tmp_path / f'{n}.db')}"
        await asyncio.to_thread(kill_somewhere, url, rng.random() * 0.5)
        assert await content(url) in (before, after)
        assert len((await again(url))["pull"]) >= 2


def kill_somewhere(url: str, seconds: float) -> None:
    process = child("pull", url, "never")
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("statement", [1, 45])
async def test_dying_in_an_upgrade_leaves_no_half_a_schema(
    empty_database_url: str, statement: int
) -> None:
    process = child("upgrade", empty_database_url, str(statement))
    await asyncio.to_thread(process.communicate)
    assert process.returncode == -signal.SIGKILL
    assert current(empty_database_url) is None
    assert upgrade(empty_database_url) == head()
    database = Database(empty_database_url)
    await database.require_schema()
    await database.dispose()
