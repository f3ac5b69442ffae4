"""A few numbers about the whole installation, for the view at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.states import PlanKind
from syncd.core.store.types import from_micros

_COMPLETE = text(
    "SELECT connection_id, MAX(taken_at) AS taken_at FROM pull p WHERE state = 'complete' "
    "AND period = '' AND NOT EXISTS (SELECT 1 FROM pull_void v WHERE v.pull_id = p.id) "
    "GROUP BY connection_id"
)
_LAST_SIZE = text(
    "SELECT seen FROM pull WHERE connection_id = :connection AND state = 'complete' "
    "AND period = '' ORDER BY seq DESC LIMIT 1"
)
_LISTS = text(
    "SELECT connection_id, MAX(seen_at) AS seen_at FROM ("
    "SELECT connection_id, seen_at FROM reference UNION ALL "
    "SELECT connection_id, seen_at FROM ledger_reference WHERE kind <> 'book'"
    ") r GROUP BY connection_id"
)
_ACCOUNTS = text(
    "SELECT a.connection_id, COUNT(*) AS accounts, COUNT(l.id) AS linked FROM account a "
    "LEFT JOIN client_link l ON l.account_id = a.id AND l.superseded_at IS NULL "
    "WHERE a.removed_pull IS NULL GROUP BY a.connection_id"
)
_ISSUES = text(
    "SELECT connection, severity, COUNT(*) AS n FROM issue WHERE closed_at IS NULL "
    "GROUP BY connection, severity"
)
_CODES = text("SELECT DISTINCT code FROM issue WHERE closed_at IS NULL")
_BILLS = text(
    "SELECT p.id AS plan, p.period, b.state, COUNT(*) AS n, p.kind FROM plan_bill b "
    "JOIN plan p ON p.id = b.plan_id WHERE p.state = 'open' "
    "AND b.state IN ('held', 'ready', 'released') "
    "GROUP BY p.id, p.period, b.state, p.kind ORDER BY p.id"
)
_OUTBOX = text(
    "SELECT state, COUNT(*) AS n FROM outbox "
    "WHERE state IN ('pending', 'sending', 'unknown', 'needs_review') GROUP BY state"
)
_CUT_OFF = text(
    "SELECT plan_id, state, COUNT(*) AS n FROM ("
    "SELECT plan_id, state FROM wire_change UNION ALL SELECT plan_id, state FROM asset_record"
    ") w WHERE state IN ('pending', 'sending', 'unknown', 'needs_review') "
    "GROUP BY plan_id, state ORDER BY plan_id, state"
)


@dataclass(frozen=True, slots=True)
class OpenBills:
    """Bills of an open plan that wait, by state; of adoptions and assets what they write."""

    plan: str
    period: str
    state: str
    count: int
    kind: str = PlanKind.BILLING.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What stands in the database.

    Attributes:
        complete: start of the last complete pull that was not voided, by connection id.
        lists: when the lists of a PSA or of a book were last read, by connection id.
        accounts: accounts that exist and those of them with a client, by connection id.
        issues: open issues by connection name (empty: the installation) and severity.
        issue_codes: every code that is open.
        bills: waiting bills of open plans.
        outbox: writes whose end is not known, by state.
        cut_off: plans of links and of assets with such writes; only their apply goes on with them.
    """

    complete: Mapping[int, datetime]
    lists: Mapping[int, datetime]
    accounts: Mapping[int, tuple[int, int]]
    issues: Mapping[str, Mapping[str, int]]
    issue_codes: frozenset[str]
    bills: tuple[OpenBills, ...]
    outbox: Mapping[str, int]
    cut_off: tuple[str, ...] = ()


async def load_figures(conn: AsyncConnection) -> Figures:
    """Read all of them in one transaction."""
    issues: dict[str, dict[str, int]] = {}
    for row in await conn.execute(_ISSUES):
        issues.setdefault(row.connection, {})[row.severity] = row.n
    outbox = {row.state: row.n for row in await conn.execute(_OUTBOX)}
    cut_off = (await conn.execute(_CUT_OFF)).fetchall()
    for row in cut_off:
        outbox[row.state] = outbox.get(row.state, 0) + row.n
    return Figures(
        complete={
            row.connection_id: from_micros(row.taken_at) for row in await conn.execute(_COMPLETE)
        },
        lists={row.connection_id: from_micros(row.seen_at) for row in await conn.execute(_LISTS)},
        accounts={
            row.connection_id: (row.accounts, row.linked) for row in await conn.execute(_ACCOUNTS)
        },
        issues=issues,
        issue_codes=frozenset((await conn.execute(_CODES)).scalars()),
        bills=tuple(OpenBills(*row) for row in await conn.execute(_BILLS)),
        outbox=outbox,
        cut_off=tuple(dict.fromkeys(row.plan_id for row in cut_off)),
    )


async def last_complete_size(conn: AsyncConnection, connection_id: int) -> int:
    """How many units the last complete pull saw, excluded ones included; 0 before the first."""
    return int(await conn.scalar(_LAST_SIZE, {"connection": connection_id}) or 0)
