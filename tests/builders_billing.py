"""Plain builders of billing inputs: short words in, the frozen values of the core out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from syncd.core.billing.bill import compute_bill
from syncd.core.billing.model import (
    Bill,
    BilledProduct,
    BillInput,
    Configuration,
    LicenceUsage,
    Line,
    Mode,
    Owner,
    QuantityRule,
    Rate,
    RoundingPolicy,
    Settings,
    StorageUsage,
    Usage,
)
from syncd.sdk.records import ProductKind

GB = Decimal(2**30)
KINDS = {
    "desktop": "licence",
    "server": "licence",
    "vm": "licence",
    "s3": "storage",
    "wasabi": "storage",
}
TYPES = {"desktop": "10", "server": "10", "s3": "20"}
RATES: Mapping[str, Mapping[str, str]] = {
    "desktop": {"cost": "2.00", "price": "5.00"},
    "server": {"cost": "6.00", "price": "15.00"},
    "s3": {"cost": "0.023", "price": "0.03"},
}


def rate(**parts: str) -> Rate:
    text = {name: parts.pop(name) for name in ("currency", "version", "cycle") if name in parts}
    return Rate(**{name: Decimal(value) for name, value in parts.items()}, **text)


def rule(**parts: Any) -> QuantityRule:
    plain = {"bill_blocks", "until", "version"}
    return QuantityRule(
        **{name: value if name in plain else Decimal(value) for name, value in parts.items()}
    )


def licence(raw: int | str, **more: Any) -> LicenceUsage:
    return LicenceUsage(raw=Decimal(raw), **more)


def storage(
    gb: int | str, restore_gb: str = "0", limit_price: str = "0", **more: Any
) -> StorageUsage:
    return StorageUsage(
        average_bytes=Decimal(gb) * GB,
        restore_bytes=Decimal(restore_gb) * GB,
        limit_price=Decimal(limit_price),
        **more,
    )


def configuration(
    uid: str = "c1",
    mode: str = "average",
    products: tuple[str, ...] | list[str] = ("desktop",),
    asset_type: str | None = None,
    name: str | None = None,
    price_owner: str = "syncd",
    cost_owner: str = "syncd",
) -> Configuration:
    return Configuration(
        id=uid,
        name=f"Plan {uid}" if name is None else name,
        mode=Mode(mode),
        products=tuple(products),
        asset_type=asset_type,
        price_owner=Owner(price_owner),
        cost_owner=Owner(cost_owner),
    )


def bill_input(
    *configurations: Configuration,
    usage: Mapping[str, Usage | int] | None = None,
    rates: Mapping[str, Mapping[str, str] | tuple[Rate, ...]] | None = None,
    rules: Mapping[str, QuantityRule] | None = None,
    existing: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    site: str | None = "site 1",
    **more: Any,
) -> BillInput:
    asset_types = TYPES if types is None else types
    chosen = dict(settings or {})
    if "rounding_policy" in chosen:
        chosen["rounding_policy"] = RoundingPolicy(chosen["rounding_policy"])
    return BillInput(
        products={
            key: BilledProduct(
                key=key,
                name=key.title(),
                kind=ProductKind(kind),
                default_asset_type=asset_types.get(key),
            )
            for key, kind in (KINDS if kinds is None else kinds).items()
        },
        rates={
            key: value if isinstance(value, tuple) else (rate(**value),)
            for key, value in (RATES if rates is None else rates).items()
        },
        rules=rules or {},
        usage={
            key: licence(value) if isinstance(value, int) else value
            for key, value in (usage or {}).items()
        },
        configurations=configurations,
        existing={key: Mode(mode) for key, mode in (existing or {}).items()},
        site=site,
        settings=Settings(**chosen),
        **more,
    )


def bill(*configurations: Configuration, **parts: Any) -> Bill:
    return compute_bill(bill_input(*configurations, **parts))


def one_line(*configurations: Configuration, **parts: Any) -> Line:
    made = bill(*configurations, **parts)
    assert made.errors == ()
    (line,) = made.lines
    return line


def without_basis(line: Line) -> Line:
    return msgspec.structs.replace(line, products=())
