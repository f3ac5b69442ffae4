"""What of OData the simulated Graph understands: conditions joined by `and`, and no more.

Advanced conditions want the header `ConsistencyLevel: eventual` and `$count=true`, as Graph does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

Row = dict[str, Any]
Test = Callable[[Row], bool]

_EQUALS: Final = re.compile(r"^(\w+) (eq|ne) (?:'((?:[^']|'')*)'|(true|false))$")
_SINCE: Final = re.compile(r"^(\w+) ge (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$")
_SIZE: Final = re.compile(r"^(\w+)/\$count (eq|ne) (\d+)$")
_ENDING: Final = re.compile(r"^endsWith\((\w+),'((?:[^']|'')*)'\)$", re.IGNORECASE)


class Unsupported(Exception):
    """The filter cannot be used; the text is the vendor's."""


def compiled(text: str, *, advanced: bool) -> Test:
    """A test of rows.

    Raises:
        Unsupported: not understood, or advanced without what that needs.
    """
    tests = [_condition(part.strip(), advanced=advanced) for part in text.split(" and ") if text]
    return lambda row: all(test(row) for test in tests)


def _condition(text: str, *, advanced: bool) -> Test:
    if found := _EQUALS.match(text):
        name, operator, words, truth = found.groups()
        if operator == "ne":
            _require(advanced=advanced)
        wanted: Any = truth == "true" if truth else words.replace("''", "'").casefold()
        return lambda row: (_plain(row.get(name)) == wanted) is (operator == "eq")
    if found := _SINCE.match(text):
        name, moment = found.groups()
        return lambda row: (row.get(name) or "") >= moment
    if found := _SIZE.match(text):
        name, operator, size = found.groups()
        _require(advanced=advanced)
        return lambda row: (len(row.get(name) or ()) == int(size)) is (operator == "eq")
    if found := _ENDING.match(text):
        name, ending = found.groups()
        _require(advanced=advanced)
        wanted = ending.replace("''", "'").casefold()
        return lambda row: str(row.get(name) or "").casefold().endswith(wanted)
    raise Unsupported("Invalid filter clause")


def _require(*, advanced: bool) -> None:
    if not advanced:
        raise Unsupported("Unsupported Query.")


def _plain(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
