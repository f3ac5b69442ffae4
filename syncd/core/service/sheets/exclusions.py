"""The file of exclusions: units that a person keeps out of every count of an account.

A unit stays in the census and in the evidence; only its quantity is left out, with the reason that
the file gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.csv_text import CsvRow
from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.service.sheets.sheet import Current, Entry, Sheet, account_label
from syncd.core.store.census.known_units import known_units
from syncd.core.store.mappings import EXCLUSIONS


async def _prepare(
    conn: AsyncConnection, context: SheetContext, rows: Sequence[CsvRow], current: Current
) -> SheetContext:
    """Look up the units of the file and those that are kept out already."""
    wanted = {(values.values["account_id"], values.values["unit"]) for values in current.values()}
    for row in rows:
        cells = {name: cell.strip() for name, cell in row.cells.items()}
        connection = context.connections.get(cells.get("connection", ""))
        if connection is None:
            continue
        account = context.accounts.get((connection.id, cells.get("account", "")))
        if account is not None:
            wanted.add((account.id, cells.get("unit", "")))
    return replace(context, units=await known_units(conn, wanted))


def _read(row: RowReader) -> Entry | None:
    connection = row.connection()
    account = row.account(connection)
    product = None
    if connection is not None and row.text("product"):
        product = row.product_of(connection, row.text("product"), "product")
    unit, reason = row.text("unit"), row.text("reason")
    known = row.context.units.get((account.id, unit)) if account is not None else None
    if not unit:
        row.blame("unit", "the cell is empty", "write the vendor's id of the unit")
    elif account is not None and known is None:
        said = f"account {account.key} ({account.name}) never had a unit '{unit}'"
        row.blame("unit", said, "`syncd explain` lists the units of a client with their ids")
    elif known is not None and product is not None and product.id not in known.products:
        said = f"unit '{unit}' ({known.name}) was never counted as {product.key}"
        row.blame("product", said, "leave the cell empty for every product")
    if not reason:
        remedy = "say in a few words why, so that the next person knows"
        row.blame("reason", "an exclusion needs a reason", remedy)
    if row.problems or connection is None or account is None:
        return None
    return Entry(
        line=row.row.line,
        connection_id=connection.id,
        values={
            "account_id": account.id,
            "product_key": product.key if product is not None else "",
            "unit": unit,
            "reason": reason,
            "confirmed_by": row.context.confirmed_by,
        },
        doubts=row.doubts,
    )


def _write(context: SheetContext, current: Current) -> Iterator[Mapping[str, str]]:
    for key in sorted(current):
        values = current[key].values
        account = context.directory.accounts[values["account_id"]]
        known = context.units.get((account.id, values["unit"]))
        yield {
            "connection": context.directory.connections[account.connection_id].name,
            "account": account.key,
            "account_name": account.name,
            "product": values["product_key"],
            "unit": values["unit"],
            "unit_name": known.name if known is not None else "",
            "reason": values["reason"],
        }


def _label(context: SheetContext, values: Mapping[str, Any]) -> str:
    known = context.units.get((values["account_id"], values["unit"]))
    name = f" ({known.name})" if known is not None else ""
    product = f" as {values['product_key']}" if values["product_key"] else ""
    return f"{account_label(context, values['account_id'])}: unit {values['unit']}{name}{product}"


EXCLUSION_SHEET: Final = Sheet(
    name="exclusions",
    title="excluded units",
    decisions=EXCLUSIONS,
    columns=(
        "connection",
        "account",
        "account_name",
        "product",
        "unit",
        "unit_name",
        "reason",
    ),
    optional=("account_name", "unit_name"),
    read=_read,
    write=_write,
    label=_label,
    describe=lambda _context, values: f"not counted, because: {values['reason']}",
    connection_of=lambda context, values: (
        context.directory.accounts[values["account_id"]].connection_id
    ),
    prepare=_prepare,
)
"""Columns and rules of the file."""
