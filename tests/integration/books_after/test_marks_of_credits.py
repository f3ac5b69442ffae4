"""The mark on an invoice of the PSA is that of its document: of no credit note, of no older one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from syncd.core.store.database import Database
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import DocumentKind, PostedMark
from syncd.sdk.psa_records import NotSent, Outcome
from tests.builders_after import Desk, desk
from tests.builders_books import FakeKeeper, invoice, line


async def marks(one: Desk) -> list[PostedMark]:
    found = await one.actions("mark_posted")
    return [msgspec.json.decode(row.payload, type=PostedMark) for row in found]


async def test_a_credit_note_of_ours_does_not_take_the_place_of_the_document_on_the_invoice(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database, on_edit="credit")
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", line(1, quantity="1")))
    await one.apply(await one.plan())

    note = await one.document("INV-00001-CR")
    assert (note.state, note.total) == (DocumentState.CONFIRMED, Decimal("12.00"))
    assert [(mark.number, mark.remote) for mark in await marks(one)] == [
        ("INV-00001", document.remote)
    ]
    assert one.keeper.marks["1"].remote == document.remote


async def test_a_credit_note_of_the_psa_is_marked_like_any_document(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database)
    await one.post(invoice("7", kind=DocumentKind.CREDIT))
    assert [(mark.invoice, mark.number) for mark in await marks(one)] == [("7", "INV-00007")]


@pytest.mark.parametrize("reissued", [True, False])
async def test_a_mark_that_was_put_off_is_not_written_over_that_of_the_new_version(
    sqlite_database: Database, reissued: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing follows it, it keeps others from carrying the invoice."""
    one = await desk(sqlite_database, on_edit="void-and-reissue")

    async def put_off(_: FakeKeeper, queued: Sequence[PostedMark]) -> list[Outcome]:
        return [NotSent(mark.key, "quota", 7200.0) for mark in queued]

    with monkeypatch.context() as patched:
        patched.setattr(FakeKeeper, "mark_posted", put_off)
        await one.post(invoice("1"))
    await one.shown(invoice("1", line(1, quantity="3")))
    await one.apply(await one.plan())
    if reissued:
        await one.apply(await one.plan())
    one.time.now += timedelta(hours=3)
    await one.deliver()

    first, *later = await one.actions("mark_posted")
    assert (first.state, len(later)) == ("rejected" if reissued else "delivered", int(reissued))
    documents = [each.remote for each in one.book.entries.values()]
    assert one.keeper.marks["1"].remote == documents[-1]
    assert "WRITE_REFUSED" not in await one.codes()
