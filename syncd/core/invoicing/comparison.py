"""A document as it was sent, held against what the books answered or show later.

Sums, tax and total to the cent; quantity, tax code and net of every line. What the books changed in
silence is told, never accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from syncd.core.invoicing.adding_up import cents
from syncd.core.invoicing.wording import shown
from syncd.sdk.ledger_records import EntryLine, LedgerEntry, Totals
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field with both values, as text for people.

    Attributes:
        field: its name; lines are counted from 1.
        sent: what we wrote.
        shown: what the books show.
    """

    field: str
    sent: str
    shown: str

    def __str__(self) -> str:
        return f"{self.field} {self.sent or 'empty'} -> {self.shown or 'empty'}"


def compare(
    document: LedgerDocument, expected: Totals, entry: LedgerEntry, *, delegated: bool = False
) -> tuple[Difference, ...]:
    """Everything that the books show otherwise than it was sent; empty where all is as meant.

    Args:
        document: as it was sent.
        expected: its prediction.
        entry: what the books show; a summary is compared without its lines.
        delegated: the books compute the tax, so that tax and total are theirs.
    """
    found = [
        *_if("kind", document.kind.value, entry.kind.value),
        *_if("number", document.number, entry.number),
        *_if("contact", document.contact, entry.contact),
        *_if("currency", document.currency, entry.currency),
        *_if("date", str(document.dated), str(entry.dated)),
        *_money("net", expected.net, entry.net),
    ]
    if document.due is not None and entry.due is not None:
        found += _if("due", str(document.due), str(entry.due))
    if not delegated:
        found += _money("tax", expected.tax, entry.tax)
        found += _money("total", expected.total, entry.total)
    if entry.whole:
        found += _lines(document, expected, entry.lines)
    return tuple(found)


def _lines(
    document: LedgerDocument, expected: Totals, shown: Iterable[EntryLine]
) -> list[Difference]:
    """Lines in their order; words without money are not compared, the books may fold them."""
    nets = expected.lines if len(expected.lines) == len(document.lines) else ()
    sent = [
        (n, line, nets[n - 1] if nets else line.net)
        for n, line in enumerate(document.lines, start=1)
        if not line.text_only
    ]
    held = [line for line in shown if not _words_only(line)]
    empty = [n for n, line, net in sent if not net and not line.quantity]
    if len(held) == len(sent) - len(empty):
        sent = [one for one in sent if one[0] not in empty]
    if len(held) != len(sent):
        return [Difference(field="lines", sent=str(len(sent)), shown=str(len(held)))]
    found: list[Difference] = []
    for (n, line, net), entry in zip(sent, held, strict=True):
        found += _line(n, line, net, entry)
    return found


def _line(n: int, line: LedgerLine, net: Decimal, entry: EntryLine) -> list[Difference]:
    found = _money(f"net of line {n}", net, entry.net)
    if entry.quantity is not None and entry.quantity != line.quantity:
        found += _if(f"quantity of line {n}", f"{line.quantity:f}", f"{entry.quantity:f}")
    return found + _if(f"tax code of line {n}", line.tax_code, entry.tax_code)


def _words_only(line: EntryLine) -> bool:
    return not line.net and not line.quantity and not line.tax_code and not line.account


def _if(field: str, sent: str, shown: str) -> list[Difference]:
    return [Difference(field=field, sent=sent, shown=shown)] if sent != shown else []


def _money(field: str, sent: Decimal, there: Decimal) -> list[Difference]:
    if cents(sent) == cents(there):
        return []
    return [Difference(field=field, sent=shown(sent), shown=shown(there))]
