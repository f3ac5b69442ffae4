"""Payments of the books reach the PSA once, whatever fails between; what is unclear is asked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from syncd.core.invoicing.identity import marker_of
from syncd.core.service.ledger_payments import part_key
from syncd.core.store.database import Database
from syncd.core.store.ledger_payments import PartState
from tests.builders_after import Desk, desk, entered
from tests.builders_books import Died, invoice


async def states(one: Desk) -> list[str]:
    return [part.state.value for part in await one.parts()]


async def test_a_full_payment_is_recorded_once(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.pay(document.remote or "", "24.00")

    assert await one.paid_over() == [Decimal("24.00")]
    assert await one.paid_over() == [Decimal("24.00")]
    assert await states(one) == ["recorded"]
    assert "syncd-" in one.keeper.payments[0].reference
    assert one.keeper.payments[0].dated == date(2026, 11, 20)


async def test_parts_are_recorded_each_and_one_payment_may_settle_several_invoices(
    database: Database,
) -> None:
    one = await desk(database)
    first, second = await one.post(invoice("1"), invoice("2"))
    one.book.pay(first.remote or "", "10.00", "p1")
    one.book.pay(first.remote or "", "14.00", "p2", allocation="1")
    one.book.pay(second.remote or "", "5.00", "p2", allocation="2")

    assert await one.paid_over() == [Decimal("10.00"), Decimal("14.00"), Decimal("5.00")]
    assert [one.invoice for one in one.keeper.payments] == ["1", "1", "2"]


async def test_what_the_psa_has_of_the_same_amount_and_day_is_an_echo(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.keeper.payments.append(entered("1", "10.00"))
    one.book.pay(document.remote or "", "10.00", "p1")
    one.book.pay(document.remote or "", "10.00", "p2")

    # The second of the same amount stands for itself: the first echo is used up.
    assert await one.paid_over() == [Decimal("10.00"), Decimal("10.00")]
    assert await states(one) == ["echo", "recorded"]


async def test_our_own_payment_is_known_by_its_mark_after_everything_else_was_forgotten(
    database: Database,
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.pay(document.remote or "", "10.00")
    await one.look()
    (part,) = await one.parts()
    mark = marker_of(part_key(one.connection, one.book.key, part))
    ours = msgspec.structs.replace(entered("1", "10.00", day=2, remote="ours"), reference=mark)
    one.keeper.payments.append(ours)

    await one.settle()
    await one.deliver()

    assert [one.remote for one in one.keeper.payments] == ["ours"]
    assert await states(one) == ["recorded"]


async def test_the_same_amount_on_another_day_is_asked_about(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.keeper.payments.append(entered("1", "10.00", day=17))
    one.book.pay(document.remote or "", "10.00")

    assert await one.paid_over() == [Decimal("10.00")]
    assert await one.codes() == ["PAYMENT_NOT_RECORDED"]
    assert "PAYMENT_UNCLEAR" in (await one.issues())[0].message


async def test_more_than_the_invoice_says_is_never_recorded(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.keeper.payments.append(entered("1", "20.00"))
    one.book.pay(document.remote or "", "10.00")

    assert await one.paid_over() == [Decimal("20.00")]
    assert "PAYMENT_EXCEEDS" in (await one.issues())[0].message

    one.keeper.payments.clear()
    assert await one.paid_over() == [Decimal("10.00")]
    assert await one.codes() == []


async def test_money_that_settles_nothing_is_told_and_never_guessed(database: Database) -> None:
    one = await desk(database)
    await one.post(invoice("1"))
    one.book.money_of(remote="over", contact="contact-1", amount=Decimal("24.00"))
    one.book.money_of(remote="stranger", contact="contact-77", amount=Decimal("24.00"))

    assert await one.paid_over() == []
    assert await one.codes() == ["OVERPAYMENT"]

    document = await one.document("INV-00001")
    one.book.pay(document.remote or "", "24.00", "over")
    assert await one.paid_over() == [Decimal("24.00")]
    assert await one.codes() == []


@pytest.mark.parametrize("how", ["deleted", "moved"])
async def test_what_is_taken_back_in_the_books_is_taken_back_in_the_psa(
    database: Database, how: str
) -> None:
    one = await desk(database)
    first, second = await one.post(invoice("1"), invoice("2"))
    one.book.pay(first.remote or "", "10.00", version="1")
    await one.paid_over()

    target = first if how == "deleted" else second
    one.book.edit(first.remote or "", paid=Decimal(0), balance=Decimal("24.00"))
    one.book.money_of(
        remote="p1",
        document=target.remote,
        contact="contact-1",
        amount=Decimal("10.00"),
        deleted=how == "deleted",
        version="2",
    )
    amounts = await one.paid_over()

    taken = [(one.invoice, one.amount) for one in one.keeper.payments]
    assert ("1", Decimal("-10.00")) in taken
    assert (("2", Decimal("10.00")) in taken) == (how == "moved")
    assert await one.paid_over() == amounts
    assert await one.codes() == []


async def test_a_changed_amount_is_recorded_as_the_difference(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.pay(document.remote or "", "10.00")
    await one.paid_over()
    one.book.money_of(
        remote="p1", document=document.remote, contact="contact-1", amount=Decimal("15.00")
    )

    assert sum(await one.paid_over()) == Decimal("15.00")
    one.book.money_of(
        remote="p1", document=document.remote, contact="contact-1", amount=Decimal("12.00")
    )
    assert sum(await one.paid_over()) == Decimal("12.00")
    assert await one.codes() == []


async def test_a_payment_that_others_entered_is_theirs_to_take_back(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.keeper.payments.append(entered("1", "10.00"))
    one.book.pay(document.remote or "", "10.00")
    await one.paid_over()
    one.book.money_of(
        remote="p1",
        document=document.remote,
        contact="contact-1",
        amount=Decimal("10.00"),
        deleted=True,
    )

    assert await one.paid_over() == [Decimal("10.00")]
    assert "PAYMENT_TAKEN_BACK" in (await one.issues())[0].message
    one.keeper.payments.clear()
    assert await one.paid_over() == []
    assert await one.codes() == []


@pytest.mark.parametrize("why", ['payments = "off"', "the book is not live"])
async def test_where_payments_are_off_they_are_seen_and_not_recorded(
    database: Database, why: str
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.pay(document.remote or "", "10.00")
    await one.look(why_off=why)
    await one.settle()
    await one.deliver()

    assert one.keeper.payments == []
    assert [(part.state, part.detail) for part in await one.parts()] == [
        (PartState.IGNORED, f"PAYMENT_LEFT: {why}")
    ]


async def test_another_currency_is_for_a_person(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.money_of(
        remote="p1",
        document=document.remote,
        contact="contact-1",
        amount=Decimal("10.00"),
        currency="EUR",
    )

    assert await one.paid_over() == []
    assert "PAYMENT_CURRENCY" in (await one.issues())[0].message


@pytest.mark.parametrize("seed", range(4))
async def test_a_process_that_dies_anywhere_records_each_payment_once(
    sqlite_database: Database, seed: int
) -> None:
    one = await desk(sqlite_database)
    first, second = await one.post(invoice("1"), invoice("2"))
    one.book.pay(first.remote or "", "10.00", "p1")
    one.book.pay(second.remote or "", "24.00", "p2")
    fate = one.book.fate
    fate.random.seed(seed)
    fate.odds, fate.deaths = 0.7, 5

    for _ in range(12):
        try:
            await one.paid_over()
        except Died:
            continue
    fate.odds = 0.0
    await one.paid_over()
    await one.paid_over()

    known = sorted((one.invoice, one.amount) for one in one.keeper.payments)
    assert known == [("1", Decimal("10.00")), ("2", Decimal("24.00"))]
    assert await states(one) == ["recorded", "recorded"]
