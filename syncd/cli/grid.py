"""Tables as data, drawn by rich on a terminal and as plain text elsewhere.

Programs and log files read plain text, and it saves them the import of a renderer.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

PIPED_WIDTH = 120
"""Columns of a table when stdout is not a terminal and COLUMNS does not say."""

_UUID = re.compile(r"\b([0-9a-f]{8})(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_GAP = 2
_NARROWEST = 6
_LONG = 20
"""A word of more letters may be broken: an address, or a key."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose cells fold: nothing is ever cut off but long ids.

    Where a table is wider than its space, a cell that is a UUID, or a path that ends in one, keeps
    the first eight letters; commands that take an account know it by them too.

    Attributes:
        headings: one per column.
        right: columns whose cells stand at the right, by number.
        rows: cells as text.
    """

    headings: tuple[str, ...]
    right: frozenset[int]
    rows: tuple[tuple[str, ...], ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """The same for a terminal."""
        yield self._drawn(self._rows(options.max_width))

    def _drawn(self, rows: Sequence[Sequence[str]]) -> Table:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for n, heading in enumerate(self.headings):
            side: Any = "right" if n in self.right else "left"
            drawn.add_column(Text(heading), justify=side, overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(cell) for cell in row))
        return drawn

    def _rows(self, width: int) -> Sequence[Sequence[str]]:
        """The rows, with shorter ids where they would not fit otherwise."""
        if sum(_widest(self.headings, self.rows)) + _GAP * (len(self.headings) - 1) <= width:
            return self.rows
        return [tuple(_shortened(cell) for cell in row) for row in self.rows]

    def plain(self, width: int) -> str:
        """The table as text of at most `width` columns, where that can be."""
        rows = self._rows(width)
        sizes = self._sizes(rows, width)
        lines = self._folded(self.headings, sizes)
        lines.append("-" * (sum(sizes) + _GAP * (len(sizes) - 1)))
        for row in rows:
            lines += self._folded(row, sizes)
        return "\n".join(lines)

    def _sizes(self, rows: Sequence[Sequence[str]], width: int) -> list[int]:
        """The widest columns give way first, and none breaks a word while another can give way."""
        room = width - _GAP * (len(self.headings) - 1)
        sizes = [min(size, room) for size in _widest(self.headings, rows)]
        for floors in (_longest_words(self.headings, rows), [_NARROWEST] * len(sizes)):
            while sum(sizes) > room:
                spare = [n for n, size in enumerate(sizes) if size > floors[n]]
                if not spare:
                    break
                sizes[max(spare, key=sizes.__getitem__)] -= 1
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


def _widest(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    columns = zip(headings, *rows, strict=True)
    return [max(1, *(_longest_line(cell) for cell in column)) for column in columns]


def _longest_words(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """The least width of each column that breaks no word, but for words as long as addresses."""
    columns = zip(headings, *rows, strict=True)
    return [
        max(_NARROWEST, *(min(len(word), _LONG) for cell in column for word in cell.split()))
        for column in columns
    ]


def _shortened(cell: str) -> str:
    """Only a cell without blanks is an id; a sentence may hold a command to copy."""
    return cell if " " in cell else _UUID.sub(r"\1…", cell)


def _longest_line(cell: str) -> int:
    return max((len(line) for line in cell.splitlines()), default=0)


def _fold(cell: str, size: int) -> list[str]:
    lines: list[str] = []
    for line in cell.splitlines() or [""]:
        lines += textwrap.wrap(line, size, break_on_hyphens=False) or [""]
    return lines
