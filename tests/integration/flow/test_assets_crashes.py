"""Exporting assets that is killed, loses answers or happens twice at once doubles nothing."""

from __future__ import annotations

import asyncio
import copy
import shutil
from pathlib import Path
from typing import Any

import pytest

from syncd.core.service.asset_outcomes import MOST_SENDS
from syncd.core.service.refusals import GoLiveRefused, PlanConsumed
from syncd.core.store import database as store
from syncd.core.store.asset_records import FAILED, LIVE, UNKNOWN
from syncd.core.store.database import Database
from syncd.sdk.errors import AuthError, SyncdError
from syncd.sdk.records import BatchLimit
from tests.builders_assets import (
    AssetPsa,
    asset_office,
    content,
    export,
    ledger,
    look,
    pulled,
    write,
)
from tests.builders_flow import Crash
from tests.builders_golive import back
from tests.builders_month import DESKTOP, SERVER, Office


class Points:
    def __init__(self, kill_at: int | None) -> None:
        self.kill_at = kill_at
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.kill_at:
            raise Crash(name)


async def _prepared(database: Database) -> tuple[Office, AssetPsa, str]:
    """One asset is new, one is renamed, one leaves, one is there and is only recognised."""
    office, psa = await asset_office(database)
    await export(office)
    psa.put("9", "Front desk", asset_type="15", foreign_ids={"fakesource": "de9"})
    await pulled(
        office,
        {"5": {DESKTOP.key: ["de1", "de2", "de8", "de9"], SERVER.key: ["se1"]}},
        names={"de1": "renamed"},
    )
    plan = await look(office)
    assert {one.action for one in content(plan).planned} == {
        "create",
        "update",
        "deactivate",
        "link",
    }
    psa.asset_batch = BatchLimit(size=2, settle_seconds=2.0)
    return office, psa, plan.id


async def _end(office: Office, psa: AssetPsa) -> dict[str, Any]:
    rows = await ledger(office)
    return {
        "psa": sorted((one.name, one.asset_type, one.active) for one in psa.kept.values()),
        "ledger": {unit: (row.state, row.fields) for unit, row in rows.items()},
        "linked": {unit: row.remote in psa.kept for unit, row in rows.items()},
        "issues": await office.codes(),
    }


async def _killed_at(
    n: int | None, office: Office, psa: AssetPsa, plan_id: str, patch: pytest.MonkeyPatch
) -> tuple[Points, dict[str, Any]]:
    points = Points(n)
    patch.setattr(store, "commit_hook", points)
    psa.point = points
    try:
        await write(office, plan_id)
    except Crash:
        assert n is not None
    patch.setattr(store, "commit_hook", None)
    psa.point = None
    office.clock.advance(seconds=1)
    try:
        done = await write(office, plan_id)
    except PlanConsumed:
        pass
    else:
        assert done.exit_code == 0
    assert content(await look(office)).planned == ()
    return points, await _end(office, psa)


async def test_killed_at_every_point_each_asset_stands_once(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Database(sqlite_url)
    prepared, psa, plan_id = await _prepared(before)
    psa.asset_faults = ["lost_after", "lost_before"]
    await before.dispose()

    async def killed_at(n: int | None) -> tuple[Points, dict[str, Any]]:
        file = shutil.copyfile(before.place, tmp_path / f"killed-{n}.db")
        database = Database(f"sqlite:///{file}")
        office = Office(database, prepared.source, prepared.psa_connection)
        office.settings = prepared.settings
        office.psa = own = copy.deepcopy(psa)
        office.clock = own.clock
        ended = await _killed_at(n, office, own, plan_id, monkeypatch)
        await database.dispose()
        return ended

    points, expected = await killed_at(None)
    assert len(expected["psa"]) == 6
    assert expected["issues"] == set()
    assert len(points.passed) > 15
    for n in range(len(points.passed)):
        _, ended = await killed_at(n)
        assert ended == expected, f"killed at {n}: {points.passed[n]}"


async def test_killed_between_write_and_answer_on_either_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, psa, plan_id = await _prepared(database)

    def kill(name: str) -> None:
        if name == "apply_assets:between":
            raise Crash(name)

    psa.point = kill
    with pytest.raises(Crash):
        await write(office, plan_id)
    psa.point = None
    done = await write(office, plan_id)
    assert done.exit_code == 0
    assert len(psa.kept) == 6
    assert content(await look(office)).planned == ()


async def test_two_applies_at_once_write_each_asset_once(database: Database) -> None:
    office, psa, plan_id = await _prepared(database)
    written = len(psa.asset_writes)
    ends = await asyncio.gather(
        write(office, plan_id), write(office, plan_id), return_exceptions=True
    )
    assert all(not isinstance(one, BaseException) or isinstance(one, SyncdError) for one in ends)
    assert len(psa.asset_writes) - written == 3
    assert len(psa.kept) == 6


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(
    database: Database, fault: str
) -> None:
    office, psa = await asset_office(database)
    psa.asset_faults = [fault]
    done = await export(office)
    assert (done.exit_code, len(psa.kept)) == (0, 4)
    assert psa.calls["find_assets"] == 1
    assert psa.calls["apply_assets"] == (2 if fault == "lost_before" else 1)


async def test_what_never_arrives_is_given_up_and_told(database: Database) -> None:
    office, psa = await asset_office(database, {"5": {DESKTOP.key: ["de1"]}})
    psa.asset_faults = ["lost_before"] * MOST_SENDS
    done = await export(office)
    assert done.exit_code == 6
    (row,) = (await ledger(office)).values()
    assert (row.state, row.attempts) == (FAILED, MOST_SENDS)
    assert "never arrived" in (await office.issues())["ASSET_REFUSED psa/1001"].message
    await export(office)
    assert len(psa.kept) == 1


async def test_refused_credentials_leave_everything_waiting(database: Database) -> None:
    office, psa = await asset_office(database)
    psa.asset_faults = ["auth"]
    done = await export(office)
    assert done.report is not None
    assert isinstance(done.report.stopped_by, AuthError)
    assert (done.exit_code, done.report.waiting, psa.kept) == (4, 4, {})
    done = await write(office, done.record.id)
    assert (done.exit_code, len(psa.kept)) == (0, 4)


async def test_an_open_write_is_not_planned_again(database: Database) -> None:
    office, psa = await asset_office(database)
    psa.asset_faults = ["not_sent"]
    done = await export(office)
    assert done.exit_code == 5
    plan = await look(office)
    assert {one.code for one in content(plan).held} == {"DELIVERY_UNSETTLED"}
    await write(office, done.record.id)
    assert content(await look(office)).unchanged == 4


async def test_a_defect_of_the_connector_is_named_and_the_write_looked_for(
    database: Database,
) -> None:
    office, psa = await asset_office(database)
    psa.asset_faults = ["", "raise"]
    done = await export(office)
    assert done.exit_code == 7
    assert {row.state for row in (await ledger(office)).values()} == {UNKNOWN}
    assert "ASSET_UNKNOWN psa/1001" in await office.issues()
    done = await write(office, done.record.id)
    assert (done.exit_code, len(psa.kept)) == (0, 4)
    assert {row.state for row in (await ledger(office)).values()} == {LIVE}
    assert await office.codes() == set()


async def test_no_client_is_put_back_while_an_asset_of_it_is_being_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, _, plan_id = await _prepared(database)
    monkeypatch.setattr(store, "commit_hook", Points(2))
    with pytest.raises(Crash):
        await write(office, plan_id)
    monkeypatch.setattr(store, "commit_hook", None)
    with pytest.raises(GoLiveRefused, match="no certain end"):
        await back(office, "1001")
    await write(office, plan_id)
    await back(office, "1001")
