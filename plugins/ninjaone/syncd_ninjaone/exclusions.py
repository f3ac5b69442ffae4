"""What each device counts as, and the reason code when it must not be counted.

The rules that hang on class, state and role are worked out once per combination; what hangs on the
organisation, the tags, the last contact and the serial is looked at row by row, in that order.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, NamedTuple

from syncd_ninjaone.classes import CLASSES, OTHER, SELF_REPORTING, UNKNOWN_CLASS, UNMANAGED
from syncd_ninjaone.config import NinjaOneConfig
from syncd_ninjaone.evidence import Template, template

NOT_APPROVED: Final = "not_approved"
DECOMMISSIONED: Final = "decommissioned"
UNKNOWN_STATE: Final = "unknown_state"
INTERNAL_ORG: Final = "internal_org"
NEVER_SEEN: Final = "never_seen"
STALE: Final = "stale"
DUPLICATE: Final = "duplicate"

_PLACEHOLDERS: Final = frozenset(
    {
        "",
        "0123456789",
        "1234567",
        "12345678",
        "123456789",
        "1234567890",
        "CHASSIS SERIAL NUMBER",
        "DEFAULT",
        "DEFAULT STRING",
        "EMPTY",
        "INVALID",
        "N/A",
        "NA",
        "NO SERIAL",
        "NONE",
        "NOT APPLICABLE",
        "NOT AVAILABLE",
        "NOT SPECIFIED",
        "NULL",
        "OEM",
        "SERIAL NUMBER",
        "SERIALNUMBER",
        "SYSTEM SERIAL NUMBER",
        "TBD BY OEM",
        "TO BE FILLED BY O.E.M",
        "TO BE FILLED BY O.E.M.",
        "UNKNOWN",
    }
)
"""Serials that firmware shows when its maker wrote none; compared in upper case."""


class Kind(NamedTuple):
    """What a class in a state and with a role amounts to.

    Attributes:
        product: key of the product.
        reason: why it is not counted, or None so far.
        reports: whether such a device reports by itself.
        facts: the evidence such devices share.
    """

    product: str
    reason: str | None
    reports: bool
    facts: Template


class Kinds(dict[tuple[str | None, str | None, int | None], Kind]):
    """(class, state, role) → Kind, worked out when first met."""

    def __init__(self, config: NinjaOneConfig) -> None:
        super().__init__()
        self._overrides = config.products
        self._roles = frozenset(config.exclude_roles)
        self._count_unmanaged = not config.exclude_unmanaged
        not_approved = {"PENDING": config.exclude_pending, "STAGED": config.exclude_staged}
        self._states: dict[str | None, str | None] = {
            **{
                state: NOT_APPROVED if excluded else None
                for state, excluded in not_approved.items()
            },
            "DECOMMISSIONED": DECOMMISSIONED if config.exclude_decommissioned else None,
            "APPROVED": None,
            None: None,
        }

    def __missing__(self, key: tuple[str | None, str | None, int | None]) -> Kind:
        node_class, state, role = key
        product, reason = CLASSES.get(node_class or "", (OTHER, UNKNOWN_CLASS))
        if reason == UNMANAGED and self._count_unmanaged:
            reason = None
        if node_class in self._overrides:
            # Whoever names the class says that it is to be counted.
            product, reason = self._overrides[node_class], None
        if role is not None:
            product = self._overrides.get(f"role:{role}", product)
        if reason is None:
            reason = self._states.get(state, UNKNOWN_STATE)
        if reason is None and role in self._roles:
            reason = f"role:{role}"
        reports = node_class in SELF_REPORTING
        kind = self[key] = Kind(product, reason, reports, template(node_class, state, role))
        return kind


class Tags:
    """What tags do: exclude a device, or give it another product; case is ignored."""

    def __init__(self, config: NinjaOneConfig) -> None:
        # Codes are listed with , and ; elsewhere, so a tag must not bring its own.
        self._excluded = {
            tag.casefold(): "tag:" + re.sub(r"[,;\s]+", "_", tag) for tag in config.exclude_tags
        }
        self._products = {
            key.removeprefix("tag:").strip().casefold(): product
            for key, product in config.products.items()
            if key.startswith("tag:")
        }

    def apply(self, tags: list[str], product: str, reason: str | None) -> tuple[str, str | None]:
        """Product and reason after the tags; the first tag in alphabetical order wins."""
        folded = sorted(tag.strip().casefold() for tag in tags)
        product = next((self._products[tag] for tag in folded if tag in self._products), product)
        if reason is None:
            reason = next((self._excluded[tag] for tag in folded if tag in self._excluded), None)
        return product, reason


class Serials:
    """Serials seen so far among countable devices, to find a machine that is listed twice.

    The record that was created first stays counted while it is countable at all: a newer one takes
    over when the older is stale or decommissioned. Devices of different organisations are never
    compared.
    """

    def __init__(self, config: NinjaOneConfig) -> None:
        self.enabled = config.duplicates and config.detail == "devices-detailed"
        self._placeholders = _PLACEHOLDERS | {text.upper() for text in config.placeholder_serials}
        # 64-bit hashes, since a million serials would take 150 MB and hashes take half; two of
        # a million differing serials meet in one read of 40 million.
        self._seen: set[int] = set()

    def repeats(self, organisation: int | None, serial: str) -> bool:
        """Whether a countable device of the organisation had this serial; remembers it."""
        normal = serial.strip().upper()
        mark = hash((organisation, normal))
        if mark in self._seen:
            return not self._says_nothing(normal)
        self._seen.add(mark)
        return False

    def _says_nothing(self, normal: str) -> bool:
        return normal in self._placeholders or len(set(normal)) == 1


class Strangers:
    """Classes and states that this version does not know, counted for the notes.

    Attributes:
        classes: devices by unknown class, the empty one included.
        states: devices by unknown state.
    """

    def __init__(self) -> None:
        self.classes: Counter[str] = Counter()
        self.states: Counter[str] = Counter()

    def notes(self) -> tuple[str, ...]:
        """One note per unknown class or state: a code, the value and how many devices."""
        return tuple(
            f"{code}: {_shown(value)}, {count} device{'s' if count != 1 else ''} not counted"
            for code, found in (("UNKNOWN_CLASS", self.classes), ("UNKNOWN_STATE", self.states))
            for value, count in sorted(found.items())
        )


def _shown(value: str) -> str:
    """A vendor's word as it may stand in a message."""
    return value if re.fullmatch(r"\w{1,60}", value) else ascii(value[:60])
