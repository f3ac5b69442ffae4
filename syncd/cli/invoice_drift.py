"""`syncd invoices drift`: what moved after it was posted, and a person's word on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.bookkeeping import book_names, keeper_name, open_ledger
from syncd.bootstrap import App
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.core.invoicing.rules import CREDIT, REISSUE
from syncd.core.service.carry_steps import (
    CHANGED_IN_PSA,
    CREDIT_UNDONE,
    GONE_IN_PSA,
    UNFINISHED_IN_PSA,
    VOIDED_IN_PSA,
)
from syncd.core.service.drift_issues import BOOKS_COPIED, DRIFTS
from syncd.core.service.drift_words import choose_way, find_document, keep, post_again
from syncd.core.store.issues import Issue, open_issues
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.core.store.connections import ConnectionRef

_CODES = frozenset(
    {
        *DRIFTS,
        BOOKS_COPIED,
        "BOOKS_DIFFER",
        CHANGED_IN_PSA,
        CREDIT_UNDONE,
        VOIDED_IN_PSA,
        GONE_IN_PSA,
        UNFINISHED_IN_PSA,
    }
)
_NEXT = {
    "keep": "{number} stays as it is in {book}",
    "again": "{number} is planned again for {book}: `syncd plan invoices`",
    "void": "the next plan proposes to void {number} in {book}: `syncd plan invoices`",
    "credit": "the next plan proposes a credit note for {number} in {book}: `syncd plan invoices`",
}


async def show_drift(cli: Cli, *, book: str | None) -> None:
    """Print every document that is not as it was posted, with both versions.

    Raises:
        ConfigError: there is no such book.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        found: list[Issue] = []
        async with app.database.reader() as conn:
            for name in book_names(app, book):
                found += [
                    one for one in await open_issues(conn, connection=name) if one.code in _CODES
                ]

    def render(_console: object) -> None:
        if not found:
            output.say("everything that was posted is as it was, as far as it was read back")
            return
        rows = [
            (one.subject.partition("/")[2], one.connection, one.code, one.message) for one in found
        ]
        output.console.print(table("document", "book", "what", "both versions", rows=rows))
        output.say("`syncd issues` says what to do about each")

    output.emit({"drift": [_data(one) for one in found]}, render)


def _data(one: Issue) -> dict[str, object]:
    return {
        "document": one.subject.partition("/")[2],
        "book": one.connection,
        "code": one.code,
        "message": one.message,
        "remedy": one.remedy,
        "evidence": dict(one.evidence),
        "opened_at": one.opened_at,
    }


async def say(
    cli: Cli, word: str, number: str, *, book: str | None, why: str, by: str | None
) -> None:
    """Keep a person's word on one document.

    Raises:
        ConfigError: no reason, or no such book.
        DataError: nothing about such a document moved.
        ConnectorError: the books could not be asked how it is now.
    """
    if not why.strip():
        message = "a word on a document needs its reason"
        raise ConfigError(message, remedy="add --why TEXT")
    output = cli.output()
    person = by or current_person()
    async with App.start(cli.config) as app:
        ledgers: Sequence[ConnectionRef] = [
            await app.connection(name) for name in book_names(app, book)
        ]
        connection, document = await find_document(app.database, ledgers, number)
        if word == "keep":
            async with open_ledger(app, connection.name) as ledger:
                await keep(
                    app.database,
                    ledger,
                    connection,
                    document,
                    by=person,
                    why=why,
                    clock=app.clock,
                    log=app.log,
                )
        elif word == "again":
            async with open_ledger(app, connection.name) as ledger:
                await post_again(
                    app.database,
                    ledger,
                    connection,
                    document,
                    by=person,
                    why=why,
                    clock=app.clock,
                    log=app.log,
                )
        else:
            psa = await app.connection(keeper_name(app))
            way = CREDIT if word == "credit" else REISSUE
            await choose_way(
                app.database, psa, connection, document, way, by=person, why=why, clock=app.clock
            )
    told = _NEXT[word].format(number=number, book=connection.name)
    output.emit(
        {"document": number, "book": connection.name, "said": word, "by": person, "why": why},
        lambda _console: output.say(told),
    )
