"""Look-ups by marker: many absent documents cost one call, and none is missed for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_xero.lookup import NEAR, spans_of

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import LedgerDocument
from tests.builders_xero import documents, ledger_document
from tests.builders_xero_books import Books, connected, wanted

FIRST = date(2026, 11, 2)


def apart(count: int, days: int) -> list[LedgerDocument]:
    return [
        msgspec.structs.replace(one, dated=FIRST + timedelta(days=days * n))
        for n, one in enumerate(documents(count))
    ]


async def calls_for(books: Books, sent: Sequence[LedgerDocument]) -> int:
    before = books.calls
    found = await books.ledger.find_documents([wanted(one) for one in sent])
    assert {len(rows) for rows in found.values()} == {0}
    return books.calls - before


@pytest.mark.parametrize(("count", "days", "calls"), [
    (1, 0, 2), (2, 0, 2), (4, 1, 2), (50, 0, 2), (50, 3, 2), (4, 30, 5),
])  # fmt: skip
async def test_absent_documents_cost_the_numbers_and_the_fewest_further_calls(
    count: int, days: int, calls: int
) -> None:
    async with connected() as books:
        assert await calls_for(books, apart(count, days)) == calls


async def test_absent_credit_notes_cost_a_call_for_each_span() -> None:
    notes = [ledger_document(f"CN-{n}", kind=DocumentKind.CREDIT, due=None) for n in range(10)]
    async with connected() as books:
        assert await calls_for(books, notes) == 2


@pytest.mark.parametrize("days", [0, 2, 30])
async def test_renumbered_documents_are_found_however_far_apart(days: int) -> None:
    async with connected() as books:
        sent = apart(4, days)
        await books.ledger.post(sent)
        for one in sent:
            books.hand.renumber(one.number, f"{one.number}-X")
        found = await books.ledger.find_documents([wanted(one) for one in sent])
        assert {key: [one.marker for one in rows] for key, rows in found.items()} == {
            one.key: [one.marker] for one in sent
        }


@given(st.lists(st.integers(0, 400), max_size=40))
def test_spans_hold_every_day_once_and_are_far_apart(offsets: list[int]) -> None:
    days = [FIRST + timedelta(days=one) for one in offsets]
    spans = spans_of(days)
    for one in days:
        assert sum(first <= one <= last for first, last in spans) == 1
    for (_, last), (first, _) in pairwise(spans):
        assert first - last > NEAR
    assert all({first, last} <= set(days) for first, last in spans)
