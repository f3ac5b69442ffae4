"""A void that frees the number of its document, which Xero leaves to a voided one for ever."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import (
    ActionKind,
    ActionOutcome,
    Done,
    LedgerAction,
    LedgerDocument,
    Posted,
)
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_xero import ledger_document, ledger_line
from tests.builders_xero_books import Books, connected

CREDIT = DocumentKind.CREDIT
FREED = "SI-1-V1"
WRITE: dict[str, Any] = {"path": "/Invoices", "method": "POST"}


async def stands(books: Books, number: str = "SI-1", **more: Any) -> LedgerEntry:
    """A document of ours in the books."""
    [posted] = await books.ledger.post([document(number, approved=True, **more)])
    assert isinstance(posted, Posted), posted
    return posted.entry


def document(number: str = "SI-1", **more: Any) -> LedgerDocument:
    return ledger_document(number, **more)


def second(number: str = "SI-1", **more: Any) -> LedgerDocument:
    """The version that takes the place of the first."""
    told: dict[str, Any] = {
        "key": "second",
        "attempt": "second",
        "marker": "syncd-bbbbbbbbbbbbbbbb",
        **more,
    }
    return document(number, **told)


def void(entry: LedgerEntry, renumber: str = FREED, attempt: str = "void-1") -> LedgerAction:
    return LedgerAction(
        key="void",
        attempt=attempt,
        kind=ActionKind.VOID,
        document_kind=entry.kind,
        remote=entry.remote,
        version=entry.version,
        renumber=renumber,
    )


async def shown(books: Books, entry: LedgerEntry) -> tuple[str, EntryStatus]:
    back = (await books.ledger.read_back({entry.remote: entry.kind}))[entry.remote]
    return back.number, back.status


async def voided(books: Books, entry: LedgerEntry, **more: str) -> ActionOutcome:
    [outcome] = await books.ledger.act([void(entry, **more)])
    return outcome


async def test_a_voided_document_keeps_its_number_unless_it_is_renumbered_first() -> None:
    async with connected() as books:
        first = await stands(books)
        assert isinstance(await voided(books, first, renumber=""), Done)
        [refused] = await books.ledger.post([second()])
        assert isinstance(refused, Rejected)
        assert refused.code == "NUMBER_TAKEN"


@pytest.mark.parametrize("kind", list(DocumentKind))
@pytest.mark.parametrize("approved", [True, False])
async def test_the_next_version_takes_the_number_of_the_voided_one(
    kind: DocumentKind, approved: bool
) -> None:
    due: dict[str, Any] = {} if kind is DocumentKind.INVOICE else {"due": None}
    async with connected() as books:
        [posted] = await books.ledger.post([document(kind=kind, approved=approved, **due)])
        assert isinstance(posted, Posted)
        done = await voided(books, posted.entry)
        assert isinstance(done, Done)
        assert done.entry is not None
        gone = EntryStatus.VOIDED if approved else EntryStatus.DELETED
        assert (done.entry.number, done.entry.status) == (FREED, gone)
        assert await shown(books, posted.entry) == (FREED, gone)
        [again] = await books.ledger.post([second(kind=kind, approved=approved, **due)])
        assert isinstance(again, Posted), again
        assert again.entry.number == "SI-1"


async def test_many_are_renumbered_and_voided_in_two_calls() -> None:
    async with connected() as books:
        entries = [await stands(books, f"SI-{n}") for n in range(4)]
        actions = [
            LedgerAction(
                key=one.number,
                attempt=one.number,
                kind=ActionKind.VOID,
                remote=one.remote,
                version=one.version,
                renumber=f"{one.number}-V1",
            )
            for one in entries
        ]
        before = books.calls
        assert all(isinstance(one, Done) for one in await books.ledger.act(actions))
        assert books.calls - before == 3, "a look, the numbers, the voids"


async def test_doing_it_again_finds_it_done() -> None:
    async with connected() as books:
        first = await stands(books)
        for attempt in ("void-1", "void-2"):
            assert isinstance(await voided(books, first, attempt=attempt), Done)
        assert await shown(books, first) == (FREED, EntryStatus.VOIDED)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("action", [Action.CUT_AFTER, Action.CUT_BEFORE])
async def test_whatever_is_lost_between_the_number_and_the_void_is_finished_by_the_next_try(
    nth: int, action: Action
) -> None:
    async with connected() as books:
        first = await stands(books)
        books.break_with(Fault(action=action, nth=nth, count=1, **WRITE))
        assert isinstance(await voided(books, first), Unknown)
        books.break_with()
        assert isinstance(await voided(books, first, attempt="void-2"), Done)
        assert await shown(books, first) == (FREED, EntryStatus.VOIDED)
        [again] = await books.ledger.post([second()])
        assert isinstance(again, Posted)


async def test_a_document_that_somebody_changed_is_neither_renumbered_nor_voided() -> None:
    async with connected() as books:
        first = await stands(books)
        books.hand.edit("SI-1", DueDate="2027-01-31")
        refused = await voided(books, first)
        assert isinstance(refused, Rejected)
        assert refused.code == "VERSION_MOVED"
        assert await shown(books, first) == ("SI-1", EntryStatus.OPEN)


async def test_a_new_number_that_is_taken_leaves_the_document_as_it_is() -> None:
    async with connected() as books:
        first = await stands(books)
        await stands(books, FREED)
        refused = await voided(books, first)
        assert isinstance(refused, Rejected)
        assert refused.code == "NUMBER_TAKEN"
        assert await shown(books, first) == ("SI-1", EntryStatus.OPEN)


async def test_a_document_whose_void_is_refused_has_its_own_number_again() -> None:
    async with connected() as books:
        first = await stands(books)
        words = '{"Type":"ValidationException","Message":"The invoice has payments"}'
        books.break_with(
            Fault(action=Action.STATUS_BEFORE, status=400, body=words, nth=2, count=1, **WRITE)
        )
        refused = await voided(books, first)
        assert isinstance(refused, Rejected)
        assert "payments" in refused.message
        assert await shown(books, first) == ("SI-1", EntryStatus.OPEN)
        back = await books.ledger.read_back({first.remote: first.kind})
        assert refused.version == back[first.remote].version != first.version


async def test_a_number_that_cannot_be_given_back_is_told() -> None:
    async with connected() as books:
        first = await stands(books)
        words = '{"Type":"ValidationException","Message":"The invoice has payments"}'
        books.break_with(
            Fault(action=Action.STATUS_BEFORE, status=400, body=words, nth=2, count=1, **WRITE),
            Fault(action=Action.CUT_BEFORE, nth=3, count=1, **WRITE),
        )
        refused = await voided(books, first)
        assert isinstance(refused, Rejected)
        assert f"the number {FREED} there now: give it SI-1 again" in refused.message


async def test_what_a_person_voided_under_its_own_number_frees_none() -> None:
    async with connected() as books:
        first = await stands(books)
        books.hand.void("SI-1")
        refused = await voided(books, first)
        assert isinstance(refused, Rejected)
        assert refused.code == "NOT_ALLOWED_NOW"
        assert "gives its number to no other" in refused.message


async def test_a_right_that_ends_between_the_number_and_the_void_is_finished_later() -> None:
    async with connected() as books:
        first = await stands(books)
        body = '{"Detail":"AuthorizationUnsuccessful"}'
        books.break_with(
            Fault(action=Action.STATUS_BEFORE, status=403, body=body, nth=2, count=1, **WRITE)
        )
        assert isinstance(await voided(books, first), NotSent)
        books.break_with()
        assert isinstance(await voided(books, first), Done)
        assert await shown(books, first) == (FREED, EntryStatus.VOIDED)


async def test_what_is_paid_keeps_its_number() -> None:
    async with connected() as books:
        first = await stands(books, lines=(ledger_line("3"),))
        books.hand.pay("SI-1", "1.00")
        refused = await voided(books, first)
        assert isinstance(refused, Rejected)
        assert await shown(books, first) == ("SI-1", EntryStatus.OPEN)
