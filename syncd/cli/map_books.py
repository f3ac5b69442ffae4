"""`syncd map books`: what is decided about a book and what is not, as a table or as a file."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.bookkeeping import book_names, keeper_name, rules_of
from syncd.bootstrap import App
from syncd.cli.effect_view import agreed
from syncd.cli.invoices import read_book
from syncd.cli.map_files import file_content, write_file
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import plural
from syncd.core.service.invoice_reading import KIND as INVOICES
from syncd.core.service.ledger_mapping import (
    BookSheet,
    MappingChange,
    book_proposals,
    export_mapping,
    import_mapping,
    preview_mapping,
)
from syncd.core.store.ledger_mappings import LedgerDecision, current_ledger_mappings
from syncd.core.store.watermarks import watermark
from syncd.sdk.errors import ConfigError
from syncd.sdk.ledger_records import ReferenceKind

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.ledger_effect import LedgerEffect
    from syncd.core.service.ledger_proposals import BookProposal

_STANDARD = Path("-")
_SHOWN = 60
_UNREAD = "no invoice was read so far: `syncd invoices read`"


async def show_book_mappings(cli: Cli, name: str | None, *, refresh: bool, propose: bool) -> None:
    """Print how many mappings hold, and what waiting invoices name that has none.

    Raises:
        ConfigError: there is no such book, or several and none is named.
        DataError: the book was never read.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        sheet = await _sheet(app, name, refresh=refresh)
        proposals = await book_proposals(app.database, sheet)
        async with app.database.reader() as conn:
            current = await current_ledger_mappings(conn, sheet.psa.id, sheet.ledger.id)
        read = await _was_read(app, sheet)
    counts = Counter(kind.value for kind, _, _ in current)
    book = sheet.ledger.name

    def render(_console: object) -> None:
        said = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
        output.say(f"{book}: mapped are {said}" if said else f"{book}: nothing is mapped so far")
        if not read:
            output.say(_UNREAD)
        elif not proposals:
            output.say("everything that waiting invoices name has a counterpart")
        if not proposals:
            return
        output.console.print(_proposal_table(proposals, evidence=propose))
        if len(proposals) > _SHOWN:
            output.say(f"and {len(proposals) - _SHOWN:,} more")
        output.say(f"next: syncd map books {book} --propose --export FILE")

    data = {"book": book, "mapped": dict(sorted(counts.items())), "unmapped": proposals}
    output.emit(data, render)


async def export_book(cli: Cli, name: str | None, file: Path, *, refresh: bool, fill: bool) -> None:
    """Write what holds and what is to be decided.

    Raises:
        ConfigError: there is no such book, or the file cannot be written.
        DataError: the book was never read.
    """
    async with App.start(cli.config) as app:
        sheet = await _sheet(app, name, refresh=refresh)
        text, missing = await export_mapping(app.database, sheet, fill=fill)
        read = await _was_read(app, sheet)
    write_file(file, text)
    if file == _STANDARD:
        return
    output = cli.output()
    book = sheet.ledger.name

    def render(_console: object) -> None:
        if not read:
            output.say(_UNREAD)
        if missing:
            output.say(
                f"{plural(missing, 'thing')} to be decided: see {file}, beside what holds; look "
                f"at each, then `syncd map books {book} --import {file}`"
            )
        else:
            output.say(f"what holds is in {file}; nothing is to be decided")

    output.emit({"file": str(file), "book": book, "to_decide": missing}, render)


async def import_book(
    cli: Cli,
    name: str | None,
    file: Path,
    *,
    refresh: bool,
    dry_run: bool,
    prune: bool,
    reason: str,
    by: str | None,
    yes: bool,
) -> None:
    """Show what a file changes and what that does to waiting invoices, ask, then take it.

    Raises:
        ConfigError: there is no such book, or the file cannot be read.
        BadFile: it has mistakes; nothing was stored.
        DecisionsMoved: somebody decided something while the effect was looked at.
    """
    content = file_content(file)
    output = cli.output()
    shown = "standard input" if file == _STANDARD else str(file)
    async with App.start(cli.config) as app:
        sheet = await _sheet(app, name, refresh=refresh)
        change = await preview_mapping(app.database, sheet, content, shown, prune=prune)
        if not cli.json:
            _show_change(output, change, sheet.ledger.name)
        if change.edits and not dry_run:
            if not agreed(output, "Store this?", yes=yes, json=cli.json):
                return
            asked = sys.stdin.isatty() and not yes
            change = await import_mapping(
                app.database,
                sheet,
                content,
                shown,
                prune=prune,
                by=by or current_person(),
                reason=reason.strip(),
                now=app.clock(),
                log=app.log,
                expected_version=change.data_version if asked else None,
            )
    stored = bool(change.edits) and not dry_run

    def render(_console: object) -> None:
        count = len(change.edits)
        if not count:
            holds = "row says" if change.same == 1 else "rows say"
            output.say(f"nothing changes; {change.same:,} {holds} what holds already")
        elif stored:
            same = plural(change.same, "row")
            output.say(f"{plural(count, 'mapping')} stored; {same} said what holds already")
            if any(one.key[0] is ReferenceKind.CONTACT and one.after for one in change.edits):
                output.say(f"next: syncd invoices link {sheet.ledger.name}")
        else:
            output.say(f"{plural(count, 'mapping')} would be stored; nothing was")

    data: dict[str, Any] = {
        "book": sheet.ledger.name,
        "stored": stored,
        "same": change.same,
        "edits": [
            {
                "kind": one.key[0].value,
                "source": one.key[1],
                "currency": one.key[2],
                "name": one.name,
                "before": _target(one.before),
                "after": _target(one.after),
            }
            for one in change.edits
        ],
        "effect": change.effect,
        "elsewhere": change.elsewhere,
    }
    output.emit(data, render)


async def _was_read(app: App, sheet: BookSheet) -> bool:
    """Whether invoices were ever read whole: what none names is nobody's question."""
    async with app.database.reader() as conn:
        return await watermark(conn, sheet.psa.id, INVOICES) is not None


async def _sheet(app: App, name: str | None, *, refresh: bool) -> BookSheet:
    names = book_names(app, name)
    if len(names) > 1:
        message = f"there are several books: {', '.join(names)}"
        raise ConfigError(message, remedy="name one: there is never a default book")
    if refresh:
        await read_book(app, names[0])
    return BookSheet(
        psa=await app.connection(keeper_name(app)),
        ledger=await app.connection(names[0]),
        rules=rules_of(app, names[0]),
    )


def _proposal_table(proposals: Sequence[BookProposal], *, evidence: bool) -> object:
    more = ("proposed", "why, or why not") if evidence else ()
    return table(
        "kind", "key in the PSA", "called", ("invoices", "right"), *more,
        rows=[
            (
                one.kind.value,
                one.source or "(none named)",
                one.source_name or None,
                one.invoices,
                *(
                    (one.target or None, f"{one.ground.value}: {one.evidence}")
                    if evidence
                    else ()
                ),
            )
            for one in proposals[:_SHOWN]
        ],
    )  # fmt: skip


def _show_change(output: Output, change: MappingChange, book: str) -> None:
    if change.edits:
        output.console.print(
            table(
                "kind", "key in the PSA", "called", "before", "after",
                rows=[
                    (
                        one.key[0].value,
                        f"{one.key[1]} {one.key[2]}".strip(),
                        one.name or None,
                        _target(one.before),
                        _target(one.after),
                    )
                    for one in change.edits[:_SHOWN]
                ],
            )
        )  # fmt: skip
        if len(change.edits) > _SHOWN:
            output.say(f"and {len(change.edits) - _SHOWN:,} more")
        _show_effect(output, change.effect, book)
    for one in change.elsewhere:
        stand = "stands" if one.documents == 1 else "stand"
        those = "that invoice is" if one.documents == 1 else "those invoices are"
        output.say(
            f"{plural(one.documents, 'document')} of {one.name} {stand} in {one.book}: {those} not "
            f"written to {book}"
        )


def _show_effect(output: Output, effect: LedgerEffect, book: str) -> None:
    if not effect.known:
        output.say(f"{book} was never read, so that the effect on invoices cannot be told")
        return
    if not effect.waiting:
        output.say(f"no invoice waits for {book}")
        return
    wait, name = ("waits", "it names") if effect.waiting == 1 else ("wait", "they name")
    output.say(
        f"{plural(effect.waiting, 'invoice')} {wait} for {book}; everything {name} is mapped for "
        f"{effect.complete_before:,} before, {effect.complete_after:,} after"
    )
    for currency in sorted({*effect.totals_before, *effect.totals_after}):
        before = effect.totals_before.get(currency, 0)
        after = effect.totals_after.get(currency, 0)
        output.say(f"  {currency}: {before:,.2f} before, {after:,.2f} after")
    if effect.otherwise:
        output.say(f"  {effect.otherwise:,} of them would be written in another way")


def _target(one: LedgerDecision | None) -> str | None:
    if one is None:
        return None
    name = f" ({one.target_name})" if one.target_name and one.target_name != one.target else ""
    meaning = f", {one.meaning}" if one.meaning else ""
    return f"{one.target}{name}{meaning}"
