"""What happened to a document in the books since we saw it last.

A balance that moved is no drift: that is what money does. Words, amounts, numbers and days that
moved are, and so is a document that is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from syncd.core.invoicing.comparison import Difference
from syncd.core.invoicing.line_drafting import plain
from syncd.core.invoicing.recognition import GONE
from syncd.core.invoicing.wording import shown
from syncd.sdk.ledger_records import EntryLine, EntryStatus, LedgerEntry


class DriftKind(StrEnum):
    """What a change means; several may hold at once."""

    EDITED = "edited"
    """Amounts, lines, contact, currency or days."""
    RENUMBERED = "renumbered"
    VOIDED = "voided"
    DELETED = "deleted"
    """By status, or because the books do not know its id any more."""
    APPROVED = "approved"
    """From a draft into the books: expected, no issue."""
    SETTLED = "settled"
    """Paid, credited or opened again: the balance moved, no issue."""


MATERIAL = frozenset({DriftKind.EDITED, DriftKind.RENUMBERED, DriftKind.VOIDED, DriftKind.DELETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What moved.

    Attributes:
        kinds: what it means; empty where nothing moved.
        differences: fields with both values.
    """

    kinds: tuple[DriftKind, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def material(self) -> bool:
        """Whether a person must see both versions."""
        return bool(MATERIAL & set(self.kinds))


def drift_of(before: LedgerEntry, now: LedgerEntry | None) -> Drift:
    """What moved between two readings of one document.

    Args:
        before: as it was last seen and accepted.
        now: as it is; None where the books do not know the id any more.
    """
    if now is None:
        gone = Difference(field="document", sent=before.status.value, shown="gone")
        return Drift(kinds=(DriftKind.DELETED,), differences=(gone,))
    status = _text("status", before.status.value, now.status.value)
    if now.status in GONE and before.status not in GONE:
        kind = DriftKind.VOIDED if now.status is EntryStatus.VOIDED else DriftKind.DELETED
        return Drift(kinds=(kind,), differences=tuple(status))
    kinds: list[DriftKind] = []
    number = _text("number", before.number, now.number)
    edited = [
        *_text("contact", before.contact, now.contact),
        *_text("currency", before.currency, now.currency),
        *_text("date", str(before.dated), str(now.dated)),
        *_text("due", str(before.due or ""), str(now.due or "")),
        *_money("net", before.net, now.net),
        *_money("tax", before.tax, now.tax),
        *_money("total", before.total, now.total),
        *_lines(before, now),
    ]
    settled = [
        *_money("paid", before.paid, now.paid),
        *_money("credited", before.credited, now.credited),
        *_money("balance", before.balance, now.balance),
    ]
    if edited:
        kinds.append(DriftKind.EDITED)
    if number:
        kinds.append(DriftKind.RENUMBERED)
    if before.status is EntryStatus.DRAFT and now.status is not EntryStatus.DRAFT:
        kinds.append(DriftKind.APPROVED)
    if settled and not edited:
        kinds.append(DriftKind.SETTLED)
    return Drift(kinds=tuple(kinds), differences=(*number, *edited, *settled, *status))


def _lines(before: LedgerEntry, now: LedgerEntry) -> list[Difference]:
    if not (before.whole and now.whole):
        return []
    if len(before.lines) != len(now.lines):
        return _text("lines", str(len(before.lines)), str(len(now.lines)))
    found: list[Difference] = []
    for n, (was, line) in enumerate(zip(before.lines, now.lines, strict=True), start=1):
        found += _line(n, was, line)
    return found


def _line(n: int, was: EntryLine, now: EntryLine) -> list[Difference]:
    found = [
        *_text(f"text of line {n}", was.description, now.description),
        *_money(f"net of line {n}", was.net, now.net),
        *_text(f"tax code of line {n}", was.tax_code, now.tax_code),
        *_text(f"account of line {n}", was.account, now.account),
        *_text(f"item of line {n}", was.item, now.item),
    ]
    if was.quantity is not None and now.quantity is not None and was.quantity != now.quantity:
        found += _text(f"quantity of line {n}", plain(was.quantity), plain(now.quantity))
    return found


def _text(field: str, was: str, now: str) -> list[Difference]:
    return [Difference(field=field, sent=was, shown=now)] if was != now else []


def _money(field: str, was: Decimal, now: Decimal) -> list[Difference]:
    return [] if was == now else [Difference(field=field, sent=shown(was), shown=shown(now))]
