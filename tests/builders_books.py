"""A PSA and a book that fail in every way, and the invoices, mappings and words between them.

The book keeps exact arithmetic and its documents; faults decide what its callers get to see of
that. Nothing here is fair: answers are lost, batches end halfway, processes die at any instruction.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from syncd.sdk.errors import OutcomeUnknown, RateLimited, VendorUnavailable
from syncd.sdk.invoice_records import (
    DocumentKind,
)
from syncd.sdk.ledger_records import (
    EntryLine,
    EntryStatus,
    LedgerBook,
    LedgerChanges,
    LedgerEntry,
    LedgerReference,
    ReferenceKind,
    TaxMode,
    Totals,
)
from syncd.sdk.ledger_writes import (
    ActionKind,
    ActionOutcome,
    Done,
    LedgerAction,
    LedgerDocument,
    Posted,
    PostOutcome,
    Wanted,
)
from syncd.sdk.psa_records import (
    BatchLimit,
    NotSent,
    Rejected,
    Unknown,
)
from syncd.sdk.usage_records import CheckResult
from tests.builders_fate import Died as Died
from tests.builders_fate import Fate as Fate
from tests.builders_fate import Time as Time
from tests.builders_invoices import BOOK as BOOK
from tests.builders_invoices import CATALOGUE as CATALOGUE
from tests.builders_invoices import START as START
from tests.builders_invoices import connected as connected
from tests.builders_invoices import invoice as invoice
from tests.builders_invoices import line as line
from tests.builders_invoices import read as read
from tests.builders_invoices import totals_of as totals_of
from tests.builders_keeper import FakeKeeper as FakeKeeper

SETTLE = 30.0


@dataclass(slots=True)
class FakeBook:
    """A book with per-line tax, unique numbers (or not), a lag of its search and a bad line."""

    time: Time
    fate: Fate
    unique_numbers: bool = True
    void_keeps_number: bool = True
    drafts: bool = True
    key: str = BOOK
    size: int = 3
    locked_until: date | None = None
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    visible: dict[str, datetime] = field(default_factory=dict)
    late: list[tuple[datetime, LedgerDocument]] = field(default_factory=list)
    memory: dict[str, tuple[datetime, PostOutcome]] = field(default_factory=dict)
    refuse: dict[str, str] = field(default_factory=dict)
    refuse_void: set[str] = field(default_factory=set)
    change: Callable[[LedgerEntry], LedgerEntry] | None = None
    posts: int = 0
    finds: int = 0
    ids: Any = field(default_factory=lambda: itertools.count(1))
    catalogue: list[LedgerReference] = field(default_factory=list)

    @property
    def post_batch(self) -> BatchLimit:
        return BatchLimit(size=self.size, settle_seconds=SETTLE)

    async def check(self) -> CheckResult:
        raise NotImplementedError

    async def book(self) -> LedgerBook:
        return LedgerBook(
            key=self.key,
            name="Acme Books",
            currency="GBP",
            currencies=("GBP", "EUR"),
            tax_mode=TaxMode.PER_LINE,
            number_limit=21,
            drafts=self.drafts,
            locked_until=self.locked_until,
        )

    async def references(self) -> AsyncIterator[Sequence[LedgerReference]]:
        yield self.catalogue

    def predict(
        self, document: LedgerDocument, book: LedgerBook, taxes: Mapping[str, LedgerReference]
    ) -> Totals:
        return totals_of(document, taxes)

    async def find_documents(self, wanted: Sequence[Wanted]) -> Mapping[str, Sequence[LedgerEntry]]:
        self.fate.may_die()
        self.finds += 1
        self._settle_late()
        if self.fate.strikes(0.5):
            raise VendorUnavailable("the search is down")
        shown = [e for e in self.entries.values() if self.visible[e.remote] <= self.time.now]
        return {
            one.key: [
                e
                for e in shown
                if (e.number == one.number or (e.marker and e.marker == one.marker))
                and e.kind is one.kind
            ]
            for one in wanted
        }

    async def post(self, documents: Sequence[LedgerDocument]) -> Sequence[PostOutcome]:
        self.fate.may_die()
        self.posts += 1
        self._settle_late()
        if self.fate.strikes(0.3):
            raise RateLimited("slow down", retry_after=20.0)
        if self.fate.strikes(0.4):
            raise OutcomeUnknown("the connection was cut before anything arrived")
        outcomes: list[PostOutcome] = []
        for document in documents:
            if self.fate.strikes(0.2):
                raise OutcomeUnknown("503 in the middle of the batch")
            self.fate.may_die(0.1)
            outcomes.append(self._one(document))
        self.fate.may_die()
        if self.fate.strikes(0.6):
            raise OutcomeUnknown("it was applied, and the answer was lost")
        return outcomes

    def _one(self, document: LedgerDocument) -> PostOutcome:
        known = self.memory.get(document.attempt)
        if known is not None and known[0] + timedelta(minutes=6) > self.time.now:
            return known[1]
        if self.fate.strikes(0.2):
            return NotSent(document.key, "the quota of the day is used up", 15.0)
        if self.fate.strikes(0.3):
            due = self.time.now + timedelta(seconds=SETTLE * self.fate.random.random() * 0.9)
            self.late.append((due, document))
            return Unknown(document.key, "still being worked on")
        if self.fate.strikes(0.1):
            return Rejected(document.key, "REFUSED", "a moment of bad temper")
        outcome = self._create(document)
        self.memory[document.attempt] = (self.time.now, outcome)
        if self.fate.strikes(0.3):
            return Unknown(document.key, "the answer of this item is missing")
        return outcome

    def _create(self, document: LedgerDocument, *, lag: float = SETTLE * 0.9) -> PostOutcome:
        if document.number in self.refuse:
            return Rejected(document.key, self.refuse[document.number], "refused by this book")
        taken = [
            e
            for e in self.entries.values()
            if e.number == document.number
            and e.kind is document.kind
            and e.status not in self._free
        ]
        if taken and self.unique_numbers:
            return Rejected(document.key, "NUMBER_TAKEN", "Invoice # must be unique.")
        entry = self.entry_of(document)
        if self.change is not None:
            entry = self.change(entry)
        self.add(entry, lag=self.fate.random.random() * lag if self.fate.odds else 0.0)
        return Posted(key=document.key, entry=entry, request_id=f"req-{entry.remote}")

    @property
    def _free(self) -> set[EntryStatus]:
        """States of documents whose number may be used again."""
        kept = set() if self.void_keeps_number else {EntryStatus.VOIDED}
        return {EntryStatus.DELETED, *kept}

    def _settle_late(self) -> None:
        due = [one for one in self.late if one[0] <= self.time.now]
        self.late = [one for one in self.late if one[0] > self.time.now]
        for _, document in due:
            self._create(document, lag=0.0)  # late and hidden together stay within the promise

    def entry_of(self, document: LedgerDocument) -> LedgerEntry:
        """The document as this book keeps it."""
        taxes = {one.key: one for one in self.catalogue if one.kind is ReferenceKind.TAX}
        totals = totals_of(document, taxes)
        return LedgerEntry(
            remote=f"doc-{next(self.ids)}",
            kind=document.kind,
            number=document.number,
            marker=document.marker,
            contact=document.contact,
            currency=document.currency,
            dated=document.dated,
            due=document.due,
            status=EntryStatus.OPEN if document.approved else EntryStatus.DRAFT,
            net=totals.net,
            tax=totals.tax,
            total=totals.total,
            balance=totals.total,
            lines=tuple(
                EntryLine(
                    description=line.description,
                    quantity=line.quantity,
                    unit_price=line.unit_price,
                    net=net,
                    tax_code=line.tax_code,
                    account=line.account,
                    item=line.item,
                )
                for line, net in zip(document.lines, totals.lines, strict=True)
            ),
            whole=True,
            version="1",
        )

    def add(self, entry: LedgerEntry, *, lag: float = 0.0) -> None:
        """Put a document into the books, of ours or of anybody."""
        self.entries[entry.remote] = entry
        self.visible[entry.remote] = self.time.now + timedelta(seconds=lag)

    def live(self, marker: str) -> list[LedgerEntry]:
        """Documents with a marker that count."""
        gone = {EntryStatus.VOIDED, EntryStatus.DELETED}
        return [e for e in self.entries.values() if e.marker == marker and e.status not in gone]

    def has(self, number: str) -> bool:
        """Whether a document of ours has a number, or is still to appear under it."""
        late = any(document.number == number for _, document in self.late)
        return late or any(e.number == number and e.marker for e in self.entries.values())

    async def act(self, actions: Sequence[LedgerAction]) -> Sequence[ActionOutcome]:
        self.fate.may_die()
        outcomes: list[ActionOutcome] = []
        for action in actions:
            outcomes.append(self._act(action))
        self.fate.may_die()
        if self.fate.strikes(0.6):
            raise OutcomeUnknown("it was done, and the answer was lost")
        return outcomes

    def _act(self, action: LedgerAction) -> ActionOutcome:
        if action.kind in {ActionKind.CREATE_CONTACT, ActionKind.CREATE_ITEM}:
            contact = action.kind is ActionKind.CREATE_CONTACT
            kind = ReferenceKind.CONTACT if contact else ReferenceKind.ITEM
            if any(o.kind is kind and o.name == action.name for o in self.catalogue):
                return Rejected(action.key, "NAME_TAKEN", "the name is used")
            made = LedgerReference(
                kind=kind,
                key=f"{kind.value}-{next(self.ids)}",
                name=action.name,
                foreign_key=action.foreign_key,
            )
            self.catalogue.append(made)
            return Done(key=action.key, remote=made.key)
        entry = self.entries[action.remote]
        if action.kind is ActionKind.VOID:
            outcome = self._void(action, entry)
            if outcome is not None:
                return outcome
            entry = msgspec.structs.replace(self.entries[action.remote], status=EntryStatus.VOIDED)
        elif action.kind is ActionKind.APPROVE:
            entry = msgspec.structs.replace(entry, status=EntryStatus.OPEN)
        else:
            entry = msgspec.structs.replace(entry, balance=entry.balance - action.amount)
        self.entries[action.remote] = entry
        return Done(key=action.key, remote=entry.remote, entry=entry)

    def _void(self, action: LedgerAction, entry: LedgerEntry) -> ActionOutcome | None:
        """What is in the way of a void; its number is changed first, as a write of its own."""
        renamed = action.renumber in {"", entry.number}
        if entry.status is EntryStatus.VOIDED and renamed:
            return Done(key=action.key, remote=entry.remote, entry=entry)
        if entry.paid or entry.credited or entry.remote in self.refuse_void:
            return Rejected(action.key, "NOT_ALLOWED_NOW", "it is paid")
        if entry.status is EntryStatus.VOIDED:
            return Rejected(action.key, "NOT_ALLOWED_NOW", "it is voided under its number")
        ours = bool(action.renumber) and renamed
        if entry.version != action.version and not ours:
            return Rejected(action.key, "VERSION_MOVED", "somebody changed it")
        if action.renumber and not ours:
            version = str(int(entry.version or "0") + 1)
            self.entries[action.remote] = msgspec.structs.replace(
                entry, number=action.renumber, version=version
            )
            self.fate.may_die()
        return None

    async def read_back(self, remotes: Mapping[str, DocumentKind]) -> Mapping[str, LedgerEntry]:
        return {key: self.entries[key] for key in remotes if key in self.entries}

    async def changes(self, since: datetime) -> LedgerChanges:
        return LedgerChanges(until=since)

    async def documents(self, *, first: date, last: date) -> AsyncIterator[Sequence[LedgerEntry]]:
        yield [e for e in self.entries.values() if first <= e.dated <= last]
