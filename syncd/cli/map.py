"""`syncd map`: the PSA's lists, proposals, single links, and what is counted but not billed.

The files of `syncd map links` and its sisters are in `map_files`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.map_files import write_file
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.core.service import links
from syncd.core.service.connection_health import failures_recorded
from syncd.core.service.reference import KIND, Refreshed, refresh_reference
from syncd.core.service.runs import run
from syncd.core.service.unmapped import UnbilledProduct, Unmapped, find_unmapped
from syncd.core.store.references import ReferenceKind, active_keys
from syncd.sdk.errors import ConfigError, DataError

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.mapping_csv import Edit


async def refresh_lists(cli: Cli) -> None:
    """Read the PSA's lists and print how long they are.

    Raises:
        ConnectorError: the PSA could not be read; nothing was stored.
    """
    async with App.start(cli.config) as app:
        name = app.psa_name()
        connection = await app.connection(name)
        async with AsyncExitStack() as stack:
            handle = await stack.enter_async_context(
                run(
                    app.database,
                    subject=name,
                    kind=KIND,
                    scheduled_for=None,
                    clock=app.clock,
                    log=app.log,
                    node=app.node,
                    report=app.report,
                )
            )
            async with failures_recorded(app.database, connection, app.clock, app.log):
                ports = await stack.enter_async_context(app.open(name))
            if ports.psa is None:
                message = f"connection '{name}' opened no PSA port"
                raise ConfigError(message, remedy="name a PSA in `[billing] psa`")
            refreshed = await refresh_reference(
                app.database, connection, ports.psa, clock=app.clock, log=app.log, run=handle
            )
        output = cli.output()
        output.emit(refreshed, lambda _console: _show_refreshed(output, name, refreshed))


async def propose_links(cli: Cli, *, accept_ids: bool, export: Path | None) -> None:
    """Print proposals for accounts without a link; with `accept_ids` store those that are proven.

    Raises:
        DataError: the PSA's clients were never read.
        ConfigError: the file cannot be written.
    """
    async with App.start(cli.config) as app:
        editor = await _editor(app)
        async with app.database.reader() as conn:
            if not await active_keys(conn, editor.psa.id, ReferenceKind.CLIENT):
                message = f"no client of {editor.psa.name} is known"
                raise DataError(message, remedy="run `syncd map refresh` first")
        accepted = await links.accept_id_proofs(app.database, editor) if accept_ids else []
        proposals = await links.propose_links(app.database, editor.psa)
    output = cli.output()
    if export is not None:
        write_file(export, links.proposal_file(proposals))
        output.note(
            f"{len(proposals):,} proposals; remove the rows that are wrong, then "
            f"`syncd map links --import {export}`"
        )
        return
    output.emit(
        {"accepted": accepted, "proposals": proposals},
        lambda _console: _show_proposals(output, accepted, proposals, asked=accept_ids),
    )


async def link_account(
    cli: Cli, *, connection: str, account: str, client: str, site: str, replace: bool
) -> None:
    """Link one account and print it."""
    async with App.start(cli.config) as app:
        edit = await links.link_account(
            app.database,
            await _editor(app),
            connection=connection,
            account=account,
            client=client,
            site=site,
            replace=replace,
        )
        output = cli.output()
        output.emit(edit, lambda _console: _show_edit(output, edit))


async def unlink_account(cli: Cli, *, connection: str, account: str) -> None:
    """End one link and print it."""
    async with App.start(cli.config) as app:
        edit = await links.unlink_account(
            app.database, await _editor(app), connection=connection, account=account
        )
        output = cli.output()
        output.emit(edit, lambda _console: _show_edit(output, edit))


async def show_unmapped(cli: Cli) -> None:
    """Print what is counted and reaches no bill."""
    async with App.start(cli.config) as app:
        today = app.clock().astimezone(app.settings.timezone).date()
        found = await find_unmapped(app.database, today=today)
        output = cli.output()
        output.emit(found, lambda _console: _show_unmapped(output, found))


async def _editor(app: App) -> links.Editor:
    return links.Editor(
        psa=await app.connection(app.psa_name()),
        confirmed_by=current_person(),
        now=app.clock(),
        log=app.log,
    )


def _show_refreshed(output: Output, name: str, refreshed: Refreshed) -> None:
    rows = [
        (kind.value.replace("_", " "), count, refreshed.gone.get(kind, 0))
        for kind, count in refreshed.seen.items()
    ]
    output.console.print(
        table(f"{name} has", ("seen", "right"), ("no longer there", "right"), rows=rows)
    )


def _show_proposals(
    output: Output,
    accepted: Sequence[links.LinkProposal],
    proposals: Sequence[links.LinkProposal],
    *,
    asked: bool,
) -> None:
    if asked:
        output.say(f"{len(accepted):,} accounts linked on proof of an id")
    if not proposals:
        output.say("no account without a link has anything that speaks for a client")
        return
    output.console.print(
        table(
            "connection",
            ("account", "right"),
            "called",
            ("client", "right"),
            "called",
            "by",
            ("score", "right"),
            "why, or why not",
            rows=[
                (
                    one.connection,
                    one.account,
                    one.account_name,
                    one.client,
                    one.client_name,
                    one.origin.value,
                    one.score,
                    _why(one),
                )
                for one in proposals
            ],
        )
    )
    if any(one.origin.value == "id" for one in proposals):
        output.say("ids are proofs: `syncd map propose --accept-ids` links them")
    output.say(
        "names prove nothing: link by hand with `syncd map link CONNECTION ACCOUNT CLIENT`, or "
        "in a file with `syncd map links --export FILE`"
    )


def _why(one: links.LinkProposal) -> str:
    """An id speaks for itself; of names only the doubt is worth a cell, the score says the rest."""
    if one.rivals:
        return f"{', '.join(one.rivals)} is as alike"
    if one.site:
        return f"site {one.site_name} is called like the location"
    return one.evidence if one.origin.value == "id" else ""


def _show_edit(output: Output, edit: Edit) -> None:
    if edit.after is None:
        output.say(f"{edit.subject} is linked to no client any more; it was {edit.before}")
    elif edit.before == edit.after:
        output.say(f"{edit.subject} is linked to {edit.after} already")
    else:
        was = f"; it was {edit.before}" if edit.before else ""
        output.say(f"{edit.subject} is linked to {edit.after}{was}")


def _show_unmapped(output: Output, found: Unmapped) -> None:
    if not (found.accounts or found.products or found.unconfigured):
        output.say("everything that is counted can reach a bill")
        return
    if found.accounts:
        output.say("Accounts without a client: nothing of them is billed.")
        output.console.print(
            table(
                "connection",
                ("account", "right"),
                "called",
                ("units", "right"),
                rows=[(one.connection, one.account, one.name, one.units) for one in found.accounts],
            )
        )
        output.say("-> `syncd map propose`, `syncd map link CONNECTION ACCOUNT CLIENT`\n")
    if found.products:
        output.say("Products without an asset type: bills that need one are stopped.")
        output.console.print(_products(found.products))
        output.say("-> `syncd map products --export FILE`, then `--import FILE`\n")
    if found.unconfigured:
        output.say("Products of linked accounts that no billing configuration names.")
        output.console.print(_products(found.unconfigured))
        output.say("-> `syncd map configurations --export FILE`, then `--import FILE`")


def _products(products: Sequence[UnbilledProduct]) -> object:
    return table(
        "connection",
        "product",
        "called",
        ("units", "right"),
        ("accounts", "right"),
        rows=[(one.connection, one.product, one.name, one.units, one.accounts) for one in products],
    )
