"""Which licences count and which are kept as evidence, each with its reason."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from syncd_backup_console.directory import UNASSIGNED, Directory
from syncd_backup_console.licences import Usage
from syncd_backup_console.models import NIL, PlanRun
from syncd_backup_console.products import Catalogue

from syncd.sdk.errors import ProtocolError
from tests.builders_backup_console import (
    LATER,
    NOW,
    YESTERDAY,
    company,
    config,
    counted,
    excluded,
    licence,
    user,
)

ACME = company("C1", "Acme")


OURS = user("u1", "Acme")


def assess(licences, *, users=(OURS,), companies=(ACME,), now=NOW, **settings):
    chosen = config(**settings)
    usage = Usage(
        Directory(companies, users, chosen),
        Catalogue(chosen),
        chosen,
        now=now,
        connection="backup",
    )
    return usage.licences(licences), usage


def test_five_paid_three_trials_two_spare_and_one_expired_count_five():
    given = [
        *(licence(f"paid{n}", computer=f"paid{n}") for n in range(5)),
        *(licence(f"trial{n}", computer=f"trial{n}", trial=True) for n in range(3)),
        *(licence(f"spare{n}", computer=f"spare{n}", taken=False) for n in range(2)),
        licence("old", computer="old", expires=YESTERDAY),
    ]
    units, usage = assess(given)
    assert counted(units) == {("c1", "licence:Server"): 5}
    assert excluded(units) == {
        **{f"paid{n}": None for n in range(5)},
        **{f"trial{n}": "trial" for n in range(3)},
        **{f"spare{n}": "not_taken" for n in range(2)},
        "old": "expired",
    }
    assert usage.notes() == usage.reasons() == []


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"trial": True, "taken": False, "expires": YESTERDAY}, "trial"),
        ({"taken": False, "expires": YESTERDAY}, "not_taken"),
        ({"expires": YESTERDAY, "user_id": "stranger"}, "expired"),
        ({"expires": None}, None),
        ({"expires": ""}, None),
        ({"expires": "0001-01-01T00:00:00"}, None),
        ({"expires": "9999-12-31T23:59:59.9999999"}, None),
    ],
)
def test_the_first_reason_that_applies_is_the_reason(facts, reason):
    units, _ = assess([licence("l", **facts)])
    assert units[0].excluded == reason


def test_trials_count_when_the_settings_say_so_and_only_in_use():
    given = [licence("a", trial=True), licence("b", trial=True, taken=False)]
    units, _ = assess(given, include_trials=True)
    assert [unit.excluded for unit in units] == [None, "not_taken"]


@pytest.mark.parametrize(
    ("expires", "zone", "over"),
    [
        ("2026-11-30T12:00:00", "UTC", True),
        ("2026-11-30T12:00:01", "UTC", False),
        ("2026-11-30T12:30:00", "Europe/Berlin", True),
        ("2026-11-30T08:00:00", "America/New_York", False),
        ("2026-11-30T12:30:00+01:00", "UTC", True),
        ("2026-11-30T12:30:00.1234567", "UTC", False),
    ],
)
def test_an_expiry_without_a_zone_is_in_the_zone_of_the_settings(expires, zone, over):
    units, _ = assess([licence("l", expires=expires)], timezone=zone)
    assert (units[0].excluded == "expired") is over


def test_an_expiry_that_is_no_date_is_never_taken_for_one():
    with pytest.raises(ProtocolError, match="backup: the expiry of a licence is no date"):
        assess([licence("l", expires="soon")])


def test_types_are_products_as_they_come():
    given = [licence("a", kind="Server"), licence("b", kind=" Quantum   Vault "), licence("c")]
    units, usage = assess(given)
    assert [unit.product for unit in units] == [
        "licence:Server", "licence:Quantum Vault", "licence:Server",
    ]  # fmt: skip
    names = {one.key: one.name for one in usage._catalogue.all()}
    assert names["licence:Quantum Vault"] == "Quantum Vault licence"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"user_id": None, "user": None}, "no_user"),
        ({"user_id": NIL, "user": " "}, "no_user"),
        ({"user_id": "u2", "user": "u2.login"}, "no_company"),
        ({"user_id": "u3", "user": "u3.login"}, "no_company"),
        ({"user_id": "u4", "user": "u4.login"}, "unknown_company"),
    ],
)
def test_usage_of_no_company_is_evidence_and_a_note_and_counts_for_nobody(facts, reason):
    users = (user("u1", "Acme"), user("u2", ""), user("u3", None), user("u4", "Gone"))
    units, usage = assess([licence("l", **facts), licence("fine")], users=users)
    assert (units[0].account, units[0].excluded) == (UNASSIGNED, reason)
    assert counted(units) == {("c1", "licence:Server"): 1}
    (note,) = usage.notes()
    assert note == f"UNASSIGNED_USAGE: counted for nobody, since without a company: 1 {reason}"
    assert usage.reasons() == []


def test_a_spare_licence_of_nobody_is_no_usage():
    _, usage = assess([licence("l", taken=False, user=None, user_id=None)])
    assert usage.notes() == []


def test_a_licence_without_user_id_is_joined_by_its_login_and_says_so():
    units, usage = assess([licence("l", user_id=NIL, user="U1.Login ")])
    assert (units[0].account, units[0].excluded) == ("c1", None)
    assert msgspec.json.decode(units[0].attributes)["joined"] == "login"
    assert usage.notes() == ["JOINED_BY_NAME: 1 unit in use names the user by login, not by id"]


@pytest.mark.parametrize("facts", [{"user_id": "stranger"}, {"user_id": None, "user": "stranger"}])
def test_usage_of_a_user_who_is_not_listed_proves_nothing(facts):
    units, usage = assess([licence("l", **facts), licence("spare", taken=False, **facts)])
    assert [unit.excluded for unit in units] == ["unknown_user", "not_taken"]
    (reason,) = usage.reasons()
    assert reason.startswith("UNKNOWN_USER: 1 unit in use names a user who is not in the list")


def test_two_users_of_one_login_are_nobody():
    users = (user("u1", "Acme", login="same"), user("u2", "Acme", login="SAME"))
    _, usage = assess([licence("l", user_id=None, user="same")], users=users)
    assert usage.reasons()


def test_ids_are_compared_whatever_their_letters():
    units, _ = assess([licence("ABC-1", user_id="U1")])
    assert (units[0].account, units[0].unit) == ("c1", "abc-1")


def test_own_companies_are_evidence_and_no_note():
    units, usage = assess([licence("l")], internal_companies=["Acme"])
    assert (units[0].account, units[0].excluded) == ("c1", "internal_company")
    assert usage.notes() == []


def test_evidence_is_canonical_and_names_the_computer():
    units, _ = assess([licence("l", computer="SRV-1", number=41, system="Windows")])
    assert units[0].name == "SRV-1"
    assert units[0].attributes == (
        b'{"expires":"%s","number":41,"os":"Windows","user":"u1.login"}' % LATER.encode()
    )
    unnamed, _ = assess([licence("l", number=41)])
    assert unnamed[0].name == "licence 41"


def test_a_computer_with_several_plans_counts_once_for_its_user():
    runs = [
        PlanRun(computer="PC-1", user_id="u1", user="u1.login"),
        PlanRun(computer="pc-1", user_id="U1", user="u1.login"),
        PlanRun(computer="PC-2", user_id=None, user="u1.login"),
        PlanRun(computer=None, user_id="u1", user="u1.login"),
        PlanRun(computer="PC-3", user_id="u2", user="u2.login"),
    ]
    _, usage = assess([], users=(user("u1", "Acme"), user("u2", "")))
    units = usage.computers(runs)
    assert excluded(units) == {"PC-1": None, "PC-2": None, "PC-3": "no_company"}
    assert {unit.product for unit in units} == {"computer:all"}


def test_a_moment_in_summer_time_is_compared_in_utc():
    now = datetime(2026, 7, 1, 11, 30, tzinfo=UTC)
    units, _ = assess(
        [licence("l", expires="2026-07-01T12:15:00")], now=now, timezone="Europe/London"
    )
    assert units[0].excluded == "expired"
