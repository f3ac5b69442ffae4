"""What is voided for a new version gives its number away first, and only if that can follow."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.service.drift_words import choose_way
from syncd.core.store.database import Database
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import Ownership, PsaInvoice
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk
from tests.builders_books import invoice, line

EDITED = (line(1, quantity="3"),)


async def numbers(one: Desk) -> dict[str, str]:
    return {entry.number: entry.status.value for entry in one.book.entries.values()}


@pytest.mark.parametrize("kept", [True, False], ids=["number kept", "number freed"])
async def test_the_number_is_given_away_before_the_void_and_taken_by_the_new_version(
    database: Database, kept: bool
) -> None:
    one = await desk(database, on_edit="void-and-reissue")
    one.book.void_keeps_number = kept
    await one.post(invoice("1"))
    await one.shown(invoice("1", *EDITED))

    plan = await one.plan()
    (row,) = plan.record.rows
    assert row.step.action is not None
    assert (row.step.step, row.step.action.renumber) == (Step.VOID, "INV-00001-V1")
    await one.apply(plan)
    await one.apply(await one.plan())

    assert await numbers(one) == {"INV-00001-V1": "voided", "INV-00001": "open"}
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED
    assert await one.codes() == []


async def test_a_second_new_version_gives_another_number_away(database: Database) -> None:
    one = await desk(database, on_edit="void-and-reissue")
    await one.post(invoice("1"))
    for quantity in ("3", "4"):
        await one.shown(invoice("1", line(1, quantity=quantity)))
        await one.apply(await one.plan())
        await one.apply(await one.plan())
    assert await numbers(one) == {
        "INV-00001-V1": "voided",
        "INV-00001-V2": "voided",
        "INV-00001": "open",
    }


async def test_what_the_psa_voided_keeps_its_number(database: Database) -> None:
    one = await desk(database, on_void="void-and-reissue")
    await one.post(invoice("1"))
    await one.shown(invoice("1", voided=True))
    await one.apply(await one.plan())
    assert await numbers(one) == {"INV-00001": "voided"}


async def test_a_number_too_long_to_be_given_away_is_held_before_anything_is_voided(
    database: Database,
) -> None:
    one = await desk(database, on_edit="void-and-reissue")
    long = "INV-2026-000000001"
    await one.post(invoice("1", number=long))
    await one.shown(invoice("1", *EDITED, number=long))
    assert [row.step.number for row in (await one.plan()).record.rows] == [long]

    longer = "INV-2026-0000000002"
    await one.post(invoice("2", number=longer))
    await one.shown(invoice("2", *EDITED, number=longer))
    assert longer not in [row.step.number for row in (await one.plan()).record.rows]
    told = {issue.evidence["invoice"]: issue for issue in await one.issues()}
    assert told["2"].evidence["reason"] == "NUMBER_TOO_LONG"
    assert (await numbers(one))[longer] == "open"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (invoice("1", line(1, tax_code="9")), "UNMAPPED_TAX"),
        (invoice("1", *EDITED, currency="USD"), "UNMAPPED_CURRENCY"),
        (invoice("1", *EDITED, total=Decimal(1)), "INVOICE_DOES_NOT_ADD_UP"),
        (invoice("1", *EDITED, owner=Ownership.OTHER), "OWNED_BY_PSA_MODULE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_nothing_is_voided_by_rule_that_could_not_be_posted_anew(
    database: Database, changed: PsaInvoice, reason: str
) -> None:
    one = await desk(database, on_edit="void-and-reissue")
    await one.post(invoice("1"))
    await one.shown(changed)

    assert (await one.plan()).record.rows == ()
    (issue,) = [found for found in await one.issues() if found.code == "CHANGED_IN_PSA"]
    assert issue.evidence["reason"] == reason
    assert await numbers(one) == {"INV-00001": "open"}


async def test_a_draft_that_is_changed_is_replaced_under_its_number_and_not_credited(
    database: Database,
) -> None:
    one = await desk(database, on_edit="credit", approved=False)
    await one.post(invoice("1"))
    assert await numbers(one) == {"INV-00001": "draft"}
    await one.shown(invoice("1", line(1, quantity="1")))
    await one.apply(await one.plan())
    await one.apply(await one.plan())
    assert await numbers(one) == {"INV-00001-V1": "voided", "INV-00001": "draft"}


async def test_an_invoice_that_was_credited_in_part_is_not_voided_beside_its_credit_note(
    database: Database,
) -> None:
    one = await desk(database, on_edit="credit")
    (document,) = await one.post(invoice("1"))
    await one.shown(invoice("1", line(1, quantity="1")))
    await one.apply(await one.plan())
    one.rules = with_rules(one, on_edit="void-and-reissue")
    await one.shown(invoice("1", *EDITED))

    plan = await one.plan()
    assert Step.VOID not in [row.step.step for row in plan.record.rows]
    (issue,) = [found for found in await one.issues() if found.code == "CHANGED_IN_PSA"]
    assert issue.evidence["reason"] == "CREDIT_IMPOSSIBLE"
    assert one.book.entries[document.remote or ""].status is EntryStatus.OPEN


async def test_a_void_that_the_books_refused_is_tried_again_on_a_persons_word_only(
    database: Database,
) -> None:
    """The number was given away and back, so that the version alone would say that it moved."""
    one = await desk(database, on_edit="void-and-reissue")
    (document,) = await one.post(invoice("1"))
    remote = document.remote or ""
    await one.shown(invoice("1", *EDITED))
    one.book.refuse_void = {remote}
    await one.apply(await one.plan())
    one.book.edit(remote)

    assert (await one.plan()).record.rows == ()
    (issue,) = [found for found in await one.issues() if found.code == "CHANGED_IN_PSA"]
    assert issue.evidence["reason"] == "REFUSED_BEFORE"
    await choose_way(
        database,
        one.psa,
        one.connection,
        await one.document("INV-00001"),
        "void-and-reissue",
        by="ann",
        why="the period is open again",
        clock=one.time.clock,
    )
    one.book.refuse_void = set()
    await one.apply(await one.plan())
    assert await numbers(one) == {"INV-00001-V1": "voided"}


def with_rules(one: Desk, **rules: Any) -> Any:
    return type(one.rules)(**{"approved": True, "approval": "automatic", **rules})
