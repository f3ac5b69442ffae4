"""`syncd invoices link`: what stands in a book already, beside the invoices of the PSA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.bookkeeping import keeper_name, open_ledger, rules_of
from syncd.bootstrap import App
from syncd.cli.invoices import read_psa
from syncd.cli.map_files import write_file
from syncd.cli.output import table
from syncd.cli.plan_view import plural
from syncd.core.service.connection_health import failures_recorded
from syncd.core.service.csv_text import write_rows
from syncd.core.service.ledger_linking import KIND, LinkReport, counts_of, link_book
from syncd.core.service.ledger_matching import Candidate
from syncd.core.service.runs import run
from syncd.sdk.ledger_records import LedgerEntry

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

_SHOWN = 20
_COLUMNS = (
    "result",
    "number",
    "kind",
    "dated",
    "client",
    "currency",
    "psa_total",
    "books_total",
    "invoice",
    "remote",
    "detail",
)


async def link(cli: Cli, name: str, *, read: bool, csv: Path | None, days: int | None) -> None:
    """Match documents of a book to stored invoices, keep the pairs, and print what is left.

    Raises:
        ConfigError: there is no such book, or the file cannot be written.
        DataError: no invoice was ever read.
        ConnectorError: the PSA or the book could not be read; the pass is not finished.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        rules = rules_of(app, name)
        if read:
            await read_psa(app)
        psa = await app.connection(keeper_name(app))
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
                ledger = await stack.enter_async_context(open_ledger(app, name))
            report = await link_book(
                app.database,
                psa,
                connection,
                ledger,
                rules=rules,
                history_days=app.settings.invoices.history_days if days is None else days,
                clock=app.clock,
                log=app.log,
                run=handle,
            )
    rows = list(_rows(report))
    if csv is not None:
        write_file(csv, write_rows(_COLUMNS, rows))
        if str(csv) == "-":
            return
    data: dict[str, Any] = {
        "book": name,
        "organisation": report.book.key,
        "first": report.first,
        "last": report.last,
        "counts": counts_of(report),
        "rows": rows,
    }
    output.emit(data, lambda _console: _show(output, report, rows, csv))


def _show(output: Output, report: LinkReport, rows: list[dict[str, str]], csv: Path | None) -> None:
    counts = counts_of(report)
    output.say(
        f"{report.book.name} ({report.book.key}), {report.first} to {report.last}: "
        f"{plural(counts['documents'], 'document')}, nothing was written to the book"
    )
    output.console.print(
        table(
            "result", ("number", "right"), "meaning",
            rows=[
                ("linked before", counts["known"], "found in an earlier pass, or posted by us"),
                ("linked now", counts["linked"], "by id, or by number, total and contact"),
                ("amount differs", counts["amount_differs"], "same document, other total"),
                ("doubtful", counts["doubtful"], "same number or id, and another fact differs"),
                ("PSA only", counts["psa_only"], "no document; posted if dated after going live"),
                ("books only", counts["books_only"], "documents that no invoice stands for"),
                ("other books", counts["elsewhere"], "they stand there, and are not written here"),
                ("other clients", counts["unserved"], "invoices of clients without a contact here"),
            ],
        )
    )  # fmt: skip
    open_rows = [row for row in rows if row["result"] != "linked"]
    if open_rows:
        output.console.print(
            table(
                "result", "number", "dated", "client", ("PSA", "right"), ("books", "right"), "why",
                rows=[
                    (
                        row["result"],
                        row["number"],
                        row["dated"],
                        row["client"],
                        row["psa_total"] or None,
                        row["books_total"] or None,
                        row["detail"] or None,
                    )
                    for row in open_rows[:_SHOWN]
                ],
            )
        )  # fmt: skip
    if len(open_rows) > _SHOWN:
        output.say(f"and {len(open_rows) - _SHOWN:,} more; --csv FILE writes all of them")
    if csv is not None:
        output.say(f"{plural(len(rows), 'row')} in {csv}")
    output.say(f"next: syncd golive {report.ledger} --from DATE")


def _rows(report: LinkReport) -> Iterator[dict[str, str]]:
    """Every finding as a row of the file, the doubtful ones first."""
    for pair in report.differs:
        yield _row("amount differs", pair.invoice, pair.entry, f"linked by id; {pair.differs}")
    for doubt in report.doubts:
        result = "amount differs" if doubt.amount else "doubtful"
        yield _row(result, doubt.invoice, doubt.entry, f"not linked: {doubt.why}")
    for one in report.psa_only:
        yield _row("PSA only", one, None, "")
    for entry in report.books_only:
        yield _row("books only", None, entry, "")
    for pair in report.linked:
        if not pair.differs:
            yield _row("linked", pair.invoice, pair.entry, f"by {pair.ground.value}")


def _row(
    result: str, invoice: Candidate | None, entry: LedgerEntry | None, detail: str
) -> dict[str, str]:
    of_invoice: Mapping[str, str] = {} if invoice is None else {
        "number": invoice.number,
        "kind": invoice.kind.value,
        "dated": invoice.dated,
        "client": invoice.client_name,
        "currency": invoice.currency,
        "psa_total": f"{invoice.total:.2f}",
        "invoice": invoice.key,
    }  # fmt: skip
    of_entry: Mapping[str, str] = {} if entry is None else {
        "number": entry.number,
        "kind": entry.kind.value,
        "dated": entry.dated.isoformat(),
        "client": entry.contact_name,
        "currency": entry.currency,
        "books_total": f"{entry.total:.2f}",
        "remote": entry.remote,
    }  # fmt: skip
    blank = dict.fromkeys(_COLUMNS, "")
    return {**blank, **of_entry, **of_invoice, "result": result, "detail": detail}
