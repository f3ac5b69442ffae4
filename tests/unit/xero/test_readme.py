"""The connector's README says what the code does: settings, scopes, refusals, codes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from syncd_xero import CONNECTOR, webhooks
from syncd_xero.config import XeroConfig
from syncd_xero.refusals import REFUSALS

from tests.builders_xero_books import config

PLUGIN = Path(__file__).parents[3] / "plugins" / "xero"
TEXT = (PLUGIN / "README.md").read_text(encoding="utf-8")


def rows(title: str, level: str = "##") -> list[list[str]]:
    section = re.split(r"\n##+ ", TEXT.split(f"\n{level} {title}\n", 1)[1], maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_settings_table_lists_every_setting_with_its_default() -> None:
    listed = {row[0].strip("`"): row[1].strip("`") for row in rows("Settings")}
    assert list(listed) == list(XeroConfig.model_fields)
    for name, field in XeroConfig.model_fields.items():
        if field.is_required() or field.default in (None, ""):
            assert listed[name] == "", name
        elif isinstance(field.default, str):
            assert listed[name] == field.default, name
        else:
            assert tomllib.loads(f"x={listed[name]}") == {"x": field.default}, name


def test_every_setting_is_described_in_the_model() -> None:
    assert all(field.description for field in XeroConfig.model_fields.values())


def test_every_scope_that_is_asked_for_is_listed() -> None:
    listed = {row[0].strip("`") for row in rows("2. Scopes", "###")}
    assert listed == set(config().wanted_scopes)
    custom = set(config(access="custom").wanted_scopes)
    assert listed - custom == {"offline_access"}


def test_every_refusal_of_a_webhook_is_listed() -> None:
    listed = {row[0].strip("`") for row in rows("Webhooks")}
    assert listed == {webhooks.FORGED, webhooks.MALFORMED, webhooks.STALE, webhooks.OFF}


def test_every_code_of_a_refusal_is_explained() -> None:
    assert {code.value for _, code in REFUSALS if f"`{code.value}`" not in TEXT} == set()


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_that_init_writes_is_valid(uncommented: bool) -> None:
    text = CONNECTOR.example
    if uncommented:
        text = re.sub(r"^# (?=\w+ =)", "", text, flags=re.MULTILINE)
    written = tomllib.loads(text)
    assert written.pop("plugin") == CONNECTOR.name
    assert written.pop("client_secret") == {"env": "XERO_SECRET"}
    if uncommented:
        assert written.pop("webhook_key") == {"env": "XERO_WEBHOOK_KEY"}
    assert config(**written).access == ("custom" if uncommented else "consent")


def test_the_connection_of_the_readme_is_valid() -> None:
    text = "\n".join(re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
    table = tomllib.loads(text)["connections"]["books"]
    del table["plugin"], table["client_secret"]
    assert config(**table).organisation
