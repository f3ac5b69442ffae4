"""Commands import what they need and no more, because start-up is part of what they cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syncd.cli.app import NOUNS, build, named
from syncd.core.store.schema import upgrade

HEAVY = (
    "sqlmodel", "alembic", "pydantic_settings", "psycopg", "apscheduler", "starlette", "uvicorn",
    "cryptography", "rich", "structlog",
)  # fmt: skip
"""Never loaded by a pull on SQLite that has nothing to report."""

HELP = (*HEAVY, "pluggy", "pydantic", "sqlalchemy", "httpx", "msgspec", "asyncio")
"""Never loaded to print a help text."""


EXPLAINED = """
[syncd]
database = "sqlite:///syncd.db"

[connections.psa]
plugin = "halopsa"
base_url = "http://127.0.0.1:9"
tenant = "t"
client_id = "i"
client_secret = { file = "secret" }
"""


def loaded(code: str, names: tuple[str, ...]) -> list[str]:
    """Which of these a fresh process has loaded after the code."""
    probe = f"{code}\nimport sys\nprint(*[n for n in {names!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split() if done.stdout.strip() else []


def test_the_help_text_loads_next_to_nothing() -> None:
    code = (
        "import contextlib, io\nfrom syncd.cli.app import run\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    run(['--help'])"
    )
    assert loaded(code, HELP) == []


@pytest.mark.parametrize("noun", NOUNS)
def test_the_module_of_a_noun_brings_the_command_of_that_name(noun: str) -> None:
    built = build((noun,))
    groups = {group.name for group in built.registered_groups}
    commands = {
        command.name or command.callback.__name__
        for command in built.registered_commands
        if command.callback is not None
    }
    assert noun in groups | commands


@pytest.mark.parametrize(
    ("line", "modules"),
    [
        (["explain", "ACME", "2026-11"], ("explain",)),
        (["--config", "pull", "--json", "explain", "pull"], ("explain",)),
        (["explain", "--config", "x.toml"], ("explain",)),
        (["leaks"], NOUNS),
        (["--help"], NOUNS),
        (["no-such-command"], NOUNS),
        ([], NOUNS),
    ],
)
def test_a_line_that_names_a_command_loads_that_alone(
    line: list[str], modules: tuple[str, ...]
) -> None:
    assert named(line) == modules


@pytest.mark.parametrize(
    "modules",
    [
        "syncd.cli.pull, syncd.core.store.database, syncd.core.service.pull_run",
        "syncd.bootstrap, syncd.plugins; syncd.plugins.load()",
        "syncd.telling, syncd_mail.notifier, syncd_chat.payloads",
    ],
)
def test_a_pull_loads_no_tool_of_other_commands(modules: str) -> None:
    assert loaded(f"import {modules}", HEAVY) == []


def test_a_number_is_explained_without_the_tools_that_only_write(tmp_path: Path) -> None:
    config = tmp_path / "syncd.toml"
    config.write_text(EXPLAINED)
    (tmp_path / "secret").write_text("s")
    upgrade(f"sqlite:///{tmp_path / 'syncd.db'}")
    code = (
        "import contextlib, io\nfrom syncd.cli.app import run\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()) as said:\n"
        f"    run(['--config', {str(config)!r}, 'explain', 'acme'])\n"
        "assert 'nothing was ever read from' in said.getvalue()\n"
        "import syncd.core.service.explained, syncd.core.service.replay"
    )
    assert loaded(code, (*HEAVY, "sqlalchemy", "aiosqlite", "httpx", "rapidfuzz")) == []


def test_a_log_line_loads_the_logger_and_a_silent_command_does_not() -> None:
    quiet = "from syncd import log\nlog.set_level('error')\nlog.event('limit.waited', wait_ms=1)"
    assert loaded(quiet, ("structlog",)) == []
    assert loaded(quiet.replace("'error'", "'debug'"), ("structlog",)) == ["structlog"]


def test_plugins_load_without_their_http_client() -> None:
    code = "import syncd.plugins\nassert syncd.plugins.load().connectors"
    assert loaded(code, ("httpx", "uvicorn", "starlette")) == []
