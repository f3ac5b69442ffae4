"""The simulator prorates: rows by hand and by counts, one line or two, in advance or behind.

December has 31 days, 16 of them from the 16th on; November has 30, 15 of them from the 16th on.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders_halopsa_calls import LICENCES
from tests.builders_halopsa_invoices import (
    CLIENT,
    RECURRING,
    SAVE,
    Till,
    lines,
    opened_till,
    pairs,
)


async def test_a_row_by_hand_is_a_line_of_its_own_and_then_part_of_the_base_line() -> None:
    async with opened_till() as till:
        line = till.typed("10", "3.50")
        till.hand.prorate(line, "2026-12-16", 2)
        invoice = await till.invoice()
        # 2 x 3.50 x 16/31 = 3.6129
        assert lines(invoice) == pairs(("10", "35.00"), ("2", "3.61"))
        assert invoice["total"] == Decimal("38.61")
        base = (await till.whole())["lines"][0]
        assert base["qty_order"] == 12
        assert base["prorata_data"] == []
        assert lines(await till.invoice()) == pairs(("12", "42.00"))


async def test_a_row_of_a_person_may_have_a_price_of_its_own() -> None:
    async with opened_till() as till:
        line = till.typed("10", "3.50")
        till.hand.prorate(line, "2026-12-16", 2, unitprice=Decimal(31), dont_auto_calculate=True)
        assert lines(await till.invoice()) == pairs(("10", "35.00"), ("2", "32.00"))


async def test_a_row_that_begins_after_the_invoice_s_period_waits() -> None:
    async with opened_till() as till:
        line = till.typed("10", "3.50")
        till.hand.prorate(line, "2027-01-01", 2)
        assert lines(await till.invoice()) == pairs(("10", "35.00"))
        assert lines(await till.invoice()) == pairs(("10", "35.00"), ("2", "7.00"))


async def growing(till: Till, first: int, then: int, **link: Any) -> int:
    """A subscription billed for December with one count, and another one from 16 December on."""
    number = till.sold(first, pro_rata=1, **link)
    await till.invoice()
    till.on(12, 16)
    till.hand.edit(number, count=then)
    return number


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        # 2 x 3.00 for January, and 2 x 3.00 x 16/31 = 3.0968 for the rest of December
        ("two", pairs(("10", "30.00"), ("2", "6.00"), ("2", "3.10"))),
        ("one", pairs(("10", "30.00"), ("2", "9.10"))),
    ],
)
async def test_a_count_that_grew_is_prorated_in_one_line_or_in_two(
    mode: str, expected: list[tuple[Decimal, Decimal]]
) -> None:
    async with opened_till(proration_lines=mode) as till:
        await growing(till, 10, 12)
        (row,) = (await till.whole())["lines"][0]["prorata_data"]
        assert (row["date"], row["quantity"]) == ("2026-12-16T00:00:00", 2)
        assert ("prorata_data", "", "2 from 2026-12-16") in await till.changes(type_id=3)
        invoice = await till.invoice()
        assert lines(invoice) == expected
        assert invoice["total"] == Decimal("39.1")
        assert lines(await till.invoice()) == pairs(("12", "36.00"))


async def test_a_line_can_ask_for_two_lines_itself() -> None:
    async with opened_till(proration_lines="one") as till:
        await growing(till, 10, 12)
        till.hand.edit_line((await till.whole())["lines"][0]["id"], createproratanormallines=1)
        assert len((await till.invoice())["lines"]) == 3


async def test_a_count_that_fell_is_given_back_only_where_that_is_allowed() -> None:
    async with opened_till() as till:
        await growing(till, 12, 10)
        assert lines(await till.invoice()) == pairs(("10", "30.00"))
    async with opened_till(allow_negative_prorata=True) as till:
        await growing(till, 12, 10)
        invoice = await till.invoice()
        assert lines(invoice) == pairs(("12", "36.00"), ("-2", "-6.00"), ("-2", "-3.10"))
        assert invoice["total"] == Decimal("26.9")


async def test_a_source_that_does_not_prorate_makes_no_row() -> None:
    async with opened_till() as till:
        number = till.sold(10)
        await till.invoice()
        till.on(12, 16)
        till.hand.edit(number, count=12)
        assert lines(await till.invoice()) == pairs(("12", "36.00"))


async def test_nothing_is_prorated_before_the_first_invoice_in_advance() -> None:
    async with opened_till() as till:
        number = till.sold(10, pro_rata=1)
        till.on(11, 16)
        till.hand.edit(number, count=12)
        assert lines(await till.invoice()) == pairs(("12", "36.00"))


async def test_an_invoice_for_the_period_that_ended_charges_newcomers_for_their_days() -> None:
    async with opened_till(invoiced_period="behind") as till:
        number = till.sold(10, pro_rata=1)
        till.on(11, 16)
        till.hand.edit(number, count=12)
        till.on(12, 1)
        till.hand.edit(number, count=13)  # of the next period
        invoice = await till.invoice()
        assert invoice["period_start_date"] == "2026-11-01T00:00:00"
        assert lines(invoice) == pairs(("10", "30.00"), ("2", "3.00"))
        till.on(12, 31)
        assert lines(await till.invoice()) == pairs(("12", "36.00"), ("1", "3.00"))


async def test_changes_of_one_day_make_one_row_and_may_cancel_out() -> None:
    async with opened_till() as till:
        number = await growing(till, 10, 14)
        till.hand.edit(number, count=11)
        assert [one["quantity"] for one in (await open_rows(till))] == [1]
        till.hand.edit(number, count=10)
        assert await open_rows(till) == []


async def test_only_units_that_are_charged_are_prorated() -> None:
    async with opened_till() as till:
        await growing(till, 4, 6, qty_free=5)
        assert [one["quantity"] for one in await open_rows(till)] == [1]


async def test_units_that_left_again_are_charged_for_their_part_only() -> None:
    async with opened_till() as till:
        number = await growing(till, 3, 13)
        till.on(12, 20)
        till.hand.edit(number, count=6)
        # January 6 x 3.00, and 10 x 3.00 x 16/31 = 15.4839 of December
        assert lines(await till.invoice()) == pairs(("0", "0.00"), ("6", "18.00"), ("10", "15.48"))


async def test_a_save_through_the_api_and_a_deletion_are_changes_of_the_count_too() -> None:
    async with opened_till(allow_negative_prorata=True) as till:
        number = till.sold(10, pro_rata=1)
        await till.invoice()
        till.on(12, 16)
        await till.caller.post(LICENCES, [{"id": number, "count": 11}])
        assert [one["quantity"] for one in await open_rows(till)] == [1]
        till.on(12, 17)
        till.hand.delete(number)
        assert [one["quantity"] for one in await open_rows(till)] == [1, -11]


async def test_users_that_come_are_prorated_where_a_line_counts_them() -> None:
    async with opened_till() as till:
        till.typed("0", "31.00", quantity_users=[{"pro_rata": 1}])
        till.hand.add_user(CLIENT, "Ann")
        await till.invoice()
        till.on(12, 16)
        till.hand.add_user(CLIENT, "Bob")
        assert lines(await till.invoice()) == pairs(("1", "31.00"), ("1", "31.00"), ("1", "16.00"))


async def test_rows_are_listed_before_and_after_they_are_invoiced() -> None:
    async with opened_till() as till:
        line = till.typed("10", "3.50")
        till.hand.prorate(line, "2026-12-16", 2)
        before = await till.caller.rows("/api/InvoiceDetailProRata")
        await till.invoice()
        after = await till.caller.rows("/api/InvoiceDetailProRata")
        assert [one["isinvoiced"] for one in (*before, *after)] == [False, True]
        assert after[0]["recurring_invoice_id"] == RECURRING


async def test_a_negative_row_is_refused_unless_it_is_allowed() -> None:
    row = {"date": "2026-12-16T00:00:00", "quantity": -2}
    body = [{"id": RECURRING, "lines": [{"item_shortdescription": "A", "prorata_data": [row]}]}]
    async with opened_till() as till:
        assert (await till.caller.post(SAVE, body)).status_code == 400
    async with opened_till(allow_negative_prorata=True) as till:
        assert (await till.caller.post(SAVE, body)).status_code == 201


async def open_rows(till: Till) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = (await till.whole())["lines"][0]["prorata_data"]
    return rows
