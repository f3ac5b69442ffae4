"""Documents that were posted, a book in which people work, and a PSA that changes its mind.

Built on the fake book and keeper of posting; time moves only when a test says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlmodel import col

from syncd.core.invoicing.plan_rows import RowState, Step
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.book_plan import plan_book
from syncd.core.service.invoice_apply import AppliedInvoices, apply_invoices, deliver_all
from syncd.core.service.invoice_plan import PlannedInvoices
from syncd.core.service.invoice_queueing import queue_plan
from syncd.core.service.ledger_payments import PaymentReport, settle_payments
from syncd.core.service.read_back import ReadBackReport, read_back
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.invoices import store_invoices
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.ledger_documents import DocumentItem, find_documents_by
from syncd.core.store.ledger_payments import StoredPart, parts_of_ledger
from syncd.core.store.tables.ledger import LedgerActionRow
from syncd.sdk.errors import VendorUnavailable
from syncd.sdk.invoice_records import PsaInvoice, PsaPayment
from syncd.sdk.ledger_records import (
    EntryStatus,
    LedgerBook,
    LedgerChanges,
    LedgerEntry,
    LedgerPayment,
)
from tests.builders_books import (
    CATALOGUE,
    FakeBook,
    FakeKeeper,
    Fate,
    Time,
    connected,
)

LONDON = ZoneInfo("Europe/London")


@dataclass(slots=True)
class LivingBook(FakeBook):
    """A book in which people edit, void and pay.

    Attributes:
        moved: when each document last changed.
        money: parts of payments with the moment of their last change.
        gone: ids that are gone for good, with the moment.
        cap: most changes of one answer; None for no limit.
        summaries: changes come without lines.
        asked: moments that `changes` was asked for.
        down: nothing answers.
    """

    moved: dict[str, datetime] = field(default_factory=dict)
    money: list[tuple[datetime, LedgerPayment]] = field(default_factory=list)
    gone: list[tuple[datetime, str]] = field(default_factory=list)
    cap: int | None = None
    summaries: bool = False
    asked: list[datetime] = field(default_factory=list)
    down: bool = False

    async def book(self) -> LedgerBook:
        if self.down:
            message = "the books are down"
            raise VendorUnavailable(message)
        return await FakeBook.book(self)

    def edit(self, remote: str, **changed: Any) -> LedgerEntry:
        """Somebody changes a document."""
        entry = msgspec.structs.replace(self.entries[remote], **changed)
        version = str(int(entry.version or "0") + 1)
        self.entries[remote] = msgspec.structs.replace(entry, version=version)
        self.moved[remote] = self.time.now
        return self.entries[remote]

    def delete(self, remote: str, *, told: bool = True) -> None:
        """Somebody deletes a document for good."""
        del self.entries[remote]
        if told:
            self.gone.append((self.time.now, remote))

    def approve(self, remote: str) -> LedgerEntry:
        return self.edit(remote, status=EntryStatus.OPEN)

    def pay(self, remote: str, amount: str, payment: str = "p1", **more: Any) -> LedgerPayment:
        """Somebody enters a payment for a document."""
        entry, worth = self.entries[remote], Decimal(amount)
        left = entry.balance - worth
        status = EntryStatus.OPEN if left else EntryStatus.PAID
        self.edit(remote, paid=entry.paid + worth, balance=left, status=status)
        return self.money_of(
            remote=payment, document=remote, contact=entry.contact, amount=worth,
            currency=entry.currency, **more,
        )  # fmt: skip

    def money_of(self, **values: Any) -> LedgerPayment:
        """A part of a payment, new or as it is now."""
        part = LedgerPayment(**{"dated": date(2026, 11, 20), "currency": "GBP", **values})
        self.money = [
            one
            for one in self.money
            if (one[1].remote, one[1].allocation) != (part.remote, part.allocation)
        ]
        self.money.append((self.time.now, part))
        return part

    async def changes(self, since: datetime) -> LedgerChanges:
        self.asked.append(since)
        found: list[tuple[datetime, Any]] = [
            (at, self.entries[remote])
            for remote, at in self.moved.items()
            if at >= since and remote in self.entries
        ]
        found += [one for one in [*self.money, *self.gone] if one[0] >= since]
        found.sort(key=lambda one: one[0])
        whole = self.cap is None or len(found) <= self.cap
        shown = found if whole else []
        entries = [one for _, one in shown if isinstance(one, LedgerEntry)]
        if self.summaries:
            entries = [msgspec.structs.replace(one, lines=(), whole=False) for one in entries]
        return LedgerChanges(
            entries=tuple(entries),
            payments=tuple(one for _, one in shown if isinstance(one, LedgerPayment)),
            removed=tuple(one for _, one in shown if isinstance(one, str)),
            until=self.time.now if whole else since,
            whole=whole,
        )


@dataclass(slots=True)
class Desk:
    """A PSA, a book, and everything between them."""

    database: Database
    psa: ConnectionRef
    connection: ConnectionRef
    time: Time
    book: LivingBook
    keeper: FakeKeeper
    rules: LedgerRules = field(
        default_factory=lambda: LedgerRules(approved=True, approval="automatic")
    )
    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def log(self, event: str, /, **fields: Any) -> None:
        self.lines.append((event, fields))

    async def shown(self, *invoices: PsaInvoice) -> None:
        """The PSA shows these now, and they were read."""
        for one in invoices:
            self.keeper.invoices_by_key[one.key] = one
        async with self.database.writer() as conn:
            await store_invoices(conn, self.psa.id, invoices, now=self.time.now)

    async def plan(self) -> PlannedInvoices:
        return await plan_book(
            self.database,
            ledger=self.book,
            ledger_connection=self.connection,
            psa_connection=self.psa,
            rules=self.rules,
            timezone=LONDON,
            clock=self.time.clock,
            log=self.log,
        )

    async def apply(self, plan: PlannedInvoices) -> AppliedInvoices:
        return await apply_invoices(
            self.database,
            plan.record.id,
            ledger=self.book,
            ledger_connection=self.connection,
            keeper=self.keeper,
            psa_connection=self.psa,
            max_age_days=7,
            clock=self.time.clock,
            log=self.log,
            sleep=self.time.sleep,
        )

    async def post(self, *invoices: PsaInvoice) -> list[DocumentItem]:
        """Read, plan and apply; the documents as they stand, in the order of the invoices."""
        await self.shown(*invoices)
        await self.apply(await self.plan())
        return [await self.document(one.number) for one in invoices]

    async def deliver(self) -> None:
        await deliver_all(
            self.database,
            ledger=self.book,
            ledger_connection=self.connection,
            keeper=self.keeper,
            psa_connection=self.psa,
            clock=self.time.clock,
            log=self.log,
            sleep=self.time.sleep,
        )

    async def look(self, *, why_off: str = "", sweep: int = 200) -> ReadBackReport:
        """Read the book back, a minute later."""
        self.time.now += timedelta(minutes=1)
        return await read_back(
            self.database,
            self.book,
            connection=self.connection,
            rules=self.rules,
            why_off=why_off,
            clock=self.time.clock,
            log=self.log,
            sweep=sweep,
        )

    async def settle(self) -> PaymentReport:
        return await settle_payments(
            self.database,
            self.keeper,
            ledger=self.connection,
            psa=self.psa,
            book_key=self.book.key,
            clock=self.time.clock,
            log=self.log,
        )

    async def paid_over(self) -> list[Decimal]:
        """Look, settle, deliver and settle; what the PSA knows of payments then."""
        await self.look()
        await self.settle()
        await self.deliver()
        await self.settle()
        return [one.amount for one in self.keeper.payments]

    async def document(self, number: str) -> DocumentItem:
        async with self.database.reader() as conn:
            return (await find_documents_by(conn, number))[-1]

    async def parts(self) -> list[StoredPart]:
        async with self.database.reader() as conn:
            return await parts_of_ledger(conn, self.connection.id)

    async def issues(self) -> list[Issue]:
        async with self.database.reader() as conn:
            return await open_issues(conn, connection=self.connection.name)

    async def codes(self) -> list[str]:
        return sorted(one.code for one in await self.issues())

    async def actions(self, kind: str) -> Sequence[Any]:
        async with self.database.reader() as conn:
            statement = select(LedgerActionRow).where(col(LedgerActionRow.kind) == kind)
            return (await conn.execute(statement)).all()


async def desk(database: Database, **rules: Any) -> Desk:
    """A live book without anything in it."""
    psa, connection = await connected(database)
    fate = Fate()
    time = Time(fate=fate)
    book = LivingBook(time=time, fate=fate, catalogue=list(CATALOGUE))
    made = Desk(database, psa, connection, time, book, FakeKeeper(fate))
    made.rules = LedgerRules(**{"approved": True, "approval": "automatic", **rules})
    return made


def entered(key: str, amount: str, day: int = 20, remote: str = "by-hand") -> PsaPayment:
    """A payment that somebody entered in the PSA."""
    return PsaPayment(remote=remote, invoice=key, amount=Decimal(amount), dated=date(2026, 11, day))


async def queued(one: Desk) -> PlannedInvoices:
    """A plan whose rows were queued, and of which nothing was sent yet."""
    made = await one.plan()
    done = await queue_plan(
        one.database,
        made.record,
        ledger_connection=one.connection,
        psa_connection=one.psa,
        book_key=one.book.key,
        now=one.time.now,
        max_age_days=7,
    )
    assert done.documents or done.actions
    return made


async def steps(one: Desk) -> list[tuple[Step, RowState, Decimal]]:
    """What a plan would do now, with what it does to the books' total."""
    plan = await one.plan()
    return [
        (row.step.step, row.state, row.step.effect)
        for row in plan.record.rows
        if row.state is not RowState.APPLIED
    ]
