"""The partner's own tenant: its GDAP relationships and contracts, with the oddities of real lists.

Every client of the world is a customer. Some have a second, older relationship, some one that 365
Lighthouse made for itself, and a few rows are of the derived kind that resellers see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from syncd.sdk.sandbox import WorldClient
from syncd_entra.sandbox.directory import PARTNER_TENANT, Row, identity, tenant_id

DURATION: Final = timedelta(days=730)
DIRECTORY_READERS: Final = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
OPEN: Final = frozenset({"active", "expiring", "terminating", "terminationRequested"})


@dataclass(slots=True)
class Partner:
    """What the partner's tenant lists; tests edit the rows by hand.

    Attributes:
        relationships: rows of `delegatedAdminRelationships`.
        contracts: rows of `contracts`.
    """

    relationships: list[Row] = field(default_factory=list)
    contracts: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, clients: Sequence[WorldClient], now: datetime) -> Partner:
        """The lists of a world."""
        made = cls()
        for client in clients:
            made.relationships += _relationships(client, now)
            made.contracts.append(
                {
                    "id": identity(PARTNER_TENANT, f"contract {client.id}"),
                    "contractType": "BreadthPartner",
                    "customerId": tenant_id(client.id).upper(),
                    "displayName": client.name,
                    "defaultDomainName": f"client{client.id}.example.com",
                }
            )
        return made

    def lets_in(self, tenant: str) -> bool:
        """Whether a relationship opens a customer's tenant now."""
        return any(
            row["status"] in OPEN and row["customer"]["tenantId"].lower() == tenant
            for row in self.relationships
            if not row["displayName"].startswith("MLT_")
        )


def _relationships(client: WorldClient, now: datetime) -> list[Row]:
    start = datetime.combine(client.arrives, time(), UTC)
    end = start + DURATION
    while end <= now:
        end += DURATION
    rows = [_relationship(client, "GDAP", end - DURATION, end, "active")]
    if client.id % 4 == 0:
        older = _relationship(client, "GDAP before", end - 2 * DURATION, end - DURATION, "expired")
        rows.insert(0, older)
    if client.id % 3 == 0:
        far = end + 5 * DURATION
        rows.append(_relationship(client, "MLT_", end - DURATION, far, "active"))
    if client.id % 7 == 0:
        rows[0]["@odata.type"] = "#microsoft.graph.resellerDelegatedAdminRelationship"
        rows[0]["indirectProviderTenantId"] = None
    return rows


def _relationship(
    client: WorldClient, name: str, start: datetime, end: datetime, status: str
) -> dict[str, Any]:
    key = f"{name} {client.id}"
    return {
        "@odata.type": "#microsoft.graph.delegatedAdminRelationship",
        "id": f"{identity(PARTNER_TENANT, key)}-{tenant_id(client.id)}",
        "displayName": f"{name}{client.id}" if name == "MLT_" else f"{name} {client.name}",
        "duration": "P730D",
        "customer": {"tenantId": tenant_id(client.id), "displayName": client.name},
        "accessDetails": {"unifiedRoles": [{"roleDefinitionId": DIRECTORY_READERS}]},
        "status": status,
        "autoExtendDuration": "PT0S" if client.id % 5 == 0 else "P180D",
        "createdDateTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "activatedDateTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "lastModifiedDateTime": f"{(end if status == 'expired' else start):%Y-%m-%dT%H:%M:%SZ}",
        "endDateTime": f"{end:%Y-%m-%dT%H:%M:%S}.0000000Z",
    }
