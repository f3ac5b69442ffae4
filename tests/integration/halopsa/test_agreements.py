"""Agreements of clients over the simulator: read in bulk, judged by dates, written where asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import pytest
from syncd_halopsa.config import SCOPE

from syncd.sdk.errors import PermissionMissing
from syncd.sdk.ports import AgreementReader
from syncd.sdk.records import Agreement, Delivered, KeyedChange, RecurringLine
from tests.builders_halopsa import ALPHA, BETA, Bench, create, opened

T = TypeVar("T")
WITH_AGREEMENTS = f"{SCOPE} read:contracts"


async def every(batches: AsyncIterator[Sequence[T]]) -> list[T]:
    return [one async for batch in batches for one in batch]


async def agreements(bench: Bench, *clients: str) -> dict[str, Agreement]:
    return {one.key: one for one in await every(bench.psa.agreements(clients=clients))}


async def test_agreements_of_a_client_are_read_expired_ones_too() -> None:
    async with opened(scope=WITH_AGREEMENTS) as bench:
        assert isinstance(bench.psa, AgreementReader)
        found = await agreements(bench, ALPHA)
        assert [one.name for one in found.values()] == [
            "Managed services",
            "Old care plan",
            "Next year's plan",
            "Goodwill",
        ]
        assert {one.client for one in found.values()} == {ALPHA}
        in_force, expired, later, goodwill = found.values()
        assert (in_force.ends, in_force.active, in_force.invoiced) == (None, True, True)
        assert expired.ends is not None
        assert expired.active, "its dates say when it ended, and the month billed may be before"
        assert later.starts is not None
        assert later.active
        assert not goodwill.invoiced


async def test_agreements_of_other_clients_are_left_out() -> None:
    async with opened(scope=WITH_AGREEMENTS) as bench:
        number = bench.sim.hand.agree(int(BETA), "Second", start="2026-01-01")
        assert list(await agreements(bench, BETA)) == [str(number)]
        assert str(number) in await agreements(bench, ALPHA, BETA)


async def test_many_clients_cost_one_list() -> None:
    async with opened(scope=WITH_AGREEMENTS) as bench:
        await agreements(bench, *(str(n) for n in range(1001, 1051)))
        assert bench.wire.names == ["GET /api/ClientContract"]


async def test_a_closed_agreement_without_dates_is_not_active() -> None:
    async with opened(scope=WITH_AGREEMENTS) as bench:
        number = bench.sim.hand.agree(int(BETA), "Closed", closed=True)
        assert not (await agreements(bench, BETA))[str(number)].active
        bench.sim.hand.change_agreement(number, closed=False)
        assert (await agreements(bench, BETA))[str(number)].active


async def test_without_the_scope_the_error_says_what_to_add_and_to_grant() -> None:
    async with opened() as bench:
        with pytest.raises(PermissionMissing) as raised:
            await agreements(bench, ALPHA)
        assert "add read:contracts to `scope` of [connections.halo]" in raised.value.remedy
        assert "Agreements and Contracts: Read" in raised.value.remedy


async def test_a_check_tries_agreements_only_where_they_are_asked_for() -> None:
    async with opened() as bench:
        assert not any("contracts" in one.name for one in (await bench.psa.check()).permissions)
    rights = tuple(SCOPE.split())
    async with opened({"agent_rights": rights}, scope=WITH_AGREEMENTS) as bench:
        result = await bench.psa.check()
        missing = [one.name for one in result.permissions if not one.granted]
        assert missing == ["read:contracts (ClientContract)"]
        assert not result.ok


def under(agreement: str | None) -> KeyedChange:
    change = create()
    return msgspec.structs.replace(
        change, fields=msgspec.structs.replace(change.fields, agreement=agreement)
    )


async def sent_by(bench: Bench) -> dict[str, Any]:
    (outcome,) = await bench.psa.apply([under("601")])
    assert isinstance(outcome, Delivered), outcome
    element: dict[str, Any] = json.loads(bench.wire.posts[-1].body)[0]
    return element


async def test_the_agreement_is_written_only_into_the_field_that_is_set() -> None:
    async with opened() as bench:
        assert bench.psa.agreement_field == ""
        assert "contract_id" not in await sent_by(bench)
    async with opened(agreement_field="contract_id") as bench:
        assert bench.psa.agreement_field == "contract_id"
        assert (await sent_by(bench))["contract_id"] == 601
        (record,) = (
            one
            for one in await every(bench.psa.subscriptions(clients=[ALPHA], period=None))
            if one.marker == bench.psa.marker(create().key)
        )
        assert record.agreement == "601"


async def line_of(bench: Bench, number: int) -> RecurringLine:
    lines = await every(bench.psa.recurring_lines(clients=[ALPHA]))
    return next(one for one in lines if one.key == str(number))


async def test_a_percentage_on_a_recurring_line_is_a_second_owner_of_its_price() -> None:
    async with opened() as bench:
        made = bench.sim.hand.add(int(ALPHA), "Backup", price=5.0)
        number = bench.sim.hand.link(made)
        assert (await line_of(bench, number)).percent_increase is None
        bench.sim.hand.raise_price(number, Decimal("3.5"))
        assert (await line_of(bench, number)).percent_increase == Decimal("3.5")
