"""From shadow to live as processes: compared, decided client by client, billed, taken back."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.builders_site import PSA, SOURCE, Site
from tests.builders_site_daemon import daemon

NOVEMBER_ENDS = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)


@pytest.fixture
def counted(make_site: Any) -> Site:
    """In shadow, with November counted and everything decided but who is live."""
    site: Site = make_site(mode="shadow")
    site.move(NOVEMBER_ENDS)
    site.run("pull")
    site.decide()
    site.move(DECEMBER)
    return site


def clients(site: Site) -> set[int]:
    return {record["client_id"] for record in site.ours().values()}


def test_a_month_is_compared_and_one_client_goes_live_and_back(counted: Site) -> None:
    site = counted
    found = site.read("shadow", "2026-11")
    assert (found["period"], found["so_far"], site.writes()) == ("2026-11", False, 0)
    assert {one["live_since"] for one in found["clients"]} == {""}
    assert site.run("shadow").out.count("in shadow") >= len(found["clients"])
    table = site.folder / "shadow.csv"
    site.run("shadow", "--csv", str(table))
    rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    assert len(rows) == len(found["rows"])
    assert site.read("golive")["live"] == 0
    asked = site.run("golive", "1001", "--from", "2026-11", expect=3)
    assert "nobody went live: that takes a yes" in asked.out
    site.run("golive", "1001", "--from", "2026-11", "--reason", "compared", "--yes")
    (word,) = site.read("golive")["clients"]
    assert (word["client"], word["live"], word["from"]) == ("1001", True, "2026-11")
    planned = site.run("plan", "billing", expect=3)
    assert "clients that are not live" in planned.out
    site.run("plans", "release", "latest", "--reason", "first month")
    sent = site.run("apply", "latest")
    assert "of clients in shadow, never sent" in sent.out
    assert clients(site) == {1001}
    writes = site.writes()
    site.run("golive", "--back", "1001", "--reason", "a wrong price")
    site.run("plan", "billing")
    refused = site.run("apply", "latest", expect=2)
    assert "shadow" in refused.err
    assert site.writes() == writes


def test_a_list_is_taken_whole_or_not_at_all(counted: Site) -> None:
    site = counted
    file = site.folder / "live.csv"
    file.write_text("client,from\n1001,2026-11\n1001,2026-11\nnobody,2026-11\n1002,soon\n")
    refused = site.run("golive", "--file", str(file), "--yes", expect=6)
    for line in (3, 4, 5):
        assert f"line {line}" in refused.err
    assert site.read("golive")["clients"] == []
    file.write_text("client,reason\n1001,first\n1002,second\n")
    done = site.read("golive", "--file", str(file), "--from", "2026-11", "--yes")
    assert [one["client"] for one in done["clients"]] == ["1001", "1002"]
    assert {one["reason"] for one in site.read("golive")["clients"]} == {"first", "second"}


def test_the_daemon_bills_live_clients_and_only_plans_the_others(counted: Site) -> None:
    site = counted
    site.run("golive", "1001", "--from", "2026-11", "--yes")
    site.run("plan", "billing", expect=3)
    site.run("plans", "release", "latest", "--reason", "first month")
    site.run("apply", "latest")
    before = {key: record["count"] for key, record in site.ours().items()}
    site.move(datetime(2026, 12, 31, 22, 0, tzinfo=UTC))
    site.run("pull", SOURCE)
    site.move(datetime(2027, 1, 1, 7, 0, tzinfo=UTC))
    with daemon(site) as log:
        finished = log.until("run.finished", kind="bill")
        log.stop()
    assert finished["status"] == "succeeded", finished
    assert finished["shadow"] >= 1
    assert clients(site) == {1001}
    assert site.ours().keys() == before.keys()
    assert {line["client"] for line in log.of("change.delivered")} <= {
        one["client_name"] for one in site.read("golive")["clients"]
    }
    plan = site.read("plans", "show", "latest")
    assert {one["state"] for one in plan["bills"]} >= {"shadow"}


def test_the_daemon_in_shadow_without_schedule_does_nothing(counted: Site) -> None:
    site = counted
    site.move(DECEMBER + timedelta(hours=1))
    with daemon(site) as log:
        log.until("daemon.started")
        log.stop()
    assert log.of("plan.made") == []
    assert site.writes() == 0
    assert PSA not in {line.get("connection") for line in log.of("request.sent")}
