"""The program against the simulated seller and directory: bought, used and cost are theirs."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.builders_site import Site

SELLER, DIRECTORY = "seats", "directory"
MONTH_END = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
INVOICED = datetime(2026, 12, 10, 9, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
CLIENTS = {"Alpha Ltd": "1001", "Beta Ltd": "1002", "Gamma Ltd": "1003"}


def link(site: Site) -> None:
    """A person links each tenant to the client of its name."""
    site.run("map", "refresh")
    site.run("map", "links", "--export", "links.csv")
    file = site.folder / "links.csv"
    with file.open(encoding="utf-8-sig", newline="") as read:
        rows = list(csv.DictReader(read))
    for row in rows:
        if row["connection"] in {SELLER, DIRECTORY}:
            row["client"] = CLIENTS[row["account_name"]]
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.DictWriter(written, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    site.run("map", "links", "--import", "links.csv")


def test_the_numbers_of_a_month_are_those_of_the_systems_they_come_from(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(
        beside={"csp": SELLER, "entra": DIRECTORY}, extra={"entra": {"subscriptions": True}}
    )
    site.move(MONTH_END)
    site.run("pull")
    link(site)
    site.move(INVOICED)
    found = site.read("reconcile", "2026-11", "--all")

    seller: Any = site.host.simulators["csp"].app
    books = seller.state.simulator.books
    charged: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for charge in books.lines(FIRST, LAST):
        sku = f"{charge.contract.sku.product}:{charge.contract.sku.sku}"
        charged[charge.contract.client.name, sku] += charge.subtotal
    shown = {
        (row["client_name"], row["sku"]): sum(map(Decimal, row["cost"].values()))
        for row in found["rows"]
    }
    assert {key: cost for key, cost in shown.items() if cost} == {
        key: cost for key, cost in charged.items() if cost
    }
    assert sum(Decimal(one["cost"]) for one in found["totals"]) == sum(charged.values())

    rows = {row["sku"]: row for row in found["rows"] if row["client_name"] == "Alpha Ltd"}
    joined = [row for row in rows.values() if row["used"] is not None]
    assert joined, "the directory names the purchases behind its licences"
    for row in joined:
        assert any(one.startswith(f"{DIRECTORY} sku:") for one in row["products"])
        assert row["bought"] >= row["used"] > 0
    assert {row["status"] for row in joined} == {"not billed"}
    lost = [one for one in site.read("issues") if one["code"] == "PURCHASE_NOT_BILLED"]
    assert sorted(one["subject"] for one in lost) == sorted(CLIENTS.values())
