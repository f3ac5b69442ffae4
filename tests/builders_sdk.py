"""Connections to a vendor for tests of the SDK; a test names only what it cares about."""

from __future__ import annotations

from typing import Any

from syncd.sdk.auth import ClientCredentials
from syncd.sdk.connector import RateLimit
from syncd.sdk.http import ApiClient, HttpPolicy
from syncd.sdk.testing.fakes import FakeClock, NullLog

VENDOR = "https://api.example.com"
TOKEN_URL = "https://login.example.com/oauth/token"
SECRET = "canary-secret/+&="
TOKEN = "canary-token-1"


def api(base_url: str = VENDOR, **given: Any) -> ApiClient:
    """A connection named `acme`."""
    policy = given.pop("policy", {})
    return ApiClient(
        **{
            "connection": "acme",
            "base_url": base_url,
            "auth": None,
            "limits": RateLimit(),
            "clock": FakeClock(),
            "log": NullLog(),
            "policy": HttpPolicy(**policy),
            **given,
        }
    )


def credentials(token_url: str = TOKEN_URL, **given: Any) -> ClientCredentials:
    """Credentials of the connection `acme`."""
    return ClientCredentials(
        **{
            "connection": "acme",
            "token_url": token_url,
            "client_id": "our-id",
            "client_secret": SECRET,
            "scope": "monitoring",
            "clock": FakeClock(),
            **given,
        }
    )


def granted(token: str = TOKEN, **more: Any) -> dict[str, Any]:
    """The token endpoint's answer."""
    return {"access_token": token, "token_type": "Bearer", "expires_in": 3600, **more}
