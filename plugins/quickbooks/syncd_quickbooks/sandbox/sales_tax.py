"""The two tax engines: by rate on the summed net, and the American one by address.

Written from the vendor's rules alone; the connector predicts the same by code of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from syncd_quickbooks.sandbox.catalogue import reference, usable
from syncd_quickbooks.sandbox.company import Company, Row
from syncd_quickbooks.sandbox.refusals import Refusal
from syncd_quickbooks.sandbox.sales_lines import cents, is_money, number

CALCULATIONS: Final = ("TaxExcluded", "TaxInclusive", "NotApplicable")


@dataclass(frozen=True, slots=True)
class Taxed:
    """What a document adds up to.

    Attributes:
        net: of all lines.
        tax: in total.
        detail: `TxnTaxDetail` of the answer.
    """

    net: Decimal
    tax: Decimal
    detail: Row


def taxed(company: Company, lines: Sequence[Row], document: Row, buyer: Row) -> Taxed:
    """Compute tax; lines with inclusive amounts get their net.

    Raises:
        Refusal: 6100, 6000, 2020, 2500, 610: a code or the way of calculation does not fit.
    """
    if company.options.us:
        return _american(company, lines, document, buyer)
    calculation = document.get("GlobalTaxCalculation")
    if calculation is None:
        words = "GlobalTaxCalculation is required in this company"
        raise Refusal("2020", words, element="GlobalTaxCalculation")
    if calculation not in CALCULATIONS:
        raise Refusal("2010", f"{calculation} is unknown", element="GlobalTaxCalculation")
    if calculation == "NotApplicable":
        return Taxed(_sum(lines), Decimal(0), {"TotalTax": Decimal(0)})
    return _by_rate(company, lines, document, inclusive=calculation == "TaxInclusive")


def _by_rate(company: Company, lines: Sequence[Row], document: Row, *, inclusive: bool) -> Taxed:
    bases: dict[str, Fraction] = {}
    gross = Decimal(0)
    for line in filter(is_money, lines):
        detail = line["SalesItemLineDetail"]
        percents = _percents(company, reference(detail, "TaxCodeRef"))
        base = Fraction(line["Amount"])
        if inclusive:
            factor = 1 + Fraction(sum(percents.values(), Decimal(0))) / 100
            as_net = company.options.inclusive_amounts == "net"
            default = rounded(base * factor) if as_net else line["Amount"]
            whole = detail.setdefault("TaxInclusiveAmt", default)
            gross += whole
            base = Fraction(whole) / factor
            line["Amount"] = rounded(base)
        for rate in percents:
            bases[rate] = bases.get(rate, Fraction(0)) + base
    stated = _stated(document.get("TxnTaxDetail"))
    unknown = sorted(set(stated) - set(bases))
    if unknown:
        raise Refusal("6000", f"tax rate {unknown[0]} is on no line", element="TxnTaxDetail")
    rows, total = [], Decimal(0)
    for rate, base in bases.items():
        percent: Decimal = company.tables["TaxRate"][rate]["RateValue"]
        amount = stated.get(rate, rounded(base * Fraction(percent) / 100))
        total += amount
        rows.append(_tax_line(rate, percent, rounded(base), amount))
    net = gross - total if inclusive else _sum(lines)
    return Taxed(net, total, {"TotalTax": total, "TaxLine": rows})


def _american(company: Company, lines: Sequence[Row], document: Row, buyer: Row) -> Taxed:
    if document.get("GlobalTaxCalculation") is not None:
        words = "GlobalTaxCalculation is not supported in a company of the US"
        raise Refusal("6000", words, element="GlobalTaxCalculation")
    taxable = Decimal(0)
    for line in filter(is_money, lines):
        detail = line["SalesItemLineDetail"]
        code = reference(detail, "TaxCodeRef") or "TAX"
        if code not in {"TAX", "NON"}:
            raise Refusal("6100", f"line tax code {code} is not TAX or NON", element="TaxCodeRef")
        detail["TaxCodeRef"] = {"value": code}
        if code == "TAX":
            taxable += line["Amount"]
    address: Any = document.get("ShipAddr") or buyer.get("ShipAddr") or {}
    state = address.get("CountrySubDivisionCode") or company.options.home_state
    percent = company.options.sales_tax.get(state, Decimal(0))
    if buyer.get("Taxable") is False:
        percent = Decimal(0)
    tax = cents(taxable * percent / 100)
    given: Any = document.get("TxnTaxDetail") or {}
    if company.options.total_tax_honoured and given.get("TotalTax") is not None:
        tax = cents(number(given["TotalTax"], "TotalTax"))
    row = _tax_line("31", percent, taxable, tax)
    detail = {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": tax, "TaxLine": [row] if tax else []}
    return Taxed(_sum(lines), tax, detail)


def _percents(company: Company, code: str) -> dict[str, Decimal]:
    """Rates of a code, in percent."""
    if not code:
        raise Refusal("6000", "Make sure all your transactions have a VAT rate before you save.")
    found = usable(company, "TaxCode", code, "TaxCodeRef")
    details = found["SalesTaxRateList"]["TaxRateDetail"]
    rates = [reference(detail, "TaxRateRef") for detail in details]
    return {rate: company.tables["TaxRate"][rate]["RateValue"] for rate in rates}


def _stated(detail: Any) -> dict[str, Decimal]:
    """Amounts by rate that the app states instead of what would be computed."""
    lines = detail.get("TaxLine") if isinstance(detail, dict) else None
    return {
        reference(line.get("TaxLineDetail", {}), "TaxRateRef"): cents(
            number(line.get("Amount"), "TaxLine.Amount")
        )
        for line in lines or ()
    }


def _tax_line(rate: str, percent: Decimal, base: Decimal, amount: Decimal) -> Row:
    return {
        "Amount": amount,
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {
            "TaxRateRef": {"value": rate},
            "PercentBased": True,
            "TaxPercent": percent,
            "NetAmountTaxable": base,
        },
    }


def _sum(lines: Sequence[Row]) -> Decimal:
    return sum((line["Amount"] for line in filter(is_money, lines)), Decimal("0.00"))


def rounded(amount: Fraction) -> Decimal:
    """To cents, half away from zero; exact, as the division has not ended anywhere before."""
    sign = -1 if amount < 0 else 1
    hundredths = (abs(amount) * 200 + 1) // 2
    return Decimal(sign * int(hundredths)).scaleb(-2)
