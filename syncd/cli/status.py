"""`syncd status`: the installation at a glance, read from the database alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.moments import moment, span
from syncd.cli.output import table
from syncd.core.service.overview import Overview, Standing, Watched, look
from syncd.core.store.connections import find_connection
from syncd.core.store.golive import LIVE, GoLiveBook, load_golive
from syncd.sdk.connector import Capability

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.cli.status_books import BookStanding


async def show_status(cli: Cli) -> None:
    """Print how every connection stands, what waits, and what to do next."""
    async with App.start(cli.config) as app:
        now = app.clock()
        golive = await _golive(app)
        overview = await look(
            app.database,
            _watched(app),
            now=now,
            max_age=timedelta(hours=app.settings.billing.max_age_hours),
            live=golive.anyone,
        )
        settings = app.settings
        books = await _books(app)
        data = {
            "now": now,
            "mode": settings.billing.mode,
            "live_clients": named_live(golive),
            "billing": settings.billing_words,
            "overview": overview,
            "books": books,
        }
        output = cli.output()
        output.emit(data, lambda _console: _show(output, app, overview, now, golive, books))


async def _books(app: App) -> Sequence[BookStanding]:
    """How books stand; an installation without any imports nothing of them."""
    if not app.settings.ledgers:
        return ()
    from syncd.cli.status_books import book_standings

    return await book_standings(app)


async def _golive(app: App) -> GoLiveBook:
    """Who is live; nobody has said anything where the PSA was never used."""
    billing = app.settings.billing
    async with app.database.reader() as conn:
        psa = await find_connection(conn, billing.psa) if billing.psa is not None else None
        if psa is None:
            return GoLiveBook(mode=billing.mode)
        return await load_golive(conn, psa.id, mode=billing.mode)


def named_live(golive: GoLiveBook) -> int | None:
    """How many clients are live by a person's word; None where the mode makes all of them live."""
    if golive.mode == LIVE:
        return None
    return sum(1 for word in golive.words.values() if word.live)


def _watched(app: App) -> list[Watched]:
    found = []
    for name, settings in app.settings.connections.items():
        counts = Capability.USAGE in settings.connector.provides
        due = settings.due if counts else None
        if not settings.enabled:
            continue
        if Capability.LEDGER in settings.connector.provides and not counts:
            found.append(_book(name, used=name in app.settings.ledgers))
        else:
            found.append(
                Watched(name=name, counts=counts, due_before=due.due_before if due else None)
            )
    found += [
        Watched(name=lost.name, counts=True, lost=lost.reason)
        for lost in app.settings.unavailable.values()
    ]
    return found


def _book(name: str, *, used: bool) -> Watched:
    from syncd.core.service.ledger_references import KIND

    refresh = f"map books {name} --refresh" if used else None
    return Watched(name=name, counts=False, refresh=refresh, runs=KIND)


def _show(
    output: Output,
    app: App,
    overview: Overview,
    now: datetime,
    golive: GoLiveBook,
    books: Sequence[BookStanding],
) -> None:
    zone = app.settings.timezone
    named = named_live(golive)
    clients = f", {named:,} client{' is' if named == 1 else 's are'} live by name" if named else ""
    mode = LIVE if app.settings.billing.mode == LIVE else "in shadow"
    output.say(f"{moment(now, zone)} {zone.key}, billing is {mode}{clients}")
    output.say(f"{app.settings.billing_words}\n")
    signed_in = any(one.sign_in_ends for one in overview.connections)
    more = ("sign-in",) if signed_in else ()
    output.console.print(
        table(
            "connection",
            "state",
            "complete as of",
            "last run",
            ("linked", "right"),
            "issues",
            *more,
            rows=[_row(one, app, now)[: 6 + len(more)] for one in overview.connections],
        )
    )
    if books:
        from syncd.cli.status_books import show_books

        show_books(output, app, books, now)
    if overview.general_issues:
        output.say(f"\nissues of no connection: {_counts(overview.general_issues)}")
    if overview.bills:
        output.console.print(
            table(
                "plan",
                "period",
                "bills",
                ("number", "right"),
                rows=[(one.plan, one.period, one.state, one.count) for one in overview.bills],
            )
        )
    if overview.unsettled:
        output.say(f"writes not settled: {_counts(overview.unsettled)}")
    if overview.next:
        output.say("\nnext:")
        for hint in overview.next:
            output.say(f"  {hint}")
    else:
        output.say("\nnothing is to be done")


def _row(one: Standing, app: App, now: datetime) -> tuple[object, ...]:
    zone = app.settings.timezone
    run = one.last_run
    return (
        one.name,
        one.freshness.value if one.available else "unavailable",
        f"{moment(one.as_of, zone)} ({span(now - one.as_of)} ago)" if one.as_of else None,
        f"{run.status.value} {span(now - run.started_at)} ago" if run else None,
        f"{one.linked:,} of {one.accounts:,}" if one.counts else None,
        _counts(one.issues) or "none",
        _left(one.sign_in_ends, now),
    )


def _left(ends_at: datetime | None, now: datetime) -> str | None:
    """How long a sign-in lasts yet."""
    if ends_at is None:
        return None
    days = (ends_at - now).days
    return "ended" if ends_at <= now else f"{days} day{'' if days == 1 else 's'} left"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
