"""Invoices through the whole way of posting into the simulated QuickBooks, while answers are lost.

Each seed scripts its own faults and its own company: one that forgets requests, that allows
duplicates, whose search lags. Afterwards each invoice has one document, and the PSA knows it.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from syncd_quickbooks.sandbox.app import Simulator

from bench.post import START, applied, made, opened, prepared
from bench.post_packages import PACKAGES
from syncd.core.store.database import Database
from syncd.sandbox.host import SandboxHost
from syncd.sandbox.presets import fleet
from syncd.sdk.errors import SyncdError
from syncd.sdk.testing.fakes import FakeStopwatch
from syncd.sdk.testing.faults import Action, Fault

COUNT = 35
SETTLE = 5
SEEDS = range(4)
BROKEN = (
    Fault(action=Action.CUT_AFTER),
    Fault(action=Action.CUT_BEFORE),
    Fault(action=Action.CUT_BODY),
    Fault(action=Action.STATUS_AFTER, status=504),
    Fault(action=Action.STATUS_BEFORE, status=503),
    Fault(action=Action.STATUS_BEFORE, status=429),
    Fault(action=Action.TRUNCATE),
    Fault(action=Action.REPLACE),
)


def company(chance: random.Random) -> dict[str, Any]:
    """What the company is like."""
    return {
        "replay": chance.choice(("on", "off")),
        "batch_replay": chance.choice(("whole", "items")),
        "replay_other": chance.choice(("same", "refuse")),
        "duplicates": chance.choice(("refused", "allowed")),
        "search_lag": float(chance.choice((0, 2))),
        "rotation": chance.choice(("at_once", "daily")),
        "throttled_items": chance.choice((0, 0, 7)),
        "casing": chance.choice(("upper", "both")),
    }


def faults(chance: random.Random) -> list[Fault]:
    """Some of the first calls are broken, writes and look-ups alike."""
    paths = {"/batch$": 3, "/query$": 2}
    return [
        replace(chance.choice(BROKEN), path=path, nth=n, count=1)
        for path, most in paths.items()
        for n in sorted(chance.sample(range(1, 5), chance.randint(1, most)))
    ]


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_invoice_has_one_document_whatever_is_lost(
    seed: int, sqlite_database: Database
) -> None:
    chance, watch, package = random.Random(seed), FakeStopwatch(), PACKAGES["quickbooks"]
    connector, sandbox, token = package.load()
    options = {"quickbooks": {"monotonic": watch.monotonic, **company(chance)}}
    world = fleet(0, 1, start=START)
    with SandboxHost(world, [sandbox], options=options) as host, watch.running():
        hosted = host.simulators["quickbooks"]
        simulator: Simulator = hosted.app.state.simulator  # type: ignore[attr-defined]
        async with opened(
            connector, sandbox, hosted, token, watch, settle_seconds=SETTLE
        ) as ledger:
            psa, books = await prepared(sqlite_database, ledger, package, COUNT)
            keeper = made(COUNT)
            hosted.controlled.faults.replace(faults(chance))
            for _ in range(10):
                with suppress(SyncdError):  # a command that fails is given again
                    await applied(sqlite_database, ledger, psa, books, watch, keeper)
                if len(keeper.marks) == COUNT:
                    break
                if chance.random() < 0.5:
                    simulator.hand.forget_requests()
                await watch.sleep(600)
            assert len(keeper.marks) == COUNT, f"seed {seed}: {len(keeper.marks)} known to the PSA"
            assert hosted.controlled.faults.struck, f"seed {seed}: nothing was broken"
    rows = simulator.hand.documents()
    totals = {one.number: one.total for one in keeper.invoices_by_key.values()}
    assert len(rows) == COUNT, f"seed {seed}"
    assert {row["DocNumber"]: row["TotalAmt"] for row in rows} == totals, f"seed {seed}"
