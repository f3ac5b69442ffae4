"""Every command that a message, a remedy or a page names exists, with its options.

A remedy that names a command nobody has is worse than none.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from syncd.cli.app import build

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(syncd [^`]+)`")
ROOT_COMMAND: Any = typer.main.get_command(build())


def texts(path: Path) -> Iterator[str]:
    """String constants of a module, f-strings with X for what is put in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values
            )
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            yield str(node.value)


def named() -> Iterator[tuple[str, str]]:
    for folder in ("syncd", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            for text in texts(path):
                for command in NAMED.findall(text):
                    yield " ".join(command.split()), str(path.relative_to(ROOT))
    for path in (ROOT / "docs").rglob("*.md"):
        for command in NAMED.findall(path.read_text(encoding="utf-8")):
            yield " ".join(command.split()), str(path.relative_to(ROOT))


def mistake(command: str) -> str | None:
    """What is wrong with a command line; None where it can be typed."""
    words = shlex.split(re.sub(r"[\[\]…{}]|\.\.\.", " ", re.sub(r"<[^>]*>", "X", command)))[1:]
    here = ROOT_COMMAND
    options = {name for parameter in here.params for name in parameter.opts}
    for word in words:
        name = word.partition("=")[0]
        if word.startswith("-") and word != "-":
            if name not in options | {"--help"}:
                return f"'{here.name}' has no option {name}"
        elif isinstance(here, TyperGroup):
            choices = word.split("|")
            if here.invoke_without_command and choices[0] not in here.commands:
                return None if choices[0].isupper() else f"'{here.name}' has no command {word}"
            missing = [one for one in choices if one not in here.commands]
            if missing and not word.isupper():
                return f"'{here.name}' has no command {missing[0]}"
            if missing:
                return None
            here = here.commands[choices[0]]
            options |= {name for parameter in here.params for name in parameter.opts}
    return None


@pytest.mark.parametrize(("command", "place"), sorted(set(named())))
def test_a_named_command_exists(command: str, place: str) -> None:
    assert mistake(command) is None, place


@pytest.mark.parametrize(
    "command", ["syncd plans settle K --forget", "syncd mend", "syncd map linkz --import F"]
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    assert mistake(command) is not None
