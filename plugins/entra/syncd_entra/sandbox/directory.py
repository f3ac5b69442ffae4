"""Derives the tenants of the shared world: SKUs, users, groups and devices, always the same.

A client is a tenant; every workplace device has a user, and seats follow from the users. A second
look at the same day shows the same tenants.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from syncd.sdk.sandbox import World, WorldClient, WorldDevice

Row = dict[str, Any]

BUSINESS_PREMIUM: Final = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
BUSINESS_BASIC: Final = "3b555118-da6a-4418-894f-7df1e2096870"
EXCHANGE: Final = "4b9405b0-7788-4568-add1-99614e613b69"
FABRIC_FREE: Final = "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235"
PHONE_CREDITS: Final = "47794cd0-f0e5-45c5-9033-2eb6b5fc84e0"
AHEAD: Final = "0d0d0d0d-2026-4a11-8c01-000000000001"
"""A SKU that Microsoft sells before its table names it."""

PARTNER_TENANT: Final = str(uuid.uuid5(uuid.NAMESPACE_URL, "sandbox:partner"))
"""The MSP's own tenant, which sold what was bought."""

PARTS: Final = {
    BUSINESS_PREMIUM: "SPB",
    BUSINESS_BASIC: "O365_BUSINESS_ESSENTIALS",
    EXCHANGE: "EXCHANGESTANDARD",
    FABRIC_FREE: "POWER_BI_STANDARD",
    PHONE_CREDITS: "MCOPSTNC",
    AHEAD: "SANDBOX_NEXT_SUITE",
}
WORKPLACES: Final = frozenset({"workstation", "laptop", "mac"})
SYSTEMS: Final = {"workstation": "Windows", "laptop": "Windows", "mac": "MacMDM"}
SERVICE_GROUP: Final = "Not billed"
"""A group that every second tenant has; its members are shared and service accounts."""


def tenant_id(number: int) -> str:
    """The tenant of a client, for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox:tenant:{number}"))


def identity(tenant: str, what: str) -> str:
    """A GUID that belongs to a thing of a tenant for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox:{tenant}:{what}"))


@dataclass(slots=True)
class Tenant:
    """One tenant as the simulator serves it; tests edit the rows by hand.

    Attributes:
        id: GUID.
        name: of the client.
        skus: rows of `subscribedSkus`.
        subscriptions: rows of `directory/subscriptions`.
        users: rows of `users`, sign-ins and the key `groups` among their fields.
        groups: rows of `groups`.
        devices: rows of `devices`.
        premium: whether Graph tells sign-ins.
        intune: enrolled devices by system, None without Intune.
    """

    id: str
    name: str
    skus: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    users: list[Row] = field(default_factory=list)
    groups: list[Row] = field(default_factory=list)
    devices: list[Row] = field(default_factory=list)
    premium: bool = True
    intune: Counter[str] | None = None


def tenants(world: World) -> dict[str, Tenant]:
    """Every client's tenant by its id."""
    here: defaultdict[int, list[WorldDevice]] = defaultdict(list)
    for device in world.devices():
        if device.kind in WORKPLACES and device.state == "approved":
            here[device.client].append(device)
    made = (_tenant(client, here[client.id], world.now()) for client in world.clients())
    return {tenant.id: tenant for tenant in made}


def _tenant(client: WorldClient, here: Sequence[WorldDevice], now: datetime) -> Tenant:
    key = tenant_id(client.id)
    domain = f"client{client.id}.example.com"
    users = []
    for place, device in enumerate(here):
        licences = [BUSINESS_PREMIUM if device.id % 3 else BUSINESS_BASIC]
        licences += [FABRIC_FREE] * (device.id % 4 == 0) + [AHEAD] * (device.id % 10 == 0)
        quiet = 120 if device.id % 9 == 0 else device.id % 20
        users.append(
            _user(
                key,
                f"user {device.id}",
                name=f"Person {device.id}",
                upn=f"person{device.id}@{domain}",
                licences=licences,
                enabled=device.id % 11 != 0,
                last=now - timedelta(days=quiet) if place % 7 else None,
            )
        )
    users += [
        _user(key, "scanner", name="Scanner", upn=f"scanner@{domain}", licences=[EXCHANGE],
              groups=[SERVICE_GROUP]),
        _user(key, "room", name="Meeting room", upn=f"room@{domain}", enabled=False),
        _user(key, "guest", name="Guest", upn=f"guest_elsewhere#EXT#@{domain}", kind="Guest"),
    ]  # fmt: skip
    if client.id % 2:
        users[-3]["groups"] = []
    used = Counter(one["skuId"] for user in users for one in user["assignedLicenses"])
    skus = [_sku(key, sku, used[sku], client.id) for sku in PARTS if used[sku]]
    return Tenant(
        id=key,
        name=client.name,
        skus=skus,
        subscriptions=[_subscription(client, row, now) for row in skus],
        users=users,
        groups=[]
        if client.id % 2
        else [{"id": identity(key, SERVICE_GROUP), "displayName": SERVICE_GROUP}],
        devices=[
            {
                "id": identity(key, f"device {one.id}"),
                "accountEnabled": one.id % 13 != 0,
                "approximateLastSignInDateTime": _moment(now - timedelta(days=one.id % 60)),
            }
            for one in here
        ],
        premium=client.id % 5 != 0,
        intune=None if client.id % 4 == 0 else Counter(SYSTEMS[one.kind] for one in here),
    )


def _user(
    tenant: str,
    what: str,
    *,
    name: str,
    upn: str,
    licences: Sequence[str] = (),
    enabled: bool = True,
    kind: str = "Member",
    last: datetime | None = None,
    groups: Sequence[str] = (),
) -> Row:
    row: Row = {
        "id": identity(tenant, what),
        "displayName": name,
        "userPrincipalName": upn,
        "accountEnabled": enabled,
        "userType": kind,
        "assignedLicenses": [{"skuId": sku, "disabledPlans": []} for sku in licences],
        "groups": list(groups),
    }
    if last is not None:
        row["signInActivity"] = {
            "lastSignInDateTime": _moment(last),
            "lastSignInRequestId": identity(tenant, f"{what} request"),
        }
    return row


def _sku(tenant: str, sku: str, used: int, number: int) -> Row:
    free = sku in {FABRIC_FREE, PHONE_CREDITS}
    bought = 1_000_000 if free else used + number % 3
    # Every sixth tenant let its subscription of one SKU lapse: usable all the same, for a while.
    lapsed = number % 6 == 0 and sku == BUSINESS_PREMIUM
    return {
        "id": f"{tenant}_{sku}",
        "accountId": tenant,
        "skuId": sku,
        "skuPartNumber": PARTS[sku],
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": used,
        "prepaidUnits": {
            "enabled": 0 if lapsed else bought,
            "warning": bought if lapsed else 0,
            "suspended": 0,
            "lockedOut": 0,
        },
        "servicePlans": [],
        "subscriptionIds": [identity(tenant, f"subscription {sku}")],
    }


def _subscription(client: WorldClient, sku: Row, now: datetime) -> Row:
    """What was bought of a SKU: one subscription a year, which another vendor's books hold, too."""
    units, free = sku["prepaidUnits"], sku["skuId"] in {FABRIC_FREE, PHONE_CREDITS}
    return {
        "id": sku["subscriptionIds"][0],
        "commerceSubscriptionId": None if free else commerce_id(sku["accountId"], sku["skuId"]),
        "skuId": sku["skuId"],
        "skuPartNumber": sku["skuPartNumber"],
        "totalLicenses": units["enabled"] + units["warning"],
        "status": "Warning" if units["warning"] else "Enabled",
        "isTrial": False,
        "createdDateTime": f"{client.arrives}T00:00:00Z",
        "nextLifecycleDateTime": None if free else f"{renewal(client, now)}T00:00:00Z",
        "ownerTenantId": None if free else PARTNER_TENANT,
    }


def commerce_id(tenant: str, sku: str) -> str:
    """The subscription under which a SKU was bought, as the seller's books name it."""
    return identity(tenant, f"commerce {sku}")


def renewal(client: WorldClient, now: datetime) -> date:
    """First day of the next year's term: the anniversary of the client's arrival after today."""
    month, day = client.arrives.month, min(client.arrives.day, 28)
    this_year = date(now.year, month, day)
    return this_year if this_year > now.date() else date(now.year + 1, month, day)


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
