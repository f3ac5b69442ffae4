"""What was bought by subscription: ids once, the first change, trials beside and instead."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_entra.exclusions import Exclusions
from syncd_entra.models import Purchase
from syncd_entra.products import Catalogue
from syncd_entra.purchases import by_sku
from syncd_entra.seats import Seats

from syncd.sdk.terms import Term, term_of
from tests.builders_entra import ONE, PREMIUM, config
from tests.unit.entra.test_seats import sku

ROWS = st.lists(
    st.builds(
        Purchase,
        sku=st.sampled_from([PREMIUM, PREMIUM.upper(), None]),
        commerce=st.one_of(st.none(), st.uuids().map(str)),
        seats=st.one_of(st.none(), st.integers(0, 50)),
        status=st.sampled_from(["Enabled", "Warning", "Suspended", "LockedOut", "Deleted", None]),
        trial=st.one_of(st.none(), st.booleans()),
        next=st.one_of(st.none(), st.datetimes(datetime(2026, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001 - the zone is beside it
    ),
    max_size=6,
)


def bought(number, **facts):
    known = {"sku": PREMIUM, "commerce": f"C{number}", "seats": 5, "status": "Enabled"}
    return Purchase(**{**known, **facts})


def units(rows, *, enabled=0, warning=0, consumed=0, count_free=False):
    exclusions = Exclusions(ONE, [], count_free=count_free)
    row = sku(enabled=enabled, warning=warning, consumed=consumed)
    seats = Seats(
        ONE, [row], Catalogue(config()), exclusions,
        listed=False, connection="m", purchases=by_sku(rows),
    )  # fmt: skip
    return list(seats.units())


def kinds(found):
    """Product kind → counted quantity, and what is kept uncounted with its reason."""
    counted, kept = {}, {}
    for one in found:
        kind = one.product.split(":")[2]
        if one.excluded is None:
            counted[kind] = counted.get(kind, 0) + one.quantity
        else:
            kept[kind] = (one.quantity, one.excluded)
    return counted, kept


def test_bought_seats_carry_their_subscriptions_and_the_change_that_comes_first():
    late, soon = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 1, 31, 23, tzinfo=UTC)
    rows = [bought(2, next=late), bought(1, next=soon), bought(3, status="Deleted")]
    (unit,) = [one for one in units(rows, enabled=10) if one.product.endswith(":bought")]
    assert json.loads(unit.attributes)["purchases"] == ["c1", "c2"]
    assert term_of(unit.attributes) == Term(ends=date(2027, 1, 31), then="unknown")


def test_a_date_that_is_not_told_is_not_guessed():
    (unit,) = [one for one in units([bought(1)], enabled=5) if one.product.endswith(":bought")]
    assert term_of(unit.attributes) is None
    (unit,) = [one for one in units([], enabled=5) if one.product.endswith(":bought")]
    assert "purchases" not in json.loads(unit.attributes)


def test_a_sku_that_is_all_on_trial_is_kept_uncounted():
    rows = [bought(1, trial=True)]
    counted, kept = kinds(units(rows, enabled=5, consumed=3))
    assert counted == {}
    assert {reason for _, reason in kept.values()} == {"trial_subscription"}
    counted, kept = kinds(units(rows, enabled=5, consumed=3, count_free=True))
    assert (counted["bought"], kept) == (5, {})


def test_seats_on_trial_beside_bought_ones_are_a_unit_of_their_own():
    rows = [bought(1), bought(2, trial=True, seats=25), bought(3, trial=True, status="Warning")]
    counted, kept = kinds(units(rows, enabled=30, warning=5, consumed=7))
    assert counted == {"bought": 5, "free": 28, "warning": 0, "assigned": 7, "committed": 7}
    assert kept == {
        "bought": (25, "trial_subscription"),
        "warning": (5, "trial_subscription"),
    }


@pytest.mark.parametrize("count_free", [False, True])
@given(ROWS, st.integers(0, 60), st.integers(0, 60))
def test_no_seat_is_lost_or_counted_twice(count_free, rows, enabled, warning):
    found = units(rows, enabled=enabled, warning=warning, count_free=count_free)
    for kind, number in (("bought", enabled), ("warning", warning)):
        here = [one for one in found if one.product.endswith(f":{kind}")]
        assert sum(one.quantity for one in here) == number
        assert all(one.quantity >= 0 for one in here)
        assert len({one.unit for one in here}) == len(here)
