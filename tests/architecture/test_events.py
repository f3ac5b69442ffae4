"""The catalogue of log events and the lines that the code writes are the same set."""

from __future__ import annotations

import ast
from pathlib import Path

from syncd.events import EVENTS

ROOT = Path(__file__).parents[2]
SPEAKERS = {"log", "event", "_log", "say", "tell", "emit_event", "_emit", "_tell"}


def calls() -> list[tuple[str, str, set[str], bool]]:
    """Place, event, keys, and whether more keys are unpacked, of every logging call."""
    found = []
    for folder in ("syncd", "plugins"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                first = node.args[0]
                called = (
                    node.func.attr
                    if isinstance(node.func, ast.Attribute)
                    else (node.func.id if isinstance(node.func, ast.Name) else "")
                )
                if (
                    called in SPEAKERS
                    and isinstance(first, ast.Constant)
                    and isinstance(first.value, str)
                    and "." in first.value
                    and " " not in first.value
                ):
                    keys = {keyword.arg for keyword in node.keywords if keyword.arg}
                    more = any(keyword.arg is None for keyword in node.keywords)
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    found.append((place, first.value, keys, more))
    return found


CALLS = calls()
BOUND = {"run_id", "connection"}


def test_every_line_is_in_the_catalogue_with_its_keys() -> None:
    unknown = [f"{place}: {event}" for place, event, _, _ in CALLS if event not in EVENTS]
    assert unknown == [], "add it to syncd/events.py"
    lacking = [
        f"{place}: {event} lacks {sorted(missing)}"
        for place, event, keys, more in CALLS
        if not more and (missing := EVENTS[event].required - keys - BOUND)
    ]
    assert lacking == []


def test_every_event_of_the_catalogue_is_written_somewhere() -> None:
    assert set(EVENTS) - {event for _, event, _, _ in CALLS} == set()


def test_names_are_a_noun_and_a_verb_in_the_past() -> None:
    for name in EVENTS:
        noun, _, verb = name.partition(".")
        assert noun.isidentifier(), name
        assert verb.isidentifier(), name
