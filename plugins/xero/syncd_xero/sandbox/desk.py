"""Which resource of an organisation answers what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncd_xero.sandbox import lists, shown
from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.contacts import by_number
from syncd_xero.sandbox.model import Document
from syncd_xero.sandbox.refusals import Refusal, not_found
from syncd_xero.sandbox.settling import release
from syncd_xero.sandbox.wording import decoded, moment
from syncd_xero.sandbox.writes import Writes

Answer = dict[str, Any]

CATALOGUES: Final = ("Items", "Accounts", "TaxRates", "TrackingCategories", "Currencies")
KINDS: Final = {
    "Invoices": ("ACCREC", "ACCPAY"),
    "CreditNotes": ("ACCRECCREDIT",),
    "Overpayments": ("RECEIVE-OVERPAYMENT",),
    "Prepayments": ("RECEIVE-PREPAYMENT",),
}
WRITABLE: Final = ("Invoices", "CreditNotes", "Contacts", "Items", "Payments")
ACTIONS: Final = (
    "CreateDraftInvoice",
    "CreateApprovedInvoice",
    "CreateInvoicePayment",
    "UseMulticurrency",
)
LONGEST_NOTE: Final = 2500


class Desk:
    """Answers the calls of one organisation.

    Attributes:
        forbidden_actions: what the user who consented may not do.
    """

    def __init__(self, books: Books, writes: Writes) -> None:
        self._books = books
        self._writes = writes
        self.forbidden_actions: set[str] = set()

    def answer(
        self,
        method: str,
        path: list[str],
        asked: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer | None:
        """What a call is answered with; None for an answer without a body.

        Raises:
            Refusal: whatever is wrong.
        """
        name, *rest = path or [""]
        if method == "GET":
            return self._read(name, rest, asked, headers.get("if-modified-since", ""))
        if method in {"PUT", "POST"} and name in WRITABLE and len(rest) < 2:
            return self._writes.save(
                name,
                "POST" if rest else method,
                decoded(body),
                summarize=asked.get("summarizeErrors", "true").lower() != "false",
                places=4 if asked.get("unitdp") == "4" else 2,
                key=self._key(name, rest[0]) if rest else "",
            )
        if len(rest) >= 2 and name in KINDS:
            return self._part(method, self._document(name, rest[0]), rest[1:], body)
        raise Refusal(405, f"The simulator has no {method} of {name}")

    def _read(self, name: str, rest: list[str], asked: Mapping[str, str], since: str) -> Answer:
        books = self._books
        if name in KINDS and not rest:
            if name in {"Invoices", "CreditNotes"}:
                return lists.documents(books, name, asked, since)
            return lists.spare_money(books, name, asked, since)
        if name in KINDS:
            one = self._document(name, rest[0])
            if rest[1:] == ["History"]:
                return {"HistoryRecords": one.history}
            if rest[1:] == ["OnlineInvoice"] and name == "Invoices":
                url = f"https://in.example/{one.key}"
                return {"OnlineInvoices": [{"OnlineInvoiceUrl": url}]}
            places = 4 if asked.get("unitdp") == "4" else 2
            if name in {"Invoices", "CreditNotes"}:
                return {name: [shown.document(books, one, whole=True, places=places)]}
            return {name: [shown.spare_money(books, one)]}
        match name, rest:
            case "Organisation", []:
                return {"Organisations": [shown.organisation(books)]}
            case "Organisation", ["Actions"]:
                return {"Actions": [self._action(one) for one in ACTIONS]}
            case "Contacts", []:
                return lists.contacts(books, asked, since)
            case "Contacts", [key]:
                return {"Contacts": [shown.contact(books.contacts[self._key(name, key)])]}
            case "Payments", []:
                return lists.payments(books, asked, since)
            case "Payments", [key]:
                return {"Payments": [shown.payment(books, books.payments[self._key(name, key)])]}
            case "Items", [key]:
                return {"Items": [shown.item(books.items[self._key(name, key)])]}
        if name in CATALOGUES and not rest:
            return lists.catalogue(books, name, asked)
        raise not_found()

    def _action(self, name: str) -> Answer:
        refused = name in self.forbidden_actions
        return {"Name": name, "Status": "NOT-ALLOWED" if refused else "ALLOWED"}

    def _document(self, name: str, key: str) -> Document:
        """By id or by number.

        Raises:
            Refusal: 404, there is none.
        """
        found = self._books.documents.get(key.lower())
        if found is None:
            held = [one for kind in KINDS[name] for one in self._books.holders(kind, key)]
            found = held[0] if held else None
        if found is None or found.kind not in KINDS[name]:
            raise not_found()
        return found

    def _key(self, name: str, key: str) -> str:
        """The id of what a path names.

        Raises:
            Refusal: 404, there is none.
        """
        books = self._books
        if name in KINDS:
            return self._document(name, key).key
        if name == "Contacts":
            found = books.contacts.get(key.lower()) or by_number(books, key)
            if found is not None:
                return found.key
        if name == "Payments" and key.lower() in books.payments:
            return key.lower()
        if name == "Items":
            items = books.items.values()
            by_id = [one.code for one in items if one.key == key.lower() or one.code == key]
            if by_id:
                return by_id[0]
        raise not_found()

    def _part(self, method: str, one: Document, rest: list[str], body: bytes) -> Answer | None:
        books = self._books
        match method, rest:
            case "PUT", ["Allocations"]:
                return self._writes.allocations(one, decoded(body))
            case "DELETE", ["Allocations", key] if key in books.settlements:
                release(books, key)
                return {"Allocations": [{"AllocationID": key, "IsDeleted": True}]}
            case "PUT", ["History"]:
                notes = decoded(body).get("HistoryRecords", [])
                for note in notes:
                    told = str(note.get("Details", ""))[:LONGEST_NOTE]
                    stamp = moment(books.world.now())
                    row = {"Changes": "Note", "Details": told, "DateUTC": stamp}
                    one.history.append(row)
                return {"HistoryRecords": one.history[-len(notes) :]}
            case "POST", ["Email"]:
                books.mailed.append(one.key)
                return None
        raise not_found()
