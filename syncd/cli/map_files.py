"""`syncd map links|products|configurations|rates|rules`: files for spreadsheets, out and in."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syncd.bootstrap import App
from syncd.cli.effect_view import agreed, show_effect, terms_of
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.core.service.csv_text import BadFile
from syncd.core.service.mapping_csv import (
    Edit,
    Import,
    SheetChange,
    export_sheet,
    import_sheet,
    preview_sheet,
)
from syncd.core.service.sheets import SHEETS
from syncd.core.service.whatif import effect_of
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.whatif import EditEffect
    from syncd.core.store.pending import Pending

_DAYS: Final = ("billing_end", "first_month", "last_month")
"""Of the file of billing only these change amounts; the rest says when a bill is made."""

_STANDARD = Path("-")
_SHOWN = 200


async def export_file(cli: Cli, name: str, file: Path) -> None:
    """Write what holds now, with rows for what is still to be decided.

    Raises:
        ConfigError: the file cannot be written, or no PSA is configured.
    """
    async with App.start(cli.config) as app:
        psa = await app.connection(app.psa_name())
        text = await export_sheet(
            app.database, SHEETS[name], psa=psa, currency=app.settings.billing.currency
        )
    write_file(file, text)
    if file == _STANDARD:
        return
    count = sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) - 1
    output = cli.output()
    output.emit(
        {"file": str(file), "rows": count},
        lambda _console: output.say(
            f"{count:,} rows of {SHEETS[name].title} in {file}; edit them, then "
            f"`syncd map {name} --import {file}`"
        ),
    )


async def import_file(
    cli: Cli, name: str, file: Path, *, dry_run: bool, prune: bool, yes: bool, reckons: bool = True
) -> None:
    """Show what a file changes and what that costs, ask a person, then take it.

    Raises:
        ConfigError: the file cannot be read, or no PSA is configured.
        BadFile: it has mistakes; nothing was stored.
        DecisionsMoved: somebody decided something while the effect was looked at.
    """
    content = file_content(file)
    output = cli.output()
    async with App.start(cli.config) as app:
        psa = await app.connection(app.psa_name())
        options = Import(
            file="standard input" if file == _STANDARD else str(file),
            psa=psa,
            currency=app.settings.billing.currency,
            confirmed_by=current_person(),
            dry_run=dry_run,
            prune=prune,
        )

        async def imported(expected_version: int | None = None) -> SheetChange:
            return await import_sheet(
                app.database,
                SHEETS[name],
                content,
                options,
                now=app.clock(),
                log=app.log,
                expected_version=expected_version,
            )

        try:
            seen = await preview_sheet(
                app.database, SHEETS[name], content, options, now=app.clock()
            )
        except BadFile:
            # The import itself refuses it, and opens the issue that says so.
            await imported()
            raise
        effect = (
            await effect_of(app.database, seen.pending, terms_of(app, psa))
            if reckons and seen.pending and _changes_amounts(name, seen.pending)
            else None
        )
        if not cli.json:
            _show_edits(output, seen.change)
            if effect is not None:
                show_effect(output, effect)
        asks = bool(seen.change.edits) and not dry_run
        if asks and not agreed(output, "Store this?", yes=yes, json=cli.json):
            return
        change = seen.change
        if not dry_run:
            asked = sys.stdin.isatty() and not yes
            change = await imported(seen.data_version if asked else None)
    output.emit(_data(change, effect), lambda _console: _show_end(output, change))


def _changes_amounts(name: str, pending: Pending) -> bool:
    """Whether bills may come to something else; who ends or replaces a choice may end its days."""
    if name != "billing":
        return True
    return any(
        edits.ended or any(row.get(column) for row in edits.new for column in _DAYS)
        for edits in pending.tables.values()
    )


def write_file(file: Path, text: str) -> None:
    """Write a file of mappings; `-` is the standard output.

    Raises:
        ConfigError: it cannot be written.
    """
    if file == _STANDARD:
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise ConfigError(message, remedy="name a file in a folder you may write") from error


def file_content(file: Path) -> bytes:
    """A file as it lies on the disk; `-` is the standard input.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if file == _STANDARD else file.read_bytes()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise ConfigError(message, remedy="check its name and your rights") from error


def _data(change: SheetChange, effect: EditEffect | None) -> dict[str, Any]:
    return {**{one.name: getattr(change, one.name) for one in fields(change)}, "effect": effect}


def _show_edits(output: Output, change: SheetChange) -> None:
    edits = [
        *(("added", edit) for edit in change.added),
        *(("changed", edit) for edit in change.changed),
        *(("ended", edit) for edit in change.ended),
    ]
    if edits:
        output.console.print(
            table("", "what", "before", "now", rows=[_cells(*edit) for edit in edits[:_SHOWN]])
        )
    if len(edits) > _SHOWN:
        output.say(f"and {len(edits) - _SHOWN:,} more; `--json` shows all")
    _show_kept(output, change.sheet, change.kept)
    for note in change.notes[:_SHOWN]:
        output.say(f"note: {note}")


def _show_end(output: Output, change: SheetChange) -> None:
    did = "would be " if change.dry_run else ""
    output.say(
        f"{did}added {len(change.added):,}, {did}changed {len(change.changed):,}, "
        f"{did}ended {len(change.ended):,}, unchanged {change.unchanged:,}, "
        f"left open {change.undecided:,}"
    )
    if change.edits and not change.dry_run:
        output.say("plans made before this are refused; make a new one: `syncd plan billing`")


def _cells(what: str, edit: Edit) -> tuple[str, str, str | None, str | None]:
    return what, edit.subject, edit.before, edit.after


def _show_kept(output: Output, sheet: str, kept: Sequence[str]) -> None:
    if kept:
        output.say(
            f"{len(kept):,} that the file lacks, or leaves empty, hold on; `--prune` ends them, "
            f"`syncd map {sheet} --import … --prune --dry-run` lists them. The first: {kept[0]}"
        )
