"""Lists as parameters of SQL text, and rows as one text, which each database takes in its own way.

A hundred thousand rows are read in a third of the time when the database hands them over as JSON,
and the program goes on meanwhile, since a driver asks for its lock at every row.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncd.core.store.micros import to_micros

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader

FOREVER = 2**63 - 1

STATES_A_TERM = {
    "sqlite": "instr(attributes, '\"term\":{') > 0",
    "postgresql": "strpos(attributes, '\"term\":{') > 0",
}
"""SQL for "the unit states a term", word for word as the index of such units has it.

No value can look like it, because a quote inside of a JSON text has a backslash before it.
"""


def moment_or_forever(moment: datetime | None) -> int:
    """A moment as stored; None is later than all."""
    return FOREVER if moment is None else to_micros(moment)


def among(connection: Reader, column: str, parameter: str) -> str:
    """SQL for "the column is one of the parameter's values"; bind it with `listed`."""
    if connection.dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(:{parameter}))"  # noqa: S608 - names only
    return f"{column} = ANY(:{parameter})"


def listed(connection: Reader, values: Collection[int] | Collection[str]) -> Any:
    """The values as a parameter for `among`."""
    ordered = sorted(values)
    return json.dumps(ordered) if connection.dialect.name == "sqlite" else ordered


def gathered(connection: Reader, columns: str) -> str:
    """SQL for all rows of a group as one JSON text of arrays; NULL or empty where there are none.

    No order is promised.
    """
    if connection.dialect.name == "sqlite":
        return f"json_group_array(json_array({columns}))"
    return f"CAST(json_agg(json_build_array({columns})) AS text)"


def counts_towards(connection: Reader, included: Collection[str]) -> str:
    """SQL for "the unit counts": not excluded, or for a reason that counts after all."""
    if not included:
        return "u.excluded IS NULL"
    return f"(u.excluded IS NULL OR {among(connection, 'u.excluded', 'included')})"


def alive(seq: str) -> str:
    """SQL for "the interval covers the pull"."""
    return f"u.opened_pull <= {seq} AND (u.closed_pull IS NULL OR u.closed_pull > {seq})"
