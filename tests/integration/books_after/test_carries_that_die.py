"""A void with its reissue, and a credit note with its allocation, survive a death anywhere."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.store.database import Database
from syncd.sdk.errors import SyncdError
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk
from tests.builders_books import Died, invoice, line


async def troubled(one: Desk, seed: int) -> None:
    """Plans and applies while answers are lost and processes die; then twice in peace."""
    fate = one.book.fate
    fate.random.seed(seed)
    fate.odds, fate.deaths = 0.5, 4
    for _ in range(8):
        try:
            await one.apply(await one.plan())
        except (Died, SyncdError):
            continue
    fate.odds = 0.0
    for _ in range(4):
        one.time.now = one.time.now.replace(minute=(one.time.now.minute + 1) % 60)
        await one.deliver()
        plan = await one.plan()
        if any(row.state == "ready" for row in plan.record.rows):
            await one.apply(plan)


@pytest.mark.parametrize("seed", range(3))
async def test_one_live_document_is_left_of_a_void_and_its_reissue(
    sqlite_database: Database, seed: int
) -> None:
    one = await desk(sqlite_database, on_edit="void-and-reissue")
    await one.post(invoice("1"))
    await one.shown(invoice("1", line(1, quantity="3")))

    await troubled(one, seed)

    totals = sorted((one.status.value, one.total) for one in one.book.entries.values())
    assert totals == [("open", Decimal("36.00")), ("voided", Decimal("24.00"))]


@pytest.mark.parametrize("seed", range(3))
async def test_one_credit_note_is_written_and_allocated_once(
    sqlite_database: Database, seed: int
) -> None:
    one = await desk(sqlite_database, on_void="credit")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))

    await troubled(one, seed)

    notes = [one for one in one.book.entries.values() if one.number == "INV-00001-CR"]
    assert [(note.status, note.total, note.balance) for note in notes] == [
        (EntryStatus.OPEN, Decimal("24.00"), Decimal("0.00"))
    ]
