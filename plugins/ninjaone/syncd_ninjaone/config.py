"""The settings of one NinjaOne connection, checked as a whole before anything runs.

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
from syncd_ninjaone.classes import PRODUCT_KEY

REGIONS: dict[str, str] = {
    "us": "https://app.ninjarmm.com",
    "us2": "https://us2.ninjarmm.com",
    "eu": "https://eu.ninjarmm.com",
    "oc": "https://oc.ninjarmm.com",
    "ca": "https://ca.ninjarmm.com",
    "fed": "https://fed.ninjarmm.com",
}
"""Region → address of its instance, as published clients of the API list them."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

_OVERRIDE = re.compile(r"^(?:[A-Z][A-Z0-9_]*|role:\d+|tag:\S.*)$")


class NinjaOneConfig(BaseModel):
    """What `[connections.NAME]` may hold for `plugin = "ninjaone"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    region: str | None = Field(
        default=None, description="Short name of the instance: us, us2, eu, oc, ca or fed."
    )
    base_url: str = Field(
        default="",
        validate_default=True,
        description="Address of the instance; follows from `region` when not written.",
    )
    client_id: Text = Field(description="Client ID of the API application.")
    client_secret: SecretStr = Field(description="Client secret, by reference only.")
    scope: Text = Field(default="monitoring", description="OAuth scope; reading is enough.")
    token_path: str = Field(default="/ws/oauth/token", description="Path of the token endpoint.")
    api_prefix: str = Field(default="/v2", description="Prefix of the API: `/v2` or `/api/v2`.")
    page_size: int = Field(default=1000, ge=1, le=10_000, description="Rows asked for per call.")
    detail: Literal["devices-detailed", "devices"] = Field(
        default="devices-detailed",
        description="Which list is read; only `devices-detailed` carries serial numbers.",
    )
    id_ranges: Literal["off", "on"] = Field(
        default="off",
        description="Read ranges of ids at once; switch on after `syncd check` proved the order.",
    )
    chains: int = Field(
        default=1, ge=1, le=10, description="Calls in flight when `id_ranges` is on; 10 at most."
    )
    stale_days: int = Field(
        default=30, ge=0, le=3650, description="Silent for longer is `stale`; 0 switches it off."
    )
    silence_days: int = Field(
        default=7,
        ge=1,
        le=3650,
        description="Silent for longer is told to billing, so that a rule may say what is stale.",
    )
    exclude_never_seen: bool = Field(
        default=True, description="Agents and phones that never reported are `never_seen`."
    )
    exclude_pending: bool = Field(default=True, description="State PENDING is `not_approved`.")
    exclude_staged: bool = Field(default=True, description="State STAGED is `not_approved`.")
    exclude_decommissioned: bool = Field(
        default=True, description="State DECOMMISSIONED is `decommissioned`."
    )
    exclude_unmanaged: bool = Field(
        default=True, description="Asset records without agent are `unmanaged`."
    )
    exclude_tags: list[Text] = Field(
        default=["spare"], description="Devices with such a tag are `tag:NAME`; case is ignored."
    )
    exclude_roles: list[int] = Field(
        default=[], description="Ids of device roles whose devices are `role:ID`."
    )
    internal_organisations: list[int | Text] = Field(
        default=[], description="Ids or exact names of your own organisations: `internal_org`."
    )
    split_by_location: Literal["all"] | list[int | Text] = Field(
        default=[],
        description="Ids or exact names of organisations whose locations are accounts of their "
        'own; "all" for every one.',
    )
    duplicates: bool = Field(
        default=True, description="A serial seen before in the same organisation is `duplicate`."
    )
    placeholder_serials: list[Text] = Field(
        default=[], description="More serials that say nothing, beside the built-in list."
    )
    products: dict[str, str] = Field(
        default={}, description="Product by class (`NMS_PRINTER`), `role:ID` or `tag:NAME`."
    )
    psa_id_pattern: str | None = Field(
        default=None,
        description="Regular expression with one group: the PSA's client id in an organisation's "
        "description.",
    )

    @field_validator("region")
    @classmethod
    def _known_region(cls, region: str | None) -> str | None:
        if region is not None and region not in REGIONS:
            message = (
                f"region '{region}' is not known; write one of {', '.join(REGIONS)}, "
                "or set base_url instead"
            )
            raise ValueError(message)
        return region

    @field_validator("base_url")
    @classmethod
    def _address(cls, base_url: str, info: ValidationInfo) -> str:
        region = info.data.get("region")
        if base_url and region:
            message = "set region or base_url, not both"
            raise ValueError(message)
        if base_url:
            return check_base_url(base_url)
        if region:
            return REGIONS[region]
        if "region" not in info.data:
            return ""  # the region itself was refused, and has said why
        message = f"write region (one of {', '.join(REGIONS)}) or base_url"
        raise ValueError(message)

    @field_validator("client_secret")
    @classmethod
    def _secret_present(cls, secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().strip():
            message = "the client secret is empty"
            raise ValueError(message)
        return secret

    @field_validator("token_path", "api_prefix")
    @classmethod
    def _path(cls, path: str) -> str:
        if not re.fullmatch(r"(?:/[\w.~-]+)+", path):
            message = f"'{path}' is not a path; write it like /v2, without host or final slash"
            raise ValueError(message)
        return path

    @field_validator("chains")
    @classmethod
    def _chains_need_order(cls, chains: int, info: ValidationInfo) -> int:
        if chains > 1 and info.data.get("id_ranges") == "off":
            message = (
                'several chains need id_ranges = "on"; run `syncd check` first, it says whether '
                "the order of ids allows it"
            )
            raise ValueError(message)
        return chains

    @field_validator("products")
    @classmethod
    def _products(cls, products: dict[str, str]) -> dict[str, str]:
        for key, product in products.items():
            if not _OVERRIDE.match(key):
                message = (
                    f"'{key}' is not a device class (NMS_PRINTER), a role (role:202) or a tag "
                    "(tag:kiosk)"
                )
                raise ValueError(message)
            if not PRODUCT_KEY.match(product):
                message = f"'{product}' is not a product key; write it like device:printer"
                raise ValueError(message)
        return products

    @field_validator("psa_id_pattern")
    @classmethod
    def _pattern(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            message = f"not a regular expression: {error}"
            raise ValueError(message) from error
        if groups != 1:
            message = r"needs exactly one group around the id, like HPSA:(\d+)"
            raise ValueError(message)
        return pattern

    @property
    def token_url(self) -> str:
        return self.base_url + self.token_path
