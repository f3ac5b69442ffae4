"""Seats that are bought, used and billed: what ends soon, and the three numbers side by side.

What Microsoft says is asked of the simulators past the program, with tokens of their own.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from syncd.sandbox.demo.cast import (
    DIRECTORY,
    LEAKING,
    NOVEMBER_EVENING,
    PSA_CONNECTOR,
    SEATED,
    SELLER,
    tenant_of,
)
from syncd.sandbox.demo.files import COMMITTED, PREMIUM
from syncd.sandbox.demo.going_live import NOVEMBER
from syncd.sandbox.demo.stage import Stage

BILLED, NAME = 10, "Quayside Legal"
"""The client whose seats are looked at, by the number of the world and by the PSA's name."""

_DAYS = 30
_OFFER = "CFQ7TTC0LCHC:0002"
"""The suite as the seller's books name it."""


def ends_soon(stage: Stage) -> None:
    """What is committed and ends within 30 days.

    Raises:
        ClaimFailed: the list is not what the seller's books say.
    """
    stage.step(
        "Renewals",
        "Seats are bought for a month or for years. What ends soon, what becomes of it, and until\n"
        "when may seats still fall? What is charged once a year is kept out of the monthly bill.",
    )
    stage.run("renewals", "--within", str(_DAYS))
    listed = {
        row["unit"]: (row["seats"], row["ends_on"])
        for window in stage.read("renewals", "--within", str(_DAYS))["windows"]
        for row in window["rows"]
    }
    today = NOVEMBER_EVENING.date()
    there = {
        one["id"]: (one["quantity"], one["commitmentEndDate"][:10])
        for client in SEATED
        for one in _subscriptions(stage, client)
        if one["status"] == "active" and _ends(one, today, today + timedelta(days=_DAYS))
    }
    stage.claim(
        bool(there) and listed == there,
        f"{len(there)} commitments end by Partner Center's own dates: the list has those, and no"
        " other",
    )


def side_by_side(stage: Stage) -> None:
    """A bill for seats, explained, beside what was bought and what is used.

    Raises:
        ClaimFailed: a number is not the one that Microsoft or the PSA says.
    """
    stage.step(
        "Bought, used, billed",
        f"{NAME} pays for the seats that are assigned or bought, whichever are more. Microsoft's\n"
        "invoice for November is there by now: what does each seat cost, who uses it, who pays it?",
    )
    stage.run("explain", NAME, COMMITTED, NOVEMBER)
    explained = stage.read("explain", NAME, COMMITTED, NOVEMBER)["lines"][0]
    used, there = _seats(stage)
    stage.claim(
        explained["line"]["units"] == max(used, there),
        f"{used} seats are assigned and {there} bought by Microsoft's own count:"
        f" {explained['line']['units']} are billed",
    )
    stage.run("reconcile", NOVEMBER, "--client", NAME)
    found = stage.read("reconcile", NOVEMBER, "--client", NAME, "--all")["rows"]
    (row,) = [one for one in found if one["sku"] == _OFFER]
    bought = sum(
        one["quantity"]
        for one in _subscriptions(stage, BILLED)
        if one["offerId"].startswith(_OFFER) and one["status"] == "active"
    )
    (record,) = [
        one
        for one in stage.ask(PSA_CONNECTOR, "/__hand__/subscriptions")
        if str(one["id"]) == explained["remote"]
    ]
    stage.claim(
        (row["bought"], row["used"], row["billed"]) == (bought, used, record["count"]),
        f"{bought} bought at Partner Center, {used} used by Graph, {record['count']} billed at"
        " HaloPSA: each as its own system says",
    )
    price = Decimal(str(record["price"])) * record["count"]
    lost = [one for one in found if one["status"] == "not billed"]
    stage.claim(
        Decimal(row["price"]["GBP"]) == price and bool(lost),
        f"the suite earns {row['money_difference']} GBP; {len(lost)} others are paid by us and"
        " billed to nobody",
    )


def leak(stage: Stage, month: str) -> None:
    """What is counted, or paid for, and billed nowhere.

    Raises:
        ClaimFailed: the client's other suites are not what leaks.
    """
    stage.run("leaks", month, expect=LEAKING)
    told = stage.read("leaks", month, expect=LEAKING)["not_billed"]
    client = str(1000 + BILLED)
    leaking = {
        one["what"].partition(" (")[0]: one["quantity"] for one in told if one["client"] == client
    }
    others = {
        one["offerName"].partition(" (")[0]: str(one["quantity"])
        for one in _subscriptions(stage, BILLED)
        if (one["status"], one["billingCycle"]) == ("active", "monthly")
        and not one["offerId"].startswith(_OFFER)
    }
    stage.claim(
        bool(others) and leaking == others,
        f"of {NAME} that is each suite but the billed one, with Partner Center's own seats",
    )


def _ends(subscription: dict[str, Any], today: date, until: date) -> bool:
    """Whether its term ends by then; a month that renews by itself is no commitment that ends."""
    if "commitmentEndDate" not in subscription:
        return False
    rolls = subscription["termDuration"] == "P1M" and subscription["autoRenewEnabled"]
    return (
        not rolls and today <= date.fromisoformat(subscription["commitmentEndDate"][:10]) <= until
    )


def _subscriptions(stage: Stage, client: int) -> list[dict[str, Any]]:
    """What the seller's books say that a client bought."""
    settings = stage.settings(SELLER)
    scope = f"{settings['base_url']}/.default"
    token = stage.token(SELLER, settings["partner_tenant"], scope)
    path = f"/partnercenter/v1/customers/{tenant_of(client)}/subscriptions"
    found: list[dict[str, Any]] = stage.ask(SELLER, path, token=token)["items"]
    return found


def _seats(stage: Stage) -> tuple[int, int]:
    """Seats of the suite that the directory says are assigned, and that may be used."""
    scope = f"{stage.settings(DIRECTORY)['graph_url']}/.default"
    token = stage.token(DIRECTORY, tenant_of(BILLED), scope)
    (suite,) = [
        one
        for one in stage.ask(DIRECTORY, "/v1.0/subscribedSkus", token=token)["value"]
        if one["skuId"] == PREMIUM
    ]
    return suite["consumedUnits"], suite["prepaidUnits"]["enabled"]
