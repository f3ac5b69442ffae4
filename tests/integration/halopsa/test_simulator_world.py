"""What the simulator holds: the world's clients, recurring invoices, and what people do by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import msgspec
from syncd_halopsa.sandbox import SANDBOX

from syncd.sandbox.clock import WorldClock
from syncd.sandbox.presets import DEMO_START, demo
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.sandbox import WorldClient, WorldSite
from tests.builders_halopsa_calls import LICENCES, calling


async def test_recurring_invoices_have_negative_ids_and_show_lines_when_asked() -> None:
    async with calling() as caller:
        bare = (await caller.rows("/api/RecurringInvoice"))["invoices"]
        assert all(one["id"] < 0 and "lines" not in one for one in bare)
        whole = (await caller.rows("/api/RecurringInvoice", includelines="true"))["invoices"]
        assert all(one["lines"] for one in whole)
        assert (await caller.get("/api/RecurringInvoice/-11")).json()["lines"]


async def test_processing_counts_the_linked_subscription_at_that_moment() -> None:
    async with calling() as caller:
        caller.sim.hand.edit(501, count=20)
        answer = await caller.post("/api/RecurringInvoice/process", [-11])
        invoice = msgspec.json.Decoder(float_hook=Decimal).decode(answer.content)[0]
        linked = next(one for one in invoice["lines"] if one["recurring_invoice_line_id"] == 24011)
        assert linked["qty_order"] == 20
        assert linked["net_amount"] == Decimal("362.0")
        assert invoice["revenue"] == Decimal("612.0")
        header = (await caller.get("/api/RecurringInvoice/-11")).json()
        assert header["nextcreationdate"] == "2027-01-01T00:00:00"
        assert (await caller.rows("/api/Invoice", includelines="true"))["record_count"] == 1


async def test_processing_takes_off_free_units_and_keeps_the_minimum() -> None:
    async with calling() as caller:
        lines = caller.sim.state.tables["recurringinvoice"][-11]["lines"]
        (source,) = lines[1]["quantity_subscriptions"]
        counted = []
        for free, minimum in ((5, 0), (0, 30), (50, 3)):
            source["qty_free"], source["minimum_qty"] = free, minimum
            made = (await caller.post("/api/RecurringInvoice/process", [-11])).json()
            counted.append(made[0]["lines"][1]["qty_order"])
        assert counted == [7, 30, 3]


async def test_clients_arrive_and_leave_with_the_world() -> None:
    first = date(2026, 11, 1)
    site = (WorldSite(id=1, name="Head office"),)
    clock = WorldClock(DEMO_START)
    world = SimulatedWorld(
        seed=1,
        clients=[
            WorldClient(id=1, name="Here", sites=site, arrives=first),
            WorldClient(
                id=2,
                name="Leaver",
                sites=(WorldSite(id=2, name="Head office"),),
                arrives=first,
                leaves=DEMO_START.date() + timedelta(days=5),
            ),
            WorldClient(
                id=3,
                name="Comer",
                sites=(WorldSite(id=3, name="Head office"),),
                arrives=DEMO_START.date() + timedelta(days=5),
            ),
        ],
        devices=[],
        clock=clock,
    )
    async with calling(world, extras=False) as caller:
        assert [one["id"] for one in (await caller.rows("/api/Client", order="id"))["clients"]] == [
            1001,
            1002,
        ]
        clock.set(DEMO_START + timedelta(days=6))
        active = (await caller.rows("/api/Client", order="id"))["clients"]
        assert [one["id"] for one in active] == [1001, 1003]
        everyone = await caller.rows("/api/Client", includeinactive="true")
        assert everyone["record_count"] == 3
        assert (await caller.rows("/api/RecurringInvoice"))["record_count"] == 3


async def test_the_demo_world_has_namesakes_a_distributor_and_a_closed_client() -> None:
    async with calling(demo()) as caller:
        clients = (await caller.rows("/api/Client", pageinate="true", page_size=100))["clients"]
        names = [one["name"] for one in clients]
        assert len(set(names)) < len(names)
        assert "Acme Capital Ltd" in names  # written with a legal form in one system only
        assert "Closed Down Ltd" not in names
        rows = (await caller.rows(LICENCES))["licences"]
        assert any(one["distributor"] == "Pax8" for one in rows)


async def test_people_edit_and_delete_over_http_as_well() -> None:
    async with calling() as caller:
        http = caller.http
        made = await http.post("/__hand__/subscriptions", json={"client": 1001, "name": "By hand"})
        number = made.json()["id"]
        edited = await http.patch(
            f"/__hand__/subscriptions/{number}", json={"count": 7, "price": 1.5}
        )
        assert edited.status_code == 200
        assert (await caller.get(f"{LICENCES}/{number}")).json()["count"] == 7
        linked = await http.post("/__hand__/lines", json={"licence": number})
        assert linked.status_code == 201
        bad = await http.patch(f"/__hand__/subscriptions/{number}", json={"colour": "red"})
        assert bad.status_code == 400
        assert (await http.delete(f"/__hand__/subscriptions/{number}")).status_code == 200
        assert (await caller.get(f"{LICENCES}/{number}")).status_code == 404
        assert (await http.delete("/__hand__/tokens")).status_code == 200
        assert (await caller.get("/api/Client")).status_code == 401


async def test_a_reset_brings_the_start_back() -> None:
    async with calling() as caller:
        start = caller.sim.hand.subscriptions()
        caller.sim.hand.delete(501)
        caller.sim.hand.edit(502, count=99)
        await caller.http.post("/__hand__/reset")
        assert caller.sim.hand.subscriptions() == start


def test_the_sandbox_gives_settings_that_the_connector_takes() -> None:
    from syncd_halopsa.config import HaloPsaConfig

    settings = dict(SANDBOX.settings("http://127.0.0.1:4711"))
    reference = settings.pop("client_secret")
    assert set(SANDBOX.secrets) == {reference["env"]}
    settings["client_secret"] = SANDBOX.secrets[reference["env"]]
    assert HaloPsaConfig(**settings).token_url == "http://127.0.0.1:4711/auth/token"
