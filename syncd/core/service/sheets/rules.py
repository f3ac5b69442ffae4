"""The file of quantity rules: how a raw count becomes a billed quantity, from a day on.

A rule replaces the one before it as a whole; a rule for one client replaces the one for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from syncd.core.billing.model import QuantityRule
from syncd.core.billing.quantity import rule_faults
from syncd.core.service.sheets.advance import rules_against_advance
from syncd.core.service.sheets.row import NO, YES, RowReader, SheetContext
from syncd.core.service.sheets.sheet import (
    Current,
    Entry,
    Sheet,
    connection_of_product,
    product_label,
)
from syncd.core.store.census.countable import BY_HAND, STALE
from syncd.core.store.decisions import SourceProduct
from syncd.core.store.mappings import CONFIGURATIONS, RULES
from syncd.core.store.references import ReferenceKind
from syncd.sdk.records import ProductKind

_AMOUNTS: Final = ("override", "included", "block", "minimum", "maximum")
_NEED_REASON: Final = ("override", "minimum", "maximum")
_MAX_DAYS: Final = 3650
_METHODS: Final = ("point_in_time", "peak", "average")


def _read(row: RowReader) -> Entry | None:
    connection = row.connection()
    product = row.product(connection)
    client = row.reference(ReferenceKind.CLIENT, "client")
    amounts = {name: row.amount(name) for name in _AMOUNTS}
    values: dict[str, Any] = {
        "client_key": client.key if client else "",
        "count_method": row.choice("count_method", _METHODS, default=_METHODS[0]),
        **amounts,
        "bill_blocks": row.flag("bill_blocks", default=False),
        "pool": row.flag("pool", default=True),
        "included_reasons": _reasons(row),
        "stale_after_days": _stale_after(row, product),
        "valid_from": row.day("valid_from", required=True),
        "valid_until": row.day("valid_until", required=False),
        "reason": row.text("reason"),
        "template": "",
    }
    if values["valid_from"] and "" < values["valid_until"] < values["valid_from"]:
        row.blame("valid_until", "the rule ends before it begins", "write a later day")
    if not values["reason"] and any(amounts[name] is not None for name in _NEED_REASON):
        remedy = "say in a few words why, so that the next person knows"
        row.blame("reason", "an override, minimum or maximum needs a reason", remedy)
    if product is not None and not row.problems:
        _check_amounts(row, product, amounts, bill_blocks=values["bill_blocks"])
    if row.problems or connection is None or product is None:
        return None
    return Entry(
        line=row.row.line,
        connection_id=connection.id,
        values={"product_id": product.id, **values},
        doubts=row.doubts,
    )


def _reasons(row: RowReader) -> str:
    codes = [code.strip() for code in row.text("included_reasons").split(";")]
    if any("," in code for code in codes):
        row.blame("included_reasons", "codes are separated by commas", "separate them by ;")
    if BY_HAND in codes:
        reason = "a unit that a person keeps out does not count for any rule"
        row.blame("included_reasons", reason, "end it with `syncd map exclusions`")
    if STALE in codes and row.text("stale_after_days"):
        reason = "stale_after_days already says which stale units count"
        row.blame("included_reasons", reason, "leave out stale, or empty stale_after_days")
    return ",".join(sorted({code for code in codes if code}))


def _stale_after(row: RowReader, product: SourceProduct | None) -> int | None:
    if not row.text("stale_after_days"):
        return None
    days = row.whole("stale_after_days", default=1)
    if not 1 <= days <= _MAX_DAYS:
        reason = f"{days} days cannot be waited for"
        row.blame("stale_after_days", reason, f"write 1 to {_MAX_DAYS}, or leave the cell empty")
    if product is not None and product.kind is not ProductKind.LICENCE:
        reason = "only what is counted by units can be silent, not a storage"
        row.blame("stale_after_days", reason, "leave the cell empty")
    return days


def _check_amounts(
    row: RowReader,
    product: SourceProduct,
    amounts: Mapping[str, Decimal | None],
    *,
    bill_blocks: bool,
) -> None:
    rule = QuantityRule(
        override=amounts["override"],
        included=amounts["included"] or Decimal(0),
        block=Decimal(1) if amounts["block"] is None else amounts["block"],
        minimum=amounts["minimum"],
        maximum=amounts["maximum"],
        bill_blocks=bill_blocks,
    )
    licence = product.kind is ProductKind.LICENCE
    for name in rule_faults(rule, licence=licence):
        whole = "1 or more" if name == "block" else "a whole number"
        row.blame(name, f"{amounts[name]} cannot be computed with", f"write {whole}")
    shaped = rule.block != 1 or rule.minimum is not None or rule.maximum is not None
    if not licence and shaped and not bill_blocks:
        reason = "block, minimum and maximum of a storage need billing by blocks"
        row.blame("bill_blocks", reason, "write yes, or leave the three cells empty")


def _write(context: SheetContext, current: Current) -> Iterator[Mapping[str, str]]:
    for key in sorted(current):
        values = current[key].values
        product = context.directory.products[values["product_id"]]
        client = values["client_key"]
        yield {
            "connection": context.directory.connections[product.connection_id].name,
            "product": product.key,
            "product_name": product.name,
            "client": client,
            "client_name": context.reference_name(ReferenceKind.CLIENT, client),
            "count_method": values["count_method"],
            **{name: _shown(values[name]) for name in _AMOUNTS},
            "bill_blocks": YES if values["bill_blocks"] else NO,
            "pool": YES if values["pool"] else NO,
            "included_reasons": values["included_reasons"].replace(",", ";"),
            "stale_after_days": str(values["stale_after_days"] or ""),
            "valid_from": values["valid_from"],
            "valid_until": values["valid_until"],
            "reason": values["reason"],
        }


def _label(context: SheetContext, values: Mapping[str, Any]) -> str:
    client = values["client_key"]
    whom = f" for client {client}" if client else ""
    return f"{product_label(context, values['product_id'])}{whom} from {values['valid_from']}"


def _describe(_context: SheetContext, values: Mapping[str, Any]) -> str:
    said = [values["count_method"]]
    said += [f"{name} {_shown(values[name])}" for name in _AMOUNTS if values[name] is not None]
    if values["bill_blocks"]:
        said.append("billed by blocks")
    if not values["pool"]:
        said.append("per account")
    if values["included_reasons"]:
        said.append(f"counts {values['included_reasons']}")
    if values["stale_after_days"]:
        said.append(f"stale after {values['stale_after_days']} days")
    if values["valid_until"]:
        said.append(f"until {values['valid_until']}")
    if values["reason"]:
        said.append(f"because: {values['reason']}")
    return ", ".join(said)


def _shown(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


RULE_SHEET: Final = Sheet(
    name="rules",
    title="quantity rules",
    decisions=RULES,
    columns=(
        "connection",
        "product",
        "product_name",
        "client",
        "client_name",
        "count_method",
        *_AMOUNTS,
        "bill_blocks",
        "pool",
        "included_reasons",
        "stale_after_days",
        "valid_from",
        "valid_until",
        "reason",
    ),
    optional=("product_name", "client_name", "stale_after_days"),
    read=_read,
    write=_write,
    label=_label,
    describe=_describe,
    connection_of=connection_of_product,
    check=lambda draft: tuple(rules_against_advance(draft)),
    beside=(CONFIGURATIONS,),
    lasting=("stale_after_days",),
)
"""Columns and rules of the file."""
