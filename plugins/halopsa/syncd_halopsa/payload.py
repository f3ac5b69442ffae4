"""What is written for a change, and whether a record read back shows it.

Only fields we own are written; HaloPSA merges an update, so what is left out stays as it is.
Whole numbers are JSON integers (`95.0` is refused for them) and amounts keep their digits.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from syncd.sdk.records import ChangeKind, KeyedChange, SubscriptionFields
from syncd_halopsa.asset_type import NONE, NOTES, asset_type_of, is_custom, label_of, notes_with
from syncd_halopsa.client import Element
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.models import WireLicence
from syncd_halopsa.translation import day_of, id_of, marker_of

SUBSCRIPTION = 1
"""`type` of a software licence that is a subscription."""

WHOLE_CLIENT = -1
"""`site_id` of a subscription that belongs to no single site."""

NO_DATE = "1901-01-01T00:00:00"
"""How a lasting subscription says that it has no end; other senders write the same."""

MOST_COUNT = 2**31 - 1
LONGEST_NAME = 500
_SAME = Decimal("0.000000005")


class Unsendable(ValueError):
    """A change that HaloPSA's fields cannot hold; the message says which and why."""


def element_of(
    change: KeyedChange, marker: str, config: HaloPsaConfig, names: Mapping[str, str]
) -> Element:
    """The array element for one change.

    Args:
        change: what to write.
        marker: text for the key field.
        config: which fields carry the key and the asset type, and the texts of a new record.
        names: asset type id → name.

    Raises:
        Unsendable: a value does not fit its field.
    """
    if change.kind is ChangeKind.ADOPT:
        return {"id": _remote(change), config.key_field: marker}
    fields = change.fields
    client = _id("client", fields.client)
    element: dict[str, object] = {
        config.key_field: marker,
        "name": _name(fields.name),
        "count": _count(fields.quantity),
    }
    owned = {
        "price": _amount("price", fields.unit_price),
        "purchase_price": _amount("cost", fields.unit_cost),
        "supplier_id": None if fields.supplier is None else _id("supplier", fields.supplier),
        "start_date": _midnight(fields.start),
        "end_date": _midnight(fields.end),
        "notes": fields.notes,
        **_agreement(fields, config.agreement_field),
        **_asset_type(fields, config.asset_type_field, names),
    }
    element |= {name: value for name, value in owned.items() if value is not None}
    if change.kind is ChangeKind.UPDATE:
        element["id"] = _remote(change)
        return element
    return {
        "type": SUBSCRIPTION,
        "client_id": client,
        "site_id": WHOLE_CLIENT if fields.site is None else _id("site", fields.site),
        "end_date": NO_DATE,
        "billing_cycle": config.billing_cycle,
        "term_duration": config.billing_cycle,
        "status": config.status,
        **element,
    }


def _remote(change: KeyedChange) -> int:
    if change.remote is None:
        raise Unsendable(f"an {change.kind.value} names no record")
    return _id("record", change.remote)


def _asset_type(
    fields: SubscriptionFields, field: str, names: Mapping[str, str]
) -> dict[str, object]:
    if fields.asset_type is None or field == NONE:
        return {}
    if not fields.asset_type.isdecimal():
        raise Unsendable(f"asset type '{fields.asset_type}' is not an id of HaloPSA")
    label = label_of(fields.asset_type, names.get(fields.asset_type))
    if field == NOTES:
        return {NOTES: notes_with(label, fields.notes)}
    if is_custom(field):
        return {"customfields": [{"name": field, "value": label}]}
    return {field: label}


def _agreement(fields: SubscriptionFields, field: str) -> dict[str, object]:
    if fields.agreement is None or field == NONE:
        return {}
    return {field: _id("agreement", fields.agreement)}


def differences(
    change: KeyedChange, marker: str, config: HaloPsaConfig, record: WireLicence
) -> tuple[str, ...]:
    """Names of the fields in which a record read back is not what was written; empty is proof."""
    fields = change.fields
    found: list[str] = []
    if marker_of(record, config.key_field) != marker:
        found.append(config.key_field)
    if change.kind is ChangeKind.ADOPT:
        return (*found, *(() if str(record.id) == change.remote else ("id",)))
    if (record.name or "").split() != fields.name.split():
        found.append("name")
    if record.count != fields.quantity:
        found.append("count")
    if not _same(fields.unit_price, record.price):
        found.append("price")
    if not _same(fields.unit_cost, record.purchase_price):
        found.append("purchase_price")
    if fields.supplier is not None and id_of(record.supplier_id) != fields.supplier:
        found.append("supplier_id")
    if (
        fields.asset_type is not None
        and config.asset_type_field != NONE
        and asset_type_of(record, config.asset_type_field) != fields.asset_type
    ):
        found.append(config.asset_type_field)
    if (
        fields.agreement is not None
        and config.agreement_field != NONE
        and id_of(record.contract_id) != fields.agreement
    ):
        found.append(config.agreement_field)
    if fields.start is not None and day_of(record.start_date) != fields.start:
        found.append("start_date")
    if fields.end is not None and day_of(record.end_date) != fields.end:
        found.append("end_date")
    if change.kind is ChangeKind.CREATE:
        if str(record.client_id) != fields.client:
            found.append("client_id")
        if id_of(record.site_id) != fields.site:
            found.append("site_id")
    elif str(record.id) != change.remote:
        found.append("id")
    return tuple(found)


def _same(wanted: Decimal | None, found: Decimal | None) -> bool:
    """HaloPSA keeps amounts as binary floats, so the ninth decimal may be noise."""
    return wanted is None or (found is not None and abs(found - wanted) < _SAME)


def _name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise Unsendable(f"the name has {len(name)} characters; HaloPSA takes 1 to {LONGEST_NAME}")
    return name


def _count(quantity: int) -> int:
    count = operator.index(quantity)
    if not 0 <= count <= MOST_COUNT:
        raise Unsendable(f"quantity {count} does not fit HaloPSA's count (0 to {MOST_COUNT})")
    return count


def _amount(what: str, amount: Decimal | None) -> msgspec.Raw | None:
    if amount is None:
        return None
    if not amount.is_finite():
        raise Unsendable(f"{what} {amount} is not a number")
    return msgspec.Raw(format(amount, "f").encode())  # its digits, never an exponent or a float


def _id(what: str, key: str) -> int:
    if not key.removeprefix("-").isdecimal():
        raise Unsendable(f"{what} '{key}' is not an id of HaloPSA")
    return int(key)


def _midnight(day: str | None) -> str | None:
    return None if day is None else f"{day}T00:00:00"
