"""A process that reads purchases and kills itself at a named point; see `test_kill`.

SIGKILL and not an exception: nothing is cleaned up, as after a power cut.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence

from syncd.core.service.purchases import run_purchases
from syncd.core.store import database as database_module
from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
from syncd.sdk.records import PurchaseLine
from tests.builders_data import Clock, StrictLog
from tests.builders_purchases import OCTOBER, Vendor, line

BEFORE = tuple(line(f"t{n}", cost=f"{n}.00") for n in range(40))
AFTER = tuple(line(f"t{n}", cost=f"{n}.50") for n in range(3, 60))


class Lines:
    """Lines that name each point that is reached while they are read."""

    def __init__(self, lines: Sequence[PurchaseLine], reached: Callable[[str], None]) -> None:
        self._lines, self._reached = lines, reached

    def __iter__(self):  # type: ignore[no-untyped-def]
        for n, one in enumerate(self._lines):
            self._reached(f"line:{n}")
            yield one


async def read(url: str, lines: Sequence[PurchaseLine], reached: Callable[[str], None]) -> None:
    database = Database(url)
    async with database.writer() as conn:
        connection = await ensure_connection(conn, "seller", "scripted")
    database_module.commit_hook = reached
    await run_purchases(
        database,
        connection,
        Vendor(Lines(lines, reached)).opened,
        period=OCTOBER,
        billed=True,
        scheduled_for=None,
        clock=Clock(),
        log=StrictLog(),
        node="here",
    )
    database_module.commit_hook = None
    await database.dispose()


def main(url: str, wanted: str, nth: int) -> None:
    """Read the second month's lines and die when the point is reached for the n-th time."""
    seen = 0

    def reached(point: str) -> None:
        nonlocal seen
        seen += point == wanted
        if seen == nth and point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(read(url, AFTER, reached))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
