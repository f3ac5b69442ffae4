"""Saving when something breaks: a lost answer, a full quota, a cut key, a field not kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from syncd.sdk.errors import PermissionMissing
from syncd.sdk.records import (
    Delivered,
    NotSent,
    Rejected,
    Unknown,
)
from tests.builders_halopsa import (
    Breaker,
    Call,
    batch,
    by_key,
    create,
    opened,
    ours,
    settled,
)


def losing(nth_post: int, fault: Any) -> Breaker:
    """Break the n-th POST of subscriptions."""
    seen = [0]

    def breaker(call: Call) -> Any:
        if call.name != "POST /api/SoftwareLicence":
            return None
        seen[0] += 1
        return fault if seen[0] == nth_post else None

    return breaker


BAD_GATEWAY = httpx.Response(502, text="<html>bad gateway</html>")
LOST = ["lose", "lose_answer", BAD_GATEWAY, lambda _: BAD_GATEWAY]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_lost_answer_is_unknown_for_all_of_its_array_and_is_not_sent_again(
    nth: int, fault: Any
) -> None:
    async with opened(write_batch=2) as bench:
        await settled(bench)
        bench.wire.breaker = losing(nth, fault)
        outcomes = by_key(await bench.psa.apply(batch(6)))
        lost = {f"syncd:k{2 * nth - 2}", f"syncd:k{2 * nth - 1}"}
        assert {key for key, one in outcomes.items() if isinstance(one, Unknown)} == lost
        assert len(bench.wire.posts) == 3
        assert all(isinstance(one, Delivered) for key, one in outcomes.items() if key not in lost)


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_single_save_is_unknown_and_the_others_go_on(fault: Any) -> None:
    async with opened(write_batch=1) as bench:
        bench.wire.breaker = losing(2, fault)
        outcomes = await bench.psa.apply(batch(3))
        assert [type(one) for one in outcomes] == [Delivered, Unknown, Delivered]


async def test_members_of_a_failed_array_go_alone_the_next_time() -> None:
    async with opened(write_batch=6) as bench:
        await settled(bench)
        poison = b'"count":13,'

        def breaker(call: Call) -> Any:
            return (lambda _: httpx.Response(500)) if poison in call.body else None

        changes = batch(5)
        changes[2] = create("syncd:k2", quantity=13)
        bench.wire.breaker = breaker
        first = await bench.psa.apply(changes)
        assert all(isinstance(one, Unknown) for one in first)
        for row in bench.sim.hand.subscriptions():
            if row["product_sku"].startswith("syncd:k"):
                bench.sim.hand.delete(row["id"])  # as if the array had not been carried out
        second = by_key(await bench.psa.apply(changes))
        assert isinstance(second.pop("syncd:k2"), Unknown)
        assert all(isinstance(one, Delivered) for one in second.values())


async def test_an_accepted_save_with_an_unreadable_answer_is_read_back() -> None:
    async with opened() as bench:
        bench.wire.breaker = losing(1, lambda _: httpx.Response(200, text="<html>welcome</html>"))
        (outcome,) = await bench.psa.apply([create()])
        assert isinstance(outcome, Delivered)


async def test_a_web_page_in_place_of_a_save_is_unknown() -> None:
    async with opened() as bench:
        bench.wire.breaker = losing(1, httpx.Response(200, text="<html>sign in</html>"))
        (outcome,) = await bench.psa.apply([create()])
        assert isinstance(outcome, Unknown)
        assert len(bench.wire.posts) == 1


async def test_a_save_whose_read_back_fails_is_unknown() -> None:
    async with opened({"multi_answer": "empty"}) as bench:
        await bench.psa.apply([create("syncd:warm", asset_type="101")])

        def breaker(call: Call) -> Any:
            return httpx.Response(503) if call.method == "GET" else None

        bench.wire.breaker = breaker
        (outcome,) = await bench.psa.apply([create()])
        assert isinstance(outcome, Unknown)
        assert "read-back failed" in outcome.message


@pytest.mark.parametrize("size", [1, 4])
async def test_what_never_left_is_not_sent_and_nothing_else_is_tried(size: int) -> None:
    async with opened(write_batch=2) as bench:
        await settled(bench)

        def breaker(call: Call) -> Any:
            return "refuse" if call.method == "POST" else None

        bench.wire.breaker = breaker
        outcomes = await bench.psa.apply(batch(size))
        assert all(isinstance(one, NotSent) for one in outcomes)
        assert len({call.body for call in bench.wire.posts}) == 1
        assert ours(bench) == ["syncd:first"]


async def test_a_full_quota_pauses_for_the_window_and_then_goes_on() -> None:
    async with opened({"quota_calls": 20}) as bench:
        await settled(bench)
        bench.sim.quota.take(18)  # another integration of the tenant
        (outcome,) = await bench.psa.apply([create()])
        assert isinstance(outcome, Delivered)
        assert ours(bench) == sorted(["syncd:first", "syncd:a1b2c3d4:11:c1:l1"])
        assert 240 <= sum(bench.watch.waits) <= 301
        assert set(bench.watch.waits) == {60.0}


async def test_the_vendors_own_pause_is_honoured() -> None:
    async with opened({"quota_calls": 20, "retry_after": True}) as bench:
        await settled(bench)
        bench.sim.quota.take(18)
        (outcome,) = await bench.psa.apply([create()])
        assert isinstance(outcome, Delivered)
        assert len(bench.watch.waits) == 1


async def test_a_quota_that_stays_full_is_not_sent_with_the_pause() -> None:
    async with opened() as bench:
        await settled(bench)
        words = "Rate Limit Reached - 300 Requests per rolling 5 minute window"

        def breaker(call: Call) -> Any:
            return httpx.Response(429, text=words) if call.method == "POST" else None

        bench.wire.breaker = breaker
        bench.sim.hand.reset()
        (outcome,) = await bench.psa.apply([create(asset_type=None)])
        assert isinstance(outcome, NotSent)
        assert outcome.retry_after == 60
        assert words in outcome.message


async def test_a_missing_edit_right_stops_the_call_and_names_what_to_grant() -> None:
    rights = ("read:softwarelicensing", "read:assets", "read:suppliers", "read:customers")
    async with opened({"agent_rights": rights}) as bench:
        with pytest.raises(PermissionMissing) as caught:
            await bench.psa.apply(batch(3))
        assert "edit:softwarelicensing" in caught.value.remedy
        assert "login type" in caught.value.remedy
        assert len(bench.wire.posts) == 1
        assert ours(bench) == []


async def test_a_right_lost_on_the_way_leaves_the_rest_unsent() -> None:
    async with opened(write_batch=1) as bench:
        refused = httpx.Response(403, text="Forbidden")
        bench.wire.breaker = lambda call: refused if len(bench.wire.posts) > 1 else None
        outcomes = await bench.psa.apply(batch(4))
        assert [type(one) for one in outcomes] == [Delivered, NotSent, NotSent, NotSent]
        assert len(bench.wire.posts) == 2


async def test_an_expired_token_is_renewed_and_the_save_happens_once() -> None:
    async with opened() as bench:
        await settled(bench)
        bench.sim.hand.expire_tokens()
        (outcome,) = await bench.psa.apply([create()])
        assert isinstance(outcome, Delivered)
        assert ours(bench) == sorted(["syncd:first", "syncd:a1b2c3d4:11:c1:l1"])
        assert bench.sim.tokens.issued == 2


async def test_a_key_that_halopsa_cuts_stops_all_creates_after_one_record() -> None:
    async with opened({"truncate": True, "key_width": 12}) as bench:
        changes = [create(f"syncd:a1b2c3d4:11:c1:l{n}") for n in range(4)]
        outcomes = await bench.psa.apply(changes)
        assert {one.code for one in outcomes if isinstance(one, Rejected)} == {"KEY_NOT_KEPT"}
        assert len(outcomes) == 4
        assert ours(bench) == ["syncd:a1b2c3"]
        again = await bench.psa.apply([create("syncd:a1b2c3d4:11:c1:l9")])
        assert isinstance(again[0], Rejected)
        assert ours(bench) == ["syncd:a1b2c3"]


async def test_two_records_that_both_show_everything_are_still_two() -> None:
    async with opened({"multi_answer": "empty"}) as bench:
        await bench.psa.apply([create()])
        (outcome,) = await bench.psa.apply([create()])  # what the core never does
        assert isinstance(outcome, Unknown)
        assert "2 subscriptions with this key" in outcome.message


async def test_after_a_refused_array_halopsa_is_given_time_before_it_is_read() -> None:
    async with opened(settle_seconds=7) as bench:
        await settled(bench)
        changes = [*batch(2), create("syncd:bad", supplier="999")]
        await bench.psa.apply(changes)
        assert bench.watch.waits == [7]


async def test_a_longer_key_than_any_proven_one_goes_alone_first() -> None:
    async with opened({"multi_answer": "array"}) as bench:
        await settled(bench)
        longer = [create(f"syncd:a-longer-key-{n}") for n in range(3)]
        await bench.psa.apply(longer)
        assert [len(msgspec.json.decode(call.body)) for call in bench.wire.posts] == [1, 2]


@pytest.mark.parametrize("size", [1, 4])
async def test_a_field_that_halopsa_does_not_keep_is_told_by_name(size: int) -> None:
    async with opened() as bench:
        await settled(bench)

        def stubborn(answer: httpx.Response) -> httpx.Response:
            for row in bench.sim.state.licences.values():
                row["price"] = Decimal("14.99")
            return httpx.Response(201)

        bench.wire.breaker = lambda call: stubborn if call.method == "POST" else None
        outcomes = await bench.psa.apply(batch(size))
        assert len(outcomes) == size
        for one in outcomes:
            assert isinstance(one, Rejected)
            assert one.code == "READ_BACK_DIFFERS"
            assert one.message.endswith("other values in: price")


async def test_a_key_that_is_there_twice_is_never_delivered() -> None:
    async with opened({"multi_answer": "empty"}) as bench:
        bench.sim.hand.add(1001, "Twin", product_sku="syncd:k0")
        (outcome,) = await bench.psa.apply([create("syncd:k0")])
        assert isinstance(outcome, Unknown)
        assert "2 subscriptions with this key" in outcome.message


async def test_fields_that_cannot_be_held_are_refused_without_a_call() -> None:
    async with opened() as bench:
        outcomes = by_key(
            await bench.psa.apply([create("syncd:k0", name="x" * 600), create("syncd:k1")])
        )
        refused = outcomes["syncd:k0"]
        assert isinstance(refused, Rejected)
        assert refused.code == "FIELDS_UNUSABLE"
        assert isinstance(outcomes["syncd:k1"], Delivered)
        assert ours(bench) == ["syncd:k1"]


async def test_the_names_of_asset_types_are_read_once() -> None:
    async with opened() as bench:
        for n in range(3):
            await bench.psa.apply([create(f"syncd:k{n}")])
        assert bench.wire.names.count("GET /api/AssetType") == 1


async def test_no_name_is_read_where_no_asset_type_is_written() -> None:
    async with opened(asset_type_field="none") as bench:
        await bench.psa.apply([create()])
        assert bench.wire.names == ["POST /api/SoftwareLicence"]


async def test_a_key_twice_in_one_call_is_a_mistake_of_ours() -> None:
    async with opened() as bench:
        with pytest.raises(ValueError, match="two changes"):
            await bench.psa.apply([create(), create()])
        assert bench.wire.calls == []


async def test_nothing_to_save_makes_no_call() -> None:
    async with opened() as bench:
        assert await bench.psa.apply([]) == []
        assert bench.wire.calls == []
