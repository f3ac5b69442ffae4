"""Voids, allocations and creations look first, and never touch what is paid or exists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, ReferenceKind
from syncd.sdk.ledger_writes import ActionKind, ActionOutcome, Done, LedgerAction, Posted
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from tests.builders_quickbooks import (
    DAY,
    Opened,
    all_of,
    document,
    line,
    lost,
    once,
    opened,
)


def action(kind: ActionKind, **more: Any) -> LedgerAction:
    return LedgerAction(**{"key": "a1", "attempt": "1" * 32, "kind": kind, "dated": DAY, **more})


async def act(books: Opened, kind: ActionKind, **more: Any) -> ActionOutcome:
    (outcome,) = await books.ledger.act([action(kind, **more)])
    return outcome


async def post(books: Opened, number: str = "1", **more: Any) -> str:
    (outcome,) = await books.ledger.post([document(number, **more)])
    assert isinstance(outcome, Posted), outcome
    return outcome.entry.remote


async def credit(books: Opened, price: str = "5.00") -> str:
    lines = [line("1", price, tax="3")]
    return await post(books, "C1", kind=DocumentKind.CREDIT, due=None, lines=lines)


def code(outcome: ActionOutcome) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.code


async def test_a_void_keeps_the_number_and_is_done_once() -> None:
    async with opened() as books:
        remote = await post(books)
        done = await act(books, ActionKind.VOID, remote=remote, version="0")
        assert isinstance(done, Done)
        assert done.entry is not None
        assert (done.entry.status, done.entry.number) == (EntryStatus.VOIDED, "1")
        writes = len(books.bodies("/invoice"))
        again = await act(books, ActionKind.VOID, remote=remote, version="0")
        assert isinstance(again, Done)
        assert len(books.bodies("/invoice")) == writes, "it was voided twice"


async def test_a_voided_document_is_no_holder_for_us_but_quickbooks_decides() -> None:
    async with opened({"duplicates": "allowed"}) as books:
        remote = await post(books)
        await act(books, ActionKind.VOID, remote=remote)
        assert await post(books, "1", key="again", attempt="2" * 32) != remote


async def test_what_is_paid_is_never_voided() -> None:
    async with opened() as books:
        remote = await post(books)
        books.simulator.hand.pay(remote, Decimal("1.00"))
        assert code(await act(books, ActionKind.VOID, remote=remote)) == "NOT_ALLOWED_NOW"
        assert books.bodies("/invoice") == []


async def test_what_somebody_changed_since_is_not_voided() -> None:
    async with opened() as books:
        remote = await post(books)
        outcome = await act(books, ActionKind.VOID, remote=remote, version="7")
        assert code(outcome) == "VERSION_MOVED"


async def test_a_void_whose_answer_is_lost_is_unknown_and_then_done() -> None:
    async with opened() as books:
        remote = await post(books)
        books.after.append(lost(path="/invoice"))
        assert isinstance(await act(books, ActionKind.VOID, remote=remote), Unknown)
        assert isinstance(await act(books, ActionKind.VOID, remote=remote), Done)


async def test_credit_memos_are_deleted_only_where_that_is_allowed() -> None:
    more: dict[str, Any] = {"document_kind": DocumentKind.CREDIT}
    async with opened() as books:
        remote = await credit(books)
        outcome = await act(books, ActionKind.VOID, remote=remote, **more)
        assert code(outcome) == "NOT_ALLOWED_NOW"
        assert isinstance(outcome, Rejected)
        assert "void_credits" in outcome.message
    async with opened(void_credits="delete") as books:
        remote = await credit(books)
        assert isinstance(await act(books, ActionKind.VOID, remote=remote, **more), Done)
        assert books.rows("CreditMemo") == []
        assert isinstance(await act(books, ActionKind.VOID, remote=remote, **more), Done)


async def test_a_credit_is_applied_to_the_invoice_it_names_and_only_once() -> None:
    async with opened() as books:
        invoice, memo = await post(books), await credit(books)
        more: dict[str, Any] = {
            "document_kind": DocumentKind.CREDIT,
            "remote": memo,
            "target": invoice,
            "amount": Decimal("5.00"),
        }
        books.after.append(lost(path="/payment"))
        assert isinstance(await act(books, ActionKind.ALLOCATE, **more), Unknown)
        done = await act(books, ActionKind.ALLOCATE, **more)
        assert isinstance(done, Done), done
        assert done.entry is not None
        assert done.entry.balance == 0
        assert len(books.rows("Payment")) == 1
        back = await books.ledger.read_back({invoice: DocumentKind.INVOICE})
        assert back[invoice].balance == Decimal("31.00")


async def test_more_than_is_left_is_not_applied() -> None:
    async with opened() as books:
        invoice, memo = await post(books), await credit(books)
        outcome = await act(
            books,
            ActionKind.ALLOCATE,
            document_kind=DocumentKind.CREDIT,
            remote=memo,
            target=invoice,
            amount=Decimal("5.01"),
        )
        assert isinstance(outcome, Rejected)
        assert outcome.code == "NOT_ALLOWED_NOW"
        assert outcome.message.startswith(
            "5.01 cannot be applied: 5.00 of the credit memo are left"
        )
        assert books.rows("Payment") == []


async def test_there_is_nothing_to_approve() -> None:
    async with opened() as books:
        assert code(await act(books, ActionKind.APPROVE, remote="1")) == "NOT_ALLOWED_NOW"


async def test_a_customer_is_created_once_and_known_by_the_psa_id() -> None:
    async with opened() as books:
        more = {"name": "Bräu & Söhne", "foreign_key": "1007", "currency": "GBP"}
        books.after.append(lost(path="/customer"))
        assert isinstance(await act(books, ActionKind.CREATE_CONTACT, **more), Unknown)
        done = await act(books, ActionKind.CREATE_CONTACT, attempt="2" * 32, **more)
        assert isinstance(done, Done), done
        rows = await all_of(books.ledger.references())
        made = [one for one in rows if one.key == done.remote and one.foreign_key == "1007"]
        assert [one.kind for one in made] == [ReferenceKind.CONTACT]


@pytest.mark.parametrize("name", ["Client 1", "CLIENT 1", "Client 2 Ltd", "Client 3"])
async def test_a_name_that_exists_is_linked_and_never_made_again(name: str) -> None:
    async with opened() as books:
        before = len(books.rows("Customer"))
        outcome = await act(books, ActionKind.CREATE_CONTACT, name=name, foreign_key="1009")
        assert code(outcome) == "NAME_TAKEN"
        assert len(books.rows("Customer")) == before
        assert books.bodies("/customer") == []


@pytest.mark.parametrize("name", ["A:B", "", "x" * 501, "a\tb"])
async def test_a_name_that_quickbooks_does_not_take_is_refused(name: str) -> None:
    async with opened() as books:
        assert code(await act(books, ActionKind.CREATE_CONTACT, name=name)) == "REFUSED"


async def test_an_item_is_created_with_its_account_or_linked() -> None:
    async with opened() as books:
        more = {"name": "Firewall", "account": "79", "tax_code": "2"}
        done = await act(books, ActionKind.CREATE_ITEM, **more)
        assert isinstance(done, Done), done
        again = await act(books, ActionKind.CREATE_ITEM, attempt="2" * 32, **more)
        assert isinstance(again, Done)
        assert again.remote == done.remote
        assert code(await act(books, ActionKind.CREATE_ITEM, name="Antivirus", account="79")) == (
            "NAME_TAKEN"
        )
        assert code(await act(books, ActionKind.CREATE_ITEM, name="New")) == "ACCOUNT_UNUSABLE"


async def test_what_was_put_off_is_asked_under_another_request_id() -> None:
    error = {"Message": "Throttle Exceeded", "Detail": "later", "code": "3001"}
    body = {"Fault": {"Error": [error], "type": "ServiceFault"}}
    async with opened() as books:
        books.before.append(once(path="/item", response=httpx.Response(200, json=body)))
        more = {"name": "Firewall", "account": "79"}
        late = await act(books, ActionKind.CREATE_ITEM, **more)
        assert isinstance(late, NotSent)
        assert late.retry_after == 60.0
        assert isinstance(await act(books, ActionKind.CREATE_ITEM, **more), Done)
        keys = [one.url.params["requestid"] for one in books.sent if one.url.path.endswith("/item")]
        assert len(set(keys)) == 2
        assert max(map(len, keys)) <= 50
