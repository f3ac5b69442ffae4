"""Types of fields, a subscription's above all, and how the simulated HaloPSA takes their values.

Whole numbers must be JSON integers; `95.0` is refused. Ids may be numeric strings. Amounts are kept
as binary floats, so they come back with the shortest digits that mean the same float.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.refusal import Refusal

ZERO_DATE = "1900-01-01T00:00:00"

LICENCE: dict[str, Any] = {
    "id": 0,
    "type": 0,
    "name": "",
    "count": 0,
    "client_id": 0,
    "site_id": 0,
    "price": Decimal(0),
    "purchase_price": Decimal(0),
    "monthly_price": Decimal(0),
    "monthly_cost": Decimal(0),
    "start_date": ZERO_DATE,
    "end_date": ZERO_DATE,
    "supplier_id": 0,
    "vendor": "",
    "manufacturer": "",
    "notes": "",
    "billing_cycle": "",
    "term_duration": "",
    "status": "",
    "is_active": True,
    "deleted": False,
    "autorenew": False,
    "product_sku": "",
    "vendor_product_sku": "",
    "third_party_product": "",
    "distributor": "",
    "tenant_id": "",
    "tenant_name": "",
    "azure_connection_id": 0,
    "ingram_micro_details_id": 0,
    "thirdparty_client_id": "",
    "rhipe_tenant_id": "",
    "rhipe_subscription_id": "",
    "snowid": "",
    "item_id": 0,
    "contract_id": 0,
    "parent_id": 0,
    "requested_quantity": 0,
    "customfields": [],
}
"""Every field with its empty value, whose type is the field's."""

KEY_FIELDS = frozenset({"product_sku", "vendor_product_sku", "third_party_product"})
_WIDTHS = {"name": 500, "billing_cycle": 100, "term_duration": 100, "status": 100}
_DEFAULT_WIDTH = 500
_UNBOUNDED = frozenset({"notes", "item_longdescription"})


def taken(field: str, value: Any, options: Options, schema: Mapping[str, Any] | None = None) -> Any:
    """The value as it is stored.

    Args:
        field: name in the schema.
        value: as it was sent; null stands for the empty value.
        options: of the simulator.
        schema: fields with their empty values; a subscription's unless given.

    Raises:
        Refusal: 400, the value does not fit the field.
    """
    empty = (LICENCE if schema is None else schema)[field]
    if value is None:
        return list(empty) if isinstance(empty, list) else empty
    return _BY_TYPE[type(empty)](field, value, options)


def kept(amount: Decimal) -> Decimal:
    """An amount as a column of binary floats gives it back."""
    return Decimal(repr(float(amount)))


def _whole(field: str, value: Any, options: Options) -> int:  # noqa: ARG001
    if isinstance(value, str) and field.endswith("id") and value.removeprefix("-").isdecimal():
        return int(value)
    if type(value) is not int:
        raise Refusal(400, f"Error converting value to type 'System.Int32'. Path '[0].{field}'")
    if not -(2**31) <= value < 2**31:
        raise Refusal(400, f"Value was either too large or too small for an Int32: {field}")
    return value


def _amount(field: str, value: Any, options: Options) -> Decimal:  # noqa: ARG001
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refusal(400, f"Error converting value to type 'System.Double'. Path '[0].{field}'")
    return kept(Decimal(value))


def _flag(field: str, value: Any, options: Options) -> bool:  # noqa: ARG001
    if not isinstance(value, bool):
        raise Refusal(400, f"Error converting value to type 'System.Boolean'. Path '[0].{field}'")
    return value


def _text(field: str, value: Any, options: Options) -> str:
    if not isinstance(value, str):
        raise Refusal(400, f"Error converting value to type 'System.String'. Path '[0].{field}'")
    if field in _UNBOUNDED:
        return value
    width = options.key_width if field in KEY_FIELDS else _WIDTHS.get(field, _DEFAULT_WIDTH)
    if len(value) > width and not options.truncate:
        raise Refusal(400, "String or binary data would be truncated.")
    return value[:width]


def _children(field: str, value: Any, options: Options) -> list[Any]:  # noqa: ARG001
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Refusal(400, f"Cannot deserialize the current JSON object. Path '[0].{field}'")
    return [dict(one) for one in value]


_BY_TYPE: dict[type, Callable[[str, Any, Options], Any]] = {
    int: _whole,
    Decimal: _amount,
    bool: _flag,
    str: _text,
    list: _children,
}
