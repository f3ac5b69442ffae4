"""What is read from HaloPSA: path, wrapper key, record type and the right each list needs.

Wrapper keys as published clients of the API use them; asset types come as a bare array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from syncd_halopsa.models import (
    WireAgreement,
    WireAsset,
    WireClient,
    WireLicence,
    WireNamed,
    WireRecurring,
    WireRow,
    WireSite,
)

Row = TypeVar("Row", bound=WireRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[Row]):
    """One list of HaloPSA.

    Attributes:
        path: below the resource server.
        key: wrapper key of its rows.
        rows: type of its rows, as a list.
        scope: OAuth scope that reading it needs.
        right: the agent's right that reading it needs, as HaloPSA's configuration calls it.
        feature: what stops working without it.
        paged: whether it is cut into pages that declare a total.
        params: query sent with every read of it.
        bare: it may come as an array without a total; one shorter than any page is the whole list.
    """

    path: str
    key: str
    rows: type[list[Row]]
    scope: str
    right: str
    feature: str
    paged: bool = True
    params: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    bare: bool = False


CLIENTS = Resource(
    path="/api/Client",
    key="clients",
    rows=list[WireClient],
    scope="read:customers",
    right="Customers: Read",
    feature="linking accounts to clients",
)

SITES = Resource(
    path="/api/Site",
    key="sites",
    rows=list[WireSite],
    scope="read:customers",
    right="Customers: Read",
    feature="billing to a site of a client",
)

ASSET_TYPES = Resource(
    path="/api/AssetType",
    key="assettypes",
    rows=list[WireNamed],
    scope="read:assets",
    right="Assets: Read",
    feature="mapping products to asset types",
    paged=False,
)

SUPPLIERS = Resource(
    path="/api/Supplier",
    key="suppliers",
    rows=list[WireNamed],
    scope="read:suppliers",
    right="Suppliers: Read",
    feature="naming the supplier of a subscription",
)

SUBSCRIPTIONS = Resource(
    path="/api/SoftwareLicence",
    key="licences",
    rows=list[WireLicence],
    scope="read:softwarelicensing",
    right="Software Licensing: Read and Modify",
    feature="planning and saving subscriptions",
    params=MappingProxyType({"licence_type": 1, "includeinactive": "true"}),
)

RECURRING = Resource(
    path="/api/RecurringInvoice",
    key="invoices",
    rows=list[WireRecurring],
    scope="read:invoices",
    right="Invoices: Read",
    feature="showing which invoice line bills a subscription",
    params=MappingProxyType({"includelines": "true"}),
)

AGREEMENTS = Resource(
    path="/api/ClientContract",
    key="contracts",
    rows=list[WireAgreement],
    scope="read:contracts",
    right="Agreements and Contracts: Read",
    feature="holding bills whose agreement is not active",
    params=MappingProxyType({"includeinactive": "true"}),
)

ASSETS = Resource(
    path="/api/Asset",
    key="assets",
    rows=list[WireAsset],
    scope="read:assets",
    right="Assets: Read",
    feature="exporting counted devices as assets",
    params=MappingProxyType({"includeinactive": "true"}),
)

SAVE_SCOPE = "edit:softwarelicensing"
"""OAuth scope that saving a subscription needs; no read-only call can try it."""

SAVE_INVOICES_SCOPE = "edit:invoices"
SAVE_INVOICES_RIGHT = "Invoices: Read and Modify"
"""What writing links needs; asked for only where `[billing] write_links` is on."""

SAVE_ASSETS_SCOPE = "edit:assets"
SAVE_ASSETS_RIGHT = "Assets: Read and Modify"
"""What exporting assets needs; asked for only where a source has `export_assets` on."""

AUTH_INFO = "/api/authinfo"
INSTANCE_INFO = "/api/InstanceInfo"
