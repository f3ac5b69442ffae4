"""What the connector predicts is what the simulated QuickBooks computes, by code of its own."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction

import pytest
from syncd_quickbooks.sandbox import sales, sales_tax
from syncd_quickbooks.sandbox.refusals import Refusal

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


def test_a_document_that_only_its_tax_makes_negative_is_refused_before_it_is_sent() -> None:
    # Found by seed: -38,942.92 at 20 % and 45,827.99 untaxed, which are 6,885.07 before tax.
    report = Twins().play([56477])
    assert (report.refused, report.differing) == (1, {})


def test_a_tax_that_nobody_can_predict_may_be_refused_by_the_books() -> None:
    # An American company taxes -7,891.44 of 393.84: with that tax the total is below zero.
    report = Twins().play([269208])
    assert (report.refused, report.differing) == (1, {})


def test_what_the_books_refuse_though_we_would_send_it_is_named_by_its_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refusing(*_: object, **__: object) -> None:
        raise Refusal("6070", "not today")

    monkeypatch.setattr(sales, "create", refusing)
    report = Twins().play([0])
    assert report.differing == {0: "refused by the books: 6070: not today"}


def test_a_refusal_can_cross_processes_whole() -> None:
    sent = Refusal("6140", "taken", element="DocNumber", message="Duplicate")
    got = pickle.loads(pickle.dumps(sent))
    assert (str(got), vars(got)) == (str(sent), vars(sent))
