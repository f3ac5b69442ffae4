"""A simulated Xero over the shared world: one app, its sign-in, one or more organisations.

Importing this costs nothing; the web framework loads when the application is built. Options are
documented at `Options` in `options.py`, what a bookkeeper does by hand in `hand.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from syncd.sdk.connector import Sandbox
from syncd.sdk.sandbox import World

CLIENT_ID: Final = "5A4DB0C0000000000000000000000001"
CUSTOM_CLIENT_ID: Final = "5A4DB0C0000000000000000000000002"
SECRET_VARIABLE: Final = "SYNCD_SANDBOX_XERO_SECRET"  # noqa: S105 - a variable's name
SECRET: Final = "sandbox-only-not-a-secret"  # noqa: S105 - opens nothing but the simulator
REFRESH_TOKEN: Final = "sandbox-refresh.consent"  # noqa: S105 - likewise
WEBHOOK_VARIABLE: Final = "SYNCD_SANDBOX_XERO_WEBHOOK_KEY"
WEBHOOK_KEY: Final = "sandbox-webhook-key"
API: Final = "/api.xro/2.0"


def tenant_id(number: int = 1) -> str:
    """Tenant id of the nth organisation."""
    return str(uuid5(NAMESPACE_URL, f"sandbox:xero:organisation:{number}"))


def contact_id(client: int, organisation: int = 1) -> str:
    """ContactID of a client of the world; those of further organisations are others."""
    suffix = "" if organisation == 1 else f":{organisation}"
    return str(uuid5(NAMESPACE_URL, f"sandbox:xero:contact:{client}{suffix}"))


TENANT: Final = tenant_id()


def _build(world: World, options: Mapping[str, Any]) -> Any:
    from syncd_xero.sandbox.app import build

    return build(world, options)


def _settings(base_url: str) -> dict[str, Any]:
    """A custom connection, which needs no consent; `consent_settings` are those of a sign-in."""
    return {
        "access": "custom",
        "client_id": CUSTOM_CLIENT_ID,
        "client_secret": {"env": SECRET_VARIABLE},
        "organisation": TENANT,
        "login_url": f"{base_url}/identity/connect/authorize",
        "token_url": f"{base_url}/connect/token",
        "base_url": f"{base_url}{API}",
        "connections_url": f"{base_url}/connections",
        "webhook_key": {"env": WEBHOOK_VARIABLE},
        "settle_seconds": 0,
    }


def consent_settings(base_url: str) -> dict[str, Any]:
    """Settings of a connection that a person signs in to."""
    return {**_settings(base_url), "access": "consent", "client_id": CLIENT_ID}


SANDBOX: Final = Sandbox(
    connector="xero",
    build=_build,
    settings=_settings,
    secrets={SECRET_VARIABLE: SECRET, WEBHOOK_VARIABLE: WEBHOOK_KEY},
)
