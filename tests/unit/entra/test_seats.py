"""Seats of whatever SKUs a tenant holds: each number once, none below zero, nothing of another."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_entra.exclusions import COUNTED, Exclusions
from syncd_entra.models import Licence, Sku, Units, User
from syncd_entra.products import Catalogue
from syncd_entra.seats import Seats

from syncd.sdk.errors import ProtocolError
from tests.builders_entra import ONE, PREMIUM, TWO, config

GUIDS = st.uuids().map(str)
NUMBERS = st.integers(0, 1_000_000)
SKUS = st.lists(
    st.tuples(GUIDS, NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["User", "Company", None])),
    max_size=8,
    unique_by=lambda one: one[0],
)


def sku(guid=PREMIUM, consumed=0, enabled=0, warning=0, applies_to="User", *, tenant=ONE):
    return Sku(
        key=f"{tenant}_{guid}".upper(),
        sku=guid.upper(),
        part="PART",
        consumed=consumed,
        prepaid=Units(enabled=enabled, warning=warning, suspended=0),
        status="Enabled",
        applies_to=applies_to,
    )


def seats(rows, *, listed=False):
    exclusions = Exclusions(ONE, [], count_free=True)
    return Seats(ONE, rows, Catalogue(config()), exclusions, listed=listed, connection="m")


@given(SKUS)
def test_every_number_of_every_sku_is_there_once(given_skus):
    units = list(seats(sku(*one) for one in given_skus).units())
    found = {one.product: one.quantity for one in units}
    assert len(found) == len(units)
    for guid, consumed, enabled, warning, _ in given_skus:
        assert found.pop(f"sku:{guid}:assigned") == consumed
        assert found.pop(f"sku:{guid}:bought") == enabled
        assert found.pop(f"sku:{guid}:warning", 0) == warning
        assert found.pop(f"sku:{guid}:free") == max(0, enabled + warning - consumed)
        assert found.pop(f"sku:{guid}:committed") == max(consumed, enabled + warning)
    assert found == {}


@given(SKUS, st.data())
def test_listed_seats_are_as_many_as_users_hold(given_skus, data):
    made = seats((sku(*one) for one in given_skus), listed=True)
    guids = [one[0] for one in given_skus]
    held = data.draw(st.lists(st.lists(st.sampled_from(guids or [PREMIUM]), unique=True)))
    units = list(made.units())
    for number, licences in enumerate(held):
        user = User(
            id=f"u{number}", name=None, sign_in_name="a@b", enabled=True,
            licences=[Licence(one) for one in licences],
        )  # fmt: skip
        units += made.user(user, COUNTED)
    assigned = Counter()
    for one in units:
        if one.product.endswith(":assigned"):
            assigned[one.product] += one.quantity
    expected = Counter(f"sku:{guid}:assigned" for licences in held for guid in licences)
    for guid, consumed, _, _, applies_to in given_skus:
        if applies_to == "Company":
            expected[f"sku:{guid}:assigned"] = consumed
    assert +assigned == +expected
    keys = Counter((one.product, one.unit) for one in units)
    assert not [key for key, times in keys.items() if times > 1]


@pytest.mark.parametrize(
    "rows",
    [
        [sku(tenant=TWO)],
        [sku(), sku()],
        [sku(consumed=-1)],
        [sku(enabled=-1)],
        [sku(warning=-1)],
    ],
)
def test_rows_that_cannot_be_are_refused(rows):
    with pytest.raises(ProtocolError, match=r"WRONG_TENANT|COUNT_UNREADABLE"):
        seats(rows)
