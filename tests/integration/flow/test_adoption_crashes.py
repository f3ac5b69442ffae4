"""Adopting that is killed, loses answers or happens twice at once marks each record once."""

from __future__ import annotations

import asyncio
import copy
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.core.service.adoption_plan import Choice
from syncd.core.service.application import apply_plan
from syncd.core.service.applied import ApplyReport, Fate
from syncd.core.service.overview import look
from syncd.core.service.refusals import PlanConsumed, PlanStale, ShadowMode
from syncd.core.store import database as store
from syncd.core.store.adoptions import load_adoptions
from syncd.core.store.database import Database
from syncd.core.store.lines import records_of
from syncd.core.store.outbox import OutboxState
from syncd.sdk.errors import SyncdError
from syncd.sdk.records import BatchLimit
from tests.builders_adoption import by_hand, plan_adoptions, put, view_of
from tests.builders_flow import Crash
from tests.builders_month import Office


class Points:
    def __init__(self, kill_at: int | None) -> None:
        self.kill_at = kill_at
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.kill_at:
            raise Crash(name)


async def _prepared(database: Database) -> tuple[Office, str]:
    """Two records made by hand are to carry the two lines of client 1001."""
    office = await Office.open(database)
    await office.usual(mode="quantity")
    put(
        office,
        by_hand("88", "Managed workstation", asset_type="10"),
        by_hand("89", "Managed server", 2, asset_type="11"),
    )
    plan = await plan_adoptions(office)
    office.psa.write_batch = BatchLimit(size=1, settle_seconds=2.0)
    return office, plan.id


async def _end(office: Office, plan_id: str) -> dict[str, Any]:
    async with office.database.reader() as conn:
        records = await records_of(conn, office.psa_connection.id, [1])
        adopted = await load_adoptions(conn)
    return {
        "psa": office.psa.state(),
        "ledger": {row.key: (row.remote, row.sent) for row in records.get(1, ())},
        "adoptions": [(one.remote, one.plan_id == plan_id, one.state) for one in adopted],
        "issues": await office.codes(),
    }


async def _killed_at(
    n: int | None, office: Office, plan_id: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Points, dict[str, Any]]:
    points = Points(n)
    monkeypatch.setattr(store, "commit_hook", points)
    office.psa.point = points
    try:
        await office.apply(plan_id)
    except Crash:
        assert n is not None
    monkeypatch.setattr(store, "commit_hook", None)
    office.psa.point = None
    office.clock.advance(seconds=1)
    try:
        report = await office.apply(plan_id)
    except PlanConsumed:
        pass
    else:
        assert report.exit_code == 0
    return points, await _end(office, plan_id)


async def test_killed_at_every_point_of_an_adoption_each_record_is_marked_once(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Database(sqlite_url)
    prepared, plan_id = await _prepared(before)
    prepared.psa.faults = ["lost_after", "lost_before"]
    await before.dispose()

    async def killed_at(n: int | None) -> tuple[Points, dict[str, Any]]:
        file = shutil.copyfile(before.place, tmp_path / f"killed-{n}.db")
        database = Database(f"sqlite:///{file}")
        office = Office(database, prepared.source, prepared.psa_connection)
        office.settings = prepared.settings
        office.psa = copy.deepcopy(prepared.psa)
        office.clock = office.psa.clock
        ended = await _killed_at(n, office, plan_id, monkeypatch)
        await database.dispose()
        return ended

    points, expected = await killed_at(None)
    assert {remote for remote, _ in expected["ledger"].values()} == {"88", "89"}
    assert [state for *_, state in expected["adoptions"]] == [OutboxState.DELIVERED] * 2
    assert expected["issues"] == set()
    assert len(points.passed) > 20
    for n in range(len(points.passed)):
        _, end = await killed_at(n)
        assert end == expected, f"killed at {n}: {points.passed[n]}"


@pytest.mark.parametrize("n", [1, 4, 8, 12])
async def test_killed_on_either_database_both_records_are_ours_in_the_end(
    n: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, plan_id = await _prepared(database)
    _, end = await _killed_at(n, office, plan_id, monkeypatch)
    assert {remote for remote, _ in end["ledger"].values()} == {"88", "89"}
    assert len(end["adoptions"]) == 2
    assert all(record.marker for record in office.psa.records.values())


async def test_two_processes_that_apply_one_plan_adopt_once(database_url: str) -> None:
    mine, theirs = Database(database_url), Database(database_url)
    office, plan_id = await _prepared(mine)
    reports = [
        end
        for end in await _at_once(office, (mine, plan_id), (theirs, plan_id))
        if isinstance(end, ApplyReport)
    ]
    assert any(report.count(Fate.SENT) for report in reports)
    assert set(office.psa.writes.values()) == {1}
    assert len(office.psa.writes) == 2
    await mine.dispose()
    await theirs.dispose()


async def test_two_plans_that_give_one_record_to_two_lines_adopt_it_once(
    database_url: str,
) -> None:
    mine, theirs = Database(database_url), Database(database_url)
    office = await Office.open(mine)
    await office.usual(mode="quantity")
    put(office, by_hand("88", "Managed service"))
    view = await view_of(office)
    plans = [
        await plan_adoptions(
            office,
            [Choice(line=line, record=office.psa.records["88"], evidence="chosen")],
            view=view,
        )
        for line in view.lines.values()
    ]
    ends = await _at_once(office, (mine, plans[0].id), (theirs, plans[1].id))
    assert len(office.psa.history) == 1
    # The loser learns it from our books or, having lost by an instant, from the record itself.
    refused = [
        bill.detail
        for end in ends
        if isinstance(end, ApplyReport)
        for bill in end.bills
        if bill.fate is Fate.REFUSED
    ]
    assert len(refused) == 1
    assert "record 88" in refused[0]
    async with mine.reader() as conn:
        assert len(await load_adoptions(conn)) == 1
    await mine.dispose()
    await theirs.dispose()


async def test_the_second_of_two_plans_for_one_line_is_refused(database: Database) -> None:
    office, plan_id = await _prepared(database)
    view = await view_of(office)
    put(office, by_hand("90", "Another"))
    first = await office.apply(plan_id)
    assert first.count(Fate.SENT) == 2
    line = next(iter(view.lines.values()))
    second = await plan_adoptions(
        office,
        [Choice(line=line, record=office.psa.records["90"], evidence="chosen")],
        view=view,
    )
    report = await office.apply(second.id)
    assert report.count(Fate.REFUSED) == 1
    assert office.psa.records["90"].marker is None


async def test_a_newer_plan_for_the_same_line_replaces_the_older(database: Database) -> None:
    office, plan_id = await _prepared(database)
    newer = await plan_adoptions(office)
    with pytest.raises(PlanStale, match=f"replaced by plan {newer.id}") as refused:
        await office.apply(plan_id)
    assert "syncd adopt" in refused.value.remedy


async def test_a_record_that_changed_hands_while_the_answer_was_lost_waits_for_a_person(
    database: Database,
) -> None:
    office, plan_id = await _prepared(database)
    del office.psa.records["89"]
    office.psa.faults = ["lost_before"]

    def taken(name: str) -> None:
        if name == "apply:after":
            office.psa.edit("88", client="1002")

    office.psa.point = taken
    report = await office.apply(plan_id)
    assert report.exit_code == 5
    assert (report.count(Fate.NEEDS_REVIEW), report.count(Fate.REFUSED)) == (1, 1)
    assert "PSA_DRIFT" in await office.codes()
    assert office.psa.records["88"].marker is None


async def test_a_billing_plan_released_before_the_adoption_is_refused_while_it_is_queued(
    database: Database,
) -> None:
    """The sweep of the bill saw no key yet; inside of the transaction the books know."""
    office, plan_id = await _prepared(database)
    bill = await office.plan()
    await office.release(bill.id)
    office.clock.advance(minutes=1)
    adopting: list[asyncio.Task[ApplyReport]] = []
    original = office.psa.subscriptions
    swept = asyncio.Event()

    async def subscriptions(**given: Any) -> Any:
        async for batch in original(**given):
            yield batch
        if not adopting:
            adopting.append(asyncio.ensure_future(office.apply(plan_id)))
            await asyncio.wait(adopting)
            swept.set()

    office.psa.subscriptions = subscriptions  # type: ignore[method-assign]
    report = await office.apply(bill.id)
    assert swept.is_set()
    assert adopting[0].result().count(Fate.SENT) == 2
    assert report.count(Fate.REFUSED) == 1
    assert "ALREADY_ADOPTED" in report.bills[0].detail
    assert set(office.psa.records) == {"88", "89"}


async def _at_once(
    office: Office, *processes: tuple[Database, str]
) -> list[ApplyReport | SyncdError]:
    async def sleep(seconds: float) -> None:
        office.clock.advance(seconds=seconds)
        await asyncio.sleep(0.01)

    async def process(database: Database, plan_id: str) -> ApplyReport | SyncdError:
        try:
            return await apply_plan(
                database,
                plan_id,
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

    return list(await asyncio.gather(*(process(*one) for one in processes)))


async def test_in_shadow_any_apply_goes_on_with_an_adoption_that_was_cut_off(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, plan_id = await _prepared(database)
    office.policy(mode="shadow")
    points = Points(3)
    monkeypatch.setattr(store, "commit_hook", points)
    with pytest.raises(Crash):
        await office.apply(plan_id)
    monkeypatch.setattr(store, "commit_hook", None)
    office.clock.advance(seconds=1)
    (bill,) = (await office.plan()).plan.bills
    assert bill.errors == ("DELIVERY_UNSETTLED",)
    report = await office.apply("latest")
    ended = await _end(office, plan_id)
    assert report.delivery is not None
    assert report.delivery.delivered == 2
    assert {remote for remote, _ in ended["ledger"].values()} == {"88", "89"}
    with pytest.raises(ShadowMode):
        await office.apply("latest")


async def test_an_adoption_that_waits_is_told_as_one_in_shadow_too(database: Database) -> None:
    office, plan_id = await _prepared(database)
    found = await look(
        office.database, [], now=office.clock(), max_age=timedelta(hours=48), live=False
    )
    assert f"`syncd apply {plan_id}`: records are ready to be adopted" in found.next
