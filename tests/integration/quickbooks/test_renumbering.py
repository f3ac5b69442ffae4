"""A void that frees the document's number: renamed first, by id and version, then voided.

QuickBooks keeps the number of a voided invoice taken, so without this no new version of it could
carry the number that the client knows.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus
from syncd.sdk.ledger_writes import ActionKind, ActionOutcome, Done, LedgerAction, Posted
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from tests.builders_quickbooks import After, Opened, document, line, lost, once, opened

RENUMBERED = "1-V1"


async def void(books: Opened, remote: str, attempt: str = "1" * 32, **more: Any) -> ActionOutcome:
    given: dict[str, Any] = {"version": "0", "renumber": RENUMBERED, **more}
    action = LedgerAction(key="a1", attempt=attempt, kind=ActionKind.VOID, remote=remote, **given)
    (outcome,) = await books.ledger.act([action])
    return outcome


async def post(books: Opened, number: str = "1", **more: Any) -> str:
    (outcome,) = await books.ledger.post([document(number, **more)])
    assert isinstance(outcome, Posted), outcome
    return outcome.entry.remote


def written(books: Opened) -> list[str]:
    """What each call to invoices did: `sparse`, or the operation."""
    return [
        one.url.params.get("operation") or "sparse"
        for one in books.sent
        if one.url.path.endswith("/invoice")
    ]


def lost_at(path: str, nth: int) -> After:
    """Cuts the connection after the company did what the nth call to a path asked."""
    left = [nth]

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response | Exception:
        if request.url.path.endswith(path):
            left[0] -= 1
            if left[0] == 0:
                return httpx.ReadError("cut", request=request)
        return response

    return change


async def test_the_number_is_free_for_the_new_version_after_the_void() -> None:
    async with opened() as books:
        first = await post(books)
        before = books.simulator.company.row("Invoice", first)["Line"]
        done = await void(books, first)
        assert isinstance(done, Done), done
        assert done.entry is not None
        assert (done.entry.status, done.entry.number) == (EntryStatus.VOIDED, RENUMBERED)
        assert written(books) == ["sparse", "void"]
        assert books.bodies("/invoice")[0] == {
            "Id": first,
            "SyncToken": "0",
            "sparse": True,
            "DocNumber": RENUMBERED,
            "CurrencyRef": {"value": "GBP"},
        }
        second = await post(books, "1", key="again", attempt="2" * 32)
        assert second != first
        rows = {row["Id"]: row for row in books.rows("Invoice")}
        assert {one: row["DocNumber"] for one, row in rows.items()} == {
            first: RENUMBERED,
            second: "1",
        }
        assert len(rows[first]["Line"]) == len(before), "the renaming changed more than the number"


async def test_a_void_that_needs_no_number_renames_nothing() -> None:
    async with opened() as books:
        remote = await post(books)
        done = await void(books, remote, renumber="")
        assert isinstance(done, Done)
        assert done.entry is not None
        assert done.entry.number == "1"
        assert written(books) == ["void"]


async def test_a_renaming_whose_answer_is_lost_is_followed_by_the_void_alone() -> None:
    async with opened() as books:
        remote = await post(books)
        books.after.append(lost(path="/invoice"))
        assert isinstance(await void(books, remote), Unknown)
        done = await void(books, remote, attempt="2" * 32)
        assert isinstance(done, Done), done
        assert done.entry is not None
        assert (done.entry.status, done.entry.number) == (EntryStatus.VOIDED, RENUMBERED)
        assert written(books) == ["sparse", "void"]


async def test_a_void_whose_answer_is_lost_after_the_renaming_is_done() -> None:
    async with opened() as books:
        remote = await post(books)
        books.after.append(lost_at("/invoice", 2))
        assert isinstance(await void(books, remote), Unknown)
        assert isinstance(await void(books, remote, attempt="2" * 32), Done)
        assert written(books) == ["sparse", "void"]


async def test_what_was_renamed_is_voided_later_if_the_void_was_put_off() -> None:
    throttled = httpx.Response(429, json={"fault": {"error": [], "type": "SERVICE"}})
    async with opened() as books:
        remote = await post(books)

        def after_the_renaming(request: httpx.Request) -> httpx.Response | None:
            return throttled if request.url.params.get("operation") == "void" else None

        books.before.append(after_the_renaming)
        assert isinstance(await void(books, remote), NotSent)
        books.before.clear()
        assert isinstance(await void(books, remote), Done)
        assert books.simulator.company.row("Invoice", remote)["DocNumber"] == RENUMBERED


async def test_a_consent_that_ends_between_the_two_does_not_say_that_nothing_was_written() -> None:
    error = {"Message": "no", "Detail": "no access", "code": "3100"}
    refused = httpx.Response(403, json={"Fault": {"Error": [error], "type": "AUTHORIZATION"}})
    async with opened() as books:
        remote = await post(books)

        def at_the_void(request: httpx.Request) -> httpx.Response | None:
            return refused if request.url.params.get("operation") == "void" else None

        books.before.append(at_the_void)
        assert isinstance(await void(books, remote), NotSent)
        books.before.clear()
        assert isinstance(await void(books, remote), Done)


async def test_requests_of_one_action_have_ids_of_their_own() -> None:
    async with opened() as books:
        await void(books, await post(books))
        ids = [one.url.params["requestid"] for one in books.sent
               if one.url.path.endswith("/invoice")]  # fmt: skip
        assert len(set(ids)) == len(ids) == 2
        assert max(map(len, ids)) <= 50


async def test_what_somebody_changed_is_neither_renamed_nor_voided() -> None:
    async with opened() as books:
        remote = await post(books)
        outcome = await void(books, remote, version="7")
        assert isinstance(outcome, Rejected)
        assert outcome.code == "VERSION_MOVED"
        assert written(books) == []


async def test_what_somebody_changed_after_the_renaming_is_not_voided() -> None:
    async with opened() as books:
        remote = await post(books)
        books.after.append(lost(path="/invoice"))
        await void(books, remote)
        books.simulator.hand.edit(remote, CustomerMemo={"value": "hello"})
        outcome = await void(books, remote, attempt="2" * 32)
        assert isinstance(outcome, Rejected)
        assert outcome.code == "VERSION_MOVED"
        assert RENUMBERED in outcome.message
        assert written(books) == ["sparse"]


async def test_what_has_its_other_number_already_is_voided_by_a_void_that_knows_it() -> None:
    async with opened() as books:
        remote = await post(books)
        books.after.append(lost(path="/invoice"))
        await void(books, remote)
        books.simulator.hand.edit(remote, CustomerMemo={"value": "hello"})
        version = books.simulator.company.row("Invoice", remote)["SyncToken"]
        done = await void(books, remote, attempt="2" * 32, version=version)
        assert isinstance(done, Done), done
        assert done.entry is not None
        assert (done.entry.status, done.entry.number) == (EntryStatus.VOIDED, RENUMBERED)
        assert written(books) == ["sparse", "void"]


async def test_what_is_paid_keeps_its_number() -> None:
    async with opened() as books:
        remote = await post(books)
        books.simulator.hand.pay(remote, Decimal("1.00"))
        assert isinstance(await void(books, remote), Rejected)
        assert written(books) == []


async def test_a_void_that_is_refused_after_the_renaming_gives_the_number_back() -> None:
    error = {"Message": "matched", "Detail": "a payment is linked", "code": "6480"}
    refused = httpx.Response(400, json={"Fault": {"Error": [error], "type": "ValidationFault"}})
    async with opened() as books:
        remote = await post(books)

        def at_the_void(request: httpx.Request) -> httpx.Response | None:
            return refused if request.url.params.get("operation") == "void" else None

        books.before.append(at_the_void)
        outcome = await void(books, remote)
        assert isinstance(outcome, Rejected)
        assert outcome.code == "NOT_ALLOWED_NOW"
        row = books.simulator.company.row("Invoice", remote)
        assert row["DocNumber"] == "1"
        assert outcome.version == row["SyncToken"] == "2", "so that it is not tried for that again"
        assert written(books) == ["sparse", "void", "sparse"]


async def test_a_number_that_could_not_be_given_back_is_told() -> None:
    error = {"Message": "matched", "Detail": "a payment is linked", "code": "6480"}
    refused = httpx.Response(400, json={"Fault": {"Error": [error], "type": "ValidationFault"}})
    async with opened() as books:
        remote = await post(books)
        calls: list[str] = []

        def from_the_void_on(request: httpx.Request) -> httpx.Response | None:
            if request.url.path.endswith("/invoice"):
                calls.append(request.url.params.get("operation") or "sparse")
                return refused if len(calls) > 1 else None
            return None

        books.before.append(from_the_void_on)
        outcome = await void(books, remote)
        assert isinstance(outcome, Rejected)
        assert f"its number is now {RENUMBERED}" in outcome.message


async def test_a_number_that_somebody_has_already_stops_before_the_void() -> None:
    async with opened() as books:
        remote, _ = await post(books), await post(books, RENUMBERED)
        outcome = await void(books, remote)
        assert isinstance(outcome, Rejected)
        assert outcome.code == "NUMBER_TAKEN"
        row = books.simulator.company.row("Invoice", remote)
        assert (row["DocNumber"], row["Balance"]) == ("1", Decimal("36.00"))


async def test_what_a_person_voided_meanwhile_does_not_count_as_our_void() -> None:
    async with opened() as books:
        remote = await post(books)
        books.simulator.hand.void(remote)
        outcome = await void(books, remote)
        assert isinstance(outcome, Rejected), outcome
        assert outcome.code == "VERSION_MOVED"
        assert "voided" in outcome.message
        row = books.simulator.company.row("Invoice", remote)
        assert row["DocNumber"] == "1"
        assert written(books) == []


async def test_what_was_voided_before_the_plan_only_loses_its_number() -> None:
    async with opened() as books:
        remote = await post(books)
        books.simulator.hand.void(remote)
        version = books.simulator.company.row("Invoice", remote)["SyncToken"]
        done = await void(books, remote, version=version)
        assert isinstance(done, Done), done
        assert done.entry is not None
        assert (done.entry.status, done.entry.number) == (EntryStatus.VOIDED, RENUMBERED)
        assert written(books) == ["sparse"]


async def test_a_credit_memo_is_deleted_with_its_number() -> None:
    async with opened(void_credits="delete") as books:
        kind = DocumentKind.CREDIT
        remote = await post(books, "C1", kind=kind, due=None, lines=[line("1", "5.00")])
        assert isinstance(await void(books, remote, document_kind=kind), Done)
        assert written(books) == []
        assert books.rows("CreditMemo") == []


async def test_a_late_answer_of_the_renaming_is_put_off_under_another_request_id() -> None:
    error = {"Message": "Throttle Exceeded", "Detail": "later", "code": "3001"}
    body = {"Fault": {"Error": [error], "type": "ServiceFault"}}
    async with opened() as books:
        remote = await post(books)
        books.before.append(once(path="/invoice", response=httpx.Response(200, json=body)))
        assert isinstance(await void(books, remote), NotSent)
        assert isinstance(await void(books, remote), Done)
        ids = [one.url.params["requestid"] for one in books.sent
               if one.url.path.endswith("/invoice")]  # fmt: skip
        assert len(set(ids)) == 3
