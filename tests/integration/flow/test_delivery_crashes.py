"""A process killed at any point of a delivery loses nothing and repeats nothing."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.core.billing.identity import observed_digest
from syncd.core.service.delivery import deliver_pending
from syncd.core.store import database as store
from syncd.core.store.database import Database
from syncd.core.store.lines import records_of
from syncd.core.store.outbox import OutboxState, of_plan
from syncd.sdk.records import BatchLimit
from tests.builders_flow import (
    Clock,
    Crash,
    FakePsa,
    Lines,
    Stage,
    create,
    queue,
    stage,
    update,
)

FAULTS = ["lost_after", "", "lost_before", "not_sent", "", "lost_after"]


class Points:
    """Counts the points a run passes and kills it at one of them."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.kill_at = kill_at
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.kill_at:
            raise Crash(name)


async def _prepare(database: Database) -> tuple[Stage, FakePsa, Clock]:
    on = await stage(database)
    clock = Clock()
    psa = FakePsa(
        clock=clock, write_batch=BatchLimit(size=2, settle_seconds=2.0), faults=list(FAULTS)
    )
    old = create("e", 10)
    record = psa._store(old)
    psa.writes.clear()
    change = update("e", record.key, 12)
    await queue(
        database,
        on,
        create("a"),
        create("b"),
        create("c"),
        create("d"),
        change,
        create("f"),
        observed={"k:e": observed_digest(record, change.fields)},
    )
    return on, psa, clock


async def _deliver(database: Database, on: Stage, psa: FakePsa, clock: Clock) -> None:
    await deliver_pending(
        database, psa, on.psa, clock=clock, log=Lines(), sleep=clock.sleep, lock_seconds=0.0
    )


async def _end(database: Database, on: Stage, psa: FakePsa) -> tuple[object, ...]:
    """All that must be equal however often the process died."""
    async with database.reader() as conn:
        items = await of_plan(conn, on.plan_id)
        ledger = (await records_of(conn, on.psa.id, [on.account_id])).get(on.account_id, [])
    remotes = {record.key: record.marker for record in psa.records.values()}
    return (
        psa.state(),
        dict(psa.writes),
        {item.key: item.state for item in items},
        {record.key: (remotes[str(record.remote)], record.content_hash) for record in ledger},
    )


async def _killed_at(
    n: int | None, database: Database, monkeypatch: pytest.MonkeyPatch
) -> tuple[Points, tuple[object, ...]]:
    on, psa, clock = await _prepare(database)
    points = Points(n)
    monkeypatch.setattr(store, "commit_hook", points)
    psa.point = points
    died = False
    try:
        await _deliver(database, on, psa, clock)
    except Crash:
        died = True
    assert died is (n is not None and n < len(points.passed))
    monkeypatch.setattr(store, "commit_hook", None)
    psa.point = None
    clock.advance(seconds=1)
    await _deliver(database, on, psa, clock)
    return points, await _end(database, on, psa)


@pytest.fixture
def fresh(sqlite_template: Path, tmp_path: Path) -> Callable[[str], Database]:
    def make(name: str) -> Database:
        return Database(f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / name)}")

    return make


async def test_killed_at_every_point_the_end_is_that_of_an_uninterrupted_run(
    fresh: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fresh("whole.db")
    points, expected = await _killed_at(None, whole, monkeypatch)
    await whole.dispose()
    assert set(expected[2].values()) == {OutboxState.DELIVERED}  # type: ignore[attr-defined]
    assert set(expected[1].values()) == {1}  # type: ignore[attr-defined]
    assert len(points.passed) > 40
    for n in range(len(points.passed)):
        database = fresh(f"killed-{n}.db")
        _, end = await _killed_at(n, database, monkeypatch)
        await database.dispose()
        assert end == expected, f"killed at {n}: {points.passed[n]}"


@pytest.mark.parametrize("n", [3, 7, 11, 16, 23, 31])
async def test_killed_anywhere_on_either_database_nothing_is_lost(
    n: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, end = await _killed_at(n, database, monkeypatch)
    assert set(end[2].values()) == {OutboxState.DELIVERED}  # type: ignore[attr-defined]
    assert set(end[1].values()) == {1}  # type: ignore[attr-defined]


async def test_killed_again_and_again_while_recovering_nothing_is_repeated(
    fresh: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(12):
        dice = random.Random(seed)
        database = fresh(f"seed-{seed}.db")
        on, psa, clock = await _prepare(database)
        for _ in range(200):
            points = Points(dice.randrange(1, 30))
            monkeypatch.setattr(store, "commit_hook", points)
            psa.point = points
            try:
                await _deliver(database, on, psa, clock)
            except Crash:
                clock.advance(seconds=dice.randrange(5))
            else:
                break
        monkeypatch.setattr(store, "commit_hook", None)
        end = await _end(database, on, psa)
        await database.dispose()
        assert set(end[1].values()) == {1}, f"seed {seed}"  # type: ignore[attr-defined]
        assert set(end[2].values()) == {OutboxState.DELIVERED}, f"seed {seed}"  # type: ignore[attr-defined]


async def test_disturbed_answers_leave_one_record_per_line(sqlite_database: Database) -> None:
    """Seeded runs of five writes, most with a fault; SYNCD_TEST_LOST_ANSWERS sets how many."""
    runs = int(os.environ.get("SYNCD_TEST_LOST_ANSWERS", "20"))
    database, disturbed = sqlite_database, 0
    on = await stage(database)
    psa = FakePsa()
    for seed in range(runs):
        dice = random.Random(seed)
        psa.clock.advance(hours=1)
        changes = [create(f"s{seed}n{n}") for n in range(5)]
        await queue(database, on, *changes, now=psa.clock())
        psa.faults = dice.choices(
            ["lost_after", "lost_before", "not_sent", ""], weights=[5, 3, 1, 1], k=5
        )
        disturbed += sum(1 for fault in psa.faults if fault)
        await _deliver(database, on, psa, psa.clock)
        psa.faults.clear()
    assert disturbed > 4 * runs
    assert len(psa.state()) == 5 * runs
    assert set(psa.writes.values()) == {1}
