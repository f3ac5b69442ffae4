"""A send by hand as a process: what is sent, held and left alone, of both months, and why."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta

import pytest

from tests.builders_site import Site

MID_DECEMBER = datetime(2026, 12, 15, 9, 0, tzinfo=UTC)


@pytest.fixture
def counted(site: Site) -> Site:
    """November and half of December are counted, and decisions stand."""
    site.run("pull")
    site.decide()
    site.move(MID_DECEMBER)
    site.run("pull")
    site.move(MID_DECEMBER + timedelta(hours=1))
    return site


def bill_by_hand(site: Site) -> None:
    file = site.folder / "billing.csv"
    site.run("map", "billing", "--export", str(file))
    rows = list(csv.DictReader(file.read_text().splitlines()))
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "automatic": "no"} for row in rows)
    site.run("map", "billing", "--import", str(file))


def release_and_apply(site: Site, plans: list[str]) -> None:
    for plan in plans:
        site.run("plans", "release", plan, "--reason", "first month")
        site.run("apply", plan)


def test_both_months_are_held_then_sent_then_settled(counted: Site) -> None:
    bill_by_hand(counted)
    first = counted.read("bill", "send", "--yes", expect=3)
    assert {(row["period"], row["fate"]) for row in first["bills"]} == {
        ("2026-11", "held"),
        ("2026-12", "held"),
    }
    assert all(
        "month not over" in row["why"] for row in first["bills"] if row["period"] > "2026-11"
    )
    assert counted.writes() == 0
    release_and_apply(counted, first["plans"])
    beside = {key for key in counted.ours() if key.endswith("current")}
    assert len(beside) == len(counted.ours()) / 2
    before = counted.writes()
    again = counted.read("bill", "send", "--yes")
    assert {row["fate"] for row in again["bills"]} == {"unchanged"}
    assert counted.writes() == before


def test_without_a_yes_nothing_is_sent(counted: Site) -> None:
    release_and_apply(counted, counted.read("bill", "send", "--yes", expect=3)["plans"])
    counted.run("pull")
    before = counted.writes()
    done = counted.run("bill", "send", expect=3)
    assert "syncd apply 2026-11-" in done.out
    assert "RUNNING_MONTH_OFF" in done.out
    assert counted.writes() == before


def test_one_client_alone(counted: Site) -> None:
    bill_by_hand(counted)
    everyone = counted.read("bill", "send", "--yes", expect=3)["bills"]
    client = everyone[0]["client"]
    alone = counted.read("bill", "send", client, "--yes", expect=3)["bills"]
    assert {row["client"] for row in alone} == {client} < {row["client"] for row in everyone}


def test_a_final_bill_is_reopened_with_a_reason_and_made_again(counted: Site) -> None:
    release_and_apply(counted, counted.read("bill", "send", "--yes", expect=3)["plans"])
    client = counted.read("bill", "send", "--yes", expect=None)["bills"][0]["client"]
    refused = counted.run("bill", "reopen", client, "--reason", " ", "--yes", expect=6)
    assert "for a reason" in refused.said
    asked = counted.read("bill", "reopen", client, "--reason", "wrong rate", expect=3)
    assert not asked["bills"][0]["reopened"]
    done = counted.read("bill", "reopen", client, "--reason", "wrong rate", "--by", "ann", "--yes")
    (row,) = done["bills"]
    assert (row["reopened"], row["kind"], row["change"]) == (True, "MANUAL", "0.00")
    assert "BILL_REOPENED" in counted.issue_codes()
    nothing = counted.run(
        "bill", "reopen", client, "--period", "2026-10", "--reason", "x", expect=6
    )
    assert "nothing to reopen" in nothing.said
    shown = counted.run("bill", "reopen", client, "--reason", "again", "--yes", expect=6)
    assert "open already" in shown.said
    again = counted.read("plan", "billing", "--client", client)
    counted.run("apply", again["plan"])
    assert "BILL_REOPENED" not in counted.issue_codes()
