"""What is written for a change: only what we own, whole numbers whole, amounts digit by digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syncd_halopsa.models import WireLicence
from syncd_halopsa.payload import NO_DATE, Unsendable, differences, element_of

from tests.builders_halopsa import ALPHA, adopt, config, create, update

NAMES = {"101": "Workstation", "102": "Server"}
MARKER = "syncd:a1b2c3d4:11:c1:l1"
to_json = msgspec.json.Encoder(decimal_format="number").encode


def element(change: Any, **settings: Any) -> dict[str, Any]:
    sent = element_of(change, MARKER, config(**settings), NAMES)
    return msgspec.json.Decoder(float_hook=Decimal).decode(msgspec.json.encode(sent))  # type: ignore[no-any-return]


def on_the_wire(change: Any) -> bytes:
    return msgspec.json.encode(element_of(change, MARKER, config(), NAMES))


def record(sent: dict[str, Any], **changed: Any) -> WireLicence:
    return msgspec.convert({"id": 881, **sent, **changed}, WireLicence)


def test_a_create_carries_exactly_the_agreed_fields() -> None:
    assert element(create()) == {
        "type": 1,
        "client_id": 1001,
        "site_id": -1,
        "product_sku": MARKER,
        "name": "Managed workstations",
        "count": 4,
        "price": Decimal("15.00"),
        "purchase_price": Decimal("6.00"),
        "supplier_id": 301,
        "third_party_product": "Workstation [101]",
        "notes": "November 2026",
        "start_date": "2026-11-01T00:00:00",
        "end_date": NO_DATE,
        "billing_cycle": "Monthly",
        "term_duration": "Monthly",
        "status": "Active",
    }


def test_an_update_carries_only_what_we_own() -> None:
    assert set(element(update("881"))) == {
        "id",
        "product_sku",
        "name",
        "count",
        "price",
        "purchase_price",
        "supplier_id",
        "third_party_product",
        "notes",
        "start_date",
    }


def test_what_is_not_ours_is_absent_and_never_null_or_zero() -> None:
    bare = update(
        "881",
        unit_price=None,
        unit_cost=None,
        supplier=None,
        asset_type=None,
        notes=None,
        start=None,
    )
    assert set(element(bare)) == {"id", "product_sku", "name", "count"}


def test_zero_is_a_value() -> None:
    sent = element(update("881", quantity=0, unit_price=Decimal(0)))
    assert sent["count"] == 0
    assert sent["price"] == 0


def test_a_record_of_one_month_has_both_dates() -> None:
    sent = element(create(start="2026-11-01", end="2026-11-30", site="20010"))
    assert sent["start_date"] == "2026-11-01T00:00:00"
    assert sent["end_date"] == "2026-11-30T00:00:00"
    assert sent["site_id"] == 20010


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("third_party_product", {"third_party_product": "Workstation [101]"}),
        ("vendor_product_sku", {"vendor_product_sku": "Workstation [101]"}),
        ("manufacturer", {"manufacturer": "Workstation [101]"}),
        ("notes", {"notes": "Asset type: Workstation [101]\nNovember 2026"}),
        ("CFtype", {"customfields": [{"name": "CFtype", "value": "Workstation [101]"}]}),
        ("none", {"notes": "November 2026"}),
    ],
)
def test_the_asset_type_goes_where_the_setting_says(field: str, written: dict[str, Any]) -> None:
    sent = element(create(), asset_type_field=field)
    assert {name: sent[name] for name in written} == written
    assert ("third_party_product" in sent) is (field == "third_party_product")
    wire = to_json({"id": 881, **sent})
    back = msgspec.json.decode(wire, type=WireLicence, strict=False)
    assert differences(create(), MARKER, config(asset_type_field=field), back) == ()


def test_an_asset_type_without_a_known_name_is_written_by_id() -> None:
    assert element(create(asset_type="777"))["third_party_product"] == "[777]"


def test_whole_numbers_stay_whole_and_amounts_keep_their_digits_on_the_wire() -> None:
    wire = on_the_wire(
        create(quantity=95, unit_price=Decimal("0.1") + Decimal("0.2"), unit_cost=Decimal("1E+3"))
    )
    assert b'"count":95,' in wire
    assert b'"price":0.3,' in wire
    assert b'"purchase_price":1000,' in wire
    assert b'"client_id":1001,' in wire


@settings(deadline=None)  # a busy machine is no defect
@given(
    amount=st.decimals(min_value=-(10**9), max_value=10**9, places=8),
    quantity=st.integers(min_value=0, max_value=2**31 - 1),
)
def test_every_amount_and_quantity_is_exact_on_the_wire(amount: Decimal, quantity: int) -> None:
    wire = on_the_wire(create(unit_price=amount, quantity=quantity))
    assert f'"price":{amount:f},'.encode() in wire
    assert f'"count":{quantity},'.encode() in wire
    assert msgspec.json.decode(b'{"id":1,' + wire[1:], type=WireLicence).price == amount


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "x" * 501}, "501 characters"),
        ({"name": " "}, "1 to 500"),
        ({"quantity": 2**31}, "does not fit"),
        ({"quantity": -1}, "does not fit"),
        ({"unit_price": Decimal("NaN")}, "not a number"),
        ({"client": "acme"}, "client 'acme'"),
        ({"site": "hq"}, "site 'hq'"),
        ({"supplier": "Ninja"}, "supplier 'Ninja'"),
        ({"asset_type": "Server"}, "asset type 'Server'"),
    ],
)
def test_what_the_fields_cannot_hold_is_refused_by_name(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Unsendable, match=says):
        element(create(**change))


def test_a_quantity_that_is_no_whole_number_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        element(create(quantity=Decimal("1.5")))


def test_the_same_values_read_back_are_proof() -> None:
    sent = element(create())
    assert differences(create(), MARKER, config(), record(sent)) == ()


@pytest.mark.parametrize(
    ("shown", "named"),
    [
        ({"product_sku": "syncd:a1b2c3d4:11"}, "product_sku"),
        ({"product_sku": None}, "product_sku"),
        ({"name": "Other"}, "name"),
        ({"count": 5}, "count"),
        ({"price": Decimal("15.01")}, "price"),
        ({"price": None}, "price"),
        ({"purchase_price": Decimal(0)}, "purchase_price"),
        ({"supplier_id": 0}, "supplier_id"),
        ({"third_party_product": ""}, "third_party_product"),
        ({"third_party_product": "Server [102]"}, "third_party_product"),
        ({"client_id": 1002}, "client_id"),
        ({"site_id": 20010}, "site_id"),
        ({"start_date": "2026-10-31T00:00:00"}, "start_date"),
    ],
)
def test_each_difference_read_back_is_named(shown: dict[str, Any], named: str) -> None:
    assert differences(create(), MARKER, config(), record(element(create()), **shown)) == (named,)


def test_the_noise_of_a_binary_float_is_no_difference() -> None:
    shown = record(element(create()), price=Decimal("15.000000000000002"))
    assert differences(create(), MARKER, config(), shown) == ()


def test_an_update_that_shows_another_record_is_not_proven() -> None:
    change = update("881")
    shown = record(element(change), id=990)
    assert differences(change, MARKER, config(), shown) == ("id",)
    assert differences(change, MARKER, config(), record(element(change))) == ()


def test_the_client_of_a_record_is_not_moved_by_an_update() -> None:
    change = update("881", client=ALPHA)
    assert "client_id" not in element(change)


@pytest.mark.parametrize("field", ["product_sku", "vendor_product_sku"])
def test_an_adoption_carries_the_id_and_our_key_and_nothing_else(field: str) -> None:
    assert element(adopt("881"), key_field=field) == {"id": 881, field: MARKER}


def test_an_adoption_is_proven_by_the_key_alone() -> None:
    change = adopt("881", name="Anything", quantity=99)
    sent = element(change)
    assert differences(change, MARKER, config(), record(sent, count=3)) == ()
    assert differences(change, MARKER, config(), record(sent, count=3, id=990)) == ("id",)
    other = record(sent, count=3, product_sku="TEL-01")
    assert differences(change, MARKER, config(), other) == ("product_sku",)


def test_an_adoption_without_a_record_is_refused() -> None:
    with pytest.raises(Unsendable, match="an adopt names no record"):
        element(adopt(None))  # type: ignore[arg-type]
