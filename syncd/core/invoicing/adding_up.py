"""Whether an invoice agrees with itself: lines, net, tax and total, before anything is drafted.

A PSA that hides lines for want of a right shows an invoice whose lines do not add up to its total;
posting what is left would be wrong in silence.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from syncd.core.invoicing.problems import Problem
from syncd.core.invoicing.wording import shown
from syncd.sdk.invoice_records import InvoiceLine, PsaInvoice

CENT = Decimal("0.01")
_HALF_CENT = Decimal("0.005")


def cents(amount: Decimal) -> Decimal:
    """An amount rounded half away from zero to two decimals, as both packages round."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def money_lines(invoice: PsaInvoice) -> list[InvoiceLine]:
    """Lines that carry money, be it 0; words alone left out."""
    return [line for line in invoice.lines if not line.text_only]


def adds_up(invoice: PsaInvoice) -> tuple[Problem, ...]:
    """Problems of an invoice with itself; empty where it agrees.

    Lines may be shown with more decimals than cents, so that both the rounded sum and the sum of
    what is rounded count as agreement; tax may be rounded per line, per rate or on the whole.
    """
    lines = money_lines(invoice)
    found = []
    net = sum((line.net for line in lines), Decimal(0))
    rounded = sum((cents(line.net) for line in lines), Decimal(0))
    if cents(invoice.net) not in {cents(net), rounded}:
        found.append(
            _bad(invoice, f"its lines add up to {shown(net)} and its net is {shown(invoice.net)}")
        )
    tax = sum((line.tax for line in lines), Decimal(0))
    slack = _HALF_CENT * max(len([line for line in lines if line.tax]), 1)
    if not invoice.delegated_tax and abs(tax - invoice.tax) > slack:
        found.append(
            _bad(
                invoice, f"taxes of its lines make {shown(tax)} and its tax is {shown(invoice.tax)}"
            )
        )
    if cents(invoice.net + invoice.tax) != cents(invoice.total):
        net_and_tax = f"net {shown(invoice.net)} and tax {shown(invoice.tax)}"
        message = f"{net_and_tax} do not make its total {shown(invoice.total)}"
        found.append(_bad(invoice, message))
    return tuple(found)


def _bad(invoice: PsaInvoice, message: str) -> Problem:
    return Problem(
        code="INVOICE_DOES_NOT_ADD_UP",
        message=f"{invoice.number or invoice.key}: {message}",
        remedy="Look at the invoice in the PSA; a right to read lines may be missing too "
        "(`syncd check`). It is planned again once it agrees.",
    )
