"""`syncd invoices outstanding|payments`: as tables, as JSON and as CSV."""

from __future__ import annotations

import csv as csv_format
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.bookkeeping import book_names
from syncd.bootstrap import App
from syncd.cli.map_files import write_file
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import plural
from syncd.core.service.csv_text import escape
from syncd.core.service.drift_words import answer_payment
from syncd.core.service.evidence_pack import BOM
from syncd.core.service.outstanding import (
    AGES,
    Outstanding,
    OutstandingReport,
    read_outstanding,
)
from syncd.core.service.payment_list import ListedPayment, list_payments
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from syncd.cli.context import Cli
    from syncd.cli.output import Output

_SHOWN = 60


async def show_outstanding(
    cli: Cli, client: str | None, *, book: str | None, documents: bool, csv: Path | None
) -> None:
    """Print what is outstanding, by what was read back last; nobody is asked.

    Raises:
        ConfigError: there is no such book.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        ledgers = [await app.connection(name) for name in book_names(app, book)]
        zone = app.settings.timezone
        day = app.clock().astimezone(zone).date()
        found = await read_outstanding(app.database, ledgers, day=day, client=client)
    if csv is not None:
        write_file(csv, _outstanding_csv(found, documents=documents))
        n = len(found.documents) if documents else len(found.rows)
        output.note(f"{plural(n, 'row')} in {csv}")
        return
    output.emit(found, lambda _console: _outstanding(output, found, zone, documents=documents))


def _outstanding(
    output: Output, found: OutstandingReport, zone: ZoneInfo, *, documents: bool
) -> None:
    if not found.rows:
        output.say("nothing that was posted or linked is known to be open")
    else:
        heads = [(head, "right") for head in ("open", "outstanding", *AGES, "DSO")]
        rows = [_cells(one) for one in [*found.rows[:_SHOWN], *found.totals]]
        output.console.print(table("client", *heads, rows=rows))
        if len(found.rows) > _SHOWN:
            output.say(f"and {len(found.rows) - _SHOWN:,} more, see --json or --csv")
    if documents and found.documents:
        output.console.print(
            table(
                "number", "client", "dated", "due", ("total", "right"), ("left", "right"),
                rows=[
                    (
                        one.number,
                        one.client_name,
                        one.dated,
                        one.due,
                        f"{one.total:,.2f}",
                        f"{one.balance:,.2f} {one.currency}",
                    )
                    for one in found.documents
                ],
            )
        )  # fmt: skip
    output.say(f"DSO, days sales outstanding = {found.formula}; columns are days overdue")
    if found.seen_from is not None:
        output.say(f"as the books were read back, the oldest at {moment(found.seen_from, zone)}")
    if found.drafts:
        output.say(f"{plural(found.drafts, 'draft')} left out: not in the books yet")
    if found.unknown:
        count = plural(found.unknown, "document")
        output.say(f"{count} never read back: what is left of that is not known")


def _cells(one: Outstanding) -> tuple[object, ...]:
    name = f"{one.client_name} ({one.client})" if one.client else "total"
    return (
        name,
        one.documents,
        f"{one.outstanding:,.2f} {one.currency}",
        *(f"{age:,.2f}" if age else None for age in one.ages),
        one.days,
    )


def _outstanding_csv(found: OutstandingReport, *, documents: bool) -> str:
    if documents:
        heads = ["number", "kind", "client", "client_name", "dated", "due", "currency", "total",
                 "balance", "status"]  # fmt: skip
        rows: Iterable[Sequence[object]] = (
            (escape(one.number), one.kind.value, escape(one.client), escape(one.client_name),
             one.dated, one.due or "", one.currency, one.total, one.balance, one.status)
            for one in found.documents
        )  # fmt: skip
        return _csv(heads, rows)
    heads = ["client", "client_name", "currency", "documents", "outstanding", "overdue", *AGES,
             "invoiced", "days_sales_outstanding"]  # fmt: skip
    return _csv(
        heads,
        (
            (
                escape(one.client),
                escape(one.client_name),
                one.currency,
                one.documents,
                one.outstanding,
                one.overdue,
                *one.ages,
                one.invoiced,
                "" if one.days is None else one.days,
            )
            for one in found.rows
        ),
    )


async def show_payments(cli: Cli, *, book: str | None, held: bool, csv: Path | None) -> None:
    """Print payments of the books and where each stands.

    Raises:
        ConfigError: there is no such book.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        ledgers = [await app.connection(name) for name in book_names(app, book)]
        found = await list_payments(app.database, ledgers)
    chosen = [one for one in found if one.state == "held"] if held else found
    if csv is not None:
        heads = ["id", "book", "number", "dated", "amount", "currency", "taken_back", "state",
                 "detail", "payment", "psa_payment"]  # fmt: skip
        rows = (
            (one.id, one.book, escape(one.number), one.dated, one.amount, one.currency,
             one.taken_back, one.state, escape(one.detail), escape(one.remote),
             escape(one.psa_remote))
            for one in chosen
        )  # fmt: skip
        write_file(csv, _csv(heads, rows))
        output.note(f"{plural(len(chosen), 'row')} in {csv}")
        return

    def render(_console: object) -> None:
        if not chosen:
            output.say("no payment waits" if held else "no payment was read so far")
            return
        output.console.print(_payment_table(chosen[:_SHOWN]))
        if len(chosen) > _SHOWN:
            output.say(f"and {len(chosen) - _SHOWN:,} older, see --json or --csv")

    output.emit({"payments": chosen}, render)


def _payment_table(chosen: Sequence[ListedPayment]) -> object:
    return table(
        ("id", "right"), "book", "number", "dated", ("amount", "right"), "in the PSA", "why",
        rows=[
            (
                one.id,
                one.book,
                one.number or None,
                one.dated,
                f"{-one.amount if one.taken_back else one.amount:,.2f} {one.currency}",
                one.state,
                one.detail,
            )
            for one in chosen
        ],
    )  # fmt: skip


async def answer(
    cli: Cli, part: int, *, book: str | None, record: bool, why: str, by: str | None
) -> None:
    """Keep a person's word on a payment that waits.

    Raises:
        ConfigError: no reason, or no such book.
        DataError: it does not wait.
    """
    if not why.strip():
        message = "a word on a payment needs its reason"
        raise ConfigError(message, remedy="add --why TEXT")
    output = cli.output()
    person = by or current_person()
    async with App.start(cli.config) as app:
        names = book_names(app, book)
        known = {
            one.id: one.book
            for one in await list_payments(
                app.database, [await app.connection(name) for name in names]
            )
        }
        connection = await app.connection(known.get(part, names[0]))
        said = await answer_payment(
            app.database,
            connection,
            part,
            record=record,
            by=person,
            why=why,
            clock=app.clock,
            log=app.log,
        )
    done = "is recorded by the next run" if record else "is left as it is"
    output.emit(
        {"payment": part, "book": connection.name, "record": record, "by": person, "why": why},
        lambda _console: output.say(
            f"the payment of {said.amount:,.2f} {said.currency} in {connection.name} {done}"
        ),
    )


def _csv(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    target = io.StringIO(newline="")
    writer = csv_format.writer(target, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return BOM + target.getvalue()
