"""Lines of Microsoft's bill, from JSON to records: exact, fast, and whatever case their keys have.

Microsoft's sources disagree about the case of keys and about numbers as text. So the spelling is
learnt from the first line of each block, and a line that does not fit is read key by key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final, cast

import msgspec

from syncd.sdk.records import PurchaseLine
from syncd_csp.unpacking import Damaged
from syncd_csp.values import moment, party

ZERO: Final = Decimal(0)
KNOWN: Final = 65_536
"""Ids and days that are remembered, so that each is read once."""


class Row(msgspec.Struct, gc=False):
    """One line, with only the fields that are used.

    Attributes:
        billable: quantity that the amount is for; `quantity` is what was bought.
        subtotal: before tax, signed.
    """

    customerid: str | None
    productid: str | None
    chargetype: str | None
    subtotal: Decimal
    currency: str | None
    customername: str | None = None
    invoicenumber: str | None = None
    skuid: str | None = None
    productname: str | None = None
    skuname: str | None = None
    subscriptionid: str | None = None
    quantity: Decimal | None = None
    billablequantity: Decimal | None = None
    chargestartdate: str | None = None
    chargeenddate: str | None = None


FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Row)}
DOCUMENTED: Final = {
    name.lower(): name
    for name in (
        "CustomerId", "ProductId", "ChargeType", "Subtotal", "Currency", "CustomerName",
        "InvoiceNumber", "SkuId", "ProductName", "SkuName", "SubscriptionId", "Quantity",
        "BillableQuantity", "ChargeStartDate", "ChargeEndDate",
    )
}  # fmt: skip
"""Field → spelling of the documented file, for keys that the first line of a block leaves out."""

_AMOUNTS: Final = ("subtotal", "quantity", "billablequantity")


class LineReader:
    """Turns blocks of lines into records.

    Attributes:
        read: lines so far.
        undated: lines of which a date could not be read.
    """

    def __init__(self, document: str, product_of: Callable[[str], str]) -> None:
        """Begin a file.

        Args:
            document: number of the invoice, for lines that name none.
            product_of: the product of a subscription, empty if unknown.
        """
        self._document = document
        self._product_of = product_of
        self.read = 0
        self.undated = 0

    def lines(self, block: bytes) -> list[PurchaseLine]:
        """The records of a block of whole lines.

        Raises:
            Damaged: a line is no line of a bill.
        """
        block = block.strip()
        if not block:
            return []
        try:
            rows: list[Row] = decoder(_spelling(block)).decode_lines(block)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            rows = self._one_by_one(block)
        found = [self._line(row) for row in rows]
        self.read += len(found)
        return found

    def _line(self, row: Row) -> PurchaseLine:
        cost = row.subtotal
        quantity = row.billablequantity
        if quantity is None:
            quantity = ZERO if row.quantity is None else row.quantity
        if not (cost.is_finite() and quantity.is_finite()):
            raise Damaged(f"has an amount that is no number in line {self.read + 1} or after it")
        if cost and (cost < 0) is not (quantity < 0):
            quantity = -quantity
        subscription = lowered(row.subscriptionid)
        return PurchaseLine(
            customer(row.customerid),
            row.customername or "",
            self._product_of(subscription),
            sku_of(row.productid, row.skuid),
            row.skuname or row.productname or "",
            subscription,
            lowered(row.chargetype),
            quantity,
            cost,
            (row.currency or "").upper(),
            self._day(row.chargestartdate),
            self._day(row.chargeenddate),
            row.invoicenumber or self._document,
        )

    def _day(self, text: str | None) -> date | None:
        try:
            return day(text)
        except ValueError:
            self.undated += 1
            return None

    def _one_by_one(self, block: bytes) -> list[Row]:
        """The slow way, for lines whose keys or values are written unlike those of the first."""
        rows = []
        for number, line in enumerate(block.splitlines(), self.read + 1):
            if not line.strip():
                continue
            try:
                rows.append(_row(_any_keys.decode(line)))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise Damaged(f"has a line {number} that is no line of a bill") from error
        return rows


_any_keys: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


@lru_cache(KNOWN)
def lowered(text: str | None) -> str:
    return (text or "").strip().lower()


@lru_cache(KNOWN)
def customer(text: str | None) -> str:
    return party(text)


@lru_cache(KNOWN)
def sku_of(product: str | None, sku: str | None) -> str:
    """`ProductId:SkuId`, as subscriptions name it."""
    return ":".join(part.strip().upper() for part in (product, sku) if part)


@lru_cache(KNOWN)
def day(text: str | None) -> date | None:
    """The day in UTC.

    Raises:
        ValueError: the text is no moment.
    """
    at = moment(text)
    return at.date() if at is not None else None


@cache
def decoder(spelling: tuple[str, ...]) -> msgspec.json.Decoder[Row]:
    """A decoder of lines whose keys are written like this, in the order of `FIELDS`."""
    fields = [
        (name, field.type) if field.required else (name, field.type, field.default)
        for name, field in FIELDS.items()
    ]
    kind = msgspec.defstruct(
        "Row", fields, rename=dict(zip(FIELDS, spelling, strict=True)), gc=False
    )
    return cast("msgspec.json.Decoder[Row]", msgspec.json.Decoder(kind))


_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _spelling(block: bytes) -> tuple[str, ...]:
    """How the first line of a block writes the keys."""
    end = block.find(b"\n")
    written = {key.lower(): key for key in _keys.decode(block if end < 0 else block[:end])}
    is_camel = any(key[:1].islower() for key in written.values())
    return tuple(
        written.get(name) or (known[:1].lower() + known[1:] if is_camel else known)
        for name in FIELDS
        for known in (DOCUMENTED[name],)
    )


def _row(told: Mapping[str, Any]) -> Row:
    """A line whose keys may have any case, and whose texts may be empty for "none"."""
    values = {key.lower(): value for key, value in told.items()}
    for name in FIELDS:
        value = values.get(name)
        if isinstance(value, str) and not value.strip():
            values[name] = None
        elif name not in _AMOUNTS and value is not None and not isinstance(value, str):
            values[name] = str(value)
    for name in ("customerid", "productid", "chargetype", "currency"):
        values.setdefault(name, None)
    return msgspec.convert(values, Row, strict=False)
