"""Adopting records that were made by hand in HaloPSA: our key is written, all else stays."""

from __future__ import annotations

import pytest

from syncd.sdk.records import Delivered, KeyedChange, Rejected
from tests.builders_halopsa import ALPHA, BETA, Bench, adopt, opened, ours, settled


def _by_hand(bench: Bench, count: int) -> list[KeyedChange]:
    """Records of two clients, and the adoption of each."""
    changes = []
    for n in range(count):
        client = (ALPHA, BETA)[n % 2]
        number = bench.sim.hand.add(int(client), f"By hand {n}", count=n + 3, price=7.5)
        changes.append(adopt(str(number), f"syncd:k{n}", client=client))
    return changes


def _rows(bench: Bench) -> dict[str, dict[str, object]]:
    rows = {str(row["id"]): dict(row) for row in bench.sim.hand.subscriptions()}
    for row in rows.values():
        del row["product_sku"]
    return rows


@pytest.mark.parametrize("answers", ["object", "array", "empty"])
@pytest.mark.parametrize("size", [1, 2, 5])
async def test_only_our_key_is_written_whatever_the_answers_shape(answers: str, size: int) -> None:
    async with opened({"multi_answer": answers}) as bench:
        changes = _by_hand(bench, size)
        before = _rows(bench)
        outcomes = await bench.psa.apply(changes)
        assert all(isinstance(one, Delivered) for one in outcomes), outcomes
        assert _rows(bench) == before
        assert ours(bench) == [f"syncd:k{n}" for n in range(size)]
        held = {str(row["id"]): row["product_sku"] for row in bench.sim.hand.subscriptions()}
        assert [held[change.remote or ""] for change in changes] == [one.key for one in changes]


async def test_an_adoption_asks_for_no_asset_types() -> None:
    async with opened() as bench:
        changes = _by_hand(bench, 1)
        await bench.psa.apply(changes)
        assert "GET /api/AssetType" not in bench.wire.names


async def test_a_record_that_was_deleted_is_gone_and_no_new_one_is_made() -> None:
    async with opened() as bench:
        await settled(bench)
        changes = _by_hand(bench, 3)
        bench.sim.hand.delete(int(changes[1].remote or ""))
        outcomes = {one.key: one for one in await bench.psa.apply(changes)}
        gone = outcomes["syncd:k1"]
        assert isinstance(gone, Rejected)
        assert gone.gone
        assert isinstance(outcomes["syncd:k0"], Delivered)
        assert isinstance(outcomes["syncd:k2"], Delivered)
        assert ours(bench) == ["syncd:first", "syncd:k0", "syncd:k2"]


async def test_a_key_that_halopsa_cuts_is_tried_on_one_record_only() -> None:
    async with opened({"truncate": True, "key_width": 12}) as bench:
        changes = [
            adopt(one.remote or "", f"syncd:a1b2c3d4:11:c1:l{n}", client=one.fields.client)
            for n, one in enumerate(_by_hand(bench, 4))
        ]
        outcomes = await bench.psa.apply(changes)
        assert {one.code for one in outcomes if isinstance(one, Rejected)} == {"KEY_NOT_KEPT"}
        assert len(outcomes) == 4
        assert ours(bench) == ["syncd:a1b2c3"]


async def test_the_article_number_of_a_record_is_read_until_our_key_stands_there() -> None:
    async with opened() as bench:
        (change,) = _by_hand(bench, 1)
        bench.sim.hand.edit(int(change.remote or ""), product_sku="WS-01")
        remote = change.remote or ""
        before = (await bench.psa.read_many([remote]))[remote]
        assert (before.sku, before.marker) == ("WS-01", "WS-01")
        await bench.psa.apply([change])
        after = (await bench.psa.read_many([remote]))[remote]
        assert (after.sku, after.marker) == (None, "syncd:k0")
