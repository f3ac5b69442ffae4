"""Writes of several elements: one by one with a status each, or all or nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from syncd_xero.sandbox import shown
from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.contacts import by_name, by_number, created, written
from syncd_xero.sandbox.documents import change, create
from syncd_xero.sandbox.model import Document, Item
from syncd_xero.sandbox.refusals import Invalid, Refusal, exception, malformed
from syncd_xero.sandbox.settling import allocate, pay, unpay
from syncd_xero.sandbox.wording import read_number

Told = Mapping[str, Any]
Answer = dict[str, Any]

NOBODY: Final = "00000000-0000-0000-0000-000000000000"
TABLES: Final = ("documents", "payments", "settlements", "contacts", "items", "numbers", "paid_by")


class Writes:
    """What is written to one organisation.

    Attributes:
        break_after: after so many elements of the next write an internal error strikes: what was
            saved before stays; None for never.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self.break_after: int | None = None

    def elements(self, name: str, body: Any) -> list[Any]:
        """The elements of a body: an envelope, a list or a single one."""
        if isinstance(body, Mapping) and name in body:
            body = body[name]
        found = body if isinstance(body, list) else [body]
        if not found or not all(isinstance(one, Mapping) for one in found):
            raise malformed(f"The body holds no {name}")
        if len(found) > self._books.options.write_ceiling:
            raise malformed(f"More than {self._books.options.write_ceiling} elements were sent")
        return found

    def save(
        self, name: str, method: str, body: Any, *, summarize: bool, places: int, key: str = ""
    ) -> Answer:
        """PUT or POST of documents, contacts, items or payments.

        Raises:
            Refusal: 400, something is wrong and nothing was saved; 500, a broken write.
        """
        save = self._saver(name, method, places, key)
        before = self._snapshot() if summarize else None
        rows, failed = [], []
        for position, one in enumerate(self.elements(name, body)):
            if self.break_after is not None and position == self.break_after:
                self.break_after = None
                raise Refusal(500, {"Title": "An error occurred", "Status": 500, "Detail": None})
            try:
                row = save(one)
                rows.append(row | {"StatusAttributeString": "OK"})
                self._books.journal.append((f"{method} {name}", next(iter(row.values()))))
            except Invalid as error:
                row = _failed(name, one, error)
                failed.append(row)
                rows.append(row)
        if before is not None and failed:
            self._restore(before)
            raise exception(10, "ValidationException", "A validation exception occurred", failed)
        return {name: rows}

    def _saver(self, name: str, method: str, places: int, key: str) -> Callable[[Told], Answer]:
        match name:
            case "Invoices" | "CreditNotes":
                return lambda one: self._document(name, method, one, places, key)
            case "Contacts":
                return lambda one: self._contact(method, one, key)
            case "Items":
                return lambda one: self._item(method, one, key)
            case _:
                return lambda one: self._payment(method, one, key)

    def _document(self, name: str, method: str, told: Told, places: int, key: str) -> Answer:
        books = self._books
        field = "InvoiceID" if name == "Invoices" else "CreditNoteID"
        kind = str(told.get("Type") or "")
        found: Document | None = None
        if method == "POST":
            wanted = key or str(told.get(field) or "")
            number = str(told.get(field.replace("ID", "Number")) or "")
            if wanted:
                found = books.documents.get(wanted.lower())
                if found is None:
                    raise Invalid("The document could not be found")
            elif number and (held := books.holders(kind, number)):
                found = held[0]
        if found is not None:
            return shown.document(
                books, change(books, found, told, places=places), whole=True, places=places
            )
        if kind not in {"ACCREC", "ACCRECCREDIT"}:
            raise Invalid("Invoice Type must be specified")
        if (kind == "ACCREC") != (name == "Invoices"):
            raise Invalid("The document type is not valid")
        made = create(books, told, kind=kind, places=places)
        return shown.document(books, made, whole=True, places=places)

    def _contact(self, method: str, told: Told, key: str) -> Answer:
        books = self._books
        if method == "POST":
            wanted = key or str(told.get("ContactID") or "")
            found = books.contacts.get(wanted.lower()) if wanted else None
            found = found or by_number(books, told.get("ContactNumber"))
            found = found or by_name(books, told.get("Name"))
            if found is not None:
                return shown.contact(written(books, found, told))
        return shown.contact(created(books, told))

    def _item(self, method: str, told: Told, key: str) -> Answer:
        books, code = self._books, str(told.get("Code") or key or "")
        found = books.items.get(code)
        if not code:
            raise Invalid("Price List Item Code is required")
        if len(code) > 30:
            raise Invalid("Price List Item Code must not be more than than 30 characters long")
        if found is not None and method == "PUT":
            raise Invalid(f"Price List Item with Code '{code}' already exists")
        name = str(told.get("Name") or "")
        if len(name) > 50:
            raise Invalid("Price List Item Name must not be more than 50 characters long")
        sales = told.get("SalesDetails") or {}
        account, tax = str(sales.get("AccountCode") or ""), str(sales.get("TaxType") or "")
        if account and account not in books.accounts:
            raise Invalid(f"Account code '{account}' is not a valid code for this document.")
        if tax and tax not in books.taxes:
            raise Invalid(f"The TaxType code '{tax}' does not exist")
        price = sales.get("UnitPrice")
        item = found or Item(key=books.new_key("item"), code=code, name="", updated=books.stamp())
        item.name, item.account, item.tax_type = name, account, tax
        item.description = str(told.get("Description") or "")
        item.price = None if price is None else read_number(price, "UnitPrice")
        item.updated = books.stamp()
        books.items[code] = item
        return shown.item(item)

    def _payment(self, method: str, told: Told, key: str) -> Answer:
        books = self._books
        if method == "POST" and (key or told.get("PaymentID")):
            found = books.payments.get(key or str(told["PaymentID"]))
            if found is None or told.get("Status") != "DELETED":
                raise Invalid("Payment could not be found")
            unpay(books, found)
            return shown.payment(books, found)
        return shown.payment(books, pay(books, told))

    def allocations(self, source: Document, body: Any) -> Answer:
        """PUT of allocations of a credit note, an overpayment or a prepayment.

        Raises:
            Refusal: 400, one of them is refused.
        """
        rows = []
        for one in self.elements("Allocations", body):
            try:
                rows.append(shown.allocation(self._books, allocate(self._books, source, one)))
            except Invalid as error:
                row = _failed("Allocations", one, error)
                message = "A validation exception occurred"
                raise exception(10, "ValidationException", message, [row]) from None
        return {"Allocations": rows}

    def _snapshot(self) -> dict[str, Any]:
        kept = {name: copy.deepcopy(getattr(self._books, name)) for name in TABLES}
        return kept | {"happenings": len(self._books.happenings)}

    def _restore(self, before: dict[str, Any]) -> None:
        del self._books.happenings[before.pop("happenings") :]
        for name, table in before.items():
            setattr(self._books, name, table)


def _failed(name: str, told: Told, error: Invalid) -> Answer:
    row = {key: value for key, value in told.items() if key != "LineItems"}
    if name in {"Invoices", "CreditNotes"}:
        field = "InvoiceID" if name == "Invoices" else "CreditNoteID"
        row[field] = told.get(field) or NOBODY
    return row | {
        "HasErrors": True,
        "StatusAttributeString": "ERROR",
        "ValidationErrors": [{"Message": reason} for reason in error.reasons],
    }
