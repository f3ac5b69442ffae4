"""Pre- and overpayments: what they were put to is told whole, or nothing of them is believed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from syncd.sdk.errors import ProtocolError
from tests.builders_xero import ledger_document
from tests.builders_xero_books import connected


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
