"""`syncd template`: what each command prints, and the question before a template is applied."""

from __future__ import annotations

import csv
import dataclasses
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.effect_view import show_effect, terms_of
from syncd.cli.map_files import file_content, write_file
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import plural
from syncd.core.service.template_apply import (
    TemplatePreview,
    TemplateState,
    apply_template,
    list_templates,
    preview_template,
)
from syncd.core.service.templates import (
    Drawer,
    choose_template_clients,
    export_template,
    save_template,
)
from syncd.core.service.whatif import effect_of

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

NOT_AGREED_EXIT = 3
"""Nothing was stored for want of a yes."""

_STANDARD = Path("-")
_MOST_EDITS = 30
_MOST_NAMES = 12


async def list_them(cli: Cli) -> None:
    """Print every template."""
    async with App.start(cli.config) as app:
        states = await list_templates(await _drawer(app))
    output = cli.output()
    output.emit(states, lambda _console: _show_list(output, states))


async def show_one(cli: Cli, name: str) -> None:
    """Print the rows of a template, and its clients."""
    async with App.start(cli.config) as app:
        drawer = await _drawer(app)
        text = await export_template(drawer, name)
        clients = await choose_template_clients(drawer, name, add=(), remove=())
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    cells = [dict(zip(header, row, strict=True)) for row in rows]
    output = cli.output()

    def draw(_console: object) -> None:
        kinds: dict[str, list[dict[str, str]]] = {}
        for row in cells:
            kinds.setdefault(row["kind"], []).append(row)
        for kind, found in kinds.items():
            columns = [c for c in header if c != "kind" and any(row[c] for row in found)]
            output.say(f"{kind}:")
            output.console.print(
                table(*columns, rows=[[row[c] or None for c in columns] for row in found])
            )
        _show_clients(output, name, clients)

    output.emit({"name": name, "rows": cells, "clients": clients}, draw)


async def save_file(cli: Cli, name: str, file: Path) -> None:
    """Keep a file as a template.

    Raises:
        BadFile: it has mistakes; nothing was stored.
        ConfigError: it cannot be read.
    """
    content = file_content(file)
    async with App.start(cli.config) as app:
        drawer = await _drawer(app)
        said = "standard input" if file == _STANDARD else str(file)
        changed = await save_template(drawer, name, content, said)
        clients = await choose_template_clients(drawer, name, add=(), remove=())
    output = cli.output()
    word = "saved" if changed else "says what it said already"
    after = (
        f"nothing is billed by it before `syncd template apply {name}`"
        if clients
        else f"`syncd template clients {name} --add CLIENT` puts clients on it"
    )
    output.emit(
        {"name": name, "changed": changed, "clients": clients},
        lambda _console: output.say(f"template '{name}' {word}; {after}"),
    )


async def export_file(cli: Cli, name: str, file: Path) -> None:
    """Write a template as a CSV."""
    async with App.start(cli.config) as app:
        text = await export_template(await _drawer(app), name)
    write_file(file, text)
    if file == _STANDARD:
        return
    output = cli.output()
    output.emit(
        {"name": name, "file": str(file)},
        lambda _console: output.say(
            f"template '{name}' is in {file}; edit it, then `syncd template save {name} {file}`"
        ),
    )


async def choose(cli: Cli, name: str, *, add: Sequence[str], remove: Sequence[str]) -> None:
    """Change and print who is on a template."""
    async with App.start(cli.config) as app:
        drawer = await _drawer(app)
        clients = await choose_template_clients(drawer, name, add=add, remove=remove)
    output = cli.output()

    def draw(_console: object) -> None:
        _show_clients(output, name, clients)
        if remove:
            output.say(
                "what the template decided for a client that left it stays, until another "
                "template is applied or you edit it: `syncd map configurations`, `rates`, `rules`"
            )
        if add:
            output.say(f"next: syncd template apply {name}")

    output.emit({"name": name, "clients": clients}, draw)


async def apply_one(cli: Cli, name: str, *, dry_run: bool, yes: bool, replace: bool) -> int:
    """Show the difference in money, ask, write.

    Returns:
        the exit code: 3 when nothing was stored for want of a yes.

    Raises:
        TemplateConflict: decisions made by hand are in the way.
        DecisionsMoved: somebody decided something while the difference was looked at.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        drawer = await _drawer(app)
        seen = await preview_template(drawer, name, replace=replace)
        effect = await effect_of(app.database, seen.pending, terms_of(app, drawer.psa))
        if not cli.json:
            _show_preview(output, seen)
            if seen.edits:
                show_effect(output, effect)
        stores = bool(seen.edits) and not dry_run
        agreed = not stores or _agreed(output, seen, yes=yes, json=cli.json)
        if stores and agreed:
            # Decided now, not when the question was put: until then nothing of it was known.
            deciding = dataclasses.replace(drawer, now=app.clock())
            await apply_template(deciding, name, replace=replace, seen=seen)
    applied = stores and agreed
    output.emit(
        {**_data(seen), "effect": effect, "applied": applied},
        lambda _console: _show_end(output, seen, applied=applied, agreed=agreed),
    )
    return 0 if agreed else NOT_AGREED_EXIT


def _agreed(output: Output, seen: TemplatePreview, *, yes: bool, json: bool) -> bool:
    """A template moves many clients at once, so that silence is no consent here."""
    if yes:
        return True
    if json or not sys.stdin.isatty():
        return False
    import typer

    output.say("")
    return typer.confirm(f"Update {plural(len(seen.clients), 'client')}?")


async def _drawer(app: App) -> Drawer:
    return Drawer(
        database=app.database,
        psa=await app.connection(app.psa_name()),
        currency=app.settings.billing.currency,
        person=current_person(),
        now=app.clock(),
        log=app.log,
    )


def _data(seen: TemplatePreview) -> dict[str, Any]:
    return {
        "name": seen.name,
        "clients": seen.clients,
        "without_accounts": seen.without_accounts,
        "edits": seen.edits,
        "unchanged": seen.unchanged,
    }


def _show_list(output: Output, states: Sequence[TemplateState]) -> None:
    if not states:
        output.say("there is no template; `syncd template save NAME FILE` makes one")
        return
    output.console.print(
        table(
            "template",
            ("clients", "right"),
            ("configurations", "right"),
            ("rates", "right"),
            ("rules", "right"),
            "to apply",
            rows=[
                (
                    one.name,
                    len(one.clients),
                    one.configurations,
                    one.rates,
                    one.rules,
                    one.obstacle or (plural(one.open_edits, "edit") if one.open_edits else "no"),
                )
                for one in states
            ],
        )
    )


def _show_clients(output: Output, name: str, clients: dict[str, str]) -> None:
    if not clients:
        output.say(f"no client is on '{name}'")
        return
    names = [f"{found} ({client})" for client, found in clients.items()]
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    output.say(f"on '{name}': {', '.join(names[:_MOST_NAMES])}{more}")


def _show_preview(output: Output, seen: TemplatePreview) -> None:
    _show_clients(output, seen.name, seen.clients)
    if seen.without_accounts:
        names = ", ".join(seen.clients[one] for one in seen.without_accounts[:_MOST_NAMES])
        output.say(f"no account is linked to {names}: nothing is billed there yet")
    if seen.edits:
        output.console.print(
            table(
                "what",
                "before",
                "after",
                rows=[(one.subject, one.before, one.after) for one in seen.edits[:_MOST_EDITS]],
            )
        )
    if len(seen.edits) > _MOST_EDITS:
        output.say(f"and {len(seen.edits) - _MOST_EDITS:,} more; `--json` shows all")


def _show_end(output: Output, seen: TemplatePreview, *, applied: bool, agreed: bool) -> None:
    if not seen.edits:
        output.say(
            f"nothing to do: {plural(seen.unchanged, 'decision')} stand as the template says"
        )
        return
    edits = plural(len(seen.edits), "decision")
    if applied:
        output.say(
            f"{edits} written for {plural(len(seen.clients), 'client')}; the first bill of each "
            "waits for a release, and plans made before this are refused"
        )
    elif not agreed:
        output.say(f"nothing was stored; `syncd template apply {seen.name} --yes` applies it")
    else:
        output.say(f"{edits} would be written")
