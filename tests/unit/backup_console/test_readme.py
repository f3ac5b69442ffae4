"""The connector's README says what the code does: settings, reasons, products, codes, example."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from syncd_backup_console import CONNECTOR, directory, licences
from syncd_backup_console.config import BackupConsoleConfig
from syncd_backup_console.products import Catalogue

from tests.builders_backup_console import config

PLUGIN = Path(__file__).parents[3] / "plugins" / "backup_console"


def section(title: str) -> str:
    text = (PLUGIN / "README.md").read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_settings_table_lists_every_setting_with_its_default():
    listed = {row[0].strip("`"): row[1].strip("`") for row in rows("Settings")}
    assert list(listed) == list(BackupConsoleConfig.model_fields)
    for name, field in BackupConsoleConfig.model_fields.items():
        if field.is_required() or field.default is None:
            assert listed[name] == "", name
        elif isinstance(field.default, str):
            assert listed[name] == field.default, name
        else:
            assert tomllib.loads(f"x={listed[name]}") == {"x": field.default}, name


def test_every_setting_is_described_in_the_model():
    assert all(field.description for field in BackupConsoleConfig.model_fields.values())


def test_every_reason_is_listed_in_the_order_in_which_it_applies():
    assert [row[0].strip("`") for row in rows("What is not counted, and why")] == [
        licences.TRIAL, licences.NOT_TAKEN, licences.EXPIRED, licences.NO_USER,
        licences.UNKNOWN_USER, directory.NO_COMPANY, directory.AMBIGUOUS, directory.UNKNOWN,
        directory.INTERNAL,
    ]  # fmt: skip


def test_every_product_is_listed():
    listed = [row[0].strip("`") for row in rows("What is counted")]
    offered = {one.key for one in Catalogue(config(currency="GBP", computers=True)).all()}
    assert offered < set(listed)
    assert {"licence:TYPE", "storage:ACCOUNT"} == set(listed) - offered


def test_every_code_that_the_connector_gives_is_explained():
    code = "".join(path.read_text() for path in PLUGIN.glob("syncd_backup_console/*.py"))
    given = set(re.findall(r'f"([A-Z][A-Z_]+): ', code))
    assert given
    assert {name for name in given if f"`{name}`" not in section("What needs a person")} == set()


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_that_init_writes_is_valid(uncommented):
    text = CONNECTOR.example
    if uncommented:
        text = re.sub(r"^# (?=\w+ =)", "", text, flags=re.MULTILINE)
    written = tomllib.loads(text)
    assert written.pop("plugin") == CONNECTOR.name
    assert written.pop("schedule")
    assert written.pop("password") == {"env": "BACKUP_PASSWORD"}
    assert config(**written).storage == ("accounts" if uncommented else "all")
