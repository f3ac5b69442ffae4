"""What stands in the way of a document: a code, a sentence, and whether a person may let it pass.

A problem that refuses cannot be released; what it names has to be mended. One that holds waits for
a person's word.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec


class Weight(StrEnum):
    """What a problem does to the row of a plan."""

    REFUSE = "refuse"
    HOLD = "hold"
    SKIP = "skip"
    """Left alone by a rule or because it is too old; no issue."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One objection to one document.

    Attributes:
        code: stable name.
        message: one sentence with the values.
        weight: what it does.
        remedy: what to do, with the command where there is one; may be empty.
    """

    code: str
    message: str
    weight: Weight = Weight.REFUSE
    remedy: str = ""


LINK_ONLY: Final = "LINK_ONLY"
APPROVAL_NEEDED: Final = "APPROVAL_NEEDED"
BEFORE_GOLIVE: Final = "BEFORE_GOLIVE"
OWNER_UNSURE: Final = "OWNER_UNSURE"
OWNED_BY_PSA_MODULE: Final = "OWNED_BY_PSA_MODULE"
AMBIGUOUS_BOOK: Final = "AMBIGUOUS_BOOK"
ALREADY_MARKED: Final = "ALREADY_MARKED"
POSTED_ELSEWHERE: Final = "POSTED_ELSEWHERE"
LINK_AGAIN: Final = "LINK_AGAIN"
TOTAL_DIFFERS: Final = "TOTAL_DIFFERS"
NUMBER_TOO_LONG: Final = "NUMBER_TOO_LONG"
UNMAPPED_CONTACT: Final = "UNMAPPED_CONTACT"


def weightiest(problems: Iterable[Problem]) -> Weight | None:
    """What the problems do together; None where there is none."""
    weights = {problem.weight for problem in problems}
    for weight in (Weight.SKIP, Weight.REFUSE, Weight.HOLD):
        if weight in weights:
            return weight
    return None


def unmapped(kind: str, message: str) -> Problem:
    """Something that nobody has named the book's counterpart of."""
    return Problem(
        code=f"UNMAPPED_{kind.upper()}",
        message=message,
        remedy="Name it: `syncd map books NAME --export FILE`, then `--import FILE`; plan again.",
    )
