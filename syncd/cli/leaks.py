"""`syncd leaks`: what is counted and not billed, and what is billed and not counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.desk import sources_of
from syncd.cli.moments import read_period
from syncd.cli.output import table
from syncd.cli.plan import PARTIAL_EXIT
from syncd.core.service.leaks import Leak, LeakReport, read_leaks
from syncd.core.service.refusals import PeriodNotOver
from syncd.core.service.steps import plain
from syncd.sdk.period import last_finished

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

_SHOWN = 40


async def show_leaks(cli: Cli, *, period: str | None, connection: str | None = None) -> int:
    """Print the leaks of a month.

    Args:
        cli: global options.
        period: the month; None: the last finished one.
        connection: only of this one.

    Returns:
        the exit code: 0, or 6 when something leaks.

    Raises:
        ConfigError: the period is not written as one, or there is no PSA, or no such connection.
        PeriodNotOver: the month goes on, so its counts are not final.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        zone, now = app.settings.timezone, app.clock()
        if connection is not None:
            app.settings_of(connection)
        chosen = read_period(period) or last_finished(now, zone)
        if chosen.end(zone) > now:
            message = f"{chosen} is not over"
            raise PeriodNotOver(message, remedy="name an earlier month")
        found = await read_leaks(
            app.database,
            rules=app.settings.billing,
            timezone=zone,
            psa=await app.connection(app.psa_name()),
            sources=sources_of(app),
            period=chosen,
            purchase_sources=app.settings.sellers,
        )
    if connection is not None:
        found = found.of(connection)
    output.emit(found, lambda _console: _show(output, found))
    return PARTIAL_EXIT if found.not_billed or found.not_counted else 0


def _show(output: Output, found: LeakReport) -> None:
    output.say(f"Leaks of {found.period}; money is an estimate: the count times the price")
    _part(output, "Counted and billed nowhere", found.not_billed)
    _part(output, "Billed and no longer counted", found.not_counted)
    _part(output, "Free by decision", found.free)
    if not found.not_billed and not found.not_counted:
        output.say("\nnothing leaks: all that is counted is billed, and all that is billed counted")


def _part(output: Output, title: str, leaks: Sequence[Leak]) -> None:
    if not leaks:
        return
    output.say(f"\n{title}")
    output.console.print(
        table(
            "why",
            "account",
            "what",
            ("count", "right"),
            ("money", "right"),
            rows=[
                (
                    one.kind.value,
                    f"{one.account_name} ({one.account})",
                    one.what,
                    plain(one.quantity),
                    None if one.money is None else f"{one.money:,.2f} {one.currency}",
                )
                for one in leaks[:_SHOWN]
            ],
        )
    )
    if len(leaks) > _SHOWN:
        output.say(f"and {len(leaks) - _SHOWN:,} more, see --json")
    for why, remedy in dict.fromkeys((one.kind.value, one.remedy) for one in leaks):
        output.say(
            f"  {why}: {remedy if ' or ' in remedy or 'the PSA' in remedy else f'`{remedy}`'}"
        )
