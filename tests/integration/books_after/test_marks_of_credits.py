"""The mark on an invoice of the PSA is that of its document, never that of a credit note for it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from syncd.core.store.database import Database
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import DocumentKind, PostedMark
from tests.builders_after import Desk, desk
from tests.builders_books import invoice, line


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
