"""`syncd golive NAME` for a book: from which day on invoices are written to it, or not any more."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from syncd import config, plugins
from syncd.bookkeeping import keeper_name, open_keeper, open_ledger, rules_of
from syncd.bootstrap import App
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.cli.plan_view import plural
from syncd.core.service.applied import HELD_EXIT
from syncd.core.service.forgotten_books import forget_book, left_in
from syncd.core.service.ledger_golive import (
    BookChoice,
    PutBack,
    book_goes_live,
    choose_book,
    put_book_back,
)
from syncd.core.store.connections import find_connection
from syncd.core.store.ledger_golive import linked_at, load_ledger_golive
from syncd.core.store.ledger_references import load_book
from syncd.sdk.connector import Capability
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from syncd.cli.context import Cli
    from syncd.cli.output import Output


_LINKED_LATELY = timedelta(days=1)


def named_books(cli: Cli, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that are connections of books; the database is not asked."""
    connections = config.load(cli.config, plugins.load()).connections
    return tuple(
        name
        for name in names
        if name in connections and Capability.LEDGER in connections[name].connector.provides
    )


async def decide_book(
    cli: Cli,
    name: str,
    *,
    start: str | None,
    back: bool,
    reason: str,
    by: str,
    yes: bool,
) -> int:
    """Let a book go live from a day on, or put it back.

    Returns:
        the exit code: 3 when nothing was decided for want of a yes.

    Raises:
        ConfigError: the options do not fit each other, or the book is not configured.
        GoLiveRefused: the book cannot go live, or cannot be put back now.
        ConnectorError: the book could not be asked who it is.
    """
    if back:
        if start is not None:
            message = "--back takes a reason and no day"
            remedy = f'write `syncd golive {name} --back --why "what is wrong"`'
            raise ConfigError(message, remedy=remedy)
        await _back(cli, name, reason=reason, by=by)
        return 0
    return await _go(cli, name, _day(name, start), reason=reason, by=by, yes=yes)


async def book_words(app: App) -> list[dict[str, Any]]:
    """What was said of each configured book, for the list of who is live."""
    found = []
    async with app.database.reader() as conn:
        psa = await find_connection(conn, app.settings.invoices.psa or "")
        for name in app.settings.ledgers:
            connection = await find_connection(conn, name)
            word = linked = book = None
            if psa is not None and connection is not None:
                word = await load_ledger_golive(conn, psa.id, connection.id)
                book = await load_book(conn, connection.id)
                if book is not None:
                    linked = await linked_at(conn, connection.id, book.key)
            other = word is not None and book is not None and word.book_key != book.key
            found.append(
                {
                    "book": name,
                    "live": word is not None and word.live and not other,
                    "other_organisation": other,
                    "from": None if word is None else word.from_day,
                    "by": None if word is None else word.by,
                    "at": None if word is None else word.at,
                    "reason": None if word is None else word.reason or None,
                    "linked_at": linked,
                }
            )
    return found


def show_book_words(output: Output, zone: ZoneInfo, words: Sequence[dict[str, Any]]) -> None:
    """The same as a table."""
    rows = [
        (
            one["book"],
            "another organisation" if one["other_organisation"]
            else "live" if one["live"] else "only linked" if one["linked_at"] else "not linked yet",
            one["from"],
            one["by"],
            None if one["at"] is None else moment(one["at"], zone),
            one["reason"],
        )
        for one in words
    ]  # fmt: skip
    output.console.print(
        table("book", "state", "first day", "decided by", "on", "reason", rows=rows)
    )


async def _go(cli: Cli, name: str, day: date, *, reason: str, by: str, yes: bool) -> int:
    output = cli.output()
    async with App.start(cli.config) as app:
        rules = rules_of(app, name)
        psa = await app.connection(keeper_name(app))
        connection = await app.connection(name)
        async with open_ledger(app, name) as ledger:
            book = await ledger.book()
        choice = await choose_book(app.database, psa, connection, book, day, rules)
        async with open_keeper(app) as keeper:
            modules = await keeper.bookkeeping()
        if not cli.json and choice.changes:
            _meaning(output, choice, modules, app.clock())
        decided = yes or not choice.changes or _agreed(cli, name)
        if decided and choice.changes:
            await book_goes_live(
                app.database,
                psa,
                connection,
                choice,
                reason=reason,
                by=by,
                clock=app.clock,
                log=app.log,
            )
    words = ["syncd", "golive", name, "--from", day.isoformat()]
    words += ["--why", reason] if reason else []
    again = shlex.join([*words, "--yes"])
    code = 0 if decided else HELD_EXIT

    def render(_console: object) -> None:
        if not choice.changes:
            output.say(f"nothing new: {name} is live from {day} on already")
        elif decided:
            output.say(f"{name} is live: invoices dated from {day} on are written to {book.name}")
            output.say("next: syncd plan invoices")
        else:
            output.say("the book did not go live: that takes a yes")
            output.say(f"next: {again}")

    data = {
        "book": name,
        "organisation": book.key,
        "organisation_name": book.name,
        "from": day,
        "before": choice.before,
        "live": decided,
        "waiting": choice.effect,
        "waiting_totals": choice.waiting_totals,
        "older": choice.older,
        "linked_at": choice.linked_at,
        "unsure": choice.unsure,
        "unlinked": choice.unlinked,
        "modules": modules,
        "exit_code": code,
        "next": ["syncd plan invoices"] if decided else [again],
    }
    output.emit(data, render)
    return code


def _meaning(
    output: Output, choice: BookChoice, modules: tuple[str, ...] | None, now: datetime
) -> None:
    book, effect = choice.book, choice.effect
    output.say(f"{choice.ledger} is {book.name} ({book.key}), {book.country} {book.currency}")
    wait = "waits" if effect.waiting == 1 else "wait"
    output.say(
        f"dated from {choice.from_day} on, {plural(effect.waiting, 'invoice')} {wait} for it, "
        f"{effect.complete_after:,} with all counterparts; new ones follow"
    )
    for currency, total in sorted(choice.waiting_totals.items()):
        output.say(f"  {currency}: {total:,.2f}")
    if now - choice.linked_at > _LINKED_LATELY:
        output.say(
            f"it was linked last on {choice.linked_at:%Y-%m-%d}: what was entered there since is "
            f"not known before `syncd invoices link {choice.ledger}`"
        )
    if choice.unlinked:
        held = "is held" if choice.unlinked == 1 else "are held"
        output.say(
            f"{choice.unlinked:,} of clients that were mapped after that pass {held} until "
            f"`syncd invoices link {choice.ledger}`"
        )
    if choice.older:
        never = "is never posted" if choice.older == 1 else "are never posted"
        output.say(f"{plural(choice.older, 'older one')} without a document {never}")
    if modules:
        output.say(f"switched on in the PSA: {', '.join(modules)}; what they carry is refused here")
    if choice.unsure and not choice.attested:
        refused = "is refused" if choice.unsure == 1 else "are refused"
        output.say(
            f"{choice.unsure:,} may be carried by somebody else and {refused}: "
            f'`syncd invoices attest {choice.ledger} --why "…"`'
        )


def _agreed(cli: Cli, name: str) -> bool:
    """Whether a person at a terminal says yes, with the meaning before them."""
    return _sure(cli, f"Let invoices be written to {name}?")


def _sure(cli: Cli, question: str) -> bool:
    if cli.json or not sys.stdin.isatty():
        return False
    return typer.confirm(question)


async def _back(cli: Cli, name: str, *, reason: str, by: str) -> None:
    output = cli.output()
    async with App.start(cli.config) as app:
        done: PutBack = await put_book_back(
            app.database,
            await app.connection(keeper_name(app)),
            await app.connection(name),
            reason=reason,
            by=by,
            clock=app.clock,
            log=app.log,
        )

    def render(_console: object) -> None:
        output.say(f"{name} is only linked again: nothing more is written to it")
        output.say("what stands in it stays, and is still read back and compared")
        if done.withdrawn:
            output.say(f"{plural(done.withdrawn, 'waiting write')} withdrawn before it was sent")
        if done.in_doubt:
            doubt = plural(done.in_doubt, "write")
            output.say(f"{doubt} without a certain end yet: looked up, and never sent again")

    said = {"before": done.before, "withdrawn": done.withdrawn, "in_doubt": done.in_doubt}
    output.emit({"book": name, "live": False, **said, "reason": reason.strip()}, render)


async def forget_lost_book(cli: Cli, name: str, *, reason: str, by: str, yes: bool) -> int:
    """Let nothing in a book count any more that no configuration names.

    Returns:
        the exit code: 3 when nothing was decided for want of a yes.

    Raises:
        ConfigError: the book is configured, or was never known.
        GoLiveRefused: no reason.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        if name in app.settings.connections or name in app.settings.unavailable:
            message = f"'{name}' is configured, and what stands in it counts"
            remedy = f"if it is gone, take it out of the configuration first; `syncd golive {name} "
            raise ConfigError(message, remedy=f"{remedy}--back --why TEXT` stops it")
        psa = await app.connection(keeper_name(app))
        async with app.database.reader() as conn:
            connection = await find_connection(conn, name)
        if connection is None:
            message = f"there never was a connection '{name}'"
            raise ConfigError(message, remedy="`syncd issues` names the books that are missing")
        found = await left_in(app.database, psa, connection)
        if not cli.json:
            output.say(f"{plural(found.documents, 'document')} in {name} would count no more")
            output.say("what another live book shall have of them is posted there anew")
        decided = yes or _sure(cli, f"Forget {name}?")
        if decided:
            found = await forget_book(
                app.database,
                psa,
                connection,
                reason=reason,
                by=by,
                clock=app.clock,
                log=app.log,
            )

    def render(_console: object) -> None:
        if decided:
            output.say(f"{name} is forgotten: {plural(found.documents, 'document')}")
            output.say("next: syncd plan invoices")
        else:
            output.say("nothing was forgotten: that takes a yes")

    code = 0 if decided else HELD_EXIT
    said = {"documents": found.documents, "writes": found.writes, "reason": reason.strip()}
    output.emit({"book": name, "forgotten": decided, **said, "exit_code": code}, render)
    return code


def _day(name: str, start: str | None) -> date:
    if start is None:
        message = f"no first day is named for {name}"
        raise ConfigError(message, remedy=f"write `syncd golive {name} --from 2026-12-01`")
    try:
        return date.fromisoformat(start)
    except ValueError as error:
        message = f"'{start}' is not a day"
        raise ConfigError(message, remedy="write it like 2026-12-01") from error
