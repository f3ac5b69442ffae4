"""A simulated backup console over the shared world, as odd as the real one.

Importing this costs nothing; the web framework loads when the application is built. Options are
documented at `Options` in `app.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncd.sdk.connector import Sandbox
from syncd.sdk.sandbox import World

USER_NAME: Final = "sandbox-api"
PASSWORD_VARIABLE: Final = "SYNCD_SANDBOX_BACKUP_PASSWORD"  # noqa: S105 - a variable's name
PASSWORD: Final = "sandbox-only-not-a-password"  # noqa: S105 - opens nothing but the simulator


def _build(world: World, options: Mapping[str, Any]) -> Any:
    from syncd_backup_console.sandbox.app import build

    return build(world, options)


def _settings(base_url: str) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "user_name": USER_NAME,
        "password": {"env": PASSWORD_VARIABLE},
        "currency": "GBP",
    }


SANDBOX: Final = Sandbox(
    connector="backup_console",
    build=_build,
    settings=_settings,
    secrets={PASSWORD_VARIABLE: PASSWORD},
)
