"""A bill with a correction that is killed anywhere ends as planned: billed once, lost never."""

from __future__ import annotations

import contextlib
import copy
import shutil
from pathlib import Path
from typing import Any

import pytest

from syncd.core.service.refusals import CorrectionRefused, PlanConsumed
from syncd.core.store import database as store
from syncd.core.store.database import Database
from syncd.sdk.records import BatchLimit
from tests.builders_corrections import (
    SAME,
    accept,
    late,
    listed,
    newest,
    november,
    october,
    open_office,
    standing,
)
from tests.builders_flow import Crash
from tests.builders_month import DECEMBER, DESKTOP, NOVEMBER, SERVER, Office


class Points:
    def __init__(self, kill_at: int | None) -> None:
        self.kill_at = kill_at
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.kill_at:
            raise Crash(name)


async def _prepared(database: Database) -> Office:
    """November is planned with October's correction."""
    office = await october(await open_office(database))
    await late(office, 11)
    await accept(office)
    await november(office, {"5": {DESKTOP.key: 12, SERVER.key: 3}})
    await office.plan()
    office.psa.write_batch = BatchLimit(size=2, settle_seconds=2.0)
    office.psa.faults = ["lost_after", "", "lost_before", "lost_after"]
    office.psa.writes.clear()
    return office


async def _end(office: Office) -> dict[str, Any]:
    """What stands after the same command again, and after the month that follows."""
    office.clock.advance(seconds=1)
    with contextlib.suppress(PlanConsumed):
        assert (await office.apply("latest")).exit_code == 0
    end: dict[str, Any] = {
        "november": standing(office),
        "writes": dict(office.psa.writes),
        "billed": (await newest(office, NOVEMBER)).total_price,
        "corrections": [
            (one.state, one.billed_in) for one in await listed(office, everything=True)
        ],
    }
    await office.month(DECEMBER, SAME)
    assert (await office.bill()).exit_code == 0
    return {**end, "december": standing(office)}


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
    return points, await _end(office)


async def test_killed_at_every_point_the_correction_is_billed_once(
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
    assert len(expected["writes"]) == 3
    assert expected["corrections"] == [("billed", ("2026-11",))]
    for n in range(len(points.passed)):
        _, end = await killed_at(n)
        assert end == expected, f"killed at {n}: {points.passed[n]}"


@pytest.mark.parametrize("n", [1, 3, 6, 10])
async def test_killed_on_either_database_it_is_billed_once(
    n: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, end = await _killed_at(n, await _prepared(database), monkeypatch)
    assert set(end["writes"].values()) == {1}
    assert end["corrections"] == [("billed", ("2026-11",))]


@pytest.mark.parametrize("n", [0, 1])
async def test_killed_while_a_person_accepts_it_is_accepted_or_not(
    n: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await october(await open_office(database))
    await late(office, 11)
    (one,) = await listed(office)
    monkeypatch.setattr(store, "commit_hook", Points(n))
    with pytest.raises(Crash):
        await accept(office, one.id)
    monkeypatch.setattr(store, "commit_hook", None)
    try:
        await accept(office, one.id)
    except CorrectionRefused:
        assert n == 1
    await november(office)
    await office.bill()
    assert standing(office)["Correction 2026-10: Managed - Workstation"][0] == 1
    assert len(await listed(office, everything=True)) == 1
