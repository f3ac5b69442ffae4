"""The settings of one connection to a QuickBooks Online company, checked before anything runs.

Every message names the setting, says what is wrong and what to write; secrets never appear.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from syncd.sdk.address import check_base_url

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class QuickBooksConfig(BaseModel):
    """What `[connections.NAME]` may hold for `plugin = "quickbooks"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    realm: Text = Field(
        pattern=r"^[0-9]{4,25}$",
        description="Company ID of the books; consent for another company is refused.",
    )
    client_id: Text = Field(description="Client ID of the app's keys.")
    client_secret: SecretStr = Field(description="Its secret, by reference only.")
    redirect_url: str = Field(
        default="http://localhost:8400",
        description="Where the browser comes back to after `syncd login`, as it is registered;"
        " Intuit takes http://localhost for development keys only.",
    )
    base_url: str = Field(
        default="https://quickbooks.api.intuit.com",
        description="Address of the interface; https://sandbox-quickbooks.api.intuit.com for"
        " development keys.",
    )
    login_url: str = Field(
        default="https://appcenter.intuit.com/connect/oauth2",
        description="Page of the consent.",
    )
    token_url: str = Field(
        default="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        description="Address that issues tokens.",
    )
    app_url: str = Field(
        default="https://app.qbo.intuit.com",
        description="Where people see a document; links in reports begin with it.",
    )
    minor_version: int = Field(
        default=75, ge=75, description="Minor version of the interface that is asked for."
    )
    webhook_verifier: SecretStr | None = Field(
        default=None, description="Verifier token of the app's webhooks, by reference."
    )
    tax: Literal["auto", "us_delegated", "us_own_total", "global"] = Field(
        default="auto",
        description="Who computes tax. `auto`: by the company's country; `us_delegated`:"
        " QuickBooks by address; `us_own_total`: the PSA's total is stated; `global`: by rate.",
    )
    batch: int = Field(default=30, ge=1, le=30, description="Documents in one call.")
    settle_seconds: float = Field(
        default=120.0,
        ge=0.0,
        le=3600.0,
        description="How long after a lost answer a document may still appear; Intuit cuts a call"
        " after 120 seconds.",
    )
    classes: bool = Field(
        default=False, description="Write classes on lines; otherwise nothing is tracked."
    )
    price_decimals: int = Field(
        default=4, ge=2, le=7, description="Most decimals of a unit price that are written."
    )
    reference_in: Literal["note", "memo"] = Field(
        default="note",
        description="Where the client's order number goes: the private note, or the message that"
        " the client sees.",
    )
    void_credits: Literal["refuse", "delete"] = Field(
        default="refuse",
        description="QuickBooks voids no credit memos: whether one is deleted in place of it.",
    )

    _addresses = field_validator("base_url", "login_url", "token_url", "redirect_url", "app_url")(
        check_base_url
    )

    @field_validator("client_secret", "webhook_verifier")
    @classmethod
    def _filled(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            message = "it is empty; write a reference to a value"
            raise ValueError(message)
        return secret

    @field_validator("base_url")
    @classmethod
    def _without_version(cls, url: str) -> str:
        if url.endswith("/v3"):
            message = f"write {url.removesuffix('/v3')}, without the version"
            raise ValueError(message)
        return url
