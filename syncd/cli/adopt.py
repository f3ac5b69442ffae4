"""`syncd adopt`: shows which records could carry our lines, and plans what a person accepts."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from syncd.bootstrap import App
from syncd.cli.adoption_view import show_plan, show_view, view_data
from syncd.cli.apply import apply_one
from syncd.cli.desk import billing_desk, sources_of
from syncd.cli.map_files import file_content, write_file
from syncd.cli.moments import read_period
from syncd.cli.person import current_person
from syncd.cli.plan_view import plural
from syncd.core.service.adoption import AdoptionView, look_for_adoptions
from syncd.core.service.adoption_csv import choices_of, export_adoptions
from syncd.core.service.adoption_plan import (
    Choice,
    certain_choices,
    proposed_choices,
    store_adoption_plan,
)
from syncd.core.service.applied import HELD_EXIT
from syncd.core.service.refusals import AdoptionRefused
from syncd.core.store.plans import APPLICABLE, PlanRecord

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

_STANDARD = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed; see the options of `syncd adopt`."""

    clients: Sequence[str]
    period: str | None
    export: Path | None
    file: Path | None
    accept: bool
    accept_names: bool
    apply: bool
    by: str | None

    @property
    def decides(self) -> bool:
        return self.file is not None or self.accept or self.accept_names


async def adopt_records(cli: Cli, wish: Wish) -> int:
    """Look, take what is accepted, plan it, and apply it where that was asked for.

    Returns:
        the exit code: 0, 3 where a person would have to say yes, or that of the apply.

    Raises:
        AdoptionRefused: options that exclude each other, or nothing to accept.
        BadFile: the file has mistakes; nothing was planned.
        SyncdError: see `look_for_adoptions` and `store_adoption_plan`.
    """
    _require_one_way(wish)
    output = cli.output()
    content = None if wish.file is None else file_content(wish.file)
    async with App.start(cli.config) as app:
        desk = await billing_desk(app)
        async with desk.open_psa() as psa:
            view = await look_for_adoptions(
                app.database,
                rules=app.settings.billing,
                timezone=app.settings.timezone,
                psa=psa,
                psa_connection=desk.psa_connection,
                sources=sources_of(app),
                clock=app.clock,
                period=read_period(wish.period),
                clients=wish.clients,
            )
            chosen = (
                await choices_of(view, content, _name(wish.file), psa=psa)
                if content is not None
                else _accepted(view, wish)
            )
        if wish.export is not None:
            _export(output, view, wish.export)
            return 0
        if not wish.decides:
            steps = _steps(view, wish)
            output.emit(
                {**view_data(view), "next": steps}, lambda _console: _show(output, view, steps)
            )
            return 0
        if wish.accept_names and not _agreed(output, view, chosen, asks=not cli.json):
            steps = ["syncd adopt --export FILE, then `syncd adopt --import FILE`"]
            output.emit(
                {**view_data(view), "plan": None, "next": steps},
                lambda _console: output.say("nothing was accepted: a person has to say yes"),
            )
            return HELD_EXIT
        record = await store_adoption_plan(
            app.database, view, chosen, by=wish.by or current_person(), log=app.log
        )
    return await _planned(cli, record, wish)


async def _planned(cli: Cli, record: PlanRecord, wish: Wish) -> int:
    """Show the plan, or apply it at once."""
    output = cli.output()
    if not wish.apply:
        show_adoptions(output, record)
        return 0
    if not cli.json:
        show_plan(output, record, [])
        output.say("")
    return await apply_one(cli, record.id, dry_run=False)


def show_adoptions(output: Output, record: PlanRecord) -> None:
    """Print a plan of adoptions with the fate of each."""
    steps = []
    if any(bill.state in APPLICABLE for bill in record.bills):
        steps.append(f"syncd apply {record.id}  (writes our key on the records, in shadow too)")
    output.emit(_plan_data(record, steps), lambda _console: show_plan(output, record, steps))


def _plan_data(record: PlanRecord, steps: Sequence[str]) -> dict[str, object]:
    """A plan of adoptions for `--json`."""
    states = {bill.bill_key: bill for bill in record.bills}
    return {
        "plan": record.id,
        "kind": record.kind,
        "state": record.state,
        "period": record.plan.period,
        "made_at": record.plan.made_at,
        "adoptions": [
            {
                "key": bill.changes[0].key,
                "client": bill.client,
                "client_name": bill.client_name,
                "line": bill.changes[0].line,
                "line_name": bill.changes[0].line_name,
                "record": bill.changes[0].remote,
                "evidence": bill.changes[0].reason,
                "state": states[bill.key].state,
                "detail": states[bill.key].detail,
            }
            for bill in record.plan.bills
        ],
        "next": steps,
    }


def _require_one_way(wish: Wish) -> None:
    if (wish.export is not None) + (wish.file is not None) + (wish.accept or wish.accept_names) > 1:
        message = "--export, --import and --accept exclude each other"
        raise AdoptionRefused(message, remedy="export, edit the file, then import it")
    if wish.apply and not wish.decides:
        message = "--apply needs something accepted"
        raise AdoptionRefused(message, remedy="add --accept, --accept-names or --import FILE")


def _accepted(view: AdoptionView, wish: Wish) -> list[Choice]:
    if wish.accept_names:
        return proposed_choices(view)
    return certain_choices(view) if wish.accept else []


def _agreed(output: Output, view: AdoptionView, chosen: Sequence[Choice], *, asks: bool) -> bool:
    """Whether a person at a terminal says yes to what only looks alike."""
    if not chosen or not asks or not sys.stdin.isatty():
        return not chosen
    show_view(output, view)
    return typer.confirm(f"Adopt {plural(len(chosen), 'record')}, those by looks included?")


def _show(output: Output, view: AdoptionView, steps: Sequence[str]) -> None:
    show_view(output, view)
    for n, step in enumerate(steps):
        output.say(f"{'next:' if n == 0 else '     '} {step}")


def _steps(view: AdoptionView, wish: Wish) -> list[str]:
    again = " ".join(["syncd adopt", *(f"'{one}'" if " " in one else one for one in wish.clients)])
    if wish.period:
        again += f" --period {wish.period}"
    steps = [f"{again} --accept"] if any(one.certain for one in view.proposals) else []
    if view.lines:
        steps.append(f"{again} --export FILE, edit it, then {again} --import FILE")
    return steps


def _export(output: Output, view: AdoptionView, file: Path) -> None:
    text = export_adoptions(view)
    write_file(file, text)
    if file == _STANDARD:
        return
    count = sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) - 1
    output.emit(
        {"file": str(file), "rows": count},
        lambda _console: output.say(
            f"{count:,} lines in {file}; empty the record of what is not to be adopted, then "
            f"`syncd adopt --import {file}`"
        ),
    )


def _name(file: Path | None) -> str:
    return "standard input" if file in {None, _STANDARD} else str(file)
