"""Which tenants there are: those of the configuration, and those that the partner's lists name.

A tenant that several of them name is one. A customer whose relationship has ended stays for a
while, with that as the reason why nothing of it is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from syncd.sdk.paging import next_link
from syncd_entra.config import EntraConfig, Tenant
from syncd_entra.models import Contract, Contracts, Listing, Relationship, Relationships

Row = TypeVar("Row")

RELATIONSHIPS: Final = "/v1.0/tenantRelationships/delegatedAdminRelationships?$top=300"
CONTRACTS: Final = "/v1.0/contracts?$top=999"
OPEN: Final = frozenset({"active", "expiring", "terminating", "terminationrequested"})
ENDED: Final = frozenset({"expired", "terminated"})
REMEMBERED: Final = timedelta(days=90)
"""How long after its end a relationship still makes a tenant of this connection."""

UNBORN: Final = frozenset({"created", "approvalpending", "approved", "activating"})
"""Not yet approved by the customer, or not yet in force."""

NEVER: Final = frozenset({"", "PT0S"})
"""How `autoExtendDuration` says that a relationship ends at its end."""


@dataclass(slots=True)
class Known:
    """A tenant and what is known of the way into it.

    Attributes:
        tenant: as configured, or as it is listed.
        sources: of `tenants_from`, those that name it.
        ends: of the relationship that ends last, where that is not extended by itself.
        ended: when the last relationship ended, None while one is open or none is known.
    """

    tenant: Tenant
    sources: list[str] = field(default_factory=list)
    ends: datetime | None = None
    ended: datetime | None = None


class Pages(Protocol):
    """Reads a page of the partner's own tenant."""

    async def __call__(self, link: str, kind: type[Listing[Row]], /) -> Listing[Row]: ...


async def read(config: EntraConfig, page: Pages, now: datetime) -> list[Known]:
    """Every tenant once, those of the configuration first.

    Args:
        config: which lists to read.
        page: reads a page.
        now: UTC.

    Raises:
        ConnectorError: a list cannot be read to its end, so that nobody knows who is missing.
    """
    found: dict[str, Known] = {}
    for tenant in config.tenants:
        found[tenant.id] = Known(tenant, ["config"])
    if "gdap" in config.tenants_from:
        rows = [row async for row in _rows(page, RELATIONSHIPS, Relationships)]
        _take_relationships(found, rows, config, now)
    if "contracts" in config.tenants_from:
        async for contract in _rows(page, CONTRACTS, Contracts):
            _take_contract(found, contract)
    return list(found.values())


async def _rows(page: Pages, first: str, kind: type[Listing[Row]]) -> AsyncIterator[Row]:
    async def fetch(link: str | None) -> Listing[Row]:
        return await page(link or first, kind)

    pages = next_link(fetch, rows_of=lambda one: one.rows, link_of=lambda one: one.next)
    async for rows in pages:
        for row in rows:
            yield row


def _take_relationships(
    found: dict[str, Known], rows: Iterable[Relationship], config: EntraConfig, now: datetime
) -> None:
    by_tenant: dict[str, list[Relationship]] = {}
    for row in rows:
        if row.customer is not None and row.customer.tenant and not row.is_managed:
            by_tenant.setdefault(row.customer.tenant.lower(), []).append(row)
    kept_out = {rule.tenant for rule in config.do_not_import if rule.is_whole_tenant}
    for key, here in by_tenant.items():
        open_ones = [row for row in here if _is_open(row, now)]
        ended_ones = [row for row in here if (row.status or "").lower() in ENDED]
        if open_ones:
            last = max(open_ones, key=_extended_end)
            known = _known(found, key, last.name_of_customer, "gdap")
            known.ends = None if (last.extends or "") not in NEVER else last.ends
        elif ended_ones:
            ended = max(row.ended or now for row in ended_ones)
            name = max(ended_ones, key=lambda row: row.ended or now).name_of_customer
            recent = now - ended < REMEMBERED and key not in kept_out
            if recent or key in found:
                _known(found, key, name, "gdap").ended = ended


def _take_contract(found: dict[str, Known], row: Contract) -> None:
    if row.customer:
        _known(found, row.customer.lower(), row.name or row.domain or row.customer, "contracts")


def _known(found: dict[str, Known], key: str, name: str, source: str) -> Known:
    if key not in found:
        found[key] = Known(Tenant(id=key, name=name.strip() or key))
    known = found[key]
    if source not in known.sources:
        known.sources.append(source)
    return known


def _is_open(row: Relationship, now: datetime) -> bool:
    state = (row.status or "").lower()
    if state in OPEN:
        return True
    # A state that came after this version: open while its end says so.
    return state not in ENDED | UNBORN and row.ends is not None and row.ends > now


def _extended_end(row: Relationship) -> tuple[bool, float]:
    extended = (row.extends or "") not in NEVER
    return extended, row.ends.timestamp() if row.ends is not None else 0.0
