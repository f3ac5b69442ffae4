"""Exporting assets is a setting of a source, off unless written."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import ConfigErrors, load
from syncd.plugins import load as load_plugins
from tests.builders_host import written

TEXT = """\
[connections.rmm]
plugin = "ninjaone"
base_url = "https://eu.ninjarmm.com"
client_id = "abc"
client_secret = { env = "A_SECRET" }
{more}
[connections.halo]
plugin = "halopsa"
base_url = "https://acme.halopsa.com"
client_id = "abc"
client_secret = { env = "A_SECRET" }
{psa}
"""


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s3cr3t-value")


def text(more: str = "", psa: str = "") -> str:
    return TEXT.replace("{more}", more).replace("{psa}", psa)


def test_nothing_is_exported_unless_it_is_written(tmp_path: Path) -> None:
    assert load(written(tmp_path, text()), load_plugins()).asset_sources == {}


def test_a_source_says_that_it_exports_and_whether_types_are_changed(tmp_path: Path) -> None:
    found = load(written(tmp_path, text("export_assets = true")), load_plugins())
    assert found.asset_sources == {"rmm": False}
    both = text("export_assets = true\noverwrite_asset_type = true")
    assert load(written(tmp_path, both), load_plugins()).asset_sources == {"rmm": True}
    resting = text("export_assets = true\nenabled = false")
    assert load(written(tmp_path, resting), load_plugins()).asset_sources == {}


def test_a_psa_exports_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="counts nothing that could be exported"):
        load(written(tmp_path, text(psa="export_assets = true")), load_plugins())
