"""Pre- and overpayments: what they were put to is told whole, or nothing of them is believed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from syncd_xero.webhooks import receive

from syncd.sdk.errors import ProtocolError
from syncd.sdk.ledger_writes import Posted
from syncd.sdk.webhooks import Announced
from tests.builders_xero import ONE, ledger_document
from tests.builders_xero_books import connected


async def test_a_prepayment_is_told_with_what_it_was_put_to() -> None:
    async with connected() as books:
        [posted] = await books.ledger.post([ledger_document("SI-1", approved=True)])
        assert isinstance(posted, Posted)
        start = books.world.now() - timedelta(minutes=5)
        key = books.hand.prepay(ONE, "20.00")
        books.hand.allocate(key, "SI-1", "12.00")
        changes = await books.ledger.changes(start)
        parts = [(one.remote, one.document, one.amount) for one in changes.payments]
        assert parts == [(key, posted.entry.remote, Decimal(12)), (key, "", Decimal(8))]


async def test_pre_and_overpayments_are_announced_as_payments() -> None:
    async with connected() as books:
        await books.ledger.post([ledger_document("SI-1", approved=True)])
        books.hand.webhooks()
        money = {books.hand.prepay(ONE, "20.00"), books.hand.overpay("SI-1", "5.00")}
        told: set[str] = set()
        for one in books.hand.webhooks(batch=1):
            answer = receive(books.context.config, one.headers, one.body, books.world.now())
            told |= {each.remote for each in answer.announcements if each.what is Announced.PAYMENT}
        assert told == money


async def test_an_overpayment_without_its_parts_is_an_error_and_takes_nothing_back() -> None:
    async with connected() as books:
        sent = [ledger_document(f"SI-{n}", approved=True) for n in (1, 2)]
        await books.ledger.post(sent)
        start = books.world.now() - timedelta(minutes=5)
        books.hand.allocate(books.hand.overpay("SI-1", "5.00"), "SI-2", "3.00")
        shown = await books.ledger.changes(start)
        put = [one.amount for one in shown.payments if one.allocation]
        assert put == [Decimal("3.00")]
        books.simulator.options.hide_allocations = True
        with pytest.raises(ProtocolError, match=r"3\.00 of a payment of 5\.00"):
            await books.ledger.changes(start)
