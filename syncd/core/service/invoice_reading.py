"""Reads a PSA's invoices: what changed since the last whole read, a batch at a time.

Each batch is stored in a short transaction of its own and nothing is kept in memory. The watermark
moves only after a whole read, to the moment at which it began; what a broken read stored is true
of each invoice and is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.service.connection_health import blamed_on_connection, one_error, remedy_of
from syncd.core.service.invoice_sweep import INVOICES_DOUBTED, Swept, sweep_invoices
from syncd.core.service.issue_book import IssueBook
from syncd.core.store.invoices import InvoicesStored, store_invoices
from syncd.core.store.issues import Finding
from syncd.core.store.runs import RunStatus
from syncd.core.store.watermarks import FAR_BACK, move_watermark, watermark
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import PluginError, SyncdError
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.ledger_port import InvoiceKeeper

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.service.runs import RunHandle
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

KIND: Final = "invoices"
"""Kind of the run rows of reads, and name of the watermark."""

INVOICES_NOT_READ: Final = "INVOICES_NOT_READ"

_BATCH: Final = 200

_FAR: Final = "invoices far back"
_FAR_EVERY: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRead:
    """What a read brought.

    Attributes:
        since: from when it asked; None for everything.
        read: invoices that came, repeats included.
        stored: what they changed.
        asked_again: invoices that were asked for by id, since nothing was heard of them for long.
        gone: those of them that the PSA does not know any more, of which that is new.
        doubted: the PSA knew none of those, so that nothing was marked and the watermark stays.
    """

    since: datetime | None
    read: int
    stored: InvoicesStored
    asked_again: int
    gone: int
    doubted: bool = False


async def read_invoices(
    database: Database,
    connection: ConnectionRef,
    keeper: InvoiceKeeper,
    *,
    overlap: timedelta,
    sweep_days: int,
    clock: Callable[[], datetime],
    log: EventLog,
    run: RunHandle | None = None,
    whole: bool = False,
) -> InvoiceRead:
    """Read what changed since the last whole read, less an overlap.

    Once a week it asks for the changes of two months: what the PSA hid from us for want of a right
    shows up with the moment of its change, and not with that at which it may be seen again. So it
    does where the last read was made by a clock that was ahead.

    Args:
        database: where invoices are kept.
        connection: of the PSA.
        keeper: the PSA.
        overlap: how far before the watermark to ask: clocks differ, and writes take time.
        sweep_days: invoices dated within so many days are asked for by id now and then.
        clock: current time in UTC.
        log: gets the changes of issues.
        run: gets the counts.
        whole: read everything, whatever the watermark says.

    Raises:
        ConnectorError: the PSA could not be read whole; the watermark stays, an issue says why.
        PluginError: the connector failed in a way it should not.
    """
    began = clock()
    async with database.reader() as conn:
        since, far = await _since(conn, connection.id, began, overlap, whole=whole)
    reading = _Reading(database, connection, clock)
    try:
        async for batch in keeper.invoices(since=since):
            await reading.take(batch)
        reading.swept = await sweep_invoices(
            database,
            connection,
            keeper,
            reading.take,
            began=began,
            days=sweep_days,
            clock=clock,
            log=log,
        )
    except Exception as error:
        told = one_error(error, connection)
        if blamed_on_connection(told):
            await _not_read(database, connection, told, since, now=clock(), log=log)
        if told is error:
            raise
        raise told from error
    finally:
        if run is not None:
            for name, count in reading.counts().items():
                run.count(name, count)
    doubted = reading.swept.doubted
    if doubted and run is not None:
        why = f"{doubted} invoices were asked for and none was known, which is not believed"
        run.ends(RunStatus.PARTIAL, code=INVOICES_DOUBTED, error=why)
    async with database.writer() as conn:
        run_id = "" if run is None else run.id
        for name in () if doubted else (KIND, _FAR) if far else (KIND,):
            await move_watermark(
                conn, connection.id, name, began, run_id=run_id, ahead=began + overlap
            )
        book = IssueBook(conn, connection.name, clock())
        await book.close(INVOICES_NOT_READ, connection.name)
    book.speak(log)
    return InvoiceRead(
        since=since,
        read=reading.read,
        stored=reading.stored,
        asked_again=reading.swept.asked,
        gone=reading.swept.gone,
        doubted=bool(doubted),
    )


async def _since(
    conn: AsyncConnection, psa_id: int, began: datetime, overlap: timedelta, *, whole: bool
) -> tuple[datetime | None, bool]:
    """From when to ask, None for everything; and whether that is further back than usual."""
    mark = None if whole else await watermark(conn, psa_id, KIND)
    if mark is None:
        return None, True
    usual, latest = mark - overlap, began + overlap
    far = await watermark(conn, psa_id, _FAR)
    late = far is None or began - far >= _FAR_EVERY or far > latest
    if late or mark > latest:
        return min(usual, began - FAR_BACK), True
    return usual, False


class _Reading:
    """One read under way."""

    def __init__(
        self, database: Database, connection: ConnectionRef, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._connection = connection
        self._clock = clock
        self.read = 0
        self.swept = Swept()
        self.stored = InvoicesStored()

    async def take(self, batch: Sequence[PsaInvoice]) -> None:
        """Store a batch, in pieces if the plugin made it large."""
        for start in range(0, len(batch), _BATCH):
            piece = batch[start : start + _BATCH]
            self._require_usable(piece)
            async with self._database.writer() as conn:
                one = await store_invoices(conn, self._connection.id, piece, now=self._clock())
            self.read += len(piece)
            self.stored = InvoicesStored(
                new=self.stored.new + one.new,
                changed=self.stored.changed + one.changed,
                same=self.stored.same + one.same,
                older=self.stored.older + one.older,
            )

    def counts(self) -> dict[str, int]:
        counts = {
            "read": self.read,
            "new": self.stored.new,
            "changed": self.stored.changed,
            "gone": self.swept.gone,
        }
        return {name: count for name, count in counts.items() if count}

    def _require_usable(self, invoices: Sequence[PsaInvoice]) -> None:
        for one in invoices:
            if not one.key or one.modified.tzinfo is None:
                message = (
                    f"the plugin '{self._connection.connector}' of {self._connection.name} told of "
                    "an invoice without an id or without a moment in UTC"
                )
                raise PluginError(message, remedy="report this to the plugin's author")


async def _not_read(
    database: Database,
    connection: ConnectionRef,
    error: SyncdError,
    since: datetime | None,
    *,
    now: datetime,
    log: EventLog,
) -> None:
    begins = "from the beginning" if since is None else f"since {since:%Y-%m-%d %H:%M} UTC"
    async with database.writer() as conn:
        book = IssueBook(conn, connection.name, now)
        finding = Finding(
            message=f"Invoices of {connection.name} {begins} were not read whole, so that newer "
            f"ones may wait: {error}",
            remedy=f"{remedy_of(error, connection.name)} Then run `syncd invoices read`.",
            evidence={"code": error.code},
        )
        await book.open(INVOICES_NOT_READ, connection.name, finding)
    book.speak(log)
