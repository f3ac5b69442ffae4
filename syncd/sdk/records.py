"""What crosses the boundary between plugins and the core: values, never vendor shapes.

Ids are text as the vendor writes them; counts are ints; money is Decimal; times are UTC with a
zone. Import from here; the modules behind it keep usage, PSA and plan records apart.
"""

from __future__ import annotations

import msgspec

from syncd.sdk.asset_plan_records import AssetEffect, AssetPlan, HeldAsset, PlannedAsset
from syncd.sdk.asset_records import AssetChange, PsaAsset
from syncd.sdk.link_records import InvoiceSide, LinkCandidate, PlannedLink, UnlinkedRecord
from syncd.sdk.plan_records import (
    LineState,
    Objection,
    Plan,
    PlanContext,
    PlannedBill,
    PlannedChange,
    RunReport,
    Severity,
)
from syncd.sdk.psa_records import (
    Agreement,
    AssetType,
    BatchLimit,
    ChangeKind,
    Delivered,
    KeyedChange,
    NotSent,
    Outcome,
    PsaClient,
    PsaSite,
    Receipt,
    Rejected,
    Subscription,
    SubscriptionFields,
    Supplier,
    Unknown,
)
from syncd.sdk.purchase_records import PURCHASES, SKU, USED, PurchaseLine, PurchaseProof
from syncd.sdk.recurring_records import (
    LinkChange,
    ProrationRow,
    QuantitySource,
    RecurringLine,
)
from syncd.sdk.usage_records import (
    Account,
    CheckResult,
    Measure,
    Observation,
    Part,
    Permission,
    Product,
    ProductKind,
    ScopeState,
    ScopeVerdict,
)

__all__ = [
    "PURCHASES",
    "SKU",
    "USED",
    "Account",
    "Agreement",
    "AssetChange",
    "AssetEffect",
    "AssetPlan",
    "AssetType",
    "BatchLimit",
    "ChangeKind",
    "CheckResult",
    "Delivered",
    "HeldAsset",
    "InvoiceSide",
    "KeyedChange",
    "LineState",
    "LinkCandidate",
    "LinkChange",
    "Measure",
    "NotSent",
    "Objection",
    "Observation",
    "Outcome",
    "Part",
    "Permission",
    "Plan",
    "PlanContext",
    "PlannedAsset",
    "PlannedBill",
    "PlannedChange",
    "PlannedLink",
    "Product",
    "ProductKind",
    "ProrationRow",
    "PsaAsset",
    "PsaClient",
    "PsaSite",
    "PurchaseLine",
    "PurchaseProof",
    "QuantitySource",
    "Receipt",
    "RecurringLine",
    "Rejected",
    "RunReport",
    "ScopeState",
    "ScopeVerdict",
    "Severity",
    "Subscription",
    "SubscriptionFields",
    "Supplier",
    "Unknown",
    "UnlinkedRecord",
    "canonical_json",
]


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no spaces, so that equal values are equal bytes."""
    return msgspec.json.encode(value, order="sorted")
