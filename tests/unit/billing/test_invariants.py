"""What holds for every bill: nothing is lost to rounding, and order never matters."""

from __future__ import annotations

import dataclasses
import random as randomness
from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.billing.arithmetic import product, rounded
from syncd.core.billing.arithmetic import total as exact_sum
from syncd.core.billing.bill import compute_bill
from syncd.core.billing.model import (
    BilledProduct,
    BillInput,
    Configuration,
    LicenceUsage,
    Mode,
    Rate,
    RoundingPolicy,
    Settings,
    StorageUsage,
)
from syncd.sdk.records import ProductKind

KEYS = ("a", "b", "c", "d", "e")
MODES = (Mode.AVERAGE, Mode.TOTAL, Mode.QUANTITY)
amounts = st.none() | st.decimals(0, 1000, places=5) | st.sampled_from([Decimal("0.005")])
rates = st.builds(Rate, cost=amounts, price=amounts, restore_cost=amounts, restore_price=amounts)
counts = st.integers(0, 5) | st.integers(0, 100_000)
licences = st.builds(LicenceUsage, raw=counts.map(Decimal))
storages = st.builds(
    StorageUsage,
    average_bytes=st.integers(0, 10**14).map(Decimal),
    restore_bytes=st.integers(0, 10**12).map(Decimal),
    limit_price=st.decimals(0, 100, places=3),
    limit_cost=st.decimals(0, 100, places=3),
)


@st.composite
def bills(draw: st.DrawFn) -> BillInput:
    kinds = {key: draw(st.sampled_from(list(ProductKind))) for key in KEYS}
    homes = {key: draw(st.integers(0, 2)) for key in KEYS}
    configurations = []
    for n in range(3):
        products = tuple(key for key in KEYS if homes[key] == n)
        if not products:
            continue
        mixed = len({kinds[key] for key in products}) > 1
        mode = Mode.TOTAL if mixed else draw(st.sampled_from(MODES))
        configurations.append(
            Configuration(id=f"c{n}", name=f"Plan {n}", mode=mode, products=products)
        )
    scale = draw(st.sampled_from([0, 2, 3]))
    existing = draw(
        st.dictionaries(
            st.sampled_from(["c0/1", "c0/2", "c1/1", "c2/2", "c9/9"]), st.sampled_from(MODES)
        )
    )
    if draw(st.booleans()):
        existing["c0/1/rounding"] = Mode.ADJUSTMENT
    return BillInput(
        products={
            key: BilledProduct(
                key=key,
                name=key,
                kind=kinds[key],
                default_asset_type=draw(st.sampled_from(["1", "2"])),
            )
            for key in KEYS
        },
        rates={key: (draw(rates),) for key in KEYS if draw(st.booleans())},
        rules={},
        usage={
            key: draw(licences if kinds[key] is ProductKind.LICENCE else storages) for key in KEYS
        },
        configurations=tuple(configurations),
        existing=existing,
        site="1",
        settings=Settings(
            money_scale=scale,
            unit_scale=draw(st.sampled_from([scale, 4])),
            rounding_policy=draw(st.sampled_from(list(RoundingPolicy))),
        ),
    )


def _groups_worth(data: BillInput, side: str) -> Decimal:
    """What all groups are worth, by fractions, without any code of the core."""
    worth: dict[tuple[str, str], Fraction] = {}
    for configuration in data.configurations:
        if configuration.mode is Mode.QUANTITY:
            continue
        for key in configuration.products:
            rate = data.rates[key][0] if key in data.rates else Rate()
            per_unit = Fraction(getattr(rate, side) or 0)
            per_restored = Fraction(getattr(rate, f"restore_{side}") or 0)
            usage = data.usage[key]
            if isinstance(usage, LicenceUsage):
                money = Fraction(usage.raw) * per_unit
            else:
                money = Fraction(usage.average_bytes) / 2**30 * per_unit
                money += Fraction(usage.restore_bytes) / 2**30 * per_restored
                money += Fraction(getattr(usage, f"limit_{side}"))
            group = (configuration.id, data.products[key].default_asset_type or "")
            worth[group] = worth.get(group, Fraction(0)) + money
    scale = data.settings.money_scale
    cents = sum(int(money * 10**scale + Fraction(1, 2)) for money in worth.values())
    return Decimal(cents).scaleb(-scale)


@given(bills())
def test_what_is_sent_plus_uncovered_residuals_is_what_the_groups_are_worth(data: BillInput):
    bill = compute_bill(data)
    assert bill.errors == ()
    covered = {
        line.key.removesuffix("/rounding")
        for line in bill.lines
        if line.mode is Mode.ADJUSTMENT and line.quantity
    }
    for side in ("cost", "price"):
        sent = exact_sum(
            rounded(
                product(getattr(line, f"unit_{side}"), line.quantity), data.settings.money_scale
            )
            for line in bill.lines
            if getattr(line, f"unit_{side}") is not None
        )
        left = exact_sum(
            getattr(line, f"residual_{side}") for line in bill.lines if line.key not in covered
        )
        assert exact_sum((sent, left)) == _groups_worth(data, side)


@given(bills())
def test_totals_of_lines_are_what_the_groups_are_worth(data: BillInput):
    bill = compute_bill(data)
    for side in ("cost", "price"):
        total = exact_sum(
            getattr(line, f"total_{side}")
            for line in bill.lines
            if line.mode is not Mode.ADJUSTMENT and getattr(line, f"total_{side}") is not None
        )
        assert total == _groups_worth(data, side)


@given(bills(), st.randoms(use_true_random=False))
def test_the_order_of_products_changes_no_figure(data: BillInput, random: randomness.Random):
    def shuffled(configuration: Configuration) -> Configuration:
        products = list(configuration.products)
        random.shuffle(products)
        return dataclasses.replace(configuration, products=tuple(products))

    other = dataclasses.replace(
        data, configurations=tuple(shuffled(given) for given in data.configurations)
    )
    plain = [msgspec.structs.replace(line, products=()) for line in compute_bill(data).lines]
    assert [
        msgspec.structs.replace(line, products=()) for line in compute_bill(other).lines
    ] == plain


@given(bills())
def test_computing_twice_gives_the_same_bill(data: BillInput):
    assert compute_bill(data) == compute_bill(data)


@given(bills())
def test_every_line_is_a_whole_number_of_units_and_never_negative(data: BillInput):
    for line in compute_bill(data).lines:
        assert isinstance(line.quantity, int)
        assert line.quantity >= 0


@given(bills())
def test_no_line_that_was_sent_is_forgotten(data: BillInput):
    assert set(data.existing) <= {line.key for line in compute_bill(data).lines}


@given(
    st.integers(1, 99),
    st.integers(0, 10**7).map(lambda cents: Decimal(cents).scaleb(-2)),
)
def test_up_to_99_units_and_whole_cents_leave_no_residual_at_four_decimals(
    units: int, price: Decimal
):
    data = BillInput(
        products={
            "a": BilledProduct(key="a", name="a", kind=ProductKind.STORAGE, default_asset_type="1")
        },
        rates={},
        rules={},
        usage={"a": StorageUsage(average_bytes=Decimal(units * 2**30), limit_price=price)},
        configurations=(Configuration(id="c", name="c", mode=Mode.AVERAGE, products=("a",)),),
        site="1",
    )
    for line in compute_bill(data).lines:
        assert (line.quantity, line.residual_price) == (units, 0)
