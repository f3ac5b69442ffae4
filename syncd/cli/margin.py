"""`syncd margin`: what the bills of a month brought, and what they cost."""

from __future__ import annotations

import csv as csv_format
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.map_files import write_file
from syncd.cli.moments import read_period
from syncd.cli.output import table
from syncd.core.service.csv_text import escape
from syncd.core.service.evidence_pack import BOM, money
from syncd.core.service.margin import By, MarginReport, MarginRow, read_margin
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

_SHOWN = 50


async def show_margin(
    cli: Cli, *, period: str | None, client: str | None, by: str, csv: Path | None
) -> None:
    """Print the margins of a month, or write them as CSV.

    Raises:
        ConfigError: the period or `--by` is not written as one, or the file cannot be written.
        ClientUnknown: the client is not exactly one.
        NothingToExplain: nothing was billed in the month.
    """
    output = cli.output()
    if by not in set(By):
        message = f"'{by}' is not what a row can stand for"
        raise ConfigError(message, remedy="write --by client or --by product")
    async with App.start(cli.config) as app:
        found = await read_margin(
            app.database,
            psa_name=app.psa_name(),
            period=read_period(period),
            client=client,
            by=By(by),
        )
    if csv is not None:
        write_file(csv, _csv(found))
        output.note(f"{len(found.rows):,} rows in {csv}")
        return
    output.emit(margin_data(found), lambda _console: _show(output, found))


def margin_data(found: MarginReport) -> dict[str, Any]:
    """The report as `--json` prints it."""
    return {
        "period": found.period,
        "before": found.before,
        "by": found.by,
        "rows": [_row_data(row) for row in found.rows],
        "totals": [_row_data(row) for row in found.totals],
        "changes": list(found.changes),
        "below_cost": [_row_data(row) for row in found.below_cost],
    }


def _row_data(row: MarginRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": row.name,
        "currency": row.currency,
        "price": row.price,
        "cost": row.cost,
        "margin": row.margin,
        "percent": row.percent,
        "unknown_lines": row.unknown,
    }


def _show(output: Output, found: MarginReport) -> None:
    output.say(f"Margin of {found.period} by {found.by.value}, from the bills as sent")
    output.console.print(_table(found.rows[:_SHOWN], found.totals))
    if len(found.rows) > _SHOWN:
        output.say(f"and {len(found.rows) - _SHOWN:,} more, see --json or --csv")
    unknown = sum(row.unknown for row in found.totals)
    if unknown:
        output.say(
            f"{unknown:,} lines have a price or cost of the PSA's own: unknown here, and in no sum."
        )
    if found.changes:
        output.say(f"\nLargest changes of the margin since {found.before}")
        output.console.print(
            table(
                found.by.value, "", ("before", "right"), ("now", "right"), ("change", "right"),
                rows=[
                    (_called(one.name, one.key), one.currency, _money(one.before), _money(one.now),
                     f"{one.change:+,.2f}")
                    for one in found.changes
                ],
            )
        )  # fmt: skip
    if found.below_cost:
        output.say("\nBilled below cost")
        output.console.print(_table(found.below_cost[:_SHOWN], ()))


def _table(rows: Sequence[MarginRow], totals: Sequence[MarginRow]) -> Any:
    return table(
        "name",
        "",
        ("price", "right"),
        ("cost", "right"),
        ("margin", "right"),
        ("%", "right"),
        ("unknown", "right"),
        rows=[
            (
                _called(row.name, row.key),
                row.currency,
                _money(row.price),
                _money(row.cost),
                _money(row.margin),
                row.percent,
                row.unknown or None,
            )
            for row in (*rows, *totals)
        ],
    )


def _called(name: str, key: str) -> str:
    """Two clients may have one name; a total has no key."""
    return f"{name} ({key})" if key else name


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:,.2f}"


def _csv(found: MarginReport) -> str:
    target = io.StringIO(newline="")
    writer = csv_format.writer(target, lineterminator="\r\n")
    writer.writerow(
        ["month", "key", "name", "currency", "price", "cost", "margin", "percent", "unknown_lines"]
    )
    for row in found.rows:
        writer.writerow(
            [
                found.period,
                escape(row.key),
                escape(row.name),
                row.currency,
                money(row.price),
                money(row.cost),
                money(row.margin),
                "" if row.percent is None else str(row.percent),
                row.unknown,
            ]
        )
    return BOM + target.getvalue()
