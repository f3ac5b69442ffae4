"""The connector's README says what the code does: settings, defaults, codes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from syncd_quickbooks import CONNECTOR, webhooks
from syncd_quickbooks.book import Regime
from syncd_quickbooks.config import QuickBooksConfig

from syncd.sdk.ledger_writes import RejectedCode

TEXT = (Path(__file__).parents[3] / "plugins" / "quickbooks" / "README.md").read_text("utf-8")


def rows(title: str) -> list[list[str]]:
    section = re.split(r"\n##+ ", TEXT.split(f"\n## {title}\n", 1)[1], maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_settings_table_lists_every_setting_with_its_default() -> None:
    listed = {row[0].strip("`"): row[1].strip("`") for row in rows("Settings")}
    assert list(listed) == list(QuickBooksConfig.model_fields)
    for name, field in QuickBooksConfig.model_fields.items():
        if field.is_required() or field.default in (None, ""):
            assert listed[name] == "", name
        elif isinstance(field.default, str):
            assert listed[name] == field.default, name
        else:
            assert tomllib.loads(f"x={listed[name]}") == {"x": field.default}, name


def test_every_way_of_tax_is_explained() -> None:
    assert {row[0].strip("`") for row in rows("Tax")} == {one.value for one in Regime}


def test_every_code_of_a_refusal_is_listed_that_quickbooks_can_cause() -> None:
    listed = set(re.findall(r"`([A-Z_]+)`", "".join(row[0] for row in rows(
        "What is refused, and what to do"))))  # fmt: skip
    made = {one.value for one in RejectedCode}
    assert listed <= made
    assert made - listed == {"ACCOUNT_UNUSABLE", "NAME_TAKEN"}  # of creations alone


def test_the_example_of_the_connector_is_valid_settings() -> None:
    told = tomllib.loads(CONNECTOR.example)
    told.pop("plugin")
    told["client_secret"] = "x"
    QuickBooksConfig.model_validate(told)


def test_every_refusal_of_a_webhook_is_listed() -> None:
    listed = {row[0].strip("`") for row in rows("Webhooks")}
    assert listed == {webhooks.FORGED, webhooks.MALFORMED, webhooks.STALE, webhooks.OFF}
