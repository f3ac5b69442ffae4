"""The connector's README says what the code does: settings, regions, classes, reasons, example."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from syncd_ninjaone import CONNECTOR
from syncd_ninjaone.classes import CLASSES
from syncd_ninjaone.config import REGIONS, NinjaOneConfig

from tests.builders_ninjaone import config

README = Path(__file__).parents[3] / "plugins" / "ninjaone" / "README.md"


def section(title: str) -> str:
    text = README.read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_settings_table_lists_every_setting_with_its_default():
    listed = {row[0].strip("`"): row[1].strip("`") for row in rows("Settings")}
    assert list(listed) == list(NinjaOneConfig.model_fields)
    for name, field in NinjaOneConfig.model_fields.items():
        if name == "base_url" or field.is_required() or field.default is None:
            continue
        default = field.default
        written = listed[name] if isinstance(default, str) else tomllib.loads(f"x={listed[name]}")
        assert written == (default if isinstance(default, str) else {"x": default}), name


def test_every_setting_is_described_in_the_model():
    assert all(field.description for field in NinjaOneConfig.model_fields.values())


def test_every_region_is_listed_with_its_address():
    listed = dict(
        re.findall(r"^\| `(\w+)` \| `(https://[^`]+)` \|$", section("Connect it"), re.MULTILINE)
    )
    assert listed == REGIONS


def test_every_class_is_listed_under_its_product_or_its_reason():
    counted = {row[0].strip("`"): row[1] for row in rows("What is counted")}
    reasons = {row[0].strip("`"): row[1] for row in rows("What is not counted, and why")}
    for name, (product, reason) in CLASSES.items():
        assert f"`{name}`" in (reasons[reason] if reason else counted[product]), name


REASONS = (
    "unknown_class", "network_discovered", "probe", "unmanaged", "not_approved", "decommissioned",
    "unknown_state", "role:ID", "internal_org", "tag:NAME", "never_seen", "stale", "duplicate",
)  # fmt: skip


def test_every_reason_is_listed():
    assert tuple(row[0].strip("`") for row in rows("What is not counted, and why")) == REASONS


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_that_init_writes_is_valid(uncommented):
    text = CONNECTOR.example
    if uncommented:
        text = re.sub(r"^# (?=\w+ =)", "", text, flags=re.MULTILINE)
    written = tomllib.loads(text)
    assert written.pop("plugin") == CONNECTOR.name
    assert written.pop("schedule")
    assert written.pop("client_secret") == {"env": "NINJA_SECRET"}
    made = config(**written)
    assert made.region == "eu"
    assert not uncommented or re.search(made.psa_id_pattern, "HPSA:482")[1] == "482"
