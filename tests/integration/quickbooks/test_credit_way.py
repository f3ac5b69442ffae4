"""A change of the PSA as a credit note, the whole way: written, applied to its invoice, no cash."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.store.database import Database
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_quickbooks_way import CLIENT, Way, whole_way


async def posted(way: Way) -> tuple[int, str]:
    """An invoice over 120.00 that stands in the books."""
    number = way.halopsa.hand.finish(CLIENT)
    assert await way.round() == [Step.POST]
    return number, (await way.shown(number)).number


def memos(way: Way) -> dict[str, tuple[Decimal, Decimal]]:
    """Total and rest of every credit memo, by number."""
    return {
        row["DocNumber"]: (row["TotalAmt"], row["RemainingCredit"])
        for row in way.quickbooks.hand.documents("CreditMemo")
    }


async def test_a_voided_invoice_is_credited_whole_and_settled_by_it(
    sqlite_database: Database,
) -> None:
    async with whole_way(sqlite_database, on_void="credit") as way:
        number, printed = await posted(way)
        way.halopsa.hand.void_invoice(number)
        assert await way.round() == [Step.CREDIT]
        assert await way.round() == [Step.ALLOCATE]
        for _ in range(2):
            assert await way.round() == []
        assert memos(way) == {f"{printed}-CR": (Decimal("120.00"), Decimal("0.00"))}
        assert way.in_books() == {printed: (Decimal("120.00"), Decimal("0.00"))}
        assert way.halopsa.hand.payments(number) == [], "a credit was told as money"
        assert await way.issues() == []


async def test_a_smaller_invoice_is_credited_by_the_difference(sqlite_database: Database) -> None:
    async with whole_way(sqlite_database, on_edit="credit") as way:
        number, printed = await posted(way)
        way.halopsa.hand.edit_invoice(number, columns={"unit_price": 60})
        assert await way.round() == [Step.CREDIT]
        assert await way.round() == [Step.ALLOCATE]
        assert await way.round() == []
        assert memos(way) == {f"{printed}-CR": (Decimal("48.00"), Decimal("0.00"))}
        assert way.in_books() == {printed: (Decimal("120.00"), Decimal("72.00"))}
        assert await way.issues() == []


async def test_a_company_that_applies_credits_by_itself_needs_no_allocation(
    sqlite_database: Database,
) -> None:
    company = {"auto_apply": True}
    async with whole_way(sqlite_database, on_void="credit", company=company) as way:
        number, printed = await posted(way)
        way.halopsa.hand.void_invoice(number)
        assert await way.round() == [Step.CREDIT]
        for _ in range(2):
            await way.round()
        assert memos(way) == {f"{printed}-CR": (Decimal("120.00"), Decimal("0.00"))}
        assert way.in_books() == {printed: (Decimal("120.00"), Decimal("0.00"))}
        assert way.halopsa.hand.payments(number) == []
        assert await way.issues() == []


@pytest.mark.parametrize("path", ["/batch$", "/payment$"])
@pytest.mark.parametrize("action", [Action.CUT_AFTER, Action.CUT_BEFORE])
async def test_it_is_written_and_applied_once_whatever_answer_is_lost(
    sqlite_database: Database, path: str, action: Action
) -> None:
    async with whole_way(sqlite_database, on_void="credit") as way:
        number, printed = await posted(way)
        way.halopsa.hand.void_invoice(number)
        broken: dict[str, Any] = {"path": path, "method": "POST", "count": 1}
        way.break_with(Fault(action=action, **broken))
        for _ in range(4):
            await way.round()
            way.later(minutes=15)
        assert way.hosted.controlled.faults.struck
        assert memos(way) == {f"{printed}-CR": (Decimal("120.00"), Decimal("0.00"))}
        assert way.in_books() == {printed: (Decimal("120.00"), Decimal("0.00"))}
        assert len(way.quickbooks.hand.documents("Payment")) == 1
        assert await way.issues() == []
