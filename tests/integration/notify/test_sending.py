"""Messages on both databases: nothing is sent twice, nothing is lost, one issue says what fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from syncd.core.service import notice_sending
from syncd.core.service.notice_content import ClosingWindow, Reader
from syncd.core.service.notice_gathering import gather_notice
from syncd.core.service.notice_sending import ATTEMPTS, LOST_AFTER, send_waiting
from syncd.core.store.database import Database
from syncd.core.store.issues import IssueSeverity, close_issue, open_issue, open_issues
from syncd.core.store.notices import NoticeRow, NoticeState, move, recent_messages
from syncd.core.store.runs import RunStatus, finish_run, insert_run
from syncd.sdk.errors import AuthError, ConnectFailed, OutcomeUnknown, RequestRejected
from syncd.sdk.notices import NoticeKind
from tests.builders_notify import Bell, Clock, reader

Log = list[tuple[str, dict[str, Any]]]


class House:
    """A database, a clock, and what was logged."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.log: Log = []

    async def hold(self, client: str) -> None:
        async with self.database.writer() as conn:
            await open_issue(
                conn,
                "PLAN_HELD",
                f"rmm/{client}",
                connection="rmm",
                severity=IssueSeverity.WARNING,
                message=f"The bill of {client} waits.",
                remedy="See `syncd plans show 2026-11-1`.",
                evidence={"client": client, "plan": "2026-11-1", "rules": ["FIRST_BILL"]},
                now=self.clock(),
            )

    async def settle(self, client: str) -> None:
        async with self.database.writer() as conn:
            await close_issue(conn, "PLAN_HELD", f"rmm/{client}", self.clock())

    async def ran(self, number: int, status: RunStatus, code: str | None = None) -> None:
        name = f"2026120308000{number}-a"
        async with self.database.writer() as conn:
            await insert_run(
                conn,
                run_id=name,
                subject="billing",
                kind="bill",
                scheduled_for=self.clock() + timedelta(microseconds=number),
                started_at=self.clock(),
                node="n",
            )
            await finish_run(
                conn, name, status=status, finished_at=self.clock(), counts={}, error_code=code
            )

    async def gather(self, who: Reader | None = None, name: str = "ops", **more: Any) -> Any:
        return await gather_notice(self.database, name, who or reader(), now=self.clock(), **more)

    async def send(self, bell: Bell, **changes: Any) -> None:
        desk = bell.desk(**changes)
        await send_waiting(
            self.database, desk, clock=self.clock, log=lambda e, /, **f: self.log.append((e, f))
        )

    async def rows(self) -> list[NoticeRow]:
        async with self.database.reader() as conn:
            return await recent_messages(conn, 100)

    async def issues(self) -> dict[str, str]:
        async with self.database.reader() as conn:
            return {one.code: one.message for one in await open_issues(conn)}

    def events(self) -> list[str]:
        return [name for name, _ in self.log]


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def refuses(error: Exception) -> Callable[..., None]:
    def act(*_: object) -> None:
        raise error

    return act


async def test_a_held_bill_is_told_once_however_often_it_is_seen(house: House) -> None:
    bell = Bell()
    await house.hold("Acme")
    for _ in range(3):
        await house.gather()
        await house.send(bell)
        await house.hold("Acme")
        house.clock.move(hours=1)
    assert [one.title for one in bell.carried] == ["syncd: 1 held bill to release"]
    await house.settle("Acme")
    await house.hold("Acme")
    await house.gather()
    await house.send(bell)
    assert len(bell.carried) == 2


async def test_each_notifier_is_told_for_itself(house: House) -> None:
    await house.hold("Acme")
    assert await house.gather(name="ops") is not None
    assert await house.gather(name="chat") is not None
    assert await house.gather(name="ops") is None


async def test_a_failed_run_is_told_once(house: House) -> None:
    await house.ran(1, RunStatus.FAILED, "DEFECT")
    first = await house.gather()
    assert first is not None
    assert "bill of billing failed: DEFECT" in first.text
    assert await house.gather() is None
    await house.ran(2, RunStatus.SUCCEEDED)
    assert await house.gather() is None


async def test_a_run_of_before_the_first_look_is_not_told(house: House) -> None:
    await house.ran(1, RunStatus.FAILED, "DEFECT")
    house.clock.move(hours=1)
    assert await house.gather() is None


async def test_a_run_that_ended_while_nobody_looked_is_told_later(house: House) -> None:
    await house.ran(1, RunStatus.SUCCEEDED)
    await house.gather()
    await house.ran(2, RunStatus.FAILED, "DEFECT")  # the process died before it could be told
    house.clock.move(hours=5)
    assert await house.gather() is not None


async def test_a_kind_that_is_off_is_not_told_later_either(house: House) -> None:
    await house.hold("Acme")
    assert await house.gather(reader(NoticeKind.FAILED)) is None
    await house.ran(1, RunStatus.FAILED, "DEFECT")
    found = await house.gather(reader(NoticeKind.FAILED))
    assert found is not None
    assert "held" not in found.title


async def test_a_closing_window_is_told_once(house: House) -> None:
    left = ClosingWindow(
        period="2026-11", last_day=house.clock().date(), held=1, missing=0, clients=("Acme",)
    )

    async def window(*_: object) -> ClosingWindow:
        return left

    assert await house.gather(window=window) is not None
    assert await house.gather(window=window) is None


async def test_two_that_gather_at_once_make_one_message(house: House) -> None:
    await house.hold("Acme")
    found = await asyncio.gather(*(house.gather() for _ in range(4)))
    assert len([one for one in found if one is not None]) == 1
    assert len(await house.rows()) == 1


async def test_two_that_send_at_once_send_once(house: House) -> None:
    bell = Bell()
    await house.hold("Acme")
    await house.gather()
    await asyncio.gather(*(house.send(bell) for _ in range(4)))
    assert len(bell.carried) == 1


@pytest.mark.parametrize(
    "error",
    [
        ConnectFailed("no route"),
        AuthError("login refused", remedy="renew the password"),
        RequestRejected("404"),
    ],
)
async def test_what_surely_did_not_arrive_is_tried_again(house: House, error: Exception) -> None:
    bell = Bell(act=refuses(error))
    await house.hold("Acme")
    await house.gather()
    await house.send(bell)
    (row,) = await house.rows()
    assert (row.state, row.attempts, row.detail) == (NoticeState.PENDING, 1, str(error))
    assert "could not send a message" in (await house.issues())["NOTIFIER_FAILED"]
    bell.act = None
    await house.send(bell)
    assert bell.carried == []  # its pause is not over
    house.clock.move(minutes=1)
    await house.send(bell)
    assert len(bell.carried) == 1
    assert "NOTIFIER_FAILED" not in await house.issues()
    assert house.events().count("notice.sent") == 1


async def test_a_message_is_given_up_after_its_attempts_and_the_next_repeats_it(
    house: House,
) -> None:
    bell = Bell(act=refuses(ConnectFailed("no route")))
    await house.hold("Acme")
    await house.gather()
    for _ in range(ATTEMPTS + 3):
        await house.send(bell)
        house.clock.move(hours=1)
    (row,) = await house.rows()
    assert (row.state, row.attempts) == (NoticeState.FAILED, ATTEMPTS)
    bell.act = None
    await house.gather()
    await house.send(bell)
    assert bell.carried == []  # what is lost is no reason to write by itself
    await house.hold("Bolt")
    await house.gather()
    await house.send(bell)
    await house.settle("Bolt")
    await house.hold("Bolt")
    await house.gather()
    await house.send(bell)
    assert "may not have arrived" in bell.carried[0].text
    assert "… plan 2026-11-1: 1 bill held" in bell.carried[0].text
    assert "may not have arrived" not in bell.carried[1].text


async def test_what_may_have_arrived_is_never_sent_again(house: House) -> None:
    bell = Bell(act=refuses(OutcomeUnknown("no answer")))
    await house.hold("Acme")
    await house.gather()
    await house.send(bell)
    bell.act = None
    for _ in range(3):
        house.clock.move(hours=5)
        await house.gather()
        await house.send(bell)
    assert bell.carried == []
    (row,) = await house.rows()
    assert row.state is NoticeState.UNKNOWN
    assert "may not have arrived" in (await house.issues())["NOTIFIER_FAILED"]


async def test_a_process_that_died_while_sending_leaves_an_unknown_message(house: House) -> None:
    bell = Bell()
    await house.hold("Acme")
    await house.gather()
    (row,) = await house.rows()
    async with house.database.writer() as conn:
        await move(conn, row.id, NoticeState.PENDING, NoticeState.SENDING, house.clock())
    await house.send(bell)
    assert (await house.rows())[0].state is NoticeState.SENDING  # another process may be at it
    house.clock.now += LOST_AFTER
    await house.send(bell)
    assert (await house.rows())[0].state is NoticeState.UNKNOWN
    assert bell.carried == []
    assert "NOTIFIER_FAILED" in await house.issues()


async def test_a_process_that_died_before_sending_sends_after_its_start(house: House) -> None:
    await house.hold("Acme")
    await house.gather()
    bell = Bell()
    await house.send(bell)
    assert len(bell.carried) == 1


@pytest.mark.parametrize(
    ("begins", "state"), [(False, NoticeState.PENDING), (True, NoticeState.UNKNOWN)]
)
async def test_a_notifier_that_hangs_is_left_after_its_time(
    house: House, monkeypatch: pytest.MonkeyPatch, begins: bool, state: NoticeState
) -> None:
    monkeypatch.setattr(notice_sending, "SEND_SECONDS", 0.05)

    async def hang(_notice: object, begun: Callable[[], None]) -> None:
        if begins:
            begun()
        await asyncio.Event().wait()

    await house.hold("Acme")
    await house.gather()
    await house.send(Bell(act=hang))
    assert (await house.rows())[0].state is state
    assert "NOTIFIER_FAILED" in await house.issues()


@pytest.mark.parametrize(
    ("begins", "state"), [(False, NoticeState.PENDING), (True, NoticeState.UNKNOWN)]
)
async def test_a_stop_in_the_middle_says_how_the_message_stands(
    house: House, begins: bool, state: NoticeState
) -> None:
    reached = asyncio.Event()

    async def hang(_notice: object, begun: Callable[[], None]) -> None:
        if begins:
            begun()
        reached.set()
        await asyncio.Event().wait()

    await house.hold("Acme")
    await house.gather()
    task = asyncio.create_task(house.send(Bell(act=hang)))
    await reached.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert (await house.rows())[0].state is state


async def test_a_defect_of_a_plugin_is_told_without_its_words(house: House) -> None:
    await house.hold("Acme")
    await house.gather()
    await house.send(Bell(act=refuses(KeyError("client Acme, hunter2"))))
    (row,) = await house.rows()
    assert row.detail == "KeyError in the plugin"
    assert row.state is NoticeState.PENDING


async def test_no_secret_of_the_notifier_reaches_a_row_an_issue_or_a_line(house: House) -> None:
    secret = "https://hooks.test/T0/hunter2"
    bell = Bell(act=refuses(ConnectFailed(f"POST {secret} failed", remedy=f"look at {secret}")))
    await house.hold("Acme")
    await house.gather()
    await house.send(bell, secrets=(secret, "T0/hunter2"))
    async with house.database.reader() as conn:
        issues = await open_issues(conn)
    assert "hunter2" not in repr((house.log, issues, await house.rows()))


async def test_a_reader_of_counts_never_gets_what_was_meant_for_one_of_clients(
    house: House,
) -> None:
    bell = Bell(act=refuses(OutcomeUnknown("no answer")))
    await house.hold("Acme")
    await house.gather(reader(clients=True))
    await house.send(bell)
    await house.hold("Bolt")
    found = await house.gather(reader())  # the setting was changed in between
    assert found is not None
    assert "may not have arrived" in found.text
    assert "Acme" not in found.text


async def test_a_notifier_does_not_tell_that_it_fails_itself_but_the_others_do(
    house: House,
) -> None:
    bell = Bell(act=refuses(ConnectFailed("no route")))
    await house.hold("Acme")
    await house.gather(name="ops")
    await house.gather(name="chat")
    await house.send(bell)
    assert await house.gather(name="ops") is None
    found = await house.gather(name="chat")
    assert found is not None
    assert "NOTIFIER_FAILED" in found.text
