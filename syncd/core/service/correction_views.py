"""Late differences as people see them: what differs, the money, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from syncd.core.service.clients import choose_client
from syncd.core.service.late_content import LateLine, LateUnits, decode_late
from syncd.core.service.refusals import CorrectionRefused
from syncd.core.store.corrections import corrections_of
from syncd.core.store.late_changes import ACCEPTED, DISMISSED, StoredLateChange, late_changes
from syncd.core.store.references import ReferenceKind, load_references
from syncd.core.store.reopenings import names_of_account

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.database import Database


class State(StrEnum):
    """What became of a late difference."""

    OPEN = "open"
    WAITS = "accepted, waits for a bill"
    BILLED = "billed"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionView:
    """One late difference.

    Attributes:
        id: by which people call it.
        client: PSA client id of the bill.
        client_name: for people.
        connection: name of the source.
        account: the vendor's id.
        period: the month that differs.
        lines: with counts before and after, and the pull that shows each.
        units: behind them, by name.
        unproven: code when nothing proves the month any more, else empty.
        price: signed, None where the PSA sets the price.
        cost: likewise.
        currency: of the money.
        state: see `State`; `withdrawn` where facts and bill agree again or other facts came.
        billed_in: months of the bills that carry it.
        found_at: UTC.
        by: who decided.
        reason: why.
    """

    id: int
    client: str
    client_name: str
    connection: str
    account: str
    period: str
    lines: tuple[LateLine, ...]
    units: tuple[LateUnits, ...]
    unproven: str
    price: Decimal | None
    cost: Decimal | None
    currency: str
    state: State
    billed_in: tuple[str, ...]
    found_at: datetime | None
    by: str
    reason: str


async def list_corrections(
    database: Database, psa_id: int, *, clients: Collection[str] = (), everything: bool = False
) -> list[CorrectionView]:
    """Differences that wait for a word or a bill, the newest first.

    Args:
        database: where they are.
        psa_id: row id of the PSA connection.
        clients: only these, by id or by a name that one client has.
        everything: also those that were billed, dismissed or withdrawn.

    Raises:
        ClientUnknown: a client was named that is not exactly one.
    """
    async with database.reader() as conn:
        keys: set[str] = set()
        if clients:
            book = await load_references(conn, psa_id)
            known = book.of(psa_id, ReferenceKind.CLIENT)
            keys = {choose_client(known, (), one).key for one in clients}
        views = await correction_views(conn, psa_id, clients=keys)
    return [one for one in views if everything or one.state in {State.OPEN, State.WAITS}]


async def find_correction(database: Database, psa_id: int, wanted: int) -> CorrectionView:
    """One difference.

    Raises:
        CorrectionRefused: there is none of this number.
    """
    async with database.reader() as conn:
        found = await correction_views(conn, psa_id, ids=[wanted])
    if not found:
        message = f"there is no correction {wanted}"
        raise CorrectionRefused(message, remedy="`syncd corrections list --all` shows them")
    return found[0]


async def correction_views(
    conn: AsyncConnection, psa_id: int, *, ids: Collection[int] = (), clients: Collection[str] = ()
) -> list[CorrectionView]:
    """Differences by number, of some clients, or all of them, the newest first."""
    rows = await late_changes(conn, ids=ids, clients=clients)
    billed: dict[int, list[str]] = {}
    for found in (await corrections_of(conn, {row.account_id for row in rows})).values():
        for one in found:
            billed.setdefault(one.late_change_id, []).append(one.billed_in)
    names = (await load_references(conn, psa_id)).of(psa_id, ReferenceKind.CLIENT) if rows else {}
    accounts = {one: await names_of_account(conn, one) for one in {row.account_id for row in rows}}
    views = []
    for row in rows:
        content = decode_late(row.content)
        connection, account = accounts[row.account_id]
        months = billed.get(row.id, [])
        client = names.get(row.client_key)
        views.append(
            CorrectionView(
                id=row.id,
                client=row.client_key,
                client_name=client.name if client is not None else row.client_key,
                connection=connection,
                account=account,
                period=row.period,
                lines=content.lines,
                units=content.units,
                unproven=content.unproven,
                price=row.price_change,
                cost=row.cost_change,
                currency=row.currency,
                state=_state(row, months),
                billed_in=tuple(sorted({month for month in months if month})),
                found_at=row.found_at,
                by=row.by,
                reason=row.reason,
            )
        )
    return views


def _state(row: StoredLateChange, months: Sequence[str]) -> State:
    if row.outcome == ACCEPTED:
        return State.BILLED if months and all(months) else State.WAITS
    if row.outcome == DISMISSED:
        return State.DISMISSED
    return State.OPEN if row.closed_at is None else State.WITHDRAWN
