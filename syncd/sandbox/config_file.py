"""Writes the `syncd.toml` that speaks to hosted simulators, and the file with their secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncd.sandbox.host import SandboxHost

_HEAD = """\
# A configuration for simulated vendors on this machine. Nothing here reaches the internet.

[syncd]
database = "sqlite:///syncd.db"
timezone = "{timezone}"
{installation}
[billing]
mode = "{mode}"{safe}
currency = "GBP"
"""
_SAFE = {
    "live": "  # safe here: every vendor below is a simulator on 127.0.0.1",
    "shadow": "  # computes and compares; a client is written after `syncd golive`",
}


def write_config(
    folder: Path,
    host: SandboxHost,
    *,
    names: Mapping[str, str],
    mode: str = "live",
    timezone: str = "Europe/London",
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    billing: Mapping[str, Any] | None = None,
    installation: Mapping[str, Any] | None = None,
    tables: Mapping[str, Mapping[str, Any]] | None = None,
    database: str | None = None,
) -> Path:
    """Write `syncd.toml` into the folder.

    Args:
        folder: where; must exist.
        host: the simulators.
        names: connector -> name of its connection.
        mode: `shadow` or `live`.
        timezone: IANA zone of the billing periods.
        extra: connector -> settings that replace or extend the simulator's own.
        billing: further settings of `[billing]`.
        installation: further settings of `[syncd]`.
        tables: further tables, by name.
        database: URL, else SQLite beside the file.
    """
    text = _HEAD.format(
        timezone=timezone,
        mode=mode,
        safe=_SAFE.get(mode, ""),
        installation=_lines(installation or {}),
    )
    text += _lines(billing or {})
    text += "".join(f"\n[{name}]\n{_lines(one)}" for name, one in (tables or {}).items())
    if database is not None:
        text = text.replace('"sqlite:///syncd.db"', json.dumps(database))
    for connector, name in names.items():
        simulator = host.simulators[connector]
        of_world = simulator.sandbox.world_settings
        settings = {
            "plugin": connector,
            **simulator.sandbox.settings(simulator.base_url),
            **(of_world(host.world) if of_world is not None else {}),
            **(extra or {}).get(connector, {}),
        }
        text += f"\n[connections.{name}]\n"
        text += _lines(settings)
    path = folder / "syncd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def secrets_of(host: SandboxHost) -> dict[str, str]:
    """The environment variables that the written configuration refers to."""
    found: dict[str, str] = {}
    for simulator in host.simulators.values():
        found.update(simulator.sandbox.secrets)
    return found


def _lines(settings: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in settings.items())


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(str(value), ensure_ascii=False)
