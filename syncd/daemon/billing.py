"""Billing by schedule: plan the last finished month, send what nobody objects to of live clients.

What is held waits for a person; it is never released by the daemon.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.service.application import apply_plan
from syncd.core.service.applied import Fate
from syncd.core.service.automatic import AutomaticRun, choose_automatic
from syncd.core.service.billing_run import plan_billing
from syncd.core.service.connection_health import failures_recorded
from syncd.core.service.delivery import DeliveryReport, deliver_pending
from syncd.core.service.reckoning import Sources
from syncd.core.service.reference import refresh_reference
from syncd.core.service.runs import RunHandle, run
from syncd.core.service.sign_in_issues import review_sign_ins
from syncd.core.service.stored_plan import StoredPlan
from syncd.core.store.adoptions import only_adoptions_wait
from syncd.core.store.delivery_lock import billing_turn
from syncd.core.store.golive import LIVE, GoLiveBook, load_golive
from syncd.core.store.outbox import waiting
from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.core.store.runs import RunStatus
from syncd.sdk.errors import DataError, OutcomeUnknown, PlanHeld, PluginError
from syncd.sdk.period import last_finished
from syncd.sdk.ports import Psa

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.core.store.connections import ConnectionRef

BILLING = "billing"
"""Subject of runs over all connections."""

BILL, DELIVER = "bill", "deliver"
"""Kinds of runs. Planning and applying are one run, so that a crash between them repeats both."""

TURN_SECONDS = 180.0
"""How long billing waits for another that bills or delivers; longer than for lost answers."""

_BADLY = (Fate.REFUSED, Fate.REJECTED, Fate.WAITING, Fate.NEEDS_REVIEW)


async def bills_anything(app: App) -> bool:
    """Whether there is anything to do: a client is live, or shadow is to be planned by schedule."""
    if app.settings.billing.mode == LIVE or app.settings.billing.due is not None:
        return True
    connection = await app.connection(app.psa_name())
    return (await _golive(app, connection)).anyone


async def bill(app: App, due: datetime | None) -> None:
    """The automatic run of clients that are live: plan who is due and apply.

    In shadow a schedule plans the month before of all other clients as well, and writes none of it.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    name = app.psa_name()
    connection = await app.connection(name)
    live = (await _golive(app, connection)).anyone
    async with (
        _run(app, BILLING, BILL, due) as handle,
        billing_turn(app.database, connection.id, wait_seconds=TURN_SECONDS),
    ):
        run_now = await _choose(app, connection) if live else None
        if run_now is not None:
            handle.count("missed", len(run_now.missed))
            if not run_now.due and not _compared(app, run_now):
                handle.count("bills", 0)
                return
        await _bill(app, connection, due, handle, run_now)


async def _bill(
    app: App,
    connection: ConnectionRef,
    due: datetime | None,
    handle: RunHandle,
    run_now: AutomaticRun | None,
) -> None:
    async with _psa(app, connection) as psa:
        if run_now is not None:
            await _settle_earlier(app, psa, connection, handle)
        await refresh_reference(
            app.database, connection, psa, clock=app.clock, log=app.log, run=handle
        )
        stored = await _plan(app, psa, connection, due, handle, run_now)
        sendable = stored.count(PlanBillState.READY, PlanBillState.UNCHANGED)
        if run_now is not None and run_now.due and sendable:
            await _apply(app, psa, connection, stored, handle)


async def _choose(app: App, connection: ConnectionRef) -> AutomaticRun:
    return await choose_automatic(
        app.database,
        timezone=app.settings.timezone,
        auto_time=app.settings.billing.opens,
        psa_connection=connection,
        now=app.clock(),
        log=app.log,
        mode=app.settings.billing.mode,
    )


async def _golive(app: App, connection: ConnectionRef) -> GoLiveBook:
    async with app.database.reader() as reading:
        return await load_golive(reading, connection.id, mode=app.settings.billing.mode)


def _compared(app: App, run_now: AutomaticRun) -> frozenset[int]:
    """Accounts of clients in shadow that are planned beside those that are billed.

    In shadow a schedule asks for them; otherwise they come with the bills of the others.
    """
    billing = app.settings.billing
    asked = billing.mode != LIVE and billing.due is not None
    return run_now.shadow if asked or run_now.due else frozenset()


async def deliver(app: App, name: str, due: datetime | None) -> None:
    """Go on with writes to a PSA that a crash or a lost answer left open, when it is time.

    The look at the ends of sign-ins is here too, for connections that nobody pulls.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    connection = await app.connection(name)
    await review_sign_ins(app.database, active=app.settings.in_use, now=app.clock(), log=app.log)
    live = (await _golive(app, connection)).anyone
    async with app.database.reader() as reading:
        left, when = await waiting(reading, connection.id)
        if not live and not await only_adoptions_wait(reading, connection.id):
            return
    if not left or (when is not None and when > app.clock()):
        return
    async with _run(app, name, DELIVER, due) as handle, _psa(app, connection) as psa:
        report = await deliver_pending(app.database, psa, connection, clock=app.clock, log=app.log)
        _count_earlier(handle, report)
        if report.stopped_by is not None:
            raise report.stopped_by


def _count_earlier(handle: RunHandle, report: DeliveryReport) -> None:
    """Put how earlier writes ended into the run's row; what ended badly makes it partial."""
    handle.count("delivered", report.delivered)
    handle.count("rejected", report.rejected)
    handle.count("parked", report.parked)
    handle.count("waiting", report.waiting)
    if report.rejected or report.parked or report.waiting:
        told = "some writes did not end well yet: `syncd issues`"
        handle.ends(RunStatus.PARTIAL, code=OutcomeUnknown.code, error=told)


async def _settle_earlier(app: App, psa: Psa, connection: ConnectionRef, handle: RunHandle) -> None:
    """End what a crash left open: an account with unsettled writes cannot be planned."""
    async with app.database.reader() as reading:
        left, _ = await waiting(reading, connection.id)
    if left:
        report = await deliver_pending(
            app.database,
            psa,
            connection,
            clock=app.clock,
            log=app.log,
            lock_seconds=TURN_SECONDS,
        )
        _count_earlier(handle, report)
        if report.stopped_by is not None:
            raise report.stopped_by


async def _plan(
    app: App,
    psa: Psa,
    connection: ConnectionRef,
    due: datetime | None,
    handle: RunHandle,
    run_now: AutomaticRun | None,
) -> StoredPlan:
    settings = app.settings
    shadowed = last_finished(due or app.clock(), settings.timezone)
    automatic = run_now is not None and bool(run_now.due)
    stored = await plan_billing(
        app.database,
        rules=settings.billing,
        timezone=settings.timezone,
        psa=psa,
        psa_connection=connection,
        sources=sources_of(app),
        clock=app.clock,
        log=app.log,
        period=shadowed if run_now is None else run_now.period,
        accounts=None if run_now is None else run_now.due | _compared(app, run_now),
        kind=PlanKind.AUTOMATIC if automatic else PlanKind.BILLING,
        review_plan=app.plugins.review_plan,
        run_id=handle.id,
    )
    held, failed = stored.count(PlanBillState.HELD), stored.count(PlanBillState.ERROR)
    handle.count("bills", len(stored.plan.bills))
    handle.count("shadow", stored.count(PlanBillState.SHADOW))
    handle.count("held", held)
    handle.count("errors", failed)
    if held:
        told = f"{held} bills of {stored.id} wait for a person: `syncd plans show {stored.id}`"
        handle.ends(RunStatus.HELD, code=PlanHeld.code, error=told)
    elif failed:
        told = f"{failed} bills of {stored.id} cannot be made: `syncd issues`"
        handle.ends(RunStatus.PARTIAL, code=DataError.code, error=told)
    return stored


async def _apply(
    app: App, psa: Psa, connection: ConnectionRef, stored: StoredPlan, handle: RunHandle
) -> None:
    report = await apply_plan(
        app.database,
        stored.id,
        rules=app.settings.billing,
        psa=psa,
        psa_connection=connection,
        clock=app.clock,
        log=app.log,
    )
    handle.count("delivered", report.delivered)
    handle.count("write_calls", report.write_calls)
    if report.stopped_by is not None:
        raise report.stopped_by
    if badly := report.count(*_BADLY):
        told = f"{badly} bills of {stored.id} did not end well: `syncd issues`"
        handle.ends(RunStatus.PARTIAL, code=DataError.code, error=told)


def sources_of(app: App) -> Sources:
    """Which connections count units for bills."""
    return Sources(active=app.settings.sources, broken=set(app.settings.unavailable))


def _run(
    app: App, subject: str, kind: str, due: datetime | None
) -> AbstractAsyncContextManager[RunHandle]:
    return run(
        app.database,
        subject=subject,
        kind=kind,
        scheduled_for=due,
        clock=app.clock,
        log=app.log,
        node=app.node,
        report=app.report,
    )


@asynccontextmanager
async def _psa(app: App, connection: ConnectionRef) -> AsyncIterator[Psa]:
    """The opened PSA; how it failed is known of its connection from then on."""
    async with (
        failures_recorded(app.database, connection, app.clock, app.log),
        app.open(connection.name) as ports,
    ):
        if ports.psa is None:
            message = f"connection '{connection.name}' opened no PSA port"
            raise PluginError(message, remedy="report this to the plugin's author")
        yield ports.psa
