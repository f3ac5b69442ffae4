"""A change that was credited and is then undone in the PSA is told, and settles nothing more."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.service.drift_words import choose_way, keep, post_again
from syncd.core.store.database import Database
from syncd.core.store.gone_invoices import mark_invoices_gone
from syncd.core.store.ledger_documents import DocumentItem
from syncd.sdk.errors import DataError
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk, queued, steps
from tests.builders_books import invoice, line

SMALLER = (line(1, quantity="1"),)


async def round_of(one: Desk) -> None:
    await one.look()
    await one.apply(await one.plan())


async def credited(one: Desk, change: str) -> DocumentItem:
    """INV-00001, posted, changed and credited, with the note allocated to it."""
    (document,) = await one.post(invoice("1"))
    if change == "voided":
        await one.shown(invoice("1", voided=True))
    elif change == "edited":
        await one.shown(invoice("1", *SMALLER))
    else:
        async with one.database.writer() as conn:
            await mark_invoices_gone(conn, one.psa.id, ["1"], now=one.time.now)
        await one.plan()
        await choose_way(
            one.database,
            one.psa,
            one.connection,
            document,
            "credit",
            by="ann",
            why="it is gone",
            clock=one.time.clock,
        )
    for _ in range(3):
        await round_of(one)
    note = await one.document("INV-00001-CR")
    assert one.book.entries[note.remote or ""].balance == 0
    assert await one.codes() == []
    return document


async def kept(one: Desk) -> None:
    await keep(
        one.database,
        one.book,
        one.connection,
        await one.document("INV-00001"),
        by="ann",
        why="another invoice took its place",
        clock=one.time.clock,
        log=one.log,
    )


@pytest.mark.parametrize("change", ["voided", "edited", "gone"])
async def test_what_counts_again_in_the_psa_and_is_credited_in_the_books_is_told(
    database: Database, change: str
) -> None:
    one = await desk(database, on_void="credit", on_edit="credit")
    await credited(one, change)
    await one.shown(invoice("1"))

    for _ in range(2):
        await round_of(one)
        (issue,) = await one.issues()
        assert issue.code == "CREDIT_UNDONE"
        assert "INV-00001-CR" in issue.message
        assert "drift --keep INV-00001" in issue.remedy
    with pytest.raises(DataError, match="again as it was posted"):
        await choose_way(
            one.database,
            one.psa,
            one.connection,
            await one.document("INV-00001"),
            "credit",
            by="ann",
            why="try",
            clock=one.time.clock,
        )


async def test_it_is_quiet_once_the_credit_note_is_taken_back_in_the_books(
    database: Database,
) -> None:
    one = await desk(database, on_void="credit")
    await credited(one, "voided")
    await one.shown(invoice("1"))
    await round_of(one)
    note = await one.document("INV-00001-CR")
    one.book.edit(note.remote or "", status=EntryStatus.VOIDED, balance=Decimal(0))
    await round_of(one)
    assert await one.codes() == ["BOOKS_VOIDED"]


async def test_what_a_person_leaves_as_it_is_is_quiet_until_the_psa_moves_again(
    database: Database,
) -> None:
    one = await desk(database, on_void="credit")
    await credited(one, "voided")
    await one.shown(invoice("1"))
    await round_of(one)
    await kept(one)
    await round_of(one)
    assert await one.codes() == []

    await one.shown(invoice("1", *SMALLER))
    await round_of(one)
    assert await one.codes() == ["CHANGED_IN_PSA"]
    await one.shown(invoice("1"))
    await round_of(one)
    assert await one.codes() == []


async def test_a_credit_note_without_its_reason_settles_nothing(database: Database) -> None:
    one = await desk(database, on_void="credit")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    await one.apply(await one.plan())
    note = await one.document("INV-00001-CR")
    plan = await one.plan()
    assert [row.step.step for row in plan.record.rows] == [Step.ALLOCATE]
    await one.shown(invoice("1"))

    done = await one.apply(plan)
    assert ["does not show any more" in why for _, why in done.queued.stale] == [True]
    assert await steps(one) == []
    assert await one.codes() == ["CREDIT_UNDONE"]
    await kept(one)
    assert await steps(one) == []
    assert one.book.entries[note.remote or ""].balance == Decimal("24.00")


async def test_an_allocation_that_waited_is_not_made_when_the_change_was_undone(
    database: Database,
) -> None:
    one = await desk(database, on_void="credit")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    await one.apply(await one.plan())
    note = await one.document("INV-00001-CR")
    await queued(one)
    await one.shown(invoice("1"))

    await one.deliver()
    (action,) = await one.actions("allocate")
    assert action.code == "SOURCE_MOVED"
    assert one.book.entries[note.remote or ""].balance == Decimal("24.00")


async def test_a_credit_note_that_waited_is_not_sent_when_a_gone_invoice_is_there_again(
    database: Database,
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    async with one.database.writer() as conn:
        await mark_invoices_gone(conn, one.psa.id, ["1"], now=one.time.now)
    await one.plan()
    await choose_way(
        one.database,
        one.psa,
        one.connection,
        document,
        "credit",
        by="ann",
        why="it is gone",
        clock=one.time.clock,
    )
    await queued(one)
    await one.shown(invoice("1"))
    await one.deliver()
    assert (await one.document("INV-00001-CR")).code == "SOURCE_MOVED"
    assert len(one.book.entries) == 1


async def test_an_invoice_is_not_posted_anew_beside_the_credit_note_of_its_change(
    database: Database,
) -> None:
    one = await desk(database, on_edit="credit")
    document = await credited(one, "edited")
    one.book.edit(document.remote or "", status=EntryStatus.VOIDED)
    await one.look()
    with pytest.raises(DataError, match="credit note INV-00001-CR takes back some") as refused:
        await again(one, "INV-00001")
    assert "drift --again INV-00001-CR" in refused.value.remedy

    note = await one.document("INV-00001-CR")
    one.book.edit(note.remote or "", status=EntryStatus.VOIDED)
    await one.look()
    await again(one, "INV-00001-CR")
    await again(one, "INV-00001")
    assert [step for step, _, _ in await steps(one)] == [Step.POST]


async def again(one: Desk, number: str) -> None:
    await post_again(
        one.database,
        one.book,
        one.connection,
        await one.document(number),
        by="ann",
        why="it counts",
        clock=one.time.clock,
        log=one.log,
    )
