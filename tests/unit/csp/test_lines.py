"""Lines of the bill are read exactly, whatever their keys' case and however numbers are written."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_csp.lines import LineReader
from syncd_csp.unpacking import Damaged

from syncd.sdk.records import PurchaseLine
from tests.builders_csp import ONE, bill_line

AMOUNTS = st.decimals(-(10**9), 10**9, places=8)


def read(*lines: dict[str, Any], document: str = "") -> list[PurchaseLine]:
    block = "".join(json.dumps(line) + "\n" for line in lines).encode()
    known = {"aaaaaaaa-0000-4000-8000-000000000001": "seat:x"}
    return LineReader(document, lambda subscription: known.get(subscription, "")).lines(block)


def camel(line: dict[str, Any]) -> dict[str, Any]:
    return {key[:1].lower() + key[1:]: value for key, value in line.items()}


def test_a_line_is_read_whole() -> None:
    assert read(bill_line()) == [
        PurchaseLine(
            account=ONE,
            account_name="Customer 1",
            product="seat:x",
            sku="CFQ7TTC0LCHC:0002",
            name="Microsoft 365 Business Premium",
            subscription="aaaaaaaa-0000-4000-8000-000000000001",
            charge="cyclefee",
            quantity=Decimal(25),
            cost=Decimal("412.5"),
            currency="EUR",
            starts=date(2026, 10, 1),
            ends=date(2026, 10, 31),
            document="G1",
        )
    ]


def test_the_case_of_keys_does_not_matter() -> None:
    plain = read(bill_line())
    assert read(camel(bill_line())) == plain
    assert read({key.upper(): value for key, value in bill_line().items()}) == plain
    assert read(bill_line(), camel(bill_line())) == plain * 2
    assert read(camel(bill_line()), bill_line()) == plain * 2


def test_a_key_that_the_first_line_leaves_out_is_known_in_the_next() -> None:
    bare = {key: bill_line()[key] for key in ("CustomerId", "ProductId", "ChargeType", "Subtotal")}
    for first, second in ((bare, bill_line()), (camel(bare), camel(bill_line()))):
        lines = read(first, second)
        assert lines[1] == read(bill_line())[0]
        assert (lines[0].subscription, lines[0].quantity) == ("", Decimal(0))


@given(AMOUNTS, st.booleans())
def test_an_amount_is_exact_as_number_and_as_text(amount: Decimal, as_text: bool) -> None:
    written = f'"{amount:f}"' if as_text else f"{amount:f}"
    block = json.dumps(bill_line(Subtotal=0)).replace('"Subtotal": 0', f'"Subtotal": {written}')
    (line,) = LineReader("", lambda _: "").lines(block.encode())
    assert line.cost == amount
    assert abs(line.quantity) == 25
    assert (line.quantity < 0) is (amount < 0)


def test_the_billed_quantity_counts_with_the_sign_of_the_money() -> None:
    credit = bill_line(Subtotal="-33.00", BillableQuantity=2, Quantity=25)
    assert read(credit)[0].quantity == -2
    assert read(bill_line(BillableQuantity=None, Quantity="7"))[0].quantity == 7
    assert read(bill_line(Subtotal=-33, BillableQuantity=-2))[0].quantity == -2
    assert read(bill_line(Subtotal=0, BillableQuantity=3))[0].quantity == 3


def test_ids_of_customers_lose_their_prefix() -> None:
    assert read(bill_line(CustomerId=f"org:{ONE.upper()}"))[0].account == ONE
    assert read(bill_line(CustomerId=None))[0].account == ""


def test_empty_texts_and_numbers_for_texts_are_read() -> None:
    odd = bill_line(Quantity="", BillableQuantity="25", SkuId=2, SubscriptionId="", Currency="eur")
    (line,) = read(odd)
    assert (line.quantity, line.sku, line.subscription) == (
        Decimal(25), "CFQ7TTC0LCHC:2", "",
    )  # fmt: skip
    assert line.currency == "EUR"


def test_the_invoice_names_lines_that_do_not() -> None:
    assert read(bill_line(InvoiceNumber=None), document="G9")[0].document == "G9"


def test_days_are_those_of_utc_and_odd_ones_are_counted() -> None:
    reader = LineReader("", lambda _: "")
    block = json.dumps(
        bill_line(ChargeStartDate="2026-09-30T20:00:00-08:00", ChargeEndDate="soon")
    ).encode()
    (line,) = reader.lines(block)
    assert (line.starts, line.ends, reader.undated) == (date(2026, 10, 1), None, 1)


@pytest.mark.parametrize(
    "broken",
    [
        b"not json\n",
        b"[1]\n",
        json.dumps({"CustomerId": "x"}).encode(),
        json.dumps(bill_line(Subtotal="12,50")).encode(),
        json.dumps(bill_line(Subtotal="NaN")).encode(),
        json.dumps(bill_line(Subtotal=None)).encode(),
        json.dumps(bill_line(BillableQuantity="Infinity")).encode(),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_number(broken: bytes) -> None:
    reader = LineReader("", lambda _: "")
    reader.lines(json.dumps(bill_line()).encode() + b"\n")
    with pytest.raises(Damaged, match="line 2"):
        reader.lines(broken)


def test_blank_lines_are_nothing() -> None:
    assert read() == []
    block = b"\r\n" + json.dumps(bill_line()).encode() + b"\r\n\r\n"
    assert len(LineReader("", lambda _: "").lines(block)) == 1
