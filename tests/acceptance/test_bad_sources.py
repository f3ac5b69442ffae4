"""A source that lies, stumbles or refuses: one clear message, a named issue, nothing changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

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
    assert "PULL_INCOMPLETE" in proven.issue_codes() or "VENDOR_CONTRACT_BROKEN" in (
        proven.issue_codes()
    )


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


def test_an_organisation_that_disappears_is_not_zero(site: Site) -> None:
    site.run("pull")
    before = intervals(site)
    gone = site.world.everyone()[0]
    site.break_(
        "ninjaone",
        Fault(
            action=Action.REPLACE,
            method="GET",
            path="/organizations",
            body=json.dumps(
                [
                    {"id": 10 + one.id, "name": one.name}
                    for one in site.world.clients()
                    if one.id != gone.id
                ]
            ),
            content_type="application/json",
        ),
    )
    site.run("pull", expect=6)
    assert intervals(site) == before
    assert "ACCOUNT_DISAPPEARED" in site.issue_codes()


@pytest.mark.parametrize(
    ("options", "word"),
    [({"client_secret": "another"}, "credential"), ({"scopes": ()}, "monitoring")],
    ids=["wrong-secret", "missing-scope"],
)
def test_refused_credentials_say_what_to_check(
    make_site: Callable[..., Site], options: dict[str, Any], word: str
) -> None:
    site = make_site(options={"ninjaone": options})
    for words in (("check",), ("pull",)):
        done = site.run(*words, expect=4)
        assert word in done.said.lower(), done.said
        assert "Traceback" not in done.said
    assert site.issue_codes() & {"CREDENTIALS_REFUSED", "PERMISSION_MISSING"}


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
