"""A simulated Microsoft cloud over the shared world: sign-in service and Graph at one address.

Importing this costs nothing; the web framework loads when the application is built. Options are
documented at `Options` in `app.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncd.sdk.connector import Sandbox
from syncd.sdk.sandbox import World

CLIENT_ID: Final = "5a5a5a5a-0000-4000-8000-00000000aaaa"
SECRET_VARIABLE: Final = "SYNCD_SANDBOX_ENTRA_SECRET"  # noqa: S105 - a variable's name
SECRET: Final = "sandbox-only-not-a-secret"  # noqa: S105 - opens nothing but the simulator


def _build(world: World, options: Mapping[str, Any]) -> Any:
    from syncd_entra.sandbox.app import build

    return build(world, options)


def _settings(base_url: str) -> dict[str, Any]:
    return {
        "login_url": base_url,
        "graph_url": base_url,
        "client_id": CLIENT_ID,
        "client_secret": {"env": SECRET_VARIABLE},
    }


def over_gdap(base_url: str) -> dict[str, Any]:
    """Settings of a connection that enters every customer with the partner's own sign-in."""
    from syncd_entra.sandbox.directory import PARTNER_TENANT

    partner = {"access": "gdap", "partner_tenant": PARTNER_TENANT, "tenants_from": ["gdap"]}
    return {**_settings(base_url), **partner}


def _tenants(world: World) -> dict[str, Any]:
    from syncd_entra.sandbox.directory import tenant_id

    return {
        "tenants": [{"id": tenant_id(client.id), "name": client.name} for client in world.clients()]
    }


SANDBOX: Final = Sandbox(
    connector="entra",
    build=_build,
    settings=_settings,
    secrets={SECRET_VARIABLE: SECRET},
    world_settings=_tenants,
)
