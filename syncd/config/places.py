"""On which line of a TOML file each table and setting stands.

The standard parser gives values without lines, so this scanner walks the text once and notes where
every header and every key begins; it follows strings and brackets and judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from syncd.config.problem import Problem, SettingPath

_KEY_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_STRINGS = ('"""', "'''", '"', "'")


@dataclass(slots=True)
class Places:
    """Lines of a file by path.

    Attributes:
        file: name for people.
        lines: path of a table or setting to its line, counted from 1.
        tables: paths that are headers, for the form `[table] setting`.
    """

    file: str
    lines: dict[SettingPath, int] = field(default_factory=dict)
    tables: set[SettingPath] = field(default_factory=set)

    def line(self, path: SettingPath) -> int | None:
        """Line of the setting, or of the nearest table around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None

    def problem(self, path: SettingPath, reason: str, remedy: str) -> Problem:
        """A problem at a path, its place written for people."""
        line = self.line(path)
        table, setting = self._split(path)
        place = self.file if line is None else f"{self.file}:{line}"
        if table:
            place += f" [{_dotted(table)}]"
        if setting:
            place += f" {_dotted(setting)}"
        return Problem(place, reason, remedy, line)

    def _split(self, path: SettingPath) -> tuple[SettingPath, SettingPath]:
        for length in range(len(path), 0, -1):
            if path[:length] in self.tables:
                return path[:length], path[length:]
        # A table that was never written, e.g. a missing [billing]: name its head as the table.
        head = 2 if path[:1] in {("connections",), ("notify",)} else 1
        return path[: min(head, len(path))], path[head:]


def scan(file: str, text: str) -> Places:
    """Find the line of every table and setting."""
    places = Places(file)
    table: SettingPath = ()
    counts: dict[SettingPath, int] = {}
    for number, statement in statements(text):
        if statement.startswith("["):
            table = _header(statement, counts)
            if table:
                places.lines.setdefault(table, number)
                places.tables.add(table)
        elif key := key_of(statement):
            path = table + key
            for length in range(len(table) + 1, len(path) + 1):
                places.lines.setdefault(path[:length], number)
    return places


def lines_of(text: str) -> list[str]:
    """Lines as TOML counts them; Python would also break at characters that texts may hold."""
    return text.replace("\r\n", "\n").split("\n")


def key_of(statement: str) -> SettingPath:
    """The dotted key a statement begins with, empty where there is none."""
    parts: list[str] = []
    at = 0
    while found := _KEY_PART.match(statement, at):
        parts.append(next(group for group in found.groups() if group is not None))
        at = found.end()
        if not statement.startswith(".", at):
            break
        at += 1
    return tuple(parts) if statement.startswith(("=", "]"), at) else ()


def _header(statement: str, counts: dict[SettingPath, int]) -> SettingPath:
    is_list = statement.startswith("[[")
    named = key_of(statement.lstrip("["))
    if not is_list or not named:
        return named
    counts[named] = counts.get(named, -1) + 1
    return (*named, counts[named])


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Lines on which a header or a key begins; continuations of values are left out."""
    depth = 0
    open_string = ""
    for number, line in enumerate(lines_of(text), 1):
        stripped = line.strip()
        if not depth and not open_string and stripped and not stripped.startswith("#"):
            yield number, stripped
            if stripped.startswith("["):
                continue
        depth, open_string = _follow(line, depth, open_string)


def _follow(line: str, depth: int, open_string: str) -> tuple[int, str]:
    """Bracket depth and open multi-line string after the line."""
    at = 0
    while at < len(line):
        if open_string:
            if line[at] == "\\" and open_string[0] == '"':
                at += 2
            elif line.startswith(open_string, at):
                at += len(open_string)
                open_string = ""
            else:
                at += 1
            continue
        char = line[at]
        if char == "#":
            break
        opened = next((quote for quote in _STRINGS if line.startswith(quote, at)), "")
        if opened:
            open_string = opened
            at += len(opened)
            continue
        depth += (char in "[{") - (char in "]}")
        at += 1
    # A string in single quotes cannot go on, whatever the mistake was.
    return max(depth, 0), open_string if len(open_string) == 3 else ""


def _dotted(path: SettingPath) -> str:
    return "".join(
        f"[{part + 1}]" if isinstance(part, int) else f".{part}" if n else part
        for n, part in enumerate(path)
    )
