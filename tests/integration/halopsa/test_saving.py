"""Saving subscriptions over the simulator: each change is proven, refused, not sent or unknown."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from syncd.sdk.records import (
    Delivered,
    Rejected,
    Unknown,
)
from tests.builders_halopsa import (
    ALPHA,
    BETA,
    GAMMA,
    batch,
    by_key,
    create,
    opened,
    ours,
    settled,
    update,
)


@pytest.mark.parametrize("answers", ["object", "array", "empty"])
@pytest.mark.parametrize("size", [1, 2, 6])
async def test_every_create_is_delivered_with_a_receipt_whatever_the_answers_shape(
    answers: str, size: int
) -> None:
    async with opened({"multi_answer": answers}) as bench:
        outcomes = await bench.psa.apply(batch(size))
        assert ours(bench) == [f"syncd:k{n}" for n in range(size)]
        held = {row["product_sku"]: row for row in bench.sim.hand.subscriptions()}
        for one in outcomes:
            assert isinstance(one, Delivered)
            assert one.receipt.remote == str(held[one.key]["id"])
            assert one.receipt.record is not None
            assert one.receipt.record.unit_price == Decimal(15)


async def test_an_array_answered_with_all_records_needs_no_read_back() -> None:
    async with opened({"multi_answer": "array"}) as bench:
        await settled(bench)
        await bench.psa.apply(batch(6))
        assert bench.wire.names == ["POST /api/SoftwareLicence"]


async def test_an_array_answered_with_one_record_costs_one_read_per_client_left() -> None:
    async with opened() as bench:
        await settled(bench)
        await bench.psa.apply(batch(6))
        reads = [call.params["client_id"] for call in bench.wire.calls if call.method == "GET"]
        assert sorted(reads) == [ALPHA, BETA]  # the record of Gamma was the one answered
        assert len(bench.wire.posts) == 1


async def test_once_arrays_are_known_to_answer_little_only_crowded_clients_share_one() -> None:
    async with opened() as bench:
        await settled(bench)
        await bench.psa.apply(batch(2))
        bench.wire.calls.clear()
        spread = [create(f"syncd:s{n}", client=one) for n, one in enumerate((ALPHA, BETA, GAMMA))]
        await bench.psa.apply(spread)
        assert bench.wire.names == ["POST /api/SoftwareLicence"] * 3
        bench.wire.calls.clear()
        await bench.psa.apply([create(f"syncd:c{n}", client=ALPHA) for n in range(5)])
        assert len(bench.wire.names) == 2


async def test_writes_are_cut_into_arrays_of_the_set_size() -> None:
    async with opened({"multi_answer": "array"}, write_batch=3) as bench:
        await settled(bench)
        await bench.psa.apply(batch(6))
        assert [len(msgspec.json.decode(call.body)) for call in bench.wire.posts] == [3, 3]
        assert bench.psa.write_batch.size == 3


async def test_one_element_per_post_is_still_an_array() -> None:
    async with opened(write_batch=1) as bench:
        await bench.psa.apply(batch(3))
        assert [len(msgspec.json.decode(call.body)) for call in bench.wire.posts] == [1, 1, 1]


async def test_an_update_changes_what_we_own_and_nothing_else() -> None:
    async with opened() as bench:
        await bench.psa.apply([create()])
        number = max(row["id"] for row in bench.sim.hand.subscriptions())
        bench.sim.hand.edit(number, status="PendingCancel", vendor="by hand", autorenew=True)
        before = {row["id"]: row for row in bench.sim.hand.subscriptions()}
        (outcome,) = await bench.psa.apply(
            [update(str(number), quantity=9, unit_price=None, supplier=None, notes=None)]
        )
        assert isinstance(outcome, Delivered)
        after = {row["id"]: row for row in bench.sim.hand.subscriptions()}
        assert after.pop(number) == {**before.pop(number), "count": 9}
        assert after == before


async def test_an_update_without_a_change_leaves_no_trace_in_the_history() -> None:
    async with opened() as bench:
        (made,) = await bench.psa.apply([create()])
        assert isinstance(made, Delivered)
        history = len(bench.sim.state.changes)
        await bench.psa.apply([update(made.receipt.remote)])
        assert len(bench.sim.state.changes) == history
        await bench.psa.apply([update(made.receipt.remote, quantity=5)])
        assert [one["field_name"] for one in bench.sim.state.changes[history:]] == ["count"]


@pytest.mark.parametrize("mode", ["stop", "atomic", "skip"])
@pytest.mark.parametrize("answers", ["object", "array", "empty"])
@pytest.mark.parametrize("bad", range(6))
async def test_one_bad_element_never_blocks_nor_doubles_the_others(
    mode: str, answers: str, bad: int
) -> None:
    async with opened({"partial_failure": mode, "multi_answer": answers}) as bench:
        await settled(bench)
        changes = batch(6)
        poison = create(f"syncd:k{bad}", client=changes[bad].fields.client, supplier="999")
        changes[bad] = poison
        outcomes = by_key(await bench.psa.apply(changes))
        # A bad element that is skipped without a word cannot be told from one not shown yet.
        expected = Unknown if mode == "skip" else Rejected
        assert isinstance(outcomes.pop(poison.key), expected)
        assert all(isinstance(one, Delivered) for one in outcomes.values())
        assert ours(bench) == sorted(["syncd:first", *outcomes])


async def test_a_refusal_carries_the_vendors_words() -> None:
    async with opened() as bench:
        (outcome,) = await bench.psa.apply([create(supplier="999")])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "REFUSED_BY_PSA"
        assert "Supplier 999 does not exist" in outcome.message
        assert not outcome.gone


async def test_an_update_of_a_deleted_record_is_gone_and_makes_no_new_one() -> None:
    async with opened() as bench:
        (made,) = await bench.psa.apply([create()])
        assert isinstance(made, Delivered)
        bench.sim.hand.delete(int(made.receipt.remote))
        (outcome,) = await bench.psa.apply([update(made.receipt.remote)])
        assert isinstance(outcome, Rejected)
        assert outcome.gone
        assert ours(bench) == []


async def test_updates_of_deleted_records_in_an_array_are_gone_one_by_one() -> None:
    async with opened() as bench:
        made = await bench.psa.apply(batch(3))
        remotes = {one.key: one.receipt.remote for one in made if isinstance(one, Delivered)}
        bench.sim.hand.delete(int(remotes["syncd:k1"]))
        outcomes = by_key(
            await bench.psa.apply(
                [update(remotes[f"syncd:k{n}"], f"syncd:k{n}", quantity=8) for n in range(3)]
            )
        )
        gone = outcomes.pop("syncd:k1")
        assert isinstance(gone, Rejected)
        assert gone.gone
        assert all(isinstance(one, Delivered) for one in outcomes.values())
