"""What a bookkeeper does in Xero's own screens, and what happens to the connection.

In Python through `Hand`; over HTTP by `POST /__hand__/NAME` with the arguments as JSON, which the
vendor does not have. Documents are named by id or by number, money and days as text.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd_xero.sandbox import shown
from syncd_xero.sandbox.contacts import created, written
from syncd_xero.sandbox.documents import change, create
from syncd_xero.sandbox.model import Document
from syncd_xero.sandbox.refusals import Invalid
from syncd_xero.sandbox.settling import allocate, pay, received, unpay
from syncd_xero.sandbox.webhooks import Delivery, Sender
from syncd_xero.sandbox.wording import encoded

if TYPE_CHECKING:
    from syncd_xero.sandbox.app import Simulator

BANK: Final = "090"
OFFERED: Final = frozenset({
    "pay", "overpay", "prepay", "unpay", "issue", "credit", "allocate", "edit", "approve", "void",
    "delete", "renumber", "archive_contact", "rename_contact", "add_contact", "archive_account",
    "archive_tax", "archive_tracking", "lock", "unlock", "disconnect", "withdraw", "expire",
    "take_calls", "forget_keys", "break_batch", "documents", "payments",
})  # fmt: skip
"""What may be asked for over HTTP."""


class Hand:
    """A person with every right in the first organisation.

    Attributes:
        sender: makes webhooks.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.sender = Sender(simulator.books, simulator.options)

    def document(self, which: str, kind: str = "ACCREC") -> Document:
        """By id or by number.

        Raises:
            KeyError: there is none.
        """
        books = self._simulator.books
        found = books.documents.get(which)
        if found is not None:
            return found
        keys = books.numbers.get((kind, which.casefold()), ())
        if not keys and kind == "ACCREC":
            return self.document(which, "ACCRECCREDIT")
        return books.documents[keys[-1]] if keys else books.documents[which]

    def documents(self, kind: str = "ACCREC") -> list[dict[str, Any]]:
        """All documents of a kind, as the API shows them."""
        books = self._simulator.books
        return [
            shown.document(books, one, whole=True)
            for one in list(books.documents.values())
            if one.kind == kind
        ]

    def payments(self) -> list[dict[str, Any]]:
        """All payments, taken back or not."""
        books = self._simulator.books
        return [shown.payment(books, one) for one in list(books.payments.values())]

    def pay(self, document: str, amount: str = "", on: str = "", reference: str = "") -> str:
        """Receive money for an invoice, all that is due unless told; the payment's id.

        Raises:
            Invalid: it is not approved, or less is due.
        """
        one = self.document(document)
        told = {
            "Invoice": {"InvoiceID": one.key},
            "Account": {"Code": BANK},
            "Amount": Decimal(amount) if amount else one.due_amount,
            "Date": on or self._today(),
            "Reference": reference,
        }
        return pay(self._simulator.books, told).key

    def overpay(self, document: str, more: str, on: str = "") -> str:
        """Receive all that is due and more: the rest stands as an overpayment; its id."""
        one = self.document(document)
        if one.due_amount:
            self.pay(document, on=on)
        day = date.fromisoformat(on) if on else date.fromisoformat(self._today())
        books = self._simulator.books
        return received(books, one.contact, Decimal(more), day, one.currency).key

    def prepay(self, contact: str, amount: str, on: str = "", currency: str = "GBP") -> str:
        """Receive money from a contact before there is an invoice: a prepayment; its id."""
        day, books = date.fromisoformat(on or self._today()), self._simulator.books
        kind = "RECEIVE-PREPAYMENT"
        return received(books, contact, Decimal(amount), day, currency, kind).key

    def unpay(self, payment: str) -> None:
        """Take a payment back."""
        unpay(self._simulator.books, self._simulator.books.payments[payment])

    def issue(self, contact: str, lines: Sequence[Mapping[str, Any]], **fields: Any) -> str:
        """Make an invoice by hand, with fields as the API names them; its id."""
        return self._made("ACCREC", contact, lines, fields)

    def credit(self, contact: str, lines: Sequence[Mapping[str, Any]], **fields: Any) -> str:
        """Make a credit note by hand; its id."""
        return self._made("ACCRECCREDIT", contact, lines, fields)

    def allocate(self, source: str, target: str, amount: str) -> str:
        """Settle an invoice by a credit note or an overpayment; the allocation's id."""
        told = {"Invoice": {"InvoiceID": self.document(target).key}, "Amount": Decimal(amount)}
        return allocate(self._simulator.books, self.document(source, "ACCRECCREDIT"), told).key

    def edit(self, document: str, **fields: Any) -> None:
        """Change a document, with fields as the API names them, by the rules of its status."""
        change(self._simulator.books, self.document(document), fields, places=4)

    def approve(self, document: str) -> None:
        """A draft goes into the books."""
        self.edit(document, Status="AUTHORISED")

    def void(self, document: str) -> None:
        """An approved document counts no more."""
        self.edit(document, Status="VOIDED")

    def delete(self, document: str) -> None:
        """A draft is thrown away."""
        self.edit(document, Status="DELETED")

    def renumber(self, document: str, number: str) -> None:
        """Give a document another number."""
        books, one = self._simulator.books, self.document(document)
        books.renumber(one, number)
        books.touch(one)

    def add_contact(self, name: str, **fields: Any) -> str:
        """A new contact; its id."""
        return created(self._simulator.books, {"Name": name, **fields}).key

    def rename_contact(self, contact: str, name: str) -> None:
        """Another name."""
        books = self._simulator.books
        written(books, books.contacts[contact], {"Name": name})

    def archive_contact(self, contact: str, archived: bool = True) -> None:
        """It cannot be invoiced any more, or can again."""
        books = self._simulator.books
        status = "ARCHIVED" if archived else "ACTIVE"
        written(books, books.contacts[contact], {"ContactStatus": status})

    def archive_account(self, code: str) -> None:
        """No document can use it any more."""
        self._simulator.books.accounts[code].archived = True

    def archive_tax(self, code: str) -> None:
        """No document can use it any more."""
        self._simulator.books.taxes[code].status = "ARCHIVED"

    def archive_tracking(self, option: str) -> None:
        """No line can use it any more."""
        for category in self._simulator.books.categories.values():
            for one in category.options:
                if option in {one.key, one.name}:
                    one.status = "ARCHIVED"

    def lock(self, day: str, *, year: bool = False) -> None:
        """Close the books up to a day."""
        name = "year_lock" if year else "period_lock"
        setattr(self._simulator.books, name, date.fromisoformat(day))

    def unlock(self) -> None:
        """Open them again."""
        self._simulator.books.period_lock = self._simulator.books.year_lock = None

    def disconnect(self) -> None:
        """The organisation is no longer connected: tokens work, calls do not."""
        self._simulator.logins.disconnect(self._simulator.books.tenant)

    def withdraw(self) -> None:
        """The consent is over."""
        self._simulator.logins.withdraw()

    def expire(self) -> None:
        """End every access token."""
        self._simulator.logins.expire()

    def take_calls(self, calls: int) -> None:
        """Another worker of the same app uses up some of the quota."""
        self._simulator.first.quota.take(calls)

    def forget_keys(self) -> None:
        """Six minutes pass for the idempotency keys alone."""
        self._simulator.replays.forget()

    def break_batch(self, after: int) -> None:
        """The next write saves so many elements and then fails with 500."""
        self._simulator.first.writes.break_after = after

    def webhooks(self, *, batch: int = 0) -> list[Delivery]:
        """Deliveries of everything that nobody was told yet, all in one or so many in each."""
        events = self.sender.pending()
        size = batch or max(1, len(events))
        parts = [events[n : n + size] for n in range(0, len(events), size)]
        return [self.sender.delivery(one) for one in parts]

    def _made(
        self, kind: str, contact: str, lines: Sequence[Mapping[str, Any]], fields: Mapping[str, Any]
    ) -> str:
        books = self._simulator.books
        told = {"Type": kind, "Contact": {"ContactID": contact}, "LineItems": list(lines)}
        told |= {"Status": "AUTHORISED", "Date": self._today(), "DueDate": self._today()}
        one = create(books, {**told, **fields}, kind=kind, places=4)
        one.app = False
        return one.key

    def _today(self) -> str:
        return self._simulator.world.now().date().isoformat()


def routes(hand: Hand) -> Sequence[Route]:
    """`POST /__hand__/NAME` for what is offered, `POST /__hand__/webhooks` to have them sent.

    The latter takes `url`, and `forged`, `repeat`, `reverse`, `intent` as true or false; it answers
    with the statuses that came back.
    """

    async def act(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in OFFERED:
            return _told({"error": f"nothing by hand is named {name}"}, 404)
        body = await request.body()
        try:
            found = getattr(hand, name)(**(json.loads(body, parse_float=Decimal) if body else {}))
        except (Invalid, KeyError, TypeError, ValueError) as error:
            return _told({"error": f"{type(error).__name__}: {error}"}, 400)
        return _told({"result": found})

    async def send(request: Request) -> Response:
        told = json.loads(await request.body())
        sender = hand.sender
        if told.get("intent"):
            deliveries = sender.intent()
        elif told.get("forged"):
            deliveries = [sender.forged(sender.pending())]
        else:
            deliveries = hand.webhooks(batch=1 if told.get("reverse") else 0)
        if told.get("reverse"):
            deliveries.reverse()
        if told.get("repeat"):
            deliveries = deliveries * 2
        statuses = [await asyncio.to_thread(one.posted, told["url"]) for one in deliveries]
        return _told({"statuses": statuses})

    return [
        Route("/__hand__/webhooks", send, methods=["POST"]),
        Route("/__hand__/{name}", act, methods=["POST"]),
    ]


def _told(body: object, status: int = 200) -> Response:
    return Response(encoded(body), status, media_type="application/json")
