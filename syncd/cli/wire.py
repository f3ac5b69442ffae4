"""`syncd wire`, and `syncd apply` of what it proposed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.desk import billing_desk
from syncd.cli.moments import read_period
from syncd.cli.output import table
from syncd.cli.plan_view import plural
from syncd.cli.wire_view import show_wiring, wiring_data, wiring_steps
from syncd.core.service.refusals import LinksByHand
from syncd.core.service.wire_runs import apply_wiring, plan_wiring
from syncd.core.store.wire_changes import open_lines
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.wire_apply import WiredPlan
    from syncd.core.store.plans import PlanRecord


async def propose(
    cli: Cli, clients: Sequence[str], *, period: str | None, links: Sequence[str]
) -> None:
    """Propose links, store them as a plan, print it.

    Raises:
        ConfigError: a `--link` is not RECORD=LINE, or a period is not YYYY-MM.
        SyncdError: see `plan_links`.
    """
    output = cli.output()
    chosen = _chosen(links)
    async with App.start(cli.config) as app:
        billing = app.settings.billing
        desk = await billing_desk(app)
        with output.progress("reading the PSA", "records"):
            record = await plan_wiring(
                desk,
                rules=billing,
                timezone=app.settings.timezone,
                period=read_period(period),
                clients=clients,
                chosen=chosen,
            )
        async with app.database.reader() as conn:
            unsettled = {*(await open_lines(conn, desk.psa_connection.id)).values()}
    steps = [
        *(f"syncd apply {one}  (goes on with links not settled)" for one in sorted(unsettled)),
        *wiring_steps(record, write_links=billing.write_links),
    ]
    output.emit(
        wiring_data(record, next_commands=steps),
        lambda _console: show_wiring(output, record, hints=steps, hand=not billing.write_links),
    )


async def apply_plan_of_links(cli: Cli, app: App, record: PlanRecord, *, dry_run: bool) -> int:
    """Write the links of a plan, print what became of each.

    Returns:
        the exit code; see `WiredPlan.exit_code`.

    Raises:
        SyncdError: see `apply_links`.
    """
    output = cli.output()
    if not app.settings.billing.write_links:
        raise LinksByHand(
            "recurring invoices are not written: [billing] write_links is false",
            remedy=f"`syncd plans show {record.id}` says for each link what to do by hand in the "
            "PSA; or set write_links = true",
        )
    desk = await billing_desk(app)
    with output.progress("writing links", "links settled"):
        done = await apply_wiring(
            desk,
            record,
            rules=app.settings.billing,
            timezone=app.settings.timezone,
            dry_run=dry_run,
        )
    output.emit(_data(done, record), lambda _console: _show(output, done, record))
    return done.exit_code


def _data(done: WiredPlan, record: PlanRecord) -> dict[str, Any]:
    report = done.report
    stopped = None if report is None else report.stopped_by
    return {
        "plan": done.plan_id,
        "dry_run": report is None,
        "links": [
            {"link": one.link, "state": one.state, "detail": one.detail} for one in done.items
        ],
        "skipped": [{"link": link, "why": why} for link, why in done.skipped],
        "would_write": len(record.plan.links) - len(done.skipped) if report is None else None,
        "write_calls": 0 if report is None else report.calls,
        "stopped": None
        if stopped is None
        else {"code": stopped.code, "message": str(stopped), "remedy": stopped.remedy},
        "exit_code": done.exit_code,
    }


def _show(output: Output, done: WiredPlan, record: PlanRecord) -> None:
    if done.report is None:
        count = len(record.plan.links) - len(done.skipped)
        output.say(f"plan {done.plan_id}: {plural(count, 'link')} would be written (dry run)")
    rows = [
        (
            one.link.client_name,
            one.link.record,
            f"{one.link.invoice} / {one.link.line}",
            one.state.replace("_", " "),
            one.detail,
        )
        for one in done.items
    ] + [
        (link.client_name, link.record, f"{link.invoice} / {link.line}", "skipped", why)
        for link, why in done.skipped
    ]
    if rows:
        output.console.print(table("client", "record", "line", "state", "detail", rows=rows))
    if done.report is None:
        return
    output.say(
        f"\n{plural(done.report.delivered, 'link')} written and read back, "
        f"{plural(done.report.calls, 'write call')} made"
    )
    if done.report.stopped_by is not None:
        output.warn(str(done.report.stopped_by), done.report.stopped_by.remedy)
    if done.report.waiting:
        output.say(f"next: syncd apply {done.plan_id}  (goes on with what is not settled)")
    elif done.report.rejected:
        output.say("next: syncd issues")


def _chosen(links: Sequence[str]) -> dict[str, str]:
    chosen = {}
    for one in links:
        record, found, line = one.partition("=")
        if not (record.strip() and found and line.strip()):
            message = f"'{one}' names no record and line"
            raise ConfigError(message, remedy="write --link RECORD=LINE with the ids as shown")
        chosen[record.strip()] = line.strip()
    return chosen
