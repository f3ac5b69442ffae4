"""A simulated Microsoft partner over the shared world: Partner Center, its sign-in, its bill.

Importing this costs nothing; the web framework loads when the application is built. Options are
documented at `Options` in `options.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncd.sdk.connector import Sandbox
from syncd.sdk.sandbox import World
from syncd_csp.sandbox.names import (
    CLIENT_ID,
    GRAPH,
    PARTNER_CENTER,
    PARTNER_TENANT,
    REFRESH_TOKEN,
    SECRET,
)

__all__ = ["CLIENT_ID", "PARTNER_TENANT", "REFRESH_TOKEN", "SANDBOX", "SECRET", "SECRET_VARIABLE"]

SECRET_VARIABLE: Final = "SYNCD_SANDBOX_CSP_SECRET"  # noqa: S105 - a variable's name


def _build(world: World, options: Mapping[str, Any]) -> Any:
    from syncd_csp.sandbox.app import build

    return build(world, options)


def _settings(base_url: str) -> dict[str, Any]:
    return {
        "login_url": base_url,
        "base_url": f"{base_url}/{PARTNER_CENTER}",
        "graph_url": f"{base_url}/{GRAPH}",
        "partner_tenant": PARTNER_TENANT,
        "client_id": CLIENT_ID,
        "client_secret": {"env": SECRET_VARIABLE},
    }


SANDBOX: Final = Sandbox(
    connector="csp",
    build=_build,
    settings=_settings,
    secrets={SECRET_VARIABLE: SECRET},
)
