"""What the connector predicts is what the simulated Xero computes, by code of its own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bench import twin_xero
from bench.twin_xero import Twins, case
from syncd.sdk.ledger_records import Totals

SAMPLE = 2_200


def test_random_invoices_come_out_to_the_cent_as_predicted() -> None:
    report = Twins().play(range(SAMPLE))
    assert report.differing == {}
    assert report.alike >= 2_000
    assert report.alike + report.refused == SAMPLE
    assert len(report.shapes) == 6


def test_a_seed_gives_the_same_case_again() -> None:
    assert case(7) == case(7)
    assert case(7) != case(8)


def test_tax_on_the_sum_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = twin_xero.totals

    def summed(document: object, taxes: object) -> Totals:
        found = exact(document, taxes)  # type: ignore[arg-type]
        cent = Decimal("0.01") if len(found.lines) > 2 else Decimal(0)
        return Totals(net=found.net, tax=found.tax + cent, total=found.total + cent)

    monkeypatch.setattr(twin_xero, "totals", summed)
    assert len(Twins().play(range(40)).differing) > 20
