"""Which documents that were there are which invoices: by id, or by number, total and contact.

Pure: documents in, pairs and what is left out. A number alone proves nothing, since books and
people number documents too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from syncd.core.service.ledger_proposals import plain
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry

_NOT_THERE = (EntryStatus.VOIDED, EntryStatus.DELETED)


class MatchGround(StrEnum):
    """What a pair rests on."""

    ID = "id"
    NUMBER = "number, total and contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is compared of an invoice.

    Attributes:
        key: the PSA's id.
        kind: of the document that it would be.
        numbers: under which it may stand in the book.
        ids: of bookkeeping documents that the PSA shows.
        client: PSA client.
        client_name: for people, and evidence where the client has no contact yet.
        contacts: keys of the client's contacts in the book.
        currency: ISO code.
        total: positive, in the direction of `kind`.
        served: the client is a contact of this book.
        digest: of what it shows.
        dated: ISO day.
        due: ISO day, or None.
        net: before tax.
        tax: total.
    """

    key: str
    kind: DocumentKind
    numbers: tuple[str, ...]
    ids: frozenset[str] = frozenset()
    client: str
    client_name: str
    contacts: frozenset[str] = frozenset()
    currency: str
    total: Decimal
    served: bool = True
    digest: str = ""
    dated: str = ""
    due: str | None = None
    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)

    @property
    def number(self) -> str:
        return self.numbers[0] if self.numbers else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An invoice and its document.

    Attributes:
        invoice: of the PSA.
        entry: of the book.
        ground: what it rests on.
        differs: what is not equal, in words; empty where all is.
    """

    invoice: Candidate
    entry: LedgerEntry
    ground: MatchGround
    differs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A document of an invoice's number that is not surely that invoice.

    Attributes:
        invoice: of the PSA.
        entry: of the book.
        why: in words.
        amount: it is the total that differs.
    """

    invoice: Candidate
    entry: LedgerEntry
    why: str
    amount: bool = False


@dataclass(slots=True)
class Matched:
    """What came of matching.

    Attributes:
        pairs: to be linked.
        doubts: shown to a person, never linked.
        books_only: documents without an invoice.
    """

    pairs: list[Pair] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    books_only: list[LedgerEntry] = field(default_factory=list)


class Matcher:
    """Takes documents as they come, and remembers which invoices have theirs."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self.left: dict[str, Candidate] = {}
        self._by_id: dict[str, Candidate] = {}
        self._by_number: dict[tuple[DocumentKind, str], list[Candidate]] = {}
        for one in candidates:
            self.left[one.key] = one
            for remote in one.ids:
                self._by_id[remote] = one
            for number in dict.fromkeys(plain(number) for number in one.numbers if number):
                self._by_number.setdefault((one.kind, number), []).append(one)

    def take(self, entries: Iterable[LedgerEntry], ours: Collection[str]) -> Matched:
        """Match documents.

        Args:
            entries: of the book; those that are voided or deleted stand for nothing.
            ours: ids of documents that have a row already.
        """
        found = Matched()
        for entry in entries:
            if entry.remote in ours or entry.status in _NOT_THERE:
                continue
            one = self._by_id.get(entry.remote)
            if one is not None and one.key in self.left:
                differs = differences(one, entry)
                pair = Pair(invoice=one, entry=entry, ground=MatchGround.ID, differs=differs)
                self._pair(found, pair)
                continue
            self._by_its_number(found, entry)
        return found

    def _by_its_number(self, found: Matched, entry: LedgerEntry) -> None:
        same = self._by_number.get((entry.kind, plain(entry.number)), []) if entry.number else []
        doubts: list[Doubt] = []
        for one in same:
            if one.key not in self.left:
                why = "the invoice has another document already"
                doubts.append(Doubt(invoice=one, entry=entry, why=why))
                continue
            why = differences(one, entry)
            if not why and not _same_contact(one, entry):
                shown = entry.contact_name or entry.contact or "no contact"
                why = f"the book has it for {shown}"
                doubts.append(Doubt(invoice=one, entry=entry, why=why))
            elif why:
                amount = entry.currency == one.currency and _same_contact(one, entry)
                doubts.append(Doubt(invoice=one, entry=entry, why=why, amount=amount))
            else:
                self._pair(found, Pair(invoice=one, entry=entry, ground=MatchGround.NUMBER))
                return
        found.doubts += doubts
        if not doubts:
            found.books_only.append(entry)

    def _pair(self, found: Matched, pair: Pair) -> None:
        found.pairs.append(pair)
        del self.left[pair.invoice.key]


def differences(one: Candidate, entry: LedgerEntry) -> str:
    """What is not equal of kind, currency and total, in words; empty where all is."""
    if entry.kind is not one.kind:
        return f"the book has it as {entry.kind.value}"
    if entry.currency != one.currency:
        return f"the book has it in {entry.currency}, the PSA in {one.currency or 'no currency'}"
    if entry.total != one.total:
        return f"the book has {entry.total:,} {entry.currency}, the PSA {one.total:,}"
    return ""


def _same_contact(one: Candidate, entry: LedgerEntry) -> bool:
    """By the mapping; where the client has no contact yet, an equal name speaks for it."""
    if one.contacts:
        return entry.contact in one.contacts
    return bool(entry.contact_name) and plain(entry.contact_name) == plain(one.client_name)


def counted(candidates: Mapping[str, Candidate]) -> tuple[list[Candidate], int]:
    """Invoices without a document whose client the book serves, and how many others there are."""
    mine = [one for one in candidates.values() if one.served]
    return mine, len(candidates) - len(mine)
