"""The page of a month as tables: sources, states, the difference, movers, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.cli.output import table
from syncd.core.billing.month_difference import CAUSES

if TYPE_CHECKING:
    from syncd.cli.output import Output
    from syncd.core.service.month_page import ClientMonth, MonthPage

_SHOWN = 20
_ALIKE = 4
"""So many clients of one state, reason and next command have a row each."""


def show_page(output: Output, page: MonthPage, *, sealed: bool) -> None:
    """Print the page.

    Args:
        output: where to.
        page: what.
        sealed: it was sealed just now.
    """
    output.say(f"{page.period}, compared with {page.previous}, in {page.currency}")
    if page.closed_at is not None:
        when = f"{page.closed_at:%Y-%m-%d %H:%M} UTC"
        output.say(f"sealed by {page.closed_by} on {when}{': now' if sealed else ''}")
    _sources(output, page)
    _states(output, page)
    _difference(output, page)
    _movers(output, page)
    for heading, notes in (
        ("Invoices before their counts", page.early),
        ("Facts that arrived after the bill", page.late),
        ("Beside the sums", page.notes),
    ):
        if notes:
            output.say(f"\n{heading}")
            for note in notes[:_SHOWN]:
                output.say(f"  {note.message}\n    {note.next}")
            _more(output, len(notes))
    _exceptions(output, page)
    if page.closed_at is None and not page.obstacles and page.billed:
        output.say(f"\nnothing is open; next: syncd month close {page.period}")


def _sources(output: Output, page: MonthPage) -> None:
    if not page.sources:
        return
    output.say("\nSources")
    output.console.print(
        table(
            "connection",
            "complete until (UTC)",
            ("accounts", "right"),
            "note",
            rows=[
                (
                    one.name,
                    "-" if one.complete_until is None else f"{one.complete_until:%Y-%m-%d %H:%M}",
                    str(one.accounts),
                    _source_note(one.rests, one.behind, whole=one.complete_until is not None),
                )
                for one in page.sources
            ],
        )
    )


def _source_note(rests: bool, behind: int, *, whole: bool) -> str:
    if rests:
        return "rests: its lines stay as they are"
    if not whole:
        return f"{behind} not proven for the month"
    return f"{behind} on an older pull" if behind else ""


def _states(output: Output, page: MonthPage) -> None:
    output.say("\nClients")
    rows = [
        (one.state.value, str(one.clients), _money(one.price), _money(one.before))
        for one in page.sums
    ]
    if page.not_linked:
        linked = sum((one.not_linked for one in page.not_linked), Decimal(0))
        rows.append(("not linked (in the above)", str(len(page.not_linked)), _money(linked), ""))
    output.console.print(
        table(
            "state",
            ("clients", "right"),
            (f"{page.period}", "right"),
            (f"{page.previous}", "right"),
            rows=rows,
        )
    )
    unknown = sum(one.unknown for one in page.billed)
    if unknown:
        output.say(f"{unknown:,} lines have a price of the PSA's own: unknown here, and in no sum.")
    if page.not_linked and page.closed_at is None:
        output.say("not linked is invoiced by no recurring line: `syncd wire` proposes one")


def _difference(output: Output, page: MonthPage) -> None:
    change = page.price - page.before
    output.say(
        f"\nTotal {_money(page.price)}, was {_money(page.before)}: {_signed(change)}"
        + ("" if change else ", no difference")
    )
    parts = list(_parts(page))
    if parts:
        output.console.print(table("because of", ("money", "right"), rows=parts))


def _parts(page: MonthPage) -> Iterator[tuple[str, str]]:
    split = page.split
    for cause in CAUSES:
        amount = getattr(split, cause)
        if amount:
            yield cause, _signed(amount)
    if page.missing:
        yield "not billed yet", _signed(page.missing)


def _movers(output: Output, page: MonthPage) -> None:
    if not page.movers:
        return
    output.say("\nLargest changes")
    output.console.print(
        table(
            "client",
            ("was", "right"),
            ("now", "right"),
            ("change", "right"),
            "because of",
            rows=[
                (
                    f"{one.name} ({one.client})",
                    _money(one.before),
                    _money(one.price),
                    _signed(one.change),
                    _causes(one),
                )
                for one in page.movers
            ],
        )
    )


def _causes(one: ClientMonth) -> str:
    parts = [(cause, getattr(one.split, cause)) for cause in CAUSES]
    parts.append(("not billed yet", one.missing))
    parts = sorted((part for part in parts if part[1]), key=lambda part: -abs(part[1]))
    return ", ".join(f"{cause} {_signed(amount)}" for cause, amount in parts)


def _exceptions(output: Output, page: MonthPage) -> None:
    if not page.exceptions:
        return
    output.say("\nWhat needs a person")
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in page.exceptions:
        key = (one.state.value, one.detail, one.next)
        alike.setdefault(key, []).append(f"{one.name} ({one.client})")
    rows = [(name, *key) for key, names in alike.items() for name in _together(names)]
    output.console.print(table("client", "state", "why", "next", rows=rows[:_SHOWN]))
    _more(output, len(rows))


def _together(names: Sequence[str]) -> Sequence[str]:
    """Many clients that one command helps, as one row; `--json` and `--csv` have each."""
    if len(names) <= _ALIKE:
        return names
    return [f"{names[0]} and {len(names) - 1:,} more"]


def _more(output: Output, count: int) -> None:
    if count > _SHOWN:
        output.say(f"and {count - _SHOWN:,} more, see --json or --csv")


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def _signed(amount: Decimal) -> str:
    return f"{amount:+,.2f}"
