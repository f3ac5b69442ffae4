"""Cells of the files of an explanation, and the row of a line that corrects an earlier month."""

from __future__ import annotations

from decimal import Decimal

from syncd.core.service.basis import CorrectionBasis
from syncd.core.service.csv_text import escape
from syncd.core.service.explanation import ExplainedLine
from syncd.core.service.steps import exact

_PRODUCT_CELLS = 7
"""Columns of `lines.csv` about one product; a correction has no count of its own month."""


def text(value: str) -> str:
    """A cell that no spreadsheet runs, on one line."""
    return escape(flat(value))


def money(value: Decimal | None) -> str:
    """An exact amount with at least two decimals; empty where it is not known."""
    if value is None:
        return ""
    whole, _, fraction = exact(value).partition(".")
    return f"{whole}.{fraction:0<2}"


def flat(value: str) -> str:
    return " ".join(value.split())


def correction_row(number: int, one: ExplainedLine, *, internal: bool) -> tuple[str, ...]:
    """The row of a correction in `lines.csv`: its money, and in words what it corrects."""
    line = one.line
    words = [correction_words(each, internal=internal) for each in line.corrections]
    row = (
        str(number),
        text(one.bill.account_name),
        text(line.name),
        text(line.asset_type_name),
        line.mode,
        str(line.quantity),
        money(line.unit_price),
        money(line.total_price),
        one.bill.currency,
        *("" for _ in range(_PRODUCT_CELLS)),
        text("; ".join(words)),
    )
    if not internal:
        return row
    of_us = (line.external_key, one.remote or "")
    return (*row, money(line.unit_cost), money(line.total_cost), "", "", "", *map(text, of_us), "")


def correction_words(one: CorrectionBasis, *, internal: bool) -> str:
    """Such as `2026-10 corrected: Servers 12 -> 14 (joined srv13, srv14)`."""
    said = []
    for item in one.products:
        units = next((each for each in one.units if each.product == item.key), None)
        moved = [] if units is None else [
            f"{word} {', '.join(names)}"
            for word, names in (
                ("joined", units.joined),
                ("left", units.left),
                ("changed", units.resized),
            )
            if names
        ]  # fmt: skip
        named = f" ({'; '.join(moved)})" if moved else ""
        said.append(f"{item.name} {exact(item.raw_before)} -> {exact(item.raw_after)}{named}")
    word = f", accepted by {one.by}: {one.reason}" if internal else ""
    return f"{one.period} corrected: {', '.join(said)}{word}"
