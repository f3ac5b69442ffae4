"""A person's word on one change of the PSA, and invoices that are drafts again."""

from __future__ import annotations

from datetime import date

import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.service.drift_words import choose_way, keep, post_again
from syncd.core.store.database import Database
from syncd.sdk.errors import DataError
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk, steps
from tests.builders_books import invoice, line

EDITED = (line(1, quantity="3"),)
SMALLER = (line(1, quantity="1"),)


async def test_a_word_decides_one_change_and_no_other(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    with pytest.raises(DataError, match="nothing about INV-00001 moved"):
        await said(one, "void-and-reissue")
    await one.shown(invoice("1", *EDITED))
    await said(one, "void-and-reissue")

    assert [step for step, _, _ in await steps(one)] == [Step.VOID]
    await one.shown(invoice("1", line(1, quantity="4")))
    assert await steps(one) == []
    assert document.remote


async def test_what_is_kept_is_not_asked_again_until_it_moves_again(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.edit(document.remote or "", due=date(2027, 1, 1))
    await one.shown(invoice("1", *EDITED))
    await one.look()
    await one.plan()
    assert await one.codes() == ["BOOKS_EDITED", "CHANGED_IN_PSA"]

    await kept(one)
    assert await one.codes() == []
    await one.look()
    await one.plan()
    assert await one.codes() == []
    one.book.edit(document.remote or "", due=date(2027, 2, 1))
    await one.look()
    assert await one.codes() == ["BOOKS_EDITED"]


@pytest.mark.parametrize("how", ["voided", "deleted"])
async def test_what_is_gone_is_never_posted_again_by_itself(database: Database, how: str) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    if how == "voided":
        one.book.edit(document.remote or "", status=EntryStatus.VOIDED)
    else:
        one.book.delete(document.remote or "")
    await one.look()
    assert await steps(one) == []
    await kept(one)
    one.book.moved[document.remote or ""] = one.time.now
    await one.look()
    assert await steps(one) == []
    assert await one.codes() == []


async def test_what_is_gone_is_planned_again_when_a_person_says_so(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.edit(document.remote or "", status=EntryStatus.VOIDED)
    await one.look()
    await post_again(
        database,
        one.book,
        one.connection,
        await one.document("INV-00001"),
        by="ann",
        why="voided by mistake",
        clock=one.time.clock,
        log=one.log,
    )

    plan = await one.plan()
    assert [row.step.step for row in plan.record.rows] == [Step.POST]
    assert plan.record.rows[0].step.issue == 2


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


async def kept(one: Desk) -> None:
    await keep(
        one.database,
        one.book,
        one.connection,
        await one.document("INV-00001"),
        by="ann",
        why="agreed with the client",
        clock=one.time.clock,
        log=one.log,
    )


@pytest.mark.parametrize("rule", ["hold", "void-and-reissue", "credit"])
async def test_an_invoice_that_is_a_draft_again_is_told_and_no_rule_acts_on_it(
    sqlite_database: Database, rule: str
) -> None:
    one = await desk(sqlite_database, on_edit=rule, on_void=rule)
    await one.post(invoice("1"))
    await one.shown(invoice("1", finalised=False))

    assert await steps(one) == []
    (issue,) = await one.issues()
    assert issue.code == "UNFINISHED_IN_PSA"
    assert "a draft again" in issue.message

    # Edited meanwhile, it is still a draft; finished, it is a change.
    await one.shown(invoice("1", *EDITED, finalised=False))
    assert (await steps(one), await one.codes()) == ([], ["UNFINISHED_IN_PSA"])
    await one.shown(invoice("1", *EDITED))
    assert [step for step, _, _ in await steps(one)] == {
        "hold": [],
        "void-and-reissue": [Step.VOID],
        "credit": [],
    }[rule]
    assert await one.codes() == ["CHANGED_IN_PSA"]
    await one.shown(invoice("1"))
    assert (await steps(one), await one.codes()) == ([], [])


async def test_a_draft_that_is_kept_in_the_books_is_told_again_when_it_changes(
    database: Database,
) -> None:
    one = await desk(database)
    await one.post(invoice("1"))
    await one.shown(invoice("1", finalised=False))
    await one.plan()
    await kept(one)
    await one.plan()
    assert await one.codes() == []
    await one.shown(invoice("1"))
    await one.plan()
    assert await one.codes() == []

    await one.shown(invoice("1", *EDITED, finalised=False))
    await one.plan()
    assert await one.codes() == ["UNFINISHED_IN_PSA"]


async def test_a_draft_is_voided_where_it_was_made_or_not_at_all(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database, on_void="void-and-reissue")
    await one.post(invoice("1"))
    await one.shown(invoice("1", finalised=False))
    await one.plan()
    with pytest.raises(DataError, match="a draft again"):
        await said(one, "void-and-reissue")
    assert "void it there" in (await one.issues())[0].remedy
    assert "--void" not in (await one.issues())[0].remedy

    await one.shown(invoice("1", finalised=False, voided=True))
    assert [step for step, _, _ in await steps(one)] == [Step.VOID]
    assert await one.codes() == ["VOIDED_IN_PSA"]
