"""One organisation: its catalogues, documents and payments, and what announces their changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from syncd.sdk.sandbox import World
from syncd_xero.sandbox import seed, tenant_id
from syncd_xero.sandbox.model import (
    Account,
    Category,
    Contact,
    Document,
    Item,
    Payment,
    Settlement,
    Tax,
)
from syncd_xero.sandbox.options import Options

FIRST_NUMBER = 1000

CATEGORIES = {
    "ACCREC": "INVOICE",
    "ACCPAY": "INVOICE",
    "ACCRECCREDIT": "CREDITNOTE",
    "RECEIVE-OVERPAYMENT": "OVERPAYMENT",
    "RECEIVE-PREPAYMENT": "PREPAYMENT",
}
"""Of webhooks, by the kind of document."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What a webhook tells: something of a category was created or changed."""

    category: str
    kind: str
    key: str
    at: datetime


class Books:
    """The tables of one organisation.

    Attributes:
        tenant: its id.
        currencies: that it is subscribed to.
        period_lock: documents up to this day are closed.
        year_lock: likewise, by the end of the year.
        happenings: changes that webhooks tell, in order.
        mailed: invoices that an app sent to clients.
        journal: words for people, one for each write: what and which id.
    """

    def __init__(self, world: World, options: Options, number: int = 1) -> None:
        self.world = world
        self.options = options
        self.number = number
        self.tenant = tenant_id(number)
        self.name = "Sandbox MSP" if number == 1 else f"Sandbox MSP {number}"
        self.country, self.currency = "GB", "GBP"
        self.currencies = ["GBP", "EUR", "USD"]
        self.period_lock: date | None = None
        self.year_lock: date | None = None
        self.accounts: dict[str, Account] = {}
        self.taxes: dict[str, Tax] = {}
        self.categories: dict[str, Category] = {}
        self.items: dict[str, Item] = {}
        self.contacts: dict[str, Contact] = {}
        self.documents: dict[str, Document] = {}
        self.payments: dict[str, Payment] = {}
        self.paid_by: dict[str, list[str]] = {}
        self.settlements: dict[str, Settlement] = {}
        self.numbers: dict[tuple[str, str], list[str]] = {}
        self.happenings: list[Happening] = []
        self.mailed: list[str] = []
        self.journal: list[tuple[str, str]] = []
        self._made = 0
        self._counter = FIRST_NUMBER
        self._stamp = datetime(2024, 1, 2, 9, 0, tzinfo=UTC)
        self._followed: date | None = None
        extras = options.extras
        self.accounts = {one.code: one for one in seed.accounts(extras=extras)}
        self.taxes = {one.key: one for one in seed.taxes(extras=extras)}
        self.categories = {one.key: one for one in seed.categories()}
        self.items = {one.code: one for one in seed.items(extras=extras)}
        self.follow_world()
        if extras:
            for one in seed.strangers(self._roster(), number):
                self.contacts[one.key] = one

    def follow_world(self) -> None:
        """The bookkeeper adds clients as they come; looked at once a day."""
        today = self.world.now().date()
        if today == self._followed:
            return
        self._followed = today
        taken = {one.name.casefold() for one in self.contacts.values() if not one.archived}
        known = self.contacts.keys()
        for one in seed.contacts(self._roster(), taken, self.number):
            if one.key not in known:
                self.contacts[one.key] = one

    def _roster(self) -> list[Any]:
        clients = sorted(self.world.clients(), key=lambda one: one.id)
        wanted = self.options.roster
        return [one for one in clients if wanted is None or one.id in wanted]

    def new_key(self, kind: str) -> str:
        """The next id."""
        self._made += 1
        return str(uuid5(NAMESPACE_URL, f"{self.tenant}:{kind}:{self._made}"))

    def new_number(self, kind: str) -> str:
        """The next number that the organisation gives by itself."""
        prefix = "CN-" if kind == "ACCRECCREDIT" else "INV-"
        while True:
            self._counter += 1
            number = f"{prefix}{self._counter}"
            if not self.holders(kind, number):
                return number

    def stamp(self) -> datetime:
        """Now, and later than every stamp before."""
        self._stamp = max(self.world.now(), self._stamp + timedelta(milliseconds=1))
        return self._stamp

    def add(self, document: Document) -> None:
        """Keep a new document."""
        self.documents[document.key] = document
        document.visible = self.options.monotonic() + self.options.search_lag
        self.numbers.setdefault((document.kind, document.number.casefold()), []).append(
            document.key
        )
        self.announce(document, "CREATE")

    def renumber(self, document: Document, number: str) -> None:
        """Give a document another number."""
        self.numbers[document.kind, document.number.casefold()].remove(document.key)
        document.number = number
        self.numbers.setdefault((document.kind, number.casefold()), []).append(document.key)

    def holders(self, kind: str, number: str) -> list[Document]:
        """Documents that hold a number: a deleted one gives it back, a voided one keeps it."""
        keys = self.numbers.get((kind, number.casefold()), ())
        free = {"DELETED", "VOIDED"} if self.options.void_frees_number else {"DELETED"}
        found = [self.documents[key] for key in keys]
        return [one for one in found if one.status not in free]

    def add_payment(self, payment: Payment) -> None:
        """Keep a new payment."""
        self.payments[payment.key] = payment
        self.paid_by.setdefault(payment.document, []).append(payment.key)

    def paying(self, document: str) -> list[Payment]:
        """Payments of a document, taken back or not."""
        return [self.payments[key] for key in self.paid_by.get(document, ())]

    def touch(self, document: Document) -> None:
        """A document changed."""
        document.updated = self.stamp()
        self.announce(document, "UPDATE")

    def announce(self, document: Document, kind: str) -> None:
        """What a webhook will tell of a document."""
        category = CATEGORIES[document.kind]
        self.happenings.append(Happening(category, kind, document.key, self.world.now()))

    def listed(self, document: Document) -> bool:
        """Whether lists show it already."""
        return self.options.monotonic() >= document.visible

    def lock(self) -> tuple[date | None, str]:
        """The later lock and its name."""
        period, year = self.period_lock, self.year_lock
        if year is not None and (period is None or year >= period):
            return year, "end of year lock date"
        return period, "period lock date"
