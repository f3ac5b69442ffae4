"""An allocation whose answer was lost is told from what people did with the credit note before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from syncd.core.store.database import Database
from syncd.sdk.errors import OutcomeUnknown
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import ActionOutcome, LedgerAction
from tests.builders_after import LivingBook, desk
from tests.builders_books import invoice


@pytest.mark.parametrize("arrived", [True, False])
async def test_half_of_a_note_that_was_used_before_is_not_ours(
    sqlite_database: Database, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await desk(sqlite_database)
    await one.post(invoice("1"))
    note = invoice("2", kind=DocumentKind.CREDIT, number="CN-2", credits="1")
    (credit,) = await one.post(note)
    remote = credit.remote or ""
    one.book.edit(remote, balance=Decimal(12))  # the other half settled something else
    await one.look()
    act = LivingBook.act

    async def lost(book: LivingBook, actions: Sequence[LedgerAction]) -> Sequence[ActionOutcome]:
        if arrived:
            await act(book, actions)
        message = "the answer was lost"
        raise OutcomeUnknown(message)

    with monkeypatch.context() as patched:
        patched.setattr(LivingBook, "act", lost)
        await one.apply(await one.plan())
    one.time.now += timedelta(hours=1)
    await one.deliver()

    assert [(each.state, each.generation) for each in await one.actions("allocate")] == [
        ("delivered", 1 if arrived else 2)
    ]
    assert one.book.entries[remote].balance == 0
    assert [row.step.number for row in (await one.plan()).record.rows] == []
