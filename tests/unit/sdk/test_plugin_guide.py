"""The page for authors shows a plugin that works, and the rules that there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syncd.sdk.testing.assets import AssetConformance
from syncd.sdk.testing.conformance import Conformance
from syncd.sdk.testing.invoices import InvoiceConformance
from syncd.sdk.testing.ledger import LedgerConformance
from syncd.sdk.testing.ledger_after import AfterPosting
from syncd.sdk.testing.links import LinkConformance
from syncd.sdk.testing.psa import PsaConformance
from syncd.sdk.testing.purchases import PurchaseConformance
from syncd.sdk.testing.reading import ReadingConformance
from syncd.sdk.testing.usage import UsageConformance
from tests.unit.sdk import guide, mutants


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, as an author would have them."""
    for name, code in guide.files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code, "utf-8")
    return tmp_path


def test_the_page_shows_a_whole_plugin():
    assert list(guide.files()) == ["syncd_acme/__init__.py", "acme_vendor.py", "test_acme.py"]


def test_the_example_passes_its_own_test_in_a_bare_folder(folder):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(mutants.rules(UsageConformance))} passed" in run.stdout


def test_the_example_offers_its_connector_to_the_host(folder, monkeypatch):
    import pluggy

    from syncd import hookspecs

    monkeypatch.syspath_prepend(str(folder))
    import syncd_acme  # type: ignore[import-not-found]

    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(syncd_acme)
    manager.check_pending()
    offered: list[object] = []
    manager.hook.register_connectors(register=offered.append)
    assert offered == [syncd_acme.CONNECTOR]


def test_the_example_imports_only_what_a_plugin_may():
    """The rest of syncd may change under an author's feet; the SDK may not."""
    for code in guide.files().values():
        for line in code.splitlines():
            if line.startswith(("from syncd.", "import syncd.")):
                assert line.split()[1].startswith(("syncd.sdk.", "syncd.hookspecs"))


def test_the_page_lists_every_rule_and_no_other():
    rules = [
        name.removeprefix("test_").replace("_", " ")
        for kit in (
            Conformance,
            ReadingConformance,
            UsageConformance,
            PurchaseConformance,
            PsaConformance,
            LinkConformance,
            AssetConformance,
            InvoiceConformance,
            LedgerConformance,
            AfterPosting,
        )
        for name in vars(kit)
        if name.startswith("test_")
    ]
    assert guide.rules() == rules
