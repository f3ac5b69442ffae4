"""When to look into what vendors announced: at once, or when what was put off comes due.

The vendor is asked only if something is due, once a minute at most, and not while it refuses the
connection as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.service.webhooks import Open, look_into
from syncd.core.store.webhooks import next_due

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.connector import EventLog

PAUSE_SECONDS: Final = 60.0
"""The database is asked at least so often: a clock may be moved."""

REST: Final = timedelta(minutes=1)
"""Between two looks that cost the vendor calls; what is announced meanwhile is gathered."""


@dataclass(slots=True, kw_only=True)
class Looking:
    """One connection whose vendor calls.

    Attributes:
        database: where announcements wait.
        connection: whose.
        opened: opens the vendor.
        clock: UTC.
        log: closed catalogue of events.
        closed_until: the vendor is not opened before: it was just now, or it refused everything.
    """

    database: Database
    connection: ConnectionRef
    opened: Open
    clock: Callable[[], datetime]
    log: EventLog
    closed_until: datetime | None = None

    async def look(self) -> float:
        """Look into what is due.

        Returns:
            Seconds after which to look again, if nothing new comes before.

        Raises:
            StoreError: the database cannot serve.
            Exception: why the vendor could not be asked; what waits for it was put off.
        """
        now = self.clock()
        if self.closed_until is not None and now < self.closed_until:
            return self._pause(self.closed_until)
        async with self.database.reader() as conn:
            due = await next_due(conn, self.connection.id)
        if due is None or due > now:
            return PAUSE_SECONDS if due is None else self._pause(due)
        looked = await look_into(
            self.database, self.connection, opened=self.opened, clock=self.clock
        )
        self.closed_until = looked.closed_until
        if looked.asked and self.closed_until is None:
            self.closed_until = now + REST
        self.log(
            "webhook.processed",
            connection=self.connection.name,
            n_done=looked.done,
            n_waiting=looked.waiting,
            n_given_up=looked.given_up,
        )
        if looked.error is not None:
            raise looked.error
        return 0.0

    def _pause(self, until: datetime) -> float:
        return min((until - self.clock()).total_seconds(), PAUSE_SECONDS)
