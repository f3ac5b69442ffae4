"""Devices become assets of the PSA through the program, and its invoices count them as planned."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from syncd_halopsa.config import SCOPE
from syncd_halopsa.sandbox import seed

from syncd.sdk.testing.faults import Action, Fault
from tests.builders_site import SOURCE, Site


@pytest.fixture
def exporting(make_site: Any) -> Site:
    """A source that exports its devices, pulled, with every decision made."""
    site: Site = make_site(
        extra={
            "ninjaone": {"export_assets": True},
            "halopsa": {"scope": f"{SCOPE} edit:assets"},
        }
    )
    site.run("pull")
    site.decide()
    site.run("map", "link", SOURCE, "12", "1002")
    return site


def active(site: Site) -> Counter[tuple[int, int]]:
    return Counter(
        (row["client_id"], row["assettype_id"]) for row in site.hand.assets() if not row["inactive"]
    )


def release(site: Site, plan: str) -> None:
    site.run("plans", "release", plan, "--reason", "looked at the devices")


def test_devices_are_exported_and_the_invoice_counts_them_as_the_plan_said(
    exporting: Site,
) -> None:
    site = exporting
    counted = {**seed.source(0, 0), "type_id": 101, "type_name": "Workstation"}
    site.hand.add_line(1001, "Desk care", unit_price=Decimal("3.50"), quantity_assets=[counted])
    plan = site.read("assets", expect=3)
    assert plan["assets"]
    assert {one["state"] for one in plan["clients"]} == {"held"}
    effects = [one for one in plan["effects"] if one["line"] == "Desk care"]
    (effect,) = effects
    assert (effect["before"], site.hand.assets()) == ("0", [])
    shown = site.run("plans", "show", plan["plan"]).out
    assert "Desk care" in shown
    assert "create" in shown
    assert site.run("apply", plan["plan"], expect=3).out.count("held")
    release(site, plan["plan"])
    done = site.read("apply", plan["plan"])
    assert done["delivered"] == len(plan["assets"])
    made = site.hand.assets()
    assert len(made) == len(plan["assets"])
    assert all(row["third_party_id_string"].startswith("syncd") for row in made)
    client = int(effect["client"])
    assert str(active(site)[client, 101]) == effect["after"]
    (line,) = [
        one
        for invoice in site.hand.invoice(client=client)
        for one in invoice["lines"]
        if one["item_shortdescription"] == "Desk care"
    ]
    assert Decimal(line["qty_order"]) == Decimal(effect["after"])
    assert Decimal(effect["money_effect"]) == Decimal(line["qty_order"]) * line["unit_price"]
    again = site.read("assets")
    assert (again["assets"], again["unchanged"]) == ([], len(made))


def test_what_another_integration_imported_is_linked_and_keeps_its_type(exporting: Site) -> None:
    site = exporting
    one, twin, *_ = site.read("assets", expect=3)["assets"]
    imported = site.hand.add_asset(
        int(one["client"]), "Imported", assettype_id=105, ninjarmm_id=int(one["unit"])
    )
    lookalike = site.hand.add_asset(int(twin["client"]), twin["name"], assettype_id=105)
    plan = site.read("assets", expect=3)
    (linked,) = [a for a in plan["assets"] if a["unit"] == one["unit"]]
    assert (linked["action"], linked["remote"]) == ("link", str(imported))
    (held,) = plan["held"]
    assert (held["unit"], held["code"]) == (twin["unit"], "ASSET_TWIN")
    assert "ASSETS_HELD" in site.issue_codes()
    release(site, plan["plan"])
    site.run("apply", plan["plan"])
    named = f"{SOURCE}/{twin['unit']}={lookalike}"
    site.run("assets", "--link", named, "--apply")
    rows = {row["id"]: row for row in site.hand.assets()}
    assert {rows[n]["assettype_id"] for n in (imported, lookalike)} == {105}
    assert rows[imported]["inventory_number"] == "Imported"
    after = site.read("assets")
    assert (after["assets"], after["held"], after["types_kept"]) == ([], [], 2)
    assert "ASSETS_HELD" not in site.issue_codes()


def test_killed_while_assets_are_written_none_is_lost_and_none_is_doubled(
    exporting: Site,
) -> None:
    site = exporting
    plan = site.read("assets", expect=3)
    release(site, plan["plan"])
    site.break_(
        "halopsa", Fault(action=Action.LATENCY, seconds=0.3, method="POST", path="(?i)/asset$")
    )
    process = site.start("apply", plan["plan"])
    while not site.struck("halopsa"):
        time.sleep(0.02)
        assert process.poll() is None
    process.kill()
    process.communicate()
    site.break_("halopsa")
    site.run("apply", plan["plan"])
    made = site.hand.assets()
    assert len(made) == len({row["third_party_id_string"] for row in made}) == len(plan["assets"])


def test_a_missing_right_is_named_and_nothing_is_lost(make_site: Any) -> None:
    site: Site = make_site(extra={"ninjaone": {"export_assets": True}})
    site.run("pull")
    site.decide()
    refused = site.run("check", expect=None)
    assert "edit:assets" in refused.said
    plan = site.read("assets", expect=3)
    release(site, plan["plan"])
    stopped = site.run("apply", plan["plan"], expect=4)
    assert "edit:assets" in stopped.said
    assert site.hand.assets() == []
    file = site.folder / "syncd.toml"
    text = file.read_text()
    file.write_text(
        text.replace("[connections.halo]\n", f'[connections.halo]\nscope = "{SCOPE} edit:assets"\n')
    )
    site.run("apply", plan["plan"])
    assert len(site.hand.assets()) == len(plan["assets"])


def test_without_export_nothing_is_asked_for(site: Site) -> None:
    site.run("pull")
    refused = site.run("assets", expect=2)
    assert "export_assets = true" in refused.err
    assert "edit:assets" not in site.run("check").said
    named = site.run("assets", SOURCE, expect=2)
    assert "export_assets" in named.err
