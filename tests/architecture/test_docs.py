"""The reference pages say what the code says, and every hook has a test that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.reference_pages import DOCS, PAGES, hooks, signature

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"run `make docs`: docs/{name} is older than the code"


def test_every_hook_is_documented_with_its_exact_arguments() -> None:
    page = (DOCS / "hooks.md").read_text(encoding="utf-8")
    for name, function in hooks():
        assert f"\n## {name}\n" in page
        assert signature(name, function) in page


def test_every_hook_has_a_test_that_names_it() -> None:
    tests = (TESTS / "unit" / "host" / "test_plugins.py").read_text(encoding="utf-8")
    named = [line for line in tests.splitlines() if line.startswith("def test_")]
    for name, _ in hooks():
        assert any(name in line or name in tests for line in named)
