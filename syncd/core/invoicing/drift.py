"""What became of a document in the books since it was confirmed: edited, renumbered, gone, or fine.

That it was approved, paid or credited is its life and no drift. A summary without lines proves
nothing about lines, so a change is only judged on a whole document.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from syncd.sdk.ledger_records import EntryLine, EntryStatus, LedgerEntry

BOOKS_EDITED: Final = "BOOKS_EDITED"
BOOKS_RENUMBERED: Final = "BOOKS_RENUMBERED"
BOOKS_VOIDED: Final = "BOOKS_VOIDED"
BOOKS_DELETED: Final = "BOOKS_DELETED"

DRIFTS: Final = (BOOKS_EDITED, BOOKS_RENUMBERED, BOOKS_VOIDED, BOOKS_DELETED)
"""Every code that a read-back gives a document."""

STANDING: Final = frozenset({EntryStatus.DRAFT, EntryStatus.OPEN, EntryStatus.PAID})
"""Where a document still is one."""

_HEADER = ("contact", "currency", "dated", "due", "net", "tax", "total")


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that differs.

    Attributes:
        what: name of the fact, `line 2 quantity` for one of a line.
        confirmed: as it was confirmed.
        now: as the books hold it.
    """

    what: str
    confirmed: str
    now: str


@dataclass(frozen=True, slots=True)
class Drift:
    """What a read-back found.

    Attributes:
        code: one of `DRIFTS`, the gravest; empty for a document that is as it was.
        differences: both versions, fact by fact.
    """

    code: str = ""
    differences: tuple[Difference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.code)


def drift_of(confirmed: LedgerEntry, now: LedgerEntry | None) -> Drift:
    """Compare a document with what was confirmed; None is a document that is gone for good.

    A document that was gone already when it was last accepted is no news as long as it is gone.
    """
    if confirmed.status not in STANDING and (now is None or now.status not in STANDING):
        return Drift()
    if now is None or now.status is EntryStatus.DELETED:
        return Drift(BOOKS_DELETED, (Difference("status", confirmed.status.value, "deleted"),))
    if now.status is EntryStatus.VOIDED:
        return Drift(BOOKS_VOIDED, (Difference("status", confirmed.status.value, "voided"),))
    found = [
        Difference(name, _text(getattr(confirmed, name)), _text(getattr(now, name)))
        for name in _HEADER
        if getattr(confirmed, name) != getattr(now, name)
    ]
    if confirmed.status not in STANDING:
        found.insert(0, Difference("status", confirmed.status.value, now.status.value))
    if confirmed.whole and now.whole:
        found += _lines(confirmed.lines, now.lines)
    renumbered = confirmed.number != now.number
    if renumbered:
        found.insert(0, Difference("number", confirmed.number, now.number))
    if not found:
        return Drift()
    only_number = renumbered and len(found) == 1
    return Drift(BOOKS_RENUMBERED if only_number else BOOKS_EDITED, tuple(found))


def _lines(before: tuple[EntryLine, ...], after: tuple[EntryLine, ...]) -> list[Difference]:
    """Line by line in the printed order; lines that only changed places are the same lines."""
    if sorted(map(_facts, before)) == sorted(map(_facts, after)):
        return []
    if len(before) != len(after):
        said = [Difference("lines", str(len(before)), str(len(after)))]
        kept = list(map(_facts, before))
        for line in after:
            if _facts(line) in kept:
                kept.remove(_facts(line))
            else:
                said.append(Difference("line added", "", _told(line)))
        gone = [line for line in before if _facts(line) in kept]
        return said + [Difference("line gone", _told(line), "") for line in gone[: len(kept)]]
    return [
        Difference(f"line {n} {name}", old, new)
        for n, pair in enumerate(zip(before, after, strict=True), 1)
        for name, old, new in zip(_NAMES, *map(_facts, pair), strict=True)
        if old != new
    ]


_NAMES = ("description", "quantity", "unit price", "net", "tax code", "account", "item")


def _facts(line: EntryLine) -> tuple[str, ...]:
    """What a line says, comparable; its key may change when somebody saves the document."""
    return (
        " ".join(line.description.split()),
        _text(line.quantity),
        _text(line.unit_price),
        _text(line.net),
        line.tax_code,
        line.account,
        line.item,
    )


def _told(line: EntryLine) -> str:
    return f"{line.description}: {_text(line.net)}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    return str(value)
