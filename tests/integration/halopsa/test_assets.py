"""Assets in HaloPSA: what is sent, what is shown, and what the simulated PSA counts of them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from syncd_halopsa.config import SCOPE
from syncd_halopsa.sandbox import seed
from syncd_halopsa.sandbox.quantities import quantity_of

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import AssetChange, ChangeKind, Delivered, Rejected, Unknown
from tests.builders_halopsa import ALPHA, BETA, Bench, Call, opened

EDIT = f"{SCOPE} edit:assets"


def new(key: str = "syncd:k1", **more: Any) -> AssetChange:
    values: dict[str, Any] = {
        "client": ALPHA,
        "site": None,
        "name": "PC-1",
        "asset_type": "101",
        **more,
    }
    return AssetChange(key=key, kind=ChangeKind.CREATE, remote=None, **values)


def change(remote: str, key: str = "syncd:k1", **more: Any) -> AssetChange:
    values: dict[str, Any] = {
        "client": ALPHA,
        "site": None,
        "name": None,
        "asset_type": None,
        **more,
    }
    return AssetChange(key=key, kind=ChangeKind.UPDATE, remote=remote, **values)


def posted(bench: Bench) -> list[dict[str, Any]]:
    return [
        element
        for call in bench.wire.calls
        if call.name == "POST /api/Asset"
        for element in json.loads(call.body)
    ]


async def made(bench: Bench, one: AssetChange) -> str:
    (outcome,) = await bench.psa.apply_assets([one])
    assert isinstance(outcome, Delivered)
    return outcome.receipt.remote


async def test_an_update_sends_what_changes_and_says_that_the_type_stays() -> None:
    async with opened(scope=EDIT) as bench:
        remote = await made(bench, new())
        first = posted(bench)[0]
        assert first["third_party_id_string"] == "syncd:k1"
        assert (first["assettype_id"], "_dontupdatetype" in first) == (101, False)
        bench.wire.calls.clear()
        await bench.psa.apply_assets([change(remote, active=False)])
        assert posted(bench) == [
            {
                "_dontaddnewfields": True,
                "_dontupdatetype": True,
                "id": int(remote),
                "inactive": True,
            }
        ]


async def test_the_fields_of_key_and_name_are_settings() -> None:
    async with opened(scope=EDIT, asset_key_field="key_field2", asset_name_field="key_field") as at:
        await made(at, new())
        (row,) = at.sim.hand.assets()
        assert (row["key_field2"], row["key_field"]) == ("syncd:k1", "PC-1")
        (found,) = (await at.psa.find_assets(["syncd:k1"]))["syncd:k1"]
        assert (found.name, found.marker) == ("PC-1", "syncd:k1")


async def test_ids_of_other_integrations_are_shown_and_never_written() -> None:
    async with opened(scope=EDIT) as bench:
        number = bench.sim.hand.add_asset(int(ALPHA), "Old", assettype_id=108, ninjarmm_id=77)
        ((asset,),) = [batch async for batch in bench.psa.assets(clients=[ALPHA])]
        assert (asset.key, asset.foreign_ids) == (str(number), {"ninjaone": "77"})
        assert (asset.site, asset.marker) == (None, None)
        await bench.psa.apply_assets([change(str(number), active=False)])
        (row,) = bench.sim.hand.assets()
        assert (row["ninjarmm_id"], row["third_party_id_string"], row["inactive"]) == (77, "", True)


async def test_a_list_that_leaves_our_key_out_proves_nothing() -> None:
    async with opened(scope=EDIT) as bench:
        bench.sim.hand.add_asset(int(ALPHA), "Old", assettype_id=108)

        def without_key(answer: httpx.Response) -> httpx.Response:
            body = answer.json()
            for row in body.get("assets", ()):
                del row["third_party_id_string"]
            return httpx.Response(answer.status_code, json=body)

        def cut(call: Call) -> Any:
            return without_key if call.name == "GET /api/Asset" else None

        bench.wire.breaker = cut
        with pytest.raises(ProtocolError, match="third_party_id_string") as refused:
            await bench.psa.find_assets(["syncd:k1"])
        assert "asset_key_field" in refused.value.remedy


async def test_the_client_follows_from_the_site() -> None:
    async with opened(scope=EDIT) as bench:
        site = next(
            row for row in bench.sim.state.tables["site"].values() if row["client_id"] == int(BETA)
        )
        remote = await made(bench, new())
        (outcome,) = await bench.psa.apply_assets(
            [change(remote, client=BETA, site=str(site["id"]))]
        )
        assert isinstance(outcome, Delivered)
        (row,) = bench.sim.hand.assets()
        assert (row["client_id"], row["site_id"]) == (int(BETA), site["id"])


async def test_an_asset_that_is_gone_is_told() -> None:
    async with opened(scope=EDIT) as bench:
        remote = await made(bench, new())
        bench.sim.hand.delete_asset(int(remote))
        (outcome,) = await bench.psa.apply_assets([change(remote, active=False)])
        assert isinstance(outcome, Rejected)
        assert (outcome.code, outcome.gone) == ("ASSET_GONE", True)


async def test_two_assets_with_one_key_are_never_taken_for_done() -> None:
    async with opened(scope=EDIT) as bench:
        bench.sim.hand.add_asset(
            int(ALPHA), "Copy", assettype_id=101, third_party_id_string="syncd:k1"
        )
        bench.wire.breaker = lambda call: "lose_answer" if call.method == "POST" and (
            call.path == "/api/Asset"
        ) else None  # fmt: skip
        (outcome,) = await bench.psa.apply_assets([new()])
        assert isinstance(outcome, Unknown)
        bench.wire.breaker = None
        assert len((await bench.psa.find_assets(["syncd:k1"]))["syncd:k1"]) == 2


async def test_a_recurring_line_counts_active_assets_of_its_type_and_site() -> None:
    async with opened(scope=EDIT) as bench:
        state, hand = bench.sim.state, bench.sim.hand
        counted = {**seed.source(0, 0), "type_id": 101}
        number = hand.add_line(int(ALPHA), "Desks", quantity_assets=[counted])

        def quantity() -> int:
            lines = [one for inv in hand.recurring(client=int(ALPHA)) for one in inv["lines"]]
            line = next(one for one in lines if one["id"] == number)
            return int(quantity_of(state, int(ALPHA), line))

        remote = await made(bench, new())
        await made(bench, new("syncd:k2", name="SRV", asset_type="102"))
        assert quantity() == 1
        await bench.psa.apply_assets([change(remote, active=False)])
        assert quantity() == 0
        (found,) = [
            one
            async for lines in bench.psa.recurring_lines(clients=[ALPHA])
            for one in lines
            if one.key == str(number)
        ]
        (source,) = found.sources
        assert (source.kind, source.asset_type, source.site) == ("assets", "101", None)


async def test_the_trial_of_assets_names_what_is_missing() -> None:
    async with opened() as bench:
        result = await bench.psa.check_assets()
        assert not result.ok
        assert "edit:assets" in (result.error or "")
        assert (await bench.psa.check()).ok
    async with opened(scope=EDIT) as bench:
        assert (await bench.psa.check_assets()).ok
    lacking = ("read:customers", "edit:assets")
    async with opened({"agent_rights": lacking}, scope=EDIT) as bench:
        result = await bench.psa.check_assets()
        assert not result.ok
        assert "read:assets" in (result.error or "")
