"""Reading HaloPSA over the simulator: whole lists in few calls, whatever the server grants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import pytest

from syncd.sdk.connector import RateLimit
from syncd.sdk.errors import PermissionMissing, ProtocolError, VendorUnavailable
from syncd.sdk.records import Delivered
from tests.builders_halopsa import ALPHA, BETA, GAMMA, Bench, Call, create, opened

T = TypeVar("T")


async def every(batches: AsyncIterator[Sequence[T]]) -> list[T]:
    return [one async for batch in batches for one in batch]


def many(bench: Bench, rows: int, *, client: int = 1001) -> list[int]:
    """Subscriptions made by hand with keys of ours."""
    return [bench.sim.hand.add(client, f"Row {n}", product_sku=f"syncd:m{n}") for n in range(rows)]


async def test_clients_come_with_main_site_and_without_inactive_ones() -> None:
    async with opened() as bench:
        clients = {one.key: one for one in await every(bench.psa.clients())}
        assert set(clients) == {"901", ALPHA, BETA, GAMMA}
        assert clients[ALPHA].main_site == "20010"
        assert clients["901"].name == clients[ALPHA].name  # two clients may share a name


async def test_inactive_clients_come_when_asked_for() -> None:
    async with opened(include_inactive_clients=True) as bench:
        closed = {one.key: one for one in await every(bench.psa.clients())}["902"]
        assert not closed.active


async def test_sites_name_their_client_although_it_arrives_as_a_double() -> None:
    async with opened() as bench:
        sites = {one.key: one for one in await every(bench.psa.sites())}
        assert sites["20020"].client == BETA


async def test_asset_types_and_suppliers_are_read() -> None:
    async with opened() as bench:
        types = {one.key: one.name for one in await every(bench.psa.asset_types())}
        suppliers = {one.key: one.name for one in await every(bench.psa.suppliers())}
        assert types["102"] == "Server"
        assert suppliers["301"] == "NinjaOne"


async def test_ids_that_look_like_floats_are_the_same_ids() -> None:
    async with opened({"ids_as_floats": True}) as bench:
        await bench.psa.apply([create()])
        keys = [one.key for one in await every(bench.psa.clients())]
        assert ALPHA in keys
        found = await bench.psa.find_many(["syncd:a1b2c3d4:11:c1:l1"])
        assert found["syncd:a1b2c3d4:11:c1:l1"][0].remote.isdecimal()


async def test_subscriptions_include_inactive_ones_and_leave_out_licences() -> None:
    async with opened() as bench:
        records = {one.key: one for one in await every(_all(bench))}
        assert set(records) == {"501", "502", "503"}
        assert records["501"].foreign_writer == "Pax8"
        assert records["502"].foreign_writer is None
        assert not records["503"].active


def _all(bench: Bench, clients: list[str] | None = None) -> AsyncIterator[Sequence[Any]]:
    return bench.psa.subscriptions(clients=clients, period=None)


@pytest.mark.parametrize("cap", [7, 100])
async def test_a_long_list_is_whole_in_the_fewest_calls_at_the_granted_size(cap: int) -> None:
    async with opened({"page_cap": cap}, page_size=1000) as bench:
        made = many(bench, 250)
        records = await every(_all(bench))
        assert len(records) == 250 + 3
        assert {str(one) for one in made} <= {one.key for one in records}
        assert len(bench.wire.names) == -(-253 // cap)


async def test_one_client_is_read_alone() -> None:
    async with opened() as bench:
        many(bench, 250, client=1002)
        assert {one.key for one in await every(_all(bench, [ALPHA]))} == {"501", "503"}
        assert len(bench.wire.names) == 1


async def test_some_clients_are_read_by_the_way_with_fewer_calls() -> None:
    async with opened() as bench:
        few = await every(_all(bench, [ALPHA, BETA, GAMMA]))
        assert len(few) == 3
        assert len(bench.wire.names) == 1  # one page holds everything
        many(bench, 900, client=1003)
        bench.wire.calls.clear()
        assert len(await every(_all(bench, [ALPHA, BETA]))) == 3
        assert len(bench.wire.names) == 3  # a look at page 1 of 10, then one call for each


async def test_rows_of_other_clients_are_left_out_of_a_sweep() -> None:
    async with opened() as bench:
        assert {one.key for one in await every(_all(bench, [ALPHA, GAMMA]))} == {"501", "503"}


async def test_a_server_that_ignores_a_filter_is_filtered_here() -> None:
    async with opened() as bench:
        rows = [
            {"id": 1, "count": 1, "client_id": 1001, "type": 1},
            {"id": 2, "count": 1, "client_id": 1002, "type": 1},
            {"id": 3, "count": 1, "client_id": 1001, "type": 0},
        ]
        everything = httpx.Response(200, json={"record_count": 3, "licences": rows})
        bench.wire.breaker = lambda call: everything if "Licence" in call.path else None
        assert [one.key for one in await every(_all(bench, [ALPHA]))] == ["1"]


async def test_no_client_means_no_rows() -> None:
    async with opened() as bench:
        assert await every(_all(bench, [])) == []
        assert bench.wire.names == []


@pytest.mark.parametrize("mode", ["full", "bare", "none"])
async def test_recurring_lines_name_their_subscriptions_whatever_a_list_shows(mode: str) -> None:
    async with opened({"list_lines": mode}) as bench:
        lines = {one.key: one for one in await every(bench.psa.recurring_lines(clients=None))}
        assert lines["24011"].subscriptions == ("501",)
        assert lines["24011"].price_from_subscription
        assert lines["24011"].prorated
        assert lines["24022"].counts_other
        assert lines["24010"].unit_price == Decimal(250)
        assert lines["24010"].invoice == "-11"
        assert lines["24010"].invoice_name == "REC-0001"
        assert len(bench.wire.names) == (1 if mode == "full" else 4)


async def test_when_a_single_invoice_shows_no_more_the_others_are_not_asked_for() -> None:
    async with opened({"list_lines": "bare"}) as bench:

        def old_version(answer: httpx.Response) -> httpx.Response:
            text = answer.text.replace("quantity_subscriptions", "quantity_unknown")
            return httpx.Response(200, text=text)

        bench.wire.breaker = lambda call: old_version if "/token" not in call.path else None
        lines = await every(bench.psa.recurring_lines(clients=None))
        assert len(lines) == 5
        assert len(bench.wire.names) == 2


async def test_a_new_link_by_hand_shows_on_the_line() -> None:
    async with opened() as bench:
        (made,) = await bench.psa.apply([create()])
        assert isinstance(made, Delivered)
        number = bench.sim.hand.link(int(made.receipt.remote))
        lines = {one.key: one for one in await every(bench.psa.recurring_lines(clients=[ALPHA]))}
        assert lines[str(number)].subscriptions == (made.receipt.remote,)


async def test_few_keys_are_searched_and_many_are_swept() -> None:
    async with opened() as bench:
        many(bench, 20)
        await bench.psa.find_many(["syncd:m1"])  # compares the search with the whole list
        bench.wire.calls.clear()
        found = await bench.psa.find_many(["syncd:m1", "syncd:m2"])
        assert [len(one) for one in found.values()] == [1, 1]
        assert all("search" in call.params for call in bench.wire.calls if call.method == "GET")
        bench.wire.calls.clear()
        found = await bench.psa.find_many([f"syncd:m{n}" for n in range(15)])
        assert all(len(one) == 1 for one in found.values())
        assert bench.wire.names == ["GET /api/SoftwareLicence"]


async def test_a_search_that_covers_the_wrong_fields_never_proves_absence() -> None:
    async with opened({"search_fields": ("name",)}) as bench:
        many(bench, 3)
        found = await bench.psa.find_many(["syncd:m1"])
        assert len(found["syncd:m1"]) == 1
        bench.wire.calls.clear()
        await bench.psa.find_many(["syncd:m2"])
        assert not any("search" in call.params for call in bench.wire.calls)  # it has learned


async def test_a_search_that_finds_one_record_is_no_proof_that_it_is_the_only_one() -> None:
    async with opened({"search_fields": ("name",)}) as bench:
        bench.sim.hand.add(1001, "syncd:d", product_sku="syncd:d")
        bench.sim.hand.add(1002, "the second", product_sku="syncd:d")
        found = await bench.psa.find_many(["syncd:d"])
        assert len(found["syncd:d"]) == 2


async def test_an_absent_key_is_proven_absent_by_the_whole_list() -> None:
    async with opened() as bench:
        many(bench, 150)
        assert await bench.psa.find_many(["syncd:absent"]) == {"syncd:absent": []}
        swept = [call for call in bench.wire.calls if "search" not in call.params]
        assert [call.params["page_no"] for call in swept if call.method == "GET"] == ["1", "2"]


async def test_only_the_exact_key_is_found() -> None:
    async with opened() as bench:
        bench.sim.hand.add(1001, "a", product_sku="syncd:m10")
        bench.sim.hand.add(1001, "syncd:m1", product_sku="other")
        bench.sim.hand.add(1001, "c", product_sku="SYNCD:M1")
        assert await bench.psa.find_many(["syncd:m1"]) == {"syncd:m1": []}


async def test_a_key_that_is_there_twice_gives_both_receipts() -> None:
    async with opened() as bench:
        bench.sim.hand.add(1001, "a", product_sku="syncd:d")
        bench.sim.hand.add(1002, "b", product_sku="syncd:d", is_active=False)
        found = await bench.psa.find_many(["syncd:d"])
        assert len(found["syncd:d"]) == 2
        assert {one.record.active for one in found["syncd:d"] if one.record} == {True, False}


async def test_a_long_key_is_a_hash_in_halopsa_and_is_found_by_the_whole_key() -> None:
    long = "syncd:a1b2c3d4:" + "account-with-a-long-name:" * 3 + "l1"
    async with opened() as bench:
        marker = bench.psa.marker(long)
        assert len(marker) == 38
        assert marker.startswith("syncd-")
        await bench.psa.apply([create(long)])
        assert any(row["product_sku"] == marker for row in bench.sim.hand.subscriptions())
        found = await bench.psa.find_many([long])
        assert found[long][0].key == long
        assert bench.psa.marker("syncd:short") == "syncd:short"


async def test_no_keys_make_no_call() -> None:
    async with opened() as bench:
        assert await bench.psa.find_many([]) == {}
        assert await bench.psa.read_many([]) == {}
        assert bench.wire.calls == []


async def test_records_are_read_by_id_and_a_deleted_one_is_absent() -> None:
    async with opened() as bench:
        made = many(bench, 3)
        bench.sim.hand.delete(made[1])
        found = await bench.psa.read_many([str(one) for one in made])
        assert set(found) == {str(made[0]), str(made[2])}
        assert len(bench.wire.names) == 3


async def test_what_is_no_number_is_no_id_of_a_record_and_makes_no_call() -> None:
    async with opened() as bench:
        assert await bench.psa.read_many(["abc", "12x", "--1", "\u0663"]) == {}
        assert bench.wire.calls == []


async def test_many_records_are_read_in_one_sweep_and_what_it_lacks_is_asked_for() -> None:
    async with opened() as bench:
        made = many(bench, 150)
        bench.sim.hand.delete(made[7])
        bench.sim.hand.edit(made[8], type=0)  # no longer in the list of subscriptions
        found = await bench.psa.read_many([str(one) for one in made])
        assert set(found) == {str(one) for one in made if one != made[7]}
        assert len(bench.wire.names) == 2 + 2


async def test_few_records_of_a_long_list_are_read_one_by_one() -> None:
    async with opened({"page_cap": 10}) as bench:
        made = many(bench, 150)
        await bench.psa.read_many([str(one) for one in made[:8]])
        assert len(bench.wire.names) == 1 + 8


async def test_an_empty_list_that_declares_rows_is_refused() -> None:
    async with opened() as bench:
        empty = httpx.Response(200, json={"record_count": 3, "licences": []})
        bench.wire.breaker = lambda call: empty if "Licence" in call.path else None
        with pytest.raises(ProtocolError, match="3 rows declared, 0 read"):
            await bench.psa.find_many(["syncd:a"])


async def test_a_missing_right_names_scope_login_type_and_right() -> None:
    async with opened({"agent_rights": ("read:customers",)}) as bench:
        with pytest.raises(PermissionMissing) as caught:
            await every(_all(bench))
        assert "read:softwarelicensing" in caught.value.remedy
        assert "login type must be Agent" in caught.value.remedy
        assert "Software Licensing" in caught.value.remedy


async def test_the_quota_is_kept_without_pacing_a_small_job() -> None:
    limits = RateLimit(calls=10, window_seconds=300.0, concurrency=5)
    async with opened({"quota_calls": 10}, limits=limits) as bench:
        for _ in range(10):
            await every(bench.psa.asset_types())
        assert bench.watch.waits == []
        await every(bench.psa.asset_types())
        assert sum(bench.watch.waits) == pytest.approx(300, abs=1)
        assert not bench.log.named("request.retried")


async def test_one_failed_call_of_several_ends_the_others() -> None:
    async with opened() as bench:
        many(bench, 3)

        def breaker(call: Call) -> Any:
            return httpx.Response(503) if call.params.get("search") == "syncd:m1" else None

        bench.wire.breaker = breaker
        with pytest.raises(VendorUnavailable):
            await bench.psa.find_many([f"syncd:m{n}" for n in range(3)])


async def test_the_asset_type_field_is_named_for_the_plan() -> None:
    async with opened(asset_type_field="manufacturer") as bench:
        assert bench.psa.asset_type_field == "manufacturer"
