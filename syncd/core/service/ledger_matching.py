"""Which documents that were there are which invoices: by id, or by number, total and contact.

Pure: documents in, pairs and what is left out. A number alone proves nothing, since books and
people number documents too; nor does an id alone, since another company's book has it as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from syncd.core.invoicing.wording import shown
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
        delegated: the book computes the tax, so that only the net can be compared.
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
    delegated: bool = False

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
    """A document of an invoice's number or id that is not surely that invoice.

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
        self._by_id: dict[str, list[Candidate]] = {}
        self._by_number: dict[tuple[DocumentKind, str], list[Candidate]] = {}
        for one in candidates:
            self.left[one.key] = one
            for remote in one.ids:
                self._by_id.setdefault(remote, []).append(one)
            for number in _plain_numbers(one):
                self._by_number.setdefault((one.kind, number), []).append(one)

    def take(self, entries: Iterable[LedgerEntry], ours: Collection[str]) -> Matched:
        """Match documents.

        Args:
            entries: of the book; those that are voided or deleted stand for nothing.
            ours: ids of documents that have a row already.
        """
        found = Matched()
        for entry in entries:
            if entry.remote not in ours and entry.status not in _NOT_THERE:
                self._take(found, entry)
        return found

    def _take(self, found: Matched, entry: LedgerEntry) -> None:
        """Every fact with the number goes first, then the id with a fact that goes with it."""
        named = [one for one in self._by_id.get(entry.remote, ()) if one.key in self.left]
        same = self._by_number.get((entry.kind, plain(entry.number)), []) if entry.number else []
        equal = [one for one in same if one.key in self.left and _is_equal(one, entry)]
        both = [one for one in equal if one in named]
        if both:
            self._pair(found, Pair(invoice=both[0], entry=entry, ground=MatchGround.ID))
            return
        if equal:
            rivals = [one for one in named if one.contacts and _is_equal(one, entry)]
            if rivals:
                shown = equal[0].number
                why = f"the PSA shows its id, and invoice {shown} has its number"
                found.doubts += [Doubt(invoice=one, entry=entry, why=why) for one in rivals]
                shown = rivals[0].number
                why = f"the PSA shows its id at invoice {shown}"
                found.doubts.append(Doubt(invoice=equal[0], entry=entry, why=why))
            else:
                self._pair(found, Pair(invoice=equal[0], entry=entry, ground=MatchGround.NUMBER))
            return
        weak = {one.key: _weakness(one, entry) for one in named}
        claims = [one for one in named if not weak[one.key]]
        if len(claims) == 1:
            differs = differences(claims[0], entry)
            pair = Pair(invoice=claims[0], entry=entry, ground=MatchGround.ID, differs=differs)
            self._pair(found, pair)
            return
        doubts = [
            Doubt(
                invoice=one,
                entry=entry,
                why=f"the PSA shows its id at {len(claims)} invoices"
                if one in claims
                else f"the PSA shows its id, but {weak[one.key]}",
            )
            for one in named
        ]
        doubts += [self._doubt(one, entry) for one in same if one not in named]
        found.doubts += doubts
        if not doubts:
            found.books_only.append(entry)

    def _doubt(self, one: Candidate, entry: LedgerEntry) -> Doubt:
        """Why a document of an invoice's number is not surely that invoice."""
        if one.key not in self.left:
            why = "the invoice has another document already"
            return Doubt(invoice=one, entry=entry, why=why)
        if why := differences(one, entry):
            amount = entry.currency == one.currency and _same_contact(one, entry)
            return Doubt(invoice=one, entry=entry, why=why, amount=amount)
        return Doubt(invoice=one, entry=entry, why=_for_somebody(entry))

    def _pair(self, found: Matched, pair: Pair) -> None:
        found.pairs.append(pair)
        del self.left[pair.invoice.key]


def differences(one: Candidate, entry: LedgerEntry) -> str:
    """What is not equal of kind, currency and total, in words; empty where all is.

    Where the book computes tax, the net stands for the total.
    """
    if entry.kind is not one.kind:
        return f"the book has it as {entry.kind.value}"
    if entry.currency != one.currency:
        return f"the book has it in {entry.currency}, the PSA in {one.currency or 'no currency'}"
    if one.delegated:
        if entry.net == one.net:
            return ""
        told = f"the book has {shown(entry.net)} {entry.currency} before tax"
        return f"{told}, the PSA {shown(one.net)}"
    if entry.total != one.total:
        return f"the book has {shown(entry.total)} {entry.currency}, the PSA {shown(one.total)}"
    return ""


def _is_equal(one: Candidate, entry: LedgerEntry) -> bool:
    return not differences(one, entry) and _same_contact(one, entry)


def _weakness(one: Candidate, entry: LedgerEntry) -> str:
    """What makes an id that the PSA shows prove nothing, in words; empty if it proves the pair.

    Ids are small numbers in some books, and the PSA may show one of another company's book.
    """
    if not one.contacts:
        return "its client is no contact of this book"
    if entry.kind is not one.kind or entry.currency != one.currency:
        return differences(one, entry)
    numbered = bool(entry.number) and plain(entry.number) in _plain_numbers(one)
    return "" if numbered or _same_contact(one, entry) else _for_somebody(entry)


def _for_somebody(entry: LedgerEntry) -> str:
    return f"the book has it for {entry.contact_name or entry.contact or 'no contact'}"


def _plain_numbers(one: Candidate) -> list[str]:
    return list(dict.fromkeys(plain(number) for number in one.numbers if number))


def _same_contact(one: Candidate, entry: LedgerEntry) -> bool:
    """By the mapping; where the client has no contact yet, an equal name speaks for it."""
    if one.contacts:
        return entry.contact in one.contacts
    return bool(entry.contact_name) and plain(entry.contact_name) == plain(one.client_name)


def counted(candidates: Mapping[str, Candidate]) -> tuple[list[Candidate], int]:
    """Invoices without a document whose client the book serves, and how many others there are."""
    mine = [one for one in candidates.values() if one.served]
    return mine, len(candidates) - len(mine)
