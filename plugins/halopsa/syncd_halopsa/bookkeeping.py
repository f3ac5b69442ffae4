"""Whether HaloPSA's own Xero and QuickBooks modules are on, and what else an invoice is judged by.

A module counts as off only where HaloPSA shows it as off, or shows none; what cannot be read is
unknown, and never taken for off.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping

from syncd.sdk.errors import PermissionMissing, RequestRejected
from syncd_halopsa.client import HaloApi
from syncd_halopsa.concurrency import together
from syncd_halopsa.invoice_models import WireLink, WireModule
from syncd_halopsa.invoice_resources import CURRENCIES, INVOICE_TABLE, LINKS, MODULES
from syncd_halopsa.resources import CLIENTS, Resource, Row

FEW = 5
"""Up to so many invoices are asked for their links without a look at what all would cost."""


async def modules_on(api: HaloApi) -> tuple[str, ...] | None:
    """Titles of the modules that are on; None if that is unknown and none is known to be on.

    Raises:
        ConnectorError: HaloPSA cannot be reached or the credentials are refused.
    """
    on, unknown = [], False
    for title, resource in MODULES:
        rows = await readable(api, resource)
        if rows is None:
            unknown = True
        elif any(map(_is_on, rows)):
            on.append(title)
    return tuple(on) if on or not unknown else None


async def currencies_of(api: HaloApi) -> Mapping[int, str]:
    """ISO codes by HaloPSA's ids; empty where they cannot be read."""
    rows = await readable(api, CURRENCIES) or []
    return {row.id: (row.code or "").strip().upper() for row in rows}


async def client_names(api: HaloApi) -> Mapping[str, str]:
    """Names of all clients by id, inactive ones included; empty where they cannot be read."""
    rows = await readable(api, CLIENTS, includeinactive="true") or []
    return {str(row.id): (row.name or "").strip() for row in rows}


async def links_of(
    api: HaloApi, invoices: Collection[int] | None = None
) -> Mapping[int, list[WireLink]] | None:
    """Links of invoices to other systems, by id of the invoice; None if they cannot be read.

    Args:
        api: the signed API.
        invoices: only these: one by one or out of the list of all, whichever takes fewer calls.

    Raises:
        ConnectorError: HaloPSA cannot be reached, the credentials are refused, or a list is not
            whole.
    """
    rows = await _if_allowed(_links(api, invoices))
    if rows is None:
        return None
    found: dict[int, list[WireLink]] = {}
    for row in rows:
        if row.halo_id is not None and row.table_id in {None, INVOICE_TABLE}:
            found.setdefault(row.halo_id, []).append(row)
    return found


async def _links(api: HaloApi, invoices: Collection[int] | None) -> list[WireLink]:
    if invoices is None:
        return await api.rows(LINKS)
    if len(invoices) > FEW:
        first = await api.page(LINKS)
        if first.declared is not None and first.pages <= len(invoices):
            return await api.rows(LINKS, first)
    lists = await together(api.rows(LINKS, halo_id=one) for one in sorted(invoices))
    return [row for rows in lists for row in rows]


async def readable(api: HaloApi, resource: Resource[Row], **filters: str | int) -> list[Row] | None:
    """The rows of a list, None where the right or the list itself is missing."""
    return await _if_allowed(api.rows(resource, None, **filters))


async def _if_allowed(reading: Awaitable[list[Row]]) -> list[Row] | None:
    try:
        return await reading
    except PermissionMissing as error:
        if error.http_status != 403:  # the token itself was refused
            raise
        return None
    except RequestRejected as error:
        if error.http_status != 404:
            raise
        return None


def _is_on(row: WireModule) -> bool:
    syncs = row.enablesync if row.enablesync is not None else row.enable_sync
    return row.authorized is not False and syncs is not False
