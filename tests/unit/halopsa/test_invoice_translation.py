"""What an invoice of HaloPSA says, field by field, and who carries it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.finality import checks_of, is_final
from syncd_halopsa.invoice_models import WireInvoice, WireLink
from syncd_halopsa.invoice_translation import Reading, invoice_of, is_sale, is_whole
from syncd_halopsa.ownership import Traces
from syncd_halopsa.posted_mark import MarkShape

from syncd.sdk.invoice_records import DocumentKind, Ownership, PostedMark, PsaInvoice
from tests.builders_halopsa import config

TODAY = date(2026, 12, 1)
LINE = {
    "id": 1,
    "_itemid": 51,
    "item_shortdescription": "Seats",
    "qty_order": 3,
    "unit_price": 10.005,
    "net_amount": 30.02,
    "tax_code": "1",
    "tax_rate": 20,
    "tax_amount": 6.0,
}
ROW = {
    "id": 1042,
    "invoicenumber": "INV-1042",
    "client_id": 1001,
    "client_name": "Alpha Ltd",
    "invoice_date": "2026-11-30T10:00:00",
    "duedate": "2026-12-30T00:00:00",
    "datesent": "2026-11-30T10:00:00",
    "last_modified": "2026-11-30T10:00:01",
    "currency": "£",
    "currency_code": 1,
    "total": 36.02,
    "tax_total": 6.0,
    "lines": [LINE],
}


def wire(**changed: Any) -> WireInvoice:
    text = msgspec.json.encode({**ROW, **changed})
    return msgspec.json.decode(text, type=WireInvoice, strict=False)


def shown(
    row: dict[str, Any] | None = None,
    *,
    modules: tuple[str, ...] | None = (),
    links: dict[int, list[WireLink]] | None = None,
    **settings: Any,
) -> PsaInvoice:
    found: HaloPsaConfig = config(**settings)
    traces = Traces(modules, links or {}, checks_of(found.finalised), found.dont_sync)
    return invoice_of(wire(**(row or {})), Reading(found, {1: "GBP", 2: "EUR"}, traces, TODAY))


def test_amounts_and_quantities_are_exact_to_the_digit() -> None:
    one = shown({"lines": [{**LINE, "qty_order": 0.1234567, "unit_price": 1.1000000000000001}]})
    assert one.lines[0].quantity == Decimal("0.1234567")
    assert one.lines[0].unit_price == Decimal("1.1")
    assert (one.net, one.tax, one.total) == (Decimal("30.02"), Decimal("6.0"), Decimal("36.02"))


@given(st.decimals(-(10**9), 10**9, places=7, allow_nan=False))
def test_no_quantity_passes_through_a_float(quantity: Decimal) -> None:
    text = msgspec.json.encode({**ROW, "lines": []}).replace(
        b'"lines":[]', b'"lines":[{"id":1,"qty_order":' + format(quantity, "f").encode() + b"}]"
    )
    found = msgspec.json.decode(text, type=WireInvoice, strict=False)
    reading = Reading(config(), {}, Traces((), {}, (), "leave"), TODAY)
    assert invoice_of(found, reading).lines[0].quantity == quantity


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("by", ["qty_order", "unit_price"])
def test_a_credit_note_has_positive_amounts_whichever_sign_it_came_with(sign: int, by: str) -> None:
    line = {**LINE, "net_amount": sign * 30.02, "tax_amount": sign * 6.0, by: sign * LINE[by]}  # type: ignore[operator]
    row = {"lines": [line], "total": sign * 36.02, "tax_total": sign * 6.0}
    one = shown({**row, "creditlinkedtoinvoiceid": 1000})
    assert one.kind is DocumentKind.CREDIT
    assert one.credits == "1000"
    assert (one.net, one.tax, one.total) == (Decimal("30.02"), Decimal("6.0"), Decimal("36.02"))
    assert one.lines[0].quantity * one.lines[0].unit_price == Decimal("30.015")
    assert (one.lines[0].net, one.lines[0].tax) == (Decimal("30.02"), Decimal("6.0"))


def test_a_negative_invoice_is_no_credit_note_unless_its_type_says_so() -> None:
    row = {"total": -36.02, "tax_total": -6.0, "invoicetype": 4}
    assert shown(row).kind is DocumentKind.INVOICE
    assert shown(row).total == Decimal("-36.02")
    assert shown(row, credit_types=[4]).total == Decimal("36.02")


@pytest.mark.parametrize(
    ("row", "client", "original"),
    [
        ({}, "1001", ""),
        ({"original_client_id": 1002}, "1001", "1002"),
        ({"client_to_invoice_to_id": 1003}, "1003", "1001"),
        ({"client_to_invoice_to_id": 1003, "original_client_id": 1002}, "1003", "1002"),
        ({"client_to_invoice_to_id": -1, "original_client_id": 0}, "1001", ""),
        ({"client_id": 1001.0, "original_client_id": 1001}, "1001", ""),
    ],
)
def test_the_alternate_client_is_invoiced_and_the_first_one_is_told(
    row: dict[str, Any], client: str, original: str
) -> None:
    one = shown(row)
    assert (one.client, one.original_client) == (client, original)


@pytest.mark.parametrize(
    ("row", "settings", "iso"),
    [
        ({}, {}, "GBP"),
        ({"currency_code": 2, "currency": "€"}, {}, "EUR"),
        ({"currency_code": 9, "currency": "$"}, {}, ""),
        ({"currency_code": 0, "currency": "$"}, {"currency_codes": {"$": "usd"}}, "USD"),
        ({"currency_code": 9}, {"currency_codes": {"9": "SEK"}}, "SEK"),
        ({"currency_code": 0, "currency_code_name": "nok"}, {}, "NOK"),
        ({"currency_code": 0, "currency": "AUD"}, {}, "AUD"),
        ({"currency_code": None, "currency": None}, {}, ""),
    ],
)
def test_a_currency_is_told_or_left_open(
    row: dict[str, Any], settings: dict[str, Any], iso: str
) -> None:
    assert shown(row, **settings).currency == iso


def test_amounts_of_two_currencies_are_held_until_a_setting_says_which() -> None:
    line = {**LINE, "net_amount_converted": 35.12, "tax_converted": 7.02}
    row = {"lines": [{**line, "unit_price_converted": 11.7}], "currency_code": 2}
    assert shown(row).currency == ""
    assert shown(row, foreign_amounts="as_shown").total == Decimal("36.02")
    converted = shown(row, foreign_amounts="converted")
    assert (converted.currency, converted.total) == ("EUR", Decimal("42.14"))
    assert converted.lines[0].net == Decimal("35.12")
    same = shown({"lines": [{**LINE, "net_amount_converted": 30.02}]})
    assert same.currency == "GBP"


def test_lines_say_what_they_are_about() -> None:
    lines = [
        {"id": 1, "item_shortdescription": "Your services", "isgroupdesc": True},
        {"id": 2, "item_shortdescription": "Nothing", "qty_order": 1, "unit_price": 0},
        {"id": 3, "item_longdescription": "Only long", "tax_code": 4.0, "nominal_code": 200},
        {**LINE, "id": 4, "isinactive": True},
        {**LINE, "id": 5, "original_client_id": 1002, "xero_category_1_lookup_name": "Managed"},
        {**LINE, "id": 6, "invoice_class": "Projects", "_itemid": -1},
    ]
    one = shown({"lines": lines})
    assert [line.key for line in one.lines] == ["1", "2", "3", "5", "6"]
    assert [line.text_only for line in one.lines] == [True, False, True, False, False]
    assert one.lines[2].description == "Only long"
    assert (one.lines[2].tax_code, one.lines[2].account) == ("4", "200")
    assert (one.lines[3].original_client, one.lines[3].tracking) == ("1002", ("Managed",))
    assert (one.lines[4].item, one.lines[4].tracking) == ("", ("Projects",))


LEFT = {**LINE, "id": 2, "use_qbo_ast": True, "tax_rate": 0, "tax_amount": 0}
WRITTEN = {**LEFT, "id": 3, "tax_amount": 2.48}
EXEMPT = {**LINE, "id": 4, "tax_rate": 0, "tax_amount": 0}
GONE = {**LINE, "id": 5, "isinactive": True}


@pytest.mark.parametrize(
    ("lines", "delegated"),
    [
        ([LEFT], True),
        ([LEFT, WRITTEN], True),
        ([LEFT, EXEMPT, GONE], True),
        ([LINE], False),
        ([LEFT, LINE], False),
        ([EXEMPT, {**LEFT, "isinactive": True}], False),
    ],
    ids=["left", "written back", "beside untaxed", "own", "beside its own", "left away"],
)
def test_tax_is_left_to_the_books_only_where_no_line_has_some_of_the_psa_s_own(
    lines: list[dict[str, Any]], delegated: bool
) -> None:
    row = {"lines": lines, "total": None, "tax_total": None}
    assert shown(row).delegated_tax is delegated
    mark = PostedMark(
        key="k",
        invoice="1042",
        number="INV-1042",
        remote="145",
        system="books",
        posted_on=datetime(2026, 12, 1, tzinfo=UTC),
        tax=Decimal("2.48"),
    )
    assert MarkShape(config(write_tax=True), True).writes_tax(mark, wire(**row)) is delegated


def test_dates_that_are_none_are_none_and_terms_have_a_key() -> None:
    one = shown({"duedate": "1900-01-01T00:00:00", "due_date_type": 2, "due_date_int": 14})
    assert (one.due, one.terms) == (None, "2/14")
    assert shown({"duedatename": "30 days", "due_date_type": 1}).terms == "30 days"
    assert shown({"invoice_date": None, "date_created": None}).dated == date(1901, 1, 1)


def test_purchases_and_templates_are_no_sales() -> None:
    assert is_sale(wire())
    assert not is_sale(wire(id=-11))
    assert not is_sale(wire(supplier_id=300))
    assert not is_sale(wire(is_recurring_invoice=True))


def test_lines_that_do_not_add_up_are_noticed() -> None:
    assert is_whole(wire())
    assert not is_whole(wire(total=36.03))
    assert not is_whole(wire(lines=None))
    assert is_whole(wire(total=None))


OURS = {1042: [WireLink(id=7, third_party_type="syncd", third_party_id="doc-1")]}
THEIRS = {1042: [WireLink(id=8, third_party_type="other", third_party_id="doc-2")]}


@pytest.mark.parametrize(
    ("row", "more", "owner"),
    [
        ({}, {}, Ownership.FREE),
        ({}, {"modules": None}, Ownership.UNSURE),
        ({}, {"modules": ("Xero",)}, Ownership.OTHER),
        ({"xeroid": "a-b"}, {}, Ownership.OTHER),
        ({"qboid": 77}, {}, Ownership.OTHER),
        ({"qboid": 0, "xeroid": "", "kashflowid": -1}, {}, Ownership.FREE),
        ({"thirdpartyinvoicenumber": "X-1"}, {}, Ownership.OTHER),
        ({"thirdpartyinvoicenumber": "INV-1042"}, {}, Ownership.FREE),
        ({"thirdpartyinvoicenumber": "INV-1042", "posted": True}, {}, Ownership.OTHER),
        ({"last_synced": "2026-11-30T10:00:00"}, {}, Ownership.OTHER),
        ({"posted": True}, {}, Ownership.OTHER),
        ({"posted": True}, {"finalised": "posted"}, Ownership.FREE),
        ({"posted": True, "xeroid": "a-b"}, {"links": OURS}, Ownership.OURS),
        ({"posted": True}, {"links": THEIRS}, Ownership.OTHER),
        ({"dont_sync_to_3rd_party": True}, {}, Ownership.OTHER),
        (
            {"dont_sync_to_3rd_party": True},
            {"dont_sync": "carry", "modules": ("Xero",)},
            Ownership.FREE,
        ),
    ],
)
def test_every_trace_of_another_carrier_counts_and_doubt_is_told(
    row: dict[str, Any], more: dict[str, Any], owner: Ownership
) -> None:
    one = shown(row, **more)
    assert one.owner is owner
    assert one.owner_detail


def test_ids_of_documents_are_handed_over_for_linking() -> None:
    one = shown({"xeroid": "a-b", "qboid": 12}, links=OURS)
    assert one.foreign == {"xeroid": "a-b", "qboid": "12", "link": "doc-1"}


@pytest.mark.parametrize(
    ("setting", "row", "final"),
    [
        ("sent", {}, True),
        ("sent", {"datesent": "1900-01-01T00:00:00"}, False),
        ("Emailed", {}, True),
        ("approved", {"approval_status": 2}, True),
        ("approved", {"approval_status": 1}, False),
        ("is-posted", {"posted": True}, True),
        ("posted", {}, False),
        ("dated", {"invoice_date": "2026-12-01T00:00:00"}, True),
        ("dated", {"invoice_date": "2026-12-02T00:00:00"}, False),
        ("numbered", {"invoicenumber": " "}, False),
        ("sent and posted", {}, False),
        ("sent, numbered", {}, True),
        ("sent + dated", {"reviewrequired": True}, False),
    ],
)
def test_a_draft_is_told_by_the_setting(setting: str, row: dict[str, Any], final: bool) -> None:
    found = config(finalised=setting, approved_codes=[2])
    assert is_final(wire(**row), checks_of(found.finalised), [2], TODAY) is final


def test_a_setting_that_is_not_understood_is_refused_with_what_to_write() -> None:
    for text in ("", "final", "sent or posted", "due"):
        with pytest.raises(ValidationError, match="is not understood; write one of sent"):
            config(finalised=text)
    with pytest.raises(ValidationError, match="needs approved_codes"):
        config(finalised="approved")
    with pytest.raises(ValidationError, match="no ISO code"):
        config(currency_codes={"£": "pounds"})
    assert config(finalised="Sent+numbered").finalised == "sent and numbered"
