"""CSV as people's spreadsheets write it: strict about the header, open about where a row is wrong.

Pure text in and out. Cells that a spreadsheet would run as a formula are escaped on the way out
and unescaped on the way in, so that an export imports as itself.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, Final

from syncd.sdk.errors import DataError

_FORMULA: Final = re.compile(r"^'*[=+\-@\t\r]")
_BOM: Final = "\ufeff"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
"""How UTF-16 begins, in both orders of its bytes."""
_SAVE_AS: Final = "save the file as 'CSV UTF-8 (comma delimited)'"
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a file.

    Attributes:
        line: of the file, counted from 1, the header included.
        column: name, empty where the whole row is wrong.
        reason: what is wrong.
        remedy: what to write.
    """

    line: int
    column: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.reason}; {self.remedy}"


class BadFile(DataError):
    """A file with mistakes: all of them in one answer, and nothing of it was imported.

    Attributes:
        file: its name.
        problems: in the order of the file.
    """

    code: ClassVar[str] = "CSV_REJECTED"

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        count = len(self.problems)
        listed = "".join(f"\n  {problem}" for problem in self.problems[:_SHOWN])
        if count > _SHOWN:
            listed += f"\n  and {count - _SHOWN} more"
        mistakes = "a mistake" if count == 1 else f"{count} mistakes"
        super().__init__(
            f"{file} has {mistakes}, and nothing was imported:{listed}",
            remedy="mend the file and import it again; `--dry-run` shows what it would change",
        )


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row by column name, and the line on which it begins."""

    line: int
    cells: Mapping[str, str]


def decode(content: bytes, file: str) -> str:
    """The text of a file, with or without a byte order mark.

    Raises:
        BadFile: not UTF-8.
    """
    if content.startswith(_WIDE) or b"\x00" in content.partition(b"\n")[0]:
        raise BadFile(file, [Problem(1, "", "the text is UTF-16 or not text at all", _SAVE_AS)])
    try:
        return content.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadFile(file, [Problem(line, "", "the text is not UTF-8", _SAVE_AS)]) from error


def read_rows(
    text: str, file: str, *, required: Sequence[str], optional: Sequence[str] = ()
) -> list[CsvRow]:
    """The rows of a CSV text; blank lines are skipped.

    Args:
        text: the file.
        file: its name, for messages.
        required: columns that must be there, in any order.
        optional: columns that may be there.

    Raises:
        BadFile: no header, missing, unknown or repeated columns, broken quotes, or rows of another
            length.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[CsvRow] = []
    problems: list[Problem] = []
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            begins, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                problems += _header_problems(begins, header, required, optional)
                if problems:
                    break
            elif len(cells) != len(header):
                reason = f"{len(cells)} cells where the header has {len(header)}"
                problems.append(
                    Problem(begins, "", reason, "put cells with a comma in double quotes")
                )
            else:
                rows.append(CsvRow(begins, dict(zip(header, map(unescape, cells), strict=True))))
    except csv.Error as error:
        remedy = "write a double quote inside of a cell twice, and close every quoted cell"
        problems.append(Problem(line, "", f"the quotes do not fit ({error})", remedy))
    if header is None and not problems:
        remedy = f"begin it with the header {','.join(required)}"
        problems.append(Problem(1, "", "the file is empty", remedy))
    if problems:
        raise BadFile(file, problems)
    return rows


def write_rows(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """CSV with a header; lines end with a line feed, which spreadsheets and diffs both take."""
    lines = [_line(columns)]
    lines += [_line([escape(row[column]) for column in columns]) for row in rows]
    return "".join(lines)


def escape(cell: str) -> str:
    """The cell so that no spreadsheet runs it: an apostrophe before a formula's first sign."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescape(cell: str) -> str:
    """What `escape` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _line(cells: Sequence[str]) -> str:
    """One row; the writer must believe in CR LF, or it leaves a lone CR in a cell unquoted."""
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\r\n").writerow(cells)
    return target.getvalue().removesuffix("\r\n") + "\n"


def _header_problems(
    line: int, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> list[Problem]:
    known = [*required, *optional]
    for sign, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            remedy = "save the file with commas between the cells and a dot in amounts like 12.50"
            return [Problem(line, "", f"the cells are separated by {word}", remedy)]
    problems = [
        Problem(line, name, "the column is missing", "add it; its cells may be as exported")
        for name in required
        if name not in header
    ]
    for name in dict.fromkeys(header):
        if name not in known:
            near = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
            remedy = f"did you mean '{near[0]}'?" if near else f"use only {', '.join(known)}"
            problems.append(Problem(line, name, "the column is unknown", remedy))
        elif header.count(name) > 1:
            problems.append(Problem(line, name, "the column is there twice", "remove one"))
    return problems
