"""The shadow of a month: every line that we would bill beside what the PSA bills today.

Reads our books once, the PSA once, and the units only of lines whose counts differ. Nothing is
written anywhere, so that it may be asked as often as anybody likes, in shadow and live.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from syncd.core.billing.arithmetic import ZERO, total
from syncd.core.service.basis_recorder import BasisRecorder
from syncd.core.service.clients import choose_clients
from syncd.core.service.explained import Evidence
from syncd.core.service.explanation import ExplainedLine, Origin
from syncd.core.service.psa_sweep import sweep
from syncd.core.service.reckoning import ReckoningRules, Sources, reckon
from syncd.core.service.refusals import PeriodNotOver
from syncd.core.service.replay import FoundLine
from syncd.core.service.shadow_lines import OurLine, ShadowLines, known_kinds
from syncd.core.service.shadow_match import Billed, Matches, Sheet, match
from syncd.core.service.shadow_rows import (
    Facts,
    ShadowRow,
    ShadowTotal,
    add_up,
    alone,
    compare,
)
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.golive import GoLiveBook, load_golive
from syncd.core.store.references import ReferenceKind
from syncd.sdk.period import Period, last_finished
from syncd.sdk.records import ProductKind

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.ports import Psa


class ShadowRules(ReckoningRules, Protocol):
    """The settings of `[billing]` that a comparison needs; see docs/config.md."""

    @property
    def mode(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowReport:
    """The comparison of a month.

    Attributes:
        period: the month.
        running: it is not over, so that the counts are those of now.
        currency: of our money; the PSA does not name its own.
        rows: by client and line.
        clients: their sums, in the same order.
        total: of all clients.
        other_records: what else the PSA bills these clients, which we count nothing of.
        other_money: its money as far as it is known, in none of the sums.
    """

    period: str
    running: bool
    currency: str
    rows: tuple[ShadowRow, ...]
    clients: tuple[ShadowTotal, ...]
    total: ShadowTotal
    other_records: int
    other_money: Decimal


async def read_shadow(
    database: Database,
    psa: Psa,
    psa_connection: ConnectionRef,
    *,
    rules: ShadowRules,
    timezone: ZoneInfo,
    sources: Sources,
    now: datetime,
    period: Period | None = None,
    clients: Collection[str] = (),
) -> ShadowReport:
    """Compare a month.

    Args:
        database: where our books are.
        psa: the opened PSA; it is only read.
        psa_connection: its stored connection.
        rules: settings of `[billing]`.
        timezone: of billing.
        sources: which connections count.
        now: UTC.
        period: None for the last finished month; one that goes on is compared so far.
        clients: only these, by id or by a name that one client has.

    Raises:
        PeriodNotOver: the month has not begun.
        ClientUnknown: a client was named that is not exactly one.
        ConnectorError: the PSA could not be read whole.
    """
    chosen = period or last_finished(now, timezone)
    if chosen.start(timezone) > now:
        raise PeriodNotOver(f"{chosen} has not begun", remedy="name a month that has")
    running = chosen.end(timezone) > now
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=chosen.first_day.isoformat())
        golive = await load_golive(conn, psa_connection.id, mode=rules.mode)
        linked = data.accounts_of_psa(psa_connection.id)
        wanted = [one for one in choose_clients(data, psa_connection.id, clients) if one in linked]
        drafting = await reckon(
            conn,
            data,
            psa_id=psa_connection.id,
            sources=sources,
            period=chosen,
            timezone=timezone,
            rules=rules,
            running_at=now if running else None,
        )
        drafts = list(drafting.drafts(wanted))
    keys = {data.links[one].client_key for one in wanted}
    remotes = [record.remote for one in drafts for record in one.books.records if record.remote]
    seen = await sweep(psa, keys, remotes)
    lines = ShadowLines(drafting, psa.marker)
    ours: dict[str, list[OurLine]] = {key: [] for key in keys}
    for draft in drafts:
        ours[draft.client] += lines.of(draft)
    known = known_kinds(data, ours)
    rows: list[ShadowRow] = []
    totals: list[ShadowTotal] = []
    other: list[Billed] = []
    names = {
        key: data.references.name(psa_connection.id, ReferenceKind.CLIENT, key) for key in ours
    }
    recorder = BasisRecorder(drafting=drafting, psa_name=psa_connection.name)
    async with database.reader() as conn:
        for key in sorted(ours, key=lambda one: (names[one].casefold(), one)):
            held = ours[key]
            found = match(
                Sheet(
                    lines=[lines.opened(one) for one in held if one.line is not None],
                    remotes=lines.remotes(held),
                    records=seen.of(key),
                    recurring=seen.recurring.get(key, ()),
                    ours=drafting.books.ours,
                ),
                known=known,
                style=drafting.style,
                period=chosen,
                scale=rules.money_scale,
            )
            other += found.other
            own = await _rows(conn, held, found, recorder, rules.money_scale, timezone, now)
            own += [alone(key, names[key], one) for one in found.alone]
            rows += own
            since = _since(golive, key, str(chosen))
            totals.append(add_up(own, client=key, client_name=names[key], live_since=since))
    return ShadowReport(
        period=str(chosen),
        running=running,
        currency=rules.currency,
        rows=tuple(rows),
        clients=tuple(one for one in totals if any(row.client == one.client for row in rows)),
        total=add_up(rows),
        other_records=len(other),
        other_money=total(one.money for one in other if one.money is not None),
    )


async def _rows(
    conn: AsyncConnection,
    held: Sequence[OurLine],
    found: Matches,
    recorder: BasisRecorder,
    scale: int,
    timezone: ZoneInfo,
    now: datetime,
) -> list[ShadowRow]:
    rows = []
    for one in held:
        billed = found.by_line.get(one.key, ())
        row = compare(one.side, billed, scale)
        if row.units and billed and one.line is not None:
            facts = await _facts(conn, one, recorder, timezone, now, more=row.units > 0)
            row = compare(replace(one.side, facts=facts), billed, scale)
        rows.append(row)
    return rows


async def _facts(
    conn: AsyncConnection,
    one: OurLine,
    recorder: BasisRecorder,
    timezone: ZoneInfo,
    now: datetime,
    *,
    more: bool,
) -> Facts:
    """What the units of a line say about its difference.

    Where we count more and never billed before, no unit of it can say anything.
    """
    assert one.line is not None
    basis = recorder.reckoned(one.draft)
    line = next((line for line in basis.lines if line.key == one.line.key), None)
    if line is None:
        return Facts()
    kinds = one.draft.data.products if one.draft.data is not None else {}
    ruled = sum(
        (
            item.billed - item.raw
            for item in line.products
            if item.key in kinds and kinds[item.key].kind is ProductKind.LICENCE
        ),
        ZERO,
    )
    if more and one.draft.books.last is None:
        return Facts(ruled=ruled)
    found = FoundLine(bill=basis, line=line, origin=Origin.COMPUTED, status="", known_at=now)
    explained = await Evidence(conn, timezone, None).line(found)
    joined, left, since = _moved(explained)
    return Facts(
        since=since,
        joined=joined,
        left=left,
        excluded=sum(len(item.excluded) for item in explained.products),
        ruled=ruled,
    )


def _moved(line: ExplainedLine) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Names of the units that joined and left, and since which month's bill."""
    joined: list[str] = []
    left: list[str] = []
    since = ""
    for item in line.products:
        if item.since is not None:
            moves = item.since.movements
            joined += [one.unit.name or one.unit.unit for one in moves.joined]
            left += [one.unit.name or one.unit.unit for one in moves.left]
            since = item.since.period
    return tuple(joined), tuple(left), since


def _since(golive: GoLiveBook, client: str, period: str) -> str:
    if not golive.is_live(client, period):
        return ""
    return golive.first_period(client) or "live"
