"""A connection is one organisation for life: another one is refused before anything is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from syncd.core.service.bound_ledger import BoundLedger, OtherOrganisation
from syncd.core.store.book_binding import bound_organisations
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import LedgerBook
from tests.builders_books import BOOK, CATALOGUE, START, FakeBook, Fate, Time, connected

CALLS: dict[str, Callable[[Ledger], Awaitable[Any]]] = {
    "book": lambda ledger: ledger.book(),
    "references": lambda ledger: _all(ledger.references()),
    "find": lambda ledger: ledger.find_documents([]),
    "post": lambda ledger: ledger.post([]),
    "act": lambda ledger: ledger.act([]),
    "read_back": lambda ledger: ledger.read_back({}),
    "changes": lambda ledger: ledger.changes(START),
    "documents": lambda ledger: _all(
        ledger.documents(first=date(2026, 1, 1), last=date(2026, 2, 1))
    ),
}


async def _all(batches: Any) -> list[Any]:
    return [batch async for batch in batches]


class CountingBook:
    """A book that tells what it was asked."""

    def __init__(self, key: str) -> None:
        fate = Fate()
        self._book = FakeBook(time=Time(fate=fate), fate=fate, catalogue=list(CATALOGUE), key=key)
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name != "post_batch":
            self.asked.append(name)
        return getattr(self._book, name)


async def bound(
    database: Database, key: str, *, live: bool = True
) -> tuple[BoundLedger, CountingBook, ConnectionRef]:
    _, connection = await connected(database, live=live)
    book = CountingBook(key)
    return BoundLedger(book, database, connection), book, connection


@pytest.mark.parametrize("call", CALLS)
async def test_another_organisation_is_asked_nothing_else(database: Database, call: str) -> None:
    ledger, book, connection = await bound(database, "org-other")
    with pytest.raises(OtherOrganisation, match="org-other"):
        await CALLS[call](ledger)
    assert book.asked == ["book"]
    async with database.reader() as conn:
        assert set(await bound_organisations(conn, connection.id)) == {BOOK}


async def test_the_same_organisation_is_asked_for_once(database: Database) -> None:
    ledger, book, _ = await bound(database, BOOK)
    found: LedgerBook | None = None
    for name, call in CALLS.items():
        answer = await call(ledger)
        found = answer if name == "book" else found
    assert found is not None
    assert found.key == BOOK
    assert book.asked.count("book") == 1
    assert {"post", "act", "changes", "read_back", "find_documents"} <= set(book.asked)


async def test_a_refused_organisation_is_asked_for_again(database: Database) -> None:
    ledger, book, _ = await bound(database, "org-other")
    with pytest.raises(OtherOrganisation):
        await ledger.book()
    book._book.key = BOOK
    assert (await ledger.book()).key == BOOK
