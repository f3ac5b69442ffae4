"""A credit note is asked for in the books only while it can settle something."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.store.database import Database
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from tests.builders_after import LivingBook, desk, steps
from tests.builders_books import invoice, line

SMALLER = (line(1, quantity="1"),)


async def test_what_names_no_invoice_or_a_paid_one_costs_no_call_of_an_idle_round(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await desk(database)
    paid, owed = await one.post(invoice("1"), invoice("2"))
    one.book.pay(paid.remote or "", "24.00")
    await one.look()
    await one.post(
        invoice("3", *SMALLER, kind=DocumentKind.CREDIT, number="CN-3", due=None),
        invoice("4", *SMALLER, kind=DocumentKind.CREDIT, number="CN-4", credits="1", due=None),
    )
    asked = asking(monkeypatch)
    assert await steps(one) == []
    assert asked == []

    (note,) = await one.post(
        invoice("5", *SMALLER, kind=DocumentKind.CREDIT, number="CN-5", credits="2", due=None)
    )
    del asked[:]
    assert [step for step, _, _ in await steps(one)] == [Step.ALLOCATE]
    assert asked == [{note.remote, owed.remote}]


async def test_what_is_open_again_is_settled_once_it_was_seen(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.pay(document.remote or "", "24.00")
    await one.look()
    await one.post(
        invoice("2", *SMALLER, kind=DocumentKind.CREDIT, number="CN-2", credits="1", due=None)
    )
    assert await steps(one) == []
    posted = one.book.entries[document.remote or ""]
    one.book.edit(
        document.remote or "", paid=posted.paid - 24, balance=posted.total, status=EntryStatus.OPEN
    )
    await one.look()
    assert [step for step, _, _ in await steps(one)] == [Step.ALLOCATE]


def asking(monkeypatch: pytest.MonkeyPatch) -> list[set[str | None]]:
    """What the books are asked for from now on, by id."""
    asked: list[set[str | None]] = []
    read_back = LivingBook.read_back

    async def read(
        self: LivingBook, remotes: Mapping[str, DocumentKind]
    ) -> Mapping[str, LedgerEntry]:
        asked.append(set(remotes))
        return await read_back(self, remotes)

    monkeypatch.setattr(LivingBook, "read_back", read)
    return asked
