"""Whatever people do to payments and wherever a process dies, the PSA ends as the books are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

import pytest

from syncd.core.store.database import Database
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk
from tests.builders_books import Died, invoice

TOTAL = Decimal("24.00")
STEPS = 14


@dataclass
class People:
    """They pay, correct, move and take back; parts of one payment settle several documents.

    Attributes:
        one: the books and the PSA.
        random: decides.
        documents: the books' ids of invoices of 24.00 each.
        parts: what settles what, by payment and allocation.
        hidden: payments whose parts the books do not list at the moment.
    """

    one: Desk
    random: Random
    documents: list[str]
    parts: dict[tuple[str, str], tuple[str, Decimal]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    count: int = 0

    def settled(self, document: str) -> Decimal:
        return sum((amount for to, amount in self.parts.values() if to == document), Decimal(0))

    def act(self) -> None:
        steps: list[Callable[[], None]] = [self.pay, self.change, self.delete, self.move]
        self.random.choice([*steps, self.pay, self.withdraw, self.hide, self.show])()

    def pay(self) -> None:
        document = self.random.choice(self.documents)
        room = TOTAL - self.settled(document)
        if room:
            self.count += 1
            amount = min(room, Decimal(self.random.randint(1, 12)))
            # Sometimes one more part of a payment that is there.
            payment = f"p{self.random.randint(1, self.count)}"
            if payment not in self.hidden:
                self.parts[payment, f"a{self.count}"] = (document, amount)
                self.say(payment)

    def change(self) -> None:
        if about := self.any():
            document, amount = self.parts[about]
            room = TOTAL - self.settled(document) + amount
            self.parts[about] = (document, min(room, Decimal(self.random.randint(1, 12))))
            self.say(about[0])

    def move(self) -> None:
        if about := self.any():
            document = self.random.choice(self.documents)
            amount = self.parts.pop(about)[1]
            room = TOTAL - self.settled(document)
            if room:
                self.parts[about] = (document, min(room, amount))
            self.say(about[0])

    def withdraw(self) -> None:
        if about := self.any():
            del self.parts[about]
            self.say(about[0])

    def delete(self) -> None:
        if about := self.any():
            payment = about[0]
            self.parts = {one: row for one, row in self.parts.items() if one[0] != payment}
            self.say(payment, deleted=True)

    def hide(self) -> None:
        """An answer that lacks what a payment settles."""
        if about := self.any():
            self.hidden.add(about[0])
            self.say(about[0])

    def show(self) -> None:
        for payment in sorted(self.hidden):
            self.hidden.discard(payment)
            self.say(payment)

    def any(self) -> tuple[str, str] | None:
        shown = sorted(about for about in self.parts if about[0] not in self.hidden)
        return self.random.choice(shown) if shown else None

    def say(self, payment: str, *, deleted: bool = False) -> None:
        """The books list the payment as it is now, always with something that is left of it."""
        book = self.one.book
        book.money = [row for row in book.money if row[1].remote != payment]
        version = str(book.time.now.timestamp())
        book.money_of(
            remote=payment, contact="contact-1", amount=Decimal(1), deleted=deleted, version=version
        )
        for (of, allocation), (document, amount) in sorted(self.parts.items()):
            if of == payment and payment not in self.hidden:
                book.money_of(
                    remote=of,
                    allocation=allocation,
                    document=document,
                    contact="contact-1",
                    amount=amount,
                    version=version,
                )
        for document in self.documents:
            left = TOTAL - self.settled(document)
            if left != book.entries[document].balance:
                status = EntryStatus.OPEN if left else EntryStatus.PAID
                book.edit(document, paid=TOTAL - left, balance=left, status=status)


@pytest.mark.parametrize("seed", range(4))
async def test_the_psa_ends_as_the_books_are(sqlite_database: Database, seed: int) -> None:
    one = await desk(sqlite_database)
    posted = await one.post(invoice("1"), invoice("2"), invoice("3"))
    people = People(one, Random(seed), [document.remote or "" for document in posted])
    fate = one.book.fate
    fate.random.seed(seed)
    fate.odds, fate.deaths = 0.4, 6
    for _ in range(STEPS):
        people.act()
        try:
            await one.paid_over()
        except Died:
            continue
    fate.odds = 0.0
    people.show()
    for _ in range(3):
        await one.paid_over()

    known = {
        document.remote: sum(
            (pay.amount for pay in one.keeper.payments if pay.invoice == document.invoice),
            Decimal(0),
        )
        for document in posted
    }
    assert known == {document: people.settled(document) for document in people.documents}
    assert [issue.code for issue in await one.issues() if issue.code != "OVERPAYMENT"] == []
