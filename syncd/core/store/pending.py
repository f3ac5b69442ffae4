"""Edits of decisions that were not written: what would hold if they were.

Every question of the kind "what would this edit cost" reads the stored decisions with these laid
over them, so that nothing is ever written in order to be looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from sqlmodel import SQLModel

_FIRST_ID: Final = 2**62
"""Above every row id, so that of two rows for one day the pending one is the newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """What one kind of decision would gain and lose.

    Attributes:
        new: key and content columns of each row that would be added.
        ended: ids of the current rows that would hold no longer.
    """

    new: Sequence[Mapping[str, Any]] = ()
    ended: Collection[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.new or self.ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Edits by table, laid over what is stored.

    Attributes:
        tables: name of a table -> its edits.
        at: moment that the new rows carry as `recorded_at`.
    """

    at: datetime
    tables: Mapping[str, Edits] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.tables.values())

    def over(self, table: type[SQLModel], rows: Iterable[Any], *, day: str = "") -> list[Any]:
        """The rows that would be read after the edits.

        Args:
            table: of the rows.
            rows: as read, each with the columns of the table as attributes.
            day: ISO date; a new row with a validity joins only if it holds on it.
        """
        edits = self.tables.get(str(table.__tablename__), Edits())
        kept = [row for row in rows if row.id not in edits.ended]
        kept += [
            row
            for n, values in enumerate(edits.new)
            if _holds(row := self._row(table, _FIRST_ID + n, values), day)
        ]
        return kept

    def _row(self, table: type[SQLModel], row_id: int, values: Mapping[str, Any]) -> Any:
        """The new row with the defaults of the columns it does not name."""
        whole = {
            name: None if one.is_required() else one.default
            for name, one in table.model_fields.items()
        }
        return SimpleNamespace(**{**whole, "recorded_at": self.at, **values, "id": row_id})


def _holds(row: Any, day: str) -> bool:
    begins, ends = getattr(row, "valid_from", ""), getattr(row, "valid_until", "")
    return not day or (begins <= day and (not ends or ends >= day))
