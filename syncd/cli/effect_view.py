"""How the effect of an edit reads: client by client, before and after, the largest change first."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import typer

from syncd.cli.output import table
from syncd.cli.plan_view import plural, signed
from syncd.core.billing.wording import amount

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.cli.output import Output
    from syncd.core.service.billing_effect import ClientEffect, Effect
    from syncd.core.service.whatif import EditEffect, MonthEffect, Terms
    from syncd.core.store.connections import ConnectionRef

MOST_CLIENTS = 15
_FEW = 3
_MOST_LINES = 20


def terms_of(app: App, psa: ConnectionRef) -> Terms:
    """By what months are reckoned in this installation."""
    from syncd.cli.desk import sources_of
    from syncd.core.service.whatif import Terms

    return Terms(
        psa_id=psa.id,
        sources=sources_of(app),
        rules=app.settings.billing,
        timezone=app.settings.timezone,
        now=app.clock(),
    )


def show_effect(output: Output, found: EditEffect) -> None:
    """Draw what an edit makes of each month."""
    for month, count in found.begins.items():
        output.say(f"{plural(count, 'row')} of it {_counts(count)} from {month} on")
    for month_effect in found.months:
        _show_month(output, month_effect, found.currency)


def agreed(output: Output, question: str, *, yes: bool, json: bool) -> bool:
    """Whether to go on: a person at a terminal is asked, `--yes` and programs are not."""
    if yes or json or not sys.stdin.isatty():
        return True
    if typer.confirm(question):
        return True
    output.say("nothing was stored")
    return False


def _counts(count: int) -> str:
    return "counts" if count == 1 else "count"


def _show_month(output: Output, month: MonthEffect, currency: str) -> None:
    name = title(month)
    if not month.counted:
        output.say(f"{name}: nothing was counted yet, so that the effect cannot be told")
        return
    effect = month.effect
    if not effect.clients:
        same = f" for {plural(effect.untouched, 'client')} that it concerns"
        output.say(f"{name}: no bill changes{same if effect.untouched else ''}")
        return
    output.say(f"\n{name}, in {currency}:")
    shown = effect.clients[:MOST_CLIENTS]
    output.console.print(
        table(
            "client",
            ("before", "right"),
            ("after", "right"),
            ("price", "right"),
            ("cost", "right"),
            "what",
            rows=[*(_row(one) for one in shown), _total(effect)],
        )
    )
    if len(effect.clients) > len(shown):
        output.say(f"and {len(effect.clients) - len(shown):,} more clients; `--json` shows all")
    if len(effect.clients) <= _FEW:
        for line in list(_lines(effect.clients))[:_MOST_LINES]:
            output.say(f"  {line}")


def title(month: MonthEffect) -> str:
    """Which month a table speaks of."""
    if month.decisions_of != month.period:
        return f"from {month.decisions_of} on, with the counts of {month.period} so far"
    if month.running:
        return f"the running month {month.period}, with its counts so far"
    return f"if this had held for {month.period}"


def _row(one: ClientEffect) -> Sequence[object]:
    return (
        f"{one.client_name} ({one.client})" if one.client else one.client_name,
        "stopped" if one.stopped or one.mends else amount(one.price_before),
        "stopped" if one.stopped or one.stops else amount(one.price_after),
        signed(one.price_change),
        signed(one.cost_change),
        "\n".join(_what(one)),
    )


def _what(one: ClientEffect) -> Iterator[str]:
    for code in one.stops:
        yield f"would stop: {code}"
    for code in one.mends:
        yield f"would go again: {code}"
    fates: dict[str, int] = {}
    for line in one.lines:
        fates[line.fate.value] = fates.get(line.fate.value, 0) + 1
    if fates:
        yield ", ".join(f"{plural(count, 'line')} {fate}" for fate, count in fates.items())


def _total(effect: Effect) -> Sequence[object]:
    all_of = len(effect.clients) + effect.untouched
    return (
        f"all {all_of:,} concerned" if all_of > 1 else "in all",
        amount(effect.price_before),
        amount(effect.price_after),
        signed(effect.price_change),
        signed(effect.cost_change),
        f"{plural(effect.stops, 'client')} would stop" if effect.stops else "",
    )


def _lines(clients: Sequence[ClientEffect]) -> Iterator[str]:
    for client in clients:
        for line in client.lines:
            units = _pair(line.units_before, line.units_after)
            money = _pair(_money(line.price_before), _money(line.price_after))
            word = "unit" if units == "1" else "units"
            yield f"{client.client_name}: {line.name}: {units} {word}, {money} ({line.fate.value})"


def _money(value: Decimal | None) -> str | None:
    return None if value is None else amount(value)


def _pair(before: object, after: object) -> str:
    shown = [
        "-" if one is None else f"{one:,}" if isinstance(one, int) else str(one)
        for one in (before, after)
    ]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} -> {shown[1]}"
