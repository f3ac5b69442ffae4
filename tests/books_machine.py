"""One seed of the state machine: a handful of invoices through faults, edits and deaths.

At the end everything goes well for a while; then the books and the ledger are compared with what
the clients were shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random

import msgspec

from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.invoice_apply import apply_invoices
from syncd.core.service.invoice_plan import plan_invoices
from syncd.core.service.refusals import PlanConsumed, PlanStale
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.core.store.ledger_documents import DocumentItem, documents_of_invoices
from syncd.core.store.states import DocumentState
from syncd.sdk.errors import SyncdError
from syncd.sdk.invoice_records import DocumentKind, PsaInvoice
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.testing.fakes import RecordingLog
from tests.builders_books import Died, FakeBook, Fate, Time
from tests.builders_fate import deaths_at_commits
from tests.builders_invoices import CATALOGUE, START, connected, invoice, line, read
from tests.builders_keeper import FakeKeeper

RULES = LedgerRules(approval="automatic", negative_invoice="credit", zero_total="post")
STANDS = {DocumentState.CONFIRMED, DocumentState.DRIFTED, DocumentState.LINKED}


@dataclass(slots=True)
class Machine:
    """A PSA, a book, a database and what a person does between them."""

    database: Database
    psa: ConnectionRef
    ledger: ConnectionRef
    time: Time
    fate: Fate
    book: FakeBook
    keeper: FakeKeeper
    random: Random
    foreign: set[str] = field(default_factory=set)
    log: RecordingLog = field(default_factory=RecordingLog)

    async def cycle(self) -> None:
        """What the daemon does: read, plan, apply; each may end with the process."""
        with deaths_at_commits(self.fate):
            await self._round()

    async def _round(self) -> None:
        try:
            await read(self.database, self.psa, *self.keeper.invoices_by_key.values())
            planned = await plan_invoices(
                self.database,
                ledger=self.book,
                ledger_connection=self.ledger,
                psa_connection=self.psa,
                rules=RULES,
                clock=self.time.clock,
                log=self.log,
            )
            self.perhaps_edit()
            await apply_invoices(
                self.database,
                planned.record.id,
                ledger=self.book,
                ledger_connection=self.ledger,
                keeper=self.keeper,
                psa_connection=self.psa,
                max_age_days=7,
                clock=self.time.clock,
                log=self.log,
                sleep=self.time.sleep,
                patience_seconds=60.0,
            )
        except Died:
            # Whoever holds the lock next comes later; what was on its way may still arrive.
            self.time.now += timedelta(seconds=self.random.choice([0, 1, 40, 400]))
        except (PlanStale, PlanConsumed, SyncdError):
            self.time.now += timedelta(seconds=self.random.choice([1, 40, 400]))

    def perhaps_edit(self) -> None:
        """A person changes an invoice in the PSA before it is posted, or takes a number."""
        if not self.fate.strikes(0.3):
            return
        key = self.random.choice(sorted(self.keeper.invoices_by_key))
        one = self.keeper.invoices_by_key[key]
        if self.random.random() < 0.3 and one.number not in self.foreign:
            self.foreign.add(one.number)
            self.take_number(one)

    def take_number(self, one: PsaInvoice) -> None:
        """Somebody else enters a document under the number of an invoice."""
        taken = [e for e in self.book.entries.values() if e.number == one.number]
        if taken and self.book.unique_numbers:
            return
        self.book.add(
            LedgerEntry(
                remote=f"foreign-{one.key}",
                kind=DocumentKind.INVOICE,
                number=one.number,
                contact="contact-9",
                currency="GBP",
                dated=one.dated,
                status=EntryStatus.OPEN,
                net=Decimal("1.00"),
                tax=Decimal("0.00"),
                total=Decimal("1.00"),
                balance=Decimal("1.00"),
            )
        )


async def run_seed(database: Database, seed: int) -> None:
    """Everything about one seed; the message of a failure names what is wrong."""
    random = Random(seed)
    suffix = f"-{seed}"
    psa, ledger = await connected(database, suffix=suffix)
    fate = Fate(random=random, odds=random.choice([0.1, 0.3, 0.5]), deaths=random.randint(0, 6))
    # Names of plans are by the second: seeds that share a database must not share the second too.
    time = Time(now=START + timedelta(seconds=seed), fate=fate)
    book = FakeBook(
        time=time, fate=fate, unique_numbers=random.random() < 0.7, size=random.choice([1, 2, 3])
    )
    book.catalogue = list(CATALOGUE)
    keeper = FakeKeeper(fate=fate)
    for number in range(1, random.randint(2, 5)):
        one = _invoice(random, f"{seed}{number:03d}")
        keeper.invoices_by_key[one.key] = one
    machine = Machine(
        database=database,
        psa=psa,
        ledger=ledger,
        time=time,
        fate=fate,
        book=book,
        keeper=keeper,
        random=random,
    )
    for _ in range(random.randint(1, 4)):
        await machine.cycle()
        at_most_one(machine.book.entries.values())
        if random.random() < 0.3:
            _edit(machine)
    fate.odds, fate.deaths = 0.0, 0
    for _ in range(2):
        time.now += timedelta(minutes=10)
        with suppress(PlanConsumed, PlanStale):
            await machine.cycle()
        at_most_one(machine.book.entries.values())
    await _proven(machine)


def _invoice(random: Random, key: str) -> PsaInvoice:
    lines = [
        line(
            n,
            quantity=str(random.randint(1, 40)),
            price=str(Decimal(random.randint(1, 99999)) / 10000),
        )
        for n in range(1, random.randint(2, 5))
    ]
    return invoice(key, *lines, number=f"N{key}")


def _edit(machine: Machine) -> None:
    """The PSA changes an invoice; once it is posted that is somebody else's affair."""
    key = machine.random.choice(sorted(machine.keeper.invoices_by_key))
    if machine.book.has(machine.keeper.invoices_by_key[key].number):
        return
    old = machine.keeper.invoices_by_key[key]
    new = invoice(key, line(1, quantity="7", price="3.00"), number=old.number)
    machine.keeper.invoices_by_key[key] = msgspec.structs.replace(
        new, modified=old.modified + timedelta(minutes=1)
    )


def at_most_one(entries: Iterable[LedgerEntry]) -> None:
    """No marker stands twice, and no number of ours twice among documents of its kind."""
    gone = {EntryStatus.VOIDED, EntryStatus.DELETED}
    ours = [one for one in entries if one.marker and one.status not in gone]
    for what, found in (
        ("marker", Counter(one.marker for one in ours)),
        ("number", Counter((one.kind, one.number) for one in ours)),
    ):
        twice = [name for name, n in found.items() if n > 1]
        assert not twice, f"live documents with one {what}: {twice}"


async def _proven(machine: Machine) -> None:
    """None lost, each amount that of its source, each told to the PSA or to a person."""
    async with machine.database.reader() as conn:
        rows = await documents_of_invoices(
            conn, machine.psa.id, machine.keeper.invoices_by_key, ledger_id=machine.ledger.id
        )
        issues = {one.subject for one in await open_issues(conn, connection=machine.ledger.name)}
    for key, one in machine.keeper.invoices_by_key.items():
        items = rows.get(key, [])
        assert len(items) == 1, f"invoice {key} has {len(items)} ledger rows"
        _one_proven(machine, one, items[0], issues)


def _one_proven(machine: Machine, one: PsaInvoice, item: DocumentItem, issues: set[str]) -> None:
    live = machine.book.live(item.marker)
    if item.state in STANDS:
        assert len(live) == 1, f"{one.number} is {item.state} and stands {len(live)} times"
        assert live[0].remote == item.remote
        mark = machine.keeper.marks.get(one.key)
        assert mark is not None, f"the PSA was never told of {one.number}"
        assert mark.remote == item.remote
        moved = item.state is DocumentState.DRIFTED
        assert moved or live[0].total == item.total, f"{one.number} has another total"
        source = machine.keeper.invoices_by_key[one.key]
        assert live[0].total == source.total, f"{one.number}: not the total of its source"
        assert live[0].net == source.net
        assert live[0].tax == source.tax
        return
    assert item.state in {DocumentState.NEEDS_REVIEW, DocumentState.REFUSED}, (
        f"{one.number} is left {item.state} ({item.detail})"
    )
    assert not live or item.state is DocumentState.NEEDS_REVIEW, f"{one.number} is lost"
    subject = f"{machine.ledger.name}/{item.number}"
    assert subject in issues, f"nobody is told that {one.number} is {item.state} ({item.code})"
