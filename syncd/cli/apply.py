"""`syncd apply`: sends a plan and says what became of every bill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.desk import billing_desk
from syncd.cli.output import table
from syncd.cli.plan_view import plural, signed
from syncd.core.service.applied import ApplyReport, BillResult, Fate
from syncd.core.store.plan_history import kind_of_plan
from syncd.core.store.plans import PlanKind

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

INVOICES = "inv-"
"""How the id of a plan of invoices begins."""

_QUIET = (Fate.UNCHANGED, Fate.ALREADY, Fate.FROZEN, Fate.SHADOW)
_SUMMARY = (
    ("sent", (Fate.SENT,)),
    ("would be sent", (Fate.WOULD_SEND,)),
    ("unchanged", (Fate.UNCHANGED,)),
    ("sent earlier", (Fate.ALREADY,)),
    ("frozen", (Fate.FROZEN,)),
    ("held", (Fate.HELD,)),
    ("refused, since the target moved", (Fate.REFUSED,)),
    ("rejected by the PSA", (Fate.REJECTED,)),
    ("stopped by an error", (Fate.ERROR,)),
    ("not settled yet", (Fate.WAITING,)),
    ("in doubt, needs a person", (Fate.NEEDS_REVIEW,)),
    ("replaced by a newer plan", (Fate.SUPERSEDED,)),
    ("of clients in shadow, never sent", (Fate.SHADOW,)),
)


async def apply_one(cli: Cli, wanted: str, *, dry_run: bool) -> int:
    """Apply, print.

    Returns:
        the exit code of what became of it; see `ApplyReport.exit_code`.

    Raises:
        SyncdError: see `apply_plan`.
    """
    if wanted.startswith(INVOICES):
        from syncd.cli.invoice_apply import apply_plan_of_invoices

        return await apply_plan_of_invoices(cli, wanted, dry_run=dry_run)
    output = cli.output()
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            kind = await kind_of_plan(conn, wanted)
        if kind is PlanKind.WIRING:
            return await _apply_links(cli, app, wanted, dry_run=dry_run)
        if kind is PlanKind.ASSETS:
            return await _apply_assets(cli, app, wanted, dry_run=dry_run)
        desk = await billing_desk(app)
        with output.progress("sending", "changes settled") as progress:
            report = await desk.apply(
                wanted, rules=app.settings.billing, dry_run=dry_run, progress=progress
            )
    steps = _steps(report)
    output.emit(_data(report, steps), lambda _console: _show(output, report, steps))
    return report.exit_code


async def _apply_links(cli: Cli, app: App, wanted: str, *, dry_run: bool) -> int:
    from syncd.cli.wire import apply_plan_of_links
    from syncd.core.service.application import find_plan

    record = await find_plan(app.database, wanted)
    return await apply_plan_of_links(cli, app, record, dry_run=dry_run)


async def _apply_assets(cli: Cli, app: App, wanted: str, *, dry_run: bool) -> int:
    from syncd.cli.assets import apply_plan_of_assets
    from syncd.core.service.application import find_plan

    record = await find_plan(app.database, wanted)
    return await apply_plan_of_assets(cli, app, record, dry_run=dry_run)


def _data(report: ApplyReport, steps: list[str]) -> dict[str, Any]:
    stopped = report.stopped_by
    return {
        "plan": report.plan_id,
        "period": report.period,
        "currency": report.currency,
        "dry_run": report.dry_run,
        "bills": report.bills,
        "summary": {
            name: {"bills": report.count(*fates), "money": report.money(*fates)}
            for name, fates in _SUMMARY
        },
        "delivered": report.delivered,
        "write_calls": report.write_calls,
        "stopped": None
        if stopped is None
        else {"code": stopped.code, "message": str(stopped), "remedy": stopped.remedy},
        "exit_code": report.exit_code,
        "next": steps,
    }


def _show(output: Output, report: ApplyReport, steps: list[str]) -> None:
    what = "applied"
    if report.dry_run:
        what = "would be applied (dry run, nothing is written)"
    elif report.count(Fate.HELD) and not report.write_calls and not report.delivered:
        what = "waits for a person, and nothing of it was sent"
    output.say(f"plan {report.plan_id} for {report.period} {what}\n")
    rows = [_row(bill) for bill in report.bills if bill.fate not in _QUIET]
    if rows:
        output.console.print(
            table(
                "client",
                "account",
                "fate",
                ("writes", "right"),
                ("money", "right"),
                "detail",
                rows=rows,
            )
        )
        output.say("")
    output.console.print(
        table(
            "bills",
            ("number", "right"),
            (f"money, {report.currency}", "right"),
            rows=[
                (name, report.count(*fates), signed(report.money(*fates)))
                for name, fates in _SUMMARY
                if report.count(*fates)
            ],
        )
    )
    output.say(
        f"\n{plural(report.delivered, 'change')} delivered and read back, "
        f"{plural(report.write_calls, 'write call')} made"
    )
    if report.elsewhere:
        output.warn(report.elsewhere, "`syncd issues` names them")
    if report.stopped_by is not None:
        output.warn(str(report.stopped_by), report.stopped_by.remedy)
    for n, step in enumerate(steps):
        output.say(f"{'next:' if n == 0 else '     '} {step}")


def _row(bill: BillResult) -> tuple[object, ...]:
    writes = f"{bill.delivered} of {bill.writes}" if bill.delivered else f"{bill.writes}"
    return (bill.client_name, bill.account, bill.fate, writes, signed(bill.money), bill.detail)


def _steps(report: ApplyReport) -> list[str]:
    steps = []
    if report.count(Fate.WAITING):
        steps.append(f"syncd apply {report.plan_id}  (goes on with what is not settled)")
    if report.count(Fate.NEEDS_REVIEW, Fate.REJECTED, Fate.ERROR):
        steps.append("syncd issues")
    if report.count(Fate.HELD):
        steps.append(f"syncd plans show {report.plan_id}")
    if report.count(Fate.REFUSED):
        adoption = report.kind is PlanKind.ADOPTION
        steps.append("syncd adopt" if adoption else f"syncd plan billing --period {report.period}")
    return steps
