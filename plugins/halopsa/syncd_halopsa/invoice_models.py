"""Finished invoices, their payments and what hangs on them, as they travel; only what is used.

Decoded like the other records: leniently, amounts from the digits of the text, never as floats.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from syncd_halopsa.models import Loose, WireRow


class WireInvoiceLine(msgspec.Struct):
    """A line of an invoice (InvoiceDetail)."""

    id: int = 0
    item: int | None = msgspec.field(name="_itemid", default=None)
    item_shortdescription: str | None = None
    item_longdescription: str | None = None
    qty_order: Decimal | None = None
    unit_price: Decimal | None = None
    unit_price_converted: Decimal | None = None
    discount_perc: Decimal | None = None
    net_amount: Decimal | None = None
    net_amount_converted: Decimal | None = None
    tax_amount: Decimal | None = None
    tax_converted: Decimal | None = None
    tax_rate: Decimal | None = None
    tax_code: Loose = None
    nominal_code: Loose = None
    sequenceid: int | None = None
    isinactive: bool | None = None
    isgroupdesc: bool | None = None
    use_qbo_ast: bool | None = None
    original_client_id: int | None = None
    invoice_class: Loose = None
    xero_category_1_lookup: Loose = None
    xero_category_2_lookup: Loose = None
    xero_category_1_lookup_name: str | None = None
    xero_category_2_lookup_name: str | None = None


class WireLink(WireRow):
    """A row of `/ExternalLink`, or of an invoice's own list of them."""

    table_id: int | None = None
    halo_id: int | None = None
    third_party_id: Loose = None
    third_party_type: str | None = None
    third_party_secondary_id: Loose = None
    third_party_desc: str | None = None


class WireInvoice(WireRow):
    """A row of `/Invoice`."""

    invoicenumber: str | None = None
    thirdpartyinvoicenumber: str | None = None
    client_id: int | None = None
    client_name: str | None = None
    original_client_id: int | None = None
    client_to_invoice_to_id: int | None = None
    supplier_id: int | None = None
    is_recurring_invoice: bool | None = None
    invoicetype: int | None = None
    creditlinkedtoinvoiceid: int | None = None
    reference: str | None = None
    cust_order_number: str | None = None
    order_number: str | None = None
    payment_ref: str | None = None
    invoice_date: str | None = None
    duedate: str | None = None
    due_date_type: int | None = None
    due_date_int: int | None = None
    duedatename: str | None = None
    date_created: str | None = None
    last_modified: str | None = None
    last_synced: str | None = None
    currency: str | None = None
    currency_code: int | None = None
    currency_code_name: str | None = None
    tax_total: Decimal | None = None
    total: Decimal | None = None
    amountpaid: Decimal | None = None
    posted: bool | None = None
    datesent: str | None = None
    approval_status: int | None = None
    reviewrequired: bool | None = None
    voided: bool | None = None
    dont_sync_to_3rd_party: bool | None = None
    change_seq: int | None = None
    xeroid: Loose = None
    qboid: Loose = None
    kashflowid: Loose = None
    sage_business_cloud_id: Loose = None
    intacct_recordno: Loose = None
    exact_id: Loose = None
    dbc_id: Loose = None
    snelstart_id: Loose = None
    accountsid: Loose = None
    external_links: list[WireLink] | UnsetType | None = UNSET
    lines: list[WireInvoiceLine] | UnsetType | None = UNSET


class WirePayment(WireRow):
    """A row of `/InvoicePayment`."""

    invoice_id: int | None = None
    date: str | None = None
    amount: Decimal | None = None
    thirdpartyid: Loose = None
    reference: Loose = None


class WireCurrency(WireRow):
    """A row of `/Currency`."""

    symbol: str | None = None
    code: str | None = None


class WireModule(WireRow):
    """A row of `/XeroDetails` or `/QuickBooksDetails`: one company that a module may write to."""

    authorized: bool | None = None
    enablesync: bool | None = None
    enable_sync: bool | None = None
