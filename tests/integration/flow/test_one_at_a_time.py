"""One run at a time bills the accounts of a PSA, whichever process began it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from syncd.core.service.billing_runs import BillingDesk
from syncd.core.service.reckoning import Sources
from syncd.core.store.database import Database
from syncd.core.store.delivery_lock import BillingBusy, billing_turn, delivery_turn
from syncd.sdk.ports import Psa
from tests.builders_month import LONDON, OCTOBER, Office

CHILD = """
import asyncio, sys
from syncd.core.store.database import Database
from syncd.core.store.delivery_lock import billing_turn
async def hold():
    async with billing_turn(Database(sys.argv[1]), int(sys.argv[2]), wait_seconds=0):
        print("held", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
asyncio.run(hold())
"""


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


def desk_of(office: Office, wait_seconds: float = 0.0) -> BillingDesk:
    @asynccontextmanager
    async def open_psa() -> AsyncIterator[Psa]:
        yield office.psa

    return BillingDesk(
        database=office.database,
        open_psa=open_psa,
        psa_connection=office.psa_connection,
        clock=office.clock,
        log=office.log,
        node="here",
        wait_seconds=wait_seconds,
    )


async def plan(office: Office, desk: BillingDesk) -> str:
    stored = await desk.plan(
        rules=office.settings,
        timezone=LONDON,
        sources=Sources(active=office.active),
        period=OCTOBER,
    )
    return stored.id


@contextmanager
def another_process(office: Office) -> Iterator[subprocess.Popen[str]]:
    """A process that bills and does not end by itself."""
    url = office.database._target.sync_url.render_as_string(hide_password=False)
    arguments = [sys.executable, "-c", CHILD, url, str(office.psa_connection.id)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        try:
            yield child
        finally:
            child.kill()
            child.wait()


async def test_while_another_process_bills_nothing_is_planned_or_applied(office: Office) -> None:
    desk = desk_of(office)
    stored = await plan(office, desk)
    await office.release(stored)
    with another_process(office):
        with pytest.raises(BillingBusy, match="another syncd"):
            await plan(office, desk)
        with pytest.raises(BillingBusy):
            await desk.apply(stored, rules=office.settings)
        assert office.psa.records == {}
    report = await desk.apply(stored, rules=office.settings)
    assert report.delivered == 2, "the lock of a dead process is gone, and the plan still stands"


async def test_the_turn_to_deliver_is_another_one(office: Office) -> None:
    stored = await plan(office, desk_of(office))
    await office.release(stored)
    async with billing_turn(office.database, office.psa_connection.id, wait_seconds=0):
        async with delivery_turn(office.database, office.psa_connection.id, wait_seconds=0):
            pass
        report = await office.apply(stored)
    assert report.delivered == 2


async def test_who_waits_long_enough_gets_the_turn(office: Office) -> None:
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            await held.__aexit__(None, None, None)

    held = billing_turn(office.database, office.psa_connection.id, wait_seconds=0)
    await held.__aenter__()
    async with billing_turn(office.database, office.psa_connection.id, wait_seconds=9, sleep=sleep):
        assert len(waited) >= 3  # PostgreSQL frees a lock a moment after its session was closed
