"""Clients go live one by one: theirs are the only bills that are written, whatever is planned."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.core.service.applied import Fate
from syncd.core.service.csv_text import BadFile
from syncd.core.service.golive_asks import Ask, read_asks
from syncd.core.service.refusals import GoLiveRefused, PlanStale, ShadowMode
from syncd.core.service.sending import choose_send
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState, PlanKind
from tests.builders_flow import Crash
from tests.builders_golive import (
    COUNTS,
    back,
    book,
    choose,
    fates,
    live,
    shadow,
    tick,
    two_clients,
)
from tests.builders_month import DESKTOP, LONDON, NOVEMBER, Office


@pytest.fixture
async def office(database: Database) -> Office:
    return await two_clients(database)


async def test_in_a_mixed_month_only_live_clients_are_written(office: Office) -> None:
    await live(office, "1001")
    stored = await office.plan()
    assert fates(stored) == {"1001": PlanBillState.HELD, "1002": PlanBillState.SHADOW}
    assert await office.codes() == {"PLAN_HELD"}
    await office.release(stored.id)
    report = await office.apply(stored.id)
    assert {one.client: one.fate for one in report.bills} == {
        "1001": Fate.SENT,
        "1002": Fate.SHADOW,
    }
    assert report.exit_code == 0
    assert {one.client for one in office.psa.records.values()} == {"1001"}


async def test_an_error_of_a_client_in_shadow_is_told_and_fails_no_apply(office: Office) -> None:
    await live(office, "1001")
    await office.pull(COUNTS, at=office.month_end(NOVEMBER, days=20), unproven={"6"})
    office.clock.moment = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    await office.pull(COUNTS, at=office.month_end(NOVEMBER, hours=1), unproven={"6"})
    stored = await office.plan(NOVEMBER)
    assert fates(stored)["1002"] is PlanBillState.ERROR
    assert "SOURCE_INCOMPLETE" in await office.codes()
    await office.release(stored.id)
    report = await office.apply(stored.id)
    assert (report.exit_code, report.count(Fate.SENT), report.count(Fate.SHADOW)) == (0, 1, 1)


async def test_a_plan_without_a_live_client_is_refused_as_shadow(office: Office) -> None:
    await live(office, "1001")
    stored = await office.plan(clients=["1002"])
    with pytest.raises(ShadowMode) as refused:
        await office.apply(stored.id)
    assert "no client of plan" in str(refused.value)
    assert office.psa.calls["apply"] == 0


async def test_months_before_the_first_one_are_never_billed(office: Office) -> None:
    await live(office, "1001", period="2026-11")
    stored = await office.plan()
    assert fates(stored)["1001"] in {PlanBillState.FROZEN, PlanBillState.SHADOW}
    with pytest.raises(ShadowMode):
        await office.apply(stored.id)
    assert (await tick(office)).due == set()
    await office.month(NOVEMBER, COUNTS)
    assert (await tick(office)).due == {1}


async def test_a_later_billing_start_of_the_account_wins(office: Office) -> None:
    from tests.builders_life import choose as choose_account

    await live(office, "1001", period="2026-09")
    await choose_account(office, automatic=True, start="2026-11-01")
    assert (await tick(office)).due == set()


async def test_the_automatic_run_is_of_live_clients_and_shows_the_others(office: Office) -> None:
    await live(office, "1002")
    run = await tick(office)
    assert (set(run.due), set(run.shadow)) == ({2}, {1})
    stored = await office.plan(kind=PlanKind.AUTOMATIC, accounts=run.due | run.shadow)
    assert fates(stored) == {"1001": PlanBillState.SHADOW, "1002": PlanBillState.HELD}
    await office.release(stored.id)
    await office.apply(stored.id)
    assert {one.client for one in office.psa.records.values()} == {"1002"}
    assert (await tick(office)).due == set()


async def test_a_window_that_a_client_in_shadow_misses_is_no_issue(office: Office) -> None:
    await live(office, "1001")
    office.clock.moment = datetime(2026, 11, 6, 9, 0, tzinfo=UTC)
    run = await tick(office)
    assert set(run.missed) == {1}
    assert list(await office.issues()) == ["AUTO_WINDOW_MISSED source-eu/5"]


async def test_a_send_by_hand_leaves_clients_in_shadow_alone(office: Office) -> None:
    async def send() -> dict[tuple[str, str], str]:
        choice = await choose_send(
            office.database,
            rules=office.settings,
            timezone=LONDON,
            psa_connection=office.psa_connection,
            now=office.clock(),
        )
        return {(one.client, one.period): one.reason for one in choice.left}

    with pytest.raises(ShadowMode):
        await send()
    await live(office, "1001", period="2026-11")
    office.clock.moment = datetime(2026, 11, 6, 9, 0, tzinfo=UTC)
    left = await send()
    assert left["1001", "2026-10"] == "BEFORE_BILLING_START"
    assert left["1002", "2026-10"] == left["1002", "2026-11"] == "IN_SHADOW"


async def test_a_client_put_back_between_plan_and_apply_is_refused(office: Office) -> None:
    await live(office, "1001", "1002")
    stored = await office.plan()
    await office.release(stored.id)
    await back(office, "1001")
    with pytest.raises(PlanStale):
        await office.apply(stored.id)
    assert office.psa.calls["apply"] == 0
    again = await office.plan()
    assert fates(again) == {"1001": PlanBillState.SHADOW, "1002": PlanBillState.HELD}


async def test_the_queue_asks_again_who_is_live(office: Office) -> None:
    office.policy(mode="live")
    stored = await office.plan()
    await office.release(stored.id)
    await live(office, "1002")
    office.policy(mode="shadow")
    with pytest.raises(PlanStale):
        await office.apply(stored.id)
    office.policy(mode="live")
    stored = await office.plan()
    await office.release(stored.id)
    office.policy(mode="shadow")
    report = await office.apply(stored.id)
    assert {one.client: one.fate for one in report.bills} == {
        "1001": Fate.REFUSED,
        "1002": Fate.SENT,
    }
    assert "IN_SHADOW" in next(one.detail for one in report.bills if one.client == "1001")
    assert (await office.apply(stored.id, dry_run=True)).count(Fate.SHADOW) == 1


async def test_nobody_is_put_back_while_a_write_is_under_way(office: Office) -> None:
    await live(office, "1001", "1002")
    stored = await office.plan()
    await office.release(stored.id)

    def kill(point: str) -> None:
        if point == "apply:between":
            raise Crash

    office.psa.point = kill
    with pytest.raises(Crash):
        await office.apply(stored.id)
    office.psa.point = None
    with pytest.raises(GoLiveRefused) as refused:
        await back(office, "1001")
    assert "no certain end" in str(refused.value)
    assert "syncd apply latest" in refused.value.remedy
    await office.apply(stored.id)
    await back(office, "1001")
    assert not (await book(office)).is_live("1001", "2026-10")


async def test_who_waited_for_a_person_waits_no_more_once_put_back(office: Office) -> None:
    await live(office, "1001", "1002")
    await office.plan()
    assert "PLAN_HELD source-eu/5" in await office.issues()
    await back(office, "1001")
    assert list(await office.issues()) == ["PLAN_HELD source-eu/6"]


async def test_a_word_supersedes_the_one_before_and_both_are_kept(office: Office) -> None:
    before = office.clock()
    await live(office, "1001", reason="compared two months")
    office.clock.advance(hours=1)
    await back(office, "1001")
    now, then = await book(office), await book(office, as_of=before)
    assert (now.is_live("1001", "2026-10"), then.is_live("1001", "2026-10")) == (False, True)
    assert (now.words["1001"].reason, now.words["1001"].by) == ("a wrong price", "ann")
    assert then.words["1001"].reason == "compared two months"


async def test_in_live_mode_all_are_live_but_those_put_back(office: Office) -> None:
    office.policy(mode="live")
    await back(office, "1002")
    stored = await office.plan()
    assert fates(stored) == {"1001": PlanBillState.HELD, "1002": PlanBillState.SHADOW}
    assert set((await tick(office)).due) == {1}


async def test_every_bad_row_of_a_list_is_told_and_nothing_changes(office: Office) -> None:
    text = (
        "client,from,reason\n1001,2026-11,\n9999,2026-11,\nAcme Ltd,2026-11,\n5,2026-11,\n"
        "Glob,2026-11,\n1002,soon,\n"
    )
    asks = read_asks(text, "list.csv", period=None, reason="")
    with pytest.raises(BadFile) as bad:
        await choose(office, *asks, file="list.csv")
    assert [(one.line, one.column) for one in bad.value.problems] == [
        (3, "client"),
        (4, "client"),
        (5, "client"),
        (6, "client"),
        (7, "from"),
    ]
    reasons = [one.reason for one in bad.value.problems]
    assert "named twice" in reasons[1]
    assert "account of source-eu" in reasons[2]
    assert "1002 (Globex)" in bad.value.problems[3].remedy
    assert (await book(office)).words == {}


async def test_a_client_without_account_or_month_does_not_go_live(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    office.policy(mode="shadow")
    with pytest.raises(GoLiveRefused) as refused:
        await choose(office, Ask(client="1002", period="2026-11", reason=""))
    assert "no account is linked" in str(refused.value)
    with pytest.raises(GoLiveRefused):
        await choose(office, Ask(client="1001", period="", reason=""))


async def test_putting_back_needs_a_reason_and_somebody_live(office: Office) -> None:
    await live(office, "1001")
    for clients, reason in ((["1001"], " "), (["1002"], "x"), (["1001", "9999"], "x")):
        with pytest.raises(GoLiveRefused):
            await back(office, *clients, reason=reason)
    assert (await book(office)).is_live("1001", "2026-10")


async def test_saying_it_again_changes_nothing(office: Office) -> None:
    await live(office, "1001")
    stored = await office.plan()
    await live(office, "1001")
    await office.release(stored.id)
    assert (await office.apply(stored.id)).count(Fate.SENT) == 1


async def test_held_counts_of_the_whole_run_leave_shadow_out(office: Office) -> None:
    """A client in shadow that doubles moves no total of what is written."""
    await live(office, "1001")
    await office.bill()
    found = await shadow(office)
    assert [one.live_since for one in found.clients] == ["2026-10", ""]
    await office.month(NOVEMBER, {**COUNTS, "6": {DESKTOP.key: 400}})
    stored = await office.plan(NOVEMBER)
    assert fates(stored)["1001"] is PlanBillState.READY
