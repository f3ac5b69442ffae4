"""Ways to count the same seats: as assigned, as bought, as committed; a line should bill one.

A connector that offers several names them alike up to the last part of the key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

WAYS: Final = frozenset({"assigned", "bought", "committed"})
"""Last parts of product keys; see docs/writing-a-plugin.md."""


def counted_twice(keys: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of products that count the same seats, each in the order given."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        thing, _, way = key.rpartition(":")
        if thing and way in WAYS:
            groups.setdefault(thing, []).append(key)
    return [tuple(group) for group in groups.values() if len(group) > 1]
