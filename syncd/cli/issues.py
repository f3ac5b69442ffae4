"""`syncd issues`: what needs a person, the gravest first, each with the command that helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.issue_view import show_groups, show_history, show_one
from syncd.core.service.issue_inbox import about_client, client_names, in_groups
from syncd.core.store.issues import Issue, all_issues, issue_by_id, open_issues
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.cli.context import Cli

_NEWEST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which issues a person wants to see; what is empty leaves nothing out.

    Attributes:
        client: id or name of a client.
        connection: name.
        code: of the catalogue; that of an objection finds the bills it holds.
        everything: closed ones too, and every row of a long group.
    """

    client: str | None = None
    connection: str | None = None
    code: str | None = None
    everything: bool = False


async def show_issues(cli: Cli, wanted: Wanted) -> None:
    """Print open issues, or the newest of all that there ever were.

    Raises:
        ClientUnknown: the client is not exactly one.
        ConfigError: a client was named and there is no PSA.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            if wanted.everything:
                found = await all_issues(conn, limit=_NEWEST)
            else:
                found = await open_issues(conn, connection=wanted.connection)
            found = await _chosen(conn, found, wanted, app)
        groups = in_groups(found)
        zone, now = app.settings.timezone, app.clock()
    if wanted.everything:
        output.emit(found, lambda _console: show_history(output, found, zone))
        return
    ordered = [issue for group in groups for issue in group]
    whole = wanted.code is not None
    output.emit(
        ordered, lambda _console: show_groups(output, groups, zone=zone, now=now, whole=whole)
    )


async def show_issue(cli: Cli, number: int) -> None:
    """Print one issue with its evidence.

    Raises:
        ConfigError: there is no issue of this number.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            found = await issue_by_id(conn, number)
        zone = app.settings.timezone
    if found is None:
        message = f"there is no issue {number}"
        raise ConfigError(message, remedy="`syncd issues` lists them with their numbers")
    output.emit(found, lambda _console: show_one(output, found, zone))


async def _chosen(
    conn: AsyncConnection, issues: list[Issue], wanted: Wanted, app: App
) -> list[Issue]:
    if wanted.connection is not None:
        issues = [one for one in issues if one.connection == wanted.connection]
    if wanted.code is not None:
        code = wanted.code.upper()
        issues = [one for one in issues if code in {one.code, *one.evidence.get("rules", ())}]
    if wanted.client is None:
        return issues
    from syncd.core.store.billing_data import load_billing_data
    from syncd.core.store.connections import find_connection

    psa = await find_connection(conn, app.psa_name())
    data = await load_billing_data(conn, period_first_day="0001-01-01")
    client = client_names(data, 0 if psa is None else psa.id, wanted.client)
    return [one for one in issues if about_client(one, client)]
