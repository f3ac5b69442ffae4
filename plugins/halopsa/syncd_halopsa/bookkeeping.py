"""Whether HaloPSA's own Xero and QuickBooks modules are on, and what else an invoice is judged by.

A module counts as off only where HaloPSA shows it as off, or shows none; what cannot be read is
unknown, and never taken for off.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncd.sdk.errors import PermissionMissing, RequestRejected
from syncd_halopsa.client import HaloApi
from syncd_halopsa.invoice_models import WireLink, WireModule
from syncd_halopsa.invoice_resources import CURRENCIES, INVOICE_TABLE, LINKS, MODULES
from syncd_halopsa.resources import Resource, Row


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


async def links_of(api: HaloApi) -> Mapping[int, list[WireLink]]:
    """Links of all invoices to other systems, by id of the invoice; empty if not readable."""
    found: dict[int, list[WireLink]] = {}
    for row in await readable(api, LINKS) or []:
        if row.halo_id is not None and row.table_id in {None, INVOICE_TABLE}:
            found.setdefault(row.halo_id, []).append(row)
    return found


async def readable(api: HaloApi, resource: Resource[Row]) -> list[Row] | None:
    """The rows of a list, None where the right or the list itself is missing."""
    try:
        return await api.rows(resource)
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
