"""An American company computes the tax: the whole way from HaloPSA into its books and back.

Its tax goes back to the PSA where that is allowed, our own writing looks like no edit, and a
payment of net and tax settles the invoice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.store.database import Database
from tests.builders_quickbooks_way import CLIENT, Way, whole_way

AMERICAN: dict[str, Any] = {
    "halopsa": {"delegated_tax": True},
    "company": {"us": True},
}


def sold(way: Way, **columns: Any) -> int:
    """A finished invoice over 100.00 before tax."""
    return way.halopsa.hand.finish(
        CLIENT, [{"qty_order": 1, "unit_price": 100, **columns}], currency="USD"
    )


async def test_tax_of_the_books_is_written_back_and_its_payment_settles_the_invoice(
    sqlite_database: Database,
) -> None:
    async with whole_way(sqlite_database, write_tax=True, **AMERICAN) as way:
        number = sold(way)
        assert await way.round() == [Step.POST]
        assert list(way.in_books().values()) == [(Decimal("108.25"), Decimal("108.25"))]
        shown = await way.shown(number)
        assert shown.net == 100
        assert (shown.tax, shown.total) == (Decimal("8.25"), Decimal("108.25"))

        (row,) = way.quickbooks.hand.documents()
        way.quickbooks.hand.pay(row["Id"], Decimal("108.25"))
        for _ in range(2):
            assert await way.round() == []
        assert [one["amount"] for one in way.halopsa.hand.payments(number)] == [Decimal("108.25")]
        assert way.halopsa.state.row("invoice", number)["amountdue"] == 0
        assert await way.issues() == []


@pytest.mark.parametrize(
    ("on_edit", "write_tax"),
    [("void-and-reissue", True), ("void-and-reissue", False), ("credit", True)],
)
async def test_what_the_books_compute_is_no_edit_of_the_invoice(
    sqlite_database: Database, write_tax: bool, on_edit: str
) -> None:
    async with whole_way(sqlite_database, write_tax=write_tax, on_edit=on_edit, **AMERICAN) as way:
        sold(way)
        assert await way.round() == [Step.POST]
        for _ in range(2):
            assert await way.round() == []
        assert list(way.in_books().values()) == [(Decimal("108.25"), Decimal("108.25"))]
        assert await way.issues() == []


async def test_a_payment_of_net_and_tax_reaches_a_psa_that_knows_the_net_alone(
    sqlite_database: Database,
) -> None:
    async with whole_way(sqlite_database, **AMERICAN) as way:
        number = sold(way)
        await way.round()
        (row,) = way.quickbooks.hand.documents()
        way.quickbooks.hand.pay(row["Id"], Decimal("108.25"))
        for _ in range(2):
            await way.round()
        assert [one["amount"] for one in way.halopsa.hand.payments(number)] == [Decimal("108.25")]
        assert await way.issues() == []


async def test_an_edit_of_the_invoice_after_its_tax_was_written_is_an_edit(
    sqlite_database: Database,
) -> None:
    async with whole_way(
        sqlite_database, write_tax=True, on_edit="void-and-reissue", **AMERICAN
    ) as way:
        number = sold(way)
        await way.round()
        printed = (await way.shown(number)).number
        way.halopsa.hand.edit_invoice(number, columns={"unit_price": 200})
        assert await way.round() == [Step.VOID]
        assert await way.round() == [Step.POST]
        assert way.in_books() == {
            f"{printed}-V1": (Decimal(0), Decimal(0)),
            printed: (Decimal("216.50"), Decimal("216.50")),
        }
        assert (await way.shown(number)).tax == Decimal("16.50")
        assert await way.round() == []
        assert await way.issues() == []


async def test_tax_of_the_psa_s_own_waits_for_a_person_where_the_books_compute_theirs(
    sqlite_database: Database,
) -> None:
    async with whole_way(sqlite_database, company={"us": True}) as way:
        sold(way)
        assert await way.round() == []
        assert way.in_books() == {}
        assert [one.code for one in await way.issues()] == ["TOTAL_DIFFERS"]


@pytest.mark.parametrize(
    ("company", "code"), [({"us": True}, "TOTAL_DIFFERS"), ({}, "TAX_RATE_DIFFERS")]
)
async def test_an_invoice_with_tax_of_both_kinds_is_not_posted(
    sqlite_database: Database, company: dict[str, Any], code: str
) -> None:
    """One line leaves its tax to the books, another has 20.00 of the PSA's own."""
    async with whole_way(sqlite_database, company=company, write_tax=True) as way:
        line: dict[str, Any] = {"qty_order": 1, "unit_price": 100}
        number = way.halopsa.hand.finish(
            CLIENT,
            [{**line, "use_qbo_ast": True}, line],
            currency="USD" if company else "GBP",
        )
        shown = await way.shown(number)
        assert (shown.net, shown.tax) == (200, 20)
        assert await way.round() == []
        assert way.in_books() == {}
        assert [one.code for one in await way.issues()] == [code]


async def test_tax_that_is_left_to_a_company_which_computes_none_is_not_posted(
    sqlite_database: Database,
) -> None:
    """It would ask the client for 120.00, whose document shows 100.00."""
    async with whole_way(sqlite_database, halopsa={"delegated_tax": True}) as way:
        number = way.halopsa.hand.finish(CLIENT, [{"qty_order": 1, "unit_price": 100}])
        assert (await way.shown(number)).total == 100
        assert await way.round() == []
        assert way.in_books() == {}
        assert [one.code for one in await way.issues()] == ["TOTAL_DIFFERS"]


async def test_the_psa_s_own_tax_is_stated_where_the_company_takes_it(
    sqlite_database: Database,
) -> None:
    async with whole_way(
        sqlite_database, company={"us": True}, settings_of_books={"tax": "us_own_total"}
    ) as way:
        number = sold(way)
        total = (await way.shown(number)).total
        assert await way.round() == [Step.POST]
        assert list(way.in_books().values()) == [(total, total)]
        assert await way.round() == []
        assert await way.issues() == []
