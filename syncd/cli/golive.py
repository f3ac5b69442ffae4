"""`syncd golive`: shows what going live means, asks, keeps the word; `--back` takes it back."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from syncd.bootstrap import App
from syncd.cli.desk import billing_desk
from syncd.cli.golive_books import (
    book_words,
    decide_book,
    forget_lost_book,
    named_books,
    show_book_words,
)
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.shadow import client_table, compared
from syncd.core.service.applied import HELD_EXIT
from syncd.core.service.csv_text import decode
from syncd.core.service.golive import go_live, put_back
from syncd.core.service.golive_asks import Ask, Choice, choose_golive, read_asks
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.golive import LIVE, GoLiveWord, load_golive
from syncd.core.store.references import ReferenceKind
from syncd.sdk.errors import ConfigError
from syncd.sdk.period import last_finished

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.shadow_month import ShadowReport

_STANDARD = "-"


async def decide_golive(
    cli: Cli,
    clients: Sequence[str],
    *,
    start: str | None,
    file: str | None,
    back: bool,
    forget: bool = False,
    reason: str,
    by: str | None,
    yes: bool,
) -> int:
    """List who is live, let clients or a book go live, put them back, or forget a book.

    Returns:
        the exit code: 3 when nothing was decided for want of a yes.

    Raises:
        ConfigError: the options do not fit each other, or the list cannot be read.
        BadFile: rows of the list are wrong; all of them are named.
        GoLiveRefused: a client cannot go live, or cannot be put back now.
        ConnectorError: the PSA could not be read to show what it means.
    """
    person = by or current_person()
    if forget:
        if len(clients) != 1 or start is not None or file is not None or back:
            message = "--forget takes one book and a reason, and nothing else"
            remedy = 'write `syncd golive NAME --forget --why "what became of it"`'
            raise ConfigError(message, remedy=remedy)
        return await forget_lost_book(cli, clients[0], reason=reason, by=person, yes=yes)
    books = named_books(cli, clients) if clients and file is None else ()
    if books:
        if len(clients) > 1:
            message = f"'{books[0]}' is a book, and it goes live alone"
            raise ConfigError(message, remedy="name one book, or only clients")
        return await decide_book(
            cli, books[0], start=start, back=back, reason=reason, by=person, yes=yes
        )
    if back:
        if start is not None or file is not None or not clients:
            message = "--back takes clients and a reason, and nothing else"
            raise ConfigError(message, remedy='write `syncd golive --back CLIENT --reason "why"`')
        await _back(cli, clients, reason=reason, by=person)
        return 0
    if not clients and file is None:
        if start is not None:
            message = "--from says since when, and no client is named"
            raise ConfigError(message, remedy="write `syncd golive CLIENT --from 2026-11`")
        await _list(cli)
        return 0
    return await _go(cli, clients, start=start, file=file, reason=reason, by=person, yes=yes)


async def _go(
    cli: Cli,
    clients: Sequence[str],
    *,
    start: str | None,
    file: str | None,
    reason: str,
    by: str,
    yes: bool,
) -> int:
    output = cli.output()
    asks = [Ask(client=one, period=start or "", reason=reason) for one in clients]
    if file is not None:
        asks += read_asks(_read(file), file, period=start, reason=reason)
    async with App.start(cli.config) as app:
        desk = await billing_desk(app)
        mode = app.settings.billing.mode
        choices = await choose_golive(
            app.database, asks, psa_connection=desk.psa_connection, mode=mode, file=file or ""
        )
        new = [one for one in choices if one.changes]
        found: ShadowReport | None = None
        if new:
            finished = last_finished(app.clock(), app.settings.timezone)
            month = min(max(one.period for one in new), finished)
            found = await compared(app, desk, period=month, clients=[one.client for one in new])
        agreed = yes or not new or _agreed(output, new, found, asks=not cli.json)
        if agreed:
            await go_live(
                app.database,
                new,
                psa_connection=desk.psa_connection,
                by=by,
                clock=app.clock,
                log=app.log,
            )
    again = _command(clients, start=start, file=file, reason=reason)
    steps = _steps(new, found, agreed=agreed, again=again)
    rows = [
        {
            "client": one.client,
            "client_name": one.client_name,
            "from": str(one.period),
            "before": one.before,
            "live": agreed or not one.changes,
        }
        for one in choices
    ]
    code = 0 if agreed else HELD_EXIT
    data: dict[str, Any] = {
        "clients": rows,
        "compared": None if found is None else found.period,
        "totals": () if found is None else found.clients,
        "total": None if found is None else found.total,
        "exit_code": code,
        "next": steps,
    }

    def render(_console: object) -> None:
        if yes and found is not None:
            _meaning(output, new, found)
        if not new:
            output.say("nothing new: these clients are live from that month on already")
        elif agreed:
            _now_live(output, new)
        else:
            output.say("nobody went live: that takes a yes")
        for n, step in enumerate(steps):
            output.say(f"{'next:' if n == 0 else '     '} {step}")

    output.emit(data, render)
    return code


def _now_live(output: Output, new: Sequence[Choice]) -> None:
    """Who went live: by name where the table above does not name them already."""
    if len(new) == 1:
        output.say(f"{new[0].client_name} ({new[0].client}) is live from {new[0].period} on")
        return
    months = Counter(str(one.period) for one in new)
    for month, count in sorted(months.items()):
        output.say(f"{count:,} clients are live from {month} on")


def _agreed(
    output: Output, new: Sequence[Choice], found: ShadowReport | None, *, asks: bool
) -> bool:
    """Whether a person at a terminal says yes, with the meaning before them."""
    if not asks or found is None:
        return False
    _meaning(output, new, found)
    if not sys.stdin.isatty():
        return False
    noun = new[0].client_name if len(new) == 1 else f"these {len(new)} clients"
    return typer.confirm(f"Let {noun} be billed by syncd?")


def _meaning(output: Output, new: Sequence[Choice], found: ShadowReport) -> None:
    months = ", ".join(sorted({str(one.period) for one in new}))
    output.say(
        f"first billed month: {months}; what we would bill for {found.period} beside what the PSA "
        f"bills, {found.currency}"
    )
    output.console.print(client_table([*found.clients, found.total]))
    bare = sorted({one.client_name for one in new} - {one.client_name for one in found.clients})
    if bare:
        output.say(f"nothing to bill, and nothing billed: {', '.join(bare)}")


def _steps(
    new: Sequence[Choice], found: ShadowReport | None, *, agreed: bool, again: str
) -> list[str]:
    """The next commands, each as it can be copied."""
    if not new or found is None:
        return []
    only = f" --client {new[0].client}" if len(new) == 1 else ""
    if agreed:
        return [f"syncd plan billing{only}", "syncd golive"]
    return [f"syncd shadow {found.period}{only}", again]


def _command(clients: Sequence[str], *, start: str | None, file: str | None, reason: str) -> str:
    """The same command with a yes."""
    words = ["syncd", "golive", *clients]
    for option, value in (("--from", start), ("--file", file), ("--reason", reason)):
        words += [option, value] if value else []
    return shlex.join([*words, "--yes"])


async def _back(cli: Cli, clients: Sequence[str], *, reason: str, by: str) -> None:
    output = cli.output()
    async with App.start(cli.config) as app:
        found = await put_back(
            app.database,
            clients,
            psa_connection=await app.connection(app.psa_name()),
            mode=app.settings.billing.mode,
            reason=reason,
            by=by,
            clock=app.clock,
            log=app.log,
        )

    def render(_console: object) -> None:
        for one in found:
            output.say(f"{one.name} ({one.key}) is in shadow again: nothing more of it is written")
        output.say("what stands in the PSA stays, and its recurring lines go on billing that")

    names = [{"client": one.key, "client_name": one.name, "live": False} for one in found]
    output.emit({"clients": names, "reason": reason.strip()}, render)


async def _list(cli: Cli) -> None:
    output = cli.output()
    async with App.start(cli.config) as app:
        connection = await app.connection(app.psa_name())
        mode, zone = app.settings.billing.mode, app.settings.timezone
        async with app.database.reader() as conn:
            book = await load_golive(conn, connection.id, mode=mode)
            data = await load_billing_data(conn, period_first_day="0001-01-01")
        books = await book_words(app)
    known = data.references.of(connection.id, ReferenceKind.CLIENT)
    linked = {data.links[one].client_key for one in data.accounts_of_psa(connection.id)}
    names = {key: known[key].name if key in known else key for key in {*linked, *book.words}}
    live = [key for key in linked if book.is_live(key, _EVER)]
    words = sorted(book.words.values(), key=lambda one: names[one.client_key].casefold())

    def render(_console: object) -> None:
        rest = "every other client is live" if mode == LIVE else "every other client is in shadow"
        output.say(f'[billing] mode = "{mode}": {rest}')
        output.say(f"{len(live):,} of {len(linked):,} linked clients are live")
        if words:
            output.console.print(
                table(
                    "client", "state", "first month", "decided by", "on", "reason",
                    rows=[
                        (
                            f"{names[one.client_key]} ({one.client_key})",
                            "live" if one.live else "in shadow",
                            one.from_period or None,
                            one.by,
                            moment(one.at, zone),
                            one.reason or None,
                        )
                        for one in words
                    ],
                )
            )  # fmt: skip
        elif mode != LIVE:
            output.say("next: syncd shadow")
        if books:
            show_book_words(output, zone, books)

    output.emit(
        {
            "mode": mode,
            "linked": len(linked),
            "live": len(live),
            "clients": [_word(one, names[one.client_key]) for one in words],
            "books": books,
        },
        render,
    )


_EVER = "9999-12"
"""A month after every first one: whoever is live at all is live then."""


def _word(one: GoLiveWord, name: str) -> dict[str, Any]:
    return {
        "client": one.client_key,
        "client_name": name,
        "live": one.live,
        "from": one.from_period or None,
        "by": one.by,
        "at": one.at,
        "reason": one.reason or None,
    }


def _read(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == _STANDARD else Path(file).read_bytes()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise ConfigError(message, remedy="name a file that can be read, or - for stdin") from error
    return decode(content, file)
