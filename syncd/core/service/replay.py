"""A client's month as it was known at a moment: billed, else planned, else computed.

Bills and plans are read as they were stored. Only a month that nobody billed or planned by then is
reckoned anew, with the counts and decisions of the moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.basis import BillBasis, LineBasis, decode_bill, decode_line
from syncd.core.service.basis_recorder import BasisRecorder
from syncd.core.service.explanation import Origin
from syncd.core.service.ledger import Books
from syncd.core.service.reckoning import ReckoningRules, Sources, reckon
from syncd.core.service.refusals import NothingToExplain
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
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.outbox import OutboxState
from syncd.sdk.period import Period, last_finished

_STATUS = {
    OutboxState.DELIVERED: "sent",
    OutboxState.REJECTED: "not sent, rejected by the PSA",
    OutboxState.NEEDS_REVIEW: "in doubt, needs a person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoner:
    """What a month is computed with where nobody billed or planned it.

    Attributes:
        rules: settings of `[billing]`.
        sources: which connections count.
        now: the present moment.
    """

    rules: ReckoningRules
    sources: Sources
    now: datetime


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
        conn: a reader's connection.
        psa: the PSA connection.
        client: PSA client id.
        accounts: that were linked to it then.
        timezone: of billing.
        as_of: the moment, None for now.
        reckoner: None never computes.
    """

    conn: AsyncConnection
    psa: ConnectionRef
    client: str
    accounts: Sequence[int]
    timezone: ZoneInfo
    as_of: datetime | None
    reckoner: Reckoner | None

    async def lines(self, period: Period | None) -> list[FoundLine]:
        """Lines of the month; without one, of the month billed last that was over.

        A running month is taken unasked only where nothing else was ever billed or planned.

        Raises:
            NothingToExplain: the month was to be computed, and nothing would have been billed.
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
        if found or self.reckoner is None or (period is None and self.as_of is None):
            return found
        moment = self.as_of or self.reckoner.now
        return await self._computed(
            self.reckoner, period or last_finished(moment, self.timezone), moment
        )

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

    async def _computed(
        self, reckoner: Reckoner, period: Period, moment: datetime
    ) -> list[FoundLine]:
        """What the counts and decisions of the moment would have given.

        The records in the PSA play no part, so that what is sent later changes nothing here.
        """
        if period.start(self.timezone) > moment:
            message = f"{period} had not begun at {moment:%Y-%m-%d %H:%M} UTC"
            raise NothingToExplain(message, remedy="name an earlier month, or a later --as-of")
        data = await load_billing_data(
            self.conn, period_first_day=period.first_day.isoformat(), as_of=self.as_of
        )
        drafting = await reckon(
            self.conn,
            data,
            psa_id=self.psa.id,
            sources=reckoner.sources,
            period=period,
            timezone=self.timezone,
            rules=reckoner.rules,
            running_at=moment if period.end(self.timezone) > moment else None,
            as_of=self.as_of,
        )
        drafting = replace(drafting, books=Books(accounts={}, ours=frozenset()))
        recorder = BasisRecorder(drafting=drafting, psa_name=self.psa.name)
        found: list[FoundLine] = []
        stopped: list[str] = []
        for draft in drafting.drafts(list(self.accounts)):
            stopped += draft.bill.errors
            basis = recorder.reckoned(draft)
            found += [
                FoundLine(
                    bill=basis,
                    line=line,
                    origin=Origin.COMPUTED,
                    status="computed, nothing was billed",
                    known_at=moment,
                )
                for line in basis.lines
            ]
        if not found and stopped:
            message = f"{period} could not have been billed: {', '.join(dict.fromkeys(stopped))}"
            raise NothingToExplain(message, remedy="`syncd issues` says what stops it")
        return found
