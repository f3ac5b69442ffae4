"""Prepares a folder and the simulators, and plays the demonstration in them."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from syncd.cli.context import Cli
from syncd.core.store.token_keys import new_key
from syncd.plugins import load
from syncd.sandbox.config_file import secrets_of, write_config
from syncd.sandbox.demo.cast import (
    BILLING,
    INSTALLATION,
    NAMES,
    OPTIONS,
    SETTINGS,
    TABLES,
    TOKEN_KEY_VARIABLE,
)
from syncd.sandbox.demo.program import Program
from syncd.sandbox.demo.stage import Stage
from syncd.sandbox.demo.story import play
from syncd.sandbox.host import SandboxHost
from syncd.sandbox.presets import demo as demo_world
from syncd.sdk.errors import ConfigError

WIDTH = 100
"""Columns of the demonstration where the terminal does not say how wide it is."""


def demonstrate(_cli: Cli, *, folder: Path | None, seed: int) -> None:
    """Play the month end; the folder keeps its configuration, database and spreadsheets.

    Raises:
        ConfigError: the folder is not empty, or a simulator is missing.
        ClaimFailed: something the demonstration says is not true.
    """
    here = _empty_folder(folder)
    console = Console(emoji=False, highlight=False)
    if not console.is_terminal:
        console = Console(emoji=False, highlight=False, width=WIDTH)
    offered = load().sandboxes()
    missing = set(NAMES) - set(offered)
    if missing:
        message = f"no plugin simulates {', '.join(sorted(missing))}"
        raise ConfigError(message, remedy="install syncd with its plugins: pip install .")
    started = time.monotonic()
    world = demo_world(seed)
    cast = [offered[connector] for connector in NAMES]
    with Program() as program, SandboxHost(world, cast, options=OPTIONS) as host:
        write_config(
            here,
            host,
            names=NAMES,
            mode="shadow",
            extra=SETTINGS,
            billing=BILLING,
            installation=INSTALLATION,
            tables=TABLES,
        )
        secrets = {**secrets_of(host), TOKEN_KEY_VARIABLE: new_key()}
        stage = Stage(here, host, secrets, console, program)
        console.rule("[bold]syncd: a month end against simulated vendors")
        for connector, name in NAMES.items():
            stage.say(f"{name}: {connector} simulated at {host.simulators[connector].base_url}")
        stage.say(f"configuration: {here / 'syncd.toml'}, in shadow: nothing can be written yet")
        play(stage)
    console.print()
    console.rule("[bold]done")
    console.print(
        f"{time.monotonic() - started:.0f} s. Configuration, database and spreadsheets are in"
    )
    console.print(f"  {here}", soft_wrap=True)


def _empty_folder(folder: Path | None) -> Path:
    if folder is None:
        number = 1
        while (Path("demo-run") / str(number)).exists():
            number += 1
        folder = Path("demo-run") / str(number)
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty"
        raise ConfigError(message, remedy="name a new folder with --dir")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
