"""Clients with years of records made by hand: off unless asked for, and the same for one seed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from syncd_halopsa.sandbox.app import Simulator
from syncd_halopsa.sandbox.options import Options

from syncd.sandbox.presets import demo, small
from tests.builders_halopsa import opened

FIRST = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


def simulator(world: Any = None, **options: Any) -> Simulator:
    return Simulator(world or demo(), Options(**options))


def names(sim: Simulator, client: int) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in sim.hand.subscriptions(client=client)}


def test_without_the_option_nobody_has_a_history() -> None:
    plain = simulator()
    assert not any(row["name"] == "Workstations" for row in plain.hand.subscriptions())
    assert all(row["lastcreated"].startswith("1900") for row in plain.hand.recurring())


def test_chosen_clients_have_records_near_to_what_is_counted_and_none_of_our_keys() -> None:
    sim = simulator(history=(1004, 1006), extras=False)
    assert {row["client_id"] for row in sim.hand.subscriptions()} == {1004, 1006}
    found = names(sim, 1004)
    assert set(found) == {
        "Workstations",
        "Servers",
        "Managed backup",
        "Network devices",
        "Mobile devices",
    }
    assert set(names(sim, 1006)) == {"Workstations", "Servers", "Managed backup"}
    assert not any(row["product_sku"] for row in sim.hand.subscriptions())
    real = sum(
        one.client == 4 and one.kind in {"workstation", "laptop", "mac"} and one.state == "approved"
        for one in demo().devices()
    )
    assert 0 < abs(found["Workstations"]["count"] - real) <= 2
    assert found["Network devices"]["distributor"] == "Pax8"
    assert found["Mobile devices"]["is_active"] is False


@pytest.mark.parametrize(("wanted", "clients"), [(2, {1001, 1002}), ([1003], {1003})])
def test_clients_are_chosen_by_number_or_by_id(wanted: Any, clients: set[int]) -> None:
    sim = simulator(history=wanted, extras=False)
    assert {row["client_id"] for row in sim.hand.subscriptions()} == clients


def test_the_same_seed_gives_the_same_records_and_a_reset_brings_them_back() -> None:
    sim, twin = simulator(history=3), simulator(history=3)
    assert sim.hand.subscriptions() == twin.hand.subscriptions()
    assert sim.hand.recurring() == twin.hand.recurring()
    sim.hand.delete(next(iter(names(sim, 1001).values()))["id"])
    sim.hand.reset()
    assert sim.hand.subscriptions() == twin.hand.subscriptions()
    other = simulator(demo(seed=8), history=3)
    assert other.hand.recurring() != twin.hand.recurring()


def test_recurring_lines_count_them_or_have_a_typed_quantity_and_billed_last_month() -> None:
    sim = simulator(history=(1004,), extras=False)
    (header,) = sim.hand.recurring(client=1004)
    lines = {line["item_shortdescription"]: line for line in header["lines"]}
    found = names(sim, 1004)
    counted = lines["Workstations"]["quantity_subscriptions"][0]
    assert counted["licence_id"] == found["Workstations"]["id"]
    assert lines["Servers"]["quantity_subscriptions"] == []
    assert lines["Servers"]["qty_order"] == found["Servers"]["count"] + 1
    assert header["lastcreated"] == "2026-11-01T06:00:00"
    assert header["last_invoiced_revenue"] == sum(
        line["last_invoiced_net_amount"] for line in header["lines"]
    )


def test_the_next_invoice_repeats_the_last_one_while_nothing_changes() -> None:
    sim = simulator(history=(1004,), extras=False)
    (header,) = sim.hand.recurring(client=1004)
    (invoice,) = sim.hand.invoice(client=1004)
    assert invoice["revenue"] == header["last_invoiced_revenue"]
    taxes = sum(
        (one["net_amount"] * 20 / 100).quantize(Decimal("0.01")) for one in invoice["lines"]
    )
    assert invoice["total"] == invoice["revenue"] + taxes


def test_ids_are_each_given_once() -> None:
    sim = simulator(history=99)
    lines = [line["id"] for header in sim.hand.recurring() for line in header["lines"]]
    assert len(set(lines)) == len(lines)
    assert simulator(small(), history=99).hand.subscriptions()


async def test_the_connector_reads_what_people_made_as_it_is() -> None:
    async with opened({"history": (1001,), "extras": False}) as bench:
        records = {
            one.name: one
            async for batch in bench.psa.subscriptions(clients=["1001"], period=None)
            for one in batch
        }
        lines = {
            one.name: one
            async for batch in bench.psa.recurring_lines(clients=["1001"])
            for one in batch
        }
    assert not any(one.marker for one in records.values())
    assert records["Network devices"].foreign_writer == "Pax8"
    assert not records["Mobile devices"].active
    stations, typed = lines["Workstations"], lines["Servers"]
    assert stations.subscriptions == (records["Workstations"].key,)
    assert stations.price_from_subscription
    assert (stations.cycle, stations.last_made) == ("monthly", FIRST)
    price = records["Workstations"].unit_price
    assert price is not None
    assert stations.last_value == records["Workstations"].quantity * price
    assert typed.subscriptions == ()
    assert typed.quantity == records["Servers"].quantity + 1
    assert typed.unit_price == Decimal("27.5")
