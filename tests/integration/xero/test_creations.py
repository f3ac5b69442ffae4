"""Contacts and items that are made: what has the PSA's id by chance is not taken for ours."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.sdk.ledger_writes import ActionKind, ActionOutcome, Done, LedgerAction
from syncd.sdk.psa_records import Rejected, Unknown
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_xero import ONE
from tests.builders_xero_books import Books, connected

NUMBER = "1004"


async def made(books: Books, kind: ActionKind, **more: Any) -> ActionOutcome:
    told: dict[str, Any] = {"key": "make", "attempt": "one", "foreign_key": NUMBER, **more}
    [outcome] = await books.ledger.act([LedgerAction(kind=kind, **told)])
    return outcome


async def contact(books: Books, name: str = "Brand New Ltd", **more: Any) -> ActionOutcome:
    return await made(books, ActionKind.CREATE_CONTACT, name=name, **more)


async def item(books: Books, name: str = "Endpoint backup", **more: Any) -> ActionOutcome:
    return await made(books, ActionKind.CREATE_ITEM, name=name, account="200", **more)


def refused(outcome: ActionOutcome, *words: str) -> None:
    assert isinstance(outcome, Rejected), outcome
    assert outcome.code == "NAME_TAKEN"
    assert [word for word in words if word not in outcome.message] == [], outcome.message


async def test_a_contact_and_an_item_are_made_once_and_carry_the_psas_id() -> None:
    async with connected() as books:
        for make in (contact, item):
            remotes = set()
            for attempt in ("one", "two"):
                done = await make(books, attempt=attempt)
                assert isinstance(done, Done), done
                remotes.add(done.remote)
            assert len(remotes) == 1
            catalogue = {one.key: one for one in await books.references_anew()}
            assert catalogue[remotes.pop()].foreign_key in {NUMBER, ""}
        [made_one] = [one for one in catalogue.values() if one.foreign_key == NUMBER]
        assert made_one.name == "Brand New Ltd"


async def test_a_strangers_contact_with_the_same_number_is_shown_and_not_linked() -> None:
    async with connected() as books:
        books.hand.add_contact("Somebody Else plc", ContactNumber=NUMBER)
        refused(await contact(books), "Somebody Else plc", NUMBER, "Brand New Ltd")


async def test_an_archived_contact_with_our_number_is_not_linked_either() -> None:
    async with connected() as books:
        key = books.hand.add_contact("Brand New Ltd", ContactNumber=NUMBER)
        books.hand.archive_contact(key)
        refused(await contact(books), "archived", "Brand New Ltd")


@pytest.mark.parametrize("shown", ["Brand New Ltd", "BRAND NEW LTD"])
async def test_what_the_first_try_made_is_found_by_number_and_name(shown: str) -> None:
    async with connected() as books:
        key = books.hand.add_contact(shown, ContactNumber=NUMBER)
        before = books.calls
        done = await contact(books)
        assert isinstance(done, Done), done
        assert done.remote == key
        assert books.calls - before == 1


async def test_a_contact_whose_answer_was_lost_is_made_once() -> None:
    async with connected() as books:
        books.break_with(Fault(action=Action.CUT_AFTER, path="/Contacts", method="PUT", count=1))
        assert isinstance(await contact(books), Unknown)
        books.break_with()
        assert isinstance(await contact(books, attempt="two"), Done)
        named = [one for one in books.simulator.books.contacts.values() if one.number == NUMBER]
        assert [one.name for one in named] == ["Brand New Ltd"]


async def test_a_strangers_item_with_the_same_code_is_shown_and_not_linked() -> None:
    async with connected() as books:
        assert isinstance(await item(books, "Hours on site"), Done)
        refused(await item(books, attempt="two"), "Hours on site", NUMBER, "Endpoint backup")
        done = await item(books, "hours on site", attempt="three")
        assert isinstance(done, Done), done


async def test_an_item_that_is_not_sold_is_not_linked() -> None:
    async with connected() as books:
        assert isinstance(await item(books), Done)
        books.simulator.books.items[NUMBER].sold = False
        refused(await item(books, attempt="two"), "not sold")


async def test_a_namesake_without_our_number_is_linked_by_a_person() -> None:
    async with connected() as books:
        name = books.simulator.books.contacts[ONE].name
        refused(await contact(books, name), name, "link it")
