"""The settings of one HaloPSA connection, checked as a whole before anything runs.

Every message names the setting, says what is wrong and what to write; secrets never appear.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from syncd.sdk.address import check_base_url
from syncd_halopsa.invoice_settings import InvoiceSettings

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

Cycle = Literal["weekly", "monthly", "quarterly", "half-yearly", "yearly"]

SCOPE = (
    "read:customers read:assets read:suppliers read:invoices "
    "read:softwarelicensing edit:softwarelicensing"
)
"""The least set: one word per thing that is read, and one to save subscriptions."""

_ASSET_TYPE_FIELD = re.compile(
    r"^(?:none|third_party_product|vendor_product_sku|manufacturer|notes|CF\w+)$"
)
_API_SUFFIX = re.compile(r"/api$", re.IGNORECASE)
_TOKEN_SUFFIX = re.compile(r"/token$", re.IGNORECASE)


class ConnectionSettings(BaseModel):
    """Everything but what is about finished invoices."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: Text = Field(
        description="Resource server, `https://NAME.halopsa.com`, with or without `/api`."
    )
    auth_url: str = Field(
        default="",
        validate_default=True,
        description="Authorisation server; `/auth` on the host of `base_url` when not written.",
    )
    tenant: Text | None = Field(
        default=None,
        description="Tenant of the authorisation server; hosted instances ask for it.",
    )
    client_id: Text = Field(description="Client ID of the API application.")
    client_secret: SecretStr = Field(description="Client secret, by reference only.")
    scope: Text = Field(
        default=SCOPE, description="OAuth scopes asked for, separated by spaces; least set."
    )
    page_size: int = Field(
        default=100,
        ge=1,
        le=1000,
        description="Rows asked for per call; a server may give fewer and is never trusted.",
    )
    write_batch: int = Field(
        default=20, ge=1, le=100, description="Most records in one POST; 1 is the safest."
    )
    key_field: Literal["product_sku", "vendor_product_sku", "third_party_product"] = Field(
        default="product_sku",
        description="Text field of the subscription that carries our key.",
    )
    key_length: int = Field(
        default=50,
        ge=38,
        le=500,
        description="Longest key written as it is; a longer one becomes `syncd-` and a hash.",
    )
    asset_type_field: str = Field(
        default="third_party_product",
        validate_default=True,
        description="Field that carries the asset type: `third_party_product`, "
        "`vendor_product_sku`, `manufacturer`, `notes`, a custom field `CFname`, or `none`.",
    )
    agreement_field: Literal["none", "contract_id"] = Field(
        default="none",
        description="Field of the subscription that carries the client's agreement where an "
        "account names one: `contract_id`, or `none`.",
    )
    asset_key_field: Literal["third_party_id_string", "key_field2", "key_field3"] = Field(
        default="third_party_id_string",
        description="Field of the asset that carries our key, where devices are exported.",
    )
    asset_name_field: Literal["inventory_number", "key_field"] = Field(
        default="inventory_number",
        description="Field of the asset that carries the device's name.",
    )
    period_codes: dict[str, Cycle] = Field(
        default={},
        description="What the numbers of billing periods on recurring invoices mean, e.g. "
        '`{ "1" = "monthly", "4" = "yearly" }`; a number that is not named stays unknown.',
    )
    billing_cycle: Text = Field(
        default="Monthly", description="Billing cycle and term written on a new subscription."
    )
    status: Text = Field(default="Active", description="Status written on a new subscription.")
    settle_seconds: float = Field(
        default=2.0,
        ge=0,
        le=300,
        description="Wait after a lost answer before a look-up counts as proof of absence.",
    )
    include_inactive_clients: bool = Field(
        default=False, description="Offer inactive clients for links as well."
    )

    @field_validator("base_url")
    @classmethod
    def _resource_server(cls, base_url: str) -> str:
        return _API_SUFFIX.sub("", check_base_url(base_url)).rstrip("/")

    @field_validator("auth_url")
    @classmethod
    def _authorisation_server(cls, auth_url: str, info: ValidationInfo) -> str:
        if auth_url.strip():
            return _TOKEN_SUFFIX.sub("", check_base_url(auth_url)).rstrip("/")
        base_url = info.data.get("base_url")
        return f"{base_url}/auth" if base_url else ""

    @field_validator("client_secret")
    @classmethod
    def _secret_present(cls, secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().strip():
            message = "the client secret is empty"
            raise ValueError(message)
        return secret

    @field_validator("asset_type_field")
    @classmethod
    def _field_for_asset_type(cls, field: str, info: ValidationInfo) -> str:
        if not _ASSET_TYPE_FIELD.match(field):
            message = (
                f"'{field}' cannot carry the asset type; write third_party_product, "
                "vendor_product_sku, manufacturer, notes, none, or a custom field like CFassettype"
            )
            raise ValueError(message)
        if field == info.data.get("key_field"):
            message = f"'{field}' carries the key already; choose another field for the asset type"
            raise ValueError(message)
        return field

    @property
    def token_url(self) -> str:
        """Where tokens are fetched."""
        return f"{self.auth_url}/token"


class HaloPsaConfig(InvoiceSettings, ConnectionSettings):
    """What `[connections.NAME]` may hold for `plugin = "halopsa"`."""

    def page_of(self, invoice: int) -> str:
        """Where a person sees an invoice; empty where the settings say none."""
        page = self.invoice_page.replace("{id}", str(invoice))
        return f"{self.base_url}{page}" if page.startswith("/") else page
