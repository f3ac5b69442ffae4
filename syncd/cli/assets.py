"""`syncd assets`, and `syncd apply` of what it planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.asset_view import asset_data, asset_steps, show_assets
from syncd.cli.desk import billing_desk
from syncd.cli.output import table
from syncd.cli.plan_view import plural
from syncd.core.service.asset_runs import apply_asset_run, plan_asset_run
from syncd.core.service.refusals import AssetsNotKept
from syncd.core.store.plans import APPLICABLE, PlanBillState
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.asset_apply import AppliedAssets
    from syncd.core.store.plans import PlanRecord

HELD_EXIT = 3


async def export(
    cli: Cli,
    names: Sequence[str],
    *,
    clients: Sequence[str],
    links: Sequence[str],
    apply: bool,
) -> int:
    """Plan assets, store the plan, print it; with `apply` also write what is not held.

    Returns:
        the exit code: 0; 3 where a client waits for a person; see `AppliedAssets.exit_code`.

    Raises:
        AssetsNotKept: no source exports assets, or the PSA's connector keeps none.
        ConfigError: a connection does not export, or a `--link` is not UNIT=ASSET.
        SyncdError: see `plan_export` and `apply_export`.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        exporting = _exporting(app, names)
        chosen = _chosen(links, exporting)
        desk = await billing_desk(app)
        with output.progress("reading the PSA", "assets") as progress:
            record = await plan_asset_run(
                desk,
                rules=app.settings.billing,
                timezone=app.settings.timezone,
                exporting=exporting,
                clients=clients,
                chosen=chosen,
                progress=progress,
            )
        if apply and any(bill.state in APPLICABLE for bill in record.bills):
            if not output.json:
                show_assets(output, record, hints=())
            return await apply_plan_of_assets(cli, app, record, dry_run=False)
    steps = asset_steps(record)
    output.emit(
        asset_data(record, next_commands=steps),
        lambda _console: show_assets(output, record, hints=steps),
    )
    held = any(bill.state is PlanBillState.HELD for bill in record.bills)
    return HELD_EXIT if held else 0


async def apply_plan_of_assets(cli: Cli, app: App, record: PlanRecord, *, dry_run: bool) -> int:
    """Write the assets of a plan, print what became of each.

    Returns:
        the exit code; see `AppliedAssets.exit_code`.

    Raises:
        SyncdError: see `apply_export`.
    """
    output = cli.output()
    desk = await billing_desk(app)
    with output.progress("writing assets", "assets settled") as progress:
        done = await apply_asset_run(
            desk,
            record,
            rules=app.settings.billing,
            timezone=app.settings.timezone,
            progress=progress,
            dry_run=dry_run,
        )
    output.emit(_data(done), lambda _console: _show(output, done))
    return done.exit_code


def _exporting(app: App, names: Sequence[str]) -> Mapping[str, bool]:
    found = app.settings.asset_sources
    for name in names:
        if name not in found:
            settings = app.settings_of(name)  # says so where there is none of that name
            message = f"connection '{settings.name}' exports no assets"
            remedy = f"set export_assets = true in [connections.{name}]"
            raise ConfigError(message, remedy=remedy)
    if not found:
        remedy = "set export_assets = true in the [connections.NAME] of a source"
        raise AssetsNotKept("no source exports assets", remedy=remedy)
    return {name: found[name] for name in found if not names or name in names}


def _chosen(links: Sequence[str], exporting: Mapping[str, bool]) -> dict[tuple[str, str], str]:
    """Words of a person about single units: `UNIT=ASSET`, or `CONNECTION/UNIT=ASSET`."""
    chosen = {}
    for one in links:
        unit, found, asset = one.rpartition("=")
        if not (unit.strip() and found and asset.strip()):
            message = f"'{one}' names no unit and asset"
            raise ConfigError(message, remedy="write --link UNIT=ASSET with the ids as shown")
        head, slash, tail = unit.strip().partition("/")
        if slash and head in exporting:
            chosen[head, tail] = asset.strip()
        elif len(exporting) == 1:
            chosen[next(iter(exporting)), unit.strip()] = asset.strip()
        else:
            message = f"'{one}' does not say which source the unit is of"
            raise ConfigError(message, remedy="write --link CONNECTION/UNIT=ASSET")
    return chosen


def _data(done: AppliedAssets) -> dict[str, Any]:
    report = done.report
    stopped = None if report is None else report.stopped_by
    return {
        "plan": done.record.id,
        "dry_run": report is None,
        "assets": [
            {
                "unit": row.unit,
                "client": row.client,
                "asset": row.remote,
                "state": row.state,
                "detail": row.detail,
            }
            for row in done.rows
        ],
        "linked": done.linked,
        "skipped": [{"unit": one.unit, "why": why} for one, why in done.skipped],
        "held": done.held,
        "would_write": done.would_write if report is None else None,
        "delivered": 0 if report is None else report.delivered,
        "write_calls": 0 if report is None else report.calls,
        "stopped": None
        if stopped is None
        else {"code": stopped.code, "message": str(stopped), "remedy": stopped.remedy},
        "exit_code": done.exit_code,
    }


def _show(output: Output, done: AppliedAssets) -> None:
    plan, report = done.record.id, done.report
    if report is None:
        would = plural(done.would_write, "asset")
        output.say(f"plan {plan}: {would} would be written (dry run)")
        return
    open_rows = [
        (row.client, row.planned.name if row.planned else row.unit, row.state, row.detail)
        for row in done.rows
        if row.state not in {"live", "inactive"}
    ] + [(one.client_name, one.name, "skipped", why) for one, why in done.skipped]
    if open_rows:
        output.console.print(table("client", "unit", "state", "detail", rows=open_rows))
    written = f"{plural(report.delivered, 'asset')} written"
    output.say(
        f"plan {plan}: {written}, {done.linked} settled without a write, "
        f"{plural(report.calls, 'write call')} made"
    )
    if report.stopped_by is not None:
        output.warn(str(report.stopped_by), report.stopped_by.remedy)
    if report.waiting:
        output.say(f"next: syncd apply {plan}  (goes on with what is not settled)")
    elif report.rejected:
        output.say("next: syncd issues")
    if done.held:
        output.say(f"held: {', '.join(done.held)}")
        output.say(f'next: syncd plans release {plan} --reason "..."')
