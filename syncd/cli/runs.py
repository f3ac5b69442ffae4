"""`syncd runs`: the history of executions, as the log's closing lines had it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.moments import moment, span
from syncd.cli.output import table
from syncd.core.store.runs import RunRecord, recent_runs

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output


async def show_runs(cli: Cli, *, subject: str | None, limit: int) -> None:
    """Print the newest runs."""
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            runs = await recent_runs(conn, limit=limit, subject=subject)
        output = cli.output()
        output.emit(runs, lambda _console: _show(output, app, runs))


def _show(output: Output, app: App, runs: Sequence[RunRecord]) -> None:
    if not runs:
        output.say("nothing ran yet; begin with `syncd pull`")
        return
    output.console.print(
        table(
            "started",
            "subject",
            "kind",
            "status",
            ("time", "right"),
            "counts",
            "error",
            rows=[
                (
                    moment(run.started_at, app.settings.timezone),
                    run.subject,
                    run.kind,
                    run.status.value,
                    span(run.finished_at - run.started_at) if run.finished_at else None,
                    ", ".join(f"{name} {count:,}" for name, count in run.counts.items()),
                    run.error_code or "",
                )
                for run in runs
            ],
        )
    )
