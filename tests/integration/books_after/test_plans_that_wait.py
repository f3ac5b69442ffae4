"""A plan may wait for days: a void or a credit note is held against what holds when it goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal

import pytest

from syncd.core.invoicing.plan_rows import RowState, Step
from syncd.core.service.drift_words import choose_way
from syncd.core.service.invoice_queueing import queue_plan
from syncd.core.service.invoice_reading import KIND as INVOICES
from syncd.core.service.invoice_release import release_rows
from syncd.core.service.ledger_actions import queue_action
from syncd.core.service.runs import run
from syncd.core.service.unread_source import READ_WITHIN
from syncd.core.store.database import Database
from syncd.core.store.runs import RunStatus
from syncd.core.store.watermarks import move_watermark
from syncd.sdk.errors import VendorUnavailable
from syncd.sdk.invoice_records import DocumentKind, Ownership
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk
from tests.builders_books import invoice, line

Change = Callable[[Desk, str], Awaitable[None]]
EDITED = (line(1, quantity="3"),)


async def undone(one: Desk, _remote: str) -> None:
    await one.shown(invoice("1"))


async def edited_again(one: Desk, _remote: str) -> None:
    await one.shown(invoice("1", *EDITED))


async def paid_unseen(one: Desk, remote: str) -> None:
    one.book.pay(remote, "1.00")


async def credited_unseen(one: Desk, remote: str) -> None:
    one.book.edit(remote, credited=Decimal(24), balance=Decimal(0), status=EntryStatus.PAID)


async def voided_unseen(one: Desk, remote: str) -> None:
    one.book.edit(remote, status=EntryStatus.VOIDED)


async def deleted_unseen(one: Desk, remote: str) -> None:
    one.book.delete(remote, told=False)


async def edited_unseen(one: Desk, remote: str) -> None:
    one.book.edit(remote, due=date(2027, 1, 1))


@pytest.mark.parametrize("policy", ["void-and-reissue", "credit"])
@pytest.mark.parametrize(
    "change",
    [
        undone,
        edited_again,
        paid_unseen,
        credited_unseen,
        voided_unseen,
        deleted_unseen,
        edited_unseen,
    ],
    ids=lambda change: change.__name__,
)
async def test_a_step_whose_reason_or_document_moved_is_left_when_the_plan_is_used(
    sqlite_database: Database, policy: str, change: Change
) -> None:
    one = await desk(sqlite_database, on_void=policy)
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    plan = await one.plan()
    assert [row.state for row in plan.record.rows] == [RowState.READY]
    await change(one, document.remote or "")
    before = dict(one.book.entries)

    applied = await one.apply(plan)

    assert [row.state for row in applied.record.rows] == [RowState.SUPERSEDED]
    assert len(applied.queued.stale) == 1
    assert one.book.entries == before


async def test_a_void_planned_for_good_is_not_made_of_an_invoice_that_is_back_otherwise(
    database: Database,
) -> None:
    """Its number would stay taken, and the new version could not follow."""
    one = await desk(database, on_void="void-and-reissue", on_edit="void-and-reissue")
    await one.post(invoice("1"))
    await one.shown(invoice("1", *EDITED))
    plan = await one.plan()
    await one.shown(invoice("1", *EDITED, voided=True))
    assert len((await one.apply(plan)).queued.stale) == 1


async def test_a_void_is_not_made_of_an_invoice_that_is_being_changed_once_more(
    database: Database,
) -> None:
    one = await desk(database, on_edit="void-and-reissue")
    await one.post(invoice("1"))
    await one.shown(invoice("1", *EDITED))
    plan = await one.plan()
    await one.shown(invoice("1", *EDITED, finalised=False))
    ((_, why),) = (await one.apply(plan)).queued.stale
    assert "draft again" in why


async def test_nothing_is_queued_while_the_books_cannot_show_what_would_be_voided(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await desk(database, on_void="credit")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    plan = await one.plan()

    async def down(_remotes: object) -> object:
        message = "the books are down"
        raise VendorUnavailable(message)

    with monkeypatch.context() as patch:
        patch.setattr(type(one.book), "read_back", lambda _self, remotes: down(remotes))
        with pytest.raises(VendorUnavailable):
            await one.apply(plan)
    applied = await one.apply(plan)
    assert [row.state for row in applied.record.rows] == [RowState.APPLIED]


async def test_a_credit_note_is_allocated_by_no_more_than_is_left_when_the_plan_is_used(
    database: Database,
) -> None:
    one = await desk(database)
    await one.post(invoice("1"))
    note = invoice("2", line(1, quantity="1"), kind=DocumentKind.CREDIT, number="CN-2", credits="1")
    (credit,) = await one.post(note)
    plan = await one.plan()
    assert [row.step.step for row in plan.record.rows] == [Step.ALLOCATE]
    one.book.edit(credit.remote or "", balance=Decimal("5.00"))

    applied = await one.apply(plan)
    ((_, why),) = applied.queued.stale
    assert "less is left" in why
    again = await one.plan()
    (row,) = again.record.rows
    assert row.step.action is not None
    assert row.step.action.amount == Decimal("5.00")


@pytest.mark.parametrize("owner", [Ownership.OTHER, Ownership.UNSURE, Ownership.OURS])
async def test_an_invoice_that_somebody_else_carries_by_now_is_not_queued(
    database: Database, owner: Ownership
) -> None:
    one = await desk(database)
    await one.shown(invoice("1"))
    plan = await one.plan()
    await one.shown(invoice("1", owner=owner, foreign={"id": "doc-99"}))
    applied = await one.apply(plan)
    assert [row.state for row in applied.record.rows] == [RowState.SUPERSEDED]
    assert one.book.entries == {}


async def test_a_write_that_stands_already_is_not_counted_as_queued(database: Database) -> None:
    one = await desk(database, on_void="void-and-reissue")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    plan = await one.plan()
    action = plan.record.rows[0].step.action
    assert action is not None
    async with database.writer() as conn:
        await queue_action(
            conn,
            kind=action.kind.value,
            connection_id=one.connection.id,
            payload=action,
            now=one.time.now,
        )
    queued = await queue_plan(
        database,
        plan.record,
        ledger_connection=one.connection,
        psa_connection=one.psa,
        book_key=one.book.key,
        now=one.time.now,
        max_age_days=7,
    )
    assert queued.actions == []
    ((_, why),) = queued.stale
    assert "on its way" in why


async def said(one: Desk, way: str) -> None:
    await choose_way(
        one.database,
        one.psa,
        one.connection,
        await one.document("INV-00001"),
        way,
        by="ann",
        why="the client asked",
        clock=one.time.clock,
    )


async def test_a_word_about_a_change_is_forgotten_when_the_change_is_undone(
    database: Database,
) -> None:
    one = await desk(database)
    await one.post(invoice("1"))
    await one.shown(invoice("1", *EDITED))
    await said(one, "void-and-reissue")
    assert [row.step.step for row in (await one.plan()).record.rows] == [Step.VOID]

    await one.shown(invoice("1"))
    await one.plan()
    await one.shown(invoice("1", *EDITED))
    assert (await one.plan()).record.rows == ()
    assert await one.codes() == ["CHANGED_IN_PSA"]


async def test_a_word_is_used_up_by_the_step_that_follows_it(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", *EDITED))
    await said(one, "void-and-reissue")
    plan = await one.plan()
    one.book.refuse_void = {document.remote or ""}
    await one.apply(plan)
    assert "WRITE_REFUSED" in await one.codes()

    one.book.refuse_void = set()
    one.book.edit(document.remote or "")
    assert (await one.plan()).record.rows == ()
    await said(one, "void-and-reissue")
    assert [row.step.step for row in (await one.plan()).record.rows] == [Step.VOID]


async def read_of_the_psa(
    one: Desk, error: Exception | None = None, *, doubted: bool = False
) -> None:
    """A run that read the PSA's invoices, or failed to, or brought what is not believed."""
    one.time.now += timedelta(minutes=1)
    with suppress(VendorUnavailable):
        async with run(
            one.database,
            subject=one.psa.name,
            kind=INVOICES,
            scheduled_for=None,
            clock=one.time.clock,
            log=one.log,
            node="here",
        ) as handle:
            if doubted:
                handle.ends(RunStatus.PARTIAL, code="INVOICES_DOUBTED", error="none is known")
            if error is not None:
                raise error


async def test_nothing_is_queued_while_the_last_read_of_the_psa_failed(database: Database) -> None:
    one = await desk(database)
    await one.shown(invoice("1"))
    await read_of_the_psa(one, VendorUnavailable("one page is bad"))
    plan = await one.plan()

    applied = await one.apply(plan)
    assert [row.state for row in applied.record.rows] == [RowState.READY]
    assert (applied.queued.stale, applied.exit_code) == ([], 6)
    ((_, why),) = applied.queued.waiting
    assert "syncd invoices read" in why
    assert one.book.entries == {}

    await read_of_the_psa(one)
    assert [row.state for row in (await one.apply(plan)).record.rows] == [RowState.APPLIED]


async def test_nothing_is_queued_while_the_last_read_of_the_psa_is_doubted(
    database: Database,
) -> None:
    one = await desk(database)
    await one.shown(invoice("1"))
    await read_of_the_psa(one, doubted=True)
    applied = await one.apply(await one.plan())
    assert [row.state for row in applied.record.rows] == [RowState.READY]
    ((_, why),) = applied.queued.waiting
    assert "is doubted" in why


async def test_a_read_of_days_ago_is_too_old_to_queue_upon(database: Database) -> None:
    one = await desk(database)
    await one.shown(invoice("1"))
    async with database.writer() as conn:
        await move_watermark(conn, one.psa.id, INVOICES, one.time.now)
    one.time.now += READ_WITHIN + timedelta(minutes=1)
    plan = await one.plan()
    assert len((await one.apply(plan)).queued.waiting) == 1

    async with database.writer() as conn:
        await move_watermark(conn, one.psa.id, INVOICES, one.time.now)
    assert [row.state for row in (await one.apply(plan)).record.rows] == [RowState.APPLIED]


async def test_a_release_is_kept_while_the_psa_could_not_be_read(database: Database) -> None:
    one = await desk(database, approval="by_hand")
    await one.shown(invoice("1"))
    plan = await one.plan()
    await release_rows(
        database,
        plan.record.id,
        rows=[],
        reason="looked at it",
        by="ann",
        clock=one.time.clock,
        log=one.log,
    )
    await read_of_the_psa(one, VendorUnavailable("one page is bad"))
    applied = await one.apply(plan)
    assert [row.state for row in applied.record.rows] == [RowState.RELEASED]
    assert [row.state for row in (await one.plan()).record.rows] == [RowState.RELEASED]
