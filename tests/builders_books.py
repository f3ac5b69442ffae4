"""A PSA and a book that fail in every way, and the invoices, mappings and words between them.

The book keeps exact arithmetic and its documents; faults decide what its callers get to see of
that. Nothing here is fair: answers are lost, batches end halfway, processes die at any instruction.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

import msgspec

from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.invoices import store_invoices
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.ledger_mappings import LedgerDecision, write_ledger_mappings
from syncd.core.store.ledger_references import store_ledger_references
from syncd.sdk.errors import DataError, OutcomeUnknown, RateLimited, VendorUnavailable
from syncd.sdk.invoice_records import (
    DocumentKind,
    InvoiceLine,
    Ownership,
    PostedMark,
    PsaInvoice,
    PsaPayment,
)
from syncd.sdk.ledger_records import (
    EntryLine,
    EntryStatus,
    LedgerBook,
    LedgerChanges,
    LedgerEntry,
    LedgerReference,
    ReferenceKind,
    TaxMeaning,
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
    Delivered,
    NotSent,
    Outcome,
    Receipt,
    Rejected,
    Unknown,
)
from syncd.sdk.usage_records import CheckResult

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
BOOK = "org-1"
CENT = Decimal("0.01")
SETTLE = 30.0


class Died(BaseException):
    """The process ended here: nothing after this instruction ran."""


@dataclass(slots=True)
class Fate:
    """Draws what goes wrong; with no odds left, everything goes well.

    Attributes:
        random: of the seed.
        odds: chance that a step goes wrong.
        deaths: how often the process may still die.
    """

    random: Random = field(default_factory=lambda: Random(0))
    odds: float = 0.0
    deaths: int = 0

    def strikes(self, share: float = 1.0) -> bool:
        """Whether something goes wrong now."""
        return self.odds > 0 and self.random.random() < self.odds * share

    def may_die(self, share: float = 0.3) -> None:
        """Perhaps the process ends here."""
        if self.deaths > 0 and self.strikes(share):
            self.deaths -= 1
            raise Died


@dataclass(slots=True)
class Time:
    """The clock of a test; sleeping moves it, and any look at it may be the last."""

    now: datetime = START
    fate: Fate = field(default_factory=Fate)

    def clock(self) -> datetime:
        """Current time."""
        self.fate.may_die(0.02)
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.fate.may_die(0.2)
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class FakeBook:
    """A book with per-line tax, unique numbers (or not), a lag of its search and a bad line."""

    time: Time
    fate: Fate
    unique_numbers: bool = True
    drafts: bool = True
    key: str = BOOK
    size: int = 3
    locked_until: date | None = None
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    visible: dict[str, datetime] = field(default_factory=dict)
    late: list[tuple[datetime, LedgerDocument]] = field(default_factory=list)
    memory: dict[str, tuple[datetime, PostOutcome]] = field(default_factory=dict)
    refuse: dict[str, str] = field(default_factory=dict)
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
            and e.status not in {EntryStatus.VOIDED, EntryStatus.DELETED}
        ]
        if taken and self.unique_numbers:
            return Rejected(document.key, "NUMBER_TAKEN", "Invoice # must be unique.")
        entry = self.entry_of(document)
        if self.change is not None:
            entry = self.change(entry)
        self.add(entry, lag=self.fate.random.random() * lag if self.fate.odds else 0.0)
        return Posted(key=document.key, entry=entry, request_id=f"req-{entry.remote}")

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

    def live_of(self, number: str) -> list[LedgerEntry]:
        """Documents of ours with a number, also those that are still to appear."""
        late = any(document.number == number for _, document in self.late)
        found = [e for e in self.entries.values() if e.number == number and e.marker]
        return found or (list(self.entries.values()) if late else [])

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
            if entry.paid or entry.credited:
                return Rejected(action.key, "NOT_ALLOWED_NOW", "it is paid")
            entry = msgspec.structs.replace(entry, status=EntryStatus.VOIDED)
        elif action.kind is ActionKind.APPROVE:
            entry = msgspec.structs.replace(entry, status=EntryStatus.OPEN)
        else:
            entry = msgspec.structs.replace(entry, balance=entry.balance - action.amount)
        self.entries[action.remote] = entry
        return Done(key=action.key, remote=entry.remote, entry=entry)

    async def read_back(self, remotes: Mapping[str, DocumentKind]) -> Mapping[str, LedgerEntry]:
        return {key: self.entries[key] for key in remotes if key in self.entries}

    async def changes(self, since: datetime) -> LedgerChanges:
        return LedgerChanges(until=since)

    async def documents(self, *, first: date, last: date) -> AsyncIterator[Sequence[LedgerEntry]]:
        yield [e for e in self.entries.values() if first <= e.dated <= last]


@dataclass(slots=True)
class FakeKeeper:
    """A PSA that takes marks and payments, and loses answers."""

    fate: Fate
    invoices_by_key: dict[str, PsaInvoice] = field(default_factory=dict)
    marks: dict[str, PostedMark] = field(default_factory=dict)
    payments: list[PsaPayment] = field(default_factory=list)

    async def check_invoices(self) -> CheckResult:
        raise NotImplementedError

    async def bookkeeping(self) -> tuple[str, ...] | None:
        return ()

    async def invoices(self, *, since: datetime | None) -> AsyncIterator[Sequence[PsaInvoice]]:
        yield list(self.invoices_by_key.values())

    async def read_invoices(self, keys: Collection[str]) -> Mapping[str, PsaInvoice]:
        return {key: self.invoices_by_key[key] for key in keys if key in self.invoices_by_key}

    async def mark_posted(self, marks: Sequence[PostedMark]) -> Sequence[Outcome]:
        self.fate.may_die()
        if self.fate.strikes(0.3):
            raise OutcomeUnknown("nothing arrived")
        for mark in marks:
            self.marks[mark.invoice] = mark
            self.invoices_by_key[mark.invoice] = msgspec.structs.replace(
                self.invoices_by_key[mark.invoice],
                owner=Ownership.OURS,
                foreign={"ledger": mark.remote},
            )
        self.fate.may_die()
        if self.fate.strikes(0.4):
            raise OutcomeUnknown("the answer was lost")
        return [Delivered(mark.key, Receipt(mark.key, mark.invoice)) for mark in marks]

    async def find_payments(self, invoices: Collection[str]) -> Mapping[str, Sequence[PsaPayment]]:
        return {key: [p for p in self.payments if p.invoice == key] for key in invoices}

    async def record_payments(self, payments: Sequence[PsaPayment]) -> Sequence[Outcome]:
        self.fate.may_die()
        done: list[Outcome] = []
        for one in payments:
            remote = f"pay-{len(self.payments) + 1}"
            self.payments.append(msgspec.structs.replace(one, remote=remote, key=""))
            done.append(Delivered(one.key, Receipt(one.key, remote)))
        self.fate.may_die()
        if self.fate.strikes(0.6):
            raise OutcomeUnknown("the answer was lost")
        return done


def totals_of(document: LedgerDocument, taxes: Mapping[str, LedgerReference]) -> Totals:
    """Per line, rounded half up to cents, then added up."""
    nets, tax = [], Decimal(0)
    for line in document.lines:
        if not line.text_only and line.tax_code not in taxes:
            raise DataError(f"tax {line.tax_code} is not known")
        amount = line.quantity * line.unit_price * (100 - line.discount_percent) / 100
        net = amount.quantize(CENT, ROUND_HALF_UP)
        nets.append(net)
        if not line.text_only:
            rate = sum(taxes[line.tax_code].rates, Decimal(0))
            tax += (net * rate / 100).quantize(CENT, ROUND_HALF_UP)
    total = sum(nets, Decimal(0))
    return Totals(net=total, tax=tax, total=total + tax, lines=tuple(nets))


def line(
    n: int = 1,
    *,
    quantity: str = "2",
    price: str = "10.00",
    tax_code: str = "1",
    rate: str = "20",
    **more: Any,
) -> InvoiceLine:
    """A line with its tax rounded per line."""
    net = (Decimal(quantity) * Decimal(price)).quantize(CENT, ROUND_HALF_UP)
    tax = (net * Decimal(rate) / 100).quantize(CENT, ROUND_HALF_UP)
    return InvoiceLine(
        **{
            "key": str(n),
            "description": f"Service {n}",
            "quantity": Decimal(quantity),
            "unit_price": Decimal(price),
            "net": net,
            "tax": tax,
            "tax_rate": Decimal(rate),
            "tax_code": tax_code,
            "account": "4000",
            **more,
        }
    )


def invoice(key: str = "1", *lines: InvoiceLine, **more: Any) -> PsaInvoice:
    """A finished invoice that adds up."""
    held = lines or (line(),)
    net = sum((one.net for one in held), Decimal(0))
    tax = sum((one.tax for one in held), Decimal(0))
    return PsaInvoice(
        **{
            "key": key,
            "kind": DocumentKind.INVOICE,
            "number": f"INV-{int(key):05d}" if key.isdecimal() else key,
            "client": "c1",
            "client_name": "Acme Ltd",
            "currency": "GBP",
            "dated": date(2026, 11, 15),
            "due": date(2026, 12, 15),
            "net": net,
            "tax": tax,
            "total": net + tax,
            "lines": held,
            "finalised": True,
            "predicate": "posted",
            "owner": Ownership.FREE,
            "modified": START - timedelta(days=1),
            **more,
        }
    )


CATALOGUE = (
    LedgerReference(kind=ReferenceKind.CONTACT, key="contact-1", name="Acme Ltd"),
    LedgerReference(kind=ReferenceKind.CONTACT, key="contact-2", name="Beta Ltd", active=False),
    LedgerReference(kind=ReferenceKind.ACCOUNT, key="200", code="200", name="Sales"),
    LedgerReference(kind=ReferenceKind.ACCOUNT, key="860", code="860", name="Rounding"),
    LedgerReference(kind=ReferenceKind.TAX, key="OUT20", name="20 % VAT", rates=(Decimal(20),)),
    LedgerReference(kind=ReferenceKind.TAX, key="ZERO", name="Zero rated", rates=(Decimal(0),)),
    LedgerReference(kind=ReferenceKind.TAX, key="EXEMPT", name="Exempt", rates=(Decimal(0),)),
    LedgerReference(kind=ReferenceKind.TAX, key="NONE", name="No tax", rates=(Decimal(0),)),
)

_DECISIONS = (
    (ReferenceKind.CONTACT, "c1", "contact-1", ""),
    (ReferenceKind.ACCOUNT, "*", "200", ""),
    (ReferenceKind.TAX, "1", "OUT20", TaxMeaning.STANDARD.value),
    (ReferenceKind.TAX, "2", "ZERO", TaxMeaning.ZERO_RATED.value),
    (ReferenceKind.TAX, "3", "EXEMPT", TaxMeaning.EXEMPT.value),
    (ReferenceKind.TAX, "4", "NONE", TaxMeaning.OUT_OF_SCOPE.value),
)


REFERENCES = {(one.kind, one.key): one for one in CATALOGUE}
MAP = LedgerMap(
    contacts={"c1": [("", "contact-1")], "c2": [("", "contact-2")]},
    accounts={"*": "200"},
    taxes={
        "1": ("OUT20", TaxMeaning.STANDARD),
        "2": ("ZERO", TaxMeaning.ZERO_RATED),
        "3": ("EXEMPT", TaxMeaning.EXEMPT),
        "4": ("NONE", TaxMeaning.OUT_OF_SCOPE),
    },
    references=REFERENCES,
)
BOOKKEEPING = LedgerBook(
    key=BOOK,
    name="Acme Books",
    currency="GBP",
    currencies=("GBP", "EUR"),
    tax_mode=TaxMode.PER_LINE,
    number_limit=21,
    drafts=True,
)


async def connected(
    database: Database, *, live: bool = True, suffix: str = ""
) -> tuple[ConnectionRef, ConnectionRef]:
    """A PSA and a book, mapped, and live from the first of November."""
    async with database.writer() as conn:
        psa = await ensure_connection(conn, f"psa{suffix}", "fake-psa")
        ledger = await ensure_connection(conn, f"books{suffix}", "fake-books")
        await store_ledger_references(conn, ledger.id, CATALOGUE, now=START)
        decisions = [
            LedgerDecision(kind=kind, source=source, target=target, meaning=meaning, by="ann")
            for kind, source, target, meaning in _DECISIONS
        ]
        await write_ledger_mappings(conn, psa.id, ledger.id, new=decisions, now=START)
        if live:
            word = LedgerWord(
                book_key=BOOK,
                live=True,
                from_day=date(2026, 11, 1),
                by="ann",
                reason="the books are ready",
                at=START,
            )
            await record_ledger_golive(conn, psa.id, ledger.id, word)
    return psa, ledger


async def read(database: Database, psa: ConnectionRef, *invoices: PsaInvoice) -> None:
    """Invoices as the reader of the PSA stores them."""
    async with database.writer() as conn:
        await store_invoices(conn, psa.id, invoices, now=START)
