"""`syncd runs`: the history of executions, as the log's closing lines had it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.moments import moment, span
from syncd.cli.output import table
from syncd.core.store.runs import RunRecord, recent_runs

if TYPE_CHECKING:
    from rich.console import Console

    from syncd.cli.context import Cli


async def show_runs(cli: Cli, *, subject: str | None, limit: int) -> None:
    """Print the newest runs."""
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            runs = await recent_runs(conn, limit=limit, subject=subject)
        cli.output().emit(runs, lambda console: _show(console, app, runs))


def _show(console: Console, app: App, runs: Sequence[RunRecord]) -> None:
    if not runs:
        console.print("nothing ran yet; begin with `syncd pull`")
        return
    console.print(
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
