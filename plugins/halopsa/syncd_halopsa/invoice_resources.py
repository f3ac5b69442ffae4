"""What is read and written to carry invoices into books, and which right each part needs."""

from __future__ import annotations

from types import MappingProxyType

from syncd_halopsa.invoice_models import (
    WireCurrency,
    WireInvoice,
    WireLink,
    WireModule,
    WirePayment,
)
from syncd_halopsa.resources import Resource

SCOPE = "read:invoices"
RIGHT = "Invoices: Read"

INVOICE_TABLE = 995
"""`table_id` of invoices in `/ExternalLink`."""

INVOICES = Resource(
    path="/api/Invoice",
    key="invoices",
    rows=list[WireInvoice],
    scope=SCOPE,
    right=RIGHT,
    feature="carrying invoices into books",
    params=MappingProxyType(
        {
            "includelines": "true",
            "includeinvoices": "true",
            "includecredits": "true",
            "includepoinvoices": "false",
        }
    ),
)

PAYMENTS = Resource(
    path="/api/InvoicePayment",
    key="payments",
    rows=list[WirePayment],
    scope=SCOPE,
    right=RIGHT,
    feature="recording payments from the books",
    bare=True,
)

LINKS = Resource(
    path="/api/ExternalLink",
    key="links",
    rows=list[WireLink],
    scope=SCOPE,
    right=RIGHT,
    feature="recognising invoices that were carried already",
    bare=True,
    params=MappingProxyType({"table_id": INVOICE_TABLE}),
)

CURRENCIES = Resource(
    path="/api/Currency",
    key="currencies",
    rows=list[WireCurrency],
    scope=SCOPE,
    right=RIGHT,
    feature="knowing the currency of an invoice",
    paged=False,
)

XERO = Resource(
    path="/api/XeroDetails",
    key="xerodetails",
    rows=list[WireModule],
    scope=SCOPE,
    right="Configuration: Read",
    feature="seeing whether HaloPSA's own Xero module is on",
    paged=False,
)

QUICKBOOKS = Resource(
    path="/api/QuickBooksDetails",
    key="quickbooksdetails",
    rows=list[WireModule],
    scope=SCOPE,
    right="Configuration: Read",
    feature="seeing whether HaloPSA's own QuickBooks module is on",
    paged=False,
)

MODULES = (("Xero", XERO), ("QuickBooks", QUICKBOOKS))
"""Title for people, and the list of its companies."""
