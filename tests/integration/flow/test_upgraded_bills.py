"""A database that billed under the schema before: the upgrade alone changes no bill and holds none.

What is stored as JSON is brought back to what that schema's program wrote, which knew none of the
later facts.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.applied import ApplyReport
from syncd.core.store import schema
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState
from tests.builders_life import choose, kinds, records, send
from tests.builders_month import DESKTOP, NOVEMBER, OCTOBER, SERVER, Office

_STORED = (
    ("psa_record", "key", "sent"),
    ("plan", "id", "content"),
    ("plan_bill", "id", "basis"),
    ("bill_line", "id", "basis"),
    ("outbox", "id", "payload"),
)
_NOT_YET = frozenset(
    {"agreement", "billed_for", "exclusions", "facts_of", "parts", "stale_after_days"}
)
"""Fields of stored JSON that came with the schema; where they were missing they have defaults."""


def _older(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _older(one) for key, one in value.items() if key not in _NOT_YET}
    return [_older(one) for one in value] if isinstance(value, list) else value


async def upgraded(database: Database) -> None:
    """Take the database back to 0002 with everything in it, and upgrade it."""
    async with database.writer() as conn:
        for table, key, column in _STORED:
            rows = (await conn.execute(text(f"SELECT {key}, {column} FROM {table}"))).all()
            for row_id, content in rows:
                older = json.dumps(_older(json.loads(content)))
                given = older if isinstance(content, str) else older.encode()
                await conn.execute(
                    text(f"UPDATE {table} SET {column} = :content WHERE {key} = :id"),
                    {"content": given, "id": row_id},
                )
    url = database._target.sync_url.render_as_string(hide_password=False)
    await database.dispose()
    schema.downgrade(url, "0002")
    assert schema.upgrade(url) == schema.head()


async def test_a_bill_made_before_the_upgrade_is_not_changed_and_its_next_month_not_held(
    database: Database,
) -> None:
    office = await Office.open(database)
    await office.usual()
    await office.rule(DESKTOP.key, included=Decimal(1), included_reasons="retired")
    await choose(office, automatic=False)
    await send(office)
    before, calls = records(office), office.psa.calls["apply"]
    assert before

    await upgraded(database)

    again = await office.plan(OCTOBER)
    assert [bill.changes for bill in again.plan.bills] == [()] * len(again.plan.bills)
    assert again.record.objections == ()
    await send(office)
    assert (records(office), office.psa.calls["apply"]) == (before, calls)

    office.clock.moment = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    await office.pull({"5": {DESKTOP.key: 11, SERVER.key: 2}}, at=office.month_end(NOVEMBER))
    next_month = await office.plan(NOVEMBER)
    assert next_month.record.objections == (), "nobody decided anything since"
    assert next_month.count(PlanBillState.HELD) == 0
    report: ApplyReport = await office.apply(next_month.id)
    assert report.exit_code == 0
    assert (await kinds(office))["2026-11"] is BillKind.MANUAL


async def test_a_plan_made_before_the_upgrade_can_be_applied_after_it(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    await choose(office, automatic=False)
    await send(office)
    await office.pull(
        {"5": {DESKTOP.key: 12, SERVER.key: 2}}, at=office.month_end(OCTOBER, hours=1)
    )
    stored = await office.plan(OCTOBER)
    assert stored.count(PlanBillState.READY) == 1
    await upgraded(database)
    report = await office.apply(stored.id)
    assert report.exit_code == 0
    assert 12 in records(office).values()


async def test_what_is_counted_is_counted_the_same_after_the_upgrade(database: Database) -> None:
    """Units keep their exclusions, rules their reasons, and no month's facts are asked for."""
    office = await Office.open(database)
    await office.usual()
    await office.pull(
        {"5": {DESKTOP.key: 10, SERVER.key: 2}},
        at=office.month_end(OCTOBER, hours=1),
        excluded={"de10": "stale"},
        facts={"de9": b'{"silent_since":"2026-01-01"}'},
    )
    await choose(office, automatic=False)
    await send(office)
    before = records(office)
    await upgraded(database)
    again = await office.plan(OCTOBER)
    assert [(bill.errors, bill.changes) for bill in again.plan.bills] == [((), ())] * len(
        again.plan.bills
    )
    assert records(office) == before
