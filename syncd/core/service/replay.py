"""A client's month as it was known at a moment: billed, else planned.

Bills and plans are read as they were stored; see `recomputed` for a month that has neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.basis import BillBasis, LineBasis, decode_bill, decode_line
from syncd.core.service.explanation import Origin
from syncd.core.store.billed import (
    Approval,
    BillHead,
    bill_heads,
    line_bases,
    line_writes,
    newest_planned,
    release_of,
    reopenings_of,
)
from syncd.core.store.states import OutboxState
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader

_STATUS = {
    OutboxState.DELIVERED: "sent",
    OutboxState.REJECTED: "not sent, rejected by the PSA",
    OutboxState.NEEDS_REVIEW: "in doubt, needs a person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLine:
    """A line to explain; meanings as in `ExplainedLine`."""

    bill: BillBasis
    line: LineBasis
    origin: Origin
    status: str
    known_at: datetime
    kind: BillKind | None = None
    revision: int | None = None
    plan_id: str = ""
    recorded_at: datetime | None = None
    completed_at: datetime | None = None
    released: Approval | None = None
    reopened: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One client at one moment.

    Attributes:
        conn: where it is read.
        client: PSA client id.
        accounts: that were linked to it then.
        as_of: the moment, None for now.
    """

    conn: Reader
    client: str
    accounts: Sequence[int]
    as_of: datetime | None

    async def lines(self, period: Period | None) -> list[FoundLine]:
        """Lines of the month; without one, of the month billed last that was over.

        A running month is taken unasked only where nothing else was ever billed or planned.
        """
        heads = await bill_heads(self.conn, client=self.client, as_of=self.as_of)
        month = str(period) if period is not None else await self._month(heads)
        found: list[FoundLine] = []
        seen: set[int] = set()
        for head in heads:
            if head.period == month and head.account_id not in seen:
                seen.add(head.account_id)
                found += await self._billed(head)
        for account_id in self.accounts:
            if account_id not in seen and month:
                found += await self._planned(account_id, month)
        return found

    async def _month(self, heads: Sequence[BillHead]) -> str:
        billed = max((head.period for head in heads if not head.running), default="")
        if billed:
            return billed
        planned = await self._newest_plan(running=False)
        return (
            planned
            or max((head.period for head in heads), default="")
            or (await self._newest_plan(running=True))
        )

    async def _newest_plan(self, *, running: bool) -> str:
        newest = ""
        for account_id in self.accounts:
            plan = await newest_planned(self.conn, account_id, running=running, as_of=self.as_of)
            if plan is not None and decode_bill(plan.basis).lines:
                newest = max(newest, plan.period)
        return newest

    async def _billed(self, head: BillHead) -> list[FoundLine]:
        """Lines with how their write stood; one that needed no write is as it was sent before."""
        ends: Mapping[str, OutboxState] = {}
        if head.completed_at is None:
            ends = await line_writes(self.conn, head.plan_id, head.account_id, as_of=self.as_of)
        released = await release_of(self.conn, head.plan_id, head.account_id, as_of=self.as_of)
        reopened = await reopenings_of(self.conn, head.account_id, head.period, as_of=self.as_of)
        found = []
        for uid, text in await line_bases(self.conn, head.id):
            basis = decode_line(text)
            found.append(
                FoundLine(
                    bill=basis.bill,
                    line=basis.line,
                    origin=Origin.BILL,
                    status=_STATUS.get(ends.get(uid, OutboxState.DELIVERED), "being sent"),
                    kind=head.kind,
                    revision=head.revision,
                    plan_id=head.plan_id,
                    known_at=head.made_at,
                    recorded_at=head.recorded_at,
                    completed_at=head.completed_at,
                    released=released,
                    reopened=reopened,
                )
            )
        return found

    async def _planned(self, account_id: int, month: str) -> list[FoundLine]:
        """Lines of the account in the newest plan of the month."""
        plan = await newest_planned(self.conn, account_id, period=month, as_of=self.as_of)
        basis = None if plan is None else decode_bill(plan.basis)
        if plan is None or basis is None or basis.client != self.client:
            return []
        released = await release_of(self.conn, plan.plan_id, account_id, as_of=self.as_of)
        return [
            FoundLine(
                bill=basis,
                line=line,
                origin=Origin.PLAN,
                status=f"planned, {plan.state.value}",
                plan_id=plan.plan_id,
                known_at=plan.made_at,
                released=released,
            )
            for line in basis.lines
        ]
