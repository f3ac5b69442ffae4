"""Answers that a simulator would not give: whole batches refused, slipping pages, broken bodies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from syncd_xero import CONNECTOR
from syncd_xero.config import XeroConfig
from syncd_xero.ledger import XeroLedger
from syncd_xero.posting import LARGEST_BODY, batch_key

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, PermissionMissing, ProtocolError, RateLimited
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import ActionKind, LedgerAction, LedgerDocument, Posted
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog
from tests.builders_xero import documents, ledger_document, ledger_line

BASE = "https://api.xero.com/api.xro/2.0"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOTHING = "00000000-0000-0000-0000-000000000000"

Answer = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def ledger(**more: Any) -> AsyncIterator[tuple[XeroLedger, respx.MockRouter, FakeStopwatch]]:
    given = {"access": "custom", "client_id": "app", "client_secret": "a-secret", **more}
    stopwatch = FakeStopwatch()
    context = Context(
        connection="books",
        config=XeroConfig.model_validate(given),
        limits=CONNECTOR.limits,
        clock=lambda: NOW,
        log=RecordingLog(),
    )
    with respx.mock(assert_all_called=False) as router, stopwatch.running():
        token = {"access_token": "xyz-123-xyz", "token_type": "Bearer", "expires_in": 1800}
        router.post("https://identity.xero.com/connect/token").respond(json=token)
        async with CONNECTOR.open(context) as ports:
            assert isinstance(ports.ledger, XeroLedger)
            yield ports.ledger, router, stopwatch


def saved(element: dict[str, Any], number: int = 1) -> dict[str, Any]:
    return {
        **element,
        "InvoiceID": f"8b7e0000-0000-0000-0000-{number:012}",
        "HasErrors": False,
        "StatusAttributeString": "OK",
        "SubTotal": 10.00,
        "TotalTax": 2.00,
        "Total": 12.00,
        "AmountDue": 12.00,
        "Date": "/Date(1793577600000+0000)/",
        "DueDate": "/Date(1796169600000+0000)/",
    }


def asked(request: httpx.Request) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(request.content)["Invoices"]
    return rows


def saves_all(request: httpx.Request) -> httpx.Response:
    rows = [saved(row, n) for n, row in enumerate(asked(request))]
    return httpx.Response(200, json={"Status": "OK", "Invoices": rows})


def plain(count: int) -> list[LedgerDocument]:
    return [ledger_document(f"SI-{n}", ledger_line()) for n in range(count)]


async def posted(answer: Answer, sent: Sequence[LedgerDocument], **more: Any) -> tuple[Any, Any]:
    async with ledger(**more) as (books, router, _):
        route = router.put(f"{BASE}/Invoices").mock(side_effect=answer)
        outcomes = {one.key: one for one in await books.post(sent)}
        assert set(outcomes) == {one.key for one in sent}
        return outcomes, route.calls


async def test_a_write_carries_the_flags_the_headers_and_a_key_of_its_attempts() -> None:
    sent = plain(3)
    outcomes, calls = await posted(saves_all, sent)
    request = calls[0].request
    assert dict(request.url.params) == {"summarizeErrors": "false", "unitdp": "4"}
    assert request.headers["accept"] == "application/json"
    assert request.headers["idempotency-key"] == batch_key([one.attempt for one in sent])
    assert len(request.headers["idempotency-key"]) <= 128
    assert "xero-tenant-id" not in request.headers
    assert b'"UnitAmount":10,' in request.content
    assert all(isinstance(one, Posted) for one in outcomes.values())


async def test_the_key_depends_on_every_attempt_of_the_batch() -> None:
    assert batch_key(["a", "b"]) == batch_key(["a", "b"])
    assert len({batch_key(one) for one in (["a", "b"], ["b", "a"], ["a"], ["ab"], ["a", "c"])}) == 5


async def test_a_refused_batch_that_names_its_element_is_sent_again_without_it() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        bad = [row for row in asked(request) if row["InvoiceNumber"] == "SI-3"]
        if not bad:
            return saves_all(request)
        errors = [{"Message": "The contact has been archived"}]
        body = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation…",
                "Elements": [{**bad[0], "ValidationErrors": errors}]}  # fmt: skip
        return httpx.Response(400, json=body)

    outcomes, calls = await posted(answer, plain(10))
    refused = outcomes.pop("key:SI-3")
    assert isinstance(refused, Rejected)
    assert refused.code == "CONTACT_UNUSABLE"
    assert all(isinstance(one, Posted) for one in outcomes.values())
    assert len(calls) == 2


async def test_a_refused_batch_that_names_nothing_is_halved_until_it_names_one() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if any(row["InvoiceNumber"] == "SI-3" for row in asked(request)):
            return httpx.Response(400, json={"Message": "A validation exception occurred"})
        return saves_all(request)

    outcomes, calls = await posted(answer, plain(16))
    assert isinstance(outcomes.pop("key:SI-3"), Rejected)
    assert all(isinstance(one, Posted) for one in outcomes.values())
    assert len(calls) == 9
    keys = {call.request.headers["idempotency-key"] for call in calls}
    assert len(keys) == 9, "each part has a key of its own"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(503, text="busy"),
        httpx.Response(409, json={"Message": "still running"}),
        httpx.Response(400, json={"Message": "Idempotency Key x: used with a different request."}),
        httpx.Response(200, text="<html>proxy</html>"),
        httpx.Response(200, json={"Invoices": []}),
        httpx.Response(200, json={"Invoices": "what"}),
        httpx.Response(302, headers={"location": "https://elsewhere.example"}),
    ],
    ids=["500", "503", "running", "mismatch", "page", "nothing", "shape", "redirect"],
)  # fmt: skip
async def test_whatever_does_not_prove_an_outcome_is_unknown_and_not_repeated(
    answer: httpx.Response,
) -> None:
    outcomes, calls = await posted(lambda _: answer, plain(4))
    assert all(isinstance(one, Unknown) for one in outcomes.values())
    assert len(calls) == 1


async def test_a_cut_connection_is_unknown_and_one_that_never_opened_is_not_sent() -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        message = "reset"
        raise httpx.ReadError(message)

    def closed(request: httpx.Request) -> httpx.Response:
        message = "refused"
        raise httpx.ConnectError(message)

    outcomes, calls = await posted(cut, plain(2))
    assert [type(one) for one in outcomes.values()] == [Unknown, Unknown]
    assert len(calls) == 1
    outcomes, _ = await posted(closed, plain(2))
    assert [type(one) for one in outcomes.values()] == [NotSent, NotSent]


async def test_an_element_that_failed_beside_saved_ones_is_refused_by_its_words() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        rows = [saved(row, n) for n, row in enumerate(asked(request))]
        rows[1] |= {"InvoiceID": NOTHING, "HasErrors": True, "StatusAttributeString": "ERROR",
                    "ValidationErrors": [{"Message": "Invoice # must be unique."}]}  # fmt: skip
        rows[2] |= {"StatusAttributeString": "WARNING", "Warnings": [{"Message": "odd rate"}]}
        return httpx.Response(200, json={"Invoices": list(reversed(rows))})

    outcomes, _ = await posted(answer, plain(3))
    assert isinstance(outcomes["key:SI-0"], Posted)
    assert outcomes["key:SI-1"] == Rejected("key:SI-1", "NUMBER_TAKEN", "Invoice # must be unique.")
    assert isinstance(outcomes["key:SI-2"], Posted), "a warning is no refusal"


async def test_batches_keep_to_the_count_and_the_bytes_of_a_write() -> None:
    _, calls = await posted(saves_all, plain(101))
    assert [len(asked(call.request)) for call in calls] == [50, 50, 1]
    large = [
        ledger_document(f"SI-{n}", *[ledger_line(description="x" * 4000) for _ in range(60)])
        for n in range(20)
    ]
    _, calls = await posted(saves_all, large)
    assert len(calls) == 2
    assert all(len(call.request.content) <= LARGEST_BODY + 100 for call in calls)


async def test_the_same_number_twice_never_stands_in_one_write() -> None:
    twice = [ledger_document("SI-1"), ledger_document("SI-1", key="other", attempt="other")]
    _, calls = await posted(saves_all, twice)
    assert [len(asked(call.request)) for call in calls] == [1, 1]


async def test_a_minutes_limit_is_waited_for_and_a_days_limit_is_told() -> None:
    answers = [httpx.Response(429, headers={"retry-after": "30", "x-rate-limit-problem": "minute"})]

    def minute(request: httpx.Request) -> httpx.Response:
        return answers.pop() if answers else saves_all(request)

    outcomes, calls = await posted(minute, plain(2))
    assert all(isinstance(one, Posted) for one in outcomes.values())
    assert len(calls) == 2
    head = {"retry-after": "66975", "x-rate-limit-problem": "Daily limit"}
    async with ledger() as (books, router, stopwatch):
        route = router.put(f"{BASE}/Invoices").respond(429, headers=head)
        for _ in range(2):
            [outcome] = await books.post(plain(1))
            assert isinstance(outcome, NotSent)
            assert outcome.retry_after == pytest.approx(66975, abs=5)
        assert route.call_count == 1, "until then nothing is asked"
        with pytest.raises(RateLimited, match=r"18\.6 h"):
            await books.read_back({"x": DocumentKind.INVOICE})
        assert stopwatch.monotonic() < 10


async def test_a_missing_right_and_a_closed_organisation_are_told_apart() -> None:
    async with ledger() as (books, router, _):
        body = {"Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"}
        router.put(f"{BASE}/Invoices").respond(403, json=body)
        with pytest.raises(AuthError, match="disconnected the app"):
            await books.post(plain(2))
        router.put(f"{BASE}/Invoices").respond(403, json={"Detail": "AuthorizationUnsuccessful"})
        with pytest.raises(PermissionMissing, match="lack the right"):
            await books.post(plain(2))


async def test_rows_that_slip_between_pages_are_read_again_and_never_missed() -> None:
    rows = [saved({"Type": "ACCREC", "InvoiceNumber": f"SI-{n}", "Status": "AUTHORISED",
                   "CurrencyCode": "GBP"}, n) for n in range(3)]  # fmt: skip
    pages = [[rows[0], rows[1]], [rows[1]], [rows[0], rows[1]], [rows[2]]]

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"])
        told = {"page": number, "pageSize": 2, "pageCount": 2, "itemCount": 3}
        return httpx.Response(200, json={"pagination": told, "Invoices": pages.pop(0)})

    async with ledger(page_size=2) as (books, router, _):
        route = router.get(f"{BASE}/Invoices").mock(side_effect=answer)
        wanted = {f"8b7e0000-0000-0000-0000-{n:012}": DocumentKind.INVOICE for n in range(3)}
        found = await books.read_back(wanted)
        assert set(found) == set(wanted)
        assert route.call_count == 4
        pages[:] = [[rows[0], rows[1]], []] * 3
        with pytest.raises(ProtocolError, match="declares 3 rows and gives 2"):
            await books.read_back(wanted)


async def test_a_document_without_its_totals_is_no_document() -> None:
    row = saved({"Type": "ACCREC", "Status": "PAID", "InvoiceNumber": "SI-1"})
    del row["Total"]
    async with ledger() as (books, router, _):
        router.get(f"{BASE}/Invoices").respond(json={"Invoices": [row]})
        with pytest.raises(ProtocolError, match="without its type"):
            await books.read_back({row["InvoiceID"]: DocumentKind.INVOICE})


async def test_a_bill_with_our_number_is_not_ours() -> None:
    row = saved({"Type": "ACCPAY", "Status": "PAID", "InvoiceNumber": "SI-00001"})
    [document] = documents(1)
    async with ledger() as (books, router, _):
        router.get(f"{BASE}/Invoices").respond(json={"Invoices": [row]})
        from tests.builders_xero_books import wanted

        assert await books.find_documents([wanted(document)]) == {document.key: []}


async def test_an_unseen_allocation_is_unknown_and_never_repeated() -> None:
    note = saved({"Type": "ACCRECCREDIT", "Status": "AUTHORISED", "CreditNoteNumber": "CN-1"})
    note["CreditNoteID"] = note.pop("InvoiceID")
    note["RemainingCredit"] = 12.00
    async with ledger() as (books, router, _):
        router.get(f"{BASE}/CreditNotes").respond(json={"CreditNotes": [note]})
        path = f"{BASE}/CreditNotes/{note['CreditNoteID']}/Allocations"
        route = router.put(path).respond(502)
        act = LedgerAction(key="a", attempt="a", kind=ActionKind.ALLOCATE, amount=Decimal(5),
                           remote=note["CreditNoteID"], document_kind=DocumentKind.CREDIT,
                           target="t")  # fmt: skip
        assert [type(one) for one in await books.act([act])] == [Unknown]
        assert route.call_count == 1
        more = LedgerAction(key="b", attempt="b", kind=ActionKind.ALLOCATE, amount=Decimal(13),
                            remote=note["CreditNoteID"], document_kind=DocumentKind.CREDIT,
                            target="t")  # fmt: skip
        [refused] = await books.act([more])
        assert isinstance(refused, Rejected)
        assert refused.code == "NOT_ALLOWED_NOW"
        assert "12.00 of it is left; 13.00 is to be allocated" in refused.message
