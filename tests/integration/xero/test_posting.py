"""Invoices through the whole way of posting into the simulated Xero, while answers are lost.

Each seed scripts its own faults; afterwards each invoice has one document, and the PSA knows it.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from syncd_xero.sandbox import SANDBOX
from syncd_xero.sandbox.app import Simulator

from bench.post import PACKAGES, START, applied, made, opened, prepared
from syncd.core.store.database import Database
from syncd.sandbox.host import SandboxHost
from syncd.sandbox.presets import fleet
from syncd.sdk.testing.fakes import FakeStopwatch
from syncd.sdk.testing.faults import Action, Fault

COUNT = 60
BROKEN = (
    Fault(action=Action.CUT_AFTER),
    Fault(action=Action.CUT_BEFORE),
    Fault(action=Action.STATUS_AFTER, status=502),
    Fault(action=Action.STATUS_BEFORE, status=503),
    Fault(action=Action.STATUS_BEFORE, status=429, headers={"retry-after": "5"}),
    Fault(action=Action.TRUNCATE),
    Fault(action=Action.REPLACE),
)


def faults(chance: random.Random) -> list[Fault]:
    """Two to four broken calls among the first ones, writes and look-ups alike."""
    struck = sorted(chance.sample(range(1, 5), chance.randint(2, 4)))
    return [replace(chance.choice(BROKEN), path="/Invoices$", nth=n, count=1) for n in struck]


@pytest.mark.parametrize("seed", range(4))
async def test_each_invoice_has_one_document_whatever_is_lost(
    seed: int, sqlite_database: Database
) -> None:
    chance, watch, package = random.Random(seed), FakeStopwatch(), PACKAGES["xero"]
    connector, sandbox, token = package.load()
    assert sandbox is SANDBOX
    options = {"xero": {"monotonic": watch.monotonic, "search_lag": float(seed % 3)}}
    world = fleet(0, 1, start=START)
    with SandboxHost(world, [sandbox], options=options) as host, watch.running():
        hosted = host.simulators["xero"]
        simulator: Simulator = hosted.app.state.simulator  # type: ignore[attr-defined]
        async with opened(connector, sandbox, hosted, token, watch, settle_seconds=5) as ledger:
            psa, books = await prepared(sqlite_database, ledger, package, COUNT)
            keeper = made(COUNT)
            hosted.controlled.faults.replace(faults(chance))
            if seed % 2:
                simulator.hand.break_batch(chance.randint(1, 40))
            for _ in range(8):
                await applied(sqlite_database, ledger, psa, books, watch, keeper)
                if len(keeper.marks) == COUNT:
                    break
                if chance.random() < 0.5:
                    simulator.hand.forget_keys()
                await watch.sleep(600)
            assert len(keeper.marks) == COUNT, f"seed {seed}: {len(keeper.marks)} known to the PSA"
            assert hosted.controlled.faults.struck, f"seed {seed}: nothing was broken"
    documents = list(simulator.books.documents.values())
    numbers = {one.number for one in documents}
    assert (len(documents), len(numbers)) == (COUNT, COUNT), f"seed {seed}"
    totals = {one.number: one.total for one in keeper.invoices_by_key.values()}
    assert {one.number: one.total for one in documents} == totals, f"seed {seed}"
