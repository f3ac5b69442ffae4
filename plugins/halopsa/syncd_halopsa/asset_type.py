"""How the asset type stands on a subscription, which has no field of its own for it.

It is written as `Server [102]`: the name for people, the id in brackets to be read back exactly,
so that renaming the asset type changes nothing.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET

from syncd_halopsa.models import Loose, WireLicence

NONE = "none"
NOTES = "notes"
CUSTOM = "CF"
LABEL = "Asset type: "
"""Begins the first line of the notes when the asset type stands there."""

_ID = re.compile(r"\[(\d+)\]$")


def label_of(key: str, name: str | None) -> str:
    """The text written for an asset type; the id alone when its name is not known."""
    return f"{name} [{key}]" if name else f"[{key}]"


def asset_type_of(wire: WireLicence, field: str) -> str | None:
    """The id read back; another text than ours is given as it stands, so that a hand edit shows."""
    text = _text(wire, field)
    if not text:
        return None
    found = _ID.search(text)
    return found[1] if found else text


def notes_with(label: str | None, notes: str | None) -> str | None:
    """Notes that begin with the asset type; None leaves the record's notes alone."""
    if label is None:
        return notes
    return f"{LABEL}{label}\n{notes}" if notes else f"{LABEL}{label}"


def is_custom(field: str) -> bool:
    return field.startswith(CUSTOM)


def custom_value(wire: WireLicence, name: str) -> str | None:
    """Text of a custom field, None when the record shows no such field."""
    if wire.customfields is UNSET or wire.customfields is None:
        return None
    for field in wire.customfields:
        if (field.name or "").lower() == name.lower():
            value: Loose | list[object] = msgspec.json.decode(field.value)
            return str(value).strip() if isinstance(value, str | int) else None
    return None


def _text(wire: WireLicence, field: str) -> str | None:
    if field == NONE:
        return None
    if field == NOTES:
        first, _, _ = (wire.notes or "").partition("\n")
        return first.removeprefix(LABEL).strip() if first.startswith(LABEL) else None
    if is_custom(field):
        return custom_value(wire, field)
    value: str | None = getattr(wire, field)
    return (value or "").strip()
