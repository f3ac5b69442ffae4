"""The table `[web]`: where the daemon listens for webhooks, on loopback unless a proxy is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from syncd.config.validation import Check
from syncd.sdk.address import is_loopback

WEB = "web"
"""Name of the table."""


def _listen(value: str) -> str:
    host, separator, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        message = f"'{value}' is no address to listen at; write \"127.0.0.1:8787\""
        raise ValueError(message)
    return value


class WebTable(BaseModel):
    """Where the daemon takes webhooks; without `listen` it opens no port at all."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    listen: Annotated[str, AfterValidator(_listen)] | None = Field(
        default=None,
        description='Address and port, e.g. `"127.0.0.1:8787"`; webhooks of a connection come to '
        "`/webhooks/<connection>` there.",
    )
    proxy: str | None = Field(
        default=None,
        min_length=1,
        description="Name of the proxy that speaks TLS in front; needed for any address but "
        "loopback, since syncd itself speaks plain HTTP.",
    )
    max_body_bytes: StrictInt = Field(
        default=1 << 20, ge=1 << 10, le=1 << 24, description="A longer request is refused."
    )
    max_open: StrictInt = Field(
        default=64, ge=1, le=4096, description="More connections at a time are answered with 503."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The table for the program.

    Attributes:
        host: to bind, None to open no port.
        port: likewise.
        max_body_bytes: longest request.
        max_open: most connections at a time.
    """

    host: str | None = None
    port: int = 0
    max_body_bytes: int = 1 << 20
    max_open: int = 64


def read_web(check: Check, table: Mapping[str, Any]) -> WebSettings:
    """The settings; a mistake is added to `check`."""
    found = check.model(WebTable, table, (WEB,))
    if found is None or found.listen is None:
        return WebSettings()
    host, _, port = found.listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not is_loopback(f"http://{_bracketed(host)}") and not found.proxy:
        check.add(
            (WEB, "listen"),
            f"{host} can be reached from other machines, and syncd speaks no TLS",
            'listen at "127.0.0.1:8787", or name the TLS proxy in front: proxy = "caddy"',
        )
    return WebSettings(
        host=host,
        port=int(port),
        max_body_bytes=found.max_body_bytes,
        max_open=found.max_open,
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
