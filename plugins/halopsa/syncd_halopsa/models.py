"""HaloPSA's records as they travel, with only the fields that are used.

Decode them leniently (`strict=False`): ids arrive as 12, 12.0 or "12", and amounts are read from
the digits of the JSON text, so that no float comes between. Names of fields are HaloPSA's.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

Loose = str | int | float | None
"""An identifier of another product, whose type differs by version."""


class WireRow(msgspec.Struct):
    """What every listed record has."""

    id: int


class WireClient(WireRow):
    """A row of `/Client`."""

    name: str | None = None
    inactive: bool | None = None
    main_site_id: int | None = None
    accountsid: Loose = None
    ateraid: Loose = None
    autotaskid: Loose = None
    connectwiseid: Loose = None
    datto_id: Loose = None
    hubspot_id: Loose = None
    itglue_id: Loose = None
    ninjarmmid: Loose = None
    syncroid: Loose = None
    xeroid: Loose = None


class WireSite(WireRow):
    """A row of `/Site`."""

    client_id: int
    name: str | None = None
    inactive: bool | None = None


class WireNamed(WireRow):
    """A row of `/AssetType` or `/Supplier`: an id with a name is all that is needed."""

    name: str | None = None


class WireCustomField(msgspec.Struct):
    """A custom field of a record; its value may be of any type and stays undecoded."""

    name: str | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class WireLicence(WireRow):
    """A row of `/SoftwareLicence`; type 1 is a subscription."""

    count: int | None
    type: int | None = None
    name: str | None = None
    client_id: int | None = None
    site_id: int | None = None
    price: Decimal | None = None
    purchase_price: Decimal | None = None
    start_date: str | None = None
    end_date: str | None = None
    supplier_id: int | None = None
    is_active: bool | None = None
    deleted: bool | None = None
    product_sku: str | None = None
    vendor_product_sku: str | None = None
    third_party_product: str | None = None
    manufacturer: str | None = None
    notes: str | None = None
    contract_id: int | None = None
    item_id: int | None = None
    customfields: list[WireCustomField] | UnsetType | None = UNSET
    distributor: Loose = None
    tenant_id: Loose = None
    azure_connection_id: Loose = None
    thirdparty_client_id: Loose = None
    ingram_micro_details_id: Loose = None
    rhipe_tenant_id: Loose = None
    rhipe_subscription_id: Loose = None
    snowid: Loose = None


class WireAgreement(WireRow):
    """A row of `/ClientContract`."""

    client_id: int | None = None
    ref: str | None = None
    refextra: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    started: bool | None = None
    expired: bool | None = None
    active: bool | None = None
    dontinvoice: bool | None = None
    next_invoice_date: str | None = None
    periodicinvoicenextdate: str | None = None


class WireAsset(WireRow):
    """A row of `/Asset`; fields that may carry our key are unset where a list lacks them."""

    client_id: int | None = None
    site_id: int | None = None
    inventory_number: str | None = None
    key_field: str | None = None
    key_field2: str | UnsetType | None = UNSET
    key_field3: str | UnsetType | None = UNSET
    third_party_id_string: str | UnsetType | None = UNSET
    assettype_id: int | None = None
    inactive: bool | None = None
    ninjarmm_id: Loose = None
    atera_id: Loose = None
    datto_id: Loose = None
    itglue_id: Loose = None
    automate_id: Loose = None
    ncentral_details_id: Loose = None
    nable_id: Loose = None
    intune_id: Loose = None
    liongard_id: Loose = None
    auvik_device_id: Loose = None
    addigy_id: Loose = None
    jamf_id: Loose = None
    syncroid: Loose = None


class WireQuantity(msgspec.Struct):
    """One source of a recurring line's quantity (InvoiceDetailQuantity)."""

    id: int | None = None
    licence_id: int | None = None
    type_id: int | None = None
    site_id: int | None = None
    qty_free: int | None = None
    minimum_qty: int | None = None
    pro_rata: int | bool | None = None
    use_linked_subscription_price: bool | None = None


class WireProration(msgspec.Struct):
    """A part of a period that the next invoice charges (InvoiceDetailProRata)."""

    date: str | None = None
    quantity: Decimal | None = None
    shortdescription: str | None = None
    isinvoiced: bool | None = None


class WireLine(msgspec.Struct):
    """A line of a recurring invoice (InvoiceDetail)."""

    id: int
    item: int | None = msgspec.field(name="_itemid", default=None)
    item_shortdescription: str | None = None
    item_longdescription: str | None = None
    qty_order: Decimal | None = None
    unit_price: Decimal | None = None
    isinactive: bool | None = None
    period_type: int | None = None
    billingperiod: int | None = None
    quantity_custom: int | None = None
    percent_increase: Decimal | None = None
    last_invoiced_net_amount: Decimal | None = None
    quantity_subscriptions: list[WireQuantity] | UnsetType | None = UNSET
    quantity_licences: list[WireQuantity] | None = None
    quantity_assets: list[WireQuantity] | None = None
    quantity_users: list[WireQuantity] | None = None
    prorata_data: list[WireProration] | None = None


class WireSchedule(msgspec.Struct):
    """When a recurring invoice is made next, and was made last (StdRequest)."""

    period: int | None = None
    nextcreationdate: str | None = None
    lastcreated: str | None = None


class WireRecurring(WireRow):
    """A row of `/RecurringInvoice`; its id is negative."""

    client_id: int | None = None
    name: str | None = None
    reference: str | None = None
    contract_ref: str | None = None
    disabled: bool | None = None
    isinactive: bool | None = None
    period: int | None = None
    periodname: str | None = None
    nextcreationdate: str | None = None
    lastcreated: str | None = None
    last_invoiced_revenue: Decimal | None = None
    invoice_percent_increase: Decimal | None = None
    schedule: WireSchedule | None = None
    lines: list[WireLine] | None = None


class WireAuthInfo(msgspec.Struct):
    """What an instance says about its authorisation server, without a token."""

    auth_url: str | None = None
    tenant_id: Loose = None


class WireInstance(msgspec.Struct):
    """The instance's version."""

    app_version: Loose = None
