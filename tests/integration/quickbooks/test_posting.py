"""Documents go to the simulated company in batches: each has its own outcome, none comes twice."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from syncd.sdk.errors import AuthError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis, EntryStatus, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument, Posted, PostOutcome, Wanted
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from tests.builders_quickbooks import (
    MARKER,
    Opened,
    all_of,
    document,
    line,
    lost,
    once,
    opened,
)


def wanted(one: LedgerDocument) -> Wanted:
    return Wanted(
        key=one.key,
        kind=one.kind,
        number=one.number,
        marker=one.marker,
        contact=one.contact,
        dated=one.dated,
    )


async def posted(books: Opened, *documents: LedgerDocument) -> dict[str, PostOutcome]:
    return {one.key: one for one in await books.ledger.post(documents)}


def refusal(code: str, status: int = 400, kind: str = "ValidationFault") -> httpx.Response:
    error = {"Message": "No", "Detail": "No, indeed", "code": code}
    return httpx.Response(status, json={"Fault": {"Error": [error], "type": kind}})


async def test_thirty_documents_are_one_batch_and_one_look_up() -> None:
    async with opened() as books:
        await books.ledger.book()
        books.sent.clear()
        many = [document(str(3000 + n), marker=f"syncd-{'a' * 15}{n % 6 + 2}") for n in range(30)]
        outcomes = await posted(books, *many)
        assert all(isinstance(one, Posted) for one in outcomes.values())
        assert [one.url.path.rpartition("/")[2] for one in books.sent] == ["query", "batch"]
        (body,) = books.bodies("/batch")
        assert len(body["BatchItemRequest"]) == 30
        assert all(len(one["bId"]) <= 10 for one in body["BatchItemRequest"])
        assert all(one["operation"] == "create" for one in body["BatchItemRequest"])
        key = books.sent[1].url.params["requestid"]
        assert len(key) <= 36
        assert books.sent[1].url.params["minorversion"] == "75"
        assert "include" not in books.sent[1].url.params
        assert books.simulator.company.options.own_numbers


async def test_what_is_answered_is_what_was_predicted() -> None:
    lines = [line("3", "3.33"), line("1", "3.33", tax="3"), line("7", "1.11", tax="8")]
    cases = [
        document("1", lines),
        document("2", lines, kind=DocumentKind.CREDIT, due=None),
        document("3", lines, basis=AmountBasis.INCLUSIVE),
        document("4", [*lines, line("-1", "0.55", tax="6")], basis=AmountBasis.NO_TAX),
        document("5", [line("2.5", "9.9999", discount_percent=Decimal(50))]),
    ]
    async with opened() as books:
        book = await books.ledger.book()
        references = await all_of(books.ledger.references())
        taxes = {one.key: one for one in references if one.kind is ReferenceKind.TAX}
        outcomes = await posted(books, *cases)
        for one in cases:
            expected, outcome = books.ledger.predict(one, book, taxes), outcomes[one.key]
            assert isinstance(outcome, Posted), outcome
            entry = outcome.entry
            assert (entry.net, entry.tax, entry.total) == (
                expected.net,
                expected.tax,
                expected.total,
            )
            assert tuple(shown.net for shown in entry.lines) == expected.lines
            assert [shown.quantity for shown in entry.lines] == [
                sent.quantity for sent in one.lines
            ]
            assert [shown.tax_code for shown in entry.lines] == [
                sent.tax_code for sent in one.lines
            ]
            assert (entry.number, entry.marker, entry.kind) == (one.number, MARKER, one.kind)


async def test_one_bad_document_does_not_hold_up_the_others() -> None:
    async with opened() as books:
        outcomes = await posted(
            books,
            document("1"),
            document("2", contact="90"),  # inactive
            document("3", contact="102", currency="EUR"),
            document("4", [line(item="25")]),  # inactive
            document("5", [line(tax="99")]),
            document("6", [line(item="")]),
            document("7"),
        )
        codes = [one.code if isinstance(one, Rejected) else "" for one in outcomes.values()]
        kept = {key: type(one).__name__ for key, one in outcomes.items()}
        assert kept["key-1"] == kept["key-7"] == "Posted"
        assert sorted(codes) == [
            "",
            "",
            "CONTACT_UNUSABLE",
            "CURRENCY_UNUSABLE",
            "ITEM_UNUSABLE",
            "REFUSED",
            "TAX_UNUSABLE",
        ]
        assert len(books.rows("Invoice")) == 2


@pytest.mark.parametrize("duplicates", ["refused", "allowed"])
async def test_a_number_that_is_taken_is_refused_whatever_the_company_allows(
    duplicates: str,
) -> None:
    async with opened({"duplicates": duplicates}) as books:
        assert isinstance((await posted(books, document()))["key-2043"], Posted)
        again = document(key="other", attempt="f" * 32)
        outcome = (await posted(books, again))["other"]
        assert isinstance(outcome, Rejected)
        assert outcome.code == "NUMBER_TAKEN"
        assert len(books.rows("Invoice")) == 1


async def test_quickbooks_own_refusal_of_a_number_is_understood() -> None:
    async with opened({"search_lag": 60.0}) as books:
        await posted(books, document())
        outcome = (await posted(books, document(key="other", attempt="e" * 32)))["other"]
        assert isinstance(outcome, Rejected)
        assert outcome.code == "NUMBER_TAKEN"
        assert "TxnType=Invoice" in outcome.message


async def test_the_same_number_twice_in_a_batch_is_written_once() -> None:
    async with opened() as books:
        outcomes = await posted(books, document(), document(key="other"))
        assert isinstance(outcomes["key-2043"], Posted)
        assert isinstance(outcomes["other"], Rejected)


async def test_a_lost_answer_is_unknown_and_found_again() -> None:
    async with opened() as books:
        books.after.append(lost(path="/batch"))
        outcomes = await posted(books, document("1"), document("2"))
        assert all(isinstance(one, Unknown) for one in outcomes.values())
        found = await books.ledger.find_documents([wanted(document("1")), wanted(document("9"))])
        assert [one.number for one in found["key-1"]] == ["1"]
        assert found["key-1"][0].marker == MARKER
        assert len(books.bodies("/batch")) == 1, "it was sent again without a look"


async def test_a_document_that_was_renumbered_is_found_by_its_marker() -> None:
    async with opened() as books:
        await posted(books, document())
        books.rows("Invoice")[0]["DocNumber"] = "by-hand"
        found = await books.ledger.find_documents([wanted(document())])
        assert [one.number for one in found["key-2043"]] == ["by-hand"]


async def test_a_foreign_document_of_our_number_is_shown() -> None:
    async with opened() as books:
        await posted(books, document(marker="syncd-zzzzzzzzzzzzzzzz", contact="102"))
        found = await books.ledger.find_documents([wanted(document())])
        assert [one.marker for one in found["key-2043"]] == ["syncd-zzzzzzzzzzzzzzzz"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(503, text="busy"), Unknown),
        (httpx.Response(200, text="<html>"), Unknown),
        (httpx.Response(200, json={"BatchItemResponse": []}), Unknown),
        (refusal("10000", 500, "SystemFault"), Unknown),
        (refusal("600"), Unknown),
        (refusal("10000", 200, "SystemFault"), Unknown),
        (refusal("3001", 200, "ServiceFault"), NotSent),
        (refusal("2010"), Rejected),
        (refusal("2010", 200), Rejected),
    ],
    ids=[
        "503",
        "page",
        "silent",
        "10000",
        "600",
        "10000-in-200",
        "3001-in-200",
        "2010",
        "2010-200",
    ],
)
async def test_what_a_whole_batch_is_answered_is_the_outcome_of_each(
    answer: httpx.Response, kind: type
) -> None:
    async with opened() as books:
        books.before.append(once(path="/batch", response=answer))
        outcomes = await posted(books, document("1"))
        assert isinstance(outcomes["key-1"], kind), outcomes


async def test_a_batch_that_is_refused_whole_is_halved_to_the_culprit() -> None:
    async with opened() as books:

        def culprit(request: httpx.Request) -> httpx.Response | None:
            bad = request.url.path.endswith("/batch") and b'"DocNumber":"3"' in request.content
            return refusal("2010") if bad else None

        books.before.append(culprit)
        outcomes = await posted(books, *(document(str(n)) for n in range(1, 6)))
        kinds = {key: type(one).__name__ for key, one in outcomes.items()}
        assert kinds.pop("key-3") == "Rejected"
        assert set(kinds.values()) == {"Posted"}
        assert (
            len({one.url.params["requestid"] for one in books.sent if "batch" in str(one.url)}) > 2
        )


async def test_items_that_are_throttled_are_not_sent_and_later_are() -> None:
    async with opened({"throttled_items": 1}) as books:
        outcomes = await posted(books, document("1"), document("2"))
        late = [one for one in outcomes.values() if isinstance(one, NotSent)]
        assert [one.retry_after for one in late] == [60.0]
        again = await posted(books, document(late[0].key.removeprefix("key-"), attempt="a" * 32))
        assert all(isinstance(one, Posted) for one in again.values())


async def test_a_429_pauses_for_a_minute_and_goes_on() -> None:
    async with opened() as books:
        await books.ledger.book()
        books.before.append(once(path="/batch", response=httpx.Response(429, text="slow down")))
        outcomes = await posted(books, document("1"))
        assert isinstance(outcomes["key-1"], Posted)
        assert books.stopwatch.monotonic() >= 60


async def test_lost_access_writes_nothing_and_says_so() -> None:
    async with opened({"lost_access": "3100"}) as books:
        with pytest.raises(AuthError, match="do not open company") as refused:
            await books.ledger.post([document()])
        assert "syncd login books" in refused.value.remedy
        assert books.rows("Invoice") == []


async def test_a_company_that_numbers_by_itself_gets_nothing() -> None:
    async with opened({"own_numbers": False}) as books:
        outcome = (await posted(books, document()))["key-2043"]
        assert isinstance(outcome, Rejected)
        assert "Custom transaction numbers" in outcome.message
        assert books.rows("Invoice") == []


async def test_a_closed_period_is_refused_by_its_name() -> None:
    from datetime import date

    async with opened({"books_closed": date(2026, 11, 30)}) as books:
        assert (await books.ledger.book()).locked_until == date(2026, 11, 30)
        outcome = (await posted(books, document()))["key-2043"]
        assert isinstance(outcome, Rejected)
        assert outcome.code == "PERIOD_LOCKED"


async def test_an_american_company_computes_tax_by_itself() -> None:
    lines = [line("50", "24.37", tax="TAX"), line("1", "10", tax="NON")]
    async with opened({"us": True}) as books:
        book = await books.ledger.book()
        references = await all_of(books.ledger.references())
        taxes = {one.key: one for one in references if one.kind is ReferenceKind.TAX}
        assert not taxes["TAX"].blocked
        assert not taxes["NON"].blocked
        assert all(one.blocked for key, one in taxes.items() if key not in {"TAX", "NON"})
        one = document(lines=lines, currency="USD")
        outcome = (await posted(books, one))["key-2043"]
        assert isinstance(outcome, Posted), outcome
        assert outcome.entry.net == books.ledger.predict(one, book, taxes).net
        assert outcome.entry.tax == Decimal("100.53")


async def test_an_american_company_keeps_a_tax_that_is_stated() -> None:
    async with opened({"us": True}, tax="us_own_total") as books:
        stated = document(lines=[line(tax="TAX")], currency="USD", tax=Decimal("7.77"))
        outcome = (await posted(books, stated))["key-2043"]
        assert isinstance(outcome, Posted), outcome
        assert (outcome.entry.tax, outcome.entry.total) == (Decimal("7.77"), Decimal("107.77"))


async def test_documents_are_read_back_and_those_that_are_gone_are_absent() -> None:
    async with opened() as books:
        outcomes = await posted(
            books, document("1"), document("2", kind=DocumentKind.CREDIT, due=None)
        )
        remotes = {
            one.entry.remote: one.entry.kind for one in outcomes.values() if isinstance(one, Posted)
        }
        back = await books.ledger.read_back({**remotes, "999999": DocumentKind.INVOICE})
        assert set(back) == set(remotes)
        assert {one.status for one in back.values()} == {EntryStatus.OPEN}


@pytest.mark.parametrize("path", ["/query", "/preferences"])
@pytest.mark.parametrize("body", ['{"QueryResponse": {"Inv', "<html>"], ids=["cut", "page"])
async def test_what_cannot_be_read_before_a_write_leaves_it_unsent(path: str, body: str) -> None:
    async with opened() as books:
        books.before.append(once(path=path, response=httpx.Response(200, text=body)))
        outcomes = await posted(books, document("1"))
        assert isinstance(outcomes["key-1"], NotSent), outcomes
        assert books.rows("Invoice") == []
        assert isinstance((await posted(books, document("1")))["key-1"], Posted)
