"""Settings of `[notify.<name>]` with `plugin = "chat"`."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from syncd.sdk.address import check_base_url


class ChatConfig(BaseModel):
    """Where the webhook is, and what it understands."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: SecretStr = Field(
        description="Address of the webhook, by reference only: whoever knows it can write there."
    )
    format: Literal["teams", "slack", "json"] = Field(
        default="teams",
        description="`teams`: an adaptive card; `slack`: blocks; `json`: the message as data.",
    )

    @field_validator("url")
    @classmethod
    def _usable(cls, url: SecretStr) -> SecretStr:
        origin, target = split_url(url.get_secret_value())
        check_base_url(origin)
        if target in {"", "/"} or not target.isascii() or not target.isprintable():
            message = "the address has no path of a webhook; copy it whole from where it was made"
            raise ValueError(message)
        return url


def split_url(url: str) -> tuple[str, str]:
    """The origin, which may be named, and the secret rest of the address.

    Raises:
        ValueError: a sentence that does not repeat the address.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("it is no address; copy it whole from where it was made") from None
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("the address has a user name or a #; copy it whole from where it was made")
    host = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")
    return origin, parts.path + (f"?{parts.query}" if parts.query else "")
