"""From the PSA's invoices into two books: one answer is lost, and one payment comes back.

What the books and the PSA hold is asked of the simulators past the program.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from syncd.sandbox.demo.cast import (
    BOOKED,
    FIFTH_OF_DECEMBER,
    HELD,
    PIONEERS,
    PSA_CONNECTOR,
    QUICKBOOKS,
    XERO,
)
from syncd.sandbox.demo.files import Row, read, write
from syncd.sandbox.demo.stage import ClaimFailed, Stage

DECISIONS = {
    XERO: {"account": ("200", ""), "tax": ("OUTPUT2", "standard")},
    QUICKBOOKS: {"item": ("21", ""), "tax": ("2", "standard")},
}
"""Kind of thing -> what it is in the book, and what a tax means."""

_PLAN = re.compile(r"inv-[0-9]{8}-[0-9]{6}-[0-9a-f]+")


def play(stage: Stage) -> None:
    """The acts in order.

    Raises:
        ClaimFailed: something the demonstration says is not true.
    """
    _map(stage)
    _link(stage)
    _post(stage)
    _nothing_twice(stage)


def pay(stage: Stage) -> None:
    """The bookkeeper approves the draft, and the client pays."""
    number = _invoice_of(stage, XERO)["invoicenumber"]
    stage.ask(XERO, "/__hand__/approve", {"document": number})
    stage.ask(XERO, "/__hand__/pay", {"document": number})
    stage.say(f"meanwhile the bookkeeper approves {number} in Xero, and the client pays it")


def paid(stage: Stage) -> None:
    """The payment came back.

    Raises:
        ClaimFailed: the PSA's invoice is not paid, or is paid twice.
    """
    stage.step(
        "A payment comes back",
        "In the night the books were read back. What is paid there is recorded in HaloPSA, once;\n"
        "what is still owed, by whom, and for how long?",
    )
    stage.run("invoices", "payments")
    stage.run("invoices", "outstanding")
    (payment,) = stage.read("invoices", "payments")["payments"]
    stage.claim(payment["state"] == "recorded", "the payment stands in HaloPSA, and waits no more")
    invoice = _invoice_of(stage, XERO)
    received, total = Decimal(str(invoice["amountpaid"])), Decimal(str(invoice["total"]))
    stage.claim(
        received == total and invoice["amountdue"] == 0,
        f"HaloPSA shows {received:,.2f} received for {invoice['invoicenumber']}, and nothing due",
    )


def _map(stage: Stage) -> None:
    stage.step(
        "Into the books",
        "HaloPSA has sent two invoices. One client is kept in Xero, the other in QuickBooks.\n"
        "Which contact, account, item and tax is what? Names are proposals; a file confirms them.",
    )
    stage.move_to(FIFTH_OF_DECEMBER)
    for key in BOOKED.values():
        if not _invoices(stage, key):
            stage.ask(PSA_CONNECTOR, "/__hand__/invoices", {"client": int(key)})
        for one in _invoices(stage, key):
            stage.ask(PSA_CONNECTOR, f"/__hand__/finished/{one['id']}/send", {})
    stage.run("invoices", "read")
    for book in BOOKED:
        sheet = stage.folder / f"{book}.csv"
        stage.run("map", "books", book, "--propose", "--export", sheet.name, quiet=True)
        write(sheet, [row for one in read(sheet) if (row := _decided(book, one))])
        stage.run("map", "books", book, "--import", sheet.name, "--yes", "--why", "looked at")


def _decided(book: str, row: Row) -> Row | None:
    """What a person writes into the file; None for clients that are kept elsewhere."""
    if row["kind"] == "contact":
        return row if row["source"] == BOOKED[book] else None
    target, meaning = DECISIONS[book].get(row["kind"], ("", ""))
    return {**row, "target": target, "meaning": meaning} if target else None


def _link(stage: Stage) -> None:
    stage.step(
        "Link, then go live",
        "What stands in the books already is found before anything is written. Then a person\n"
        "says from which day on each book gets documents.",
    )
    for book in BOOKED:
        stage.run("invoices", "link", book)
        day = "2026-12-01"
        stage.run(
            "golive", book, "--from", day, "--yes", "--reason", "nothing was there", quiet=True
        )
    stage.say("both books are live, for invoices dated from 1 December 2026 on")


def _post(stage: Stage) -> None:
    stage.step(
        "Post, and lose an answer",
        "Xero gets drafts, QuickBooks knows none: there each document waits for a release. Xero\n"
        "takes the document and the connection breaks before it answers; it is looked up by its\n"
        "number and our mark, and never sent again blind.",
    )
    plan = _named(stage.run("plan", "invoices", QUICKBOOKS, expect=HELD))
    stage.run("invoices", "release", plan, "--why", "compared with HaloPSA's document")
    stage.run("apply", plan)
    plan = _named(stage.run("plan", "invoices", XERO))
    lost = {"action": "cut_after", "method": "PUT", "path": "/Invoices", "count": 1}
    stage.break_next(XERO, [lost])
    stage.run("apply", plan)
    stage.break_next(XERO, [])
    for book in BOOKED:
        _claim_one_document(stage, book)
    stage.run("invoices", "show", _invoice_of(stage, XERO)["invoicenumber"])
    _claim_the_loss(stage)


def _nothing_twice(stage: Stage) -> None:
    before = {book: len(_documents(stage, book)) for book in BOOKED}
    stage.run("invoices", "read", quiet=True)
    rows = []
    for book in BOOKED:
        stage.run("plan", "invoices", book)
        rows += stage.read("plan", "invoices", book)["plans"][0]["rows"]
    after = {book: len(_documents(stage, book)) for book in BOOKED}
    stage.claim(
        not rows and before == after, "the same once more: nothing is planned, nothing was written"
    )


def _claim_one_document(stage: Stage, book: str) -> None:
    invoice = _invoice_of(stage, book)
    number, total = invoice["invoicenumber"], Decimal(str(invoice["total"]))
    held = [
        Decimal(str(one["Total" if book == XERO else "TotalAmt"]))
        for one in _documents(stage, book)
        if one.get("InvoiceNumber" if book == XERO else "DocNumber") == number
    ]
    name = PIONEERS[BOOKED[book]]
    stage.claim(held == [total], f"{book} holds {number} of {name} once, with {total:,.2f} GBP")


def _claim_the_loss(stage: Stage) -> None:
    number = _invoice_of(stage, XERO)["invoicenumber"]
    (story,) = stage.read("invoices", "show", number)["invoices"]
    (document,) = story["documents"]
    tries = [(one["what"], one["outcome"]) for one in document["tries"]]
    stage.claim(
        tries == [("send", "OUTCOME_UNKNOWN"), ("find", "confirmed")],
        f"{number} was sent once, its answer was lost, and one look found it",
    )


def _documents(stage: Stage, book: str) -> list[dict[str, Any]]:
    if book == XERO:
        found: list[dict[str, Any]] = stage.ask(XERO, "/__hand__/documents", {})["result"]
        return found
    listed: list[dict[str, Any]] = stage.ask(QUICKBOOKS, "/__hand__/documents/Invoice")
    return listed


def _named(out: str) -> str:
    """The id of the plan in what a command printed.

    Raises:
        ClaimFailed: it names none.
    """
    found = _PLAN.search(out)
    if found is None:
        raise ClaimFailed("`syncd plan invoices` names no plan")
    return found[0]


def _invoices(stage: Stage, client: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.ask(PSA_CONNECTOR, "/__hand__/invoices")
    return [one for one in found if str(one["client_id"]) == client]


def _invoice_of(stage: Stage, book: str) -> dict[str, Any]:
    """The first invoice of the client that a book is kept for."""
    return min(_invoices(stage, BOOKED[book]), key=lambda one: int(one["id"]))
