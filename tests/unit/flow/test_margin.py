"""Margins are added up exactly, per currency, and money that is not known is never 0."""

from __future__ import annotations

from decimal import Decimal

from syncd.core.service.margin import Amount, By, report

NOW, BEFORE = "2026-11", "2026-10"


def amount(
    key: str, price: str | None, cost: str | None, *, period: str = NOW, currency: str = "GBP"
) -> Amount:
    return Amount(
        period=period,
        key=key,
        name=key.title(),
        currency=currency,
        price=None if price is None else Decimal(price),
        cost=None if cost is None else Decimal(cost),
    )


def test_margin_is_price_minus_cost_in_money_and_percent() -> None:
    found = report(
        [amount("a", "10.00", "4.00"), amount("a", "5.00", "1.00")], NOW, BEFORE, By.CLIENT
    )
    (row,) = found.rows
    assert (row.price, row.cost, row.margin, row.percent) == (
        Decimal("15.00"),
        Decimal("5.00"),
        Decimal("10.00"),
        Decimal("66.7"),
    )


def test_a_line_whose_money_is_not_ours_is_counted_and_in_no_sum() -> None:
    found = report(
        [amount("a", "10.00", "4.00"), amount("a", None, "3.00"), amount("b", None, None)],
        NOW,
        BEFORE,
        By.CLIENT,
    )
    rows = {row.key: row for row in found.rows}
    assert (rows["a"].margin, rows["a"].unknown) == (Decimal("6.00"), 1)
    assert (rows["b"].price, rows["b"].margin, rows["b"].percent) == (None, None, None)
    assert found.rows[-1].key == "b"
    assert found.totals[0].unknown == 2


def test_currencies_are_never_added() -> None:
    found = report(
        [amount("a", "10.00", "4.00"), amount("a", "7.00", "9.00", currency="EUR")],
        NOW,
        BEFORE,
        By.CLIENT,
    )
    assert [(row.currency, row.margin) for row in found.totals] == [
        ("EUR", Decimal("-2.00")),
        ("GBP", Decimal("6.00")),
    ]
    assert [(row.key, row.currency) for row in found.below_cost] == [("a", "EUR")]


def test_changes_are_the_largest_first_and_name_who_is_new_or_gone() -> None:
    found = report(
        [
            amount("same", "5", "1"), amount("same", "5", "1", period=BEFORE),
            amount("new", "30", "10"),
            amount("gone", "90", "10", period=BEFORE),
            amount("less", "2", "1"), amount("less", "9", "1", period=BEFORE),
        ],
        NOW, BEFORE, By.CLIENT,
    )  # fmt: skip
    assert [(one.key, one.before, one.now, one.change) for one in found.changes] == [
        ("gone", Decimal(80), None, Decimal(-80)),
        ("new", None, Decimal(20), Decimal(20)),
        ("less", Decimal(8), Decimal(1), Decimal(-7)),
    ]


def test_nothing_sold_for_nothing_has_no_percent() -> None:
    (row,) = report([amount("free", "0.00", "2.00")], NOW, BEFORE, By.PRODUCT).rows
    assert (row.margin, row.percent) == (Decimal("-2.00"), None)
