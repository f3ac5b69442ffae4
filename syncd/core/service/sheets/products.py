"""The file of products: each thing a source counts beside the asset type it has in the PSA.

An export lists the products without an asset type too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.service.sheets.sheet import (
    Current,
    Entry,
    Sheet,
    connection_of_product,
    product_label,
)
from syncd.core.store.mappings import PRODUCTS
from syncd.core.store.references import ReferenceKind


def _read(row: RowReader) -> Entry | None:
    connection = row.connection()
    product = row.product(connection)
    asset_type = row.reference(ReferenceKind.ASSET_TYPE, "asset_type")
    if row.problems or connection is None or product is None or asset_type is None:
        return None
    return Entry(
        line=row.row.line,
        connection_id=connection.id,
        values={
            "product_id": product.id,
            "psa_connection_id": row.context.psa.id,
            "asset_type_key": asset_type.key,
            "confirmed_by": row.context.confirmed_by,
        },
        doubts=row.doubts,
    )


def _write(context: SheetContext, current: Current) -> Iterator[Mapping[str, str]]:
    for product in context.directory.products.values():
        mapping = current.get((product.id,))
        key = mapping.values["asset_type_key"] if mapping else ""
        yield {
            "connection": context.directory.connections[product.connection_id].name,
            "product": product.key,
            "product_name": product.name,
            "asset_type": key,
            "asset_type_name": context.reference_name(ReferenceKind.ASSET_TYPE, key),
        }


def _describe(context: SheetContext, values: Mapping[str, Any]) -> str:
    key = values["asset_type_key"]
    return f"asset type {key} ({context.reference_name(ReferenceKind.ASSET_TYPE, key)})"


PRODUCT_SHEET: Final = Sheet(
    name="products",
    title="asset types of products",
    decisions=PRODUCTS,
    columns=("connection", "product", "product_name", "asset_type", "asset_type_name"),
    optional=("product_name", "asset_type_name"),
    read=_read,
    write=_write,
    label=lambda context, values: product_label(context, values["product_id"]),
    describe=_describe,
    connection_of=connection_of_product,
)
"""Columns and rules of the file."""
