"""`syncd pull`: reads all sources at once and shows what each of them proved.

This module is measured as a whole process: nothing that only other commands need is imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.output import print_error, table
from syncd.core.service.after_pull import look_back
from syncd.core.service.orphans import forget_connections
from syncd.core.service.pull_issues import code_of
from syncd.core.service.pull_months import run_pulls
from syncd.core.service.pull_run import PullOutcome, run_pull
from syncd.core.service.renewal_issues import review_terms
from syncd.core.service.sign_in_issues import review_sign_ins
from syncd.core.store.runs import RunStatus
from syncd.sdk.connector import Capability, EventLog
from syncd.sdk.errors import ConfigError, PluginError, SyncdError
from syncd.sdk.period import Period
from syncd.sdk.ports import SourceHints, UsageSource

if TYPE_CHECKING:
    from rich.console import Console

    from syncd.cli.context import Cli
    from syncd.cli.output import Output

GRAVEST_FIRST = (2, 4, 7, 5, 6, 1)
"""Exit codes of several connections become one: what a person must mend stands before the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One line of the summary."""

    connection: str
    status: str
    period: str = ""
    state: str | None = None
    run: str | None = None
    accounts: int | None = None
    units: int | None = None
    opened: int | None = None
    closed: int | None = None
    calls: int | None = None
    seconds: float | None = None
    gaps: Sequence[Any] = ()
    error: dict[str, Any] | None = None


async def pull_all(cli: Cli, names: Sequence[str], *, period: str | None = None) -> int:
    """Pull the named connections, or every source, all at once.

    Args:
        cli: what was said on the command line.
        names: connections; every source without one.
        period: only the facts of this month, `YYYY-MM`.

    Returns:
        the exit code: 0, 6 when something was not proven, or that of the gravest failure.

    Raises:
        ConfigError: a name is not a connection that counts anything, or there is none; or the
            month cannot be read.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        chosen = _chosen(app, names)
        month = None if period is None else _month(app, names, period)
        with output.progress("reading") as show:
            progress = _Progress(show)
            ended = await asyncio.gather(
                *(_pull(app, name, month, progress.of(name)) for name in chosen),
                return_exceptions=True,
            )
        if not names:
            configured = {*app.settings.connections, *app.settings.unavailable}
            await forget_connections(app.database, configured, now=app.clock(), log=app.log)
        if month is not None and app.clock() < month.end(app.settings.timezone):
            output.warn(
                f"{month} is not over: its figures are not final, and no final bill rests on them",
                f"read them again from {month.following().first_day} on",
            )
        await look_back(
            app.database,
            rules=app.settings.billing,
            psa=app.settings.billing.psa,
            active=app.settings.sources,
            timezone=app.settings.timezone,
            now=app.clock(),
            log=app.log,
        )
        await review_terms(
            app.database,
            pulled=chosen,
            active=app.settings.sources,
            timezone=app.settings.timezone,
            now=app.clock(),
            log=app.log,
        )
        await review_sign_ins(
            app.database, active=app.settings.in_use, now=app.clock(), log=app.log
        )
    for one in ended:
        if isinstance(one, BaseException) and not isinstance(one, SyncdError):
            raise one
    outcomes: list[tuple[str, PullOutcome | BaseException]] = [
        (name, one)
        for name, found in zip(chosen, ended, strict=True)
        for one in ([found] if isinstance(found, BaseException) else found)
    ]
    rows = [_row(name, outcome) for name, outcome in outcomes]
    output.emit(rows, lambda console: _show(console, rows))
    if not output.json:
        _tell(output, outcomes)
    codes = {_exit_code(outcome) for _, outcome in outcomes}
    return next((code for code in GRAVEST_FIRST if code in codes), 0)


def _chosen(app: App, names: Sequence[str]) -> list[str]:
    for name in dict.fromkeys(names):
        if Capability.USAGE not in app.settings_of(name).connector.provides:
            message = f"connection '{name}' counts nothing that could be pulled"
            raise ConfigError(message, remedy=_refresh_instead(app, name))
    if names:
        return list(dict.fromkeys(names))
    sources = [
        name
        for name, found in app.settings.connections.items()
        if found.enabled and Capability.USAGE in found.connector.provides
    ]
    sources += app.settings.unavailable
    if not sources:
        message = f"{app.settings.path.name} has no connection to a source that counts anything"
        raise ConfigError(message, remedy="add one; `syncd init` writes an example")
    return sources


def _month(app: App, names: Sequence[str], text: str) -> Period:
    """The month that is asked for.

    Raises:
        ConfigError: it is none, has not begun, or nobody is named to be asked for it.
    """
    if not names:
        message = "--period reads one month of the connections that are named, and none is"
        raise ConfigError(message, remedy=f"write `syncd pull NAME --period {text}`")
    try:
        month = Period.parse(text)
    except ValueError as error:
        message = f"'{text}' is not a month"
        raise ConfigError(message, remedy="write it like 2026-11") from error
    zone = app.settings.timezone
    if app.clock() < month.start(zone):
        message = f"{month} has not begun in {zone.key}"
        raise ConfigError(message, remedy=f"name {Period.containing(app.clock(), zone)} or earlier")
    return month


def _refresh_instead(app: App, name: str) -> str:
    return "run `syncd map refresh` to read it" if name == app.settings.billing.psa else ""


async def _pull(
    app: App, name: str, month: Period | None, progress: Callable[[int], None]
) -> list[PullOutcome]:
    @asynccontextmanager
    async def source(hints: SourceHints, log: EventLog) -> AsyncIterator[UsageSource]:
        async with app.open(name, hints, log=log) as ports:
            if ports.usage is None:
                message = f"connection '{name}' opened no usage port"
                raise PluginError(message, remedy="report this to the plugin's author")
            yield ports.usage

    connection = await app.connection(name)
    if month is None:
        return await run_pulls(
            app.database,
            connection,
            source,
            timezone=app.settings.timezone,
            scheduled_for=None,
            clock=app.clock,
            log=app.log,
            node=app.node,
            report=app.report,
            progress=progress,
        )
    alone = await run_pull(
        app.database,
        connection,
        source,
        scheduled_for=None,
        clock=app.clock,
        log=app.log,
        node=app.node,
        report=app.report,
        progress=progress,
        period=month,
    )
    return [alone]


class _Progress:
    """Adds up what several connections have read, for one line."""

    def __init__(self, show: Callable[[int], None]) -> None:
        self._show = show
        self._reached: dict[str, int] = {}

    def of(self, name: str) -> Callable[[int], None]:
        def reached(units: int) -> None:
            self._reached[name] = units
            self._show(sum(self._reached.values()))

        return reached


def _row(name: str, outcome: PullOutcome | BaseException) -> _Row:
    error = outcome if isinstance(outcome, SyncdError) else None
    if isinstance(outcome, PullOutcome):
        error = outcome.error
    told = None if error is None else _error(error)
    if not isinstance(outcome, PullOutcome):
        return _Row(connection=name, status=RunStatus.FAILED.value, error=told)
    result = outcome.result
    return _Row(
        connection=name,
        status=outcome.status.value,
        period=outcome.period,
        state=result.state.value if result else None,
        run=outcome.run_id,
        accounts=result.accounts if result else None,
        units=result.seen if result else None,
        opened=result.opened if result else None,
        closed=result.closed if result else None,
        calls=outcome.calls,
        seconds=round(outcome.seconds, 3),
        gaps=result.gaps if result else (),
        error=told,
    )


def _error(error: SyncdError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": str(error),
        "remedy": error.remedy,
        "exit_code": error.exit_code,
    }


def _show(console: Console, rows: Sequence[_Row]) -> None:
    numbers = ("accounts", "units", "opened", "closed")
    console.print(
        table(
            "connection",
            *((name, "right") for name in numbers),
            "state",
            ("calls", "right"),
            ("time", "right"),
            rows=[
                (
                    f"{row.connection} {row.period}".rstrip(),
                    *(getattr(row, name) for name in numbers),
                    row.state or row.status,
                    row.calls,
                    None if row.seconds is None else f"{row.seconds:.2f} s",
                )
                for row in rows
            ],
        )
    )


def _tell(output: Output, outcomes: Sequence[tuple[str, PullOutcome | BaseException]]) -> None:
    """Say in words what went wrong, after the table."""
    for name, outcome in outcomes:
        error = outcome.error if isinstance(outcome, PullOutcome) else outcome
        if isinstance(error, SyncdError):
            print_error(error, json=False)
        elif isinstance(outcome, PullOutcome) and outcome.result is not None:
            gaps = outcome.result.gaps
            accounts = len({gap.account_key for gap in gaps if gap.account_key is not None})
            codes = ", ".join(dict.fromkeys(code_of(gap.reason) for gap in gaps))
            if outcome.status is RunStatus.PARTIAL:
                whose = f"{name} {outcome.period}".rstrip()
                output.warn(
                    f"{whose}: not everything was proven ({codes}); {accounts:,} accounts keep "
                    "their former counts",
                    "see `syncd issues`",
                )


def _exit_code(outcome: PullOutcome | BaseException) -> int:
    return outcome.exit_code if isinstance(outcome, PullOutcome | SyncdError) else 1
