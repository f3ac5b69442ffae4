"""A thousand seeded storms of faults: every change ends exactly once in HaloPSA, or is refused.

The loop around `apply` is the one that delivery uses: an unknown outcome is looked up by its key,
and only what is proven absent is sent again.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import httpx
import pytest

from syncd.sdk.errors import AuthError, ConnectorError
from syncd.sdk.records import Delivered, KeyedChange, Outcome, Rejected, Unknown
from tests.builders_halopsa import ALPHA, BETA, GAMMA, Bench, Call, Fault, create, opened

RUNS, GROUPS = 1000, 20
ROUNDS = 40
POISON = "999"

_PAGE = httpx.Response(200, text="<html>sign in</html>")
_FULL = httpx.Response(429, text="Rate Limit Reached - 300 Requests per rolling 5 minute window")
WRITE_FAULTS: tuple[Fault, ...] = (
    "refuse",
    "lose",
    "lose_answer",
    httpx.Response(500),
    lambda _: httpx.Response(500),
    lambda _: httpx.Response(504),
    lambda answer: httpx.Response(201, content=answer.content[: len(answer.content) // 2]),
    lambda _: httpx.Response(201),
    lambda _: _PAGE,
    _PAGE,
    _FULL,
    httpx.Response(401),
)
READ_FAULTS: tuple[Fault, ...] = ("lose", httpx.Response(503), _FULL, httpx.Response(401))


class Storm:
    """Strikes calls at random, less and less, so that every run ends."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.left = self.random.randrange(1, 12)

    def __call__(self, call: Call) -> Fault:
        chance = 0.5 if call.method == "POST" else 0.2
        if not self.left or call.path.endswith("/token") or self.random.random() > chance:
            return None
        self.left -= 1
        return self.random.choice(WRITE_FAULTS if call.method == "POST" else READ_FAULTS)


async def delivered(bench: Bench, changes: list[KeyedChange]) -> dict[str, Outcome]:
    """Send, look up what is unknown, send again what is absent."""
    pending = {change.key: change for change in changes}
    final: dict[str, Outcome] = {}
    for _ in range(ROUNDS):
        unknown: list[str] = []
        try:
            outcomes = await bench.psa.apply(list(pending.values()))
        except AuthError:
            continue  # nothing of the call was saved
        for one in outcomes:
            if isinstance(one, Delivered | Rejected):
                final[one.key] = one
                del pending[one.key]
            elif isinstance(one, Unknown):
                unknown.append(one.key)
        while unknown:
            try:
                found = await bench.psa.find_many(unknown)
            except ConnectorError:  # a storm may also refuse two tokens in a row
                continue
            for key in unknown:
                assert len(found[key]) < 2, f"{key} is there twice"
                if found[key]:
                    final[key] = Delivered(key, found[key][0])
                    del pending[key]
            unknown = []
        if not pending:
            return final
    raise AssertionError(f"never settled: {sorted(pending)}")


async def one_run(seed: int) -> None:
    dice = random.Random(seed)
    options: dict[str, Any] = {
        "multi_answer": dice.choice(["object", "array", "empty"]),
        "partial_failure": dice.choice(["stop", "atomic", "skip"]),
        "search_fields": dice.choice([("name",), ("name", "product_sku")]),
        "quota_calls": 0,
    }
    size = dice.randrange(1, 9)
    poisoned = {f"syncd:k{n}" for n in range(size) if dice.random() < 0.15}
    changes = [
        create(
            f"syncd:k{n}",
            client=dice.choice([ALPHA, BETA, GAMMA]),
            supplier=POISON if f"syncd:k{n}" in poisoned else "301",
        )
        for n in range(size)
    ]
    async with opened(options, write_batch=dice.choice([1, 3, 20]), settle_seconds=0) as bench:
        bench.wire.breaker = Storm(seed)
        final = await delivered(bench, changes)
        rows = bench.sim.hand.subscriptions()
        held = Counter(
            row["product_sku"] for row in rows if row["product_sku"].startswith("syncd:")
        )
        assert held == Counter({change.key: 1 for change in changes if change.key not in poisoned})
        assert {key for key, one in final.items() if isinstance(one, Rejected)} == poisoned
        numbers = {row["product_sku"]: str(row["id"]) for row in rows}
        for key, one in final.items():
            assert isinstance(one, Rejected) or one.receipt.remote == numbers[key]  # type: ignore[union-attr]


@pytest.mark.parametrize("group", range(GROUPS))
async def test_no_fault_doubles_or_loses_a_subscription(group: int) -> None:
    for seed in range(group * RUNS // GROUPS, (group + 1) * RUNS // GROUPS):
        try:
            await one_run(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
