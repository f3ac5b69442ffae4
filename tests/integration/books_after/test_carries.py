"""What the PSA changes after posting is carried across by rule or word, step by step, or held."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from syncd.core.invoicing.plan_rows import RowState, Step
from syncd.core.store.database import Database
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import desk, steps
from tests.builders_books import invoice, line

EDITED = (line(1, quantity="3"),)
SMALLER = (line(1, quantity="1"),)


async def test_an_edit_is_held_with_both_totals_unless_a_rule_says_otherwise(
    database: Database,
) -> None:
    one = await desk(database)
    await one.post(invoice("1"))
    await one.shown(invoice("1", *EDITED))

    assert await steps(one) == []
    (issue,) = await one.issues()
    assert issue.code == "CHANGED_IN_PSA"
    assert "24.00 GBP in books, 36.00 GBP in the PSA" in issue.message

    await one.shown(invoice("1"))
    assert await steps(one) == []
    assert await one.codes() == []


async def test_void_and_reissue_are_two_plans_and_leave_one_document(database: Database) -> None:
    one = await desk(database, on_edit="void-and-reissue")
    (first,) = await one.post(invoice("1"))
    await one.shown(invoice("1", *EDITED))

    plan = await one.plan()
    (row,) = plan.record.rows
    assert (row.step.step, row.step.effect) == (Step.VOID, Decimal("-24.00"))
    await one.apply(plan)
    assert one.book.entries[first.remote or ""].status is EntryStatus.VOIDED

    await one.apply(await one.plan())
    second = await one.document("INV-00001")
    assert (second.issue, second.total, second.state) == (
        2,
        Decimal("36.00"),
        DocumentState.CONFIRMED,
    )
    assert await steps(one) == []
    assert await one.codes() == []
    assert (await one.look()).drifted == 0


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("paid", "NOT_ALLOWED_NOW"),
        ("credited", "NOT_ALLOWED_NOW"),
        ("locked", "PERIOD_LOCKED"),
        ("drifted", "DRIFTED_IN_BOOKS"),
    ],
)
async def test_what_is_paid_allocated_locked_or_changed_is_never_voided(
    database: Database, what: str, reason: str
) -> None:
    one = await desk(database, on_edit="void-and-reissue", on_void="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    remote = document.remote or ""
    if what == "paid":
        one.book.pay(remote, "1.00")
    elif what == "credited":
        one.book.edit(remote, credited=Decimal(1), balance=Decimal(23))
    elif what == "locked":
        one.book.locked_until = date(2026, 11, 15)
    else:
        one.book.edit(remote, due=date(2027, 1, 1))
        await one.look()
    await one.shown(invoice("1", voided=True))

    assert await steps(one) == []
    (issue,) = [found for found in await one.issues() if found.code == "VOIDED_IN_PSA"]
    assert issue.evidence["reason"] == reason
    assert one.book.entries[remote].status is not EntryStatus.VOIDED


async def test_a_voided_invoice_is_credited_whole_and_the_note_allocated_afterwards(
    database: Database,
) -> None:
    one = await desk(database, on_void="credit")
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))

    plan = await one.plan()
    (row,) = plan.record.rows
    assert (row.step.step, row.step.effect) == (Step.CREDIT, Decimal("-24.00"))
    await one.apply(plan)
    note = await one.document("INV-00001-CR")
    assert (note.kind, note.total) == (DocumentKind.CREDIT, Decimal("24.00"))
    assert note.dated == date(2026, 11, 20)

    plan = await one.plan()
    (row,) = plan.record.rows
    assert row.step.step is Step.ALLOCATE
    assert row.step.action is not None
    assert (row.step.action.target, row.step.action.amount) == (document.remote, Decimal("24.00"))
    await one.apply(plan)
    assert await steps(one) == []
    assert await one.codes() == []


async def test_a_smaller_invoice_is_credited_by_the_difference_and_a_larger_one_held(
    database: Database,
) -> None:
    one = await desk(database, on_edit="credit")
    await one.post(invoice("1"), invoice("2"))
    await one.shown(invoice("1", *SMALLER), invoice("2", *EDITED))

    plan = await one.plan()
    (row,) = plan.record.rows
    assert (row.step.invoice, row.step.effect) == ("1", Decimal("-12.00"))
    issues = {one.evidence["invoice"]: one for one in await one.issues()}
    assert issues["2"].evidence["reason"] == "CREDIT_IMPOSSIBLE"
    await one.apply(plan)
    assert (await one.document("INV-00001-CR")).total == Decimal("12.00")
    assert [step for step, _, _ in await steps(one)] == [Step.ALLOCATE]
    assert [one.evidence["invoice"] for one in await one.issues()] == ["2"]


async def test_where_prices_include_tax_a_change_is_credited_by_its_nets(
    database: Database,
) -> None:
    one = await desk(database, on_edit="credit", basis="inclusive")
    (document,) = await one.post(invoice("1", line(1), line(2, tax_code="2", rate="0")))
    assert document.payload is not None
    assert document.payload.document.lines[0].unit_price == Decimal("12.00")
    await one.shown(invoice("1", line(1, quantity="1"), line(2, tax_code="2", rate="0")))

    await one.apply(await one.plan())
    note = await one.document("INV-00001-CR")
    assert (note.net, note.tax, note.total) == (Decimal("10.00"), Decimal("2.00"), Decimal("12.00"))
    assert [step for step, _, _ in await steps(one)] == [Step.ALLOCATE]
    assert await one.codes() == []


async def test_a_credit_note_of_the_psa_is_allocated_to_its_invoice_as_a_second_step(
    database: Database,
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    credit = invoice("2", *SMALLER, kind=DocumentKind.CREDIT, number="CN-2", credits="1", due=None)
    await one.shown(credit)

    plan = await one.plan()
    assert [row.step.step for row in plan.record.rows] == [Step.POST]
    await one.apply(plan)
    plan = await one.plan()
    (row,) = plan.record.rows
    assert row.step.action is not None
    assert (row.step.step, row.step.action.target) == (Step.ALLOCATE, document.remote)
    assert row.step.action.amount == Decimal("12.00")
    assert row.step.effect == 0


async def test_by_hand_each_step_waits_for_a_release(database: Database) -> None:
    one = await desk(database)
    await one.post(invoice("1"))
    one.rules = type(one.rules)(approved=True, approval="by_hand", on_edit="void-and-reissue")
    await one.shown(invoice("1", *EDITED))

    plan = await one.plan()
    assert [row.state for row in plan.record.rows] == [RowState.HELD]
    assert "APPROVAL_NEEDED" in await one.codes()


async def test_an_invoice_and_a_credit_note_of_one_number_are_told_apart(
    database: Database,
) -> None:
    one = await desk(database)
    note = {"kind": DocumentKind.CREDIT, "number": "INV-00001", "due": None}
    await one.post(invoice("1"), invoice("2", **note))
    await one.shown(invoice("1", *EDITED), invoice("2", *EDITED, **note))

    assert await steps(one) == []
    issues = await one.issues()
    assert [issue.code for issue in issues] == ["CHANGED_IN_PSA", "CHANGED_IN_PSA"]
    assert {issue.evidence["invoice"] for issue in issues} == {"1", "2"}
    await one.shown(invoice("1"))
    assert await steps(one) == []
    assert [issue.evidence["invoice"] for issue in await one.issues()] == ["2"]
