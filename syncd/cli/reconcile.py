"""`syncd reconcile`: reads what vendors charged where that is missing, then compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.map_files import write_file
from syncd.cli.moments import read_period
from syncd.cli.output import print_error
from syncd.cli.pull import GRAVEST_FIRST
from syncd.cli.reconcile_view import csv_of, lines_data, reconciliation_data, show, show_lines
from syncd.core.service.purchases import PurchasesOutcome
from syncd.core.service.reconciliation import Reconciled, Reconciliation, totals
from syncd.core.service.reconciliation_lines import read_lines
from syncd.core.service.refusals import NothingToExplain
from syncd.purchasing import missing_reads, read_purchases_of, reconcile
from syncd.sdk.errors import ConfigError
from syncd.sdk.period import Period, last_finished

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was said on the command line; see `commands_reconcile`."""

    period: str | None = None
    client: str | None = None
    product: str | None = None
    lines: bool = False
    everything: bool = False
    unbilled: bool = False
    fresh: bool = False
    csv: Path | None = None


async def show_reconciliation(cli: Cli, wanted: Wanted) -> int:
    """Read what is missing, and print what was bought, used and billed.

    Returns:
        the exit code: 0 whatever differs; 6 where lines were not proven whole, or that of the
        gravest failure.

    Raises:
        ConfigError: no connection tells what is bought, there is no PSA, the month cannot be read
            or has not begun, or options do not fit together.
        ClientUnknown: the client is not exactly one.
        NothingToExplain: no row is of the product.
    """
    output = cli.output()
    if wanted.lines and (wanted.client is None or wanted.csv is not None):
        message = "--lines explains the rows of one client on the screen"
        raise ConfigError(message, remedy="write `syncd reconcile --client X --lines`")
    async with App.start(cli.config) as app:
        if not app.settings.sellers:
            message = f"no connection of {app.settings.path.name} tells what is bought"
            raise ConfigError(message, remedy="`syncd plugins` lists what each plugin provides")
        app.psa_name()
        period = _period(app, wanted)
        outcomes = await _read(app, output, period, wanted)
        found = await reconcile(app, period, billed=not wanted.unbilled, client=wanted.client)
        if wanted.product is not None:
            found = _only(found, wanted.product)
        if wanted.lines:
            behind = await read_lines(
                app.database,
                found.rows,
                psa=await app.connection(app.psa_name()),
                purchase_sources=app.settings.sellers,
                max_age_hours=app.settings.billing.max_age_hours,
                timezone=app.settings.timezone,
                period=period,
                now=app.clock(),
                billed=not wanted.unbilled,
            )
    if wanted.csv is not None:
        rows = found.rows if wanted.everything else found.open
        write_file(wanted.csv, csv_of(found, rows))
        output.note(f"{len(rows):,} rows in {wanted.csv}")
    elif wanted.lines:
        output.emit(lines_data(found, behind), lambda _console: show_lines(output, found, behind))
    else:
        everything = wanted.everything or wanted.product is not None
        output.emit(
            reconciliation_data(found, everything=everything),
            lambda _console: show(output, found, everything=everything),
        )
    _tell(output, outcomes)
    codes = {one.exit_code for one in outcomes}
    return next((code for code in GRAVEST_FIRST if code in codes), 0)


def _period(app: App, wanted: Wanted) -> Period:
    zone, now = app.settings.timezone, app.clock()
    running = Period.containing(now, zone)
    period = read_period(wanted.period)
    if period is None:
        return running if wanted.unbilled else last_finished(now, zone)
    if now < period.start(zone):
        message = f"{period} has not begun in {zone.key}"
        raise ConfigError(message, remedy=f"name {running} or earlier")
    return period


async def _read(app: App, output: Output, period: Period, wanted: Wanted) -> list[PurchasesOutcome]:
    billed = not wanted.unbilled
    names: Sequence[str] = sorted(app.settings.sellers)
    if not wanted.fresh:
        names = await missing_reads(app, period, names, billed=billed)
    if not names:
        return []
    with output.progress("reading", "lines") as progress:
        return await read_purchases_of(app, names, period, billed=billed, progress=progress)


def _only(found: Reconciliation, product: str) -> Reconciliation:
    wanted = product.strip().casefold()
    rows = [row for row in found.rows if wanted in _names(row)]
    rows = rows or [row for row in found.rows if wanted in row.name.casefold()]
    if not rows:
        offered = sorted({row.sku for row in found.rows})
        message = f"nothing of {found.period} is called '{product}'"
        raise NothingToExplain(message, remedy=f"there is: {', '.join(offered[:10]) or 'nothing'}")
    return replace(found, rows=rows, totals=totals(rows))


def _names(row: Reconciled) -> set[str]:
    every = {row.sku, row.name, *row.sku.split(" + "), *row.name.split(" + "), *row.products}
    every |= {one.partition(" ")[2] for one in row.products}
    return {one.casefold() for one in (*every, *row.subscriptions)}


def _tell(output: Output, outcomes: Sequence[PurchasesOutcome]) -> None:
    """Say in words what was not read, after the table."""
    for one in outcomes:
        if one.error is not None:
            if output.json:
                output.warn(f"{one.connection}: {one.error}", one.error.remedy)
            else:
                print_error(one.error, json=False)
        elif one.exit_code:
            assert one.proof is not None
            reasons = ", ".join(reason.partition(":")[0] for reason in one.proof.reasons)
            output.warn(
                f"{one.connection} {one.period}: not all lines were proven ({reasons}); the former "
                "read stands, where there is one",
                "see `syncd issues`",
            )
