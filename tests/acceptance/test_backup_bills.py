"""A backup console's month as processes: pulled until it is final, planned, sent, and when not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from syncd_backup_console.sandbox import tenancy, volumes

from syncd.sandbox.demo.files import write
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_site import PSA, Site

BACKUP = "backup"
DECEMBER_FIRST = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
OPTIONAL = {"supplier": "", "price_owner": "", "cost_owner": "", "position": "1"}
TYPES = ("licence:Desktop", "licence:Server", "storage:all")


@pytest.fixture
def shop(make_site: Callable[..., Site]) -> Site:
    """A site with a backup console, on the night before December."""
    return make_site(beside={"backup_console": BACKUP})


def account(site: Site, number: int) -> str:
    return tenancy.identity(site.world, "company", number)


def decide(site: Site, number: int) -> None:
    """Company to client, types, one total over licences and storage, and rates."""
    site.run("map", "refresh")
    site.run("map", "link", BACKUP, account(site, number), str(1000 + number))
    sheets: dict[str, list[dict[str, str]]] = {
        "products": [
            {"connection": BACKUP, "product": one, "asset_type": "Server"} for one in TYPES
        ],
        "configurations": [
            {
                "uid": "",
                "connection": BACKUP,
                "account": account(site, number),
                "name": "Backup",
                "mode": "total",
                "products": ";".join(TYPES),
                "asset_type": "Server",
                **OPTIONAL,
            }
        ],
        "rates": [
            {
                "connection": BACKUP,
                "product": one,
                "client": "",
                "cost": "1.00",
                "price": "0.03" if one == "storage:all" else "5.00",
                "restore_cost": "0" if one == "storage:all" else "",
                "restore_price": "0.01" if one == "storage:all" else "",
                "currency": "GBP",
                "valid_from": "2026-01-01",
            }
            for one in TYPES
        ],
    }
    for sheet, rows in sheets.items():
        file = site.folder / f"backup-{sheet}.csv"
        write(file, rows)
        site.run("map", sheet, "--import", str(file))


def price_of(site: Site, number: int, licences: int) -> Decimal:
    """What an accountant makes of the console's own figures of November."""
    month: Any = volumes.bill(
        site.world, datetime(2026, 11, 1, tzinfo=UTC).date(), {}, tenancy.names(site.world)[number]
    )
    users = month["StatisticBilling"]
    gigabyte = Decimal(2**30)
    exact = (
        Decimal("5.00") * licences
        + sum(one["AverageSpace"] for one in users) / gigabyte * Decimal("0.03")
        + sum(one["TotalVolumeRestore"] for one in users) / gigabyte * Decimal("0.01")
        + sum(one["PlanCost"] for one in users)
    )
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def licences_of(site: Site, key: str) -> int:
    now = next(one for one in site.read("map", "unmapped")["accounts"] if one["account"] == key)
    return sum(n for product, n in now["quantities"].items() if product in TYPES[:2])


def lines(rows: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(one["period"], one["status"], one["state"]) for one in rows]


def test_a_month_is_pulled_until_it_is_final_and_billed_with_licences(shop: Site) -> None:
    before = shop.read("pull", BACKUP)
    assert [one["period"] for one in before] == ["", "2026-10", "2026-11"]
    key = account(shop, 3)
    licences = licences_of(shop, key)
    shop.move(DECEMBER_FIRST)
    rows = shop.read("pull", BACKUP)
    assert lines(rows) == [
        ("", "succeeded", "complete"),
        ("2026-11", "succeeded", "complete"),
        ("2026-12", "succeeded", "complete"),
    ]
    assert [one["calls"] for one in rows[1:]] == [3, 3]
    assert [one["period"] for one in shop.read("pull", BACKUP)] == ["", "2026-12"]
    decide(shop, 3)
    shop.run("plan", "billing", expect=3)
    shop.run("plans", "release", "latest", "--reason", "first month")
    shop.run("apply", "latest")
    (record,) = shop.ours().values()
    assert Decimal(str(record["price"])) == price_of(shop, 3, licences)
    assert record["count"] == 1
    runs = {one["kind"] for one in shop.read("runs") if one["subject"] == BACKUP}
    assert {"pull", "pull 2026-11"} <= runs


def test_an_answer_that_is_none_stops_the_bill_until_the_month_is_read(shop: Site) -> None:
    shop.run("pull", BACKUP)
    decide(shop, 3)
    shop.move(DECEMBER_FIRST)
    shop.break_("backup_console", *(broken("PUT", body="null"), broken("GET", body='"try later"')))
    failed = shop.read("pull", BACKUP, expect=6)
    assert lines(failed) == [
        ("", "succeeded", "complete"),
        ("2026-11", "partial", "unknown"),
        ("2026-12", "partial", "unknown"),
    ]
    open_now = {one["subject"] for one in shop.read("issues") if one["code"] == "PULL_INCOMPLETE"}
    assert {one.split("/")[1] for one in open_now} == {"2026-11", "2026-12"}
    (bill,) = shop.read("plan", "billing", expect=None)["bills"]
    assert bill["errors"] == ["SOURCE_INCOMPLETE"]
    shop.break_("backup_console", broken("PUT", body="", status=406))
    refused = shop.read("pull", BACKUP, "--period", "2026-11", expect=6)
    assert "406" in refused[0]["gaps"][0]["reason"]
    shop.break_("backup_console")
    shop.run("pull", BACKUP, "--period", "2026-11")
    left = {one["subject"] for one in shop.read("issues") if one["code"] == "PULL_INCOMPLETE"}
    assert {one.split("/")[1] for one in left} == {"2026-12"}
    (bill,) = shop.read("plan", "billing", expect=3)["bills"]
    assert bill["errors"] == []
    assert shop.writes() == 0


def test_months_that_cannot_be_read_are_refused_in_one_sentence(shop: Site) -> None:
    late = shop.run("pull", BACKUP, "--period", "2027-01", expect=2)
    assert "2027-01 has not begun in Europe/London" in late.err
    assert (
        "reports nothing by month" in shop.run("pull", "ninja", "--period", "2026-11", expect=2).err
    )
    assert "none is" in shop.run("pull", "--period", "2026-11", expect=2).err
    assert "not a month" in shop.run("pull", BACKUP, "--period", "11/2026", expect=2).err
    assert "counts nothing" in shop.run("pull", PSA, "--period", "2026-11", expect=2).err
    early = shop.run("pull", BACKUP, "--period", "2026-11")
    assert "2026-11 is not over: its figures are not final" in early.err


def broken(method: str, *, body: str, status: int = 200) -> Fault:
    return Fault(
        action=Action.REPLACE if status == 200 else Action.STATUS_BEFORE,
        method=method,
        path="/api/Billing$",
        body=body,
        status=status,
        content_type="application/json",
    )
