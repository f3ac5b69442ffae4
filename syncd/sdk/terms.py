"""The term of something that is bought: until when it is committed, and what happens then.

A source states it in the attributes of a unit, so that history, evidence and `--as-of` come with
it; the core lists what ends soon.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal

import msgspec

from syncd.sdk.records import canonical_json

TERM: Final = "term"
"""Key of the attribute."""


class Term(msgspec.Struct, frozen=True, omit_defaults=True):
    """The term of one bought unit.

    Attributes:
        ends: last day of the commitment, UTC; None where the vendor does not say.
        then: `renews` into a new term, is `extended` month by month at the vendor's terms,
            `ends`, or is `unknown`.
        length: ISO 8601 duration of the term, e.g. `P1Y`; empty if unknown.
        billed: how often it is charged: `monthly`, `annual`, `triennial`, `once` or empty.
        falls_until: last whole day (UTC) on which seats may still be reduced; None once there is
            none.
        next_quantity: seats of the next term where a change is scheduled.
        extended: True while it runs on beyond its term at the vendor's terms.
    """

    ends: date | None = None
    then: Literal["renews", "extended", "ends", "unknown"] = "unknown"
    length: str = ""
    billed: str = ""
    falls_until: date | None = None
    next_quantity: int | None = None
    extended: bool = False


class _Attributes(msgspec.Struct):
    term: Term | None = None


def with_term(facts: Mapping[str, Any], term: Term) -> bytes:
    """Attributes of a unit (canonical JSON) that state its term beside other facts.

    Raises:
        ValueError: `facts` has the key itself.
    """
    if TERM in facts:
        message = f"the attribute {TERM!r} states the term of a unit"
        raise ValueError(message)
    return canonical_json({**facts, TERM: term})


def term_of(attributes: bytes | str) -> Term | None:
    """The term that a unit's attributes state, None where there is none or it is not one."""
    try:
        return msgspec.json.decode(attributes, type=_Attributes).term
    except msgspec.MsgspecError:
        return None
