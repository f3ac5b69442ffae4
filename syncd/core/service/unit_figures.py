"""Numbers that a source keeps with a unit that stands for many, e.g. seats assigned and bought."""

from __future__ import annotations

import msgspec


def words_of_figures(attributes: bytes | str) -> str:
    """Such as `assigned 12, bought 13`; empty where the facts hold no whole number."""
    try:
        facts = msgspec.json.decode(attributes)
    except msgspec.DecodeError:
        return ""  # a plugin's facts are shown where they can be, and never stop an explanation
    if not isinstance(facts, dict):
        return ""
    return ", ".join(
        f"{name.replace('_', ' ')} {value:,}"
        for name, value in sorted(facts.items())
        if isinstance(value, int) and not isinstance(value, bool)
    )
