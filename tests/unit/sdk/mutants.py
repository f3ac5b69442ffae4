"""Connectors that break one rule each: the correct source text with a few words changed."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import SkipTest

_number = itertools.count()


@dataclass(frozen=True)
class Mutant:
    """A slip that an author could make.

    Attributes:
        slip: what went wrong, for the name of the test.
        breaks: names of the rules that must notice, in words, and no others.
        changes: pairs of old and new text; the old one stands in the source once.
    """

    slip: str
    breaks: frozenset[str]
    changes: tuple[tuple[str, str], ...]

    def applied_to(self, source: str) -> str:
        for old, new in self.changes:
            assert source.count(old) == 1, f"{self.slip}: {source.count(old)} times {old!r}"
            source = source.replace(old, new)
        return source


def mutant(slip: str, breaks: str, *changes: tuple[str, str]) -> Mutant:
    """A mutant; `breaks` holds rules between semicolons."""
    return Mutant(slip, frozenset(rule.strip() for rule in breaks.split(";")), changes)


def before(anchor: str, lines: str) -> tuple[str, str]:
    """A change that puts lines in front of a line, as deep as it."""
    margin = anchor[: len(anchor) - len(anchor.lstrip())]
    put = "".join(f"{margin}{line}\n" for line in lines.strip("\n").split("\n"))
    return anchor, f"{put}{anchor}"


def module(source: str) -> ModuleType:
    """The source as an imported module of its own."""
    made = ModuleType(f"acme_{next(_number)}")
    sys.modules[made.__name__] = made
    exec(compile(source, made.__name__, "exec"), made.__dict__)
    return made


def broken_rules(kit: type[Any]) -> dict[str, str]:
    """Run every rule of a conformance class; those that fail, in words, with their message."""
    failures: dict[str, str] = {}
    kit.setup_class()
    try:
        for name in rules(kit):
            try:
                getattr(kit(), f"test_{name.replace(' ', '_')}")()
            except AssertionError as error:
                failures[name] = str(error)
            except SkipTest:
                continue
    finally:
        kit.teardown_class()
    return failures


def rules(kit: type[Any]) -> list[str]:
    """The rules of a conformance class, in words."""
    return [name[5:].replace("_", " ") for name in dir(kit) if name.startswith("test_")]
