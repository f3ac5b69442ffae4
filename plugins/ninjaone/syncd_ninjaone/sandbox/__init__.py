"""A simulated NinjaOne over the shared world, as strict and as odd as the real one.

Importing this costs nothing; the web framework loads when the application is built. Options are
documented at `Options` in `app.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncd.sdk.connector import Sandbox
from syncd.sdk.sandbox import World

CLIENT_ID: Final = "sandbox"
SECRET_VARIABLE: Final = "SYNCD_SANDBOX_NINJAONE_SECRET"  # noqa: S105 - a variable's name
SECRET: Final = "sandbox-only-not-a-secret"  # noqa: S105 - opens nothing but the simulator


def _build(world: World, options: Mapping[str, Any]) -> Any:
    from syncd_ninjaone.sandbox.app import build

    return build(world, options)


def _settings(base_url: str) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "client_id": CLIENT_ID,
        "client_secret": {"env": SECRET_VARIABLE},
        "psa_id_pattern": r"HPSA:(\d+)",
    }


SANDBOX: Final = Sandbox(
    connector="ninjaone",
    build=_build,
    settings=_settings,
    secrets={SECRET_VARIABLE: SECRET},
)
