"""Endings of a batch are one commit; what cannot be written takes nothing else with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, event

from syncd.core.service import posting_settlement
from syncd.core.service.committed_together import TOGETHER, commit_together
from syncd.core.store import database as database_module
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.core.store.ledger_documents import find_documents_by
from syncd.core.store.states import DocumentState
from syncd.sdk.errors import StoreError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from tests.builders_desk import desk
from tests.builders_fate import Died
from tests.builders_invoices import invoice


async def test_a_batch_costs_as_many_commits_as_one_document(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await desk(sqlite_database, size=50)
    commits: list[str] = []

    async def applied(*numbers: int) -> int:
        planned = await at.plan(*[invoice(str(n)) for n in numbers])
        commits.clear()
        with monkeypatch.context() as patch:
            patch.setattr(database_module, "commit_hook", commits.append)
            await at.apply(planned)
        return commits.count("commit:after")

    assert await applied(1) == await applied(*range(2, 31))
    assert len(at.book.entries) == 30


async def test_a_batch_costs_as_many_statements_as_one_document(
    sqlite_database: Database,
) -> None:
    at = await desk(sqlite_database, size=50)
    statements: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    async def applied(*numbers: int) -> int:
        planned = await at.plan(*[invoice(str(n)) for n in numbers])
        statements.clear()
        event.listen(Engine, "before_cursor_execute", note)
        try:
            await at.apply(planned)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(statements)

    assert await applied(1) == await applied(*range(2, 31))


@pytest.mark.parametrize("moment", ["commit:before", "commit:after"])
@pytest.mark.parametrize("commit", range(5))
async def test_a_death_at_any_commit_posts_each_document_once(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, moment: str, commit: int
) -> None:
    at = await desk(sqlite_database, size=50)
    planned = await at.plan(*[invoice(str(n)) for n in range(1, 4)])
    left = [commit]

    def dies(now: str) -> None:
        if now == moment:
            if not left[0]:
                raise Died
            left[0] -= 1

    with monkeypatch.context() as patch:
        patch.setattr(database_module, "commit_hook", dies)
        with pytest.raises(Died):
            await at.apply(planned)
    await at.apply(planned)
    assert sorted(one.number for one in at.book.entries.values()) == [
        "INV-00001",
        "INV-00002",
        "INV-00003",
    ]
    assert sorted(at.keeper.marks) == ["1", "2", "3"]
    assert await at.codes() == []


async def test_one_receipt_that_cannot_be_written_does_not_take_the_others_with_it(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await desk(sqlite_database, size=50)
    planned = await at.plan(*[invoice(str(n)) for n in range(1, 4)])
    real = posting_settlement.seen_values

    def broken(entry: LedgerEntry, now: Any) -> dict[str, Any]:
        if entry.number == "INV-00002":
            raise ValueError(entry.number)
        return real(entry, now)

    with monkeypatch.context() as patch:
        patch.setattr(posting_settlement, "seen_values", broken)
        with pytest.raises(ValueError, match="INV-00002"):
            await at.apply(planned)
    states = [(await at.row(f"INV-0000{n}")).state for n in (1, 2, 3)]
    confirmed = DocumentState.CONFIRMED
    assert states == [confirmed, DocumentState.SENDING, confirmed]
    await at.apply(planned)
    assert (await at.row("INV-00002")).state is confirmed
    assert len(at.book.entries) == 3


async def test_many_endings_are_several_commits_and_a_lost_database_ends_them() -> None:
    pieces: list[int] = []

    async def commit(piece: Sequence[int]) -> list[int]:
        pieces.append(len(piece))
        return list(piece)

    numbers = list(range(2 * TOGETHER + 1))
    assert await commit_together(numbers, commit) == numbers
    assert pieces == [TOGETHER, TOGETHER, 1]

    async def fails(piece: Sequence[int]) -> list[int]:
        pieces.append(len(piece))
        raise StoreError("the disk is full")

    pieces.clear()
    with pytest.raises(StoreError):
        await commit_together(numbers, fails)
    assert pieces == [TOGETHER]


def foreign(kind: DocumentKind, remote: str) -> LedgerEntry:
    """Somebody else's document of our number."""
    return LedgerEntry(
        remote=remote,
        kind=kind,
        number="INV-00001",
        contact="contact-9",
        currency="GBP",
        dated=date(2026, 11, 15),
        status=EntryStatus.OPEN,
        net=Decimal("1.00"),
        tax=Decimal("0.00"),
        total=Decimal("1.00"),
        balance=Decimal("1.00"),
    )


async def test_a_document_in_doubt_keeps_its_issue_when_another_of_its_number_is_settled(
    database: Database,
) -> None:
    at = await desk(database)
    at.book.add(foreign(DocumentKind.INVOICE, "by-hand"))
    await at.apply(await at.plan(invoice("1")))
    assert await at.codes() == ["FOREIGN_DOCUMENT"]

    note = invoice("2", number="INV-00001", kind=DocumentKind.CREDIT)
    await at.apply(await at.plan(note))

    async with database.reader() as conn:
        rows = await find_documents_by(conn, "INV-00001")
        (issue,) = await open_issues(conn)
    assert [row.state for row in rows] == [DocumentState.NEEDS_REVIEW, DocumentState.CONFIRMED]
    assert issue.code == "FOREIGN_DOCUMENT"
    assert issue.evidence["key"] == rows[0].key


async def test_of_two_documents_in_doubt_the_one_that_is_left_is_told(database: Database) -> None:
    at = await desk(database)
    for kind in (DocumentKind.INVOICE, DocumentKind.CREDIT):
        at.book.add(foreign(kind, f"by-hand-{kind.value}"))
    note = invoice("2", number="INV-00001", kind=DocumentKind.CREDIT)
    await at.apply(await at.plan(invoice("1"), note))
    async with database.reader() as conn:
        first, second = await find_documents_by(conn, "INV-00001")
    assert {first.state, second.state} == {DocumentState.NEEDS_REVIEW}

    await at.settling().settle(second.key, reason="entered by hand", by="ann", give_up=True)
    async with database.reader() as conn:
        (issue,) = await open_issues(conn)
    assert (issue.code, issue.evidence["key"]) == ("FOREIGN_DOCUMENT", first.key)

    await at.settling().settle(first.key, reason="entered by hand", by="ann", give_up=True)
    assert await at.codes() == []
