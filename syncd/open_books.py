"""A book that is opened at its first use, and stays open for all that one round does with it.

Opening asks who is there, which counts among the vendor's calls: a round asks once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from weakref import WeakKeyDictionary

from syncd.bookkeeping import open_ledger
from syncd.core.service.connection_health import failures_recorded

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.sdk.ledger_port import Ledger

_TURNS: Final[WeakKeyDictionary[App, dict[str, asyncio.Lock]]] = WeakKeyDictionary()
"""Whose turn it is at each book: what one use of it learns, the next one rests on."""


class OpenBook(AbstractAsyncContextManager["OpenBook"]):
    """One book; use it as often as it takes, and leave it once.

    Attributes:
        name: of its connection.
    """

    def __init__(self, app: App, name: str) -> None:
        """Describe it; nobody is called."""
        self.name = name
        self._app = app
        self._stack = AsyncExitStack()
        self._ledger: Ledger | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def used(self) -> AsyncIterator[Ledger]:
        """The book, while nobody else in this process uses it.

        A failure says something about the connection, and is written there; whoever uses it next
        tries again.

        Raises:
            ConfigError: it cannot be used.
            ConnectorError: the vendor refused or could not be reached.
        """
        app, name = self._app, self.name
        connection = await app.connection(name)
        async with (
            _TURNS.setdefault(app, {}).setdefault(name, asyncio.Lock()),
            failures_recorded(app.database, connection, app.clock, app.log),
        ):
            if self._ledger is None:
                self._ledger = await self._stack.enter_async_context(open_ledger(app, name))
            yield self._ledger


@asynccontextmanager
async def used_once(app: App, name: str) -> AsyncIterator[Ledger]:
    """A book for one use; see `OpenBook.used`."""
    async with OpenBook(app, name) as book, book.used() as ledger:
        yield ledger
