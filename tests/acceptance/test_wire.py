"""Links as a process against the simulated HaloPSA: proposed, by hand, written, invoiced."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from syncd_halopsa.config import SCOPE
from syncd_halopsa.sandbox.seed import line

from tests.builders_site import Site

DECEMBER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def tables(site: Site) -> Any:
    return site.host.simulators["halopsa"].app.state.simulator.state.tables


def allow(site: Site, *, links: bool = True) -> None:
    """Let links be written: in `[billing]`, and by the scope of the connection."""
    file = site.folder / "syncd.toml"
    text = file.read_text()
    text = text.replace("[billing]", f"[billing]\nwrite_links = {str(links).lower()}")
    text = text.replace(
        'plugin = "halopsa"', f'plugin = "halopsa"\nscope = "{SCOPE} edit:invoices"'
    )
    file.write_text(text)


@pytest.fixture
def billed(site: Site) -> Site:
    """The first month is billed; each client's recurring invoice has a line named as a record."""
    site.run("pull")
    site.decide()
    site.move(DECEMBER)
    site.first_bills()
    records = list(site.ours().values())
    for invoice in tables(site)["recurringinvoice"].values():
        ours = [one for one in records if one["client_id"] == invoice["client_id"]]
        for n, one in enumerate(ours):
            number = invoice["lines"][0]["id"] + 500 + n
            fits = line(number, invoice["id"], one["name"], quantity=1, price=Decimal(3))
            invoice["lines"].append(fits)
    return site


def test_links_are_made_by_hand_unless_a_person_lets_them_be_written(billed: Site) -> None:
    shown = billed.read("wire")
    assert shown["links"]
    assert len(shown["by_hand"]) == len(shown["links"])
    assert all("open recurring invoice" in one for one in shown["by_hand"])
    refused = billed.run("apply", shown["plan"], expect=2)
    assert "write_links" in refused.said
    assert f"syncd plans show {shown['plan']}" in refused.said
    assert "by hand in the PSA" in billed.run("plans", "show", shown["plan"]).out
    assert "links of recurring lines" in billed.run("plans").out


def test_links_are_written_once_and_the_next_invoice_bills_the_count(billed: Site) -> None:
    assert "NOT_LINKED" in billed.issue_codes()
    allow(billed)
    before = {
        number: [dict(one) for one in invoice["lines"]]
        for number, invoice in tables(billed)["recurringinvoice"].items()
    }
    plan = billed.read("wire")
    done = billed.read("apply", plan["plan"])
    assert {one["state"] for one in done["links"]} == {"delivered"}
    assert len(done["links"]) == len(plan["links"]) > 1
    planned = {(int(one["change"]["invoice"]), int(one["change"]["line"])) for one in plan["links"]}
    for number, invoice in tables(billed)["recurringinvoice"].items():
        for old, new in zip(before[number], invoice["lines"], strict=True):
            if (number, old["id"]) in planned:
                assert len(new["quantity_subscriptions"]) == 1
            moved = {name for name in old if old[name] != new[name]}
            assert moved <= {"quantity_subscriptions", "quantity_assets"}
    assert "NOT_LINKED" not in billed.issue_codes()
    again = billed.read("wire")
    assert again["links"] == []
    billed.run("plan", "billing", expect=None)
    bills = billed.read("plans", "show", "latest")["bills"]
    lines = [one for bill in bills for one in bill["lines"]]
    assert lines
    assert all(one["billed_by"] for one in lines if one["money"] and not one["not_linked"])


def test_a_missing_right_is_named_and_nothing_is_written(billed: Site) -> None:
    file = billed.folder / "syncd.toml"
    file.write_text(file.read_text().replace("[billing]", "[billing]\nwrite_links = true"))
    plan = billed.read("wire")
    refused = billed.run("apply", plan["plan"], expect=4)
    assert "edit:invoices" in refused.said
    assert not any(
        one["quantity_subscriptions"]
        for invoice in tables(billed)["recurringinvoice"].values()
        for one in invoice["lines"]
        if one["id"] % 1000 >= 500
    )
