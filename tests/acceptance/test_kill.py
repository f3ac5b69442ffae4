"""`kill -9` at random moments of a pull and an apply: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from syncd.sdk.testing.faults import Action, Fault
from tests.builders_site import Site

DECEMBER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
KILLS = 6


def killed(site: Site, *words: str, after: float) -> None:
    process = site.start(*words)
    time.sleep(after)
    process.kill()
    process.communicate()


def billed(site: Site) -> list[tuple[Any, ...]]:
    return sorted(
        (one["client_id"], one["name"], one["count"], str(one["price"]))
        for one in site.ours().values()
    )


def census(site: Site) -> list[tuple[Any, ...]]:
    with sqlite3.connect(site.folder / "syncd.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return database.execute(
            "SELECT a.key, p.key, u.unit, u.quantity, u.excluded FROM unit_interval u"
            " JOIN account a ON a.id = u.account_id JOIN product p ON p.id = u.product_id"
            " WHERE u.closed_pull IS NULL ORDER BY 1, 2, 3"
        ).fetchall()


def test_a_killed_pull_and_a_killed_apply_end_as_if_nothing_had_happened(
    make_site: Callable[..., Site],
) -> None:
    chance = random.Random(11)
    one_by_one = {"halopsa": {"write_batch": 1}}
    calm, rough = make_site(extra=one_by_one), make_site(extra=one_by_one)
    calm.run("pull")
    rough.run("db", "upgrade")
    for _ in range(KILLS):
        killed(rough, "pull", after=chance.uniform(0.2, 1.6))
    rough.run("pull")
    assert census(rough) == census(calm)
    for site in (calm, rough):
        site.decide()
        site.move(DECEMBER)
        site.run("plan", "billing", expect=3)
        site.run("plans", "release", "latest", "--reason", "first month")
    calm.run("apply", "latest")
    rough.break_(
        "halopsa",
        Fault(action=Action.LATENCY, seconds=0.15, method="POST", path="(?i)/softwarelicence"),
    )
    for _ in range(KILLS):
        killed(rough, "apply", "latest", after=chance.uniform(0.4, 3.0))
    rough.break_("halopsa")
    rough.run("apply", "latest", expect=None)
    rough.run("plan", "billing")
    rough.run("apply", "latest")
    assert billed(rough) == billed(calm)
    assert not rough.issue_codes() & {"OUTCOME_UNKNOWN", "DUPLICATE_IN_PSA"}
