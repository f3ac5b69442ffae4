"""The settings of one connection to Partner Center, checked as a whole before anything runs.

Every message names the setting, says what is wrong and what to write; secrets never appear.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

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
from syncd_csp.values import party

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

_TENANT = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)+"
)
_SHARED = {"common", "organizations", "consumers"}


class Exclusion(BaseModel):
    """Something that is read, kept as evidence and not counted."""

    model_config = STRICT

    reason: Text = Field(description="Why, for whoever asks later.")
    customer: Text | None = Field(
        default=None, description="Of this customer only; alone, everything of this customer."
    )
    product: Text | None = Field(
        default=None, description="ProductId, ProductId:SkuId, or a licence's GUID."
    )
    subscription: Text | None = Field(default=None, description="A subscription's id.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if self.product is not None and self.subscription is not None:
            message = "one entry excludes one thing; write product and subscription in entries each"
            raise ValueError(message)
        if not (self.customer or self.product or self.subscription):
            message = "an entry excludes nothing; write a customer, product or subscription"
            raise ValueError(message)
        return self

    @field_validator("customer")
    @classmethod
    def _as_listed(cls, customer: str | None) -> str | None:
        return None if customer is None else party(customer)


class CspConfig(BaseModel):
    """What `[connections.NAME]` may hold for `plugin = "csp"`."""

    model_config = STRICT

    access: Literal["app", "user"] = Field(
        default="app",
        description="`app`: by the application's own rights; `user`: by a person's sign-in.",
    )
    partner_tenant: Text = Field(description="Tenant ID, or a domain, of your own partner tenant.")
    client_id: Text = Field(description="Application ID of the app in the partner tenant.")
    client_secret: SecretStr | None = Field(
        default=None, description="Its secret, by reference only."
    )
    certificate: SecretStr | None = Field(
        default=None,
        description="PEM with its certificate and private key, by reference, in place of a secret.",
    )
    certificate_password: SecretStr | None = Field(
        default=None, description="Password of the private key, by reference."
    )
    certificate_algorithm: Literal["PS256", "RS256"] = Field(
        default="PS256", description="How a certificate's key signs; `RS256` is the older way."
    )
    redirect_url: str = Field(
        default="http://localhost:8400",
        description="Where the browser comes back to after `syncd login`, as it is registered.",
    )
    login_url: str = Field(
        default="https://login.microsoftonline.com", description="Address that issues tokens."
    )
    base_url: str = Field(
        default="https://api.partnercenter.microsoft.com",
        description="Address of Partner Center, without version.",
    )
    graph_url: str = Field(
        default="https://graph.microsoft.com",
        description="Address of Graph, without version; it exports the bill.",
    )
    page_size: int = Field(default=500, ge=1, le=2000, description="Customers asked for per call.")
    suspended: Literal["exclude", "count"] = Field(
        default="exclude", description="Whether subscriptions that are suspended count."
    )
    count_trials: bool = Field(default=False, description="Count trials, too.")
    not_monthly: Literal["exclude", "count"] = Field(
        default="exclude",
        description="What is charged once a year or less: kept out of the monthly bill, or counted"
        " every month.",
    )
    licence_usage: bool = Field(
        default=False,
        description='Also read which licences are assigned; needs access = "user".',
    )
    extended_terms: list[Text] = Field(
        default=["*extended service term*"],
        description="Patterns of offer names, or of ProductId:SkuId, that run beyond their term.",
    )
    without_renewal: Literal["by_date", "extended", "ends", "unknown"] = Field(
        default="by_date",
        description="What becomes of a subscription whose renewal is off, where it says no more;"
        " `by_date`: by Microsoft's dates for extended service terms.",
    )
    currency: str = Field(
        default="",
        pattern=r"^([A-Z]{3})?$",
        description="Currency of what is not invoiced yet; empty: that of the newest invoice.",
    )
    export_minutes: int = Field(
        default=60, ge=1, le=1440, description="How long Microsoft may take to write an export."
    )
    do_not_import: list[Exclusion] = Field(
        default=[], description="What is kept uncounted: `[[connections.NAME.do_not_import]]`."
    )

    _addresses = field_validator("login_url", "base_url", "graph_url", "redirect_url")(
        check_base_url
    )

    @field_validator("client_secret", "certificate", "certificate_password")
    @classmethod
    def _filled(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            message = "it is empty; write a reference to a value"
            raise ValueError(message)
        return secret

    @field_validator("partner_tenant")
    @classmethod
    def _one_tenant(cls, tenant: str) -> str:
        if tenant.lower() in _SHARED:
            message = f"'{tenant}' is no tenant; write the id of your own partner tenant"
            raise ValueError(message)
        if not _TENANT.fullmatch(tenant.lower()):
            message = "write the Tenant ID, or a verified domain, of your partner tenant"
            raise ValueError(message)
        return tenant.lower()

    @field_validator("base_url", "graph_url")
    @classmethod
    def _without_version(cls, url: str) -> str:
        if re.search(r"/(v1(\.0)?|beta)$", url):
            message = f"write {url.rpartition('/')[0]}, without the version"
            raise ValueError(message)
        return url

    @model_validator(mode="after")
    def _everything_has_what_it_needs(self) -> Self:
        if (self.client_secret is None) == (self.certificate is None):
            message = "write client_secret or certificate, one of them"
            raise ValueError(message)
        if self.certificate_password is not None and self.certificate is None:
            message = "certificate_password without certificate; remove it, or write certificate"
            raise ValueError(message)
        if self.licence_usage and self.access == "app":
            message = (
                "Partner Center tells licences to a person only, not to an application; write"
                ' access = "user" and run `syncd login`, or licence_usage = false'
            )
            raise ValueError(message)
        return self
