"""A source that lies, stumbles or refuses: one clear message, a named issue, nothing changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from syncd.sandbox.presets import small
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_site import Site

DEVICES = "/devices"


def intervals(site: Site) -> list[tuple[Any, ...]]:
    """Everything the census holds, as rows."""
    with sqlite3.connect(site.folder / "syncd.db") as database:
        return database.execute(
            "SELECT account_id, product_id, unit, quantity, excluded, opened_pull, closed_pull"
            " FROM unit_interval ORDER BY id"
        ).fetchall()


@pytest.fixture
def proven(site: Site) -> Site:
    """A site whose census holds one complete pull."""
    site.run("pull")
    assert intervals(site)
    return site


def page(*rows: dict[str, Any]) -> Fault:
    return Fault(
        action=Action.REPLACE,
        method="GET",
        path=DEVICES,
        body=json.dumps(list(rows)),
        content_type="application/json",
    )


BROKEN = [
    pytest.param(Fault(action=Action.REPLACE, method="GET", path=DEVICES), id="html-with-200"),
    pytest.param(Fault(action=Action.TRUNCATE, method="GET", path=DEVICES), id="page-cut-short"),
    pytest.param(
        page({"id": "1041", "organizationId": 11, "nodeClass": "MAC"}), id="an-id-as-text"
    ),
]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_page_changes_nothing_and_is_an_issue(proven: Site, fault: Fault) -> None:
    before = intervals(proven)
    proven.break_("ninjaone", fault)
    done = proven.run("pull", expect=None)
    assert done.code in {6, 7}, done.said
    assert "Traceback" not in done.said
    assert intervals(proven) == before
    assert proven.issue_codes() & {"PULL_INCOMPLETE", "VENDOR_CONTRACT_BROKEN"}


def test_an_issue_of_a_pull_closes_itself_with_the_next_good_one(proven: Site) -> None:
    proven.break_("ninjaone", Fault(action=Action.TRUNCATE, method="GET", path=DEVICES))
    proven.run("pull", expect=None)
    assert proven.issue_codes()
    proven.break_("ninjaone")
    proven.run("pull")
    assert proven.issue_codes() <= {"UNLINKED_ACCOUNT", "UNMAPPED_PRODUCT"}


def test_an_empty_device_list_is_zero_only_after_a_complete_read(proven: Site) -> None:
    """A list that is empty with 200 is a complete answer; the guards hold what follows from it."""
    before = len([row for row in intervals(proven) if row[-1] is None])
    proven.break_("ninjaone", Fault(action=Action.EMPTY_LIST, method="GET", path=DEVICES))
    done = proven.run("pull", expect=None)
    assert before > 0
    assert done.code in {0, 6}, done.said


def test_a_repeated_page_is_refused(make_site: Callable[..., Site]) -> None:
    site = make_site(extra={"ninjaone": {"page_size": 2}})
    site.run("pull")
    before = intervals(site)
    site.break_("ninjaone", Fault(action=Action.REPEAT, method="GET", path=DEVICES, nth=2, count=1))
    done = site.run("pull", expect=6)
    assert intervals(site) == before
    assert "PULL_INCOMPLETE" in site.issue_codes(), done.said


def test_an_organisation_that_disappears_in_mid_read_is_not_zero(site: Site) -> None:
    """Its devices still name it, the list of organisations does not."""
    site.run("pull")
    before = intervals(site)
    gone = 10 + site.world.everyone()[0].id
    site.break_("ninjaone", without(site, gone, "/organizations", key="id"))
    site.run("pull", expect=6)
    assert intervals(site) == before
    assert "PULL_INCOMPLETE" in site.issue_codes()


def test_an_organisation_that_is_gone_is_removed_only_when_seen_twice(
    make_site: Callable[..., Site],
) -> None:
    plain = small()
    leaver, *others = plain.everyone()
    tomorrow = plain.now() + timedelta(days=1)
    site = make_site(
        SimulatedWorld(
            seed=plain.seed,
            clients=[replace(leaver, leaves=tomorrow.date()), *others],
            devices=plain.everything(),
            clock=plain.clock,
        )
    )
    site.run("pull")
    before = intervals(site)
    site.move(tomorrow)
    site.run("pull", expect=6)
    assert intervals(site) == before
    assert "ACCOUNT_DISAPPEARED" in site.issue_codes()
    site.move(tomorrow + timedelta(hours=6))
    site.run("pull", expect=None)
    assert "ACCOUNT_DISAPPEARED" not in site.issue_codes()
    assert len([row for row in intervals(site) if row[-1] is None]) < len(before)


def without(site: Site, organisation: int, path: str, *, key: str) -> Fault:
    """The vendor's own list with the rows of one organisation left out."""
    simulator = site.host.simulators["ninjaone"]
    token = httpx.post(
        f"{simulator.base_url}/ws/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": simulator.sandbox.settings(simulator.base_url)["client_id"],
            "client_secret": next(iter(simulator.sandbox.secrets.values())),
            "scope": "monitoring",
        },
    ).json()["access_token"]
    route = "/v2/devices-detailed" if path == DEVICES else f"/v2{path}"
    rows = httpx.get(
        f"{simulator.base_url}{route}",
        params={"pageSize": 1000},
        headers={"authorization": f"Bearer {token}"},
    ).json()
    kept = [row for row in rows if row[key] != organisation]
    assert len(kept) < len(rows)
    return Fault(
        action=Action.REPLACE,
        method="GET",
        path=path,
        body=json.dumps(kept),
        content_type="application/json",
    )


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        ({"client_secret": "another"}, "CREDENTIALS_REFUSED", "client_secret"),
        ({"scopes": ()}, "PERMISSION_MISSING", "monitoring"),
    ],
    ids=["wrong-secret", "missing-scope"],
)
def test_refused_credentials_say_what_to_check(
    make_site: Callable[..., Site], options: dict[str, Any], code: str, word: str
) -> None:
    site = make_site(options={"ninjaone": options})
    checked = site.run("check", expect=4)
    assert word in checked.said, checked.said
    pulled = site.run("pull", expect=4)
    assert "what to do" in pulled.err
    assert "Traceback" not in checked.said + pulled.said
    assert code in site.issue_codes()


def test_one_source_that_fails_does_not_stop_another(make_site: Callable[..., Site]) -> None:
    site = make_site()
    config = site.folder / "syncd.toml"
    text = config.read_text()
    source = text[text.index("[connections.ninja]") : text.index("[connections.halo]")]
    config.write_text(
        text
        + "\n"
        + source.replace("[connections.ninja]", "[connections.dead]").replace(
            site.host.simulators["ninjaone"].base_url, "http://127.0.0.1:9"
        )
    )
    done = site.run("pull", expect=None)
    assert done.code in {5, 6}, done.said
    assert intervals(site)
    assert "dead" in done.said
