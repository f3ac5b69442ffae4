"""Units with terms, as a seller of seats reports them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from syncd.sdk.records import Observation, Product
from syncd.sdk.terms import Term, with_term

YEARLY = Product("seat:p1y:monthly", "Business Premium")
MONTHLY = Product("seat:p1m:monthly", "Office E1")
PREPAID = Product("seat:p1y:annual", "Visio Plan 2")
SOLD = (YEARLY, MONTHLY, PREPAID)


def seats(
    account: str,
    unit: str,
    ends: date | None,
    *,
    product: Product = YEARLY,
    quantity: int = 10,
    excluded: str | None = None,
    purchases: tuple[str, ...] = (),
    **term: Any,
) -> Observation:
    """A subscription of one year, billed monthly, unless said otherwise."""
    facts = {"then": "renews", "length": "P1Y", "billed": "monthly", **term}
    attributes = with_term(
        {"sku": "x", **({"purchases": purchases} if purchases else {})}, Term(ends=ends, **facts)
    )
    return Observation(account, product.key, unit, quantity, product.name, attributes, excluded)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")
