"""`syncd shadow`: what we would bill beside what the PSA bills today, with the reasons."""

from __future__ import annotations

import csv as csv_format
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.desk import billing_desk, sources_of
from syncd.cli.map_files import write_file
from syncd.cli.moments import read_period
from syncd.cli.output import table
from syncd.cli.plan_view import plural, signed
from syncd.core.service.csv_text import escape
from syncd.core.service.evidence_pack import BOM, money
from syncd.core.service.shadow_month import ShadowReport, read_shadow
from syncd.core.service.shadow_rows import Reason, ShadowRow, ShadowTotal, Why

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.billing_runs import BillingDesk
    from syncd.sdk.period import Period

_SHOWN = 200
_NAMED = 3
_CENT = Decimal("0.01")
_BARE = frozenset({Why.ONLY_OURS, Why.ONLY_PSA, Why.UNKNOWN_PRICE})
"""Reasons whose name says everything."""


async def show_shadow(
    cli: Cli, *, period: str | None, clients: Sequence[str], csv: Path | None, every: bool
) -> None:
    """Compare, print or write; differences are no failure.

    Raises:
        ConfigError: the period is not written as one, or the file cannot be written.
        PeriodNotOver: the month has not begun.
        ClientUnknown: a client was named that is not exactly one.
        ConnectorError: the PSA could not be read.
    """
    output = cli.output()
    chosen = read_period(period)
    async with App.start(cli.config) as app:
        desk = await billing_desk(app)
        found = await compared(app, desk, period=chosen, clients=clients)
    if csv is not None:
        write_file(csv, shadow_csv(found))
        output.note(f"{len(found.rows):,} rows in {csv}")
        return
    output.emit(shadow_data(found), lambda _console: _show(output, found, every=every))


async def compared(
    app: App, desk: BillingDesk, *, period: Period | None, clients: Sequence[str]
) -> ShadowReport:
    """The comparison of a month; the PSA is only read."""
    async with desk.open_psa() as psa:
        return await read_shadow(
            app.database,
            psa,
            desk.psa_connection,
            rules=app.settings.billing,
            timezone=app.settings.timezone,
            sources=sources_of(app),
            now=app.clock(),
            period=period,
            clients=clients,
        )


def shadow_data(found: ShadowReport) -> dict[str, Any]:
    """The comparison as `--json` prints it."""
    return {
        "period": found.period,
        "so_far": found.running,
        "currency": found.currency,
        "rows": found.rows,
        "clients": found.clients,
        "total": found.total,
        "other_records": found.other_records,
        "other_money": found.other_money,
        "next": next_steps(found),
    }


def next_steps(found: ShadowReport) -> list[str]:
    """What to do with a comparison."""
    waiting = [one for one in found.clients if not one.live_since]
    if not waiting:
        return []
    equal = [one for one in waiting if not one.differing]
    client = (equal or waiting)[0].client
    return [
        f"syncd explain {client} --period {found.period}",
        f"syncd golive {client} --from {found.period}",
    ]


def _show(output: Output, found: ShadowReport, *, every: bool) -> None:
    so_far = " so far" if found.running else ""
    output.say(
        f"{found.period}{so_far}: what we would bill beside what the PSA bills today, "
        f"in {found.currency}"
    )
    shown = [row for row in found.rows if every or row.differs]
    if shown:
        output.console.print(lines_table(shown[:_SHOWN]))
    if len(shown) > _SHOWN:
        output.say(f"and {len(shown) - _SHOWN:,} more, see --json or --csv")
    same = len(found.rows) - sum(1 for row in found.rows if row.differs)
    if same and not every:
        output.say(f"{plural(same, 'line')} on which both agree, see --all")
    output.say("")
    output.console.print(client_table([*found.clients[:_SHOWN], found.total]))
    if found.total.not_linked:
        output.say(
            f"{found.total.not_linked:,} {found.currency} of billed is on records that no "
            "recurring line bills (not linked)"
        )
    if found.other_records:
        output.say(
            f"in no sum: {plural(found.other_records, 'other thing')} that the PSA bills, of kinds "
            f"that we do not count ({found.other_money:,} {found.currency})"
        )
    for n, step in enumerate(next_steps(found)):
        output.say(f"{'next:' if n == 0 else '     '} {step}")


def lines_table(rows: Sequence[ShadowRow]) -> Any:
    """The rows, each client with a heading of its own, so that the reasons have room."""
    cells: list[tuple[str, ...]] = []
    last = ""
    for row in rows:
        if row.client != last:
            cells.append((f"{row.client_name} ({row.client})", "", "", "", ""))
        cells.append(
            (
                f"- {row.name}",
                _pair(row.our_units, row.billed_units),
                _pair(row.our_money, row.billed_money),
                signed(row.money),
                brief(row),
            )
        )
        last = row.client
    return table(
        "client and line",
        ("units\nours | billed", "right"),
        ("money\nours | billed", "right"),
        ("+/-", "right"),
        "why",
        rows=cells,
    )


def brief(row: ShadowRow) -> str:
    """Why a row differs, in as few words as a table has room for; `--csv` has the sentences."""
    return ", ".join(_brief(row, one) for one in row.reasons)


def _brief(row: ShadowRow, reason: Reason) -> str:
    if reason.why is Why.COUNT:
        return f"count {_signed(row.units)}"
    if reason.why is Why.PRICE and row.our_money is not None and row.billed_money is not None:
        there, ours = row.billed_money, row.our_money
        if row.our_units and row.billed_units:
            there, ours = there / row.billed_units, ours / row.our_units
        return f"price {_price(there)} there, {_price(ours)} by ours"
    if reason.why is Why.NOT_LINKED:
        return f"not linked ({', '.join(row.records[:_NAMED])})"
    if reason.why in _BARE:
        return reason.why.value
    if reason.why is Why.STOPPED:
        return f"stopped: {reason.text.rpartition(': ')[2]}"
    return reason.text


def _price(each: Decimal) -> str:
    """Cents where that says enough, else the decimals of a price per unit."""
    cents = each.quantize(_CENT)
    return f"{cents:,}" if cents else f"{each:.4f}"


def client_table(totals: Sequence[ShadowTotal]) -> Any:
    """The sums by client, the last one of all."""
    return table(
        "client",
        "live",
        ("ours", "right"),
        ("billed", "right"),
        ("difference", "right"),
        ("differing lines", "right"),
        ("unknown", "right"),
        rows=[
            (
                f"{one.client_name} ({one.client})" if one.client else "total",
                (one.live_since or "in shadow") if one.client else "",
                f"{one.ours:,.2f}",
                f"{one.billed:,.2f}",
                f"{one.difference:+,.2f}",
                one.differing,
                one.unknown or None,
            )
            for one in totals
        ],
    )


def shadow_csv(found: ShadowReport) -> str:
    """Every row, for a spreadsheet."""
    target = io.StringIO(newline="")
    writer = csv_format.writer(target, lineterminator="\r\n")
    writer.writerow(
        [
            "month", "client", "client_name", "connection", "account", "line", "name", "products",
            "our_units", "billed_units", "units_difference", "our_money", "billed_money",
            "money_difference", "currency", "not_linked", "records", "reasons", "details",
        ]
    )  # fmt: skip
    for row in found.rows:
        writer.writerow(
            [
                found.period,
                escape(row.client),
                escape(row.client_name),
                escape(row.connection),
                escape(row.account),
                escape(row.line),
                escape(row.name),
                escape(", ".join(row.products)),
                _text(row.our_units),
                _text(row.billed_units),
                _text(row.units),
                money(row.our_money),
                money(row.billed_money),
                money(row.money),
                found.currency,
                money(row.not_linked),
                escape(", ".join(row.records)),
                ", ".join(one.why for one in row.reasons),
                escape("; ".join(one.text for one in row.reasons)),
            ]
        )
    return BOM + target.getvalue()


def _text(units: Decimal | None) -> str:
    return "" if units is None else str(units)


def _pair(ours: Decimal | None, billed: Decimal | None) -> str:
    return f"{_plain(ours)} | {_plain(billed)}"


def _plain(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:,}"


def _signed(units: Decimal | None) -> str:
    return "" if units is None or not units else f"{units:+,}"
