"""The HaloPSA connector keeps the rules of assets; the rules catch keepers that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from syncd_halopsa.asset_writer import AssetWriter
from syncd_halopsa.assets import AssetShape
from syncd_halopsa.client import HaloApi
from syncd_halopsa.config import SCOPE
from syncd_halopsa.connector import CONNECTOR
from syncd_halopsa.psa import HaloPsa
from syncd_halopsa.resources import ASSETS
from syncd_halopsa.sandbox import CLIENT_OFFSET, SANDBOX, SECRET

from syncd.sandbox.presets import fleet
from syncd.sdk.records import AssetChange, ChangeKind, Delivered, Receipt
from syncd.sdk.testing.assets import AssetConformance
from syncd.sdk.testing.faults import Application

START = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)


class HaloPsaAssetRules(AssetConformance):
    """Two clients in pages of two, one of which has assets that another integration made."""

    connector = CONNECTOR
    secrets = (SECRET,)
    token_path = "/auth/token$"
    write_path = "(?i)/Asset$"
    options: ClassVar[Mapping[str, Any]] = {}

    def vendor(self) -> Application:
        world = fleet(0, 2, start=START)
        options = {"extras": False, "quota_calls": 0, "page_cap": 2, **self.options}
        app: Any = SANDBOX.build(world, options)
        hand = app.state.simulator.hand
        for n in range(3):
            hand.add_asset(CLIENT_OFFSET + 1, f"Old {n}", assettype_id=108, ninjarmm_id=50 + n)
        return app  # type: ignore[no-any-return] # the simulator is typed loosely

    def config(self, base_url: str) -> Mapping[str, Any]:
        return {
            **SANDBOX.settings(base_url),
            "client_secret": SECRET,
            "scope": f"{SCOPE} edit:assets",
        }

    def creates(self) -> Sequence[AssetChange]:
        clients = (CLIENT_OFFSET + 1, CLIENT_OFFSET + 1, CLIENT_OFFSET + 2)
        return [self._new(f"syncd:a1b2c3d4:11:{n}", str(one)) for n, one in enumerate(clients)]

    def bad(self) -> AssetChange:
        return self._new("syncd:a1b2c3d4:11:x", "77")

    def other_type(self) -> str:
        return "105"

    def retype(self, vendor: Any, remote: str) -> None:
        vendor.state.simulator.hand.edit_asset(int(remote), assettype_id=105)

    def _new(self, key: str, client: str) -> AssetChange:
        return AssetChange(key, ChangeKind.CREATE, None, client, None, f"PC {key[-1]}", "101")


class TestHaloPsaAssets(HaloPsaAssetRules):
    """As shipped."""


class TestHaloPsaAssetsThatSaysLittle(HaloPsaAssetRules):
    """An instance that answers saves with nothing and shows ids as 12.0."""

    options: ClassVar[Mapping[str, Any]] = {"multi_answer": "empty", "ids_as_floats": True}


class TestHaloPsaAssetsAllOrNone(HaloPsaAssetRules):
    """An instance that saves an array as a whole or not at all."""

    options: ClassVar[Mapping[str, Any]] = {"multi_answer": "array", "partial_failure": "atomic"}


class TestHaloPsaAssetsThatSkips(HaloPsaAssetRules):
    """An instance that leaves bad elements out in silence."""

    options: ClassVar[Mapping[str, Any]] = {"partial_failure": "skip"}


def writes_types_always(patch: pytest.MonkeyPatch) -> None:
    whole = AssetShape.element

    def element(self: AssetShape, change: AssetChange) -> Any:
        found = {**whole(self, change), "assettype_id": 101}
        found.pop("_dontupdatetype", None)
        return found

    patch.setattr(AssetShape, "element", element)


def forgets_the_key(patch: pytest.MonkeyPatch) -> None:
    whole = AssetShape.element
    patch.setattr(
        AssetShape,
        "element",
        lambda self, change: {
            name: one
            for name, one in whole(self, change).items()
            if name != "third_party_id_string"
        },
    )


def believes_every_answer(patch: pytest.MonkeyPatch) -> None:
    async def apply(self: AssetWriter, changes: Sequence[AssetChange]) -> list[Any]:
        await self._send(list(changes))
        return [Delivered(one.key, Receipt(one.key, one.remote or "4001")) for one in changes]

    patch.setattr(AssetWriter, "apply", apply)


def lists_active_ones_only(patch: pytest.MonkeyPatch) -> None:
    async def assets(self: Any, *, clients: Any) -> Any:
        rows = await self._of_clients(ASSETS, clients)
        yield [self._shape.record(row) for row in rows if not row.inactive]

    patch.setattr(HaloPsa, "assets", assets)


def sends_twice(patch: pytest.MonkeyPatch) -> None:
    save = HaloApi.save_assets

    async def again(self: HaloApi, elements: Any) -> Any:
        await save(self, elements)
        return await save(self, elements)

    patch.setattr(HaloApi, "save_assets", again)


MUTANTS = {
    writes_types_always: "leaves_the_type",
    forgets_the_key: "found_by_it",
    believes_every_answer: "lost_answer",
    lists_active_ones_only: "still_listed",
    sends_twice: "stops_no_other",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_a_keeper_that_breaks_a_rule_is_caught_by_it(
    mutant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = HaloPsaAssetRules()
    (rule,) = [
        getattr(rules, name)
        for name in dir(rules)
        if name.startswith("test_") and MUTANTS[mutant] in name
    ]
    HaloPsaAssetRules.setup_class()
    try:
        rule()
        mutant(monkeypatch)
        with pytest.raises(AssertionError):
            rule()
    finally:
        HaloPsaAssetRules.teardown_class()
