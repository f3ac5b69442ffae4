"""The reference pages say what the code says, and every hook has a test that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from syncd.config import invoices, tables, web
from syncd.config.validation import setting_names
from syncd.plugins import load
from tests.architecture.reference_pages import DOCS, PAGES, choices, hooks, signature

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"run `make docs`: docs/{name} is older than the code"


def test_every_word_that_a_setting_takes_is_named_beside_it() -> None:
    page = (DOCS / "config.md").read_text(encoding="utf-8")
    named = 0
    for kind in setting_tables():
        for name, field in setting_names(kind).items():
            rows = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
            for word in choices(kind.model_fields[field].annotation):
                assert any(f"`{word}`" in line for line in rows), f"{name} takes {word}"
                named += 1
    assert named > 50


def setting_tables() -> list[type[BaseModel]]:
    ours = [*vars(tables).values(), *vars(web).values(), *vars(invoices).values()]
    tabled = [one for one in ours if isinstance(one, type) and issubclass(one, BaseModel)]
    return [*tabled, *(one.config for one in load().connectors.values())]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Literal["a", "b"], ("a", "b")),
        (Literal["", "a"], ("a",)),
        (Literal["a"] | None, ("a",)),
        (list[Literal["a", "b"]], ("a", "b")),
        (dict[str, Literal["a"]], ("a",)),
        (Literal["all"] | list[str], ()),
        (str, ()),
    ],
)
def test_the_words_of_a_setting_are_those_that_it_takes_and_no_others(
    annotation: Any, words: tuple[str, ...]
) -> None:
    assert choices(annotation) == words


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
