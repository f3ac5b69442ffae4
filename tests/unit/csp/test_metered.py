"""What is metered states no seats: its charges alone tell whether something bills it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from syncd_csp.products import Catalogue
from syncd_csp.seats import Seats

from syncd.sdk.records import SKU
from tests.builders_csp import NOW, ONE, config, subscription

AZURE = {"offerId": "DZH318Z0BPS6:0001:X", "billingType": "usage", "quantity": 1}


@pytest.mark.parametrize(("told", "seats"), [(AZURE, False), ({}, True)])
def test_only_what_has_seats_is_a_purchase_of_seats(told: dict[str, Any], seats: bool) -> None:
    catalogue = Catalogue()
    read = Seats(ONE, config(), catalogue, connection="pc", now=NOW)
    (unit,) = read.units([subscription(**told)])
    facts = json.loads(unit.attributes)
    assert (SKU in facts) == seats
    assert catalogue.bought == {unit.unit: unit.product}
    assert facts.get("plan") == (None if seats else "DZH318Z0BPS6:0001")
