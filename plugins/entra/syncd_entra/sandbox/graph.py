"""The simulated Graph: every path that the connector reads, for one tenant and one question.

A question comes alone or inside of a batch; its answer is the same.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from syncd_entra.sandbox.directory import PARTNER_TENANT, Row, Tenant
from syncd_entra.sandbox.filters import Unsupported, compiled
from syncd_entra.sandbox.partner import Partner

PAGE: Final = 100
LARGEST: Final = 999
WITH_SIGN_INS: Final = 120
LARGEST_LIST: Final = 300
RELATIONSHIPS: Final = "/tenantRelationships/delegatedAdminRelationships"
COUNT_STYLES: Final = ("number", "text", "bom", "base64")

RIGHTS: Final = (
    (
        re.compile(r"^/(organization|subscribedSkus|directory/subscriptions)$"),
        "Organization.Read.All",
    ),
    (re.compile(r"^/users(/\$count)?$"), "User.Read.All"),
    (re.compile(r"^/groups"), "GroupMember.Read.All"),
    (re.compile(r"^/devices"), "Device.Read.All"),
    (re.compile(r"^/deviceManagement/"), "DeviceManagementManagedDevices.Read.All"),
    (re.compile(r"^/tenantRelationships/"), "DelegatedAdminRelationship.Read.All"),
    (re.compile(r"^/contracts"), "Directory.Read.All"),
)
"""Path → right that it needs."""

_MEMBERS: Final = re.compile(r"^/groups/([0-9a-f-]{36})/transitiveMembers/microsoft\.graph\.user$")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer; `body` is JSON, or a text for a count."""

    status: int
    body: Any
    retry_after: int | None = None


@dataclass(slots=True)
class Asked:
    """One question.

    Attributes:
        tenant: whose.
        path: below the version.
        query: its parameters.
        eventual: the header `ConsistencyLevel: eventual` came with it.
        base: address before the version, for next links.
    """

    tenant: Tenant
    path: str
    query: dict[str, str]
    eventual: bool
    base: str

    @classmethod
    def of(cls, tenant: Tenant, url: str, *, eventual: bool, base: str) -> Asked:
        parts = urlsplit(url)
        path = "/" + parts.path.lstrip("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return cls(tenant, path, query, eventual, base)


class Graph:
    """Answers questions about tenants.

    Attributes:
        missing: tenant, or `*` → rights that are not granted.
        partner: what the partner's own tenant lists.
        partner_page: most rows on a page of its lists.
        page_cap: most rows on a page, whatever is asked for.
        empty_pages: an empty page comes after the first one.
        links_expire: every next link is too old.
        style: how a count is written inside of a batch; None varies it by tenant.
    """

    def __init__(self) -> None:
        self.missing: dict[str, list[str]] = {}
        self.partner = Partner()
        self.partner_page = 300
        self.page_cap = LARGEST
        self.empty_pages = False
        self.links_expire = False
        self.style: str | None = None

    def answer(self, asked: Asked) -> Said:
        """The answer to one GET."""
        refused = self._refused(asked)
        if refused is not None:
            return refused
        try:
            return self._routed(asked)
        except Unsupported as error:
            return failure(400, "Request_UnsupportedQuery", str(error))

    def rights_of(self, tenant: str) -> str:
        """The delegated rights of a token, as the sign-in service tells them."""
        lacking = self._lacking(tenant)
        held = [right for _, right in RIGHTS] + ["AuditLog.Read.All"]
        named = [f"https://graph.microsoft.com/{one}" for one in held if one not in lacking]
        return " ".join(["profile", "openid", *dict.fromkeys(named)])

    def _lacking(self, tenant: str) -> set[str]:
        return {*self.missing.get("*", ()), *self.missing.get(tenant, ())}

    def _refused(self, asked: Asked) -> Said | None:
        lacking = self._lacking(asked.tenant.id)
        for pattern, right in RIGHTS:
            if pattern.search(asked.path) and right in lacking:
                return denied()
        if "signInActivity" in asked.query.get("$select", ""):
            if "AuditLog.Read.All" in lacking:
                return denied()
            if not asked.tenant.premium:
                return failure(
                    403,
                    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                    "Neither tenant is B2C or tenant doesn't have premium license",
                )
        return None

    def _routed(self, asked: Asked) -> Said:
        tenant, path = asked.tenant, asked.path
        if path == RELATIONSHIPS or path == "/contracts":
            return self._of_partner(asked)
        if path == "/organization":
            return Said(200, {"value": [{"id": tenant.id, "displayName": tenant.name}]})
        if path == "/subscribedSkus":
            if set(asked.query) - {"$select"}:
                return failure(400, "Request_UnsupportedQuery", "Unsupported Query.")
            return Said(200, {"value": [dict(row) for row in tenant.skus]})
        if path == "/directory/subscriptions":
            return self._page(asked, tenant.subscriptions, dict)
        if path == "/users":
            return self._page(asked, tenant.users, _without_groups)
        if path == "/groups":
            return self._page(asked, tenant.groups, dict)
        if found := _MEMBERS.match(path):
            return self._members(asked, found[1])
        if path in {"/users/$count", "/devices/$count"}:
            return self._count(asked, tenant.users if "users" in path else tenant.devices)
        if path == "/deviceManagement/managedDeviceOverview":
            return _overview(tenant)
        return failure(404, "Request_ResourceNotFound", f"Resource not found for {path}")

    def _of_partner(self, asked: Asked) -> Said:
        if asked.tenant.id != PARTNER_TENANT:
            return failure(403, "Authorization_RequestDenied", "Insufficient privileges.")
        partner = self.partner
        rows = partner.relationships if asked.path == RELATIONSHIPS else partner.contracts
        size = int(asked.query.get("$top", PAGE))
        if asked.path == RELATIONSHIPS and size > LARGEST_LIST:
            return failure(400, "Request_BadRequest", "Invalid page size specified.")
        asked.query["$top"] = str(min(size, self.partner_page))
        return self._page(asked, rows, dict)

    def _members(self, asked: Asked, group: str) -> Said:
        name = next((row["displayName"] for row in asked.tenant.groups if row["id"] == group), None)
        if name is None:
            return failure(404, "Request_ResourceNotFound", "Resource does not exist.")
        if not (asked.eventual and asked.query.get("$count") == "true"):
            return failure(400, "Request_UnsupportedQuery", "Unsupported Query.")
        rows = [row for row in asked.tenant.users if name in row.get("groups", ())]
        return self._page(asked, rows, lambda row: {"id": row["id"]})

    def _page(self, asked: Asked, rows: list[Row], shown: Callable[[Row], Row]) -> Said:
        query = asked.query
        size = int(query.get("$top", PAGE))
        if not 1 <= size <= LARGEST:
            return failure(400, "Request_BadRequest", "Invalid page size specified.")
        counted = query.get("$count") == "true"
        if counted and not asked.eventual:
            return failure(400, "Request_BadRequest", "$count is not currently supported.")
        test = compiled(query.get("$filter", ""), advanced=asked.eventual and counted)
        matching = [row for row in rows if test(row)]
        if "signInActivity" in query.get("$select", ""):
            size = min(size, WITH_SIGN_INS)
        size = min(size, self.page_cap)
        token = query.get("$skiptoken", "0")
        if token != "0" and self.links_expire:  # noqa: S105 - a page, no secret
            return failure(
                400, "Directory_ExpiredPageToken", "The specified page token is expired."
            )
        start = int(token.removesuffix("e"))
        empty = self.empty_pages and token == str(size)
        page = [] if empty else matching[start : start + size]
        body: Row = {"value": [shown(row) for row in page]}
        if counted and start == 0:
            body["@odata.count"] = len(matching)
        following = f"{start}e" if empty else str(start + size)
        if empty or start + size < len(matching):
            # The link names the page that is wanted, `e` once the empty one was given.
            again = {**query, "$skiptoken": following}
            words = "&".join(f"{name}={quote(value)}" for name, value in again.items())
            body["@odata.nextLink"] = f"{asked.base}/v1.0{asked.path}?{words}"
        return Said(200, body)

    def _count(self, asked: Asked, rows: list[Row]) -> Said:
        if not asked.eventual:
            return failure(400, "Request_BadRequest", "$count is not currently supported.")
        test = compiled(asked.query.get("$filter", ""), advanced=True)
        number = sum(map(test, rows))
        style = self.style or COUNT_STYLES[int(asked.tenant.id[:2], 16) % len(COUNT_STYLES)]
        written = {
            "number": number,
            "text": str(number),
            "bom": f"\N{ZERO WIDTH NO-BREAK SPACE}{number}",
            "base64": base64.b64encode(str(number).encode()).decode(),
        }
        return Said(200, written[style])


def failure(status: int, code: str, message: str, retry_after: int | None = None) -> Said:
    """Graph's error."""
    inner = {"date": "2026-11-20T22:00:00", "request-id": "0", "client-request-id": "0"}
    error = {"code": code, "message": message, "innerError": inner}
    return Said(status, {"error": error}, retry_after)


def denied() -> Said:
    return failure(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )


def headers_of(said: Said) -> Mapping[str, str]:
    """Headers of an answer."""
    kind = "application/json" if not isinstance(said.body, int | str) else "text/plain"
    waits = {} if said.retry_after is None else {"Retry-After": str(said.retry_after)}
    return {"Content-Type": kind, **waits}


def _without_groups(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "groups"}


def _overview(tenant: Tenant) -> Said:
    if tenant.intune is None:
        return failure(400, "BadRequest", "Request not applicable to target tenant.")
    return Said(
        200,
        {
            "enrolledDeviceCount": tenant.intune.total(),
            "mdmEnrolledCount": tenant.intune.total(),
            "deviceOperatingSystemSummary": {
                "windowsCount": tenant.intune["Windows"],
                "macOSCount": tenant.intune["MacMDM"],
                "iosCount": 0,
                "androidCount": 0,
                "unknownCount": 0,
            },
        },
    )
