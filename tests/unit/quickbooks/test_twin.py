"""What the connector predicts is what the simulated QuickBooks computes, by code of its own."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from syncd_quickbooks.sandbox import sales_tax

from bench.twin_quickbooks import Twins

SAMPLE = 2_500


def test_random_invoices_come_out_to_the_cent_as_predicted() -> None:
    report = Twins().play(range(SAMPLE))
    assert report.differing == {}
    assert report.alike >= 2_000
    assert report.alike + report.refused == SAMPLE


def test_another_rounding_of_half_cents_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def even(amount: Fraction) -> Decimal:
        return Decimal(round(amount * 100)).scaleb(-2)

    monkeypatch.setattr(sales_tax, "rounded", even)
    assert Twins().play(range(SAMPLE // 2)).differing
