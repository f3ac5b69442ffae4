"""Codes of the way of invoices into the books; `codes.py` takes them in."""

from __future__ import annotations

from syncd.code import Code

BOOKS: dict[str, Code] = {
    # What books refuse: the invoice waits, the others go on
    "NUMBER_TAKEN": Code("books", "The books hold a document of that number already."),
    "PERIOD_LOCKED": Code("books", "The books are closed for the day of the document."),
    "CONTACT_UNUSABLE": Code("books", "The contact is archived, gone, or not a customer."),
    "ITEM_UNUSABLE": Code("books", "The item is inactive or gone."),
    "ACCOUNT_UNUSABLE": Code("books", "The account is archived, gone, or not for sales."),
    "TAX_UNUSABLE": Code("books", "The tax code is gone, or not for sales."),
    "CURRENCY_UNUSABLE": Code("books", "The books or the contact do not use the currency."),
    "NAME_TAKEN": Code("books", "Another entry, perhaps an inactive one, holds that name."),
    "NOT_ALLOWED_NOW": Code("books", "The document is paid, allocated or otherwise fixed."),
    "VERSION_MOVED": Code("books", "Somebody changed the document since it was read."),
    "REFUSED": Code("books", "The books refuse the document for a reason that has no name here."),
    # Reading and linking: what is not known is not posted
    "INVOICES_NOT_READ": Code("books", "Invoices of the PSA were not read whole; newer ones wait."),
    "MAPPED_TARGET_GONE": Code("books", "A mapping names an entry that the book no longer has."),
    "LINKED_AMOUNT_DIFFERS": Code("books", "A document that was there before has another total."),
}
