"""A simulated HaloPSA over the shared world, as strict and as odd as the real one.

Importing this costs nothing; the web framework loads when the application is built. Options are
documented at `Options` in `options.py`, edits by hand in `hand.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncd.sdk.connector import Sandbox
from syncd.sdk.sandbox import World

CLIENT_ID: Final = "5b2c6c52-0000-4000-8000-000000000001"
TENANT: Final = "sandbox"
SECRET_VARIABLE: Final = "SYNCD_SANDBOX_HALOPSA_SECRET"  # noqa: S105 - a variable's name
SECRET: Final = "sandbox-only-not-a-secret"  # noqa: S105 - opens nothing but the simulator

CLIENT_OFFSET: Final = 1000
"""Id of a simulated client = this + its id in the world."""


def _build(world: World, options: Mapping[str, Any]) -> Any:
    from syncd_halopsa.sandbox.app import build

    return build(world, options)


def _settings(base_url: str) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "tenant": TENANT,
        "client_id": CLIENT_ID,
        "client_secret": {"env": SECRET_VARIABLE},
        "settle_seconds": 0,
        "credit_types": [1],
    }


SANDBOX: Final = Sandbox(
    connector="halopsa",
    build=_build,
    settings=_settings,
    secrets={SECRET_VARIABLE: SECRET},
)
