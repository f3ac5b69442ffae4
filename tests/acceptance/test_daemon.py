"""The daemon bills a month by itself: plans, sends what nobody objects to, holds the rest."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from syncd.sdk.testing.faults import Action, Fault
from tests.builders_site import SECONDS, Site

NOVEMBER_ENDS = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
FIRST_MONTH = datetime(2026, 12, 1, 5, 0, tzinfo=UTC)
DECEMBER_ENDS = datetime(2026, 12, 31, 22, 0, tzinfo=UTC)
DUE = datetime(2027, 1, 1, 6, 0, tzinfo=UTC)
LATER_THAT_MORNING = datetime(2027, 1, 1, 7, 0, tzinfo=UTC)


def scheduled(site: Site) -> None:
    """Bill at six on the first days of a month, and let guards pass what a quiet month brings."""
    file = site.folder / "syncd.toml"
    settings = (
        '[billing]\nschedule = "0 6 1-3 * *"\n'
        'guards = { line_percent = 100, line_units = 100, line_money = "100000", '
        "client_percent = 1000, run_percent = 1000 }\n"
    )
    file.write_text(file.read_text().replace("[billing]\n", settings, 1))


def ready_for_january(site: Site) -> None:
    """November is billed by hand, December is counted to its end."""
    site.move(NOVEMBER_ENDS)
    site.run("pull")
    site.decide()
    site.move(FIRST_MONTH)
    site.first_bills()
    site.move(DECEMBER_ENDS)
    site.run("pull")
    site.move(LATER_THAT_MORNING)
    scheduled(site)


def until_finished(site: Site, kind: str = "bill") -> list[dict[str, Any]]:
    """Let the daemon work until a run of this kind ended, then stop it; every line it wrote."""
    process = site.start("run")
    lines: list[dict[str, Any]] = []
    assert process.stderr is not None
    deadline = time.monotonic() + SECONDS
    while line := process.stderr.readline():
        lines.append(json.loads(line))
        if lines[-1]["event"] == "run.finished" and lines[-1]["kind"] == kind:
            break
        assert time.monotonic() < deadline, lines
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, rest
    return lines + [json.loads(line) for line in rest.splitlines()]


def test_a_month_is_planned_and_sent_by_itself_and_only_once(site: Site) -> None:
    ready_for_january(site)
    first = until_finished(site)
    (finished,) = [line for line in first if line.get("kind") == "bill" and "ms" in line]
    delivered = [line for line in first if line["event"] == "change.delivered"]
    assert finished["connection"] == "billing"
    assert finished["delivered"] == len(delivered) > 0
    assert {line["period"] for line in delivered} == {"2026-12"}
    assert all(line["client"] and line["currency"] == "GBP" for line in delivered)
    assert any(line["money"] is not None and Decimal(line["money"]) for line in delivered)
    stands = site.ours()
    writes = site.writes()
    again = until_stopped(site)
    assert not [line for line in again if line["event"] == "change.delivered"]
    assert (site.ours(), site.writes()) == (stands, writes)


def until_stopped(site: Site) -> list[dict[str, Any]]:
    """Start the daemon when nothing is due and stop it again."""
    process = site.start("run")
    assert process.stderr is not None
    lines = []
    while line := process.stderr.readline():
        lines.append(json.loads(line))
        if lines[-1]["event"] == "daemon.started":
            break
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=SECONDS)
    return lines + [json.loads(line) for line in rest.splitlines()]


def test_what_a_guard_objects_to_is_held_and_not_sent(site: Site) -> None:
    site.move(NOVEMBER_ENDS)
    site.run("pull")
    site.decide()
    site.move(datetime(2026, 12, 1, 7, 0, tzinfo=UTC))
    scheduled(site)
    lines = until_finished(site)
    held = [line for line in lines if line["event"] == "plan.held"]
    assert held
    assert all("FIRST_BILL" in str(line["rules"]) for line in held)
    (finished,) = [line for line in lines if line.get("kind") == "bill" and "ms" in line]
    assert (finished["status"], finished["error_code"]) == ("held", "PLAN_HELD")
    assert site.ours() == {}
    assert site.writes() == 0


def test_in_shadow_the_daemon_plans_and_writes_nothing(make_site: Callable[..., Site]) -> None:
    site = make_site(mode="shadow")
    site.move(NOVEMBER_ENDS)
    site.run("pull")
    site.decide()
    site.move(datetime(2026, 12, 1, 7, 0, tzinfo=UTC))
    scheduled(site)
    lines = until_finished(site)
    assert [line for line in lines if line["event"] == "plan.made"]
    assert site.writes() == 0


def test_a_daemon_killed_while_it_sends_is_gone_on_with_and_doubles_nothing(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(extra={"halopsa": {"write_batch": 1}})
    ready_for_january(site)
    before = {key: record["id"] for key, record in site.ours().items()}
    site.break_(
        "halopsa",
        Fault(action=Action.LATENCY, seconds=0.3, method="POST", path="(?i)/softwarelicence"),
    )
    process = site.start("run")
    assert process.stderr is not None
    while line := process.stderr.readline():
        if json.loads(line)["event"] == "change.delivered":
            break
    process.kill()
    process.communicate()
    site.break_("halopsa")
    lines = until_finished(site)
    assert [line["kind"] for line in lines if line["event"] == "run.abandoned"] == ["bill"]
    stands = site.ours()
    assert {key: stands[key]["id"] for key in before} == before
    plan = site.read("plan", "billing")
    assert plan is not None
    writes = site.writes()
    site.run("apply", "latest")
    assert site.writes() == writes, "everything stood already"


def test_a_pull_by_schedule_is_the_pull_by_hand(make_site: Callable[..., Site]) -> None:
    by_hand, by_schedule = make_site(), make_site()
    by_hand.run("pull")
    file = by_schedule.folder / "syncd.toml"
    file.write_text(
        file.read_text().replace(
            "[connections.ninja]", '[connections.ninja]\nschedule = "every 6h"'
        )
    )
    until_finished(by_schedule, "pull")
    assert counted(by_schedule) == counted(by_hand) != []


def counted(site: Site) -> list[tuple[Any, ...]]:
    with sqlite3.connect(site.folder / "syncd.db") as database:
        return database.execute(
            "SELECT a.key, p.key, u.unit, u.quantity, u.excluded FROM unit_interval u"
            " JOIN account a ON a.id = u.account_id JOIN product p ON p.id = u.product_id"
            " ORDER BY 1, 2, 3"
        ).fetchall()
