"""Why a month's money is not that of the month before: parts that add up, always."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.billing.month_difference import CAUSES, LineMonth, ProductMonth, Split, split


def one(
    count: str,
    price: str,
    *,
    raw: str | None = None,
    fees: str = "0",
    rule: str = "",
) -> ProductMonth:
    billed = Decimal(count)
    return ProductMonth(
        raw=Decimal(raw or count),
        billed=billed,
        unit_price=Decimal(price),
        price=billed * Decimal(price) + Decimal(fees),
        rule=rule,
    )


def line(**products: ProductMonth) -> LineMonth:
    return LineMonth(price=sum((p.price for p in products.values()), Decimal(0)), products=products)


def parts(found: Split) -> dict[str, str]:
    return {name: f"{value:.2f}" for name in CAUSES if (value := getattr(found, name))}


def test_more_units_joined_at_the_old_price() -> None:
    assert parts(split([line(pc=one("8", "5"))], [line(pc=one("10", "5"))])) == {"joined": "10.00"}


def test_fewer_units_left() -> None:
    assert parts(split([line(pc=one("8", "5"))], [line(pc=one("5", "5"))])) == {"left": "-15.00"}


def test_a_new_price_is_told_apart_from_new_units() -> None:
    found = split([line(pc=one("8", "5"))], [line(pc=one("10", "6"))])
    assert parts(found) == {"joined": "10.00", "price": "10.00"}


def test_a_new_rule_is_told_apart_from_new_units() -> None:
    before = one("8", "5")
    now = one("4", "5", raw="9", rule="included 5")
    found = split([line(pc=before)], [line(pc=now)])
    assert parts(found) == {"joined": "5.00", "rule": "-25.00"}


def test_fees_without_a_count_are_fees() -> None:
    before, now = one("8", "5"), one("8", "5", fees="30")
    assert parts(split([line(disk=before)], [line(disk=now)])) == {"fees": "30.00"}


def test_a_product_that_moves_to_another_line_is_no_difference() -> None:
    before = [line(pc=one("8", "5"), server=one("2", "15"))]
    now = [line(pc=one("8", "5")), line(server=one("2", "15"))]
    assert parts(split(before, now)) == {}


def test_a_first_bill_has_all_its_units_joined() -> None:
    assert parts(split([], [line(pc=one("8", "5"))])) == {"joined": "40.00"}
    assert parts(split([line(pc=one("8", "5"))], [])) == {"left": "-40.00"}


def test_a_correction_comes_and_goes() -> None:
    correction = LineMonth(price=Decimal("-7.50"), correction=True)
    assert parts(split([line(pc=one("8", "5"))], [line(pc=one("8", "5")), correction])) == {
        "correction": "-7.50"
    }
    assert parts(split([correction], [])) == {"correction": "7.50"}


def test_a_line_of_the_psas_own_price_is_left_out() -> None:
    unknown = LineMonth(price=None, products={"pc": one("8", "5")})
    assert parts(split([unknown], [line(server=one("1", "15"))])) == {"joined": "15.00"}


amounts = st.decimals(min_value=0, max_value=1000, places=3)
counts = st.decimals(min_value=0, max_value=500, places=2)


@st.composite
def months(draw: st.DrawFn) -> list[LineMonth]:
    lines = []
    for _ in range(draw(st.integers(0, 3))):
        products = {}
        for key in draw(st.sets(st.sampled_from("abc"))):
            billed, price = draw(counts), draw(st.none() | amounts)
            products[key] = ProductMonth(
                raw=draw(counts),
                billed=billed,
                unit_price=price,
                price=billed * (price or 0) + draw(amounts),
                rule=draw(st.sampled_from(["", "included", "block"])),
            )
        exact = sum((one.price for one in products.values()), Decimal(0))
        known = draw(st.booleans())
        lines.append(
            LineMonth(
                price=exact.quantize(Decimal("0.01")) if known else None,
                correction=draw(st.booleans()) and not products,
                products=products,
            )
        )
    return lines


@given(months(), months())
def test_the_parts_add_up_to_the_difference(before: list[LineMonth], now: list[LineMonth]) -> None:
    def money(lines: list[LineMonth]) -> Decimal:
        return sum((line.price for line in lines if line.price is not None), Decimal(0))

    assert split(before, now).whole == money(now) - money(before)
