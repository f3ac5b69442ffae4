"""A write that ended as delivered stands on a record; an ending without one is refused whole."""

from __future__ import annotations

import pytest

from syncd.core.service.endings import Ending
from syncd.core.service.settlement import Settler
from syncd.core.store.database import Database
from syncd.core.store.lines import record_of_key
from syncd.core.store.outbox import OutboxState, of_plan
from tests.builders_flow import Clock, Lines, create, queue, stage


async def test_a_delivery_that_names_no_record_changes_nothing(database: Database) -> None:
    on, clock = await stage(database), Clock()
    await queue(database, on, create("a"))
    async with database.reader() as conn:
        (item,) = await of_plan(conn, on.plan_id)
    settler = Settler(database=database, psa=on.psa, clock=clock, log=Lines())
    with pytest.raises(ValueError, match="names no record"):
        await settler.settle(
            item, Ending(state=OutboxState.DELIVERED), what="send", started_at=clock()
        )
    async with database.reader() as conn:
        (same,) = await of_plan(conn, on.plan_id)
        assert same.state is item.state
        assert await record_of_key(conn, item.key) is None
