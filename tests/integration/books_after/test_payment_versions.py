"""A payment that changes after it was left alone, or is not named any more, is never guessed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from syncd.core.service.drift_words import answer_payment
from syncd.core.service.payment_list import ListedPayment, list_payments
from syncd.core.store.database import Database
from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import PsaPayment
from syncd.sdk.ledger_records import EntryStatus, LedgerPayment
from syncd.sdk.psa_records import Outcome, Rejected
from tests.builders_after import Desk, desk, entered
from tests.builders_books import FakeKeeper, invoice

OFF = 'payments = "off" for this book'
NOT_LIVE = "the book is not live"


def paid(one: Desk, document: str, amount: str, **more: object) -> LedgerPayment:
    """The part of payment p1 as it is now; balances are not touched."""
    return one.book.money_of(
        **{
            "remote": "p1",
            "document": document,
            "contact": "contact-1",
            "amount": Decimal(amount),
            **more,
        }
    )


async def say(one: Desk, part: int, *, record: bool) -> None:
    await answer_payment(
        one.database,
        one.connection,
        part,
        record=record,
        by="ann",
        why="looked at the bank",
        clock=one.time.clock,
        log=one.log,
    )


async def listed(one: Desk) -> list[ListedPayment]:
    return await list_payments(one.database, [one.connection])


async def held(one: Desk) -> str:
    (issue,) = await one.issues()
    assert issue.code == "PAYMENT_NOT_RECORDED"
    return issue.message


async def left_alone(one: Desk, remote: str, how: str) -> None:
    """A payment of 10.00 was seen, and is for somebody else to record."""
    paid(one, remote, "10.00", version="1")
    if how == "dismissed":
        one.keeper.payments.append(entered("1", "10.00", day=17))
        await one.paid_over()
        (part,) = await listed(one)
        await say(one, part.id, record=False)
    else:
        await one.look(why_off=how)
        one.keeper.payments.append(entered("1", "10.00", day=17))


@pytest.mark.parametrize("how", [OFF, NOT_LIVE, "dismissed"], ids=["off", "not live", "dismissed"])
async def test_what_was_left_alone_and_then_changed_is_asked_about(
    database: Database, how: str
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    await left_alone(one, document.remote or "", how)
    paid(one, document.remote or "", "15.00", version="2")

    assert await one.paid_over() == [Decimal("10.00")]
    assert "PAYMENT_UNCLEAR" in await held(one)
    assert "10.00 GBP" in await held(one)

    # Somebody mends it by hand in the PSA.
    one.keeper.payments[:] = [entered("1", "15.00", day=20)]
    assert await one.paid_over() == [Decimal("15.00")]
    assert [part.state for part in await listed(one)] == ["echo"]
    assert await one.codes() == []


async def test_a_person_says_that_what_was_left_alone_is_to_be_recorded(
    database: Database,
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    await left_alone(one, document.remote or "", NOT_LIVE)
    one.keeper.payments.clear()
    paid(one, document.remote or "", "15.00", version="2")
    assert await one.paid_over() == []

    await say(one, (await listed(one))[0].id, record=True)
    assert await one.paid_over() == [Decimal("15.00")]

    # What follows goes by what we recorded, and no more by what was left alone before.
    paid(one, document.remote or "", "20.00", version="3")
    assert sum(await one.paid_over()) == Decimal("20.00")
    assert await one.codes() == []


async def test_what_was_left_alone_and_is_taken_back_is_told_while_the_psa_has_it(
    database: Database,
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    await left_alone(one, document.remote or "", NOT_LIVE)
    paid(one, document.remote or "", "10.00", version="2", deleted=True)

    assert await one.paid_over() == [Decimal("10.00")]
    assert "PAYMENT_TAKEN_BACK" in await held(one)
    assert "--record" in (await one.issues())[0].remedy

    await say(one, (await listed(one))[0].id, record=True)
    assert await one.paid_over() == [Decimal("10.00"), Decimal("-10.00")]
    assert await one.codes() == []


async def test_what_was_left_alone_and_is_taken_back_on_both_sides_is_no_matter(
    database: Database,
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    await left_alone(one, document.remote or "", NOT_LIVE)
    one.keeper.payments.clear()
    paid(one, document.remote or "", "10.00", version="2", deleted=True)

    assert await one.paid_over() == []
    assert await one.codes() == []


@dataclass(slots=True)
class Careful(FakeKeeper):
    """A PSA whose plugin writes nothing beside an equal payment that nobody spoke of."""

    refused: list[str] = field(default_factory=list)
    moody: bool = False

    async def record_payments(self, payments: Sequence[PsaPayment]) -> Sequence[Outcome]:
        done: list[Outcome] = []
        for one in payments:
            alike = [
                other
                for other in self.payments
                if (other.invoice, other.amount, other.dated)
                == (one.invoice, one.amount, one.dated)
                and "syncd-" not in other.reference
            ]
            if self.moody or len(alike) > one.alike:
                self.refused.append(one.key)
                done.append(Rejected(one.key, "PAYMENT_LIKE", "one like it is there"))
            else:
                done += await FakeKeeper.record_payments(self, [one])
        return done


async def test_one_of_two_equal_payments_is_not_taken_for_the_other(database: Database) -> None:
    one = await desk(database)
    one.keeper = Careful(one.book.fate)
    (document,) = await one.post(invoice("1"))
    one.keeper.payments.append(entered("1", "10.00"))
    paid(one, document.remote or "", "10.00")
    paid(one, document.remote or "", "10.00", remote="p2")

    assert await one.paid_over() == [Decimal("10.00"), Decimal("10.00")]
    assert one.keeper.refused == []


async def test_a_person_says_that_an_equal_payment_is_another_one(database: Database) -> None:
    one = await desk(database)
    one.keeper = Careful(one.book.fate)
    (document,) = await one.post(invoice("1"))
    paid(one, document.remote or "", "10.00")
    await one.look()
    await one.settle()
    # Between our look and the write somebody enters one like it.
    one.keeper.payments.append(entered("1", "10.00"))
    await one.deliver()
    assert len(one.keeper.refused) == 1
    assert [(part.state, part.detail[:15]) for part in await listed(one)] == [
        ("held", "PAYMENT_REFUSED")
    ]

    await say(one, (await listed(one))[0].id, record=True)
    assert await one.paid_over() == [Decimal("10.00"), Decimal("10.00")]
    assert await one.codes() == []


async def test_a_version_that_follows_one_that_was_refused_leaves_no_issue_of_it(
    database: Database,
) -> None:
    one = await desk(database)
    one.keeper = Careful(one.book.fate, moody=True)
    (document,) = await one.post(invoice("1"))
    paid(one, document.remote or "", "10.00", version="1")
    await one.paid_over()
    assert "PAYMENT_REFUSED" in await held(one)

    one.keeper.moody = False
    assert await one.paid_over() == []  # only a person has it tried again
    paid(one, document.remote or "", "12.00", version="2")
    assert await one.paid_over() == [Decimal("12.00")]
    assert await one.codes() == []


async def prepaid(one: Desk) -> str:
    """A prepayment of 30.00, of which 10.00 settle a document, was recorded."""
    (document,) = await one.post(invoice("1"))
    remote = document.remote or ""
    one.book.pay(remote, "10.00", allocation="a1")
    rest(one)
    assert await one.paid_over() == [Decimal("10.00")]
    return remote


def rest(one: Desk, amount: str = "20.00") -> None:
    paid(one, "", amount)


async def test_a_part_that_is_not_shown_any_more_is_believed_when_its_document_is_open_again(
    database: Database,
) -> None:
    one = await desk(database)
    remote = await prepaid(one)
    one.book.money = [row for row in one.book.money if row[1].allocation != "a1"]
    rest(one)  # the answer lacks allocations, and nothing else moved

    assert await one.paid_over() == [Decimal("10.00")]
    (issue,) = [one for one in await one.issues() if one.code == "PAYMENT_NOT_RECORDED"]
    assert "settled all the same" in issue.message

    one.book.edit(remote, paid=Decimal(0), balance=Decimal("24.00"), status=EntryStatus.OPEN)
    assert await one.paid_over() == [Decimal("10.00"), Decimal("-10.00")]
    assert "PAYMENT_NOT_RECORDED" not in await one.codes()


async def test_a_part_that_is_shown_again_was_never_gone(database: Database) -> None:
    one = await desk(database)
    remote = await prepaid(one)
    shown = list(one.book.money)
    one.book.money = [row for row in one.book.money if row[1].allocation != "a1"]
    rest(one)
    await one.paid_over()
    one.book.money = shown
    paid(one, remote, "10.00", allocation="a1")

    assert await one.paid_over() == [Decimal("10.00")]
    assert "PAYMENT_NOT_RECORDED" not in await one.codes()


async def test_a_document_that_a_payment_names_no_more_is_looked_at(database: Database) -> None:
    one = await desk(database)
    remote = await prepaid(one)
    one.book.edit(remote, paid=Decimal(0), balance=Decimal("24.00"), status=EntryStatus.OPEN)
    del one.book.moved[remote]  # the answer of changes lacks it
    one.book.money = [row for row in one.book.money if row[1].allocation != "a1"]
    rest(one, "30.00")

    assert await one.paid_over() == [Decimal("10.00"), Decimal("-10.00")]


async def test_a_payment_is_listed_as_its_write_stands(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    paid(one, document.remote or "", "10.00")
    await one.look()
    assert [part.state for part in await listed(one)] == ["new"]
    await one.settle()
    assert [part.state for part in await listed(one)] == ["waiting"]

    await one.deliver()  # settling has not seen the end of it yet
    assert [(part.state, part.psa_remote) for part in await listed(one)] == [("recorded", "pay-1")]
    await one.settle()
    assert [(part.state, part.psa_remote) for part in await listed(one)] == [("recorded", "pay-1")]

    paid(one, document.remote or "", "10.00", deleted=True)
    await one.look()
    await one.settle()
    await one.deliver()
    assert [part.state for part in await listed(one)] == ["reversed"]


async def test_a_part_that_waits_for_nobody_cannot_be_answered(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    paid(one, document.remote or "", "10.00")
    await one.paid_over()
    with pytest.raises(DataError, match="waits for a person"):
        await say(one, (await listed(one))[0].id, record=True)
