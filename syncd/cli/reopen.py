"""`syncd bill reopen`: shows what making a final bill again would change, asks, keeps the word."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from syncd.bootstrap import App
from syncd.cli.desk import billing_desk, sources_of
from syncd.cli.moments import read_period
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import signed
from syncd.core.service.applied import HELD_EXIT
from syncd.core.service.reopening import Prospect, ReopeningLook, look_at_bills, reopen_bills
from syncd.sdk.period import last_finished

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output


async def reopen_bill(
    cli: Cli, client: str, *, period: str | None, reason: str, by: str | None, yes: bool
) -> int:
    """Look, ask, reopen, print.

    Returns:
        the exit code: 3 when nothing was reopened for want of a yes.

    Raises:
        ReopenRefused: there is no final bill to make again, or no reason.
        ClientUnknown: that is not exactly one client.
        ConfigError: the period is not written as one.
    """
    output = cli.output()
    chosen = read_period(period)
    async with App.start(cli.config) as app:
        zone = app.settings.timezone
        month = chosen or last_finished(app.clock(), zone)
        desk = await billing_desk(app)
        look = await look_at_bills(
            app.database,
            client=client,
            period=month,
            rules=app.settings.billing,
            timezone=zone,
            psa_connection=desk.psa_connection,
            sources=sources_of(app),
        )
        agreed = yes or _agreed(output, look, asks=not cli.json)
        if agreed:
            await reopen_bills(
                app.database,
                look,
                reason=reason,
                by=by or current_person(),
                timezone=zone,
                clock=app.clock,
                log=app.log,
            )
    rows = [_row(one, reopened=agreed) for one in look.bills]
    plan = f"syncd plan billing --period {month} --client {look.client}"
    steps = [plan] if agreed else [f"syncd bill reopen {look.client} --period {month} --yes"]
    code = 0 if agreed else HELD_EXIT
    output.emit(
        {
            "client": look.client,
            "client_name": look.client_name,
            "period": look.period,
            "bills": rows,
            "exit_code": code,
            "next": steps,
        },
        lambda _console: _show(output, look, rows, steps, asked=not yes),
    )
    return code


def _agreed(output: Output, look: ReopeningLook, *, asks: bool) -> bool:
    """Whether a person at a terminal says yes, with the bills before them."""
    if not asks or not sys.stdin.isatty():
        return False
    _draw(output, [_row(one, reopened=False) for one in look.bills])
    return typer.confirm(f"Reopen what {look.client_name} was billed for {look.period}?")


def _row(one: Prospect, *, reopened: bool) -> dict[str, Any]:
    if one.newer:
        why = f"PERIOD_SUPERSEDED: its lasting records hold {one.newer}; see syncd corrections list"
    else:
        why = one.reason or ", ".join(one.stops)
    return {
        "account": one.account,
        "revision": one.bill.revision,
        "kind": one.bill.kind.value,
        "billed": one.bill.total_price,
        "now": one.price,
        "change": one.change,
        "reopened": reopened and not one.reason,
        "why": why,
    }


def _draw(output: Output, rows: list[dict[str, Any]]) -> None:
    output.console.print(
        table(
            "account",
            "bill",
            ("billed", "right"),
            ("now it would be", "right"),
            ("change", "right"),
            "reopened",
            "note",
            rows=[
                (
                    row["account"],
                    f"{row['kind'].lower()}, revision {row['revision']}",
                    _plain(row["billed"]),
                    _plain(row["now"]),
                    signed(row["change"]),
                    "yes" if row["reopened"] else "no",
                    row["why"],
                )
                for row in rows
            ],
        )
    )


def _show(
    output: Output,
    look: ReopeningLook,
    rows: list[dict[str, Any]],
    steps: list[str],
    *,
    asked: bool,
) -> None:
    output.say(f"{look.client_name} ({look.client}), {look.period}")
    _draw(output, rows)
    if asked and not any(row["reopened"] for row in rows):
        output.say("nothing was reopened: that takes a yes")
    for n, step in enumerate(steps):
        output.say(f"{'next:' if n == 0 else '     '} {step}")


def _plain(amount: Any) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}"
