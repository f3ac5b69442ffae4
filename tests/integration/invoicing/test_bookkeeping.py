"""Writes beside documents: none is made twice, whatever became of its answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from syncd.core.invoicing.drafting import draft
from syncd.core.invoicing.identity import marker_of
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.ledger_actions import queue_action
from syncd.core.service.ledger_delivery import deliver_to_book, deliver_to_psa
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.core.store.ledger_actions import RECORD_PAYMENT, actions_of_key
from syncd.core.store.states import OutboxState
from syncd.sdk.errors import AuthError
from syncd.sdk.invoice_records import PsaPayment
from syncd.sdk.ledger_records import EntryStatus
from syncd.sdk.ledger_writes import ActionKind, LedgerAction
from syncd.sdk.testing.fakes import RecordingLog
from tests.builders_books import FakeBook
from tests.builders_fate import Died, Fate, Time
from tests.builders_invoices import BOOKKEEPING, CATALOGUE, MAP, START, connected, invoice
from tests.builders_keeper import FakeKeeper


def payment(n: int = 1) -> PsaPayment:
    """A payment that carries our marker."""
    key = f"book:org:payment:{n}:"
    return PsaPayment(
        key=key,
        invoice="1",
        amount=Decimal("10.00"),
        dated=date(2026, 11, 18),
        reference=f"bank {marker_of(key)}",
    )


async def queue(
    database: Database, kind: str, to: ConnectionRef, payload: LedgerAction | PsaPayment
) -> bool:
    """Queue one write; False if it stands already."""
    async with database.writer() as conn:
        return (
            await queue_action(conn, kind=kind, connection_id=to.id, payload=payload, now=START)
            is not None
        )


async def state_of(database: Database, key: str) -> OutboxState:
    """How the newest row of a key stands."""
    async with database.reader() as conn:
        return (await actions_of_key(conn, key))[-1].state


@pytest.mark.parametrize("seed", range(12))
async def test_a_payment_is_recorded_once_whatever_happens(
    seed: int, sqlite_database: Database
) -> None:
    psa, _ = await connected(sqlite_database)
    fate = Fate(random=Random(seed), odds=0.5, deaths=4)
    time = Time(fate=fate)
    keeper = FakeKeeper(fate=fate, invoices_by_key={"1": invoice("1")})
    for n in (1, 2, 3):
        await queue(sqlite_database, RECORD_PAYMENT, psa, payment(n))
    for attempt in range(12):
        if attempt == 10:
            fate.odds = 0.0
        try:
            await deliver_to_psa(
                sqlite_database,
                keeper,
                psa,
                clock=time.clock,
                log=RecordingLog(),
                sleep=time.sleep,
            )
        except Died:
            continue
    assert sorted(one.reference for one in keeper.payments) == sorted(
        payment(n).reference for n in (1, 2, 3)
    )
    for n in (1, 2, 3):
        assert await state_of(sqlite_database, payment(n).key) is OutboxState.DELIVERED


async def test_a_key_is_queued_once_and_again_only_after_a_refusal(database: Database) -> None:
    psa, ledger = await connected(database)
    fate = Fate()
    time = Time(fate=fate)
    book = FakeBook(time=time, fate=fate, catalogue=list(CATALOGUE))
    taken = LedgerAction(
        key="k1", attempt="", kind=ActionKind.CREATE_CONTACT, name="Acme Ltd", foreign_key="c9"
    )
    assert await queue(database, taken.kind.value, ledger, taken)
    assert not await queue(database, taken.kind.value, ledger, taken)
    report = await deliver_to_book(
        database, book, ledger, clock=time.clock, log=RecordingLog(), sleep=time.sleep
    )
    assert report.rejected == 1
    async with database.reader() as conn:
        (issue,) = await open_issues(conn)
    assert issue.code == "WRITE_REFUSED"
    assert "NAME_TAKEN" in issue.message
    assert await queue(database, taken.kind.value, ledger, taken)
    async with database.reader() as conn:
        first, second = await actions_of_key(conn, "k1")
    assert isinstance(first.payload, LedgerAction)
    assert isinstance(second.payload, LedgerAction)
    assert first.payload.attempt != second.payload.attempt
    assert psa.id != ledger.id


async def test_a_void_whose_answer_was_lost_is_found_by_reading(database: Database) -> None:
    _, ledger = await connected(database)
    fate = Fate()
    time = Time(fate=fate)
    book = FakeBook(time=time, fate=fate, catalogue=list(CATALOGUE))
    drafted = draft(invoice("1"), mapping=MAP, book=BOOKKEEPING, rules=LedgerRules())
    assert drafted.document is not None
    entry = book.entry_of(drafted.document)
    book.add(entry)
    void = LedgerAction(
        key="v", attempt="", kind=ActionKind.VOID, remote=entry.remote, version=entry.version
    )
    await queue(database, void.kind.value, ledger, void)
    fate.random, fate.odds = Random(1), 1.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fate, "may_die", lambda self, share=0.3: None)
        patch.setattr(Fate, "strikes", lambda self, share=1.0: share == 0.6)
        report = await deliver_to_book(
            database,
            book,
            ledger,
            clock=time.clock,
            log=RecordingLog(),
            sleep=time.sleep,
            patience_seconds=0.0,
        )
    assert report.waiting == 1
    assert book.entries[entry.remote].status is EntryStatus.VOIDED
    fate.odds = 0.0
    await deliver_to_book(
        database, book, ledger, clock=time.clock, log=RecordingLog(), sleep=time.sleep
    )
    assert await state_of(database, "v") is OutboxState.DELIVERED


async def test_refused_credentials_leave_everything_waiting(sqlite_database: Database) -> None:
    psa, _ = await connected(sqlite_database)

    class Locked(FakeKeeper):
        async def record_payments(self, payments: object) -> list[object]:
            raise AuthError("the key was revoked")

    await queue(sqlite_database, RECORD_PAYMENT, psa, payment())
    time = Time()
    report = await deliver_to_psa(
        sqlite_database,
        Locked(fate=Fate()),  # type: ignore[arg-type]
        psa,
        clock=time.clock,
        log=RecordingLog(),
        sleep=time.sleep,
    )
    assert isinstance(report.stopped_by, AuthError)
    assert await state_of(sqlite_database, payment().key) is OutboxState.PENDING
