"""Fields of finished invoices, their lines, payments and links, with their empty values.

Shapes that others may build on, all amounts numbers, all dates without an offset and in UTC:

* `/Invoice` rows: `id`, `invoicenumber` ("INV-1042"), `client_id`, `original_client_id`,
  `client_to_invoice_to_id`, `invoice_date`, `duedate`, `due_date_type` with `due_date_int` and
  `duedatename` ("30 days"), `currency` (symbol), `currency_code` (id in `/Currency`), `tax_total`,
  `total`, `amountpaid`, `datesent` (a draft was not sent: 1900), `posted`, `dateposted`, `voided`,
  `thirdpartyinvoicenumber`, `xeroid`, `qboid`, `creditlinkedtoinvoiceid` and `invoicetype` of a
  credit note, `last_modified`, `change_seq`, `lines`.
* lines: `id`, `_itemid`, `item_shortdescription`, `qty_order`, `unit_price` (before the discount),
  `discount_perc`, `net_amount`, `tax_code`, `tax_rate`, `tax_amount`, `nominal_code`.
* tax codes: "1" Standard 20 %, "2" Zero rated, "3" Exempt, "4" Out of scope, "5" Reduced 5 %.
* `/InvoicePayment` rows: `id`, `invoice_id`, `date`, `amount`, `thirdpartyid`.
* `/ExternalLink` rows: `table_id` 995 with `halo_id`, `third_party_id`, `third_party_type`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from syncd_halopsa.sandbox.fields import ZERO_DATE

Row = dict[str, Any]

INVOICE: Final[Row] = {
    "id": 0,
    "invoicenumber": "",
    "thirdpartyinvoicenumber": "",
    "client_id": 0,
    "client_name": "",
    "original_client_id": 0,
    "original_client_name": "",
    "client_to_invoice_to_id": 0,
    "recurring_invoice_id": 0,
    "contract_id": 0,
    "supplier_id": 0,
    "purchaseorder_id": 0,
    "invoicetype": 0,
    "creditlinkedtoinvoiceid": 0,
    "reference": "",
    "cust_order_number": "",
    "invoice_date": ZERO_DATE,
    "duedate": ZERO_DATE,
    "due_date_type": 0,
    "due_date_int": 0,
    "duedatename": "",
    "date_created": ZERO_DATE,
    "last_modified": ZERO_DATE,
    "last_synced": ZERO_DATE,
    "period_start_date": ZERO_DATE,
    "period_end_date": ZERO_DATE,
    "currency": "£",
    "currency_code": 1,
    "currency_conversion_rate": Decimal(1),
    "revenue": Decimal(0),
    "tax_total": Decimal(0),
    "total": Decimal(0),
    "amountpaid": Decimal(0),
    "amountdue": Decimal(0),
    "paymentstatus": -1,
    "datepaid": ZERO_DATE,
    "posted": False,
    "dateposted": ZERO_DATE,
    "datesent": ZERO_DATE,
    "emailstatus": 0,
    "approval_status": 0,
    "reviewrequired": False,
    "voided": False,
    "accountsid": "",
    "xeroid": "",
    "xero_tenant_id": "",
    "xero_status": "",
    "qboid": 0,
    "qbo_company_id": "",
    "dont_sync_to_3rd_party": False,
    "external_links": [],
    "lines": [],
}

LINE: Final[Row] = {
    "id": 0,
    "ihid": 0,
    "recurring_invoice_id": 0,
    "recurring_invoice_line_id": 0,
    "_itemid": 0,
    "item_code": "",
    "item_shortdescription": "",
    "item_longdescription": "",
    "nominal_code": "",
    "qty_order": Decimal(0),
    "unit_price": Decimal(0),
    "unit_cost": Decimal(0),
    "discount_perc": Decimal(0),
    "net_amount": Decimal(0),
    "tax_code": "",
    "tax_rate": Decimal(0),
    "tax_amount": Decimal(0),
    "total_price": Decimal(0),
    "override_ast_total": Decimal(0),
    "use_qbo_ast": False,
    "isgroupdesc": False,
    "isinactive": False,
    "original_client_id": 0,
    "xero_category_1_lookup": "",
    "xero_category_1_lookup_name": "",
    "pro_rata_line_id": 0,
}

PAYMENT: Final[Row] = {
    "id": 0,
    "invoice_id": 0,
    "date": ZERO_DATE,
    "amount": Decimal(0),
    "method": 0,
    "status": 0,
    "module_id": 0,
    "thirdpartyid": "",
    "xero_id": "",
    "qbo_id": 0,
    "client_id": 0,
    "invoice_invoicenumber": "",
}

LINK: Final[Row] = {
    "id": 0,
    "table_id": 0,
    "module_id": 0,
    "halo_id": 0,
    "halo_second_id": 0,
    "details_id": 0,
    "third_party_id": "",
    "third_party_secondary_id": "",
    "third_party_desc": "",
    "third_party_type": "",
    "third_party_url": "",
    "third_party_status": "",
}

INVOICES: Final = 995
"""`table_id` of invoices."""

OWN: Final = frozenset(
    {
        "amountdue",
        "amountpaid",
        "change_seq",
        "client_name",
        "date_created",
        "external_links",
        "ihid",
        "invoice_invoicenumber",
        "last_change_seq",
        "last_modified",
        "net_amount",
        "paymentstatus",
        "revenue",
        "tax_amount",
        "tax_rate",
        "tax_total",
        "total",
        "total_price",
    }
)
"""What HaloPSA alone writes; sent values are not taken."""
