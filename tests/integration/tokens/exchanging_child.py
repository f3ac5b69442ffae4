"""A process that exchanges a stored token and may be killed in the middle of it.

The vendor is a file that holds the one number it takes; an exchange makes it one more.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from syncd.core.service.tokens import Vault
from syncd.core.store.connections import ConnectionRef, find_connection
from syncd.core.store.database import Database
from syncd.core.store.token_keys import TokenKeys
from syncd.sdk.errors import SignInExpired
from syncd.sdk.refresh import Exchanged, RefreshExchange

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - read by the test


async def main(url: str, vendor: Path, how: str) -> None:
    database = Database(url)

    async def find() -> ConnectionRef:
        async with database.reader() as conn:
            found = await find_connection(conn, "desk")
        assert found is not None
        return found

    async def ask(token: str) -> Exchanged[str]:
        if how == "die-before":
            say("sending")
            time.sleep(300)  # noqa: ASYNC251 - until it is killed
        known = vendor.read_text()  # noqa: ASYNC240 - one small file
        if token != known and how != "lenient":
            message = "desk: the vendor takes no token"
            raise SignInExpired(message, remedy="run `syncd login desk`", connection="desk")
        following = str(int(known) + 1)
        vendor.write_text(following)  # noqa: ASYNC240 - one small file
        if how == "die-after":
            say("answered")
            time.sleep(300)  # noqa: ASYNC251 - until it is killed
        return Exchanged(payload=following, refresh_token=following, ends_at=None)

    vault = Vault(database, find, TokenKeys(os.environ["SYNCD_TEST_KEY"]), clock=lambda: NOW)
    try:
        async with RefreshExchange(vault, connection="desk") as tokens:
            say(f"got {await tokens.run(ask)}")
    except SignInExpired as error:
        say(f"refused: {error}; {error.remedy}")
    finally:
        await database.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
