"""Which clients are live: the words of people, and what the installation's mode makes of them.

A word is never edited: the next one supersedes it, so that it can be told who was live when.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.asset_records import OPEN
from syncd.core.store.outbox import UNSETTLED, OutboxState, chunks, in_state
from syncd.core.store.tables import AssetRecord, ClientGoLive, PlanBill, PlanRow, WireChange

LIVE = "live"
"""The mode in which every client is live unless a person says not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLiveWord:
    """What a person said of a client.

    Attributes:
        client_key: PSA client id.
        live: its bills are written; False puts it back to shadow.
        from_period: first month whose bills are written (`YYYY-MM`); empty sets no bound.
        by: who.
        reason: why, or empty.
        at: when, UTC.
    """

    client_key: str
    live: bool
    from_period: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLiveBook:
    """Who is live.

    Attributes:
        mode: `live`: every client without a word is live; `shadow`: none is.
        words: by client id.
    """

    mode: str
    words: Mapping[str, GoLiveWord] = field(default_factory=dict)

    def is_live(self, client_key: str, period: str) -> bool:
        """Whether bills of the client for the month may be written.

        An account without a client goes by the mode alone.
        """
        word = self.words.get(client_key)
        if word is None:
            return self.mode == LIVE
        return word.live and period >= word.from_period

    def first_period(self, client_key: str) -> str | None:
        """The first month that a live client is billed by us; None where nobody named one."""
        word = self.words.get(client_key)
        return word.from_period or None if word is not None and word.live else None

    @property
    def anyone(self) -> bool:
        """Whether bills of any client may be written, now or from a later month on."""
        return self.mode == LIVE or any(word.live for word in self.words.values())


async def load_golive(
    conn: AsyncConnection, psa_connection_id: int, *, mode: str, as_of: datetime | None = None
) -> GoLiveBook:
    """Read who is live.

    Args:
        conn: any connection; inside of a writer what it says cannot change before the commit.
        psa_connection_id: whose clients.
        mode: setting `[billing] mode`.
        as_of: what was said by then; None is now.
    """
    held: ColumnElement[bool] = col(ClientGoLive.superseded_at).is_(None)
    if as_of is not None:
        held = and_(
            col(ClientGoLive.recorded_at) <= as_of,
            or_(held, col(ClientGoLive.superseded_at) > as_of),
        )
    statement = (
        select(ClientGoLive)
        .where(col(ClientGoLive.psa_connection_id) == psa_connection_id, held)
        .order_by(col(ClientGoLive.id))
    )
    return GoLiveBook(
        mode=mode,
        words={
            row.client_key: GoLiveWord(
                client_key=row.client_key,
                live=row.live,
                from_period=row.from_period,
                by=row.decided_by,
                reason=row.reason,
                at=row.recorded_at,
            )
            for row in await conn.execute(statement)
        },
    )


async def record_golive(
    conn: AsyncConnection, psa_connection_id: int, words: Sequence[GoLiveWord]
) -> None:
    """Keep words; each supersedes the client's word before it."""
    for word in words:
        await conn.execute(
            update(ClientGoLive)
            .where(
                col(ClientGoLive.psa_connection_id) == psa_connection_id,
                col(ClientGoLive.client_key) == word.client_key,
                col(ClientGoLive.superseded_at).is_(None),
            )
            .values(superseded_at=word.at)
        )
    if words:
        await conn.execute(
            insert(ClientGoLive),
            [
                {
                    "psa_connection_id": psa_connection_id,
                    "client_key": word.client_key,
                    "live": word.live,
                    "from_period": word.from_period,
                    "decided_by": word.by,
                    "reason": word.reason,
                    "recorded_at": word.at,
                }
                for word in words
            ],
        )


async def clients_with_open_writes(conn: AsyncConnection, psa_connection_id: int) -> set[str]:
    """Clients of whose records a write has no certain end yet."""
    found: set[str] = set()
    for state in UNSETTLED:
        items = await in_state(conn, psa_connection_id, OutboxState(state))
        found |= {item.intent.client for item in items}
    return found


async def clients_with_open_links(
    conn: AsyncConnection, psa_connection_id: int, clients: Collection[str]
) -> set[str]:
    """Clients a link of whose recurring lines is still being written."""
    found: set[str] = set()
    for chunk in chunks(clients):
        statement = select(col(WireChange.client_key)).where(
            col(WireChange.psa_connection_id) == psa_connection_id,
            col(WireChange.client_key).in_(chunk),
            col(WireChange.state).in_(UNSETTLED),
        )
        found |= set(await conn.scalars(statement))
    return found


async def clients_with_open_assets(
    conn: AsyncConnection, psa_connection_id: int, clients: Collection[str]
) -> set[str]:
    """Clients an asset of whom is still being written."""
    found: set[str] = set()
    for chunk in chunks(clients):
        statement = select(col(AssetRecord.client_key)).where(
            col(AssetRecord.psa_connection_id) == psa_connection_id,
            col(AssetRecord.client_key).in_(chunk),
            col(AssetRecord.state).in_(OPEN),
        )
        found |= set(await conn.scalars(statement))
    return found


async def shelve_bills(
    conn: AsyncConnection,
    accounts: Collection[int],
    *,
    states: Collection[str],
    to: str,
    detail: str,
    kinds: Collection[str],
) -> int:
    """Give the bills of these accounts that still wait another fate; how many there were.

    Args:
        conn: a writer's connection.
        accounts: row ids.
        states: fates of bills that wait.
        to: their fate from now on.
        detail: why, in words.
        kinds: of the plans that are meant.
    """
    moved = 0
    plans = select(col(PlanRow.id)).where(col(PlanRow.kind).in_(sorted(kinds)))
    for chunk in chunks(accounts):
        statement = (
            update(PlanBill)
            .where(
                col(PlanBill.account_id).in_(chunk),
                col(PlanBill.state).in_(sorted(states)),
                col(PlanBill.plan_id).in_(plans),
            )
            .values(state=to, detail=detail)
        )
        moved += (await conn.execute(statement)).rowcount
    return moved
