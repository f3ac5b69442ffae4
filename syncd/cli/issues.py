"""`syncd issues`: what needs a person, the gravest first, each with the command that helps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.core.store.issues import Issue, all_issues, open_issues

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

MOST_OF_A_CODE = 10
"""Rows of one code and connection in the table; JSON and `--all` show every one."""

_NEWEST = 1_000


async def show_issues(cli: Cli, *, everything: bool) -> None:
    """Print open issues, or the newest of all that there ever were."""
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            if everything:
                issues = await all_issues(conn, limit=_NEWEST)
            else:
                issues = await open_issues(conn)
        output = cli.output()
        output.emit(issues, lambda _console: _show(output, app, issues, everything=everything))


def _show(output: Output, app: App, issues: Sequence[Issue], *, everything: bool) -> None:
    if not issues:
        output.say("nothing needs a person")
        return
    shown = list(issues) if everything else list(_shortened(issues))
    headings = ["code", "subject", "since", *(["closed"] if everything else []), "what and remedy"]
    zone = app.settings.timezone
    output.console.print(
        table(
            *headings,
            rows=[
                (
                    issue.code,
                    issue.subject,
                    moment(issue.opened_at, zone),
                    *([issue.closed_at and moment(issue.closed_at, zone)] if everything else []),
                    f"{issue.message}\n-> {issue.remedy}" if issue.remedy else issue.message,
                )
                for issue in shown
            ],
        )
    )
    if len(shown) < len(issues):
        output.say(
            f"and {len(issues) - len(shown):,} more of the same codes: "
            "`syncd issues --all` or `--json`"
        )


def _shortened(issues: Sequence[Issue]) -> Iterator[Issue]:
    seen: dict[tuple[str, str], int] = {}
    for issue in issues:
        kind = (issue.code, issue.connection)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= MOST_OF_A_CODE:
            yield issue
