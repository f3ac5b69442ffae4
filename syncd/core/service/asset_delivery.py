"""Assets on their way: queued in one commit, written in batches, settled by looking for them.

pending -> sending, committed before the call -> live | inactive | failed | unknown. A write whose
answer was lost, or that a dead process was making, is looked for at the PSA: a new asset by its
key, one that was there by its id. Only what is proven not to stand is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncd.core.service.answers import AnswerT, WriteReport, answer_of, carried_out
from syncd.core.service.asset_issues import tell_ended
from syncd.core.service.asset_outcomes import (
    Ending,
    change_of,
    ending_found,
    ending_of,
    fields_after,
    planned_of,
)
from syncd.core.service.issue_book import IssueBook
from syncd.core.store.asset_records import (
    FAILED,
    INACTIVE,
    LIVE,
    OPEN,
    PENDING,
    SENDING,
    UNKNOWN,
    AssetRow,
    asset_rows,
    move_asset,
)
from syncd.core.store.delivery_lock import delivery_turn
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import SyncdError
from syncd.sdk.ports import AssetKeeper
from syncd.sdk.records import ChangeKind, PsaAsset, canonical_json

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


async def deliver_assets(
    database: Database,
    keeper: AssetKeeper,
    connection: ConnectionRef,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    lock_seconds: float = 30.0,
    progress: Callable[[int], None] = lambda _reached: None,
) -> WriteReport:
    """Write what waits, and settle what a crash or a lost answer left open.

    Args:
        database: where the ledger is.
        keeper: the opened PSA.
        connection: its stored connection.
        clock: current time in UTC.
        log: gets one line per settled asset.
        sleep: waits; replaced in tests.
        lock_seconds: how long to wait for another deliverer.
        progress: told how many were settled.

    Raises:
        DeliveryBusy: another process is delivering to this PSA.
        StoreError: the database cannot serve; nothing that was sent is lost.
    """
    async with delivery_turn(
        database, connection.id, wait_seconds=lock_seconds, sleep=sleep
    ) as still_held:
        work = _AssetDelivery(
            database=database,
            keeper=keeper,
            connection=connection,
            clock=clock,
            log=log,
            sleep=sleep,
            still_held=still_held,
            progress=progress,
        )
        await work.recover()
        await work.drain()
        return work.report


@dataclass(slots=True, kw_only=True)
class _AssetDelivery:
    database: Database
    keeper: AssetKeeper
    connection: ConnectionRef
    clock: Callable[[], datetime]
    log: EventLog
    sleep: Callable[[float], Awaitable[None]]
    still_held: Callable[[], Awaitable[None]]
    progress: Callable[[int], None]
    report: WriteReport = field(default_factory=WriteReport)

    async def recover(self) -> None:
        """Writes in `sending` belong to a process that died: their answer is lost."""
        lost = await self._in(SENDING)
        why = "the process ended while it was written"
        await self._settle([(one, Ending(UNKNOWN, why=why)) for one in lost])

    async def drain(self) -> None:
        """Look for what is unknown, write what is pending, until nothing moves any more."""
        while self.report.stopped_by is None:
            await self.still_held()
            unknown = await self._in(UNKNOWN)
            if unknown:
                await self._look_for(unknown)
                continue
            pending = await self._in(PENDING, most=self.keeper.asset_batch.size)
            if not pending:
                break
            await self._write(pending)
        self.report.waiting = len(await self._in(*OPEN))
        async with self.database.writer() as conn:
            book = IssueBook(conn, self.connection.name, self.clock())
            await tell_ended(book, self.connection.name, self.connection.id)
        book.speak(self.log)

    async def _write(self, rows: Sequence[AssetRow]) -> None:
        async with self.database.writer() as conn:
            claimed = [
                row
                for row in rows
                if await move_asset(
                    conn, row.id, expected=(PENDING,), to=SENDING, attempts=row.attempts + 1
                )
            ]
        self.report.calls += 1
        changes = [change_of(row) for row in claimed]
        answered = await carried_out(
            self._vendor(self.keeper.apply_assets(changes)), [row.key for row in claimed]
        )
        self.report.stopped_by = answered.stopped_by
        outcomes = answered.outcomes
        await self._settle([(row, ending_of(outcomes.get(row.key))) for row in claimed])

    async def _look_for(self, rows: Sequence[AssetRow]) -> None:
        """Whether lost writes stand."""
        await self.sleep(self.keeper.asset_batch.settle_seconds)
        new = [row for row in rows if change_of(row).kind is ChangeKind.CREATE]
        clients = {row.client for row in rows} - {row.client for row in new}
        clients |= {change_of(row).client for row in rows if row not in new}
        try:
            keyed: Mapping[str, Sequence[PsaAsset]] = (
                await self._vendor(self.keeper.find_assets([row.key for row in new])) if new else {}
            )
            by_id = await self._vendor(_by_id(self.keeper, clients)) if clients else {}
        except SyncdError as error:
            self.report.stopped_by = error
            why = f"it could not be looked for: {error}"
            await self._settle([(one, Ending(UNKNOWN, why=why)) for one in rows])
            return
        await self._settle(
            [
                (row, ending_found(row, by_id if row not in new else keyed.get(row.key, ())))
                for row in rows
            ]
        )

    async def _settle(self, ended: Sequence[tuple[AssetRow, Ending]]) -> None:
        if not ended:
            return
        moved: list[tuple[AssetRow, Ending]] = []
        async with self.database.writer() as conn:
            for row, ending in ended:
                values: dict[str, Any] = {"detail": ending.why, "updated_at": self.clock()}
                if ending.state in {LIVE, INACTIVE}:
                    fields = fields_after(planned_of(row))
                    ending = replace(ending, state=LIVE if fields.active else INACTIVE)
                    values |= {
                        "remote": ending.remote,
                        "sent": canonical_json(fields).decode(),
                        "client_key": fields.client,
                        "payload": "",
                        "attempts": 0,
                    }
                elif ending.unsent:
                    values["attempts"] = row.attempts
                if await move_asset(
                    conn, row.id, expected=(SENDING, UNKNOWN), to=ending.state, **values
                ):
                    moved.append((row, ending))
        for row, ending in moved:
            self.report.delivered += ending.state in {LIVE, INACTIVE}
            self.report.rejected += ending.state == FAILED
            self._tell(row, ending)
        self.progress(self.report.delivered + self.report.rejected)

    def _tell(self, row: AssetRow, ending: Ending) -> None:
        about = {"client": row.client, "key": row.key, "action": planned_of(row).action}
        if ending.state in {LIVE, INACTIVE}:
            self.log("asset.delivered", **about)
        elif ending.state == FAILED:
            self.log("asset.rejected", code=ending.code, **about)
        elif ending.state == UNKNOWN:
            self.log("asset.unknown", **about)

    async def _in(self, *states: str, most: int | None = None) -> list[AssetRow]:
        async with self.database.reader() as conn:
            return await asset_rows(conn, self.connection.id, states=states, most=most)

    async def _vendor(self, call: Awaitable[AnswerT]) -> AnswerT:
        work = "the writing of assets"
        return await answer_of(call, connection=self.connection.name, work=work)


async def _by_id(keeper: AssetKeeper, clients: Iterable[str]) -> dict[str, PsaAsset]:
    found: dict[str, PsaAsset] = {}
    async for batch in keeper.assets(clients=set(clients)):
        found.update((one.key, one) for one in batch)
    return found
