"""A simulated QuickBooks Online over the shared world: one app, its sign-in, one or more companies.

Importing this costs nothing; the web framework loads when the application is built. Options are
documented at `Options` in `options.py`, what a person does by hand in `hand.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncd.sdk.connector import Sandbox
from syncd.sdk.sandbox import World

REALM: Final = "4620816365"
CLIENT_ID: Final = "ABsandboxClientIdOfTheSimulator"
SECRET_VARIABLE: Final = "SYNCD_SANDBOX_QUICKBOOKS_SECRET"  # noqa: S105 - a variable's name
SECRET: Final = "sandbox-only-not-a-secret"  # noqa: S105 - opens nothing but the simulator
REFRESH_TOKEN: Final = "sandbox-refresh.consent"  # noqa: S105 - likewise
VERIFIER_VARIABLE: Final = "SYNCD_SANDBOX_QUICKBOOKS_VERIFIER"
VERIFIER: Final = "sandbox-verifier"

CLIENT_OFFSET: Final = 100
"""Id of a simulated customer = this + the client's id in the world."""


def _build(world: World, options: Mapping[str, Any]) -> Any:
    from syncd_quickbooks.sandbox.app import build

    return build(world, options)


def _settings(base_url: str) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "login_url": f"{base_url}/connect/oauth2",
        "token_url": f"{base_url}/oauth2/v1/tokens/bearer",
        "realm": REALM,
        "client_id": CLIENT_ID,
        "client_secret": {"env": SECRET_VARIABLE},
        "webhook_verifier": {"env": VERIFIER_VARIABLE},
        "settle_seconds": 0,
    }


SANDBOX: Final = Sandbox(
    connector="quickbooks",
    build=_build,
    settings=_settings,
    secrets={SECRET_VARIABLE: SECRET, VERIFIER_VARIABLE: VERIFIER},
)
