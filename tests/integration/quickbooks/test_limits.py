"""Connections that are opened in turn share what Intuit counts: it knows the company and the app.

A round opens a book anew, and the next one may follow within the minute that is counted.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
from syncd_quickbooks import CONNECTOR

from syncd.sdk.connector import Ports, RateLimit
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import Posted, PostOutcome
from syncd.sdk.psa_records import NotSent
from tests.builders_quickbooks import Opened, context, document, opened


def again(
    books: Opened, limits: RateLimit = CONNECTOR.limits
) -> AbstractAsyncContextManager[Ports]:
    """Another connection to the same company, as the next round opens it."""
    return CONNECTOR.open(replace(context(books.vault, books.clock), limits=limits))


async def test_forty_batches_a_minute_are_kept_over_connections_that_follow_each_other() -> None:
    async with opened() as books:
        quota = books.simulator.quotas[books.simulator.company.realm]
        number = 0
        for _ in range(3):
            async with again(books) as ports:
                assert ports.ledger is not None
                for _ in range(18):
                    number += 1
                    (outcome,) = await ports.ledger.post([document(str(number))])
                    assert isinstance(outcome, Posted), outcome
        assert quota.refused == 0


async def test_ten_calls_a_second_are_used_as_soon_as_they_surely_are_ours() -> None:
    async with opened() as books:
        quota = books.simulator.quotas[books.simulator.company.realm]
        await books.ledger.book()
        assert (len(books.sent), books.stopwatch.now) == (3, 0.0)  # another process may have ended
        for _ in range(50):
            await books.ledger.read_back({"1": DocumentKind.INVOICE})
        assert len(books.sent) == 53
        assert books.stopwatch.now == pytest.approx(5.0, abs=0.01)
        assert quota.refused == 0


async def test_a_quota_of_the_configuration_is_kept_over_them_as_well() -> None:
    limits = RateLimit(calls=6, window_seconds=60.0, concurrency=2)
    async with opened({"realm_minute": 6}) as books:
        quota = books.simulator.quotas[books.simulator.company.realm]
        for _ in range(3):
            async with again(books, limits) as ports:
                assert ports.ledger is not None
                for _ in range(2):
                    await ports.ledger.book()
        assert quota.refused == 0
        assert books.stopwatch.now >= 120.0


async def test_what_was_put_off_is_asked_anew_by_the_connection_that_follows() -> None:
    # QuickBooks may remember the refusal under the id of the request, and repeat it for ever.
    async with opened({"throttled_items": 1}) as books:
        outcomes: list[PostOutcome] = []
        for _ in range(2):
            async with again(books) as ports:
                assert ports.ledger is not None
                outcomes += await ports.ledger.post([document("1")])
        assert [type(one) for one in outcomes] == [NotSent, Posted]


async def test_an_idle_round_costs_four_calls_and_one_less_where_there_is_one_currency() -> None:
    for multicurrency, calls in ((True, 4), (False, 3)):
        async with opened({"multicurrency": multicurrency}) as books:
            await books.ledger.book()
            changes = await books.ledger.changes(books.clock() - timedelta(minutes=15))
            assert changes.whole
            assert len(books.sent) == calls
