"""What a person decides holds the first bill after it, and what a person releases is kept."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.service.application import find_plan
from syncd.core.store.database import Database
from tests.builders_month import DESKTOP, NOVEMBER, SERVER, Office, rules_of


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


@pytest.mark.parametrize("what", ["link", "configuration", "rule", "policy", "asset type"])
async def test_every_decision_holds_the_first_bill_after_it(office: Office, what: str) -> None:
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.bill()
    match what:
        case "link":
            await office.link("5", "1001")
        case "configuration":
            await office.configure("c1", "Managed", "average", [DESKTOP.key], supplier="Parts Co")
        case "rule":
            await office.rule(DESKTOP.key, included=Decimal(1))
        case "policy":
            office.policy(unit_scale=2)
        case _:
            await office.asset_type(DESKTOP.key, "15")
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    (objection,) = [
        one
        for one in (await office.plan()).record.objections
        if one.rule == "CHANGED_SINCE_LAST_BILL"
    ]
    assert objection.message.endswith(f"after a change of {what}")
    await office.release()
    assert (await office.apply()).exit_code == 0
    assert "CHANGED_SINCE_LAST_BILL" not in rules_of((await office.plan()).record.objections)


async def test_a_release_is_kept_with_who_when_and_why(office: Office) -> None:
    stored = await office.plan()
    await office.release(stored.id, reason="read it with Bob", by="ann")
    assert "PLAN_HELD" not in await office.codes()
    await office.apply(stored.id)
    (bill,) = (await find_plan(office.database, stored.id)).bills
    assert (bill.released_by, bill.release_reason) == ("ann", "read it with Bob")
    assert bill.released_at == office.clock()
    (line,) = office.log.of("plan.released")
    assert (line["by"], line["reason"]) == ("ann", "read it with Bob")
