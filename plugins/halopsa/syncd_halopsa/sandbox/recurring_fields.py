"""Fields of recurring invoices, their lines, and what hangs on a line, with their empty values.

Names are HaloPSA's (InvoiceHeader, InvoiceDetail, InvoiceDetailQuantity, InvoiceDetailProRata);
fields that are not listed are kept as they are sent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from syncd_halopsa.sandbox.fields import ZERO_DATE, taken
from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.refusal import Refusal

Row = dict[str, Any]

SOURCES = ("quantity_subscriptions", "quantity_licences", "quantity_assets", "quantity_users")
"""What a line's quantity can be counted from."""

HEADER: Row = {
    "id": 0,
    "client_id": 0,
    "name": "",
    "reference": "",
    "is_recurring_invoice": True,
    "disabled": False,
    "period": 3,
    "periodname": "Monthly",
    "startdate": ZERO_DATE,
    "enddate": ZERO_DATE,
    "nextcreationdate": ZERO_DATE,
    "lastcreated": ZERO_DATE,
    "contract_id": 0,
    "contract_ref": "",
    "invoice_percent_increase": Decimal(0),
    "last_invoiced_revenue": Decimal(0),
    "last_modified": ZERO_DATE,
    "lines": [],
}

LINE: Row = {
    "id": 0,
    "ihid": 0,
    "_itemid": 0,
    "item_code": "",
    "item_shortdescription": "",
    "item_longdescription": "",
    "qty_order": Decimal(0),
    "unit_price": Decimal(0),
    "unit_cost": Decimal(0),
    "discount_perc": Decimal(0),
    "tax_code": "",
    "nominal_code": "",
    "billingperiod": 0,
    "sequenceid": 0,
    "isinactive": False,
    "quantity_custom": 0,
    "percent_increase": Decimal(0),
    "createproratanormallines": 0,
    "last_invoiced_net_amount": None,
    "quantity_subscriptions": [],
    "quantity_licences": [],
    "quantity_assets": [],
    "quantity_users": [],
    "prorata_data": [],
}

QUANTITY: Row = {
    "id": 0,
    "invoice_line_id": 0,
    "kind": 0,
    "licence_id": 0,
    "licence_name": "",
    "type_id": 0,
    "type_name": "",
    "site_id": 0,
    "qty_free": 0,
    "minimum_qty": 0,
    "pro_rata": 0,
    "use_linked_subscription_price": False,
    "use_linked_subscription_cost": False,
}

PRORATA: Row = {
    "id": 0,
    "invoicedetailid": 0,
    "date": ZERO_DATE,
    "quantity": Decimal(0),
    "unitprice": Decimal(0),
    "unitcost": Decimal(0),
    "shortdescription": "",
    "quantity_id": 0,
    "user_id": 0,
    "device_id": 0,
    "dont_auto_calculate": False,
    "isinvoiced": False,
    "isfuturepr": False,
    "change_id": 0,
}

OWN = frozenset({"ihid", "last_invoiced_net_amount", "last_invoiced_revenue", "last_modified"})
"""What HaloPSA alone writes; sent values are not taken."""

CHILDREN = {**dict.fromkeys(SOURCES, QUANTITY), "prorata_data": PRORATA}
"""Lists of a line → the fields of their rows."""


def blank(schema: Row) -> Row:
    """A row with every field empty, and lists of its own."""
    return {name: list(one) if isinstance(one, list) else one for name, one in schema.items()}


def sent(schema: Row, element: Any, options: Options) -> Row:
    """The fields that an element carries, as they are stored; directives are not fields.

    Raises:
        Refusal: 400, the element is no object or a value does not fit its field.
    """
    if not isinstance(element, dict):
        raise Refusal(400, "Cannot deserialize the current JSON value to an object")
    fields: Row = {}
    for name, value in element.items():
        if name in OWN or name == "lines" or (name.startswith("_") and name not in schema):
            continue
        if name in CHILDREN and name in schema:
            rows = [] if value is None else taken(name, value, options, schema)
            empty = CHILDREN[name]
            fields[name] = [{**blank(empty), **sent(empty, one, options)} for one in rows]
        else:
            fields[name] = taken(name, value, options, schema) if name in schema else value
    return fields
