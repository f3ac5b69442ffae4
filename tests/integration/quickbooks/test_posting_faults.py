"""Posting into the simulated QuickBooks while answers are lost and quotas are short."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from syncd_quickbooks.sandbox.refusals import Refusal

from syncd.sdk.errors import AuthError
from syncd.sdk.ledger_records import EntryStatus
from syncd.sdk.ledger_writes import LedgerDocument, Posted, PostOutcome, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.postings import wanted
from tests.builders_quickbooks_books import DAY, UNLIMITED, Books, connected, document, sold

LOST = Fault(action=Action.CUT_AFTER, method="POST", path="/batch$", count=1)
NEVER_CAME = Fault(action=Action.CUT_BEFORE, method="POST", path="/batch$", count=1)


def many(count: int) -> list[LedgerDocument]:
    return [document(number) for number in range(1, count + 1)]


def again(documents: Sequence[LedgerDocument]) -> list[LedgerDocument]:
    """The same under the names of another attempt."""
    return [msgspec.structs.replace(one, attempt=f"{one.attempt}-2") for one in documents]


def kinds(outcomes: Sequence[PostOutcome]) -> set[str]:
    return {type(one).__name__ for one in outcomes}


def numbers(books: Books) -> list[str]:
    return sorted(row["DocNumber"] for row in books.simulator.hand.documents())


async def test_a_lost_answer_is_found_by_number_and_marker() -> None:
    async with connected() as books:
        books.break_with(LOST)
        assert kinds(await books.ledger.post(many(30))) == {"Unknown"}
        books.break_with()
        found = await books.ledger.find_documents([wanted(one) for one in many(30)])
        assert [entry.marker for rows in found.values() for entry in rows] == [
            one.marker for one in many(30)
        ]
        repeated = await books.ledger.post(again(many(30)))
        assert {one.code for one in repeated if isinstance(one, Rejected)} == {"NUMBER_TAKEN"}
        assert len(numbers(books)) == 30


async def test_what_never_came_is_absent_and_posted_once_more() -> None:
    async with connected() as books:
        books.break_with(NEVER_CAME)
        assert kinds(await books.ledger.post(many(3))) <= {"Unknown", "NotSent"}
        books.break_with()
        found = await books.ledger.find_documents([wanted(one) for one in many(3)])
        assert not any(found.values())
        assert kinds(await books.ledger.post(again(many(3)))) == {"Posted"}
        assert len(numbers(books)) == 3


async def test_a_search_that_lags_does_not_make_a_second_document() -> None:
    async with connected(options={"search_lag": 30.0, "duplicates": "allowed"}) as books:
        books.break_with(LOST)
        await books.ledger.post(many(3))
        books.break_with()
        assert kinds(await books.ledger.post(many(3))) == {"Posted"}
        assert len(numbers(books)) == 3


async def test_a_search_that_lags_behind_a_forgotten_request_is_caught_by_the_number() -> None:
    async with connected(options={"search_lag": 30.0, "replay": "off"}) as books:
        books.break_with(LOST)
        await books.ledger.post(many(3))
        books.break_with()
        outcomes = await books.ledger.post(many(3))
        assert {one.code for one in outcomes if isinstance(one, Rejected)} == {"NUMBER_TAKEN"}
        assert len(numbers(books)) == 3


async def test_a_repeat_while_the_first_still_runs_stays_unknown() -> None:
    async with connected() as books:
        books.simulator.service.replays.find = _busy  # type: ignore[method-assign]
        assert kinds(await books.ledger.post(many(2))) == {"Unknown"}


def _busy(key: str, what: bytes) -> None:
    raise Refusal("600", f"{key} of {len(what)} bytes is being processed")


async def test_others_who_use_the_quota_up_cost_time_and_no_document() -> None:
    async with connected() as books:
        await books.ledger.book()
        books.simulator.quotas["4620816365"].others(500)
        assert kinds(await books.ledger.post(many(3))) == {"Posted"}
        assert books.stopwatch.now >= 60
        assert len(numbers(books)) == 3


async def test_a_throttled_item_of_a_batch_is_posted_later() -> None:
    async with connected() as books:
        books.simulator.options.throttled_items = 1
        outcomes = await books.ledger.post(many(3))
        later = [one for one in outcomes if isinstance(one, NotSent)]
        assert [one.key for one in later] == ["ledger:1"]
        assert kinds(await books.ledger.post([document(1)])) == {"Posted"}
        assert len(numbers(books)) == 3


async def test_a_batch_whose_only_item_was_throttled_is_not_answered_from_memory_for_ever() -> None:
    async with connected() as books:
        books.simulator.options.throttled_items = 1
        assert kinds(await books.ledger.post([document(1)])) == {"NotSent"}
        assert kinds(await books.ledger.post([document(1)])) == {"Posted"}


async def test_one_document_in_a_closed_period_is_refused_among_thirty() -> None:
    async with connected() as books:
        books.simulator.hand.close_books(DAY - timedelta(days=1), password=True)
        batch = [*many(29), document(30, dated=DAY - timedelta(days=2))]
        outcomes = await books.ledger.post(batch)
        refused = [one for one in outcomes if isinstance(one, Rejected)]
        assert [(one.key, one.code) for one in refused] == [("ledger:30", "PERIOD_LOCKED")]
        assert len(numbers(books)) == 29


@pytest.mark.parametrize(
    ("one", "code"),
    [
        pytest.param(document(1, contact="90"), RejectedCode.CONTACT_UNUSABLE, id="archived"),
        pytest.param(document(1, contact="999"), RejectedCode.CONTACT_UNUSABLE, id="no contact"),
        pytest.param(document(1, currency="EUR"), RejectedCode.CURRENCY_UNUSABLE, id="currency"),
        pytest.param(
            document(1, [sold(1, "1.00", "99")]), RejectedCode.TAX_UNUSABLE, id="tax code"
        ),
        pytest.param(
            document(1, [sold(1, "1.00", item="999")]), RejectedCode.ITEM_UNUSABLE, id="item"
        ),
        pytest.param(document(1, [sold(-1, "1.00")]), RejectedCode.REFUSED, id="negative"),
        pytest.param(
            document(1, [sold(1, "1.1234567")]), RejectedCode.REFUSED, id="seven decimals"
        ),
        pytest.param(document(1, number="x" * 22), RejectedCode.REFUSED, id="long number"),
    ],
)
async def test_bad_input_is_refused_with_a_reason(one: LedgerDocument, code: RejectedCode) -> None:
    async with connected(options={"inactive_code": "6250"}) as books:
        (outcome,) = await books.ledger.post([one])
        assert isinstance(outcome, Rejected), outcome
        assert (outcome.code, bool(outcome.message)) == (code.value, True)
        assert not numbers(books)


async def test_a_company_that_numbers_by_itself_gets_nothing() -> None:
    async with connected(options={"own_numbers": False}) as books:
        assert kinds(await books.ledger.post(many(2))) == {"Rejected"}
        assert not numbers(books)


async def test_a_consent_that_was_taken_away_writes_nothing() -> None:
    async with connected() as books:
        await books.ledger.book()
        books.simulator.hand.revoke()
        with pytest.raises(AuthError):
            await books.ledger.post(many(2))
        assert not numbers(books)
        assert not (await books.ledger.check()).ok


async def test_a_consent_for_another_company_is_refused() -> None:
    options = {"realms": ("4620816365", "9130350000"), "consents_to": "9130350000"}
    async with connected(options=options) as books:
        with pytest.raises(AuthError):
            await books.ledger.book()


@pytest.mark.parametrize("rotation", ["at_once", "overlap", "daily"])
async def test_the_newest_refresh_token_is_kept_whatever_way_it_changes(rotation: str) -> None:
    async with connected(options={"rotation": rotation}) as books:
        for number in range(3):
            books.simulator.hand.expire_tokens()
            assert kinds(await books.ledger.post([document(number)])) == {"Posted"}
        assert books.simulator.logins.reused == 0
        assert books.vault.token is not None
        known = books.simulator.logins.issued
        assert rotation == "daily" or books.vault.token.value == known[-2]


async def test_a_silently_changed_quantity_shows_in_the_answer() -> None:
    async with connected(options={"quantity_decimals": 0}) as books:
        (outcome,) = await books.ledger.post([document(1, [sold("1.5", "10.00")])])
        assert isinstance(outcome, Posted)
        assert outcome.entry.lines[0].quantity == Decimal(1)


async def test_nothing_is_ever_sent_to_a_client_by_e_mail() -> None:
    async with connected() as books:
        await books.ledger.post(many(3))
        assert not books.simulator.service.mails
        assert {row["EmailStatus"] for row in books.simulator.hand.documents()} == {"NotSet"}


async def test_credits_that_apply_themselves_are_no_drift_of_the_document() -> None:
    async with connected(options={"auto_apply": True}) as books:
        books.simulator.hand.invoice("101", "C-1", "5.00", kind="CreditMemo")
        one = document(1, [sold(1, "100.00")])
        (outcome,) = await books.ledger.post([one])
        assert isinstance(outcome, Posted)
        found = await books.ledger.read_back({outcome.entry.remote: one.kind})
        entry = found[outcome.entry.remote]
        assert (entry.total, entry.balance) == (Decimal("120.00"), Decimal("114.00"))
        assert entry.status is EntryStatus.OPEN


async def test_an_unknown_batch_that_the_vendor_cut_after_120_seconds_can_be_settled() -> None:
    slow = Fault(action=Action.STATUS_AFTER, status=504, method="POST", path="/batch$", count=1)
    async with connected(options=UNLIMITED) as books:
        books.break_with(slow)
        outcomes = await books.ledger.post(many(2))
        assert all(isinstance(one, Unknown) for one in outcomes)
        books.break_with()
        found = await books.ledger.find_documents([wanted(one) for one in many(2)])
        assert [len(rows) for rows in found.values()] == [1, 1]


async def test_words_that_name_every_kind_name_none() -> None:
    async with connected(options={"inactive_words": "vague"}) as books:
        (outcome,) = await books.ledger.post([document(1, contact="90")])
        assert isinstance(outcome, Rejected)
        assert outcome.code == RejectedCode.REFUSED
