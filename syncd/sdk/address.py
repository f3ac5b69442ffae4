"""Where a connection may speak to: one origin, over TLS unless it is this machine.

A vendor's next link is followed only to the origin that the configuration names, so that nobody
can lead a token to another host.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}


def check_base_url(url: str) -> str:
    """The address without a trailing slash, for a validator of a connection's settings.

    Args:
        url: `https://host[:port][/path]`; plain `http` only to a loopback host.

    Raises:
        ValueError: a sentence that says what is wrong with it and what to write.
    """
    try:
        parts = urlsplit(url.strip())
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"the address has no usable host and port: {error}") from None
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise ValueError("write a full address such as https://api.example.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("take the user name and password out of the address")
    if parts.query or parts.fragment:
        raise ValueError("take everything from the ? or # on out of the address")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError("write https://: plain http is allowed only to this machine (127.0.0.1)")
    return url.strip().rstrip("/")


def is_loopback(url: str) -> bool:
    """True when the address can only be this machine."""
    host = urlsplit(url.strip()).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
