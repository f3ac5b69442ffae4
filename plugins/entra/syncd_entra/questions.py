"""What a tenant is asked, as the settings need it.

Each question names the application permission that Graph wants for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from syncd_entra.batch import Question
from syncd_entra.config import EntraConfig
from syncd_entra.rules import quoted

ORGANIZATION: Final = "Organization.Read.All"
USERS: Final = "User.Read.All"
SIGN_INS: Final = "AuditLog.Read.All"
GROUPS: Final = "GroupMember.Read.All"
DEVICES: Final = "Device.Read.All"
INTUNE: Final = "DeviceManagementManagedDevices.Read.All"
RELATIONSHIPS: Final = "DelegatedAdminRelationship.Read.All"
CONTRACTS: Final = "Directory.Read.All"

WHO: Final = Question("organization", "/organization?$select=id", ORGANIZATION)
SKUS: Final = Question(
    "skus",
    "/subscribedSkus?$select=id,skuId,skuPartNumber,consumedUnits,prepaidUnits,capabilityStatus,"
    "appliesTo",
    ORGANIZATION,
)
PURCHASES: Final = Question(
    "subscriptions",
    "/directory/subscriptions?$select=id,skuId,commerceSubscriptionId,totalLicenses,status,"
    "isTrial,nextLifecycleDateTime",
    ORGANIZATION,
)
OVERVIEW: Final = Question("intune", "/deviceManagement/managedDeviceOverview", INTUNE)

_FIELDS: Final = "id,displayName,userPrincipalName,accountEnabled,userType,assignedLicenses"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def seats(config: EntraConfig) -> list[Question]:
    """Whose seats, and which; with what was bought where the settings want it."""
    return [WHO, SKUS, PURCHASES] if config.subscriptions else [WHO, SKUS]


def users(config: EntraConfig, *, sign_ins: bool) -> Question:
    """The first page of users: all of them, or those with a licence where no rule needs others."""
    fields = f"{_FIELDS},signInActivity" if sign_ins else _FIELDS
    size = min(config.page_size, config.sign_in_page_size) if sign_ins else config.page_size
    url = f"/users?$select={fields}&$count=true&$top={size}"
    if all(count.licensed for count in config.user_counts):
        url += _filter("assignedLicenses/$count ne 0")
    return Question("users", url, f"{USERS} and {SIGN_INS}" if sign_ins else USERS)


def counts(config: EntraConfig) -> list[Question]:
    """One number for each rule that Graph can count by itself."""
    return [
        Question(count.product, f"/users/$count{_filter(count.filter(), '?')}", USERS)
        for count in config.user_counts
    ]


def devices(config: EntraConfig, now: datetime) -> list[Question]:
    asked = []
    if "entra" in config.devices:
        words = "accountEnabled eq true"
        if config.device_active_days:
            since = (now - timedelta(days=config.device_active_days)).date()
            words += f" and approximateLastSignInDateTime ge {since}T00:00:00Z"
        asked.append(Question("devices", f"/devices/$count{_filter(words, '?')}", DEVICES))
    if "intune" in config.devices:
        asked.append(OVERVIEW)
    return asked


def groups(names: Iterable[str]) -> list[Question]:
    """Which group each name or id means."""
    return [
        Question(
            f"group {name}",
            "/groups?$select=id,displayName&$count=true"
            + _filter(f"{'id' if _GUID.fullmatch(name) else 'displayName'} eq {quoted(name)}"),
            GROUPS,
        )
        for name in names
    ]


def members(groups: Sequence[tuple[str, str]], size: int) -> list[Question]:
    """The first page of each group's users, nested groups included; pairs of name and id."""
    return [
        Question(
            f"members {name}",
            f"/groups/{key}/transitiveMembers/microsoft.graph.user"
            f"?$select=id&$count=true&$top={size}",
            GROUPS,
        )
        for name, key in groups
    ]


def _filter(words: str, before: str = "&") -> str:
    return f"{before}$filter={quote(words, safe='$/(),')}" if words else ""
