"""What a bill was at a moment: its revisions, who released or reopened it, how its writes stood.

Explaining one line reads rows of one client only, however large the installation is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncd.core.billing.bill_life import BillKind
from syncd.core.store.asking import fetch, fetch_one, scalar
from syncd.core.store.census.selection import FOREVER, among, listed, moment_or_forever
from syncd.core.store.micros import from_micros, to_micros
from syncd.core.store.states import MAKES_BILLS, OutboxState, PlanBillState, PlanKind
from syncd.sdk.records import Measure, ProductKind, Severity

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader

_HEADS = """
SELECT b.id, b.account_id, b.period, b.revision, b.kind, p.kind, b.plan_id, p.made_at,
       b.recorded_at, b.completed_at
  FROM bill b JOIN plan p ON p.id = b.plan_id
 WHERE {whose} AND b.recorded_at <= :as_of
 ORDER BY b.period DESC, b.account_id, b.revision DESC
"""
_LINES = "SELECT line_uid, basis FROM bill_line WHERE bill_id = :bill ORDER BY id"
_WRITES = (
    "SELECT line_uid, state, settled_at FROM outbox WHERE plan_id = :plan AND account_id = :account"
)
_WRITTEN = "SELECT remote FROM outbox WHERE plan_id = :plan AND key = :key"
_RECORDED = "SELECT remote FROM psa_record WHERE key = :key"
_RELEASES = (
    "SELECT released_by, release_reason, released_at FROM plan_bill"
    " WHERE plan_id = :plan AND account_id = :account AND released_at <= :as_of ORDER BY id"
)
_REOPENINGS = (
    "SELECT r.reopened_by, r.reason, r.reopened_at"
    " FROM bill_reopening r JOIN bill b ON b.id = r.bill_id"
    " WHERE b.account_id = :account AND b.period = :period AND r.reopened_at <= :as_of"
    " ORDER BY r.id"
)
_PLANNED = """
SELECT b.plan_id, b.bill_key, b.state, b.basis, b.released_at, p.period, p.kind, p.made_at
  FROM plan_bill b JOIN plan p ON p.id = b.plan_id
 WHERE b.account_id = :account AND p.made_at <= :as_of AND {kinds}{more}
 ORDER BY b.id DESC LIMIT 1
"""
_HOLDING = (
    "SELECT id FROM objection WHERE plan_id = :plan AND severity = :hold"
    " AND (bill_key = :bill OR bill_key IS NULL) LIMIT 1"
)
_LINKED = (
    "psa_connection_id = :psa AND recorded_at <= :as_of"
    " AND (superseded_at IS NULL OR superseded_at > :as_of)"
)
_ACCOUNTS = (
    f"SELECT account_id FROM client_link WHERE client_key = :client AND {_LINKED}"  # noqa: S608 - values are bound
    " ORDER BY account_id"
)
_CLIENTS = f"SELECT client_key FROM client_link WHERE {_LINKED}"  # noqa: S608 - as above


@dataclass(frozen=True, slots=True, kw_only=True)
class BillHead:
    """A bill without its lines.

    Attributes:
        id: row id.
        account_id: whose bill.
        period: month billed.
        revision: 1 for the first send of the month.
        kind: how final it was at the moment asked for.
        running: it was sent while its month went on.
        plan_id: the plan that made it.
        made_at: when that plan was made: what was known then decides the bill.
        recorded_at: when it was applied.
        completed_at: when its last write was acknowledged, None before.
    """

    id: int
    account_id: int
    period: str
    revision: int
    kind: BillKind
    running: bool
    plan_id: str
    made_at: datetime
    recorded_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who let a held bill go, or reopened a final one.

    Attributes:
        by: name of the person.
        reason: in their words.
        at: UTC.
    """

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHead:
    """An account's bill in a plan.

    Attributes:
        plan_id: the plan.
        period: month planned.
        running: of a month that went on.
        made_at: when it was planned.
        state: its fate at the moment asked for.
        basis: JSON, see `syncd.core.service.basis`.
    """

    plan_id: str
    period: str
    running: bool
    made_at: datetime
    state: PlanBillState
    basis: str


async def bill_heads(
    conn: Reader,
    *,
    client: str | None = None,
    account_id: int | None = None,
    as_of: datetime | None = None,
) -> list[BillHead]:
    """Bills of a client or an account as they stood, the newest month and revision first.

    Args:
        conn: a reader's connection.
        client: PSA client that they were made out to.
        account_id: whose bills.
        as_of: only what was recorded by then; None for now.
    """
    whose = "b.client_key = :client" if client is not None else "b.account_id = :account"
    bound: dict[str, Any] = {"as_of": moment_or_forever(as_of)}
    bound |= {"account": account_id} if client is None else {"client": client}
    rows = await fetch(conn, _HEADS.format(whose=whose), bound)
    return [_head(row, as_of) for row in rows]


def _head(row: Sequence[Any], as_of: datetime | None) -> BillHead:
    bill, account, period, revision, kind, plan_kind, plan, made, recorded, completed = row
    if completed is not None and completed > moment_or_forever(as_of):
        completed = None
    return BillHead(
        id=bill,
        account_id=account,
        period=period,
        revision=revision,
        kind=BillKind.TEMPORARY if completed is None else BillKind(kind),
        running=plan_kind == PlanKind.RUNNING.value,
        plan_id=plan,
        made_at=from_micros(made),
        recorded_at=from_micros(recorded),
        completed_at=None if completed is None else from_micros(completed),
    )


async def line_bases(conn: Reader, bill_id: int) -> list[tuple[str, str]]:
    """Uid and basis of each line of a bill, in pushing order."""
    return [(uid, basis) for uid, basis in await fetch(conn, _LINES, {"bill": bill_id})]


async def line_writes(
    conn: Reader, plan_id: str, account_id: int, *, as_of: datetime | None
) -> dict[str, OutboxState]:
    """How the writes of a bill stood, by line uid; a line without a write is absent."""
    moment = None if as_of is None else to_micros(as_of)
    return {
        uid: OutboxState(state)
        if moment is None or (settled is not None and settled <= moment)
        else OutboxState.PENDING
        for uid, state, settled in await fetch(
            conn, _WRITES, {"plan": plan_id, "account": account_id}
        )
    }


async def remote_of(conn: Reader, plan_id: str, key: str) -> str | None:
    """The PSA's id of the record that a plan wrote, else of the one that has the line now."""
    written: str | None = await scalar(conn, _WRITTEN, {"plan": plan_id, "key": key})
    if written is not None:
        return written
    recorded: str | None = await scalar(conn, _RECORDED, {"key": key})
    return recorded


async def release_of(
    conn: Reader, plan_id: str, account_id: int, *, as_of: datetime | None
) -> Approval | None:
    """Who released the account's bill of a plan; None where nobody had to."""
    bound = {"plan": plan_id, "account": account_id, "as_of": moment_or_forever(as_of)}
    found = await fetch_one(conn, _RELEASES, bound)
    return None if found is None else _approval(found)


async def reopenings_of(
    conn: Reader, account_id: int, period: str, *, as_of: datetime | None
) -> tuple[Approval, ...]:
    """Who reopened the account's final bill of the month, the oldest first."""
    bound = {"account": account_id, "period": period, "as_of": moment_or_forever(as_of)}
    return tuple([_approval(row) for row in await fetch(conn, _REOPENINGS, bound)])


def _approval(row: Sequence[Any]) -> Approval:
    by, reason, at = row
    return Approval(by=by, reason=reason, at=from_micros(at))


async def newest_planned(
    conn: Reader,
    account_id: int,
    *,
    period: str | None = None,
    running: bool | None = None,
    as_of: datetime | None = None,
) -> PlannedHead | None:
    """The account's bill in the newest plan that had it.

    Args:
        conn: a reader's connection.
        account_id: whose bill.
        period: only plans of this month.
        running: only plans of months that went on, or only the others; None for both.
        as_of: only plans made by then, and their fate as far as it was known then.
    """
    more = ""
    bound: dict[str, Any] = {"account": account_id, "as_of": moment_or_forever(as_of)}
    if period is not None:
        more += " AND p.period = :period"
        bound["period"] = period
    if running is not None:
        more += f" AND p.kind {'=' if running else '<>'} :running"
        bound["running"] = PlanKind.RUNNING.value
    kinds = among(conn, "p.kind", "kinds")
    bound["kinds"] = listed(conn, MAKES_BILLS)
    row = await fetch_one(conn, _PLANNED.format(kinds=kinds, more=more), bound)
    if row is None:
        return None
    plan_id, bill_key, stored, basis, released_at, month, kind, made_at = row
    state = PlanBillState(stored)
    if as_of is not None and state is not PlanBillState.SHADOW:
        state = await _state_then(conn, plan_id, bill_key, released_at, as_of)
    return PlannedHead(
        plan_id=plan_id,
        period=month,
        running=kind == PlanKind.RUNNING.value,
        made_at=from_micros(made_at),
        state=state,
        basis=basis,
    )


async def _state_then(
    conn: Reader, plan_id: str, bill_key: str, released_at: int | None, as_of: datetime
) -> PlanBillState:
    """The fate of a bill with lines before it was applied: an objection held it, or nothing did."""
    if released_at is not None:
        released = released_at <= to_micros(as_of)
        return PlanBillState.RELEASED if released else PlanBillState.HELD
    bound = {"plan": plan_id, "bill": bill_key, "hold": Severity.HOLD.value}
    held = await fetch_one(conn, _HOLDING, bound) is not None
    return PlanBillState.HELD if held else PlanBillState.READY


async def linked_accounts(
    conn: Reader, psa_connection_id: int, client: str, *, as_of: datetime | None
) -> tuple[int, ...]:
    """Row ids of the accounts that were linked to a client, ascending."""
    bound = {"psa": psa_connection_id, "client": client, "as_of": moment_or_forever(as_of)}
    return tuple([row[0] for row in await fetch(conn, _ACCOUNTS, bound)])


async def linked_clients(
    conn: Reader, psa_connection_id: int, clients: Collection[str]
) -> set[str]:
    """Those of a few clients that an account is linked to now."""
    if len(clients) < 2:
        return set()
    bound = {"psa": psa_connection_id, "as_of": FOREVER}
    return {row[0] for row in await fetch(conn, _CLIENTS, bound)} & set(clients)


async def measures(conn: Reader, product_ids: Collection[int]) -> dict[int, Measure]:
    """What one unit of each product's quantity is; a storage is always billed as bytes."""
    question = f"SELECT id, kind, measure FROM product WHERE {among(conn, 'id', 'ids')}"  # noqa: S608 - values are bound
    return {
        product: Measure.BYTE
        if ProductKind(kind) is ProductKind.STORAGE and measure == Measure.COUNT.value
        else Measure(measure)
        for product, kind, measure in await fetch(
            conn, question, {"ids": listed(conn, product_ids)}
        )
    }
