"""The file of rates: cost and price of a product from a day on, for every client or for one.

An empty amount is unset and holds the line back; 0 is free. A row without any amount says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.service.sheets.sheet import (
    Current,
    Entry,
    Sheet,
    connection_of_product,
    product_label,
)
from syncd.core.store.mappings import RATES
from syncd.core.store.references import ReferenceKind
from syncd.sdk.period import Period
from syncd.sdk.records import ProductKind

MOST_PER_UNIT: Final = Decimal(100_000)
"""The largest cost or price of one unit in a month that is believed."""

_AMOUNTS: Final = ("cost", "price", "restore_cost", "restore_price")
_CYCLES: Final = ("monthly", "quarterly", "annual")
_CURRENCY: Final = re.compile(r"^[A-Z]{3}$")


def _read(row: RowReader) -> Entry | None:
    connection = row.connection()
    product = row.product(connection)
    client = row.reference(ReferenceKind.CLIENT, "client")
    if not any(row.text(name) for name in _AMOUNTS):
        return None
    amounts = {name: row.amount(name) for name in _AMOUNTS}
    if product is not None and product.kind is ProductKind.LICENCE:
        for name in ("restore_cost", "restore_price"):
            if amounts[name] is not None:
                row.blame(name, f"{product.key} is not a storage", "leave the cell empty")
    currency = row.text("currency").upper() or row.context.currency
    if not _CURRENCY.match(currency):
        row.blame("currency", f"'{currency}' is not a currency", "write its ISO code, like GBP")
    valid_from = row.day("valid_from", required=True)
    cycle = row.choice("cycle", _CYCLES, default=_CYCLES[0])
    _doubt_absurd(row, amounts)
    if row.problems or connection is None or product is None:
        return None
    return Entry(
        line=row.row.line,
        connection_id=connection.id,
        values={
            "product_id": product.id,
            "client_key": client.key if client else "",
            "currency": currency,
            "cycle": cycle,
            "valid_from": valid_from,
            "template": "",
            **amounts,
        },
        doubts=row.doubts,
    )


def _doubt_absurd(row: RowReader, amounts: Mapping[str, Decimal | None]) -> None:
    """A price per unit with a digit too many is a mistake of the hand, not a rate."""
    for name, amount in amounts.items():
        if amount is not None and amount > MOST_PER_UNIT:
            reason = (
                f"{amount:f} for one unit is more than the {MOST_PER_UNIT:,} that a rate may be"
            )
            row.doubt(name, reason, "look for a dot or a digit that is wrong")


def _write(context: SheetContext, current: Current) -> Iterator[Mapping[str, str]]:
    """Every rate, and an empty row for each product without one."""
    priced: dict[int, list[Mapping[str, Any]]] = {}
    for rate in current.values():
        priced.setdefault(rate.values["product_id"], []).append(rate.values)
    for product in context.directory.products.values():
        empty = {"client_key": "", "currency": context.currency, "cycle": "", "valid_from": ""}
        rates = priced.get(product.id, [empty])
        for values in sorted(rates, key=lambda rate: RATES.key_of({**rate, "product_id": 0})):
            client = values["client_key"]
            yield {
                "connection": context.directory.connections[product.connection_id].name,
                "product": product.key,
                "product_name": product.name,
                "client": client,
                "client_name": context.reference_name(ReferenceKind.CLIENT, client),
                **{name: _shown(values.get(name)) for name in _AMOUNTS},
                "currency": values["currency"],
                "cycle": values["cycle"],
                "valid_from": values["valid_from"],
            }


def _label(context: SheetContext, values: Mapping[str, Any]) -> str:
    client = values["client_key"]
    whom = f" for client {client}" if client else ""
    product = product_label(context, values["product_id"])
    return f"{product}{whom} in {values['currency']} from {values['valid_from']}"


def _describe(_context: SheetContext, values: Mapping[str, Any]) -> str:
    said = [f"{name} {_shown(values[name])}" for name in _AMOUNTS if values[name] is not None]
    if values["cycle"] != _CYCLES[0]:
        said.append(f"{values['cycle']}, so not billed by syncd")
    return ", ".join(said) or "unset"


def _notes(context: SheetContext, values: Mapping[str, Any]) -> Sequence[str]:
    """A period is priced by the rate of its first day; say what a day inside of a month means."""
    day = date.fromisoformat(values["valid_from"])
    if day.day == 1:
        return ()
    month = Period(day.year, day.month).following()
    return (f"{_label(context, values)} prices its first whole month: {month}",)


def _shown(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f}"


RATE_SHEET: Final = Sheet(
    name="rates",
    title="rates",
    decisions=RATES,
    columns=(
        "connection",
        "product",
        "product_name",
        "client",
        "client_name",
        *_AMOUNTS,
        "currency",
        "cycle",
        "valid_from",
    ),
    optional=("product_name", "client_name", "cycle"),
    read=_read,
    write=_write,
    label=_label,
    describe=_describe,
    connection_of=connection_of_product,
    notes=_notes,
    lasting=("cycle",),
)
"""Columns and rules of the file."""
