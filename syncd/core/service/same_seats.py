"""Ways to count the same seats: as assigned, as bought, as committed; a line should bill one.

A connector that offers several names them alike up to the last part of the key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

WAYS: Final = frozenset({"assigned", "bought", "committed"})
"""Last parts of product keys; see docs/writing-a-plugin.md."""

_HELD_BY: Final = {
    **dict.fromkeys(WAYS, WAYS),
    "free": WAYS,
    "warning": frozenset({"assigned", "committed"}),
}
"""Which ways hold what another one counts; seats in grace are not among those bought."""


def counted_twice(keys: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of products that count the same seats, each in the order given."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        thing, way = thing_of(key)
        if thing and way in WAYS:
            groups.setdefault(thing, []).append(key)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def thing_of(key: str) -> tuple[str, str]:
    """What a product counts, and the way; two empty texts where it counts no seats."""
    thing, _, way = key.rpartition(":")
    return (thing, way) if thing and way in _HELD_BY else ("", "")


def held_elsewhere(key: str, decided: Collection[str]) -> bool:
    """Whether a product that somebody decided about counts these seats already."""
    thing, way = thing_of(key)
    return bool(thing) and any(f"{thing}:{other}" in decided for other in _HELD_BY[way])
