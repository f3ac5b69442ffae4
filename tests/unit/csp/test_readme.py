"""The connector's README says what the code does: settings, rights, products, reasons, codes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from syncd_csp import CONNECTOR, exclusions, trial
from syncd_csp.config import CspConfig
from syncd_csp.products import LICENCES
from syncd_csp.refusals import AADSTS, CODES, MFA

from tests.builders_csp import config

PLUGIN = Path(__file__).parents[3] / "plugins" / "csp"
TEXT = (PLUGIN / "README.md").read_text(encoding="utf-8")


def section(title: str, level: str = "##") -> str:
    return re.split(r"\n##+ ", TEXT.split(f"\n{level} {title}\n", 1)[1], maxsplit=1)[0]


def rows(title: str, level: str = "##") -> list[list[str]]:
    lines = [line for line in section(title, level).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_settings_table_lists_every_setting_with_its_default() -> None:
    listed = {row[0].strip("`"): row[1].strip("`") for row in rows("Settings")}
    assert list(listed) == list(CspConfig.model_fields)
    for name, field in CspConfig.model_fields.items():
        if field.is_required() or field.default in (None, ""):
            assert listed[name] == "", name
        elif isinstance(field.default, str):
            assert listed[name] == field.default, name
        else:
            assert tomllib.loads(f"x={listed[name]}") == {"x": field.default}, name


def test_every_setting_is_described_in_the_model() -> None:
    assert all(field.description for field in CspConfig.model_fields.values())


def test_the_right_that_the_check_names_is_listed() -> None:
    listed = {row[0].strip("`") for row in rows("Least rights", "###")}
    assert trial.EXPORT in listed
    assert trial.NEEDED_FOR.keys() == {
        trial.READ_CUSTOMERS, trial.READ_SUBSCRIPTIONS, trial.READ_LICENCES, trial.READ_INVOICES,
        trial.EXPORT,
    }  # fmt: skip


def test_every_kind_of_product_is_listed() -> None:
    listed = {row[0].strip("`") for row in rows("What is counted")}
    assert listed == {
        "seat:PRODUCT:SKU:TERM:CYCLE",
        "usage:PRODUCT:SKU",
        *(f"licence:GUID:{kind}" for kind in LICENCES),
    }


def test_every_reason_is_listed_in_the_order_in_which_it_applies() -> None:
    assert [row[0].strip("`") for row in rows("What is not counted, and why")] == [
        exclusions.DO_NOT_IMPORT, exclusions.USAGE, exclusions.SUSPENDED, "status_X",
        exclusions.TRIAL, "billing_X", "cycle_X", exclusions.NOT_MONTHLY,
    ]  # fmt: skip


def test_every_code_that_the_connector_gives_is_explained() -> None:
    code = "".join(path.read_text() for path in PLUGIN.glob("syncd_csp/*.py"))
    given = set(re.findall(r'f?"([A-Z][A-Z_]+): ', code))
    given |= {meaning.code for meaning in (*AADSTS.values(), *CODES.values(), MFA)}
    explained = section("What needs a person")
    assert len(given) > 30
    assert {name for name in given if f"`{name}`" not in explained} == set()


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_that_init_writes_is_valid(uncommented: bool) -> None:
    text = CONNECTOR.example
    if uncommented:
        text = re.sub(r"^# (?=\w+ =)", "", text, flags=re.MULTILINE)
    written = tomllib.loads(text)
    assert written.pop("plugin") == CONNECTOR.name
    assert written.pop("schedule")
    assert written.pop("client_secret") == {"env": "CSP_SECRET"}
    written["partner_tenant"] = "contoso.example"
    assert config(**written).not_monthly == ("count" if uncommented else "exclude")


def test_the_tables_of_the_readme_are_valid_settings() -> None:
    text = "\n".join(re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
    tables = tomllib.loads(text)["connections"]["csp"]
    for name in ("plugin", "schedule", "client_secret"):
        tables.pop(name)
    assert len(config(**tables).do_not_import) == 3
