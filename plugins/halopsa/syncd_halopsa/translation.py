"""From HaloPSA's records to the project's: empty ids, empty dates and empty texts become None.

HaloPSA writes 0 or -1 for no id, the years 1900 and 1901 for no date, and "" for no text.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from syncd.sdk.money import round_half_up
from syncd.sdk.records import (
    Agreement,
    AssetType,
    PsaClient,
    PsaSite,
    Subscription,
    Supplier,
)
from syncd_halopsa.asset_type import asset_type_of
from syncd_halopsa.models import (
    Loose,
    WireAgreement,
    WireClient,
    WireLicence,
    WireNamed,
    WireSite,
)

AMOUNT_SCALE = 8
"""Decimals of an amount that are meant; from the ninth on they may be noise."""

AMOUNT_DIGITS = 20
"""A number with more digits before the point is no amount, and is left as it is."""

OURS = "syncd"
"""How the text of a key of ours begins, as it is and hashed."""

LAST_EMPTY_YEAR = 1901
"""Dates up to this year mean "none": SQL's zero date is 1900, other tools write 1901."""

FOREIGN_IDS = {
    "ninjaone": "ninjarmmid",
    "atera": "ateraid",
    "autotask": "autotaskid",
    "connectwise": "connectwiseid",
    "datto": "datto_id",
    "hubspot": "hubspot_id",
    "itglue": "itglue_id",
    "syncro": "syncroid",
    "xero": "xeroid",
    "accounts": "accountsid",
}
"""Name in `PsaClient.foreign_ids` → HaloPSA's column of the client."""

DISTRIBUTOR_KEYS = {
    "tenant_id": "Microsoft CSP",
    "azure_connection_id": "Microsoft CSP",
    "ingram_micro_details_id": "Ingram Micro",
    "rhipe_tenant_id": "rhipe",
    "rhipe_subscription_id": "rhipe",
    "snowid": "ServiceNow",
    "thirdparty_client_id": "a distributor",
}
"""Columns that only another integration fills → its name for people."""


def client_of(wire: WireClient) -> PsaClient:
    foreign = {name: text_of(getattr(wire, column)) for name, column in FOREIGN_IDS.items()}
    return PsaClient(
        key=str(wire.id),
        name=(wire.name or "").strip(),
        active=not wire.inactive,
        main_site=id_of(wire.main_site_id),
        foreign_ids={name: value for name, value in foreign.items() if value},
    )


def site_of(wire: WireSite) -> PsaSite:
    return PsaSite(
        key=str(wire.id),
        client=str(wire.client_id),
        name=(wire.name or "").strip(),
        active=not wire.inactive,
    )


def asset_type_record(wire: WireNamed) -> AssetType:
    return AssetType(key=str(wire.id), name=(wire.name or "").strip())


def supplier_of(wire: WireNamed) -> Supplier:
    return Supplier(key=str(wire.id), name=(wire.name or "").strip())


def agreement_of(wire: WireAgreement) -> Agreement:
    """The agreement as the core sees it.

    `active` and `expired` are HaloPSA's word of today, and a month is billed after it: where dates
    explain them the dates decide, and only what no date explains closes the agreement.
    """
    starts, ends = day_of(wire.start_date), day_of(wire.end_date)
    dated = (wire.expired is True and ends is not None) or (
        wire.started is False and starts is not None
    )
    over = (wire.expired is True and ends is None) or (wire.started is False and starts is None)
    return Agreement(
        key=str(wire.id),
        client=str(wire.client_id or 0),
        name=(wire.ref or wire.refextra or "").strip() or f"agreement {wire.id}",
        starts=starts,
        ends=ends,
        active=not over and (wire.active is not False or dated),
        invoiced=not wire.dontinvoice,
        next_invoice=day_of(wire.next_invoice_date) or day_of(wire.periodicinvoicenextdate),
    )


def subscription_of(wire: WireLicence, *, key_field: str, asset_type_field: str) -> Subscription:
    """The record as the core sees it.

    Args:
        wire: as decoded.
        key_field: setting of that name.
        asset_type_field: setting of that name.
    """
    return Subscription(
        key=str(wire.id),
        client=str(wire.client_id or 0),
        site=id_of(wire.site_id),
        marker=marker_of(wire, key_field),
        name=wire.name or "",
        quantity=wire.count or 0,  # the column's own default; null stands for it
        unit_price=amount_of(wire.price),
        unit_cost=amount_of(wire.purchase_price),
        asset_type=asset_type_of(wire, asset_type_field),
        supplier=id_of(wire.supplier_id),
        active=wire.is_active is not False and not wire.deleted,
        foreign_writer=foreign_writer(wire),
        start=day_of(wire.start_date),
        end=day_of(wire.end_date),
        agreement=id_of(wire.contract_id),
        item=id_of(wire.item_id),
        sku=sku_of(wire, besides=asset_type_field),
    )


def sku_of(wire: WireLicence, *, besides: str) -> str | None:
    """The article number, of the field of ours or of the vendor's; our own key is none.

    Args:
        wire: as decoded.
        besides: a field that holds something else by a setting.
    """
    for field, value in (
        ("product_sku", wire.product_sku),
        ("vendor_product_sku", wire.vendor_product_sku),
    ):
        text = (value or "").strip()
        if text and field != besides and not text.startswith(OURS):
            return text
    return None


def marker_of(wire: WireLicence, key_field: str) -> str | None:
    """What stands in the key field, None when empty."""
    value: str | None = getattr(wire, key_field)
    return (value or "").strip() or None


def foreign_writer(wire: WireLicence) -> str | None:
    """Which other integration owns the record, if its key is there.

    A distributor's own key is the proof; its name in `distributor` says who it is.
    """
    named = text_of(wire.distributor)
    for column, name in DISTRIBUTOR_KEYS.items():
        if text_of(getattr(wire, column)):
            return named or name
    return named


def amount_of(value: Decimal | None) -> Decimal | None:
    """An amount without the noise of the binary float that HaloPSA keeps it as."""
    if value is None or value.adjusted() > AMOUNT_DIGITS:
        return value
    meant = round_half_up(value, AMOUNT_SCALE)
    return value if meant == value else Decimal(format(meant.normalize(), "f"))


def id_of(value: int | None) -> str | None:
    """An id as text; HaloPSA's 0 and -1 are none."""
    return None if value is None or value in {0, -1} else str(value)


def text_of(value: Loose) -> str | None:
    """Another product's identifier as text; empty ones are none."""
    if isinstance(value, float):
        value = int(value) if value.is_integer() else str(value)
    text = "" if value is None else str(value).strip()
    return None if text in {"", "0", "-1"} else text


def day_of(value: str | None) -> str | None:
    """The calendar day of a HaloPSA date, or None for its ways to say "no date"."""
    try:
        day = date.fromisoformat((value or "")[:10])
    except ValueError:
        return None
    return None if day.year <= LAST_EMPTY_YEAR else day.isoformat()


def moment_of(value: str | None) -> datetime | None:
    """The moment of a HaloPSA date-time; one without an offset is UTC."""
    try:
        moment = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    if moment.year <= LAST_EMPTY_YEAR:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
