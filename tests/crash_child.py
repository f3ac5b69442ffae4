"""A process that kills itself at a named point; run as `python -m tests.crash_child`.

SIGKILL and not an exception: nothing is cleaned up, as after a power cut.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from tests.builders_census import PRODUCTS, START, connect, unit

UNITS = 5_000
ROSTER_BEFORE = tuple(f"org{n}" for n in range(20))
ROSTER_AFTER = (*ROSTER_BEFORE[:-1], "new")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def units(roster: tuple[str, ...], first: int, label: str) -> list:  # type: ignore[type-arg]
    return [
        unit(roster[n % len(roster)], str(n), label=label if n % 7 == 0 else "")
        for n in range(first, first + UNITS)
    ]


async def second_pull(url: str, reached: Callable[[str], None]) -> None:
    """Arrivals, departures, renames, a new account and a missing one; names its points."""
    from datetime import timedelta

    from syncd.core.store import database as database_module
    from syncd.core.store.census import recording
    from syncd.core.store.census.staging import census_staging
    from syncd.core.store.database import Database
    from syncd.sdk.records import Account, ScopeState, ScopeVerdict

    database = Database(url)
    connection = await connect(database)
    at = START + timedelta(days=1)
    write = recording._write

    async def writing(*args: object) -> object:
        reached("finish:compared")
        result = await write(*args)  # type: ignore[arg-type]
        reached("finish:written")
        return result

    recording._write = writing  # type: ignore[assignment]
    database_module.commit_hook = reached
    seen = units(ROSTER_AFTER, 300, "renamed")
    reached("staging:begin")
    async with census_staging(database, connection) as staging:
        await staging.accounts([Account(key, f"Client {key} Ltd") for key in ROSTER_AFTER])
        await staging.scope("all", ROSTER_AFTER)
        for start in range(0, UNITS, 1_000):
            await staging.add("all", seen[start : start + 1_000])
            reached(f"staging:{start}")
        await staging.finish(
            [ScopeVerdict("all", ScopeState.COMPLETE, None, UNITS)],
            taken_at=at,
            recorded_at=at,
            run_id=None,
            products=PRODUCTS,
        )
    reached("finish:done")
    await database.dispose()


def upgrade_dying_at(url: str, statement: int) -> None:
    """An upgrade that dies after its n-th statement that changes the schema."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from syncd.core.store.schema import upgrade

    left = [statement]

    @event.listens_for(Engine, "after_cursor_execute")
    def _count(_c: object, _cur: object, sql: str, *_rest: object) -> None:
        if sql.lstrip().upper().startswith(("CREATE", "INSERT", "UPDATE")):
            left[0] -= 1
            if left[0] == 0:
                die()

    upgrade(url)


def main() -> None:
    what, url, point = sys.argv[1:]
    if what == "upgrade":
        upgrade_dying_at(url, int(point))
        return

    def reached(name: str) -> None:
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        if name == point:
            die()

    asyncio.run(second_pull(url, reached))


if __name__ == "__main__":
    main()
