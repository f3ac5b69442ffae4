"""HaloPSA's ways to say nothing (0, -1, 1900, "") become None; its odd types become ours."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from syncd_halopsa.models import (
    WireClient,
    WireLicence,
    WireLine,
    WireRecurring,
    WireSchedule,
    WireSite,
)
from syncd_halopsa.recurring_lines import lines_of
from syncd_halopsa.translation import (
    client_of,
    day_of,
    foreign_writer,
    id_of,
    moment_of,
    site_of,
    subscription_of,
)

from syncd.sdk.records import ProrationRow, QuantitySource


def read(body: bytes, type_: Any) -> Any:
    return msgspec.json.decode(body, type=type_, strict=False)


def licence(**fields: Any) -> WireLicence:
    return WireLicence(**{"id": 881, "count": 3, "client_id": 1001, **fields})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5.333300000000001", "5.3333"),
        ("5.333299999999999", "5.3333"),
        ("49.99999999999999", "50"),
        ("0.12345678", "0.12345678"),
        ("5.50", "5.50"),
        ("1e40", "1E+40"),
    ],
)
def test_the_noise_of_a_binary_float_is_no_change_of_a_price(written: str, meant: str) -> None:
    wire = read(f'{{"id": 881, "count": 3, "price": {written}}}'.encode(), WireLicence)
    record = subscription_of(wire, key_field="third_party_product", asset_type_field="none")
    assert str(record.unit_price) == meant


@pytest.mark.parametrize("text", ["12", "12.0", '"12"'])
def test_an_id_is_read_however_it_is_written(text: str) -> None:
    site = read(f'{{"id": {text}, "client_id": {text}}}'.encode(), WireSite)
    assert site_of(site).key == "12"
    assert site_of(site).client == "12"


@pytest.mark.parametrize("value", [None, 0, -1])
def test_no_id_is_none(value: int | None) -> None:
    assert id_of(value) is None


def test_ids_of_recurring_invoices_are_negative() -> None:
    assert id_of(-94) == "-94"


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-11-01T00:00:00", "2026-11-01"),
        ("2026-11-01T00:00:00Z", "2026-11-01"),
        ("1900-01-01T00:00:00", None),
        ("1901-01-01T00:00:00", None),
        ("1902-01-01T00:00:00", "1902-01-01"),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_the_years_up_to_1901_are_no_date(written: str | None, day: str | None) -> None:
    assert day_of(written) == day


def test_a_moment_without_an_offset_is_utc() -> None:
    noon = datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert moment_of("2026-12-01T12:00:00") == noon
    assert moment_of("2026-12-01T13:00:00+01:00") == noon
    assert moment_of("1900-01-01T00:00:00") is None
    assert moment_of("later") is None


def test_money_is_read_from_the_digits_and_never_through_a_float() -> None:
    exact = b'{"id": 1, "count": 1, "price": 0.1, "purchase_price": 12345678901234567.12345678}'
    row = read(exact, WireLicence)
    assert row.price == Decimal("0.1")
    assert row.purchase_price == Decimal("12345678901234567.12345678")


def test_a_subscription_shows_what_we_own() -> None:
    record = subscription_of(
        licence(
            name="Servers",
            site_id=-1,
            price=Decimal("9.50"),
            product_sku="  syncd:x ",
            third_party_product="Server [102]",
            supplier_id=0,
            start_date="2026-11-01T00:00:00",
            end_date="1901-01-01T00:00:00",
        ),
        key_field="product_sku",
        asset_type_field="third_party_product",
    )
    assert record.key == "881"
    assert record.site is None
    assert record.marker == "syncd:x"
    assert record.asset_type == "102"
    assert record.supplier is None
    assert (record.start, record.end) == ("2026-11-01", None)
    assert record.unit_cost is None
    assert record.active


@pytest.mark.parametrize("fields", [{"is_active": False}, {"deleted": True}])
def test_an_inactive_or_deleted_record_is_not_active(fields: dict[str, Any]) -> None:
    record = subscription_of(
        licence(**fields), key_field="product_sku", asset_type_field="third_party_product"
    )
    assert not record.active


def test_a_hand_edited_asset_type_shows_as_it_stands() -> None:
    record = subscription_of(
        licence(third_party_product="Servers, all"),
        key_field="product_sku",
        asset_type_field="third_party_product",
    )
    assert record.asset_type == "Servers, all"


@pytest.mark.parametrize(
    ("fields", "writer"),
    [
        ({}, None),
        ({"tenant_id": "", "azure_connection_id": 0, "snowid": "-1"}, None),
        ({"tenant_id": "6f3c"}, "Microsoft CSP"),
        ({"azure_connection_id": 3.0}, "Microsoft CSP"),
        ({"ingram_micro_details_id": 7}, "Ingram Micro"),
        ({"rhipe_subscription_id": "r-1"}, "rhipe"),
        ({"snowid": "s"}, "ServiceNow"),
        ({"thirdparty_client_id": "77"}, "a distributor"),
        ({"tenant_id": "6f3c", "distributor": "Pax8"}, "Pax8"),
        ({"distributor": "Sherweb"}, "Sherweb"),
    ],
)
def test_a_distributors_key_names_the_foreign_writer(
    fields: dict[str, Any], writer: str | None
) -> None:
    assert foreign_writer(licence(**fields)) == writer


def test_a_count_that_is_missing_breaks_the_contract_and_null_is_the_columns_default() -> None:
    with pytest.raises(msgspec.ValidationError):
        read(b'{"id": 1}', WireLicence)
    row = read(b'{"id": 1, "count": null}', WireLicence)
    assert subscription_of(row, key_field="product_sku", asset_type_field="none").quantity == 0


def test_a_client_carries_the_ids_of_other_products() -> None:
    row = read(
        b'{"id": 5, "name": " Acme ", "inactive": true, "main_site_id": 17, "ninjarmmid": 42.0,'
        b' "datto_id": "", "xeroid": "abc", "itglue_id": 0}',
        WireClient,
    )
    client = client_of(row)
    assert client.name == "Acme"
    assert not client.active
    assert client.main_site == "17"
    assert client.foreign_ids == {"ninjaone": "42", "xero": "abc"}


RECURRING = b"""{"id": -94, "client_id": 1001, "reference": "", "nextcreationdate": null,
 "schedule": {"nextcreationdate": "2026-12-01T00:00:00"}, "lines": [
 {"id": 1, "item_shortdescription": "EDR", "qty_order": 12, "unit_price": 3.5,
  "quantity_subscriptions": [{"licence_id": 881, "pro_rata": 1}], "quantity_assets": []},
 {"id": 2, "item_shortdescription": "M365", "qty_order": 0.5, "unit_price": 9.99,
  "quantity_subscriptions": [{"licence_id": 882, "use_linked_subscription_price": true}],
  "quantity_licences": [{"licence_id": 3}]},
 {"id": 3, "item_longdescription": "Retainer", "qty_order": 1, "unit_price": 250,
  "quantity_subscriptions": [], "isinactive": true},
 {"id": 4, "qty_order": null, "quantity_custom": 9, "quantity_subscriptions": null}]}"""


def test_a_recurring_line_says_what_makes_its_quantity() -> None:
    edr, office, retainer, custom = lines_of(read(RECURRING, WireRecurring))
    assert (edr.invoice, edr.client, edr.key) == ("-94", "1001", "1")
    assert edr.subscriptions == ("881",)
    assert edr.prorated
    assert not edr.counts_other
    assert not edr.price_from_subscription
    assert edr.unit_price == Decimal("3.5")
    assert edr.next_date == datetime(2026, 12, 1, tzinfo=UTC)
    assert edr.invoice_name == "recurring invoice -94"
    assert office.price_from_subscription
    assert office.unit_price is None
    assert office.quantity == Decimal("0.5")
    assert office.counts_other
    assert not retainer.active
    assert retainer.name == "Retainer"
    assert custom.counts_other
    assert custom.quantity == 0


def test_the_lines_of_a_disabled_recurring_invoice_do_not_bill() -> None:
    row = read(RECURRING, WireRecurring)
    row.disabled = True
    assert not any(line.active for line in lines_of(row))


WHOLE = b"""{"id": -94, "client_id": 1001, "period": 4, "lastcreated": "2026-11-01T00:00:00",
 "last_invoiced_revenue": 42.5, "lines": [
 {"id": 1, "_itemid": 51, "qty_order": 12, "unit_price": 3.5, "billingperiod": 0,
  "quantity_subscriptions": [{"id": 7, "licence_id": 881, "qty_free": 2, "minimum_qty": 5,
   "pro_rata": 1}],
  "quantity_assets": [{"id": 8, "type_id": 102, "licence_id": 0}],
  "prorata_data": [
   {"date": "2026-11-12T00:00:00", "quantity": 2, "shortdescription": "joined"},
   {"date": "2026-10-12T00:00:00", "quantity": 3, "isinvoiced": true},
   {"date": "1900-01-01T00:00:00", "quantity": 0}]}]}"""


def test_a_recurring_line_says_everything_that_makes_its_next_amount() -> None:
    (line,) = lines_of(read(WHOLE, WireRecurring), {"4": "yearly"})
    assert line.sources == (
        QuantitySource("7", "881", free_units=2, minimum_units=5, prorated=True),
        QuantitySource("8", kind="assets", asset_type="102"),
    )
    assert line.subscriptions == ("881",)
    assert line.counts_other
    assert line.proration == (ProrationRow("2026-11-12", Decimal(2), "joined"),)
    assert (line.cycle, line.item) == ("yearly", "51")
    assert line.last_value == Decimal("42.5")


def test_the_value_of_an_invoice_is_that_of_its_only_line_or_of_none() -> None:
    row = read(WHOLE, WireRecurring)
    assert row.lines is not None
    row.lines = [row.lines[0], WireLine(id=2)]
    assert [one.last_value for one in lines_of(row)] == [None, None]
    row.lines[1].last_invoiced_net_amount = Decimal("7.10")
    assert [one.last_value for one in lines_of(row)] == [None, Decimal("7.10")]


@pytest.mark.parametrize(
    ("fields", "cycle"),
    [
        ({}, None),
        ({"periodname": "Monthly"}, "monthly"),
        ({"periodname": "Annually"}, "yearly"),
        ({"periodname": "Every so often"}, None),
        ({"period": 4}, "yearly"),
        ({"schedule": WireSchedule(period=4)}, "yearly"),
        ({"period": 9, "periodname": "Quarterly"}, "quarterly"),
    ],
)
def test_a_billing_period_that_is_not_known_stays_unknown(
    fields: dict[str, Any], cycle: str | None
) -> None:
    row = WireRecurring(id=-94, lines=[WireLine(id=1)], **fields)
    assert [one.cycle for one in lines_of(row, {"4": "yearly"})] == [cycle]


def test_a_line_with_a_period_of_its_own_keeps_it() -> None:
    row = WireRecurring(id=-94, period=1, lines=[WireLine(id=1, billingperiod=4)])
    (line,) = lines_of(row, {"1": "monthly", "4": "yearly"})
    assert line.cycle == "yearly"
