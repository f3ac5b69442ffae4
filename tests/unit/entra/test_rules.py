"""Rules over users mean the same to Graph, which counts, and to us, who list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_entra.exclusions import COUNTED, Exclusions
from syncd_entra.models import Licence, SignIns, User
from syncd_entra.rules import Exclusion, UserCount
from syncd_entra.sandbox.filters import compiled

from tests.builders_entra import ONE, TWO

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SKU = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"


def user(**facts):
    known = {
        "id": "u1", "name": "Ann", "sign_in_name": "ann@contoso.com", "enabled": True,
        "licences": [Licence(SKU)], "kind": "Member",
    }  # fmt: skip
    return User(**{**known, **facts})


def rule(**conditions):
    return UserCount(key="k", name="K", **conditions)


def maybe(strategy):
    return st.none() | strategy


@given(
    conditions=st.fixed_dictionaries(
        {
            "type": maybe(st.sampled_from(["member", "guest"])),
            "enabled": maybe(st.booleans()),
            "licensed": maybe(st.booleans()),
            "domain": maybe(st.sampled_from(["contoso.com", "@Contoso.com", "o'hara.ie"])),
        }
    ),
    kind=st.sampled_from(["Member", "Guest"]),
    enabled=st.booleans(),
    licences=st.lists(st.just(SKU), max_size=2),
    name=st.sampled_from(["a@contoso.com", "b@CONTOSO.com", "c@o'hara.ie", "d@x.contoso.com.eu"]),
)
def test_the_filter_takes_whom_the_rule_takes(conditions, kind, enabled, licences, name):
    one = rule(**conditions)
    row = {
        "userType": kind,
        "accountEnabled": enabled,
        "assignedLicenses": [{"skuId": sku} for sku in licences],
        "userPrincipalName": name,
    }
    listed = user(
        kind=kind, enabled=enabled, licences=[Licence(s) for s in licences], sign_in_name=name
    )
    assert compiled(one.filter(), advanced=True)(row) is one.takes(listed, (), NOW)


def test_who_has_no_type_is_neither_member_nor_guest():
    nobody = user(kind=None)
    assert rule().takes(nobody, (), NOW)
    assert not rule(type="member").takes(nobody, (), NOW)
    assert not rule(type="guest").takes(nobody, (), NOW)


@pytest.mark.parametrize(
    ("sign_ins", "active", "silent"),
    [
        (None, False, True),
        (SignIns(), False, True),
        (SignIns(interactive=NOW - timedelta(days=30)), True, False),
        (SignIns(interactive=NOW - timedelta(days=30, seconds=1)), False, True),
        (SignIns(other=NOW, interactive=NOW - timedelta(days=99)), True, False),
        # An attempt is no sign-in where Graph knows of a success.
        (SignIns(interactive=NOW, successful=NOW - timedelta(days=99)), False, True),
        (SignIns(successful=datetime(1, 1, 1, tzinfo=UTC)), False, True),
    ],
)
def test_a_sign_in_counts_for_so_many_days(sign_ins, active, silent):
    who = user(sign_ins=sign_ins)
    assert rule(signed_in_days=30).takes(who, (), NOW) is active
    assert rule(silent_days=30).takes(who, (), NOW) is silent


def test_a_group_takes_its_members():
    assert rule(group="Staff").takes(user(), ("Staff",), NOW)
    assert not rule(group="Staff").takes(user(), ("Other",), NOW)


def exclusions(*rules, count_free=False):
    return Exclusions(ONE, [Exclusion(**one) for one in rules], count_free=count_free)


def test_the_first_rule_that_names_a_user_gives_the_reason():
    rules = exclusions(
        {"user": "ANN@contoso.com", "reason": "first"},
        {"user": "ann@contoso.com", "reason": "second"},
        {"group": "Staff", "reason": "third"},
    )
    assert rules.user(user(), ("Staff",)) == ("do_not_import", "first")
    assert rules.user(user(sign_in_name="b@c"), ("Staff",)) == ("do_not_import", "third")
    assert rules.user(user(sign_in_name="b@c"), ()) == COUNTED
    assert exclusions({"user": "U1", "reason": "by id"}).user(user(), ()).words == "by id"


def test_a_tenant_is_excluded_as_a_whole_and_rules_of_others_do_not_matter():
    whole = exclusions({"tenant": ONE, "reason": "ours"})
    assert whole.user(user(), ()) == whole.sku(SKU, "SPB", "") == ("do_not_import", "ours")
    other = exclusions({"tenant": TWO, "reason": "x"}, {"tenant": TWO, "user": "u1", "reason": "y"})
    assert other.user(user(), ()) == other.tenant() == COUNTED


def test_free_and_trial_skus_are_not_counted_unless_asked_for():
    assert exclusions().sku(SKU, "SPB", "free").code == "free_sku"
    assert exclusions().sku(SKU, "SPB", "trial").code == "trial_sku"
    assert exclusions().sku(SKU, "SPB", "") == COUNTED
    assert exclusions(count_free=True).sku(SKU, "SPB", "free") == COUNTED
    for name in ("spb", SKU.upper()):
        assert exclusions({"sku": name, "reason": "x"}).sku(SKU, "SPB", "free").words == "x"
