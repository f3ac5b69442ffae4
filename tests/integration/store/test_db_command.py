"""`syncd db` as the operator runs it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from syncd.cli import app as shell
from syncd.core.store import schema
from syncd.core.store.database import SCHEMA_REVISION


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "syncd.toml"
    file.write_text('[syncd]\ndatabase = "sqlite:///our.db"\ntimezone = "UTC"\n')
    return file


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(shell.build(), ["--config", str(config), *arguments])


def test_an_upgrade_makes_the_tables_and_says_where(config: Path) -> None:
    first = run(config, "db", "upgrade")
    assert first.exit_code == 0
    told = f"made the tables in {config.parent / 'our.db'} (schema {SCHEMA_REVISION})"
    assert told in first.output
    again = run(config, "db", "upgrade")
    assert "has the tables of this version already" in again.output
    told = json.loads(run(config, "db", "upgrade", "--json").stdout)
    assert (told["before"], told["after"]) == (SCHEMA_REVISION, SCHEMA_REVISION)


def test_the_tables_can_be_made_before_any_secret_is_there(config: Path) -> None:
    with config.open("a") as file:
        file.write('[connections.rmm]\nplugin = "nowhere"\nclient_secret = { env = "NOT_SET" }\n')
    assert run(config, "db", "upgrade").exit_code == 0
    assert run(config, "db", "check").exit_code == 0


def test_a_mistake_about_the_database_is_named(config: Path) -> None:
    config.write_text('[syncd]\ndatabase = "mysql://x/y"\ntimezone = "UTC"\n')
    done = run(config, "db", "upgrade")
    assert done.exit_code == 2
    assert "is not a database that can be used" in done.stderr


def test_a_check_reads_everything_and_lists_it(config: Path) -> None:
    run(config, "db", "upgrade")
    done = run(config, "db", "check")
    assert done.exit_code == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()[3:]] == [
        [name, "sound"] for name in ("schema", "pages", "references", "census")
    ]
    told = json.loads(run(config, "db", "check", "--json").stdout)
    assert all(one["ok"] for one in told["found"])


def test_a_check_of_a_missing_database_names_the_command(config: Path) -> None:
    done = run(config, "db", "check")
    assert done.exit_code == 5
    assert "there is no database at" in done.stderr
    assert "`syncd db upgrade` makes it" in done.stderr
    assert not (config.parent / "our.db").exists()


@pytest.mark.parametrize("json_wanted", [False, True])
def test_a_check_of_a_damaged_database_says_what_to_do(config: Path, json_wanted: bool) -> None:
    run(config, "db", "upgrade")
    file = config.parent / "our.db"
    connection = sqlite3.connect(file)
    page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'run'").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * size)
        opened.write(b"\xff" * size)
    done = run(config, "db", "check", *(["--json"] if json_wanted else []))
    assert done.exit_code == 5
    if json_wanted:
        told = json.loads(done.stdout)["error"]
        assert told["code"] == "STORE_UNAVAILABLE"
        assert "restore" in told["remedy"]
    else:
        assert "restore" in done.stderr


def test_a_check_of_an_older_schema_ends_with_the_code_of_configuration(config: Path) -> None:
    run(config, "db", "upgrade")
    url = f"sqlite:///{config.parent / 'our.db'}"
    schema.downgrade(url, "base")
    done = run(config, "db", "check")
    assert done.exit_code == 2
    assert "run `syncd db upgrade`" in done.stderr
