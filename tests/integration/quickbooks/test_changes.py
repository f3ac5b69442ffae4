"""What changed in the simulated company: documents, payments by invoice, deletions, and gaps."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerChanges
from syncd.sdk.ledger_writes import Posted
from tests.builders_quickbooks import NOW, Opened, document, line, opened

BEFORE = NOW - timedelta(days=1)


async def post(books: Opened, number: str = "1", **more: object) -> str:
    (outcome,) = await books.ledger.post([document(number, **more)])
    assert isinstance(outcome, Posted), outcome
    return outcome.entry.remote


def parts(changes: LedgerChanges) -> list[tuple[str, Decimal, bool]]:
    return [(one.document, one.amount, one.deleted) for one in changes.payments]


async def test_one_question_tells_documents_payments_and_deletions() -> None:
    async with opened() as books:
        first, second = await post(books, "1"), await post(books, "2")
        books.simulator.hand.pay(first, Decimal("10.00"))
        books.simulator.hand.delete(second)
        books.sent.clear()
        changes = await books.ledger.changes(BEFORE)
        assert [one.url.path.rpartition("/")[2] for one in books.sent] == ["cdc"]
        assert [(one.remote, one.paid, one.balance) for one in changes.entries] == [
            (first, Decimal("10.00"), Decimal("26.00"))
        ]
        assert changes.removed == (second,)
        assert parts(changes) == [(first, Decimal("10.00"), False)]
        assert changes.whole
        assert not changes.removals_missing
        assert changes.until == NOW - timedelta(minutes=5)


async def test_a_payment_of_several_invoices_is_told_for_each() -> None:
    async with opened() as books:
        first, second = await post(books, "1"), await post(books, "2")
        books.simulator.hand.pay({first: "36.00", second: "6.00"}, "50.00")
        changes = await books.ledger.changes(BEFORE)
        assert parts(changes) == [
            (first, Decimal("36.00"), False),
            (second, Decimal("6.00"), False),
            ("", Decimal("8.00"), False),
        ]
        assert len({(one.remote, one.allocation) for one in changes.payments}) == 3


@pytest.mark.parametrize("void", [False, True])
async def test_a_payment_that_is_taken_back_says_so(void: bool) -> None:
    async with opened() as books:
        payment = books.simulator.hand.pay(await post(books))
        books.simulator.hand.take_back(payment, void=void)
        changes = await books.ledger.changes(BEFORE)
        assert [(one.remote, one.deleted) for one in changes.payments] == [(payment, True)]


async def test_a_note_that_begins_with_voided_takes_no_money_back() -> None:
    async with opened() as books:
        payment = books.simulator.hand.pay(await post(books))
        row = books.simulator.company.row("Payment", payment)
        row["PrivateNote"] = "Voided cheque 114, replaced by this transfer"
        (told,) = (await books.ledger.changes(BEFORE)).payments
        assert (told.remote, told.deleted, told.amount) == (payment, False, Decimal("36.00"))


async def test_a_credit_that_is_applied_is_no_money() -> None:
    async with opened() as books:
        invoice = await post(books)
        lines = [line("1", "5.00", tax="3")]
        memo = await post(books, "C1", kind=DocumentKind.CREDIT, due=None, lines=lines)
        books.simulator.hand.use_credit(memo, invoice, "5.00")
        changes = await books.ledger.changes(BEFORE)
        assert [one.amount for one in changes.payments if not one.deleted] == []
        told = {one.remote: one for one in changes.entries}
        assert told[memo].status is EntryStatus.PAID
        assert told[invoice].balance == Decimal("31.00")


async def test_more_than_the_feed_tells_is_read_by_kind_and_then_by_query() -> None:
    async with opened({"app_second": 0, "realm_minute": 0, "batch_minute": 0}) as books:
        hand = books.simulator.hand
        for number in range(1100):
            hand.invoice("101", f"H{number}", "1.00")
        gone = hand.documents()[0]["Id"]
        hand.delete(gone)
        changes = await books.ledger.changes(BEFORE)
        assert len({one.remote for one in changes.entries}) == 1099
        assert changes.whole
        assert changes.removals_missing
        paths = [one.url.path.rpartition("/")[2] for one in books.sent]
        assert paths.count("cdc") == 4


async def test_what_lies_before_the_feed_is_asked_by_its_last_change() -> None:
    async with opened() as books:
        remote = await post(books)
        changes = await books.ledger.changes(NOW - timedelta(days=90))
        assert [one.remote for one in changes.entries] == [remote]
        assert changes.removals_missing


async def test_a_void_by_hand_is_seen_with_its_number() -> None:
    async with opened({"void_note": "replace"}) as books:
        remote = await post(books)
        books.simulator.hand.void(remote)
        (entry,) = (await books.ledger.changes(BEFORE)).entries
        assert (entry.status, entry.number, entry.marker) == (EntryStatus.VOIDED, "1", "")
