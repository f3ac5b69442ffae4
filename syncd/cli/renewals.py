"""`syncd renewals`: what is committed and ends soon, as tables, data or a file."""

from __future__ import annotations

import csv as csv_format
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.map_files import write_file
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.core.service.csv_text import escape
from syncd.core.service.evidence_pack import BOM, money
from syncd.core.service.renewal_list import Asked, Renewal, RenewalReport
from syncd.core.service.renewals import read_renewals
from syncd.core.service.term_days import length_words, then_words
from syncd.sdk.terms import Term

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from syncd.cli.context import Cli
    from syncd.cli.output import Output

_SHOWN = 50
_NOT_MONTHLY = "not_monthly"
"""The reason that the title of its part says already."""
_EVERY = {"monthly": "month", "quarterly": "quarter", "annual": "year"}


async def show_renewals(
    cli: Cli, asked: Asked, *, connection: str | None, not_monthly: bool, csv: Path | None
) -> None:
    """Print what ends soon, or write it as CSV.

    Args:
        cli: the command line.
        asked: which renewals.
        connection: only of this one.
        not_monthly: only what is charged otherwise than monthly.
        csv: where to write the rows; None prints.

    Raises:
        ClientUnknown: the client is not exactly one.
        ConfigError: there is no such connection, or the file cannot be written.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        settings = app.settings
        if connection is not None:
            app.settings_of(connection)
        found = await read_renewals(
            app.database,
            asked,
            connections={*settings.sources, *settings.unavailable}
            if connection is None
            else {connection},
            psa_name=settings.billing.psa,
            timezone=settings.timezone,
            currency=settings.billing.currency,
            now=app.clock(),
        )
        zone = settings.timezone
    if csv is not None:
        rows = list(_sections(found, not_monthly=not_monthly))
        write_file(csv, _csv(rows))
        output.note(f"{len(rows):,} rows in {csv}")
        return
    output.emit(
        _data(found, not_monthly=not_monthly),
        lambda _console: _show(output, found, asked, zone, not_monthly=not_monthly),
    )


def _data(found: RenewalReport, *, not_monthly: bool) -> dict[str, Any]:
    data = {each.name: getattr(found, each.name) for each in fields(found)}
    if not_monthly:
        for name in ("windows", "past", "extended", "rolling", "undated", "told_elsewhere"):
            data.pop(name)
    return data


def _show(
    output: Output, found: RenewalReport, asked: Asked, zone: ZoneInfo, *, not_monthly: bool
) -> None:
    output.say(f"Commitments on {found.today}; days are those of {found.timezone}")
    for name, read in found.read_at.items():
        output.say(f"  {name}: {'never read' if read is None else f'read {moment(read, zone)}'}")
    if not not_monthly:
        _windows(output, found, asked)
    if found.not_monthly:
        _part(output, "Not billed monthly, with the month of the renewal", found.not_monthly, True)
    elif not_monthly:
        output.say("\nall that has a term is billed monthly")
    shown = [*found.not_monthly] if not_monthly else [one for _, one in _sections(found)]
    if any(not one.client for one in shown):
        output.say(
            "\n(no client): the vendor's name of an account that no client is linked to; see "
            "`syncd map propose`"
        )


def _windows(output: Output, found: RenewalReport, asked: Asked) -> None:
    _part(output, "Over by the vendor's date and still counted", found.past)
    narrower = 0
    for window in found.windows:
        span = f"{narrower} to {window.days} days" if narrower else f"the next {window.days} days"
        _part(output, f"Ends in {span}", window.rows)
        narrower = window.days + 1
    if not any(window.rows for window in found.windows):
        output.say(f"\nnothing ends in the next {asked.within:,} days")
    _part(output, "Extended: runs on beyond its term, at the vendor's terms", found.extended)
    if found.rolling:
        renew = "renews by itself" if found.rolling == 1 else "renew by themselves"
        output.say(f"\n{found.rolling:,} more {renew} every month: `syncd renewals --rolling`")
    if found.told_elsewhere:
        output.say(f"\n{found.told_elsewhere:,} more stand for units that are listed already")
    if found.undated:
        have = "has" if found.undated == 1 else "have"
        output.say(f"\n{found.undated:,} {have} a term whose end the vendor does not tell")


def _part(output: Output, title: str, rows: Sequence[Renewal], by_month: bool = False) -> None:
    if not rows:
        return
    output.say(f"\n{title}")
    shown = rows[:_SHOWN]
    columns: list[tuple[str | tuple[str, str], list[object]]] = [
        (
            "renewal" if by_month else "ends on",
            [(one.renewal_month or "unknown") if by_month else one.ends_on for one in shown],
        ),
        ("client", [_whose(one) for one in shown]),
        ("product", [_what(one) for one in shown]),
        (("seats", "right"), [one.seats for one in shown]),
        ("term", [_term(one) for one in shown]),
        ("then", [_then(one, by_month=by_month) for one in shown]),
    ]
    # A column that says nothing takes no space from those that do.
    rest: list[tuple[str | tuple[str, str], list[object]]] = [
        ("falls until", [one.falls_until for one in shown]),
        (("price", "right"), [_price(one) for one in shown]),
    ]
    columns += [one for one in rest if any(cell is not None for cell in one[1])]
    output.console.print(
        table(
            *(heading for heading, _ in columns),
            rows=zip(*(cells for _, cells in columns), strict=True),
        )
    )
    if len(rows) > _SHOWN:
        output.say(f"and {len(rows) - _SHOWN:,} more, see --json or --csv")


def _whose(one: Renewal) -> str:
    return one.client_name if one.client else f"{one.account_name} (no client)"


def _what(one: Renewal) -> str:
    """The name of what was bought where the product's only adds the term, which has its column."""
    return one.name if one.name and one.product_name.startswith(one.name) else one.product_name


def _term(one: Renewal) -> str:
    return ", ".join(part for part in (length_words(one.length), one.billed) if part) or "unknown"


def _then(one: Renewal, *, by_month: bool) -> str:
    words = then_words(Term(then=one.then, next_quantity=one.next_seats))
    if one.excluded is None or (by_month and one.excluded == _NOT_MONTHLY):
        return words
    return f"{words}; not counted: {one.excluded}"


def _price(one: Renewal) -> str | None:
    if one.price is None:
        return None
    return f"{one.price:,.2f} {one.currency} a {_EVERY.get(one.cycle, one.cycle)}"


def _sections(found: RenewalReport, *, not_monthly: bool = False) -> Iterator[tuple[str, Renewal]]:
    """Every row with the section it stands in; one that is not monthly may stand in two."""
    if not not_monthly:
        for one in found.past:
            yield "past", one
        for window in found.windows:
            for one in window.rows:
                yield f"within {window.days}", one
        for one in found.extended:
            yield "extended", one
    for one in found.not_monthly:
        yield "not monthly", one


_COLUMNS = tuple(each.name for each in fields(Renewal))


def _csv(rows: Sequence[tuple[str, Renewal]]) -> str:
    out = io.StringIO()
    writer = csv_format.writer(out, lineterminator="\r\n")
    writer.writerow(("section", *_COLUMNS))
    for section, one in rows:
        values = asdict(one)
        writer.writerow((section, *(_cell(values[name]) for name in _COLUMNS)))
    return BOM + out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return money(value)
    return escape(" ".join(str(value).split())) if isinstance(value, str) else str(value)
