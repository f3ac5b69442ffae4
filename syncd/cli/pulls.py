"""`syncd pulls`: the recorded pulls as a table, and the word that one of them was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.core.service.voiding import call_pull_wrong
from syncd.core.store.census.voiding import PullEntry, list_pulls

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output


async def list_all(cli: Cli, *, name: str | None, limit: int) -> None:
    """Print the newest pulls."""
    output = cli.output()
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            found = await list_pulls(conn, connection=name or "", limit=limit)
        output.emit(found, lambda _console: _show(output, app, found))


async def void_one(cli: Cli, name: str, number: int, *, reason: str, by: str | None) -> None:
    """Void a pull and say what follows.

    Raises:
        PullUnknown: there is no such pull.
        VoidRefused: no reason, or it was voided before.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        pull = await call_pull_wrong(
            app.database,
            name,
            number,
            reason=reason,
            by=by or current_person(),
            clock=app.clock,
            log=app.log,
        )
    month = f" --period {pull.period}" if pull.period else ""
    steps = [f"syncd pull {name}{month}", "syncd plan billing", "syncd corrections list"]
    output.emit(
        {"connection": name, "pull": number, "taken_at": pull.taken_at, "next": steps},
        lambda _console: _told(output, name, number, steps),
    )


def _told(output: Output, name: str, number: int, steps: list[str]) -> None:
    output.say(f"pull {number} of {name} proves nothing any more; bills that rest on it stay as")
    output.say("they are, and the next planning tells what they should have said")
    for n, step in enumerate(steps):
        output.say(f"{'next:' if n == 0 else '     '} {step}")


def _show(output: Output, app: App, found: list[PullEntry]) -> None:
    if not found:
        output.say("nothing was pulled yet; begin with `syncd pull`")
        return
    output.console.print(
        table(
            "connection",
            ("pull", "right"),
            "taken",
            "month",
            "state",
            ("units", "right"),
            ("+", "right"),
            ("-", "right"),
            ("unproven", "right"),
            "voided",
            rows=[
                (
                    one.connection,
                    str(one.seq),
                    moment(one.taken_at, app.settings.timezone),
                    one.period,
                    one.state,
                    f"{one.seen:,}",
                    f"{one.opened:,}",
                    f"{one.closed:,}",
                    one.unproven or None,
                    "" if one.voided_at is None else f"{one.voided_by}: {one.reason}",
                )
                for one in found
            ],
        )
    )
