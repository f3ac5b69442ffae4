"""The daemon bills a month by itself: plans, sends what nobody objects to, holds the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.sandbox.presets import small
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_site import Site
from tests.builders_site_daemon import daemon

NOVEMBER_ENDS = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
FIRST_MONTH = datetime(2026, 12, 1, 5, 0, tzinfo=UTC)
NOVEMBER_IS_DUE = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
DECEMBER_ENDS = datetime(2026, 12, 31, 22, 0, tzinfo=UTC)
DECEMBER_IS_DUE = datetime(2027, 1, 1, 7, 0, tzinfo=UTC)


def schedule(site: Site, *, generous: bool = False) -> None:
    """Bill at six on the first days of a month; let guards pass what a quiet month brings."""
    settings = '[billing]\nschedule = "0 6 1-3 * *"\n'
    if generous:
        settings += (
            'guards = { line_percent = 100, line_units = 100, line_money = "100000", '
            "client_percent = 1000, run_percent = 1000 }\n"
        )
    file = site.folder / "syncd.toml"
    file.write_text(file.read_text().replace("[billing]\n", settings, 1))


def count_november(site: Site) -> None:
    site.move(NOVEMBER_ENDS)
    site.run("pull")
    site.decide()


def bill_november_and_count_december(site: Site) -> None:
    count_november(site)
    site.move(FIRST_MONTH)
    site.first_bills()
    site.move(DECEMBER_ENDS)
    site.run("pull")
    site.move(DECEMBER_IS_DUE)
    schedule(site, generous=True)


def growing() -> SimulatedWorld:
    """The small world, with a server that arrives at its second client in December."""
    world = small()
    model = next(one for one in world.everything() if one.kind == "server")
    beta = world.everyone()[1]
    server = replace(
        model, id=9000, client=beta.id, site=beta.sites[0].id, arrives=date(2026, 12, 10)
    )
    return SimulatedWorld(
        seed=world.seed,
        clients=world.everyone(),
        devices=[*world.everything(), server],
        clock=world.clock,
    )


def test_a_month_is_planned_and_sent_by_itself_and_only_once(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(growing())
    bill_november_and_count_december(site)
    with daemon(site) as log:
        finished = log.until("run.finished", kind="bill")
        log.stop()
    delivered = log.of("change.delivered")
    assert finished["connection"] == "billing"
    assert finished["delivered"] == len(delivered) > 0
    assert {line["period"] for line in delivered} == {"2026-12"}
    assert all(line["client"] and line["currency"] == "GBP" for line in delivered)
    effects = {line["client"]: Decimal(line["money"]) for line in delivered}
    assert effects["Beta Ltd"] > 0 == effects["Alpha Ltd"]
    assert kinds(site, "2026-12") == {"AUTOMATIC"}
    stands, writes = site.ours(), site.writes()
    with daemon(site) as log:
        log.until("daemon.started")
        log.stop()
    assert log.of("change.delivered") == []
    assert (site.ours(), site.writes()) == (stands, writes)


def test_nothing_is_written_in_shadow_nor_without_rights_nor_over_an_objection(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(mode="shadow")
    count_november(site)
    site.move(NOVEMBER_IS_DUE)
    schedule(site)
    with daemon(site) as log:
        log.until("run.finished", kind="bill")
        log.stop()
    assert log.of("plan.made")
    site.break_("halopsa", Fault(action=Action.STATUS_BEFORE, status=401, path="(?i)/token"))
    site.move(NOVEMBER_IS_DUE + timedelta(days=1))
    with daemon(site) as log:
        failed = log.until("run.finished", kind="bill")
        log.stop()
    assert (failed["status"], failed["error_code"]) == ("failed", "CREDENTIALS_REFUSED")
    assert "CREDENTIALS_REFUSED" in site.issue_codes()
    site.break_("halopsa")
    file = site.folder / "syncd.toml"
    file.write_text(file.read_text().replace('mode = "shadow"', 'mode = "live"'))
    site.move(NOVEMBER_IS_DUE + timedelta(days=2))
    with daemon(site) as log:
        finished = log.until("run.finished", kind="bill")
        log.stop()
    assert (finished["status"], finished["error_code"]) == ("held", "PLAN_HELD")
    held = log.of("plan.held")
    assert held
    assert all("FIRST_BILL" in str(line["rules"]) for line in held)
    assert (site.ours(), site.writes()) == ({}, 0)
    assert "CREDENTIALS_REFUSED" not in site.issue_codes()


def test_a_daemon_killed_while_it_sends_is_gone_on_with_and_doubles_nothing(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(extra={"halopsa": {"write_batch": 1}})
    bill_november_and_count_december(site)
    before = {key: record["id"] for key, record in site.ours().items()}
    slowly = Fault(action=Action.LATENCY, seconds=0.3, method="POST", path="(?i)/softwarelicence")
    site.break_("halopsa", slowly)
    with daemon(site) as log:
        log.until("change.delivered")
        log.process.kill()
    site.break_("halopsa")
    with daemon(site) as log:
        assert log.until("run.abandoned")["kind"] == "bill"
        log.until("run.finished", kind="bill")
        log.stop()
    stands = site.ours()
    assert {key: stands[key]["id"] for key in before} == before
    writes = site.writes()
    site.run("plan", "billing", expect=None)
    site.run("apply", "latest", expect=None)
    assert site.writes() == writes, "everything stood already"


def test_a_pull_by_schedule_is_the_pull_by_hand(make_site: Callable[..., Site]) -> None:
    by_hand, by_schedule = make_site(), make_site()
    by_hand.run("pull")
    file = by_schedule.folder / "syncd.toml"
    connection = "[connections.ninja]\n"
    file.write_text(file.read_text().replace(connection, f'{connection}schedule = "every 6h"\n'))
    with daemon(by_schedule) as log:
        assert log.until("run.finished", kind="pull")["status"] == "succeeded"
        log.stop()
    assert counted(by_schedule) == counted(by_hand) != []


def kinds(site: Site, period: str) -> set[str]:
    """How final the bills of a month are."""
    with sqlite3.connect(site.folder / "syncd.db") as database:
        rows = database.execute("SELECT kind FROM bill WHERE period = ?", (period,)).fetchall()
    return {kind for (kind,) in rows}


def counted(site: Site) -> list[tuple[Any, ...]]:
    with sqlite3.connect(site.folder / "syncd.db") as database:
        return database.execute(
            "SELECT a.key, p.key, u.unit, u.quantity, u.excluded FROM unit_interval u"
            " JOIN account a ON a.id = u.account_id JOIN product p ON p.id = u.product_id"
            " ORDER BY 1, 2, 3"
        ).fetchall()
