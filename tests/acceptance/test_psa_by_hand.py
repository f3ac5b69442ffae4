"""People edit the PSA too: what they did is seen, shown and never overwritten blind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.sdk.testing.faults import Action, Fault
from tests.builders_site import Site

DECEMBER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
DECEMBER_EVENING = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
JANUARY = datetime(2027, 1, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def billed(site: Site) -> Site:
    """November was planned, released and sent."""
    site.run("pull")
    site.decide()
    site.move(DECEMBER)
    site.first_bills()
    assert site.ours()
    return site


def first_of_ours(site: Site) -> int:
    return min(int(record["id"]) for record in site.ours().values())


def test_the_same_month_again_writes_nothing(billed: Site) -> None:
    before = billed.writes()
    billed.run("plan", "billing")
    billed.run("apply", "latest")
    assert billed.writes() == before


def test_a_consumed_plan_is_refused(billed: Site) -> None:
    before = billed.writes()
    done = billed.run("apply", "latest", expect=None)
    assert billed.writes() == before
    assert "Traceback" not in done.said


def test_a_deleted_subscription_is_not_made_again(billed: Site) -> None:
    billed.hand.delete(first_of_ours(billed))
    count = len(billed.ours())
    done = billed.run("plan", "billing", expect=None)
    assert done.code in {3, 6}, done.said
    billed.run("apply", "latest", expect=None)
    assert len(billed.ours()) == count
    assert "PSA_RECORD_GONE" in billed.issue_codes()


def test_an_edited_subscription_is_held_with_both_values(billed: Site) -> None:
    number = first_of_ours(billed)
    billed.hand.edit(number, count=99)
    done = billed.run("plan", "billing", expect=3)
    assert "99" in done.out
    billed.run("apply", "latest", expect=3)
    assert billed.hand.subscriptions()
    assert next(one for one in billed.hand.subscriptions() if one["id"] == number)["count"] == 99
    assert {"PSA_DRIFT", "PLAN_HELD"} & billed.issue_codes()


def test_a_record_that_moved_after_the_plan_refuses_its_bill(site: Site) -> None:
    site.run("pull")
    site.decide()
    site.move(DECEMBER)
    site.first_bills()
    site.move(DECEMBER_EVENING)
    site.run("pull")
    site.move(JANUARY)
    site.run("plan", "billing", expect=None)
    number = first_of_ours(site)
    site.hand.edit(number, count=77)
    done = site.run("apply", "latest", expect=None)
    assert done.code != 0, done.said
    assert "77" in done.said
    assert next(one for one in site.hand.subscriptions() if one["id"] == number)["count"] == 77


@pytest.mark.parametrize(
    "action",
    [Action.CUT_AFTER, Action.CUT_BEFORE, Action.STATUS_AFTER, Action.STATUS_BEFORE],
)
def test_a_lost_answer_is_looked_up_and_nothing_is_doubled(site: Site, action: Action) -> None:
    site.run("pull")
    site.decide()
    site.move(DECEMBER)
    site.run("plan", "billing", expect=3)
    site.run("plans", "release", "latest", "--reason", "first month")
    site.break_(
        "halopsa",
        Fault(action=action, method="POST", path="(?i)/softwarelicence", count=1, status=502),
    )
    site.run("apply", "latest", expect=None)
    assert site.struck("halopsa")
    site.break_("halopsa")
    site.run("apply", "latest", expect=None)
    site.run("plan", "billing")
    site.run("apply", "latest")
    assert "OUTCOME_UNKNOWN" not in site.issue_codes()
    accounts = {record["client_id"] for record in site.ours().values()}
    assert accounts == {1001, 1002, 1003}


def test_shadow_cannot_write(site: Site) -> None:
    config = site.folder / "syncd.toml"
    config.write_text(config.read_text().replace('mode = "live"', 'mode = "shadow"'))
    site.run("pull")
    site.decide()
    site.move(DECEMBER)
    site.run("plan", "billing")
    assert site.run("plans", "release", "latest", "--reason", "looks right", expect=None).code != 0
    done = site.run("apply", "latest", expect=None)
    assert done.code != 0
    assert "live" in done.said
    assert site.writes() == 0
