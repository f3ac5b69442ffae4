"""The simulator makes invoices as HaloPSA does: counts, prices, tax, dates, and what is left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders_halopsa_calls import calling
from tests.builders_halopsa_invoices import (
    CLIENT,
    PROCESS,
    RECURRING,
    lines,
    opened_till,
    pairs,
)


async def test_a_line_bills_the_count_and_the_price_of_its_subscription_at_that_moment() -> None:
    async with opened_till() as till:
        number = till.sold(10, "3.50")
        till.hand.edit(number, count=12, price=3.75)
        invoice = await till.invoice()
        assert lines(invoice) == pairs(("12", "45.00"))
        assert invoice["total"] == 45


async def test_a_line_without_the_linked_price_keeps_its_own() -> None:
    async with opened_till() as till:
        number = till.sold(10, "3.50", linked_price=False)
        till.hand.edit(number, price=99)
        assert lines(await till.invoice()) == pairs(("10", "35.00"))


@pytest.mark.parametrize(
    ("free", "minimum", "expected"),
    [(0, 0, "12"), (5, 0, "7"), (20, 0, "0"), (0, 30, "30"), (5, 8, "8"), (20, 3, "3")],
)
async def test_free_units_come_off_and_the_minimum_is_kept(
    free: int, minimum: int, expected: str
) -> None:
    async with opened_till() as till:
        till.sold(12, "2.00", qty_free=free, minimum_qty=minimum)
        net = str(Decimal(expected) * 2)
        assert lines(await till.invoice()) == pairs((expected, net))


async def test_several_sources_of_a_line_add_up_each_with_its_own_free_units() -> None:
    async with opened_till() as till:
        first = till.hand.add(CLIENT, "EDR", count=10, price=Decimal(2))
        second = till.hand.add(CLIENT, "EDR trial", count=3)
        line = till.hand.link(first, qty_free=1)
        till.hand.link(second, line=line, qty_free=5, linked_price=False)
        assert lines(await till.invoice()) == pairs(("9", "18.00"))


async def test_assets_and_users_of_the_client_are_counted_by_type_and_site() -> None:
    async with opened_till() as till:
        for number, (client, kind, site, inactive) in enumerate(
            [
                (CLIENT, 102, 20_010, False),
                (CLIENT, 102, 20_010, True),
                (CLIENT, 102, 20_011, False),
                (CLIENT, 101, 20_010, False),
                (1002, 102, 20_020, False),
            ],
            start=1,
        ):
            till.state.tables["asset"][number] = {
                "id": number,
                "client_id": client,
                "assettype_id": kind,
                "site_id": site,
                "inactive": inactive,
            }
        till.hand.add_user(CLIENT, "Ann")
        till.hand.add_user(1002, "Bob")
        till.typed("0", "1", quantity_assets=[{"type_id": 102}])
        till.typed("0", "1", quantity_assets=[{"type_id": 102, "site_id": 20_010}])
        till.typed("0", "1", quantity_assets=[{}], quantity_users=[{"minimum_qty": 4}])
        assert [one[0] for one in lines(await till.invoice())] == [2, 1, 7]


async def test_an_inactive_line_is_left_out_and_a_line_of_nothing_stays() -> None:
    async with opened_till() as till:
        till.typed("5", "1.00", isinactive=True)
        till.sold(0)
        assert lines(await till.invoice()) == pairs(("0", "0.00"))


@pytest.mark.parametrize(("follows", "expected"), [(False, pairs(("0", "0.00"))), (True, [])])
async def test_an_inactive_subscription_counts_nothing_or_takes_its_line_away(
    follows: bool, expected: list[tuple[Decimal, Decimal]]
) -> None:
    async with opened_till(lines_follow_subscription=follows) as till:
        till.hand.edit(till.sold(5), is_active=False)
        assert lines(await till.invoice()) == expected


async def test_subscriptions_can_be_found_by_name_in_place_of_their_id() -> None:
    async with opened_till(linked_by="name") as till:
        number = till.sold(5)
        till.hand.add(CLIENT, "EDR", count=2)
        till.hand.add(1002, "EDR", count=100)
        assert lines(await till.invoice()) == pairs(("7", "21.00"))
        till.hand.edit(number, name="EDR plus")
        assert lines(await till.invoice()) == pairs(("5", "15.00"))


async def test_cents_are_rounded_half_up_for_each_line_and_its_tax() -> None:
    async with opened_till() as till:
        till.typed("1", "0.125", tax_code="1")
        till.typed("3", "3.335", tax_code="5", discount_perc=Decimal(10))
        till.typed("-1", "0.125")
        invoice = await till.invoice()
        # 0.125 -> 0.13 and 20 % of it 0.026; 3 x 3.0015 = 9.0045 and 5 % of 9.00
        assert [
            (one["net_amount"], one["tax_amount"], one["total_price"]) for one in invoice["lines"]
        ] == [
            (Decimal("0.13"), Decimal("0.03"), Decimal("0.16")),
            (Decimal("9.0"), Decimal("0.45"), Decimal("9.45")),
            (Decimal("-0.13"), 0, Decimal("-0.13")),
        ]
        assert invoice["revenue"] == Decimal("9.0")
        assert invoice["tax_total"] == Decimal("0.48")
        assert invoice["total"] == invoice["amountdue"] == Decimal("9.48")
        codes = [one["code"] for one in await till.caller.rows("/api/Tax")]
        assert sorted(codes) == ["1", "2", "3", "4", "5"]


async def test_an_invoice_moves_its_recurring_invoice_to_the_next_period() -> None:
    async with opened_till() as till:
        till.typed("2", "10.00")
        till.hand.edit_recurring(RECURRING, nextcreationdate="2026-01-31T00:00:00", period=4)
        invoice = await till.invoice()
        assert invoice["invoicenumber"] == "INV-1042"
        assert invoice["period_start_date"] == "2026-01-31T00:00:00"
        assert invoice["period_end_date"] == "2026-04-29T00:00:00"
        assert invoice["duedate"] == "2026-12-01T00:00:00"
        header = await till.whole()
        assert header["nextcreationdate"] == "2026-04-30T00:00:00"
        assert header["lastcreated"] == invoice["invoice_date"] == "2026-11-01T12:00:00"
        assert header["last_invoiced_revenue"] == 20
        assert header["lines"][0]["last_invoiced_net_amount"] == 20


async def test_the_quantity_that_was_counted_is_on_the_line_afterwards() -> None:
    async with opened_till() as till:
        till.sold(12)
        assert (await till.whole())["lines"][0]["qty_order"] == 0
        await till.invoice()
        assert (await till.whole())["lines"][0]["qty_order"] == 12
        assert ("qty_order", "0", "12") in await till.changes(type_id=1)


async def test_every_call_makes_another_invoice() -> None:
    async with opened_till() as till:
        till.typed("1", "1.00")
        first, second = await till.invoice(), await till.invoice()
        assert first["id"] != second["id"]
        assert second["period_start_date"] == "2027-01-01T00:00:00"


@pytest.mark.parametrize(("mode", "made"), [("stop", 1), ("atomic", 0)])
async def test_a_disabled_one_stops_the_call_and_those_before_it_may_be_made(
    mode: Any, made: int
) -> None:
    async with opened_till(partial_failure=mode) as till:
        till.hand.edit_recurring(-12, disabled=True)
        assert (await till.caller.post(PROCESS, [RECURRING, -12])).status_code == 400
        assert (await till.caller.rows("/api/Invoice"))["record_count"] == made
        assert (await till.caller.post(PROCESS, [-99])).status_code == 404
        assert (await till.caller.post(PROCESS, ["-11"])).status_code == 400


async def test_lines_of_an_invoice_are_read_only_when_asked_for() -> None:
    async with opened_till() as till:
        till.typed("1", "1.00")
        number = (await till.invoice())["id"]
        bare = (await till.caller.get(f"/api/Invoice/{number}")).json()
        assert "lines" not in bare
        assert bare["total"] == 1
        listed = (await till.caller.rows("/api/Invoice", includelines="true"))["invoices"]
        assert len(listed[0]["lines"]) == 1


async def test_invoices_are_listed_in_pages_and_by_client_posting_and_date() -> None:
    async with opened_till(default_page=2) as till:

        async def found(**query: Any) -> list[int]:
            answer = await till.caller.rows("/api/Invoice", order="id", **query)
            return [one["id"] for one in answer["invoices"]]

        for _ in range(3):
            await till.invoice()
        till.hand.invoice(client=1002)
        till.on(11, 20)
        till.hand.post_invoice(1042)
        assert await found() == [1042, 1043]
        assert await found(pageinate="true", page_no=2, page_size=3) == [1045]
        assert await found(client_id=1002) == [1045]
        assert await found(recurringinvoice_id=-12) == [1045]
        assert await found(notpostedonly="true", count=9) == [1043, 1044, 1045]
        assert await found(postedonly="true") == [1042]
        moved = {"start_date": "2026-11-19", "end_date": "2026-11-20"}
        assert await found(datesearch="last_modified", **moved) == [1042]
        assert await found(datesearch="invoice_date", **moved) == []
        assert await found(datesearch="duedate", start_date="2026-12-01T00:00:00Z", count=9) == [
            1042,
            1043,
            1044,
            1045,
        ]


async def test_what_is_due_by_a_day_is_listed() -> None:
    async with opened_till() as till:
        till.hand.edit_recurring(-12, nextcreationdate="2026-12-02T00:00:00")
        till.hand.edit_recurring(-13, disabled=True)
        due = await till.caller.rows(
            "/api/RecurringInvoice", ready_for_invoicing="true", billing_date="2026-12-01"
        )
        assert [one["id"] for one in due["invoices"]] == [RECURRING]


async def test_rights_are_needed_to_make_invoices() -> None:
    async with calling(agent_rights=("read:invoices",)) as caller:
        assert (await caller.get("/api/Invoice")).status_code == 200
        assert (await caller.post(PROCESS, [RECURRING])).status_code == 403
        assert (await caller.post("/api/RecurringInvoice", [{"id": -11}])).status_code == 403
