"""A unit that a person keeps out of every count: counting needs no other decision to be loaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HandExclusion:
    """A unit that a person keeps out of the counts of an account.

    Attributes:
        version: row id.
        account_id: row id.
        product_key: of which product; empty for every product.
        unit: the vendor's id.
        reason: the person's words.
    """

    version: int
    account_id: int
    product_key: str
    unit: str
    reason: str
