"""A plan of invoices from the first row to the mark in the PSA, on both databases."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from syncd.core.invoicing.plan_rows import RowState, Step
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.invoice_release import release_rows
from syncd.core.service.invoice_story import tell_invoice
from syncd.core.service.refusals import PlanConsumed, PlanStale, ReleaseRefused
from syncd.core.store.connections import bump_data_version
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.core.store.ledger_mappings import load_ledger_map
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import DocumentKind, Ownership
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry, ReferenceKind
from tests.builders_desk import desk
from tests.builders_invoices import invoice, line, read


async def test_an_invoice_is_planned_posted_confirmed_and_marked(database: Database) -> None:
    at = await desk(database)
    planned = await at.plan(invoice("1"), invoice("2"))
    assert [row.state for row in planned.record.rows] == [RowState.READY, RowState.READY]
    assert [row.step.effect for row in planned.record.rows] == [Decimal("24.00")] * 2
    applied = await at.apply(planned)
    assert applied.exit_code == 0
    item = await at.row()
    assert (item.state, item.total) == (DocumentState.CONFIRMED, Decimal("24.00"))
    assert at.keeper.marks["1"].remote == item.remote
    assert at.book.posts == 1
    with pytest.raises(PlanConsumed):
        await at.apply(planned)
    assert (await at.plan()).record.rows == ()
    (story,) = await tell_invoice(database, "INV-00001", psa=at.psa, ledgers=(at.ledger.name,))
    assert [one.what for one in story.documents[0].tries] == ["send"]


async def test_a_book_that_is_not_live_gets_nothing(database: Database) -> None:
    at = await desk(database, live=False)
    planned = await at.plan(invoice("1"))
    assert [o.code for o in planned.record.rows[0].step.objections] == ["LINK_ONLY"]
    with pytest.raises(ReleaseRefused):
        await release_rows(
            database,
            planned.record.id,
            rows=[],
            reason="because",
            by="ann",
            clock=at.time.clock,
            log=at.log,
        )
    assert (await at.apply(planned)).queued.documents == []
    assert at.book.entries == {}


async def test_history_before_the_book_went_live_is_left_alone_quietly(database: Database) -> None:
    at = await desk(database)
    planned = await at.plan(invoice("1", dated=date(2026, 10, 31)))
    assert planned.record.rows == ()
    assert planned.before_golive == 1
    assert await at.codes() == []


async def test_without_drafts_a_person_releases_and_the_release_outlives_a_new_plan(
    database: Database,
) -> None:
    at = await desk(database, drafts=False)
    rules = LedgerRules()
    planned = await at.plan(invoice("1"), rules=rules)
    assert planned.record.rows[0].state is RowState.HELD
    assert await at.codes() == ["APPROVAL_NEEDED"]
    assert (await at.apply(planned)).exit_code == 3
    same = await at.plan(rules=rules)
    assert same.kept
    assert same.record.id == planned.record.id
    await release_rows(
        database,
        "latest",
        rows=["INV-00001"],
        reason="looked at it",
        by="ann",
        clock=at.time.clock,
        log=at.log,
    )
    at.time.now += timedelta(minutes=15)
    later = await at.plan(invoice("2"), rules=rules)
    assert later.record.id != planned.record.id
    assert [row.state for row in later.record.rows] == [RowState.RELEASED, RowState.HELD]
    with pytest.raises(PlanStale):
        await at.apply(planned)
    await at.apply(later)
    assert (await at.row()).state is DocumentState.CONFIRMED
    assert len(at.book.entries) == 1


async def test_a_plan_is_stale_once_a_decision_or_the_book_moved(database: Database) -> None:
    at = await desk(database)
    planned = await at.plan(invoice("1"))
    async with database.writer() as conn:
        await bump_data_version(conn)
    with pytest.raises(PlanStale):
        await at.apply(planned)
    planned = await at.plan()
    at.book.key = "org-2"
    with pytest.raises(PlanStale):
        await at.apply(planned)
    at.book.key = "org-1"
    at.time.now += timedelta(days=9)
    with pytest.raises(PlanStale):
        await at.apply(planned)
    assert at.book.entries == {}


async def test_an_invoice_that_moved_after_the_plan_is_not_posted(database: Database) -> None:
    at = await desk(database)
    planned = await at.plan(invoice("1"), invoice("2"))
    changed = invoice("1", line(1, price="11.00"), modified=at.time.now)
    await read(database, at.psa, changed)
    applied = await at.apply(planned)
    assert [row.step.number for row, _ in applied.queued.stale] == ["INV-00001"]
    assert [one.number for one in at.book.entries.values()] == ["INV-00002"]


async def test_one_bad_document_of_a_batch_does_not_stop_the_others(database: Database) -> None:
    at = await desk(database, size=50, refuse={"INV-00002": "ACCOUNT_UNUSABLE"})
    applied = await at.apply(await at.plan(*[invoice(str(n)) for n in range(1, 6)]))
    assert applied.exit_code == 6
    assert len(at.book.entries) == 4
    assert (await at.row("INV-00002")).code == "ACCOUNT_UNUSABLE"
    assert await at.codes() == ["ACCOUNT_UNUSABLE"]
    async with database.reader() as conn:
        (issue,) = await open_issues(conn)
    assert "`syncd plan invoices books`" in issue.remedy
    assert "`syncd invoices release PLAN INV-00002 --why TEXT`" in issue.remedy
    again = await at.plan()
    assert "release PLAN NUMBER" in again.record.rows[0].step.objections[0].remedy
    assert [o.code for o in again.record.rows[0].step.objections] == ["REFUSED_BEFORE"]
    at.book.refuse.clear()
    await release_rows(
        database,
        again.record.id,
        rows=["INV-00002"],
        reason="the account is back",
        by="ann",
        clock=at.time.clock,
        log=at.log,
    )
    await at.apply(again)
    assert (await at.row("INV-00002")).state is DocumentState.CONFIRMED
    assert await at.codes() == []


async def test_a_foreign_document_goes_to_a_person_and_may_be_adopted(database: Database) -> None:
    at = await desk(database)
    planned = await at.plan(invoice("1"))
    foreign = LedgerEntry(
        remote="by-hand",
        kind=DocumentKind.INVOICE,
        number="INV-00001",
        contact="contact-1",
        currency="GBP",
        dated=date(2026, 11, 15),
        status=EntryStatus.OPEN,
        net=Decimal("20.50"),
        tax=Decimal("4.10"),
        total=Decimal("24.60"),
        balance=Decimal("24.60"),
    )
    at.book.add(foreign)
    applied = await at.apply(planned)
    assert applied.exit_code == 6
    assert (await at.row()).code == "FOREIGN_DOCUMENT"
    assert await at.codes() == ["FOREIGN_DOCUMENT"]
    done = await at.settling().settle("INV-00001", reason="same", by="ann", adopt="by-hand")
    assert done.state == DocumentState.DRIFTED
    assert await at.codes() == ["BOOKS_DIFFER"]
    assert len(at.book.entries) == 1


async def test_a_renamed_foreign_document_frees_the_number(database: Database) -> None:
    at = await desk(database)
    planned = await at.plan(invoice("1"))
    entry = at.book.entry_of(planned.record.rows[0].step.document or pytest.fail("no document"))
    at.book.add(msgspec.structs.replace(entry, marker="", contact="contact-9"))
    await at.apply(planned)
    at.book.entries.clear()
    done = await at.settling().settle("INV-00001", reason="renamed it", by="ann")
    assert done.state == DocumentState.PENDING
    await at.apply(planned.record.id)
    assert (await at.row()).state is DocumentState.CONFIRMED


async def test_what_the_books_changed_in_silence_is_told(database: Database) -> None:
    def more(entry: LedgerEntry) -> LedgerEntry:
        return msgspec.structs.replace(entry, total=entry.total + Decimal("0.01"))

    at = await desk(database, change=more)
    await at.apply(await at.plan(invoice("1")))
    assert (await at.row()).state is DocumentState.DRIFTED
    assert await at.codes() == ["BOOKS_DIFFER"]


async def test_who_else_may_carry_it_stops_an_invoice(database: Database) -> None:
    at = await desk(database)
    planned = await at.plan(
        invoice("1", owner=Ownership.OTHER), invoice("2", owner=Ownership.UNSURE)
    )
    codes = [[o.code for o in row.step.objections] for row in planned.record.rows]
    assert codes == [["OWNED_BY_PSA_MODULE"], ["OWNER_UNSURE"]]
    assert await at.codes() == ["OWNED_BY_PSA_MODULE", "OWNER_UNSURE"]


async def test_a_contact_is_made_only_when_allowed_needed_and_released(
    database: Database,
) -> None:
    at = await desk(database)
    rules = LedgerRules(approval="automatic", create_contacts=True)
    new = invoice("1", client="c7", client_name="Zeta Ltd")
    taken = invoice("2", client="c8", client_name="beta  LTD")
    planned = await at.plan(new, taken, rules=rules)
    steps = {row.key: row for row in planned.record.rows}
    assert steps["contact:c7"].state is RowState.HELD
    assert steps["contact:c8"].state is RowState.REFUSED
    assert "inactive" in steps["contact:c8"].step.objections[0].message
    await release_rows(
        database,
        planned.record.id,
        rows=["contact:c7"],
        reason="new client",
        by="ann",
        clock=at.time.clock,
        log=at.log,
    )
    await at.apply(planned)
    async with database.reader() as conn:
        mapping = await load_ledger_map(conn, at.psa.id, at.ledger.id)
    (key,) = mapping.contact_of("c7", "GBP")
    assert mapping.references[ReferenceKind.CONTACT, key].name == "Zeta Ltd"
    later = await at.plan(rules=rules)
    assert [r.key for r in later.record.rows if r.state is RowState.READY] == [
        f"{Step.POST.value}:1"
    ]
