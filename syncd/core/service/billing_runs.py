"""Planning and applying by hand as runs: a row, a history, one closing line each.

How the PSA did is what is known of its connection from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.application import ApplyRules, apply_plan, check_plan
from syncd.core.service.applied import ApplyReport, Fate
from syncd.core.service.billing_run import PlanRules, plan_billing
from syncd.core.service.connection_health import (
    blamed_on_connection,
    connection_failed,
    connection_worked,
    failures_recorded,
)
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.reckoning import Sources
from syncd.core.service.runs import RunHandle, run
from syncd.core.service.stored_plan import StoredPlan
from syncd.core.store.delivery_lock import billing_turn
from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.core.store.runs import RunStatus
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import DataError, OutcomeUnknown, PlanHeld, SyncdError
from syncd.sdk.period import Period
from syncd.sdk.ports import Psa
from syncd.sdk.records import Objection, Plan, PlanContext, RunReport

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

SUBJECT = "billing"
PLAN = "plan"
APPLY = "apply"

OpenPsa = Callable[[], AbstractAsyncContextManager[Psa]]
"""Opens the connection of the PSA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingDesk:
    """What every run of billing needs.

    Attributes:
        database: where everything is.
        open_psa: opens the PSA.
        psa_connection: its stored connection.
        clock: current time in UTC.
        log: gets the events.
        node: who runs it.
        report: told of finished runs.
        wait_seconds: how long to wait for another process that plans or applies.
    """

    database: Database
    open_psa: OpenPsa
    psa_connection: ConnectionRef
    clock: Callable[[], datetime]
    log: EventLog
    node: str
    report: Callable[[RunReport], None] | None = None
    wait_seconds: float = 30.0

    async def plan(
        self,
        *,
        rules: PlanRules,
        timezone: ZoneInfo,
        sources: Sources,
        period: Period | None = None,
        clients: Collection[str] = (),
        accounts: Collection[int] | None = None,
        kind: PlanKind = PlanKind.BILLING,
        review_plan: Callable[[Plan, PlanContext], Sequence[Objection]] | None = None,
        scheduled_for: datetime | None = None,
    ) -> StoredPlan:
        """Plan a month; see `plan_billing`. Waits while another process plans or applies."""
        async with (
            self._turn(),
            self._run(PLAN, scheduled_for) as handle,
            self._session() as session,
        ):
            stored = await plan_billing(
                self.database,
                rules=rules,
                timezone=timezone,
                psa=session.psa,
                psa_connection=self.psa_connection,
                sources=sources,
                clock=self.clock,
                log=self.log,
                period=period,
                clients=clients,
                accounts=accounts,
                kind=kind,
                review_plan=review_plan,
                run_id=handle.id,
            )
            held, errors = (
                stored.count(PlanBillState.HELD),
                stored.count(PlanBillState.ERROR),
            )
            handle.count("bills", len(stored.plan.bills))
            handle.count("changes", sum(len(bill.changes) for bill in stored.plan.bills))
            handle.count("held", held)
            handle.count("errors", errors)
            if errors:
                handle.ends(RunStatus.PARTIAL, code=DataError.code, error=f"{errors} bills stop")
            elif held:
                handle.ends(RunStatus.HELD, code=PlanHeld.code, error=f"{held} bills wait")
            return stored

    async def apply(
        self,
        wanted: str,
        *,
        rules: ApplyRules,
        dry_run: bool = False,
        progress: Callable[[int], None] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        scheduled_for: datetime | None = None,
    ) -> ApplyReport:
        """Apply a plan; see `apply_plan`. What is refused at once is no run."""
        await check_plan(
            self.database,
            wanted,
            rules=rules,
            psa_connection=self.psa_connection,
            now=self.clock(),
            dry_run=dry_run,
        )
        async with (
            self._turn(),
            self._run(APPLY, scheduled_for) as handle,
            self._session() as session,
        ):
            report = await apply_plan(
                self.database,
                wanted,
                rules=rules,
                psa=session.psa,
                psa_connection=self.psa_connection,
                clock=self.clock,
                log=self.log,
                sleep=sleep,
                dry_run=dry_run,
                progress=progress,
            )
            session.stopped_by = report.stopped_by
            handle.count("bills", len(report.bills))
            handle.count("delivered", report.delivered)
            handle.count("write_calls", report.write_calls)
            for name, fates in _COUNTED.items():
                handle.count(name, report.count(*fates))
            _conclude(handle, report)
            return report

    @asynccontextmanager
    async def side_run(self, kind: str) -> AsyncIterator[tuple[RunHandle, Psa]]:
        """A run of something else than bills; waits while another process plans or applies."""
        async with (
            self._turn(),
            self._run(kind, None) as handle,
            failures_recorded(self.database, self.psa_connection, self.clock, self.log),
            self.open_psa() as psa,
        ):
            yield handle, psa

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return billing_turn(self.database, self.psa_connection.id, wait_seconds=self.wait_seconds)

    @asynccontextmanager
    async def _run(self, kind: str, scheduled_for: datetime | None) -> AsyncIterator[RunHandle]:
        async with run(
            self.database,
            subject=SUBJECT,
            kind=kind,
            scheduled_for=scheduled_for,
            clock=self.clock,
            log=self.log,
            node=self.node,
            report=self.report,
        ) as handle:
            yield handle

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[_Session]:
        """The opened PSA; how it went is what is known of its connection from then on."""
        async with (
            failures_recorded(self.database, self.psa_connection, self.clock, self.log),
            self.open_psa() as psa,
        ):
            session = _Session(psa)
            yield session
        failure = session.stopped_by
        if failure is not None:
            if blamed_on_connection(failure):
                await connection_failed(
                    self.database, self.psa_connection, failure, now=self.clock(), log=self.log
                )
            return
        async with self.database.writer() as conn:
            book = IssueBook(conn, self.psa_connection.name, self.clock())
            await connection_worked(book, self.psa_connection)
        book.speak(self.log)


@dataclass(slots=True)
class _Session:
    """The opened PSA, and the error that ended a delivery to it."""

    psa: Psa
    stopped_by: SyncdError | None = None


_COUNTED = {
    "sent": (Fate.SENT,),
    "held": (Fate.HELD,),
    "refused": (Fate.REFUSED,),
    "rejected": (Fate.REJECTED,),
    "unsettled": (Fate.WAITING, Fate.NEEDS_REVIEW),
}


def _conclude(handle: RunHandle, report: ApplyReport) -> None:
    if report.stopped_by is not None:
        handle.ends(RunStatus.FAILED, code=report.stopped_by.code, error=str(report.stopped_by))
    elif report.count(Fate.WAITING, Fate.NEEDS_REVIEW):
        handle.ends(
            RunStatus.PARTIAL, code=OutcomeUnknown.code, error="some writes are not settled"
        )
    elif report.count(Fate.REFUSED, Fate.REJECTED, Fate.ERROR):
        handle.ends(RunStatus.PARTIAL, code=DataError.code, error="some bills were not sent")
    elif report.elsewhere:
        handle.ends(RunStatus.PARTIAL, code=OutcomeUnknown.code, error=report.elsewhere)
    elif report.count(Fate.HELD):
        handle.ends(RunStatus.HELD, code=PlanHeld.code, error="some bills wait for a person")
