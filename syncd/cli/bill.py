"""`syncd bill send`: makes bills by hand, and says what was sent, held or left alone, and why."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from syncd.bootstrap import App
from syncd.cli.desk import billing_desk, sources_of
from syncd.cli.output import table
from syncd.cli.plan_view import plural, signed
from syncd.core.service.applied import HELD_EXIT, ApplyReport
from syncd.core.service.plan_issues import money_of
from syncd.core.service.sending import LeftAlone, SendChoice, choose_send
from syncd.core.store.plans import PlanBillState, PlanKind, PlanRecord

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.billing_runs import BillingDesk
    from syncd.sdk.plan_records import PlannedBill

MONTH_NOT_OVER = "month not over"


async def send_bills(cli: Cli, clients: Sequence[str], *, yes: bool) -> int:
    """Plan, ask, apply, print.

    Returns:
        the exit code: the gravest of both months, 3 when nothing was sent for want of a yes.

    Raises:
        ShadowMode: no client is live.
        ClientUnknown: a client was named that is not exactly one.
        SyncdError: see `plan_billing` and `apply_plan`.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        desk = await billing_desk(app)
        choice = await choose_send(
            app.database,
            rules=app.settings.billing,
            timezone=app.settings.timezone,
            psa_connection=desk.psa_connection,
            now=app.clock(),
            clients=clients,
        )
        plans = await _plans(app, desk, choice, clients)
        sendable = [plan for plan in plans if _sendable(plan)]
        agreed = not sendable or yes or _agreed(output, sendable, asks=not cli.json)
        reports = [
            await desk.apply(plan.id, rules=app.settings.billing)
            for plan in (sendable if agreed else ())
        ]
    rows = _rows(plans, reports, choice.left)
    steps = _steps(plans, sendable, agreed=agreed)
    code = _exit_code(plans, reports, agreed=agreed)
    output.emit(
        {"plans": [plan.id for plan in plans], "bills": rows, "exit_code": code, "next": steps},
        lambda _console: _show(output, rows, steps),
    )
    return code


async def _plans(
    app: App, desk: BillingDesk, choice: SendChoice, clients: Sequence[str]
) -> list[PlanRecord]:
    """A plan of each month that has something to make."""
    months = (
        (PlanKind.BILLING, choice.previous, choice.finished),
        (PlanKind.RUNNING, choice.running, choice.current),
    )
    return [
        (
            await desk.plan(
                rules=app.settings.billing,
                timezone=app.settings.timezone,
                sources=sources_of(app),
                period=month,
                clients=clients,
                accounts=accounts,
                kind=kind,
                review_plan=app.plugins.review_plan,
            )
        ).record
        for kind, month, accounts in months
        if accounts
    ]


def _sendable(plan: PlanRecord) -> bool:
    return any(bill.state in {PlanBillState.READY, PlanBillState.UNCHANGED} for bill in plan.bills)


def _agreed(output: Output, plans: Sequence[PlanRecord], *, asks: bool) -> bool:
    """Whether a person at a terminal says yes."""
    if not asks or not sys.stdin.isatty():
        return False
    for plan in plans:
        changes = sum(len(bill.changes) for bill in plan.plan.bills)
        output.say(f"{plan.id}: {plural(changes, 'change')} of {plan.plan.period}")
    return typer.confirm("Send what is not held?")


def _rows(
    plans: Sequence[PlanRecord], reports: Sequence[ApplyReport], left: Sequence[LeftAlone]
) -> list[dict[str, Any]]:
    """What became of each bill, client by client, the month before first."""
    applied = {report.plan_id: report for report in reports}
    rows: list[dict[str, Any]] = []
    for plan in plans:
        running = plan.kind is PlanKind.RUNNING
        results = {one.key: one for one in applied[plan.id].bills} if plan.id in applied else {}
        states = {bill.bill_key: bill for bill in plan.bills}
        for bill in plan.plan.bills:
            result, state = results.get(bill.key), states[bill.key]
            why = [result.detail if result is not None else state.detail]
            rows.append(
                {
                    "client": bill.client,
                    "client_name": bill.client_name,
                    "account": bill.account,
                    "period": plan.plan.period,
                    "kind": plan.kind.makes.value,
                    "fate": str(result.fate if result is not None else state.state),
                    "money": result.money if result is not None else _effect(bill),
                    "why": "; ".join(filter(None, [*why, MONTH_NOT_OVER if running else ""])),
                }
            )
    rows += [
        {
            "client": one.client,
            "client_name": one.client_name,
            "account": one.account,
            "period": one.period,
            "kind": None,
            "fate": "left alone",
            "money": None,
            "why": one.reason,
        }
        for one in left
    ]
    return sorted(rows, key=lambda row: (row["client_name"].casefold(), row["period"]))


def _effect(bill: PlannedBill) -> Decimal | None:
    """What the bill changes in money; nothing to write changes nothing."""
    return money_of(bill) if bill.changes else Decimal(0)


def _steps(
    plans: Sequence[PlanRecord], sendable: Sequence[PlanRecord], *, agreed: bool
) -> list[str]:
    steps = [] if agreed else [f"syncd apply {plan.id}" for plan in sendable]
    held = [plan for plan in plans if any(b.state is PlanBillState.HELD for b in plan.bills)]
    return [*steps, *(f"syncd plans release {plan.id} --reason TEXT" for plan in held)]


def _exit_code(plans: Sequence[PlanRecord], reports: Sequence[ApplyReport], *, agreed: bool) -> int:
    """The gravest: what applying said, 6 for a bill that stops, 3 for what waits."""
    applied = max((report.exit_code for report in reports), default=0)
    states = {bill.state for plan in plans for bill in plan.bills}
    if applied not in {0, HELD_EXIT}:
        return applied
    if PlanBillState.ERROR in states:
        return 6
    return HELD_EXIT if not agreed or PlanBillState.HELD in states else 0


def _show(output: Output, rows: Sequence[dict[str, Any]], steps: Sequence[str]) -> None:
    if not rows:
        output.say("no account has a client and a configuration: there is nothing to send")
        return
    output.console.print(
        table(
            "client",
            "account",
            "month",
            "becomes",
            "fate",
            ("money", "right"),
            "why",
            rows=[
                (
                    row["client_name"],
                    row["account"],
                    row["period"],
                    (row["kind"] or "").lower(),
                    row["fate"],
                    signed(row["money"]),
                    row["why"],
                )
                for row in rows
            ],
        )
    )
    for n, step in enumerate(steps):
        output.say(f"{'next:' if n == 0 else '     '} {step}")
