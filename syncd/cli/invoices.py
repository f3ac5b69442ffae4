"""`syncd invoices read|list|attest`: what the PSA has, where each invoice stands, who vouches."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncd.bookkeeping import book_names, keeper_name, open_keeper, open_ledger, rules_of
from syncd.bootstrap import App
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import plural
from syncd.core.service.connection_health import failures_recorded
from syncd.core.service.invoice_overview import InvoiceState, invoice_states
from syncd.core.service.invoice_reading import KIND, InvoiceRead, read_invoices
from syncd.core.service.ledger_golive import attest
from syncd.core.service.ledger_references import KIND as REFERENCE_KIND
from syncd.core.service.ledger_references import WORDS, BookRead, read_references
from syncd.core.service.runs import run
from syncd.sdk.errors import ConfigError, ConnectorError

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.store.ledger_golive import Vouched

_OVERLAP_MINUTES = 60
_SWEEP_DAYS = 400


async def read_all(cli: Cli, name: str | None, *, whole: bool) -> int:
    """Read invoices of the PSA and the catalogues of books, and print what came.

    A book that cannot be read keeps no other from being read.

    Returns:
        the exit code: 0, or that of the first book that could not be read.

    Raises:
        ConfigError: there is no such book, or the PSA knows no invoices.
        ConnectorError: the PSA could not be read; an issue says so.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        books = () if name == keeper_name(app) else book_names(app, name)
        invoices = None
        if name is None or name == keeper_name(app):
            invoices = await read_psa(app, whole=whole)
        found: dict[str, BookRead] = {}
        failed: dict[str, ConnectorError] = {}
        for book in books:
            try:
                found[book] = await read_book(app, book)
            except ConnectorError as error:  # it is in its run, in an issue, and told below
                failed[book] = error
        psa = keeper_name(app)

    def render(_console: object) -> None:
        if invoices is not None:
            _show_read(output, psa, invoices)
        for book, one in found.items():
            show_book(output, book, one)

    told = {
        book: {"code": why.code, "message": str(why), "remedy": why.remedy}
        for book, why in failed.items()
    }
    output.emit({"invoices": invoices, "books": found, "failed": told}, render)
    for why in failed.values():
        output.warn(str(why), why.remedy)
    return next((why.exit_code for why in failed.values()), 0)


async def read_psa(app: App, *, whole: bool = False) -> InvoiceRead:
    """Read invoices of the PSA as a run of its own.

    Raises:
        ConfigError: the PSA knows no invoices.
        ConnectorError: they could not be read whole.
    """
    name = keeper_name(app)
    connection = await app.connection(name)
    rules = app.settings.invoices.ledgers.values()
    overlap = max((one.overlap_minutes for one in rules), default=_OVERLAP_MINUTES)
    days = max((one.read_back_days for one in rules), default=_SWEEP_DAYS)
    async with AsyncExitStack() as stack:
        handle = await stack.enter_async_context(_run(app, name, KIND))
        async with failures_recorded(app.database, connection, app.clock, app.log):
            keeper = await stack.enter_async_context(open_keeper(app))
        return await read_invoices(
            app.database,
            connection,
            keeper,
            overlap=timedelta(minutes=overlap),
            sweep_days=days,
            clock=app.clock,
            log=app.log,
            run=handle,
            whole=whole,
        )


async def read_book(app: App, name: str) -> BookRead:
    """Read the catalogues of a book as a run of its own.

    Raises:
        ConfigError: there is no such book.
        ConnectorError: it could not be read whole.
    """
    rules_of(app, name)
    psa = await app.connection(keeper_name(app))
    connection = await app.connection(name)
    async with AsyncExitStack() as stack:
        handle = await stack.enter_async_context(_run(app, name, REFERENCE_KIND))
        async with failures_recorded(app.database, connection, app.clock, app.log):
            ledger = await stack.enter_async_context(open_ledger(app, name))
        return await read_references(
            app.database,
            connection,
            ledger,
            psa_id=psa.id,
            clock=app.clock,
            log=app.log,
            run=handle,
        )


async def list_invoices(cli: Cli, *, client: str | None, state: str | None, every: bool) -> None:
    """Print where each invoice stands; without `every` only those that are not done."""
    output = cli.output()
    async with App.start(cli.config) as app:
        psa = await app.connection(keeper_name(app))
        found = await invoice_states(app.database, psa, books=app.settings.ledgers)
    wanted = (client or "").strip().casefold()
    chosen = [
        one
        for one in found
        if (not wanted or wanted in {one.client, one.client_name.casefold()})
        and (one.state == state if state else every or not one.done)
    ]
    counts = Counter(one.state for one in found)

    def render(_console: object) -> None:
        if not found:
            output.say("no invoice was read so far: `syncd invoices read`")
            return
        if chosen:
            output.console.print(_invoice_table(chosen))
        said = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
        output.say(f"{plural(len(found), 'invoice')}: {said}")
        if not every and not state and len(chosen) < len(found):
            output.say("posted, linked and ignored ones are left out; --all shows them")

    output.emit({"invoices": chosen, "counts": dict(sorted(counts.items()))}, render)


async def vouch(cli: Cli, name: str, *, reason: str, by: str | None, withdraw: bool) -> None:
    """Keep or take back a person's word that nobody else carries invoices into a book.

    Raises:
        ConfigError: no reason, no such book, or nothing to take back.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        rules_of(app, name)
        held = await attest(
            app.database,
            await app.connection(keeper_name(app)),
            await app.connection(name),
            reason=reason,
            by=by or current_person(),
            withdraw=withdraw,
            clock=app.clock,
            log=app.log,
        )
        zone = app.settings.timezone

    def render(_console: object) -> None:
        if not held:
            output.say(
                f"nobody vouches for anything of {name} any more; unsure invoices are refused"
            )
        for one in held:
            output.say(
                f"{one.by} vouches since {moment(one.at, zone)} that nobody else carries invoices "
                f"into {name}: {one.reason}"
            )

    output.emit({"book": name, "attestations": [_word(one) for one in held]}, render)


def show_book(output: Output, name: str, found: BookRead) -> None:
    """What was read of a book."""
    book = found.book
    lock = f", closed up to {book.locked_until}" if book.locked_until else ""
    output.say(f"{name}: {book.name} ({book.key}), {book.currency}{lock}")
    rows = [
        (WORDS[kind], count, found.stored.gone.get(kind, 0))
        for kind, count in found.stored.seen.items()
    ]
    output.console.print(
        table(f"{name} has", ("seen", "right"), ("no longer there", "right"), rows=rows)
    )


def _show_read(output: Output, name: str, found: InvoiceRead) -> None:
    since = "from the beginning" if found.since is None else f"since {found.since:%Y-%m-%d %H:%M}Z"
    stored = found.stored
    output.say(
        f"{name}: {plural(found.read, 'invoice')} {since}: {stored.new:,} new, "
        f"{stored.changed:,} changed, {stored.same + stored.older:,} as before, {found.gone:,} gone"
    )
    if found.doubted:
        output.say(f"{name} knows none of those that were asked for by id: see `syncd issues`")


def _invoice_table(chosen: list[InvoiceState]) -> object:
    return table(
        "number", "date", "client", ("total", "right"), "state", "book", "why",
        rows=[
            (
                one.number or one.key,
                one.dated,
                one.client_name,
                f"{one.total:,.2f} {one.currency}",
                one.state,
                one.book or None,
                one.why or None,
            )
            for one in chosen
        ],
    )  # fmt: skip


def _word(one: Vouched) -> dict[str, Any]:
    return {"what": one.what, "by": one.by, "at": one.at, "reason": one.reason}


def _run(app: App, subject: str, kind: str) -> Any:
    return run(
        app.database,
        subject=subject,
        kind=kind,
        scheduled_for=None,
        clock=app.clock,
        log=app.log,
        node=app.node,
        report=app.report,
    )


def known_states() -> str:
    """For the help of an option."""
    return "draft, ignored, waiting, held, refused, sending, posted, linked, drifted or voided"


def require_state(state: str | None) -> str | None:
    """The state that is asked for.

    Raises:
        ConfigError: there is no such state.
    """
    if state is not None and state not in known_states().replace(" or ", ", ").split(", "):
        raise ConfigError(f"'{state}' is no state of an invoice", remedy=f"write {known_states()}")
    return state
