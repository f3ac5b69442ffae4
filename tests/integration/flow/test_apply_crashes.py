"""A month that is killed at any point of its apply ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import copy
import shutil
from pathlib import Path
from typing import Any

import pytest

from syncd.core.service.application import apply_plan
from syncd.core.service.applied import ApplyReport, Fate
from syncd.core.service.refusals import PlanConsumed
from syncd.core.store import database as store
from syncd.core.store.bills import bills_of
from syncd.core.store.database import Database
from syncd.core.store.lines import records_of
from syncd.sdk.errors import SyncdError
from syncd.sdk.records import BatchLimit
from tests.builders_flow import Crash
from tests.builders_month import DESKTOP, NOVEMBER, SERVER, Office

ACCOUNTS = [1, 2]


class Points:
    def __init__(self, kill_at: int | None) -> None:
        self.kill_at = kill_at
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.kill_at:
            raise Crash(name)


async def _prepared(database: Database) -> Office:
    """October was billed; November is planned and released, with creates and updates."""
    office = await Office.open(database)
    await office.usual(
        accounts={"5": "1001"},
        counts={"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 3}},
    )
    await office.bill()
    await office.link("6", "1002")
    await office.month(
        NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 3}, "6": {DESKTOP.key: 4, SERVER.key: 1}}
    )
    await office.plan()
    await office.release()
    office.psa.write_batch = BatchLimit(size=2, settle_seconds=2.0)
    office.psa.faults = ["lost_after", "lost_before", "", "lost_after"]
    office.psa.writes.clear()
    return office


async def _resumed(office: Office) -> None:
    """What a person does after a crash: the same command again, then the month once more."""
    office.clock.advance(seconds=1)
    try:
        report = await office.apply("latest")
    except PlanConsumed:
        pass
    else:
        assert report.exit_code == 0
    await office.plan()
    again = await office.apply("latest")
    assert (again.exit_code, again.delivered) == (0, 0)


async def _end(office: Office) -> dict[str, Any]:
    async with office.database.reader() as conn:
        records = await records_of(conn, office.psa_connection.id, ACCOUNTS)
        bills = [bill for account in ACCOUNTS for bill in await bills_of(conn, account)]
    return {
        "psa": office.psa.state(),
        "writes": dict(office.psa.writes),
        "ledger": {
            record.key: (record.sent.quantity, record.sent_period)
            for found in records.values()
            for record in found
        },
        "bills": [
            (bill.account_id, bill.period, bill.revision, bill.kind, bill.total_price)
            for bill in bills
        ],
        "issues": await office.codes(),
    }


async def _killed_at(
    n: int | None, office: Office, monkeypatch: pytest.MonkeyPatch
) -> tuple[Points, dict[str, Any]]:
    points = Points(n)
    monkeypatch.setattr(store, "commit_hook", points)
    office.psa.point = points
    try:
        await office.apply("latest")
    except Crash:
        assert n is not None
    monkeypatch.setattr(store, "commit_hook", None)
    office.psa.point = None
    await _resumed(office)
    return points, await _end(office)


async def test_killed_at_every_point_of_an_apply_the_month_ends_as_planned(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Database(sqlite_url)
    prepared = await _prepared(before)
    await before.dispose()

    async def killed_at(n: int | None) -> tuple[Points, dict[str, Any]]:
        file = shutil.copyfile(before.place, tmp_path / f"killed-{n}.db")
        database = Database(f"sqlite:///{file}")
        office = Office(database, prepared.source, prepared.psa_connection)
        office.psa = copy.deepcopy(prepared.psa)
        office.clock = office.psa.clock
        ended = await _killed_at(n, office, monkeypatch)
        await database.dispose()
        return ended

    points, expected = await killed_at(None)
    assert set(expected["writes"].values()) == {1}
    assert len(expected["writes"]) == 4
    assert expected["issues"] == set()
    assert len(points.passed) > 30
    for n in range(len(points.passed)):
        _, end = await killed_at(n)
        assert end == expected, f"killed at {n}: {points.passed[n]}"


@pytest.mark.parametrize("n", [1, 3, 5, 9, 14, 20])
async def test_killed_on_either_database_the_month_ends_as_planned(
    n: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, end = await _killed_at(n, await _prepared(database), monkeypatch)
    assert set(end["writes"].values()) == {1}
    assert {quantity for quantity, _ in end["ledger"].values()} == {12, 3, 4, 1}
    assert end["issues"] == set()


async def test_two_processes_that_apply_one_plan_send_each_change_once(
    database_url: str,
) -> None:
    mine, theirs = Database(database_url), Database(database_url)
    office = await _prepared(mine)
    office.psa.faults = []

    async def sleep(seconds: float) -> None:
        office.clock.advance(seconds=seconds)
        await asyncio.sleep(0.01)

    async def process(database: Database) -> ApplyReport | SyncdError:
        try:
            return await apply_plan(
                database,
                "latest",
                rules=office.settings,
                psa=office.psa,
                psa_connection=office.psa_connection,
                clock=office.clock,
                log=office.log,
                sleep=sleep,
                lock_seconds=60.0,
            )
        except SyncdError as error:
            return error

    ends = await asyncio.gather(process(mine), process(theirs))
    assert set(office.psa.writes.values()) == {1}
    assert len(office.psa.writes) == 4
    reports = [end for end in ends if isinstance(end, ApplyReport)]
    assert reports
    assert any(report.count(Fate.SENT) for report in reports)
    await mine.dispose()
    await theirs.dispose()


async def test_a_record_edited_while_the_program_was_down_is_not_written_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await _prepared(database)
    office.psa.faults = []

    def killed_before_the_first_call(name: str) -> None:
        if name == "apply:before":
            raise Crash(name)

    office.psa.point = killed_before_the_first_call
    office.psa.write_batch = BatchLimit(size=1)
    with pytest.raises(Crash):
        await office.apply("latest")
    office.psa.point = None
    edited = next(r.key for r in office.psa.records.values() if r.quantity == 2)
    office.psa.edit(edited, quantity=55)
    office.clock.advance(hours=5)
    report = await office.apply("latest")
    assert (report.exit_code, report.count(Fate.NEEDS_REVIEW)) == (5, 1)
    assert office.psa.records[edited].quantity == 55
    assert "PSA_DRIFT" in await office.codes()
    assert set(office.psa.writes.values()) == {1}
