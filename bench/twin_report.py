"""What many random invoices came to that went through a connector's twin and its simulator."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Report:
    """What many cases came to.

    Attributes:
        alike: cases in which both agree to the cent.
        refused: cases that the connector refuses to write, which is no disagreement.
        differing: seed → what differs.
        shapes: cases by what they try.
    """

    alike: int = 0
    refused: int = 0
    differing: dict[int, str] = field(default_factory=dict)
    shapes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        """Take another report's cases in."""
        self.alike += other.alike
        self.refused += other.refused
        self.differing |= other.differing
        self.shapes += other.shapes
