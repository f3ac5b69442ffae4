"""A clock that was ahead for one round: what happened since is asked for, not passed over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from syncd.core.service.invoice_reading import InvoiceRead, read_invoices
from syncd.core.store.database import Database
from syncd.sdk.invoice_records import PsaInvoice
from tests.builders_after import desk
from tests.builders_books import FakeKeeper, Fate, invoice

AHEAD = timedelta(days=3)
ROUND = timedelta(minutes=15)


class ChangingKeeper(FakeKeeper):
    """A PSA that tells only what changed since the moment that is asked for."""

    asked: list[datetime | None]

    async def invoices(
        self, *, since: datetime | None = None
    ) -> AsyncIterator[Sequence[PsaInvoice]]:
        self.asked.append(since)
        every = self.invoices_by_key.values()
        yield [one for one in every if since is None or one.modified >= since]


async def test_invoices_are_read_again_after_a_round_of_the_future(database: Database) -> None:
    one = await desk(database)
    keeper = ChangingKeeper(Fate())
    keeper.asked = []
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    async def read(at: datetime) -> InvoiceRead:
        return await read_invoices(
            one.database,
            one.psa,
            keeper,
            overlap=timedelta(minutes=60),
            sweep_days=400,
            clock=lambda: at,
            log=one.log,
        )

    await read(now)
    await read(now + ROUND + AHEAD)
    keeper.invoices_by_key["9"] = msgspec.structs.replace(
        invoice("9"), modified=now + timedelta(minutes=20)
    )
    assert (await read(now + 2 * ROUND)).stored.new == 1
    await read(now + 3 * ROUND)
    usual = now + 2 * ROUND - timedelta(minutes=60)
    assert keeper.asked[-1] == usual, "the watermark is set back, so that the next read is short"


async def test_payments_of_the_time_after_a_round_of_the_future_are_seen(
    database: Database,
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    assert document.remote is not None
    await one.look()
    one.time.now += AHEAD
    await one.look()
    one.time.now -= AHEAD
    one.book.pay(document.remote, "24.00")
    await one.look()
    assert [part.amount for part in await one.parts()] == [24]
    asked = len(one.book.asked)
    before = one.time.now
    await one.look()
    (since,) = one.book.asked[asked:]
    assert before - timedelta(hours=2) < since <= before, "the watermark is set back"
