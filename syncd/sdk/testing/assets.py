"""The rules of a connector that keeps assets: found by key, never doubled, types left alone.

A PSA counts its assets by itself, so that one too many is an invoice too high.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

import msgspec

from syncd.sdk.connector import Ports
from syncd.sdk.errors import AuthError
from syncd.sdk.ports import AssetKeeper, Psa
from syncd.sdk.records import (
    AssetChange,
    ChangeKind,
    Delivered,
    NotSent,
    Outcome,
    PsaAsset,
    Rejected,
    Unknown,
)
from syncd.sdk.testing.conformance import Conformance
from syncd.sdk.testing.faults import Action, Application, Fault
from syncd.sdk.testing.psa import DOUBT, LOST
from syncd.sdk.testing.stage import READS, Scene

T = TypeVar("T")

Kept = Mapping[str, PsaAsset]


class AssetConformance(Conformance):
    """Inherit in a class named `Test…` and give what `Conformance` asks, and the assets below.

    Attributes:
        write_path: regular expression of the path to which assets are saved.
        write_method: by which method.
    """

    write_path: ClassVar[str]
    write_method: ClassVar[str] = "POST"

    def creates(self) -> Sequence[AssetChange]:
        """At least three new assets, of two clients, that the simulator takes."""
        raise NotImplementedError("give assets that the simulator can take")

    def bad(self) -> AssetChange:
        """A new asset that the vendor refuses."""
        raise NotImplementedError("give an asset that the simulator refuses")

    def other_type(self) -> str:
        """Another asset type than that of the first new asset."""
        raise NotImplementedError("name an asset type of the simulator")

    def retype(self, vendor: Application, remote: str) -> None:
        """What a person does: give the asset `other_type`."""
        raise NotImplementedError("edit the asset in the simulator")

    def act(self, do: Callable[[AssetKeeper, Psa, Application], Awaitable[T]]) -> Scene[T]:
        """Do something with the opened PSA of a new vendor."""
        vendor = self.vendor()

        async def perform(ports: Ports) -> T:
            psa = ports.psa
            assert psa is not None, "the connector opened no PSA"
            assert isinstance(psa, AssetKeeper), "the PSA is no AssetKeeper"
            return await do(psa, psa, vendor)

        scene = self.stage.play(
            self.connector, self.config(self.stage.url), vendor, perform, listen=False
        )
        assert scene.error is None, f"raised {scene.error!r}"
        return scene

    def saves(self, scene: Scene[T]) -> int:
        """How often something was sent that may change the vendor."""
        return sum(
            one.method not in READS and not self.is_token(one.path) for one in scene.requests
        )

    def test_a_new_asset_is_shown_with_its_key_and_found_by_it(self) -> None:
        async def make(
            keeper: AssetKeeper, psa: Psa, _: Application
        ) -> tuple[Sequence[Outcome], Kept, Mapping[str, Sequence[PsaAsset]], list[str]]:
            changes = self.creates()
            outcomes = await keeper.apply_assets(changes)
            absent = await keeper.find_assets(["syncd:none:of:these"])
            assert absent == {"syncd:none:of:these": []} or not any(absent.values())
            found = await keeper.find_assets([one.key for one in changes])
            return outcomes, await _kept(keeper), found, [psa.marker(one.key) for one in changes]

        scene = self.act(make)
        assert scene.value is not None
        outcomes, kept, found, markers = scene.value
        for change, marker in zip(self.creates(), markers, strict=True):
            outcome = next(one for one in outcomes if one.key == change.key)
            assert isinstance(outcome, Delivered), f"a good asset ended as {outcome!r}"
            asset = kept[outcome.receipt.remote]
            assert asset.marker == marker, "the asset does not carry our key"
            shown = (asset.client, asset.name, asset.asset_type, asset.active)
            assert shown == (change.client, change.name, change.asset_type, True)
            assert [one.key for one in found[change.key]] == [asset.key], "not found by its key"

    def test_an_update_writes_what_it_names_and_leaves_the_type(self) -> None:
        async def update(
            keeper: AssetKeeper, _: Psa, vendor: Application
        ) -> tuple[PsaAsset, PsaAsset, Outcome]:
            change = self.creates()[0]
            remote = await _made(keeper, change)
            self.retype(vendor, remote)
            before = (await _kept(keeper))[remote]
            named = _update(change, remote, name="renamed")
            (outcome,) = await keeper.apply_assets([named])
            return before, (await _kept(keeper))[remote], outcome

        before, after, outcome = self.act(update).value or (None, None, None)
        assert before is not None
        assert isinstance(outcome, Delivered), f"a good update ended as {outcome!r}"
        assert before.asset_type == self.other_type()
        assert after == msgspec.structs.replace(before, name="renamed"), "more was written"

    def test_a_type_is_written_where_it_is_named(self) -> None:
        async def update(keeper: AssetKeeper, _: Psa, __: Application) -> PsaAsset:
            change = self.creates()[0]
            remote = await _made(keeper, change)
            await keeper.apply_assets([_update(change, remote, asset_type=self.other_type())])
            return (await _kept(keeper))[remote]

        after = self.act(update).value
        assert after is not None
        assert after.asset_type == self.other_type(), "a type that was named was not written"

    def test_a_deactivated_asset_is_still_listed_and_comes_back(self) -> None:
        async def off_and_on(
            keeper: AssetKeeper, _: Psa, __: Application
        ) -> list[tuple[bool, str | None]]:
            change = self.creates()[0]
            remote = await _made(keeper, change)
            seen: list[tuple[bool, str | None]] = []
            for active in (False, True):
                await keeper.apply_assets([_update(change, remote, active=active)])
                kept = await _kept(keeper)
                assert remote in kept, "a deactivated asset is not listed"
                seen.append((kept[remote].active, kept[remote].name))
            return seen

        name = self.creates()[0].name
        assert self.act(off_and_on).value == [(False, name), (True, name)]

    def test_assets_of_a_client_are_all_of_it_and_no_others(self) -> None:
        async def read(keeper: AssetKeeper, _: Psa, __: Application) -> tuple[Kept, Kept]:
            await keeper.apply_assets(self.creates())
            one = self.creates()[0].client
            own = {a.key: a async for batch in keeper.assets(clients=[one]) for a in batch}
            return own, await _kept(keeper)

        own, everything = self.act(read).value or ({}, {})
        client = self.creates()[0].client
        assert own == {key: one for key, one in everything.items() if one.client == client}

    def test_one_bad_asset_stops_no_other(self) -> None:
        async def mixed(
            keeper: AssetKeeper, _: Psa, __: Application
        ) -> tuple[Sequence[Outcome], Mapping[str, Sequence[PsaAsset]]]:
            good = list(self.creates())
            changes = [good[0], self.bad(), *good[1:]]
            outcomes = await keeper.apply_assets(changes)
            return outcomes, await keeper.find_assets([one.key for one in changes])

        outcomes, found = self.act(mixed).value or ((), {})
        by_key = {one.key: one for one in outcomes}
        bad = by_key[self.bad().key]
        assert isinstance(bad, Rejected | Unknown), f"a refused asset ended as {bad!r}"
        assert not found[self.bad().key]
        for change in self.creates():
            assert isinstance(by_key[change.key], Delivered), "a bad asset stopped a good one"
            assert len(found[change.key]) == 1, "an asset stands twice, or not at all"

    def test_a_lost_answer_is_never_taken_for_done_nor_sent_again(self) -> None:
        for what, fault in {**LOST, **DOUBT}.items():

            async def lose(
                keeper: AssetKeeper, _: Psa, __: Application, fault: Fault = fault
            ) -> tuple[Outcome, Sequence[PsaAsset]]:
                change = self.creates()[0]
                aimed = replace(fault, method=self.write_method, path=self.write_path, count=1)
                self.stage.script.replace([aimed])
                (outcome,) = await keeper.apply_assets([change])
                self.stage.script.replace(())
                return outcome, (await keeper.find_assets([change.key]))[change.key]

            scene = self.act(lose)
            assert scene.value is not None
            outcome, found = scene.value
            stands = len(found) == 1
            assert len(found) <= 1, f"{what}: the asset stands twice"
            fits = (Delivered, Unknown) if stands else (Unknown,)
            assert isinstance(outcome, fits), f"{what} ended as {outcome!r}; {stands=}"
            assert self.saves(scene) == 1, f"{what}: {self.saves(scene)} saves were sent"

    def test_refused_credentials_write_nothing(self) -> None:
        async def refused(keeper: AssetKeeper, _: Psa, __: Application) -> Kept:
            denied = Fault(
                action=Action.STATUS_BEFORE,
                status=403,
                method=self.write_method,
                path=self.write_path,
            )
            self.stage.script.replace([denied])
            try:
                outcomes = await keeper.apply_assets(self.creates())
            except AuthError:
                pass
            else:
                assert all(isinstance(one, NotSent | Rejected) for one in outcomes)
            self.stage.script.replace(())
            return await _kept(keeper)

        keys = {one.name for one in self.creates()}
        after = self.act(refused).value or {}
        assert not keys & {one.name for one in after.values()}, "refused, and written"


async def _kept(keeper: AssetKeeper) -> Kept:
    return {one.key: one async for batch in keeper.assets(clients=None) for one in batch}


async def _made(keeper: AssetKeeper, change: AssetChange) -> str:
    (outcome,) = await keeper.apply_assets([change])
    assert isinstance(outcome, Delivered), f"a good asset ended as {outcome!r}"
    return outcome.receipt.remote


def _update(
    change: AssetChange,
    remote: str,
    *,
    name: str | None = None,
    asset_type: str | None = None,
    active: bool = True,
) -> AssetChange:
    return AssetChange(
        key=change.key,
        kind=ChangeKind.UPDATE,
        remote=remote,
        client=change.client,
        site=None,
        name=name,
        asset_type=asset_type,
        active=active,
    )
