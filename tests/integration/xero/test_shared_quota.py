"""What one client used or learnt of an organisation's quota is known to the next one."""

from __future__ import annotations

from typing import Any

import pytest
from syncd_xero.sandbox import tenant_id

from syncd.sdk.errors import RateLimited
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import Posted
from syncd.sdk.psa_records import NotSent
from tests.builders_xero import documents
from tests.builders_xero_books import CONSENT, Books, connected

RESERVE = 20
SOMETHING = {"aaaaaaaa-0000-0000-0000-000000000000": DocumentKind.INVOICE}


async def nearly_spent(books: Books) -> None:
    """The day's calls are used up to the reserve, and the connection knows it."""
    books.hand.take_calls(100 - RESERVE - 1)
    await books.ledger.read_back(SOMETHING)


def low(**more: Any) -> dict[str, Any]:
    options = {"day_calls": 100, "minute_calls": 0, "organisations": 2}
    return {"options": options, "day_reserve": RESERVE, **more}


async def test_clients_opened_in_turn_keep_one_minute_together() -> None:
    async with connected() as books:
        for _ in range(40):
            await books.ledger.read_back(SOMETHING)
        async with books.reopened() as second:
            for _ in range(40):
                await second.read_back(SOMETHING)
        assert books.stopwatch.now >= 60
        assert not books.simulator.first.quota.refused


async def test_another_organisation_has_a_minute_of_its_own() -> None:
    async with connected(options={"organisations": 2}, **CONSENT) as books:
        for _ in range(60):
            await books.ledger.read_back(SOMETHING)
        async with books.reopened(organisation=tenant_id(2)) as second:
            await second.read_back(SOMETHING)
        assert books.stopwatch.now < 60


async def test_the_reserve_is_known_to_a_client_that_asked_nothing_yet() -> None:
    async with connected(**low()) as books:
        await nearly_spent(books)
        async with books.reopened() as second:
            before = books.simulator.first.quota.admitted
            with pytest.raises(RateLimited, match="kept for writes"):
                await second.read_back(SOMETHING)
            assert books.simulator.first.quota.admitted == before


async def test_a_day_that_is_spent_is_known_to_a_client_that_asked_nothing_yet() -> None:
    async with connected(**low()) as books:
        books.hand.take_calls(100)
        [outcome] = await books.ledger.post(documents(1))
        assert isinstance(outcome, NotSent)
        async with books.reopened() as second:
            refused = books.simulator.first.quota.refused["day"]
            [outcome] = await second.post(documents(1))
            assert isinstance(outcome, NotSent)
            assert books.simulator.first.quota.refused["day"] == refused, "it is not asked again"


@pytest.mark.parametrize("access", ["custom", "consent"])
async def test_the_reserve_serves_deliveries_from_their_first_call(access: str) -> None:
    more = CONSENT if access == "consent" else {}
    async with connected(**low(**more)) as books:
        await nearly_spent(books)
        async with books.reopened() as second:
            assert (await second.book()).currency == "GBP"
            [outcome] = await second.post(documents(1))
            assert isinstance(outcome, Posted)


@pytest.mark.parametrize(("access", "calls"), [("custom", 1), ("consent", 0)])
async def test_asking_who_the_books_are_again_and_again_leaves_the_reserve_alone(
    access: str, calls: int
) -> None:
    more = CONSENT if access == "consent" else {}
    async with connected(**low(**more)) as books:
        first = await books.ledger.book()
        await nearly_spent(books)
        before = books.simulator.first.quota.admitted
        for _ in range(10):
            async with books.reopened() as later:
                assert await later.book() == first
        assert books.simulator.first.quota.admitted - before == 10 * calls


async def test_a_consent_that_names_no_organisation_is_never_answered_from_memory() -> None:
    async with connected(**low(**CONSENT, organisation="")) as books:
        books.simulator.logins.disconnect(list(books.simulator.organisations)[1])
        first = await books.ledger.book()
        await nearly_spent(books)
        books.hand.lock("2026-11-15")
        async with books.reopened() as later:
            assert (await later.book()).locked_until != first.locked_until
