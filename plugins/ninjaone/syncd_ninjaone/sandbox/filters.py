"""The part of the vendor's device filter (`df`) that the simulator understands.

`org`, `class` and `status` with `eq`, `neq`, `in` and `notin`, joined by AND; anything else is a
400, which is an assumption.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple


class Traits(NamedTuple):
    """What a filter can ask of a device."""

    org: str
    node_class: str
    status: str


class FilterRefused(ValueError):
    """Not a filter that the simulator understands."""


Predicate = Callable[[Traits], bool]

_FIELDS = {"org": 0, "class": 1, "status": 2}
_ONE = re.compile(r"(\w+)\s*(eq|neq|=|!=)\s*(\w+)", re.IGNORECASE)
_SET = re.compile(r"(\w+)\s+(in|notin)\s*\(\s*([\w\s,]+?)\s*\)", re.IGNORECASE)


def parse(text: str) -> Predicate:
    """The predicate of a `df` expression.

    Raises:
        FilterRefused: an unknown field or operator, or no filter at all.
    """
    terms = [_term(part.strip()) for part in re.split(r"\s+AND\s+", text.strip())]
    return lambda traits: all(term(traits) for term in terms)


def _term(text: str) -> Predicate:
    match = _ONE.fullmatch(text) or _SET.fullmatch(text)
    if match is None or match[1].lower() not in _FIELDS:
        message = f"cannot filter by '{text}'"
        raise FilterRefused(message)
    position = _FIELDS[match[1].lower()]
    values = frozenset(value.strip().upper() for value in match[3].split(","))
    if match[2].lower() in {"eq", "=", "in"}:
        return lambda traits: traits[position].upper() in values
    return lambda traits: traits[position].upper() not in values
