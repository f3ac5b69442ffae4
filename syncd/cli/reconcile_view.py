"""How a reconciliation is shown: as a table, as JSON and as CSV, and one row down to its lines."""

from __future__ import annotations

import csv as csv_format
import io
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from syncd.cli.output import table
from syncd.core.service.csv_text import escape
from syncd.core.service.evidence_pack import BOM
from syncd.core.service.reconciliation import Money, Reconciled, Reconciliation, Status

if TYPE_CHECKING:
    from syncd.cli.output import Output
    from syncd.core.service.reconciliation_lines import RowLines, UnitLine

_SHOWN = 60
_UNITS_SHOWN = 30


def reconciliation_data(found: Reconciliation, *, everything: bool) -> dict[str, Any]:
    """The reconciliation as `--json` prints it."""
    rows = found.rows if everything else found.open
    return {
        "period": found.period,
        "billed": found.billed,
        "rows": [_row_data(row) for row in rows],
        "agree": len(found.rows) - len(found.open),
        "totals": list(found.totals),
        "sources": list(found.sources),
        "warnings": list(found.warnings),
    }


def lines_data(found: Reconciliation, behind: Sequence[RowLines]) -> dict[str, Any]:
    """Rows with what is behind them, as `--json` prints them."""
    return {
        "period": found.period,
        "billed": found.billed,
        "rows": [
            {
                **_row_data(one.row),
                "charges": _plain(one.charges),
                "seats": _plain(one.seats),
                "units_used": _plain(one.used),
            }
            for one in behind
        ],
    }


def _row_data(row: Reconciled) -> dict[str, Any]:
    data: dict[str, Any] = _plain(row)
    return {
        **data,
        "units_difference": row.units,
        "unused": row.unused,
        "money_difference": row.money,
        "currency": row.currencies[0] if len(row.currencies) == 1 else None,
    }


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(Decimal,))


def show(output: Output, found: Reconciliation, *, everything: bool) -> None:
    """Print the table, its totals, and what is not known."""
    rows = found.rows if everything else found.open
    currency = _only_currency(found)
    output.say(_title(found, currency))
    if rows:
        output.console.print(_table(rows[:_SHOWN], currency))
        if len(rows) > _SHOWN:
            output.say(f"and {len(rows) - _SHOWN:,} more, see --json or --csv")
    agree = len(found.rows) - len(found.open)
    output.say(
        f"\n{len(found.open):,} of {len(found.rows):,} differ, {agree:,} agree"
        + ("" if everything or not agree else "; --all shows these as well")
    )
    if found.totals:
        output.console.print(
            table(
                "all rows", ("cost", "right"), ("billed", "right"), ("difference", "right"),
                ("not known", "right"),
                rows=[
                    (one.currency, _amount(one.cost), _amount(one.price),
                     f"{one.difference:+,.2f}", one.unknown or None)
                    for one in found.totals
                ],
            )
        )  # fmt: skip
    _explain_unknown(output, found, rows)


def _title(found: Reconciliation, currency: str) -> str:
    what = "by the vendors' invoices" if found.billed else "by what is not invoiced yet"
    money = f"; money in {currency}" if currency else ""
    return f"Bought, used and billed in {found.period}, {what}{money}"


def _only_currency(found: Reconciliation) -> str:
    every = {one for row in found.rows for one in row.currencies}
    return every.pop() if len(every) == 1 else ""


def _table(rows: Sequence[Reconciled], currency: str) -> Any:
    """One line per row; ids of the vendor only where a client has two things of one name."""
    named = Counter((row.client, row.client_name, row.name) for row in rows)
    return table(
        "client",
        "what",
        ("bought", "right"),
        ("used", "right"),
        ("billed", "right"),
        ("+/-", "right"),
        ("cost", "right"),
        ("money", "right"),
        ("+/- money", "right"),
        "status",
        rows=[
            (
                f"{row.client_name} ({row.client})" if row.client else row.client_name,
                row.name
                if named[row.client, row.client_name, row.name] == 1
                else f"{row.name} ({row.sku})",
                _bought(row),
                row.used,
                row.billed,
                None if row.units is None else f"{row.units:+,}" if row.units else "0",
                _sums(row.cost, currency),
                _sums(row.price, currency),
                None if row.money is None else f"{row.money:+,.2f}",
                row.status.value,
            )
            for row in rows
        ],
    )


def _bought(row: Reconciled) -> str | None:
    if row.bought is None:
        return None
    out = sum(row.kept_out.values())
    return f"{row.bought:,} [+{out:,}]" if out else f"{row.bought:,}"


def _sums(money: Money | None, currency: str) -> str | None:
    """Amounts of several currencies stand under each other, never added."""
    if money is None:
        return None
    shown = {one: amount for one, amount in money.items() if amount}
    if not shown:
        return "0.00"
    if set(shown) == {currency}:
        return _amount(shown[currency])
    return "\n".join(f"{_amount(amount)} {one}" for one, amount in shown.items())


def _amount(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _explain_unknown(output: Output, found: Reconciliation, rows: Sequence[Reconciled]) -> None:
    kept_out: dict[str, int] = {}
    for row in rows:
        for reason, quantity in row.kept_out.items():
            kept_out[reason] = kept_out.get(reason, 0) + quantity
    if kept_out:
        listed = ", ".join(f"{quantity:,} {reason}" for reason, quantity in kept_out.items())
        output.say(f"[+n] seats are bought and kept out of counts: {listed}")
    for one in found.sources:
        if not one.taken_at:
            output.say(f"{one.connection}: the lines of {found.period} were never read whole")
        elif one.notes:
            output.say(f"{one.connection}: {', '.join(one.notes)}")
    for warning in found.warnings[:_SHOWN]:
        output.say(warning)
    reasons = [reason for row in rows if row.status is Status.UNKNOWN for reason in row.why]
    for reason in list(dict.fromkeys(reasons))[:_SHOWN]:
        output.say(f"unknown: {reason}")


def show_lines(output: Output, found: Reconciliation, behind: Sequence[RowLines]) -> None:
    """Print rows with the charges, the purchases and the units in use behind them."""
    currency = _only_currency(found)
    output.say(_title(found, currency))
    for one in behind:
        output.console.print(_table([one.row], currency))
        if one.charges:
            output.say("\nCharged by the vendor")
            output.console.print(
                table(
                    "subscription", "charge", ("quantity", "right"), ("cost", "right"), "",
                    ("lines", "right"),
                    rows=[
                        (line.subscription or "(none)", line.charge, _number(line.quantity),
                         _amount(line.cost), line.currency, line.lines)
                        for line in one.charges
                    ],
                )
            )  # fmt: skip
        _units(output, "Bought at the end of the month", one.seats, ends=True)
        _units(output, "In use at the end of the month", one.used, ends=False)
        for reason in one.row.why:
            output.say(f"unknown: {reason}")
        output.say("")


def _units(output: Output, title: str, units: Sequence[UnitLine], *, ends: bool) -> None:
    if not units:
        return
    output.say(f"\n{title}")
    output.console.print(
        table(
            "unit", "name", "product", ("quantity", "right"), "kept out",
            *(("ends",) if ends else ()),
            rows=[
                (one.unit, one.name, f"{one.connection} {one.product}", one.quantity,
                 one.excluded or None, *((one.ends,) if ends else ()))
                for one in units[:_UNITS_SHOWN]
            ],
        )
    )  # fmt: skip
    if len(units) > _UNITS_SHOWN:
        output.say(f"and {len(units) - _UNITS_SHOWN:,} more, see --json")


def _number(quantity: Decimal) -> str:
    return f"{quantity:,.8f}".rstrip("0").rstrip(".")


def csv_of(found: Reconciliation, rows: Sequence[Reconciled]) -> str:
    """The rows as CSV, one line per row and currency; unknown is empty, never 0."""
    target = io.StringIO(newline="")
    writer = csv_format.writer(target, lineterminator="\r\n")
    writer.writerow(
        [
            "month", "client", "name", "sku", "what", "bought", "kept_out", "used", "billed",
            "units_difference", "unused", "currency", "cost", "money", "money_difference",
            "status", "why",
        ]
    )  # fmt: skip
    for row in rows:
        for n, currency in enumerate(row.currencies or ("",)):
            counts = (
                row.bought,
                sum(row.kept_out.values()),
                row.used,
                row.billed,
                row.units,
                row.unused,
            )
            writer.writerow(
                [
                    found.period,
                    escape(row.client),
                    escape(row.client_name),
                    escape(row.sku),
                    escape(row.name),
                    *("" if one is None or n else one for one in counts),
                    currency,
                    _cell(row.cost, currency),
                    _cell(row.price, currency),
                    "" if row.money is None else str(row.money),
                    row.status.value,
                    escape("; ".join(row.why)),
                ]
            )
    return BOM + target.getvalue()


def _cell(money: Money | None, currency: str) -> str:
    return "" if money is None else str(money.get(currency, Decimal(0)))
