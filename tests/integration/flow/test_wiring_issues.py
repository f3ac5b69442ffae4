"""Recurring lines that would bill wrongly are issues until somebody mends them in the PSA."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.core.service.wiring_issues import WIRING
from syncd.core.store.database import Database
from syncd.sdk.records import RecurringLine
from tests.builders_month import DESKTOP, NOVEMBER, SERVER, Office, recurring


def lines(**more: Any) -> list[RecurringLine]:
    return [recurring("9001", **more)]


CASES: dict[str, tuple[str, list[RecurringLine]]] = {
    "LINKED_TWICE": ("average", [*lines(), *lines(key="r2")]),
    "DOUBLE_ROUTE": ("average", lines(counts_other=True)),
    "PRICE_LINKED_IN_QUANTITY_MODE": ("quantity", lines()),
    "PRICE_TWO_OWNERS": ("average", lines(percent_increase=Decimal("3.5"))),
    "LINE_INACTIVE": ("average", lines(active=False)),
}


@pytest.mark.parametrize("code", CASES)
@pytest.mark.parametrize("moves", [True, False], ids=["with a write", "without a write"])
async def test_a_wrong_recurring_line_is_an_issue_until_it_is_mended(
    database: Database, code: str, moves: bool
) -> None:
    mode, wrong = CASES[code]
    office = await Office.open(database)
    await office.usual(mode=mode)
    await office.bill()
    office.psa.recurring = wrong
    counts = {"5": {DESKTOP.key: 12 if moves else 10, SERVER.key: 2}}
    if moves:
        await office.month(NOVEMBER, counts)
    await office.plan()
    issue = (await office.issues())[f"{code} source-eu/5"]
    assert issue.remedy.startswith(WIRING[code][1])
    assert issue.evidence["lines"]
    assert {one.partition(" ")[0] for one in await office.issues()} == {code}
    mended = lines(price_from_subscription=False) if mode == "quantity" else lines()
    office.psa.recurring = mended
    await office.plan()
    assert code not in await office.codes()


def test_every_wiring_code_has_a_case() -> None:
    assert CASES.keys() == WIRING.keys()
