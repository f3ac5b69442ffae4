"""A write in doubt that a person looked at: looked up once more, or given up, with a reason.

It blocks every later bill of its line until then, since a second write could double the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from syncd.core.service.endings import Ending, Endings
from syncd.core.service.lookup import look_up
from syncd.core.service.refusals import NothingToSettle, ReleaseRefused
from syncd.core.service.settlement import ABANDONED, Settler
from syncd.core.store.delivery_lock import delivery_turn
from syncd.core.store.outbox import OutboxItem, OutboxState, unsettled_of_key
from syncd.sdk.connector import EventLog
from syncd.sdk.ports import Psa

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a write in doubt stands after a person's word.

    Attributes:
        key: external key.
        client_name: for people.
        line_name: for people.
        period: month billed.
        state: of the write now; `pending` is sent by the next apply.
        message: one sentence.
        money: effect of the write, None when unknown.
        by: who.
        reason: why.
    """

    key: str
    client_name: str
    line_name: str
    period: str
    state: OutboxState
    message: str
    money: Decimal | None
    by: str
    reason: str


async def settle_write(
    database: Database,
    key: str,
    *,
    psa: Psa,
    psa_connection: ConnectionRef,
    reason: str,
    by: str,
    give_up: bool,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Settled:
    """Settle a write that waits for a person.

    Args:
        database: where the outbox is.
        key: external key.
        psa: the opened PSA; not called when the write is given up.
        psa_connection: its stored connection.
        reason: why, kept in the history of the write.
        by: who.
        give_up: close it as not written; otherwise it is looked up once more.
        clock: current time in UTC.
        log: told how it ended.
        sleep: waits; replaced in tests.

    Raises:
        NothingToSettle: no write of this key waits for a person.
        ReleaseRefused: no reason was given.
        DeliveryBusy: another process delivers.
        ConnectorError: the look-up could not be made.
    """
    if not reason.strip():
        message = "settling a write needs a reason: it is kept with it"
        raise ReleaseRefused(message, remedy='add --reason "what was found in the PSA"')
    async with delivery_turn(database, psa_connection.id, wait_seconds=10.0, sleep=sleep):
        async with database.reader() as conn:
            item = await unsettled_of_key(conn, key)
        if item is None or item.state is not OutboxState.NEEDS_REVIEW:
            message = f"no write of the key {key} waits for a person"
            remedy = "`syncd issues` names the keys; `syncd apply latest` looks up the others"
            raise NothingToSettle(message, remedy=remedy)
        started_at = clock()
        ending = (
            Ending(state=OutboxState.REJECTED, code=ABANDONED, message="given up")
            if give_up
            else await _looked_up(item, psa, clock())
        )
        said = f"{ending.message} ({by}: {reason.strip()})"
        settler = Settler(database=database, psa=psa_connection, clock=clock, log=log)
        told = Ending(
            state=ending.state,
            code=ending.code,
            message=said if ending.state is not OutboxState.NEEDS_REVIEW else ending.message,
            available_at=ending.available_at,
            remote=ending.remote,
            request_id=ending.request_id,
            evidence=ending.evidence,
            gone=ending.gone,
        )
        await settler.settle(item, told, what="decide", started_at=started_at)
    return Settled(
        key=key,
        client_name=item.intent.client_name,
        line_name=item.intent.line_name,
        period=item.intent.period,
        state=ending.state,
        message=ending.message,
        money=item.intent.money,
        by=by,
        reason=reason.strip(),
    )


async def _looked_up(item: OutboxItem, psa: Psa, now: datetime) -> Ending:
    verdicts = await look_up([item], _awaited, psa)
    endings = Endings(now, psa.write_batch.settle_seconds)
    return endings.of_verdict(item, verdicts[item.id], absences=0)


async def _awaited(call: Awaitable[AnswerT]) -> AnswerT:
    return await call
