"""The connector's README says what the code does: settings, rights, products, reasons, codes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from syncd_entra import CONNECTOR, exclusions, questions
from syncd_entra.config import EntraConfig
from syncd_entra.products import KINDS, Catalogue
from syncd_entra.refusals import AADSTS, ENDED, ROLE, SIGN_INS

from tests.builders_entra import config

PLUGIN = Path(__file__).parents[3] / "plugins" / "entra"


def section(title: str, level: str = "##") -> str:
    text = (PLUGIN / "README.md").read_text(encoding="utf-8")
    return re.split(r"\n##+ ", text.split(f"\n{level} {title}\n", 1)[1], maxsplit=1)[0]


def rows(title: str, level: str = "##") -> list[list[str]]:
    lines = [line for line in section(title, level).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_settings_table_lists_every_setting_with_its_default():
    listed = {row[0].strip("`"): row[1].strip("`") for row in rows("Settings")}
    assert list(listed) == list(EntraConfig.model_fields)
    for name, field in EntraConfig.model_fields.items():
        if field.is_required() or field.default is None:
            assert listed[name] == "", name
        elif isinstance(field.default, str):
            assert listed[name] == field.default, name
        else:
            assert tomllib.loads(f"x={listed[name]}") == {"x": field.default}, name


def test_every_setting_is_described_in_the_model():
    assert all(field.description for field in EntraConfig.model_fields.values())


def test_every_right_that_a_call_needs_is_listed():
    listed = {row[0].strip("`") for row in rows("Least rights", "###")}
    assert listed == {
        questions.ORGANIZATION, questions.USERS, questions.SIGN_INS, questions.GROUPS,
        questions.DEVICES, questions.INTUNE, questions.RELATIONSHIPS, questions.CONTRACTS,
    }  # fmt: skip


def test_every_product_is_listed():
    listed = {row[0].strip("`") for row in rows("What is counted")}
    offered = {one.key for one in Catalogue(config(devices=["entra", "intune"])).all()}
    assert listed == offered | {f"sku:GUID:{kind}" for kind in KINDS} | {"users:KEY"}


def test_every_reason_is_listed_in_the_order_in_which_it_applies():
    assert [row[0].strip("`") for row in rows("What is not counted, and why")] == [
        exclusions.DO_NOT_IMPORT, exclusions.FREE_SKU, exclusions.TRIAL_SKU,
        exclusions.TRIAL_SUBSCRIPTION,
    ]  # fmt: skip


def test_every_code_that_the_connector_gives_is_explained():
    code = "".join(path.read_text() for path in PLUGIN.glob("syncd_entra/*.py"))
    given = set(re.findall(r'f?"([A-Z][A-Z_]+): ', code))
    given |= {meaning.code for meaning in AADSTS.values()} | {SIGN_INS, "TOKEN_REFUSED"}
    given |= {ROLE, ENDED.code}
    explained = section("What needs a person")
    assert len(given) > 20
    assert {name for name in given if f"`{name}`" not in explained} == set()


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_that_init_writes_is_valid(uncommented):
    text = CONNECTOR.example
    if uncommented:
        text = re.sub(r"^# (?=\w+ =)", "", text, flags=re.MULTILINE)
    written = tomllib.loads(text)
    assert written.pop("plugin") == CONNECTOR.name
    assert written.pop("schedule")
    assert written.pop("client_secret") == {"env": "ENTRA_SECRET"}
    assert config(**written).count_free is uncommented


def test_the_tables_of_the_readme_are_valid_settings():
    text = "\n".join(
        re.findall(r"```toml\n(.*?)```", (PLUGIN / "README.md").read_text(), re.DOTALL)
    )
    connections = tomllib.loads(text)["connections"]
    partner = connections["partner"]
    for name in ("plugin", "schedule", "client_secret", "client_id"):
        partner.pop(name)
    assert config(**{"tenants": [], **partner}).access == "gdap"
    tables = connections["m365"]
    for name in ("plugin", "schedule", "client_secret", "client_id"):
        tables.pop(name)
    tables["tenants"][1]["client_secret"] = "by reference"
    assert len(config(users="listed", **tables).do_not_import) == 4
