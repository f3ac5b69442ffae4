"""Keys that survive renames and never collide, and hashes that see values, not their spelling."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.billing.identity import (
    CURRENT,
    configuration_uid,
    content_hash,
    external_key,
    observed_digest,
)
from tests.builders_plan import record, sent_fields

D = Decimal


def test_a_key_is_made_of_lasting_ids():
    assert external_key("c0ffee01", "17", "cfg1", "l9") == "syncd:c0ffee01:17:cfg1:l9"
    assert external_key("c0", "17", "cfg1", "l9", "2026-11") == "syncd:c0:17:cfg1:l9:2026-11"
    assert external_key("c0", "17", "cfg1", "l9", suffix=CURRENT) == "syncd:c0:17:cfg1:l9:current"


def test_a_colon_within_an_id_does_not_move_into_the_next():
    assert external_key("a:b", "c", "d", "e") != external_key("a", "b:c", "d", "e")
    assert external_key("a%3Ab", "c", "d", "e") != external_key("a:b", "c", "d", "e")


parts = st.text(alphabet="a1:%/Ä ", min_size=0, max_size=4)


@given(st.tuples(parts, parts, parts, parts), st.tuples(parts, parts, parts, parts))
def test_different_ids_never_make_one_key(
    one: tuple[str, str, str, str], two: tuple[str, str, str, str]
):
    assert (external_key(*one) == external_key(*two)) is (one == two)


def test_amounts_hash_by_value():
    one = sent_fields(unit_price=D("5"), unit_cost=D("0"))
    two = sent_fields(unit_price=D("5.00000000"), unit_cost=D("0.00"))
    assert content_hash(one) == content_hash(two)
    assert content_hash(sent_fields(unit_price=D("100"))) == content_hash(
        sent_fields(unit_price=D("1E+2"))
    )


CHANGES = {
    "client": "483",
    "site": "3",
    "name": "Other",
    "quantity": 2,
    "unit_price": D("0"),
    "unit_cost": D("0"),
    "asset_type": "11",
    "supplier": "7",
    "start": "2026-11-01",
    "end": "2026-11-30",
    "notes": "x",
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_counts_in_the_hash(field: str):
    assert content_hash(sent_fields(**{field: CHANGES[field]})) != content_hash(sent_fields())


def test_an_absent_price_is_not_0():
    assert content_hash(sent_fields(unit_price=None)) != content_hash(sent_fields(unit_price=D(0)))


@pytest.mark.parametrize(
    "edit",
    [{"quantity": 2}, {"active": False}, {"foreign_writer": "Distributor"}, {"marker": "other"}],
)
def test_the_digest_moves_with_what_we_own_and_with_whose_record_it_is(edit: dict[str, object]):
    owned = sent_fields()
    assert observed_digest(record("1", **edit), owned) != observed_digest(record("1"), owned)


def test_the_digest_does_not_move_with_what_we_do_not_own():
    owned = sent_fields(unit_price=None)
    assert observed_digest(record("1", unit_price=D(7)), owned) == observed_digest(
        record("1", unit_price=D(9)), owned
    )
    ours = sent_fields(unit_price=D(5))
    assert observed_digest(record("1", unit_price=D(7)), ours) != observed_digest(
        record("1", unit_price=D(9)), ours
    )


@pytest.mark.parametrize("uid", ["cfg1", "a:b", "50%", "%3A"])
def test_the_configuration_is_read_back_from_a_key(uid: str) -> None:
    assert configuration_uid(external_key("c0", "17", uid, "l9")) == uid
    assert configuration_uid(external_key("c0", "17", uid, "l9", suffix=CURRENT)) == uid
    assert configuration_uid("TEL-01") == configuration_uid("other:a:b:c:d") == ""
