"""Tables as data, drawn by rich on a terminal and as plain text elsewhere.

Programs and log files read plain text, and it saves them the import of a renderer.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

PIPED_WIDTH = 120
"""Columns of a table when stdout is not a terminal and COLUMNS does not say."""

_GAP = 2
_NARROWEST = 6


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose cells fold: nothing is ever cut off.

    Attributes:
        headings: one per column.
        right: columns whose cells stand at the right, by number.
        rows: cells as text.
    """

    headings: tuple[str, ...]
    right: frozenset[int]
    rows: tuple[tuple[str, ...], ...]

    def __rich__(self) -> Table:
        """The same for a terminal."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for n, heading in enumerate(self.headings):
            side: Any = "right" if n in self.right else "left"
            drawn.add_column(Text(heading), justify=side, overflow="fold")
        for row in self.rows:
            drawn.add_row(*(Text(cell) for cell in row))
        return drawn

    def plain(self, width: int) -> str:
        """The table as text of at most `width` columns, where that can be."""
        sizes = self._sizes(width)
        lines = self._folded(self.headings, sizes)
        lines.append("-" * (sum(sizes) + _GAP * (len(sizes) - 1)))
        for row in self.rows:
            lines += self._folded(row, sizes)
        return "\n".join(lines)

    def _sizes(self, width: int) -> list[int]:
        columns = zip(*(self.headings, *self.rows), strict=True)
        sizes = [max(1, *(_longest_line(cell) for cell in column)) for column in columns]
        room = width - _GAP * (len(sizes) - 1)
        while sum(sizes) > room:
            widest = max(range(len(sizes)), key=sizes.__getitem__)
            if sizes[widest] <= _NARROWEST:
                break
            sizes[widest] = max(_NARROWEST, sizes[widest] - max(1, (sum(sizes) - room) // 2))
        return sizes

    def _folded(self, cells: Sequence[str], sizes: Sequence[int]) -> list[str]:
        stacks = [_fold(cell, size) for cell, size in zip(cells, sizes, strict=True)]
        height = max(len(stack) for stack in stacks)
        return [
            (" " * _GAP)
            .join(
                (line.rjust if n in self.right else line.ljust)(size)
                for n, (stack, size) in enumerate(zip(stacks, sizes, strict=True))
                for line in [stack[at] if at < len(stack) else ""]
            )
            .rstrip()
            for at in range(height)
        ]


class PlainConsole:
    """Prints as a rich console would, for everything that is not a terminal."""

    is_terminal = False

    @property
    def width(self) -> int:
        given = os.environ.get("COLUMNS", "")
        return int(given) if given.isdigit() and int(given) else PIPED_WIDTH

    def print(self, *objects: object, sep: str = " ", end: str = "\n", **_style: Any) -> None:
        """Print texts as they are and grids within the width; styles have no meaning here."""
        texts = (
            each.plain(self.width) if isinstance(each, Grid) else str(each) for each in objects
        )
        sys.stdout.write(sep.join(texts) + end)


def _longest_line(cell: str) -> int:
    return max((len(line) for line in cell.splitlines()), default=0)


def _fold(cell: str, size: int) -> list[str]:
    lines: list[str] = []
    for line in cell.splitlines() or [""]:
        lines += textwrap.wrap(line, size, break_on_hyphens=False) or [""]
    return lines
