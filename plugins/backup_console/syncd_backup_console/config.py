"""The settings of one connection to a backup console, checked as a whole before anything runs.

Every message names the setting, says what is wrong and what to write; secrets never appear.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
)

from syncd.sdk.address import check_base_url

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class BackupConsoleConfig(BaseModel):
    """What `[connections.NAME]` may hold for `plugin = "backup_console"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(
        default="https://api.mspbackups.com", description="Address of the API, without `/api`."
    )
    user_name: Text = Field(description="User name of the API credentials, not of a console login.")
    password: SecretStr = Field(description="Password of the API credentials, by reference only.")
    timezone: str = Field(
        default="UTC",
        description="IANA zone of dates that the console writes without one, and of its months.",
    )
    include_trials: bool = Field(
        default=False, description="Count trial licences that are in use, too."
    )
    storage: Literal["all", "accounts", "off"] = Field(
        default="all",
        description="`all`: one product with the average of the month; `accounts`: a product per "
        "storage account, one call per user more; `off`: none.",
    )
    currency: str | None = Field(
        default=None,
        description="ISO code of the console's money, which names none; without it storage limits "
        "are not counted.",
    )
    computers: bool = Field(
        default=False,
        description="Also count computers that have a plan in Monitoring; one call more.",
    )
    internal_companies: list[Text] = Field(
        default=[], description="Ids or exact names of your own companies: `internal_company`."
    )

    @field_validator("base_url")
    @classmethod
    def _address(cls, base_url: str) -> str:
        address = check_base_url(base_url)
        if address.lower().endswith("/api"):
            message = f"write {address[:-4]}, without /api"
            raise ValueError(message)
        return address

    @field_validator("password")
    @classmethod
    def _password_possible(cls, password: SecretStr) -> SecretStr:
        if not 3 <= len(password.get_secret_value()) <= 100:
            message = "the password of API credentials has 3 to 100 characters"
            raise ValueError(message)
        return password

    @field_validator("timezone")
    @classmethod
    def _zone_known(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            message = f"'{timezone}' is no time zone; write it like Europe/London"
            raise ValueError(message) from error
        return timezone

    @field_validator("currency")
    @classmethod
    def _currency_code(cls, currency: str | None) -> str | None:
        if currency is not None and not re.fullmatch(r"[A-Z]{3}", currency):
            message = f"'{currency}' is no currency; write an ISO code like GBP"
            raise ValueError(message)
        return currency

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
