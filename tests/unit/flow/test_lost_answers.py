"""Ten thousand lost answers: what is decided about a write never makes a second record of it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.core.service.endings import Ending, Endings
from syncd.core.service.lookup import look_up
from syncd.core.store.outbox import OutboxItem, OutboxState
from syncd.sdk.records import BatchLimit, KeyedChange
from tests.builders_flow import NOW, FakePsa, create, intent

FAULTS = ["lost_after", "lost_before", "not_sent", "refused", ""]
WEIGHTS = [50, 25, 10, 5, 10]


def _item(change: KeyedChange) -> OutboxItem:
    return OutboxItem(
        id=1,
        plan_id="2026-10-1",
        bill_key="b:5",
        psa_connection_id=1,
        account_id=1,
        line_uid="a",
        key=change.key,
        mode="average",
        intent=intent(change),
        content_hash="",
        state=OutboxState.SENDING,
        attempts=1,
        available_at=NOW,
        created_at=NOW,
        sent_at=NOW,
        code=None,
        detail="",
    )


async def _called(call):  # type: ignore[no-untyped-def]
    return await call


async def _decide(psa: FakePsa, dice: random.Random) -> Ending:
    """Send and look up until the write has an end, as delivery does, without a store."""
    item, absences = _item(create("a")), 0
    for _ in range(50):
        if item.state is OutboxState.SENDING:
            psa.faults = dice.choices(FAULTS, weights=WEIGHTS)
            (outcome,) = await psa.apply([item.change])
            endings = Endings(psa.clock(), psa.write_batch.settle_seconds)
            ending = endings.of_outcome(item, outcome)
        else:
            verdict = (await look_up([item], _called, psa))[item.id]
            endings = Endings(psa.clock(), psa.write_batch.settle_seconds)
            ending = endings.of_verdict(item, verdict, absences=absences)
            absences += ending.state is OutboxState.PENDING
        if ending.available_at is None:
            return ending
        psa.clock.moment = max(psa.clock(), ending.available_at)
        again = ending.state is OutboxState.PENDING
        item = replace(
            item,
            state=OutboxState.SENDING if again else OutboxState.UNKNOWN,
            attempts=item.attempts + again,
        )
    pytest.fail("the write never came to an end")


async def test_ten_thousand_lost_answers_make_no_duplicate_and_lose_nothing() -> None:
    ends: dict[OutboxState, int] = {}
    for seed in range(10_000):
        psa = FakePsa(write_batch=BatchLimit(size=1, settle_seconds=2.0))
        ending = await _decide(psa, random.Random(seed))
        ends[ending.state] = ends.get(ending.state, 0) + 1
        assert len(psa.records) == (ending.state is OutboxState.DELIVERED), f"seed {seed}"
        assert sum(psa.writes.values()) <= 1, f"seed {seed}"
    assert ends[OutboxState.DELIVERED] > 8_000
    assert ends[OutboxState.REJECTED] > 300
    assert ends[OutboxState.NEEDS_REVIEW] > 50


async def test_a_look_up_before_the_vendor_settled_would_make_a_duplicate() -> None:
    """The reason for `settle_seconds`: without the wait, this very machinery fails."""
    psa = FakePsa(write_batch=BatchLimit(size=1, settle_seconds=0.0), faults=["lost_after"])
    item = _item(create("a"))
    await psa.apply([item.change])
    verdict = (await look_up([item], _called, psa))[item.id]
    assert Endings(psa.clock(), 0.0).of_verdict(item, verdict, absences=0).state is (
        OutboxState.PENDING
    )
    psa.clock.advance(seconds=timedelta(seconds=2).total_seconds())
    settled = (await look_up([item], _called, psa))[item.id]
    assert Endings(psa.clock(), 2.0).of_verdict(item, settled, absences=0).state is (
        OutboxState.DELIVERED
    )
