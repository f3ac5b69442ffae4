"""Names of plans: they sort by time, and two of one second are told apart."""

from __future__ import annotations

import re
from datetime import timedelta

from syncd.core.store.invoice_plans import new_plan_id
from tests.builders_invoices import START


def test_a_name_has_its_second_and_four_bytes_of_chance() -> None:
    """Two bytes repeat within a few hundred plans of one second, e.g. of many books."""
    name = new_plan_id(START)
    assert re.fullmatch(r"inv-20261120-080000-[0-9a-f]{8}", name)
    assert new_plan_id(START) != name
    assert new_plan_id(START + timedelta(seconds=1)) > name
