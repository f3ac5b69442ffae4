"""From a file on disk to TOML values, with every syntax error found and the rest still read.

A statement that does not parse is reported and left out, so that one missing quote does not hide
the other mistakes of the file.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.config.places import Places, key_of, lines_of, scan, statements
from syncd.config.problem import ConfigErrors, Problem, SettingPath
from syncd.sdk.errors import ConfigError

MAX_BYTES = 1 << 20
"""A configuration larger than this is some other file."""

MAX_SYNTAX_ERRORS = 20
"""After so many the file is not TOML at all."""

_DUPLICATE = re.compile(r"Cannot overwrite a value|twice|Cannot mutate|Cannot redefine")
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(slots=True)
class Reading:
    """What was read.

    Attributes:
        values: parsed tables; numbers with a fraction are Decimal.
        places: lines of tables and settings.
        problems: syntax errors.
        lost: settings that were left out because their statement did not parse.
    """

    values: dict[str, Any]
    places: Places
    problems: list[Problem]
    lost: set[SettingPath]


def read(file: Path) -> Reading:
    """Read a configuration file.

    Raises:
        ConfigError: it does not exist, cannot be read, or is too big.
        ConfigErrors: it is not UTF-8.
    """
    return parse(file.name, _text(file))


def parse(name: str, text: str) -> Reading:
    """Parse TOML, leaving out statements that do not parse."""
    lines = lines_of(text)
    problems: list[Problem] = []
    lost: set[SettingPath] = set()
    for _ in range(MAX_SYNTAX_ERRORS):
        try:
            values = tomllib.loads("\n".join(lines) + "\n", parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            problems.append(_leave_out(name, str(error), lines, lost))
        except (ValueError, RecursionError):
            # A number of thousands of digits, or brackets nested a thousand deep.
            problems.append(Problem(name, "the file holds a value beyond measure", "shorten it"))
            break
        else:
            return Reading(values, scan(name, text), problems, lost)
    return Reading({}, scan(name, text), problems, {()})


def _text(file: Path) -> str:
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            message = f"{file} has {size:,} bytes; a configuration has at most {MAX_BYTES:,}"
            raise ConfigError(message, remedy="name the right file with --config")
        raw = file.read_bytes()
    except FileNotFoundError as error:
        message = f"there is no configuration file at {file}"
        raise ConfigError(
            message, remedy="write one with `syncd init`, or name yours with --config"
        ) from error
    except OSError as error:
        message = f"the configuration file {file} cannot be read: {error.strerror}"
        raise ConfigError(message, remedy="check its path and rights") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = Problem(
            f"{file.name}:{line}", "this line is not UTF-8 text", "save the file as UTF-8", line
        )
        raise ConfigErrors(file.name, [problem]) from error


def _leave_out(name: str, message: str, lines: list[str], lost: set[SettingPath]) -> Problem:
    """Blank the statement that does not parse, and say what is wrong with it."""
    found = _AT.search(message)
    reason = _AT.sub("", message)
    begins = dict(statements("\n".join(lines)))
    if found is None or found[1] is None:
        return _never_closed(name, reason, max(begins, default=1), lines, lost)
    at = min(int(found[1]), len(lines))
    start = max((number for number in begins if number <= at), default=at)
    key = key_of(lines[start - 1].strip().lstrip("["))
    dotted = ".".join(str(part) for part in key)
    if _DUPLICATE.search(reason):
        what = f"'{dotted}' is written twice" if key else "a setting is written twice"
        problem = Problem(f"{name}:{start}", what, "keep one of the two", start)
    elif start < at and key_of(lines[at - 1].strip()):
        # The next setting was swallowed by a bracket that is still open: it is not to blame.
        at -= 1
        what = f"not valid TOML: the bracket of '{dotted}' is not closed"
        problem = Problem(f"{name}:{start}", what, "close it with ] or }", start)
    else:
        remedy = "texts stand in double quotes, `name = value`, headers in [brackets]"
        if reason.startswith("Illegal character '\\n'"):
            reason = "a text on this line has no closing quote"
        problem = Problem(f"{name}:{at}", f"not valid TOML: {reason}", remedy, at)
    if lines[start - 1].lstrip().startswith("["):
        # Settings under a broken header would land in the table before it.
        lost.add(())
        while at < len(lines) and not lines[at].lstrip().startswith("["):
            at += 1
    elif not _DUPLICATE.search(reason):
        lost.add(_table_before(lines, start) + (key or tuple(lines[start - 1].split()[:1])))
    lines[start - 1 : at] = [""] * (at - start + 1)
    return problem


def _never_closed(
    name: str, reason: str, start: int, lines: list[str], lost: set[SettingPath]
) -> Problem:
    lost.add(())
    lines[start - 1 :] = [""] * len(lines[start - 1 :])
    return Problem(
        f"{name}:{start}",
        f"not valid TOML: what begins here has no end ({reason})",
        "close the text or the bracket",
        start,
    )


def _table_before(lines: list[str], line: int) -> SettingPath:
    headers = (text.strip() for text in reversed(lines[: line - 1]))
    return next((key_of(text.lstrip("[")) for text in headers if text.startswith("[")), ())
