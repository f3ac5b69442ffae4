"""The two tax engines of the simulated QuickBooks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders_quickbooks_company import Asked, asked, fault, invoice, line, plain


def american(lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return invoice(
        lines=lines,
        **{
            "GlobalTaxCalculation": None,
            "CurrencyRef": None,
            "CustomerRef": {"value": "101"},
            **more,
        },
    )


async def totals(app: Asked, body: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """Tax and total of a new invoice."""
    answer = await app.post("/invoice", body)
    assert answer.status_code == 200, answer.text
    made = plain(answer)["Invoice"]
    return made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]


@pytest.mark.parametrize(
    ("lines", "tax"),
    [
        pytest.param([line(1, "3.33")] * 3, "2.00", id="on the sum, not 2.01 by line"),
        pytest.param([line(1, "0.025", amount="0.03")], "0.01", id="half a cent goes up"),
        pytest.param([line(1, "10.00"), line(1, "10.00", "6")], "2.50", id="each rate by itself"),
        pytest.param([line(1, "10.00", code) for code in ("3", "4", "5")], "0.00", id="nothing"),
        pytest.param([line(1, "10.05", "8")], "1.50", id="0.50 and 1.00, each rounded"),
        pytest.param([line(3, "10.00"), line(-1, "5.00")], "5.00", id="a negative line"),
    ],
)
async def test_tax_is_rounded_once_for_each_rate(lines: list[dict[str, Any]], tax: str) -> None:
    async with asked() as app:
        net = sum((one["Amount"] for one in lines), Decimal(0))
        assert await totals(app, invoice(lines=lines)) == (Decimal(tax), net + Decimal(tax))


async def test_inclusive_amounts_hold_their_tax() -> None:
    async with asked() as app:
        body = invoice(lines=[line(1, "10.00")] * 3, GlobalTaxCalculation="TaxInclusive")
        assert await totals(app, body) == (Decimal("5.00"), Decimal("30.00"))


async def test_inclusive_amounts_may_be_stated_beside_the_net() -> None:
    async with asked() as app:
        stated = line(1, "10.00", TaxInclusiveAmt="12.00")
        body = invoice(lines=[stated], GlobalTaxCalculation="TaxInclusive")
        assert await totals(app, body) == (Decimal("2.00"), Decimal("12.00"))


async def test_the_other_reading_of_inclusive_takes_amounts_as_net() -> None:
    async with asked(inclusive_amounts="net") as app:
        body = invoice(lines=[line(1, "10.00")], GlobalTaxCalculation="TaxInclusive")
        assert await totals(app, body) == (Decimal("2.00"), Decimal("12.00"))


async def test_without_tax_nothing_is_computed() -> None:
    async with asked() as app:
        body = invoice(GlobalTaxCalculation="NotApplicable")
        assert await totals(app, body) == (Decimal(0), Decimal("30.00"))


async def test_an_american_line_without_a_code_is_taxable() -> None:
    async with asked(us=True) as app:
        lines = [line(1, 100, ""), line(1, 100, "NON"), line(1, 100, "TAX")]
        assert await totals(app, american(lines)) == (Decimal("16.50"), Decimal("316.50"))


async def test_an_american_company_refuses_other_codes_and_the_global_way() -> None:
    async with asked(us=True) as app:
        assert fault(await app.post("/invoice", american([line(code="2")]))) == (400, "6100")
        body = american([line(code="TAX")], GlobalTaxCalculation="TaxExcluded")
        assert fault(await app.post("/invoice", body)) == (400, "6000")


@pytest.mark.parametrize(("honoured", "tax"), [(True, "9.99"), (False, "8.25")])
async def test_a_stated_american_total_is_honoured_or_not(honoured: bool, tax: str) -> None:
    async with asked(us=True, total_tax_honoured=honoured) as app:
        body = american([line(code="TAX")], TxnTaxDetail={"TotalTax": "9.99"})
        assert (await totals(app, body))[0] == Decimal(tax)


async def test_american_tax_follows_the_address_it_is_shipped_to() -> None:
    async with asked(us=True) as app:
        body = american([line(code="TAX")], ShipAddr={"CountrySubDivisionCode": "OR"})
        assert (await totals(app, body))[0] == Decimal(0)


async def test_american_pseudo_codes_have_no_active_and_others_share_a_name() -> None:
    async with asked(us=True) as app:
        codes = (await app.query("select * from TaxCode"))["TaxCode"]
        assert [one["Id"] for one in codes if "Active" not in one] == ["TAX", "NON"]
        assert [one["Name"] for one in codes if "Active" in one] == ["California", "California"]
