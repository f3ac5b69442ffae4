"""A process killed at any point of writing links loses nothing and links nothing twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from syncd.core.service.application import find_plan
from syncd.core.service.overview import look
from syncd.core.store import database as store
from syncd.core.store.database import Database
from syncd.core.store.outbox import OutboxState
from syncd.core.store.plans import PlanState
from syncd.core.store.wire_changes import links_of_plan
from tests.builders_flow import Crash
from tests.builders_month import Office
from tests.builders_wire import WiringPsa, apply_wiring, billed_office, free_line, propose


class Points:
    """Counts the points a run passes and kills it at one of them."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.kill_at = kill_at
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.kill_at:
            raise Crash(name)


async def prepared(database: Database) -> tuple[Office, WiringPsa, str]:
    """Two links on two invoices, planned."""
    office, psa = await billed_office(database)
    names = {record.key: record.name for record in psa.records.values()}
    psa.recurring = [
        free_line("r1", names["9001"], quantity=Decimal(8)),
        msgspec.structs.replace(free_line("r2", names["9002"]), invoice="-10"),
        free_line("r3", "Something else"),
    ]
    return office, psa, (await propose(office)).id


async def finished(office: Office, plan_id: str) -> None:
    """What a person does after a crash: the same command again, and a look at what is left.

    The look closes the issue of a link that was settled just before the process died.
    """
    for _ in range(4):
        record = await find_plan(office.database, plan_id)
        async with office.database.reader() as conn:
            items = await links_of_plan(conn, plan_id)
        ended = {OutboxState.DELIVERED, OutboxState.REJECTED}
        if record.state is PlanState.CLOSED and all(one.state in ended for one in items):
            break
        await apply_wiring(office, plan_id)
    assert (await propose(office)).plan.links == ()


async def killed_at(
    n: int | None, database: Database, monkeypatch: pytest.MonkeyPatch
) -> tuple[Points, tuple[object, ...]]:
    office, psa, plan_id = await prepared(database)
    points = Points(n)
    monkeypatch.setattr(store, "commit_hook", points)
    psa.point = points
    died = False
    try:
        await apply_wiring(office, plan_id)
    except Crash:
        died = True
    assert died is (n is not None and n < len(points.passed))
    monkeypatch.setattr(store, "commit_hook", None)
    psa.point = None
    office.clock.advance(seconds=1)
    await finished(office, plan_id)
    async with database.reader() as conn:
        items = await links_of_plan(conn, plan_id)
    return points, (
        [(one.change.key, one.state) for one in items],
        dict(psa.links),
        [(line.key, line.subscriptions, line.quantity) for line in psa.recurring],
        await office.codes(),
    )


@pytest.fixture
def fresh(sqlite_template: Path, tmp_path: Path) -> Callable[[str], Database]:
    def make(name: str) -> Database:
        return Database(f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / name)}")

    return make


async def test_killed_at_every_point_the_end_is_that_of_an_uninterrupted_run(
    fresh: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fresh("whole.db")
    points, expected = await killed_at(None, whole, monkeypatch)
    await whole.dispose()
    links, writes, lines, codes = expected
    assert {state for _, state in links} == {OutboxState.DELIVERED}  # type: ignore[attr-defined]
    assert list(writes.values()) == [1, 1]  # type: ignore[attr-defined]
    assert codes == set()
    assert lines[2] == ("r3", (), Decimal(0))  # type: ignore[index]
    assert len(points.passed) > 12
    for n in range(len(points.passed)):
        database = fresh(f"killed-{n}.db")
        _, end = await killed_at(n, database, monkeypatch)
        await database.dispose()
        assert end == expected, f"killed at {n}: {points.passed[n]}"


@pytest.mark.parametrize("n", [2, 4, 6, 8, 10, 12])
async def test_killed_anywhere_on_either_database_nothing_is_lost(
    n: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, end = await killed_at(n, database, monkeypatch)
    links, writes, _, codes = end
    assert {state for _, state in links} == {OutboxState.DELIVERED}  # type: ignore[attr-defined]
    assert max(writes.values()) == 1  # type: ignore[attr-defined]
    assert codes == set()


async def test_links_that_a_dead_process_was_writing_are_told_with_their_command(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, _, plan_id = await prepared(database)
    monkeypatch.setattr(store, "commit_hook", Points(3))
    with pytest.raises(Crash):
        await apply_wiring(office, plan_id)
    monkeypatch.setattr(store, "commit_hook", None)
    found = await look(
        office.database, [], now=office.clock(), max_age=timedelta(hours=48), live=True
    )
    assert sum(found.unsettled.values()) == 2
    assert f"`syncd apply {plan_id}`: writes of it have no certain end yet" in found.next
    await finished(office, plan_id)
    found = await look(
        office.database, [], now=office.clock(), max_age=timedelta(hours=48), live=True
    )
    assert not found.unsettled
    assert not any(plan_id in line for line in found.next)
