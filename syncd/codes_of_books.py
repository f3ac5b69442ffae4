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
    # Planning: what is in the way of a document
    "INVOICE_DOES_NOT_ADD_UP": Code("books", "Lines, net, tax and total of an invoice disagree."),
    "NO_LINES": Code("books", "The invoice has no lines, or they cannot be read."),
    "UNMAPPED_CONTACT": Code("books", "The client is no contact of the book."),
    "UNMAPPED_TAX": Code("books", "A line has no tax code, or one without a counterpart."),
    "UNMAPPED_ACCOUNT": Code("books", "A line's account has no counterpart in the book."),
    "UNMAPPED_ITEM": Code("books", "A line's item has no counterpart in a book that needs one."),
    "UNMAPPED_CURRENCY": Code("books", "The invoice's currency is none of the book."),
    "UNMAPPED_TERM": Code("books", "The invoice's terms have no counterpart in the book."),
    "TAX_MEANING_DIFFERS": Code("books", "A tax mapped as none comes with tax."),
    "TAX_RATE_DIFFERS": Code("books", "A line's rate is not that of the mapped tax code."),
    "TAX_NOT_CARRIED": Code("books", "The invoice has tax, and the book is set to take none."),
    "NUMBER_MISSING": Code("books", "The invoice has no number."),
    "NUMBER_TOO_LONG": Code("books", "The books keep fewer characters; a number is never cut."),
    "NUMBERS_NOT_OURS": Code("books", "The books number documents themselves."),
    "DUE_UNKNOWN": Code("books", "The invoice has neither a due date nor terms that are mapped."),
    "NEGATIVE_INVOICE": Code("books", "The total of an invoice is negative."),
    "ZERO_TOTAL": Code("books", "The total is 0; a rule of the book says what becomes of it."),
    "TOTAL_DIFFERS": Code(
        "books", "The books would show another total or tax than the client has."
    ),
    "CANNOT_BE_WRITTEN": Code("books", "The books cannot hold the document as it is."),
    "AMBIGUOUS_BOOK": Code("books", "Several books or contacts stand for one client."),
    "OWNED_BY_PSA_MODULE": Code("books", "The PSA's own module, or a person, carries the invoice."),
    "OWNER_UNSURE": Code("books", "It cannot be ruled out that somebody else carries invoices."),
    "LINK_ONLY": Code("books", "The book is not live: nothing is posted to it."),
    "LINK_AGAIN": Code("books", "The client's contact is newer than the last linking pass."),
    "BEFORE_GOLIVE": Code(
        "books", "The invoice is older than the day from which the book is live."
    ),
    "APPROVAL_NEEDED": Code("books", "A person releases each document of this book."),
    "GIVEN_UP": Code("books", "A person gave the document up; it is posted by name only."),
    "REFUSED_BEFORE": Code("books", "The books refused the same document before."),
    "POSTED_ELSEWHERE": Code(
        "books", "A document of the invoice stands in another book, or is on its way there."
    ),
    "BOOK_NOT_CONFIGURED": Code(
        "books", "Invoices stand in a live book that is in no configuration any more."
    ),
    "FORGOTTEN": Code("books", "A person said that the book is gone, and counts no more."),
    "ALREADY_MARKED": Code("books", "The PSA says that we posted it; the database does not know."),
    "PLANNING_FAILED": Code("books", "Drafting one invoice failed with a defect; others go on."),
    # Posting: what stands in the books, and what is not known of it
    "BOOKS_DIFFER": Code("books", "The books show a document otherwise than it was sent."),
    "FOREIGN_DOCUMENT": Code("books", "Somebody else's document has the number."),
    "DUPLICATE_IN_BOOKS": Code("books", "A document of ours stands more than once."),
    "VOIDED_IN_BOOKS": Code("books", "A document was voided or deleted before we saw it."),
    "NEVER_ARRIVED": Code("books", "A document was sent several times and is never there."),
    "SOURCE_MOVED": Code("books", "The invoice changed after it was planned; it was not sent."),
    "ABANDONED": Code("books", "A person gave a document up."),
    "WRITE_REFUSED": Code("books", "A void, allocation, creation, mark or payment was refused."),
    "WRITE_UNCLEAR": Code("books", "It cannot be told whether such a write happened."),
    # Reading and linking: what is not known is not posted
    "INVOICES_NOT_READ": Code("books", "Invoices of the PSA were not read whole; newer ones wait."),
    "INVOICES_DOUBTED": Code(
        "books", "The PSA knows none of the invoices asked for; not believed."
    ),
    "GONE_BEFORE_POSTING": Code(
        "books", "A finished invoice is gone from the PSA before it was posted."
    ),
    "MAPPED_TARGET_GONE": Code("books", "A mapping names an entry that the book no longer has."),
    "BOOK_UNMAPPED": Code("books", "Things that waiting invoices name have no counterpart there."),
    "LINKED_AMOUNT_DIFFERS": Code("books", "A document that was there before has another total."),
    # Reading back: what became of documents after they were confirmed
    "BOOKS_EDITED": Code("books", "Somebody changed a document of ours in the books."),
    "BOOKS_RENUMBERED": Code("books", "Somebody gave a document of ours another number."),
    "BOOKS_VOIDED": Code("books", "Somebody voided a document of ours in the books."),
    "BOOKS_DELETED": Code("books", "A document of ours is gone from the books."),
    "BOOKS_COPIED": Code("books", "Another document bears a mark of ours, perhaps a copy."),
    "READ_BACK_DOUBTED": Code("books", "The books show none of our documents; not believed."),
    "READ_BACK_INCOMPLETE": Code(
        "books", "Changes were not told whole; every document was asked for instead."
    ),
    # Changes in the PSA after a document was confirmed
    "CHANGED_IN_PSA": Code("books", "The PSA changed an invoice after it was posted."),
    "VOIDED_IN_PSA": Code("books", "The PSA voided an invoice after it was posted."),
    "GONE_IN_PSA": Code("books", "The PSA has an invoice no more that stands in the books."),
    "UNFINISHED_IN_PSA": Code("books", "An invoice that was posted is a draft again in the PSA."),
    "CREDIT_UNDONE": Code(
        "books", "The PSA counts an invoice again that a credit note of ours took back."
    ),
    "CHANGES_NOT_PLANNED": Code(
        "books", "Documents of changed invoices were not shown; only new ones are planned."
    ),
    "CREDIT_IMPOSSIBLE": Code("books", "No credit note can say what the change is worth."),
    "DRIFTED_IN_BOOKS": Code("books", "A changed document is neither voided nor credited."),
    "POSTED_BEFORE_US": Code(
        "books", "A document that is not ours is neither voided nor credited."
    ),
    # Payments of the books
    "OVERPAYMENT": Code("books", "Money of a client of ours settles no invoice."),
    "PAYMENT_NOT_RECORDED": Code("books", "A payment waits for a person before the PSA has it."),
    "PAYMENT_REFUSED": Code("books", "The PSA refuses a payment."),
    "PAYMENT_LEFT": Code("books", "A payment was left to others when it was seen."),
    "PAYMENT_DISMISSED": Code("books", "A person said that a payment is none of the PSA's."),
    "PAYMENT_SUPERSEDED": Code("books", "A payment changed again before it was recorded."),
    "PAYMENT_UNCLEAR": Code("books", "The PSA shows a payment that may be the same one."),
    "PAYMENT_EXCEEDS": Code(
        "books", "With it the PSA would know of more than the invoice's total."
    ),
    "PAYMENT_CURRENCY": Code("books", "A payment and its document are in different currencies."),
    "PAYMENT_OF_CREDIT": Code("books", "It pays back a credit note."),
    "PAYMENT_OF_VOIDED": Code("books", "It settles an invoice that the PSA voided or deleted."),
    "PAYMENT_TAKEN_BACK": Code("books", "It was taken back, and others entered it in the PSA."),
    # Calls of webhooks that are refused, or whose events are dropped
    "WEBHOOKS_OFF": Code("books", "A webhook came in, and no secret for it is configured."),
    "SIGNATURE_WRONG": Code("books", "A webhook is not signed with the configured secret."),
    "BODY_MALFORMED": Code("books", "A webhook is signed, and does not hold events."),
    "EVENTS_STALE": Code(
        "books", "A webhook holds only events that are too old, or ahead of time."
    ),
    "REPEATED": Code("books", "A webhook announces only what was announced before; kept once."),
    "CUT_OFF": Code("books", "A webhook broke off before it was whole."),
    "TOO_LONG": Code("books", "A webhook is longer than any that a vendor sends."),
    "TOO_SLOW": Code("books", "A webhook took longer to arrive than the vendor waits."),
    "TOO_MANY_AT_ONCE": Code("books", "More webhooks came at once than are taken."),
}
