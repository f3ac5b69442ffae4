"""`kill -9` at any moment of a read: the former read stands, or the new one, and never a mix."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.core.store.database import Database
from syncd.core.store.purchases import load_sums, standing_reads
from tests.builders_purchases import OCTOBER, added_up
from tests.purchases_child import AFTER, BEFORE, read

ROOT = Path(__file__).parents[3]
FORMER, NEW = added_up(BEFORE), added_up(AFTER)


async def standing(url: str) -> object:
    database = Database(url)
    try:
        async with database.reader() as conn:
            (found,) = (await standing_reads(conn, str(OCTOBER), billed=True)).values()
            return {
                (one.account, one.sku, one.subscription, one.charge, one.currency): (
                    one.quantity,
                    one.cost,
                    one.lines,
                )
                for one in await load_sums(conn, found.id)
            }
    finally:
        await database.dispose()


@pytest.mark.parametrize(
    ("point", "nth", "stands"),
    [
        ("line:0", 1, FORMER),
        ("line:30", 1, FORMER),
        ("line:56", 1, FORMER),
        # Commits of the child: the run is claimed, the read is written, the run is ended.
        ("commit:before", 2, FORMER),
        ("commit:after", 2, NEW),
        ("commit:before", 3, NEW),
    ],
)
async def test_a_killed_read_leaves_the_former_or_the_new_one(
    database_url: str, point: str, nth: int, stands: object
) -> None:
    await read(database_url, BEFORE, lambda _point: None)
    assert await standing(database_url) == FORMER
    child = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.purchases_child", database_url, point, str(nth)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert await standing(database_url) == stands
    await read(database_url, AFTER, lambda _point: None)
    assert await standing(database_url) == NEW
