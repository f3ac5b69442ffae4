"""`syncd notify`: what was told to whom, and whether a notifier works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.core.service.notice_sending import send_one
from syncd.core.store.notices import (
    NoticeRow,
    NoticeState,
    Told,
    keep_message,
    message,
    recent_messages,
)
from syncd.sdk.errors import ConnectorError, OutcomeUnknown
from syncd.sdk.notices import Notice, NoticeKind, NoticeSection
from syncd.telling import desk_of, notifier_settings

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from syncd.cli.context import Cli


async def list_messages(cli: Cli, limit: int) -> None:
    """Print the newest messages and the notifiers."""
    output = cli.output()
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            rows = await recent_messages(conn, limit)
        settings, zone = app.settings.notifiers, app.settings.timezone
    data = {
        "notifiers": [
            {
                "name": one.name,
                "plugin": one.kind.name,
                "enabled": one.enabled,
                "on": sorted(one.on),
                "detail": "clients" if one.clients else "counts",
            }
            for one in settings.values()
        ],
        "messages": [
            {
                "notifier": row.notifier,
                "subject": row.subject,
                "title": row.told.notice.title,
                "state": row.state,
                "attempts": row.attempts,
                "detail": row.detail,
                "created_at": row.created_at,
                "changed_at": row.changed_at,
            }
            for row in rows
        ],
    }

    def render(_console: object) -> None:
        if not settings:
            output.say("nobody is told: add [notify.<name>] to the configuration")
        if rows:
            output.console.print(
                table("made", "to", "state", "title", "why", rows=[_cells(r, zone) for r in rows])
            )
        elif settings:
            output.say("nothing was told yet: no run left anything that needs somebody")

    output.emit(data, render)


async def send_test(cli: Cli, name: str) -> None:
    """Send a test message and say how it ended.

    Raises:
        ConfigError: there is no such notifier.
        ConnectorError: it did not go out, or may not have.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        settings = notifier_settings(app, name)
        desk, now = desk_of(app, settings), app.clock()
        subject = f"test/{now.isoformat()}"
        told = Told(_test_notice(subject, name, now), clients=False)
        async with app.database.writer() as writing:
            await keep_message(writing, name, subject, told, now)
        async with app.database.reader() as reading:
            row = await message(reading, name, subject)
        if row is not None:
            # One attempt: whoever tests waits for the answer and repeats it.
            await send_one(app.database, desk, row, clock=app.clock, log=app.log, attempts=1)
        async with app.database.reader() as reading:
            row = await message(reading, name, subject)
    assert row is not None
    if row.state is not NoticeState.SENT:
        kind = OutcomeUnknown if row.state is NoticeState.UNKNOWN else ConnectorError
        raise kind(f"the test message did not go out: {row.detail}", remedy=f"`syncd check {name}`")
    data = {"notifier": name, "state": row.state, "detail": row.detail}
    said = f"sent a test message to {name}" + (f"; {row.detail}" if row.detail else "")
    output.emit(data, lambda _console: output.say(said))


def _test_notice(subject: str, name: str, now: datetime) -> Notice:
    section = NoticeSection(
        "This is a test",
        (
            f"The notifier {name} of syncd works.",
            "It tells you what runs leave for people to do.",
        ),
    )
    return Notice(subject, "syncd: test message", (section,), (NoticeKind.DIGEST,), now)


def _cells(row: NoticeRow, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        moment(row.created_at, zone),
        row.notifier,
        row.state,
        row.told.notice.title,
        row.detail,
    )
