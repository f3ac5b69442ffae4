"""`syncd policy simulate`: past months under another policy, as a table, JSON or CSV."""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.effect_view import terms_of
from syncd.cli.map_files import file_content, write_file
from syncd.cli.output import table
from syncd.cli.plan_view import plural, signed
from syncd.core.billing.wording import amount
from syncd.core.service.csv_text import escape
from syncd.core.service.mapping_csv import sheet_context
from syncd.core.service.policy import read_policy
from syncd.core.service.simulation import ClientMonth, ClientYear, Simulation, simulate

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

_MOST_CLIENTS = 15
_STANDARD = Path("-")
_MONEY = ("billed", "present", "other", "difference", "present_cost", "other_cost")


async def simulate_policy(
    cli: Cli,
    *,
    last: int,
    clients: Sequence[str],
    settings: Sequence[str],
    rules: Path | None,
    rates: Path | None,
    csv: Path | None,
) -> None:
    """Reckon and print.

    Raises:
        BadFile: the policy has mistakes.
        ClientUnknown: a client was named that is not exactly one.
        ConfigError: a file cannot be read or written, or no PSA is configured.
    """
    async with App.start(cli.config) as app:
        psa = await app.connection(app.psa_name())
        async with app.database.reader() as conn:
            context = await sheet_context(
                conn, psa=psa, currency=app.settings.billing.currency, confirmed_by=""
            )
        policy = read_policy(
            context,
            settings=settings,
            rules=(str(rules), file_content(rules)) if rules else None,
            rates=(str(rates), file_content(rates)) if rates else None,
        )
        found = await simulate(app.database, policy, terms_of(app, psa), last=last, clients=clients)
    output = cli.output()
    if csv is not None:
        write_file(csv, months_csv(found))
        if csv == _STANDARD:
            return
    output.emit(found, lambda _console: _show(output, found))
    if csv is not None:
        output.note(f"{plural(len(found.months), 'row')} in {csv}")


def months_csv(found: Simulation) -> str:
    """Every client and month with amounts that a spreadsheet can add up."""
    target = io.StringIO(newline="")
    writer = csv_module.writer(target, lineterminator="\n")
    writer.writerow(("client", "client_name", "period", "currency", *_MONEY, "note"))
    for month in found.months:
        money = [getattr(month, name) for name in _MONEY]
        writer.writerow(
            (
                escape(month.client),
                escape(month.client_name),
                month.period,
                found.currency,
                *("" if one is None else amount(one).replace(",", "") for one in money),
                escape(month.note),
            )
        )
    return target.getvalue()


def _show(output: Output, found: Simulation) -> None:
    span = (
        found.periods[0]
        if len(found.periods) == 1
        else f"{found.periods[0]} to {found.periods[-1]}"
    )
    if not found.months:
        output.say(f"{span}: the policy concerns no client that is billed")
        return
    output.say(
        f"{span} in {found.currency}: billed, by the rules of now, and by the other policy\n"
    )
    shown = {one.client for one in found.clients[:_MOST_CLIENTS]}
    rows: list[Sequence[object]] = []
    for year in found.clients[:_MOST_CLIENTS]:
        months = [one for one in found.months if one.client == year.client]
        rows += [
            _row(f"{one.client_name} ({one.client})" if n == 0 else "", one)
            for n, one in enumerate(months)
        ]
        if len(months) > 1:
            rows.append(_sum("", year))
    rows.append(_sum("all", found.total))
    output.console.print(
        table(
            "client",
            "month",
            ("billed", "right"),
            ("now", "right"),
            ("other", "right"),
            ("difference", "right"),
            "note",
            rows=rows,
        )
    )
    if len(found.clients) > len(shown):
        more = len(found.clients) - len(shown)
        output.say(f"and {more:,} more clients in the sum; `--csv FILE` and `--json` show all")
    if found.unconcerned:
        output.say(f"{plural(found.unconcerned, 'client')} not concerned")
    output.say("nothing was changed: `syncd map rules` and `syncd map rates` decide")


def _row(name: str, month: ClientMonth) -> Sequence[object]:
    return (
        name,
        month.period,
        _money(month.billed),
        _money(month.present),
        _money(month.other),
        None if month.difference is None else signed(month.difference),
        month.note,
    )


def _sum(name: str, year: ClientYear) -> Sequence[object]:
    return (
        name,
        "sum",
        amount(year.billed),
        amount(year.present),
        amount(year.other),
        signed(year.difference),
        "",
    )


def _money(value: Decimal | None) -> str | None:
    return None if value is None else amount(value)
