"""`syncd plan invoices`, and `syncd plans show` of such a plan: each document with its money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncd.bookkeeping import book_names, keeper_name, open_ledger, rules_of
from syncd.bootstrap import App
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import plural
from syncd.core.invoicing import wording
from syncd.core.invoicing.plan_rows import APPLICABLE, RowState
from syncd.core.service.book_plan import plan_book
from syncd.core.service.invoice_apply import find_invoice_plan
from syncd.core.service.invoice_release import wants_approval
from syncd.core.service.runs import run
from syncd.core.store.invoice_plans import InvoicePlanRecord, StoredRow

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.invoice_plan import PlannedInvoices

HELD_EXIT, REFUSED_EXIT = 3, 6
_MOST = 40
"""Rows that a terminal is shown; `--json` has all."""


async def plan_books(cli: Cli, name: str | None, *, every: bool) -> int:
    """Plan one book, or each of them, and print.

    Returns:
        the exit code: 0, 3 when something is held, 6 when an invoice is refused.

    Raises:
        ConfigError: there is no such book.
        ConnectorError: a book could not be asked which it is.
    """
    output = cli.output()
    found: list[tuple[str, PlannedInvoices]] = []
    async with App.start(cli.config) as app:
        psa = await app.connection(keeper_name(app))
        for book in book_names(app, name):
            connection = await app.connection(book)
            async with (
                run(
                    app.database,
                    subject=book,
                    kind="plan invoices",
                    scheduled_for=None,
                    clock=app.clock,
                    log=app.log,
                    node=app.node,
                    report=app.report,
                ) as handle,
                open_ledger(app, book) as ledger,
            ):
                planned = await plan_book(
                    app.database,
                    ledger=ledger,
                    ledger_connection=connection,
                    psa_connection=psa,
                    rules=rules_of(app, book),
                    timezone=app.settings.timezone,
                    clock=app.clock,
                    log=app.log,
                    made_by=current_person(),
                    run_id=handle.id,
                )
                for state, n in _states(planned.record).items():
                    handle.count(state.value, n)
            found.append((book, planned))
    data = {"plans": [plan_data(book, one.record, one) for book, one in found]}

    def render(_console: object) -> None:
        for book, one in found:
            show_plan(output, book, one.record, every=every, planned=one)

    output.emit(data, render)
    states: Counter[RowState] = Counter()
    for _, one in found:
        states += _states(one.record)
    if states[RowState.REFUSED]:
        return REFUSED_EXIT
    return HELD_EXIT if states[RowState.HELD] else 0


async def show_stored(cli: Cli, wanted: str) -> None:
    """Print a plan as it stands now.

    Raises:
        PlanNotFound: there is no such plan.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        record = await find_invoice_plan(app.database, wanted)
        names = {(await app.connection(one)).id: one for one in app.settings.ledgers}
    book = names.get(record.ledger_id, "a book that is not configured")
    output.emit(
        plan_data(book, record, None),
        lambda _console: show_plan(output, book, record, every=True, planned=None),
    )


def plan_data(
    book: str, record: InvoicePlanRecord, planned: PlannedInvoices | None
) -> dict[str, Any]:
    """A plan for machines: every row, its document, its prediction and what objects."""
    return {
        "plan": record.id,
        "ledger": book,
        "organisation": record.book_key,
        "made_at": record.made_at,
        "summary": {
            state.value: {
                "rows": n,
                "money": {c: str(a) for c, a in _money(record, state).items()},
            }
            for state, n in _states(record).items()
        },
        "before_golive": planned.before_golive if planned is not None else None,
        "of_other_books": planned.elsewhere if planned is not None else None,
        "rows": [
            {
                "key": row.key,
                "state": row.state.value,
                "effect": str(row.step.effect),
                "step": row.step,
                "released_by": row.released_by,
                "release_reason": row.release_reason,
            }
            for row in record.rows
        ],
        "next": next_steps(book, record),
    }


def show_plan(
    output: Output,
    book: str,
    record: InvoicePlanRecord,
    *,
    every: bool,
    planned: PlannedInvoices | None,
) -> None:
    """A plan for people."""
    output.say(f"plan {record.id} for '{book}'\n")
    rows = [row for row in record.rows if every or row.state is not RowState.SUPERSEDED]
    shown = rows if every else rows[:_MOST]
    if shown:
        output.console.print(
            table(
                "number",
                "client",
                "does",
                ("effect", "right"),
                "state",
                "why",
                rows=[_line(row) for row in shown],
            )
        )
    else:
        output.say("nothing is to be written")
    if len(shown) < len(rows):
        output.say(f"... and {len(rows) - len(shown):,} more; --all or --json shows them")
    for state, n in _states(record).items():
        money = ", ".join(
            f"{wording.shown(a, signed=True)} {c}" for c, a in sorted(_money(record, state).items())
        )
        output.say(f"{state.value}: {plural(n, 'row')}{f', {money}' if money else ''}")
    if planned is not None and planned.before_golive:
        output.say(f"{plural(planned.before_golive, 'invoice')} from before the book went live")
    if planned is not None and planned.elsewhere:
        output.say(f"{plural(planned.elsewhere, 'invoice')} of other books")
    _notes(output, shown)
    for n, step in enumerate(next_steps(book, record)):
        output.say(f"{'next:' if n == 0 else '     '} {step}")
    output.say("")


def next_steps(book: str, record: InvoicePlanRecord) -> list[str]:
    """What to do with a plan."""
    states = _states(record)
    steps = []
    steps += release_steps(record)
    if any(states[state] for state in APPLICABLE):
        steps.append(f"syncd apply {record.id}")
    if states[RowState.REFUSED]:
        steps.append(f"syncd issues  (then syncd plan invoices {book})")
    return steps


def release_steps(record: InvoicePlanRecord) -> list[str]:
    """How what is held is released: all that waits for approval at once, anything else by name."""
    release = f"syncd invoices release {record.id}"
    steps = [f"{release} --why TEXT"] if any(map(wants_approval, record.rows)) else []
    named = [
        row.step.number
        for row in record.rows
        if row.state is RowState.HELD and not wants_approval(row)
    ]
    if named:
        more = f"  (and {plural(len(named) - 1, 'other')}, each by name)" if named[1:] else ""
        steps.append(f"{release} {named[0]} --why TEXT{more}")
    return steps


def _line(row: StoredRow) -> tuple[object, ...]:
    step = row.step
    effect = f"{wording.shown(step.effect, signed=True)} {step.currency}" if step.currency else ""
    why = ", ".join(dict.fromkeys(one.code for one in step.objections))
    if row.released_by:
        why = f"released by {row.released_by}"
    return (step.number, step.client_name, step.step.value, effect, row.state.value, why)


def _notes(output: Output, rows: Sequence[StoredRow]) -> None:
    said = [(row.step.number, note) for row in rows for note in row.step.notes]
    if said:
        output.say("\nnotes:")
        for number, note in said[:_MOST]:
            output.say(f"  {number}: {note}")


def _states(record: InvoicePlanRecord) -> Counter[RowState]:
    return Counter(row.state for row in record.rows)


def _money(record: InvoicePlanRecord, state: RowState) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in record.rows:
        if row.state is state and row.step.currency:
            before = found.get(row.step.currency, Decimal(0))
            found[row.step.currency] = before + row.step.effect
    return found
