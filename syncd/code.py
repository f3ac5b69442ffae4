"""What a stable code is: where it arises and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal[
    "pull",
    "mapping",
    "renewal",
    "bill error",
    "bill warning",
    "objection",
    "bill life",
    "delivery",
    "run",
    "books",
]


@dataclass(frozen=True, slots=True)
class Code:
    """One code.

    Attributes:
        where: `renewal` waits for a decision at the vendor, `bill error` stops a bill, `objection`
            holds it for a person, `bill warning` stops nothing, `bill life` leaves the bill of a
            month as it is, `books` concerns a document on its way into the books.
        meaning: one sentence.
    """

    where: Where
    meaning: str
