"""A run: claimed once, closed once, whatever happens inside."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import pytest

from syncd.core.service.runs import RunDuplicate, RunHandle, new_run_id, run
from syncd.core.store.database import Database
from syncd.core.store.runs import (
    RunRecord,
    RunStatus,
    abandon_runs,
    last_due,
    last_runs,
    recent_runs,
    running_runs,
)
from syncd.sdk.errors import AuthError, PlanHeld, StoreError
from syncd.sdk.records import RunReport
from tests.builders_data import NOW, Clock, StrictLog


def begin(database: Database, log: StrictLog, **given: Any) -> Any:
    settings = {
        "subject": "rmm",
        "kind": "pull",
        "scheduled_for": None,
        "clock": Clock(),
        "node": "here",
        **given,
    }
    return run(database, log=log, **settings)


async def rows(database: Database) -> list[RunRecord]:
    async with database.reader() as conn:
        return await recent_runs(conn, limit=100)


async def test_a_run_is_claimed_counted_and_closed(database: Database) -> None:
    log, reports = StrictLog(), list[RunReport]()
    async with begin(database, log, scheduled_for=NOW, report=reports.append) as handle:
        handle.count("units", 3)
        handle.count("units")
        async with database.reader() as conn:
            assert [one.id for one in await running_runs(conn)] == [handle.id]
    (row,) = await rows(database)
    assert (row.status, row.counts, row.scheduled_for) == (RunStatus.SUCCEEDED, {"units": 4}, NOW)
    assert row.finished_at is not None
    assert row.finished_at > row.started_at
    assert log.names() == ["run.started", "run.finished"]
    assert log.of("run.finished")[0]["units"] == 4
    assert [(report.run_id, report.status) for report in reports] == [(row.id, "succeeded")]


async def test_a_due_run_belongs_to_the_first_and_the_others_are_told(database: Database) -> None:
    log = StrictLog()
    async with begin(database, log, scheduled_for=NOW):
        pass
    with pytest.raises(RunDuplicate):
        async with begin(database, log, scheduled_for=NOW):
            pytest.fail("the work of a duplicate must not begin")
    assert len(await rows(database)) == 1
    assert log.names() == ["run.started", "run.finished", "run.duplicate"]


async def test_of_ten_that_ask_for_one_due_run_exactly_one_gets_it(database: Database) -> None:
    async def ask() -> bool:
        with contextlib.suppress(RunDuplicate):
            async with begin(database, StrictLog(), scheduled_for=NOW):
                return True
        return False

    assert sum(await asyncio.gather(*(ask() for _ in range(10)))) == 1


async def test_manual_runs_are_never_duplicates_even_at_one_moment(database: Database) -> None:
    for _ in range(3):
        async with begin(database, StrictLog(), clock=lambda: NOW):
            pass
    due = sorted(row.scheduled_for for row in await rows(database))
    assert due == [NOW + timedelta(microseconds=n) for n in range(3)]


@pytest.mark.parametrize(
    ("error", "status", "code", "told"),
    [
        (AuthError("refused by the vendor"), RunStatus.FAILED, "CREDENTIALS_REFUSED", "refused by"),
        (PlanHeld("a person must look"), RunStatus.HELD, "PLAN_HELD", "a person"),
        (KeyError("Acme's secret"), RunStatus.FAILED, "DEFECT", "KeyError"),
        (SystemExit(1), RunStatus.INTERRUPTED, "RUN_INTERRUPTED", "SystemExit"),
    ],
)
async def test_what_ends_a_run_is_written_and_goes_on(
    database: Database, error: BaseException, status: RunStatus, code: str, told: str
) -> None:
    log = StrictLog()
    with pytest.raises(type(error)):
        async with begin(database, log):
            raise error
    (row,) = await rows(database)
    assert (row.status, row.error_code) == (status, code)
    assert told in str(row.error)
    assert "secret" not in str(row.error)
    assert len(log.of("run.finished")) == 1


async def test_the_work_may_say_that_it_is_partial(database: Database) -> None:
    async with begin(database, StrictLog()) as handle:
        handle.ends(RunStatus.PARTIAL, code="PULL_INCOMPLETE", error="a page is missing")
    (row,) = await rows(database)
    assert (row.status, row.error_code) == (RunStatus.PARTIAL, "PULL_INCOMPLETE")


async def test_a_cancelled_run_is_interrupted_and_stays_cancelled(database: Database) -> None:
    log, inside = StrictLog(), asyncio.Event()

    async def work() -> None:
        async with begin(database, log):
            inside.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (row,) = await rows(database)
    assert (row.status, row.error_code) == (RunStatus.INTERRUPTED, "RUN_INTERRUPTED")
    assert log.names() == ["run.started", "run.finished"]


async def test_a_cancellation_while_the_end_is_written_does_not_lose_it(
    sqlite_database: Database,
) -> None:
    log = StrictLog()

    async def work() -> None:
        async with begin(sqlite_database, log):
            asyncio.get_running_loop().call_soon(task.cancel)

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task
    (row,) = await rows(sqlite_database)
    assert row.status is RunStatus.SUCCEEDED
    assert len(log.of("run.finished")) == 1


class DeadStore:
    """A database that dies once the run has begun."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dead = False

    def writer(self) -> Any:
        if self.dead:
            raise StoreError("the disk is full")
        return self._database.writer()


async def test_a_store_that_dies_does_not_hide_why_the_run_failed(
    sqlite_database: Database,
) -> None:
    log, store = StrictLog(), DeadStore(sqlite_database)

    async def work() -> None:
        async with begin(store, log):  # type: ignore[arg-type]
            store.dead = True
            raise AuthError("refused")

    with pytest.raises(AuthError):
        await work()
    (line,) = log.of("run.finished")
    assert (line["error_code"], line["unrecorded"]) == (
        "CREDENTIALS_REFUSED",
        "the disk is full",
    )


async def test_a_store_that_dies_at_the_end_fails_the_run(sqlite_database: Database) -> None:
    log, store = StrictLog(), DeadStore(sqlite_database)
    with pytest.raises(StoreError):
        async with begin(store, log):  # type: ignore[arg-type]
            store.dead = True
    assert len(log.of("run.finished")) == 1


async def test_run_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_run_id(NOW + timedelta(microseconds=n // 2)) for n in range(100)]
    assert sorted(ids[::2]) == ids[::2]
    assert len(set(ids)) == 100


async def test_runs_of_a_dead_process_are_marked_and_the_rest_is_left(database: Database) -> None:
    handles = list[RunHandle]()
    async with contextlib.AsyncExitStack() as stack:
        for node in ("dead", "alive"):
            handles.append(await stack.enter_async_context(begin(database, StrictLog(), node=node)))
        async with database.writer() as conn:
            marked = await abandon_runs(conn, node="dead", before=NOW + timedelta(days=1), now=NOW)
        assert marked == 1
        by_id = {row.id: row for row in await rows(database)}
        assert by_id[handles[0].id].error_code == "RUN_ABANDONED"
        assert by_id[handles[1].id].status is RunStatus.RUNNING
    by_id = {row.id: row for row in await rows(database)}
    assert by_id[handles[0].id].status is RunStatus.INTERRUPTED


async def test_the_newest_run_and_the_last_due_time_are_found_by_subject(
    database: Database,
) -> None:
    clock = Clock()
    for hours in (0, 6):
        for subject in ("rmm", "other"):
            due = NOW + timedelta(hours=hours)
            async with begin(
                database, StrictLog(), subject=subject, scheduled_for=due, clock=clock
            ):
                pass
    async with database.reader() as conn:
        newest = await last_runs(conn, "pull")
        due = await last_due(conn, "rmm", "pull")
        nothing = await last_due(conn, "rmm", "plan")
        only = await recent_runs(conn, limit=1, subject="other")
    assert {name: found.scheduled_for for name, found in newest.items()} == {
        "rmm": NOW + timedelta(hours=6),
        "other": NOW + timedelta(hours=6),
    }
    assert (due, nothing) == (NOW + timedelta(hours=6), None)
    assert [one.subject for one in only] == ["other"]
