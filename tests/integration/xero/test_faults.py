"""What Xero can do to the connector in the middle of its work, and what becomes of documents."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from syncd_xero import CONNECTOR
from syncd_xero.sandbox import REFRESH_TOKEN, SANDBOX, SECRET, WEBHOOK_KEY, tenant_id

from syncd.sdk.errors import AuthError, RateLimited, SyncdError
from syncd.sdk.ledger_writes import Posted, PostOutcome, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.postings import wanted
from tests.builders_tokens import MemoryVault
from tests.builders_xero import ONE, books, documents, invoice, ledger_document, ledger_line
from tests.builders_xero_books import CONSENT, Books, connected

LOST = Fault(action=Action.CUT_AFTER, method="PUT", path="/Invoices$", count=1)


async def found(books: Books, some: Any) -> dict[str, int]:
    rows = await books.ledger.find_documents([wanted(one) for one in some])
    return {key: len(entries) for key, entries in rows.items()}


def of(outcomes: Any, kind: type[PostOutcome]) -> int:
    return sum(isinstance(one, kind) for one in outcomes)


async def test_a_batch_that_breaks_in_the_middle_leaves_what_a_look_up_tells() -> None:
    some = documents(6)
    async with connected() as books:
        books.hand.break_batch(4)
        outcomes = await books.ledger.post(some)
        assert of(outcomes, Unknown) == 6
        there = await found(books, some)
        assert sorted(there.values()) == [0, 0, 1, 1, 1, 1]
        absent = [one for one in some if not there[one.key]]
        again = [ledger_document(one.number, *one.lines, attempt="second") for one in absent]
        outcomes = await books.ledger.post(again)
        assert of(outcomes, Posted) == 2
        assert set((await found(books, some)).values()) == {1}


async def test_an_internal_error_is_repeated_under_its_key_and_not_under_the_next() -> None:
    some = documents(1)
    async with connected() as books:
        books.hand.break_batch(0)
        assert of(await books.ledger.post(some), Unknown) == 1
        assert of(await books.ledger.post(some), Posted) == 0
        assert await found(books, some) == {some[0].key: 0}
        renewed = [ledger_document(one.number, *one.lines, attempt="second") for one in some]
        assert of(await books.ledger.post(renewed), Posted) == 1


async def test_after_six_minutes_a_repeat_is_stopped_by_the_number() -> None:
    some = documents(3)
    async with connected() as books:
        books.break_with(LOST)
        assert of(await books.ledger.post(some), Unknown) == 3
        books.break_with()
        books.hand.forget_keys()
        outcomes = await books.ledger.post(some)
        codes = {one.code for one in outcomes if isinstance(one, Rejected)}
        assert codes == {RejectedCode.NUMBER_TAKEN}
        assert set((await found(books, some)).values()) == {1}


async def test_a_search_that_lags_is_over_when_the_connector_says_so() -> None:
    some = documents(1)
    async with connected(options={"search_lag": 15.0}, settle_seconds=20) as books:
        books.break_with(LOST)
        await books.ledger.post(some)
        books.break_with()
        assert await found(books, some) == {some[0].key: 0}
        await books.stopwatch.sleep(books.ledger.post_batch.settle_seconds)
        assert await found(books, some) == {some[0].key: 1}


async def test_a_full_minute_costs_time_alone() -> None:
    some = documents(3)
    async with connected() as books:
        books.hand.take_calls(60)
        assert of(await books.ledger.post(some), Posted) == 3
        assert books.stopwatch.now >= 59


async def test_a_full_day_is_told_with_the_hours_it_takes() -> None:
    async with connected(options={"day_calls": 10, "minute_calls": 0}) as books:
        books.hand.take_calls(10)
        outcomes: Any = []
        error: RateLimited | None = None
        try:
            outcomes = await books.ledger.post(documents(2))
        except RateLimited as full:
            error = full
        waits = [error.retry_after] if error else [
            one.retry_after for one in outcomes if isinstance(one, NotSent)
        ]  # fmt: skip
        assert waits
        assert all(one is not None and one > 3600 for one in waits)
        assert books.stopwatch.now < 600
        assert not books.simulator.books.documents


@pytest.mark.parametrize("end", ["withdraw", "disconnect"])
@pytest.mark.parametrize("access", ["consent", "custom"])
async def test_a_consent_that_is_over_is_an_error_of_sign_in(end: str, access: str) -> None:
    more = CONSENT if access == "consent" else {}
    async with connected(**more) as books:
        await books.ledger.book()
        getattr(books.hand, end)()
        books.hand.expire()
        with pytest.raises(AuthError) as caught:
            await books.ledger.post(documents(2))
        assert caught.value.remedy
        assert not books.simulator.books.documents
        result = await books.ledger.check()
        assert not result.ok


async def test_a_token_that_ends_in_the_middle_is_renewed_once() -> None:
    async with connected(**CONSENT) as books:
        await books.ledger.book()
        books.hand.expire()
        assert of(await books.ledger.post(documents(2)), Posted) == 2
        assert books.simulator.logins.reused == 0


async def test_a_lost_refresh_is_healed_by_the_grace() -> None:
    vault = MemoryVault(REFRESH_TOKEN)
    async with connected(vault=vault, **CONSENT) as books:
        books.break_with(Fault(action=Action.CUT_AFTER, path="/connect/token$", count=1))
        try:
            await books.ledger.book()
        except SyncdError:
            books.break_with()
            await books.ledger.book()
        assert books.simulator.logins.refreshes >= 1
        assert vault.token is not None
        assert vault.token.value != REFRESH_TOKEN


async def test_each_thing_that_became_unusable_has_its_code() -> None:
    async with connected() as books:
        hand = books.hand
        hand.archive_contact(ONE)
        hand.archive_account("260")
        hand.archive_tax("RROUTPUT")
        cases = {
            RejectedCode.CONTACT_UNUSABLE: ledger_document("A-1"),
            RejectedCode.ACCOUNT_UNUSABLE: other("A-2", ledger_line(account="260")),
            RejectedCode.TAX_UNUSABLE: other("A-3", ledger_line(tax="RROUTPUT")),
            RejectedCode.ITEM_UNUSABLE: other("A-4", ledger_line(item="SPARE")),
            RejectedCode.CURRENCY_UNUSABLE: other("A-5", currency="CHF"),
        }
        outcomes = await books.ledger.post([*cases.values(), other("A-6")])
        told = {one.key: one.code for one in outcomes if isinstance(one, Rejected)}
        assert told == {one.key: code for code, one in cases.items()}
        assert of(outcomes, Posted) == 1


def other(number: str, *lines: Any, **more: Any) -> Any:
    from tests.builders_xero import TWO

    return ledger_document(number, *lines, contact=TWO, **more)


async def test_two_organisations_take_the_same_number_and_never_each_others_documents() -> None:
    some = documents(2)
    options = {"organisations": 2}
    async with connected(options=options, organisation=tenant_id(1), **CONSENT) as books:
        assert of(await books.ledger.post(some), Posted) == 2
        counts = [len(one.books.documents) for one in books.simulator.organisations.values()]
        assert counts == [2, 0]


async def test_naming_a_contact_changes_nothing_of_it() -> None:
    async with connected() as books:
        contact = books.simulator.books.contacts[ONE]
        contact.persons, contact.email = [{"FirstName": "Ada"}], "ada@example.com"
        before = len(books.simulator.books.contacts)
        await books.ledger.post(documents(3))
        assert (contact.persons, contact.email) == ([{"FirstName": "Ada"}], "ada@example.com")
        assert len(books.simulator.books.contacts) == before
        assert books.simulator.books.mailed == []


async def test_nothing_but_put_makes_documents() -> None:
    async with connected() as books:
        await books.ledger.post(documents(3))
        await found(books, documents(3))
        methods = Counter(name.split()[0] for name in books.simulator.calls)
        assert "POST" not in methods


async def test_what_the_vendor_sends_is_taken_and_what_others_send_is_not() -> None:
    settings = {**SANDBOX.settings("http://127.0.0.1:9"), "client_secret": SECRET}
    config = CONNECTOR.config.model_validate({**settings, "webhook_key": WEBHOOK_KEY})
    assert CONNECTOR.webhooks is not None
    receive = CONNECTOR.webhooks.receive
    async with books() as desk:
        now = desk.simulator.world.now()
        sender = desk.simulator.hand.sender
        for one in sender.intent():
            assert receive(config, one.headers, one.body, now).status == one.expected
        for number in ("1", "2", "3"):
            await desk.put(invoice(number, Status="AUTHORISED"))
        desk.simulator.hand.pay("2", "1.00")
        deliveries = desk.simulator.hand.webhooks(batch=1)
        keys = [
            announced.key
            for one in [*reversed(deliveries), *deliveries]
            for announced in receive(config, one.headers, one.body, now).announcements
        ]
        assert len(keys) == 2 * len(deliveries) == 8
        assert len(set(keys)) <= 4
        remotes = {
            announced.remote
            for one in deliveries
            for announced in receive(config, one.headers, one.body, now).announcements
        }
        assert remotes == set(desk.simulator.books.documents)
        forged = sender.forged(desk.simulator.books.happenings)
        answer = receive(config, forged.headers, forged.body, now)
        assert (answer.status, answer.announcements) == (401, ())
