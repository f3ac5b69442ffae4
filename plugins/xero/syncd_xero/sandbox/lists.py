"""Lists: pages, filters by value, by `where`, by time of change; no lines without a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from syncd_xero.sandbox import shown
from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.contacts import same_name
from syncd_xero.sandbox.model import Contact, Document, Payment
from syncd_xero.sandbox.refusals import unreadable
from syncd_xero.sandbox.where import parsed

Asked = Mapping[str, str]
Answer = dict[str, Any]

DEFAULT_PAGE: Final = 100
INVOICE_KINDS: Final = frozenset({"ACCREC", "ACCPAY"})
KNOWN: Final = frozenset({
    "page", "pageSize", "where", "order", "IDs", "InvoiceNumbers", "ContactIDs", "Statuses",
    "searchTerm", "createdByMyApp", "summaryOnly", "unitdp", "includeArchived", "references",
})  # fmt: skip


def documents(books: Books, name: str, asked: Asked, since: str) -> Answer:
    """`Invoices` or `CreditNotes`."""
    _known(asked)
    kinds = INVOICE_KINDS if name == "Invoices" else frozenset({"ACCRECCREDIT"})
    rows: Iterable[Document] = _candidates(books, name, asked, kinds)
    rows = [one for one in rows if books.listed(one)]
    if floor := _since(since):
        rows = [one for one in rows if one.updated >= floor]
    if asked.get("createdByMyApp", "").lower() == "true":
        rows = [one for one in rows if one.app]
    if text := asked.get("searchTerm", "").casefold():
        rows = [one for one in rows if text in f"{one.number}\n{one.reference}".casefold()]
    whole = "page" in asked and asked.get("summaryOnly", "").lower() != "true"
    places = 4 if asked.get("unitdp") == "4" else 2
    if filters := asked.get("where"):
        test = parsed(filters)
        rows = [one for one in rows if test(shown.document(books, one, whole=False))]
    rows = sorted(rows, key=lambda one: (one.updated, one.key))
    _order(rows, asked)
    paged = "page" in asked or "summaryOnly" in asked
    return _answer(
        books, name, rows, lambda one: shown.document(books, one, whole=whole, places=places),
        asked if paged else None,
    )  # fmt: skip


def _candidates(books: Books, name: str, asked: Asked, kinds: frozenset[str]) -> Iterable[Document]:
    """Rows that the lists by value let through; those by number and id are found by index."""
    rows: Iterable[Document] = books.documents.values()
    if name == "Invoices" and asked.get("InvoiceNumbers"):
        numbers = asked["InvoiceNumbers"].casefold().split(",")
        keys = [key for text in numbers for kind in sorted(kinds) for key in
                books.numbers.get((kind, text.strip()), ())]  # fmt: skip
        rows = [books.documents[key] for key in dict.fromkeys(keys)]
    if name == "Invoices" and asked.get("IDs"):
        ids = dict.fromkeys(one.strip().lower() for one in asked["IDs"].split(","))
        found = {one.key for one in rows} if asked.get("InvoiceNumbers") else books.documents.keys()
        rows = [books.documents[one] for one in ids if one in found]
    rows = [one for one in rows if one.kind in kinds]
    if name == "Invoices" and asked.get("Statuses"):
        wanted = set(asked["Statuses"].upper().split(","))
        rows = [one for one in rows if one.status in wanted]
    if name == "Invoices" and asked.get("ContactIDs"):
        owners = set(asked["ContactIDs"].lower().split(","))
        rows = [one for one in rows if one.contact in owners]
    return rows


def spare_money(books: Books, name: str, asked: Asked, since: str) -> Answer:
    """`Overpayments` or `Prepayments`."""
    _known(asked)
    kind = "RECEIVE-OVERPAYMENT" if name == "Overpayments" else "RECEIVE-PREPAYMENT"
    floor = _since(since)
    rows = [one for one in books.documents.values() if one.kind == kind]
    rows = [one for one in rows if floor is None or one.updated >= floor]
    return _answer(
        books, name, rows, lambda one: shown.spare_money(books, one),
        asked if "page" in asked else None,
    )  # fmt: skip


def payments(books: Books, asked: Asked, since: str) -> Answer:
    _known(asked)
    floor = _since(since)
    rows: list[Payment] = [
        one for one in books.payments.values() if floor is None or one.updated >= floor
    ]
    if filters := asked.get("where"):
        test = parsed(filters)
        rows = [one for one in rows if test(shown.payment(books, one))]
    rows.sort(key=lambda one: (one.updated, one.key))
    return _answer(
        books, "Payments", rows, lambda one: shown.payment(books, one),
        asked if "page" in asked else None,
    )  # fmt: skip


def contacts(books: Books, asked: Asked, since: str) -> Answer:
    _known(asked)
    floor = _since(since)
    rows: list[Contact] = list(books.contacts.values())
    if asked.get("includeArchived", "").lower() != "true":
        rows = [one for one in rows if not one.archived]
    if asked.get("IDs"):
        wanted = set(asked["IDs"].lower().split(","))
        rows = [one for one in rows if one.key in wanted]
    if floor is not None:
        rows = [one for one in rows if one.updated >= floor]
    if text := asked.get("searchTerm", ""):
        rows = [one for one in rows if same_name(text) in same_name(one.name)]
    if filters := asked.get("where"):
        test = parsed(filters)
        rows = [one for one in rows if test(shown.contact(one))]
    rows.sort(key=lambda one: one.key)
    return _answer(books, "Contacts", rows, shown.contact, asked if "page" in asked else None)


def catalogue(books: Books, name: str, asked: Asked) -> Answer:
    """What comes without pages: `Items`, `Accounts`, `TaxRates`, `TrackingCategories`."""
    _known(asked)
    rows: list[Answer]
    match name:
        case "Items":
            rows = [shown.item(one) for one in books.items.values()]
        case "Accounts":
            rows = [shown.account(one) for one in books.accounts.values()]
        case "TaxRates":
            rows = [shown.tax(one) for one in books.taxes.values()]
        case "TrackingCategories":
            archived = asked.get("includeArchived", "").lower() == "true"
            kept = [one for one in books.categories.values() if archived or one.status == "ACTIVE"]
            rows = [shown.category(one) for one in kept]
        case _:
            rows = [{"Code": code, "Description": code} for code in books.currencies]
    if filters := asked.get("where"):
        test = parsed(filters)
        rows = [one for one in rows if test(one)]
    return {name: rows}


def _answer(
    books: Books,
    name: str,
    rows: list[Any],
    show: Callable[[Any], Answer],
    paged: Asked | None,
) -> Answer:
    if paged is None:
        return {name: [show(one) for one in rows]}
    page = max(1, _whole(paged.get("page", "1")))
    ceiling = min(1000, books.options.page_ceiling)
    size = min(ceiling, max(1, _whole(paged.get("pageSize", str(DEFAULT_PAGE)))))
    first = (page - 1) * size
    pages = -(-len(rows) // size)
    counts = {"page": page, "pageSize": size, "pageCount": pages, "itemCount": len(rows)}
    return {"pagination": counts, name: [show(one) for one in rows[first : first + size]]}


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise unreadable(f"'{text[:20]}' is not a number of a page") from None


def _order(rows: list[Document], asked: Asked) -> None:
    order = asked.get("order", "")
    if not order:
        return
    name, _, way = order.partition(" ")
    keys: dict[str, Callable[[Document], Any]] = {
        "UpdatedDateUTC": lambda one: (one.updated, one.key),
        "Date": lambda one: (one.dated, one.key),
        "InvoiceNumber": lambda one: (one.number, one.key),
        "CreditNoteNumber": lambda one: (one.number, one.key),
        "InvoiceID": lambda one: one.key,
        "CreditNoteID": lambda one: one.key,
    }
    if name not in keys or way.upper() not in {"", "ASC", "DESC"}:
        raise unreadable(f"'{order[:40]}' is no order")
    rows.sort(key=keys[name], reverse=way.upper() == "DESC")


def _since(text: str) -> datetime | None:
    """The moment of `If-Modified-Since`, to the second."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            raise unreadable("If-Modified-Since is no date") from None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return found - timedelta(microseconds=found.microsecond)


def _known(asked: Asked) -> None:
    strange = sorted(set(asked) - KNOWN)
    if strange:
        raise unreadable(f"The simulator does not know the parameter {strange[0]}")
