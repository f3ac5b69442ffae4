"""The demonstration checks its own claims on SQLite; here it does so on PostgreSQL."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from syncd.core.store.schema import upgrade
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
from syncd.sandbox.presets import demo
from tests.postgresql_server import PostgresqlServer


def test_the_month_end_holds_on_postgresql_too(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    with postgresql.database(migrated=False) as url:
        upgrade(url)
        _play(url, tmp_path)


def _play(url: str, tmp_path: Path) -> None:
    offered = load().sandboxes()
    said = io.StringIO()
    cast = [offered[connector] for connector in NAMES]
    with Program() as program, SandboxHost(demo(), cast, options=OPTIONS) as host:
        write_config(
            tmp_path,
            host,
            names=NAMES,
            mode="shadow",
            billing=BILLING,
            installation=INSTALLATION,
            tables=TABLES,
            database=url,
            extra=SETTINGS,
        )
        console = Console(file=said, width=100)
        secrets = {**secrets_of(host), TOKEN_KEY_VARIABLE: new_key()}
        stage = Stage(tmp_path, host, secrets, console, program)
        play(stage)
    assert "no write is left in doubt" in said.getvalue()
