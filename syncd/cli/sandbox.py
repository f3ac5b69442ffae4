"""Runs the simulated vendors until Ctrl-C, with a configuration that is ready to use."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType

from syncd.cli.context import Cli
from syncd.core.store.token_keys import new_key
from syncd.plugins import load
from syncd.sandbox.config_file import secrets_of, write_config
from syncd.sandbox.demo.cast import PSA_CONNECTOR, SETTINGS
from syncd.sandbox.host import SandboxHost
from syncd.sandbox.presets import PRESETS
from syncd.sdk.connector import Capability
from syncd.sdk.errors import ConfigError

SANDBOX_NAMES = {"ninjaone": "ninja", "halopsa": "halo"}
TOKEN_KEY_VARIABLE = "SYNCD_SANDBOX_TOKEN_KEY"  # noqa: S105 - a variable's name


def up(cli: Cli, *, folder: Path, world: str, seed: int) -> None:
    """Host every simulator that a plugin offers, until SIGINT or SIGTERM.

    Raises:
        ConfigError: no such world, or the folder already holds a configuration.
    """
    if world not in PRESETS:
        message = f"there is no world named '{world}'"
        raise ConfigError(message, remedy=f"choose one of: {', '.join(sorted(PRESETS))}")
    if (folder / "syncd.toml").exists():
        message = f"{folder / 'syncd.toml'} exists"
        raise ConfigError(message, remedy="name another folder with --dir")
    folder.mkdir(parents=True, exist_ok=True)
    output = cli.output()
    plugins = load()
    with SandboxHost(PRESETS[world](seed), plugins.sandboxes().values()) as host:
        names = {
            connector: SANDBOX_NAMES.get(connector, connector) for connector in host.simulators
        }
        books = [
            name
            for connector, name in names.items()
            if Capability.LEDGER in plugins.connectors[connector].provides
        ]
        path = write_config(
            folder,
            host,
            names=names,
            extra={PSA_CONNECTOR: SETTINGS[PSA_CONNECTOR]},
            installation={"token_key": {"env": TOKEN_KEY_VARIABLE}},
            tables={"invoices": {}, **{f"invoices.{name}": {} for name in books}},
        )
        secrets = folder / "secrets.env"
        secrets.touch(mode=0o600)  # the key in it is a real one
        exported = {**secrets_of(host), TOKEN_KEY_VARIABLE: new_key()}
        secrets.write_text(
            "".join(f"export {key}={value}\n" for key, value in exported.items()),
            encoding="utf-8",
        )
        addresses = {name: host.simulators[one].base_url for one, name in names.items()}
        output.emit(
            {"config": str(path), "secrets": str(secrets), "simulators": addresses},
            lambda console: console.print(
                "\n".join(f"{name}: {address}" for name, address in addresses.items())
                + f"\n\nIn another terminal:\n\n  . {secrets}\n"
                f"  export SYNCD_NOW={host.world.now().isoformat()}\n"
                f"  syncd --config {path} check\n\nCtrl-C stops the simulators."
            ),
        )
        _wait_for_the_end()


def _wait_for_the_end() -> None:
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while not stopped:
        signal.pause()
