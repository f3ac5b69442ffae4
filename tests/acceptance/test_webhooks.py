"""Two vendors call the daemon over HTTP: what changed is asked for at once, and carried on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest

from syncd.sandbox.presets import small
from tests.builders_site import Site
from tests.builders_site_books import CLIENTS, QUICKBOOKS, XERO, BookSite
from tests.builders_site_daemon import Lines, daemon

IDLE = {
    XERO: {
        "GET /api.xro/{id}.0/Organisation": 1,
        "GET /api.xro/{id}.0/Currencies": 1,
        "GET /api.xro/{id}.0/Invoices": 1,
        "GET /api.xro/{id}.0/CreditNotes": 1,
        "GET /api.xro/{id}.0/Payments": 1,
        "GET /api.xro/{id}.0/Overpayments": 1,
        "GET /api.xro/{id}.0/Prepayments": 1,
    },
    QUICKBOOKS: {
        "GET /v3/company/{id}/companyinfo/{id}": 1,
        "GET /v3/company/{id}/preferences": 1,
        "GET /v3/company/{id}/query": 1,
        "GET /v3/company/{id}/cdc": 1,
    },
}
"""What a round asks of each book when nothing happened: who it is, and what changed."""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BookSite]:
    """Two live books with one document of ours in each; no test needs the other."""
    with closing(Site(tmp_path_factory.mktemp("books"), small(), **BookSite.SETTINGS)) as site:
        made = BookSite(site)
        made.go_live()
        a_round(made)
        yield made


def a_round(books: BookSite) -> None:
    """The daemon's next round, to its end."""
    books.site.move(books.site.world.now() + timedelta(minutes=15))
    with daemon(books.site) as log:
        for book in sorted(CLIENTS):  # their order in a round
            log.until("run.finished", kind="books", connection=book)
        log.stop()
    assert log.of("daemon.work_failed") == []


def sent(books: BookSite, book: str, messages: Sequence[Any]) -> list[int]:
    """Statuses of what a vendor sends, one after the other."""
    with httpx.Client() as vendor:
        return [
            vendor.post(books.address(book), content=one.body, headers=one.headers).status_code
            for one in messages
        ]


def looked_into(log: Lines) -> None:
    """Both books were asked, and nothing of what they announced is left."""
    for book in CLIENTS:
        while book not in {one["connection"] for one in log.of("webhook.processed")}:
            log.until("webhook.processed")
    assert {one["n_waiting"] for one in log.of("webhook.processed")} == {0}


def drift(books: BookSite) -> dict[str, str]:
    """Connection -> code of the issue about its document."""
    found = books.site.read("issues")
    return {one["connection"]: one["code"] for one in found if one["code"].startswith("BOOKS_")}


def test_an_idle_round_asks_a_book_who_it_is_and_what_changed_and_nothing_else(
    books: BookSite,
) -> None:
    books.count_anew()
    a_round(books)
    assert {book: books.calls(book) for book in CLIENTS} == IDLE


def test_what_is_announced_is_asked_for_told_to_a_person_and_carried_to_the_psa(
    books: BookSite,
) -> None:
    documents = books.documents()
    ours, theirs = (documents[book][0] for book in (XERO, QUICKBOOKS))
    books.xero.webhooks()
    told = max(books.quickbooks.events())

    with daemon(books.site) as log:
        log.until("web.listening")
        intent = books.xero.sender.intent()
        assert sent(books, XERO, intent) == [one.expected for one in intent] == [200, 401] * 2

        books.xero.pay(ours, "50.00")
        books.xero.renumber(ours, "INV-BY-HAND")
        books.quickbooks.pay({theirs: "50.00"})
        books.quickbooks.edit_line(theirs, 1, Qty="2")
        assert sent(books, XERO, books.xero.webhooks()) == [200]
        forged = books.quickbooks.notify(told, forged="signature")
        assert sent(books, QUICKBOOKS, forged) == [401]
        assert sent(books, QUICKBOOKS, books.quickbooks.notify(told)) == [200]
        looked_into(log)
        log.stop()
    assert drift(books) == {XERO: "BOOKS_RENUMBERED", QUICKBOOKS: "BOOKS_EDITED"}

    a_round(books)
    assert books.received() == {XERO: 50, QUICKBOOKS: 50}
    paid = books.site.read("invoices", "payments")["payments"]
    assert {(one["book"], one["state"]) for one in paid} == {
        (XERO, "recorded"), (QUICKBOOKS, "recorded"),
    }  # fmt: skip
