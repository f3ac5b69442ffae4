"""Settings of `[notify.<name>]` with `plugin = "mail"`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from syncd.sdk.address import is_loopback

_ADDRESS = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")

DEFAULT_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _address(text: str) -> str:
    if not _ADDRESS.match(text) or not text.isascii():
        message = "is not a mail address; write it like ops@example.com"
        raise ValueError(message)
    return text


Address = Annotated[str, AfterValidator(_address)]


class MailConfig(BaseModel):
    """Which server takes the mail, and from whom to whom it goes."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    host: str = Field(pattern=r"^[A-Za-z0-9.:-]+$", description="Name of the SMTP server.")
    port: StrictInt | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Its port; 587 for `starttls`, 465 for `tls`, 25 for `none`.",
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the connection is encrypted; `none` only to a server on this machine.",
    )
    ca_file: str | None = Field(
        default=None,
        min_length=1,
        description="Certificates to trust instead of the system's, as a PEM file.",
    )
    user: str | None = Field(default=None, min_length=1, description="User name for the login.")
    password: SecretStr | None = Field(
        default=None, description="Password for the login, by reference only."
    )
    sender: Address = Field(alias="from", description="Address that the mail comes from.")
    to: list[Address] = Field(
        min_length=1, max_length=50, description='Addresses that it goes to: ["ops@example.com"].'
    )
    timeout_seconds: StrictInt = Field(
        default=10, ge=1, le=20, description="Most seconds that the server may stay silent."
    )

    @field_validator("security")
    @classmethod
    def _encrypted(cls, security: str, info: ValidationInfo) -> str:
        host = info.data.get("host", "")
        bracketed = f"[{host}]" if ":" in host else host
        if security == "none" and host and not is_loopback(f"smtp://{bracketed}"):
            message = "mail would leave this machine unencrypted; write starttls or tls"
            raise ValueError(message)
        return security

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.user is None) != (self.password is None):
            message = "a login needs `user` and `password`; write both or neither"
            raise ValueError(message)
        return self

    @property
    def port_number(self) -> int:
        """The port that is spoken to."""
        return DEFAULT_PORTS[self.security] if self.port is None else self.port
