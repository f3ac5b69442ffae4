"""What an administrator is told agrees with what the connector does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from syncd_halopsa.config import SCOPE, HaloPsaConfig
from syncd_halopsa.connector import CONNECTOR

README = (Path(__file__).parents[3] / "plugins/halopsa/README.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| ?(.*?) ?\| .* \|$", re.MULTILINE)
SETTINGS = dict(ROW.findall(README.partition("## Settings")[2].partition("\n## ")[0]))
DERIVED = {"auth_url", "scope"}


def test_every_setting_is_in_the_table_and_no_other() -> None:
    assert set(SETTINGS) == set(HaloPsaConfig.model_fields)


@pytest.mark.parametrize("name", sorted(HaloPsaConfig.model_fields.keys() - DERIVED))
def test_the_table_shows_the_default(name: str) -> None:
    field = HaloPsaConfig.model_fields[name]
    if field.is_required() or field.default is None:
        assert SETTINGS[name] == ""
        return
    default = field.default
    text = (
        str(default).lower()
        if isinstance(default, bool)
        else f"{default:g}"
        if isinstance(default, int | float)
        else default
    )
    assert SETTINGS[name] == f"`{text}`"


def test_every_scope_asked_for_is_explained() -> None:
    for scope in SCOPE.split():
        assert f"| `{scope}` |" in README


def test_the_quota_stands_as_it_is() -> None:
    limits = CONNECTOR.limits
    assert f"**{limits.calls} calls in any {limits.window_seconds / 60:.0f} minutes**" in README


def test_the_example_names_settings_only() -> None:
    named = re.findall(r"^(?:# )?(\w+) = ", CONNECTOR.example, re.MULTILINE)
    assert set(named) <= set(HaloPsaConfig.model_fields)
    assert {"base_url", "client_id", "client_secret"} <= set(named)
