"""The settings of one organisation in Xero, checked as a whole before anything runs.

Every message names the setting, says what is wrong and what to write; secrets never appear.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from syncd.sdk.address import check_base_url

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

INVOICES: Final = "accounting.invoices"
PAYMENTS: Final = "accounting.payments"
CONTACTS: Final = "accounting.contacts"
SETTINGS: Final = "accounting.settings.read"
OFFLINE: Final = "offline_access"

LARGEST_BATCH: Final = 50
LARGEST_PAGE: Final = 1000
LONGEST_REFERENCE: Final = 255
LONGEST_CALL: Final = 120.0
"""Seconds until an answer is no longer waited for; a write may still be at work until then."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class XeroConfig(BaseModel):
    """What `[connections.NAME]` may hold for `plugin = "xero"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    access: Literal["consent", "custom"] = Field(
        default="consent",
        description="`consent`: a person signs in with `syncd login`; `custom`: a custom connection"
        " of one organisation.",
    )
    client_id: Text = Field(description="Client id of your own app at Xero.")
    client_secret: SecretStr | None = Field(
        default=None,
        description="Its secret, by reference only; none for an app that works with PKCE alone.",
    )
    organisation: str = Field(
        default="",
        description="Tenant ID of the organisation; `syncd check` lists those that are open."
        " Empty only where a single one is open.",
    )
    scopes: list[Text] = Field(
        default=[],
        description="Rights to ask for in place of those that `syncd` needs.",
    )
    redirect_url: str = Field(
        default="http://localhost:8400",
        description="Where the browser comes back to after `syncd login`, as it is registered.",
    )
    pkce: bool = Field(
        default=True, description="Secure the sign-in by PKCE, also for an app with a secret."
    )
    login_url: str = Field(
        default="https://login.xero.com/identity/connect/authorize",
        description="Page of the sign-in.",
    )
    token_url: str = Field(
        default="https://identity.xero.com/connect/token", description="Address of tokens."
    )
    base_url: str = Field(
        default="https://api.xero.com/api.xro/2.0", description="Address of the books."
    )
    connections_url: str = Field(
        default="https://api.xero.com/connections",
        description="Address that lists the open organisations, on the host of base_url.",
    )
    page_size: int = Field(
        default=LARGEST_PAGE, ge=1, le=LARGEST_PAGE, description="Rows asked for per page."
    )
    batch: int = Field(
        default=LARGEST_BATCH, ge=1, le=LARGEST_BATCH, description="Documents per write."
    )
    settle_seconds: float = Field(
        default=LONGEST_CALL,
        ge=0,
        le=3600,
        description="How long after a lost answer a document may still be missing from a look-up;"
        " a call that nobody waits for may be at work as long as one that is waited for.",
    )
    day_reserve: int = Field(
        default=200,
        ge=0,
        le=5000,
        description="Calls of a day that are kept for writes and what proves them.",
    )
    overlap_seconds: int = Field(
        default=120,
        ge=0,
        le=86_400,
        description="How far each read of changes reaches back behind the last one.",
    )
    reference: str = Field(
        default="{reference} {marker}",
        description="Reference of a document; `{marker}` is how `syncd` finds it again.",
    )
    other_payments: bool = Field(
        default=True, description="Also read prepayments and overpayments; two more calls."
    )
    draft_status: Literal["DRAFT", "SUBMITTED"] = Field(
        default="DRAFT", description="Status of documents that arrive unapproved."
    )
    link_pattern: str = Field(
        default="https://go.xero.com/app/invoicing/view/{id}",
        description="Address of an invoice for people; empty for none.",
    )
    webhook_key: SecretStr | None = Field(
        default=None, description="Signing key of the webhooks, by reference only."
    )
    webhook_days: int = Field(
        default=31,
        ge=1,
        le=45,
        description="Events that are older are refused; at most 45, as long as repeats are known.",
    )

    _addresses = field_validator(
        "login_url", "token_url", "base_url", "connections_url", "redirect_url"
    )(check_base_url)

    @field_validator("client_secret", "webhook_key")
    @classmethod
    def _filled(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            message = "it is empty; write a reference to a value"
            raise ValueError(message)
        return secret

    @field_validator("organisation")
    @classmethod
    def _one_organisation(cls, organisation: str) -> str:
        text = organisation.strip().lower()
        if text and not _GUID.fullmatch(text):
            message = "write the organisation's Tenant ID, as `syncd check` lists it, not its name"
            raise ValueError(message)
        return text

    @field_validator("reference")
    @classmethod
    def _holds_the_marker(cls, text: str) -> str:
        names = re.findall(r"\{([^{}]*)\}", text)
        if names.count("marker") != 1 or not set(names) <= {"marker", "reference", "number"}:
            message = (
                "write {marker} once, beside {reference} and {number} at most: without it a"
                " document whose answer was lost is not found again"
            )
            raise ValueError(message)
        return text

    @model_validator(mode="after")
    def _everything_has_what_it_needs(self) -> Self:
        if self.access == "custom" and self.client_secret is None:
            message = "a custom connection needs client_secret"
            raise ValueError(message)
        if self.client_secret is None and not self.pkce:
            message = "pkce = false needs client_secret; write one of them"
            raise ValueError(message)
        if urlsplit(self.connections_url)[:2] != urlsplit(self.base_url)[:2]:
            message = "connections_url must be on the host of base_url"
            raise ValueError(message)
        return self

    @property
    def wanted_scopes(self) -> tuple[str, ...]:
        """Rights that tokens are asked for."""
        if self.scopes:
            return tuple(self.scopes)
        lasting = (OFFLINE,) if self.access == "consent" else ()
        return (*lasting, INVOICES, PAYMENTS, CONTACTS, SETTINGS)
