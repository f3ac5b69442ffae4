"""HaloPSA's own bookkeeping modules, as `/XeroDetails` and `/QuickBooksDetails` show them."""

from __future__ import annotations

from typing import Any

from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.refusal import Refusal

Row = dict[str, Any]

TITLES = {"xerodetails": "Xero", "quickbooksdetails": "QuickBooks"}


def xero(options: Options) -> list[Row]:
    """Its tenants; none where the module was never set up."""
    on = options.xero_module == "on"
    row = {"id": 1, "name": "Xero", "tenant_id": "t-1", "authorized": on, "enablesync": on}
    return [] if options.xero_module == "absent" else [row]


def quickbooks(options: Options) -> list[Row]:
    """Its companies, likewise."""
    on = options.quickbooks_module == "on"
    row = {"id": 1, "name": "QuickBooks", "company_id": "1", "authorized": on, "enable_sync": on}
    return [] if options.quickbooks_module == "absent" else [row]


def require_readable(options: Options, table: str) -> None:
    """Refuse with 403 where the option says so."""
    state = {"xerodetails": options.xero_module, "quickbooksdetails": options.quickbooks_module}
    if state.get(table) == "unreadable":
        raise Refusal(403, "You do not have permission to access this resource")
