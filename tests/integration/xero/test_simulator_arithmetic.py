"""The simulated Xero's arithmetic shows the figures of the vendor's own examples."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders_xero import books, invoice, line


async def totals(*lines: dict[str, Any], query: str = "summarizeErrors=false&unitdp=4",
                 **more: Any) -> tuple[Decimal, Decimal, Decimal]:  # fmt: skip
    async with books() as desk:
        answer = await desk.put(invoice("7", *lines, **more), query=query)
        row = answer.json(parse_float=Decimal)["Invoices"][0]
        assert not row["HasErrors"], row
        return row["SubTotal"], row["TotalTax"], row["Total"]


@pytest.mark.parametrize(
    ("lines", "more", "wanted"),
    [
        ([line(1, 3.33)] * 3, {}, ("9.99", "2.01", "12.00")),
        ([line(137, 0.0625)], {}, ("8.56", "1.71", "10.27")),
        ([line(1, 10, "RROUTPUT"), line(1, 10, "ZERORATEDOUTPUT")], {}, ("20.00", "0.50", "20.50")),
        ([line(1, 12)], {"LineAmountTypes": "Inclusive"}, ("10.00", "2.00", "12.00")),
        ([line(1, 10)] * 3, {"LineAmountTypes": "Inclusive"}, ("24.99", "5.01", "30.00")),
        ([line(1, 10)], {"LineAmountTypes": "NoTax"}, ("10.00", "0.00", "10.00")),
        ([line(1, 10, "TAX001")], {}, ("10.00", "0.78", "10.78")),
        ([line(5, 10), line(-1, 0.125)], {}, ("49.87", "9.97", "59.84")),
        ([line(1, 10, TaxAmount=1.99)], {}, ("10.00", "1.99", "11.99")),
        ([line(4, 2.5, DiscountAmount=1)], {}, ("9.00", "1.80", "10.80")),
    ],
    ids=["per-line", "four-places", "rates", "inclusive", "inclusive-lines", "no-tax", "levels",
         "negative-half", "override", "discount"],
)  # fmt: skip
async def test_totals(
    lines: list[dict[str, Any]], more: dict[str, Any], wanted: tuple[str, str, str]
) -> None:
    assert await totals(*lines, **more) == tuple(Decimal(one) for one in wanted)


async def test_without_unitdp_a_price_is_cut_to_two_places_first() -> None:
    found = await totals(line(137, 0.0625), query="summarizeErrors=false")
    assert found[0] == Decimal("8.22")


async def test_a_document_without_tax_overrides_the_types_of_its_lines() -> None:
    async with books() as desk:
        row = (await desk.put(invoice("7", LineAmountTypes="NoTax"))).json()["Invoices"][0]
        assert row["LineItems"][0]["TaxType"] == "NONE"


async def test_words_alone_carry_no_money() -> None:
    words = {"Description": "For November"}
    assert await totals(words, line(1, 10)) == (Decimal(10), Decimal(2), Decimal(12))
