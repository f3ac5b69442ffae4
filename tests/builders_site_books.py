"""An MSP whose invoices go into two live books: one client's into Xero, another's into QuickBooks.

Everything is a process or a simulator on loopback; bookkeepers work in the simulators.
"""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from syncd.core.store.token_keys import new_key
from syncd.sandbox.demo.browser import sign_in
from tests.builders_site import Site

XERO, QUICKBOOKS = "xero", "quickbooks"
CLIENTS = {XERO: 1001, QUICKBOOKS: 1002}
MORNING = datetime(2026, 12, 7, 9, 3, tzinfo=UTC)

_DECIDED = {
    XERO: {"account": ("200", ""), "tax": ("OUTPUT2", "standard")},
    QUICKBOOKS: {"item": ("21", ""), "tax": ("2", "standard")},
}
_TABLES = """
[invoices]

[invoices.xero]
approved = true
approval = "automatic"

[invoices.quickbooks]
approval = "automatic"

[web]
listen = "127.0.0.1:{port}"
"""
_SCOPE = (
    "read:customers read:assets read:suppliers read:invoices read:softwarelicensing "
    "edit:softwarelicensing edit:invoices"
)


class BookSite:
    """A site with its two books.

    Attributes:
        site: programs and simulators.
        port: where the daemon takes webhooks.
    """

    SETTINGS: Mapping[str, Any] = {
        "beside": {XERO: XERO, QUICKBOOKS: QUICKBOOKS},
        "extra": {"halopsa": {"scope": _SCOPE}},
    }
    """How its site is built."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.port = free_port()
        file = self.site.folder / "syncd.toml"
        text = file.read_text(encoding="utf-8")
        text = text.replace("[syncd]", '[syncd]\ntoken_key = { env = "TOKEN_KEY" }', 1)
        file.write_text(text + _TABLES.format(port=self.port), encoding="utf-8")
        self.site.secrets["TOKEN_KEY"] = new_key()

    def go_live(self) -> None:
        """Sign in, send an invoice to each client, map what it needs, link, and go live."""
        site = self.site
        site.move(MORNING)
        told = {**site.secrets, "SYNCD_NOW": site.world.now().isoformat()}
        sign_in(QUICKBOOKS, site.folder, told)
        for client in CLIENTS.values():
            site.hand.finish(client)
        site.run("invoices", "read")
        for book in CLIENTS:
            sheet = site.folder / f"{book}.csv"
            site.run("map", "books", book, "--refresh", "--propose", "--export", str(sheet))
            _decide(book, sheet)
            site.run("map", "books", book, "--import", str(sheet), "--yes", "--why", "looked at")
            site.run("invoices", "link", book)
            site.run("golive", book, "--from", "2026-12-01", "--yes", "--reason", "empty")

    @property
    def xero(self) -> Any:
        """The hand of Xero's bookkeeper."""
        return self._simulator(XERO).hand

    @property
    def quickbooks(self) -> Any:
        """The hand of QuickBooks's bookkeeper."""
        return self._simulator(QUICKBOOKS).hand

    def documents(self) -> dict[str, tuple[str, str]]:
        """Book -> id and number of the one invoice that stands there."""
        (ours,) = self.xero.documents()
        (theirs,) = self.quickbooks.documents()
        return {
            XERO: (ours["InvoiceID"], ours["InvoiceNumber"]),
            QUICKBOOKS: (theirs["Id"], theirs["DocNumber"]),
        }

    def received(self) -> dict[str, Any]:
        """Book -> what the PSA shows as paid of the client's invoice."""
        rows = {row["client_id"]: row for row in self.site.hand.invoices()}
        return {book: rows[client]["amountpaid"] for book, client in CLIENTS.items()}

    def calls(self, book: str) -> dict[str, int]:
        """Calls since they were counted from nothing, tokens left out."""
        found: Mapping[str, int] = self._host(book).controlled.statistics.calls
        return {name: n for name, n in found.items() if "token" not in name}

    def count_anew(self) -> None:
        """Forget the calls so far."""
        for book in CLIENTS:
            self._host(book).controlled.statistics.calls.clear()

    def address(self, book: str) -> str:
        """Where a vendor sends what it announces."""
        return f"http://127.0.0.1:{self.port}/webhooks/{book}"

    def _host(self, book: str) -> Any:
        return self.site.host.simulators[book]

    def _simulator(self, book: str) -> Any:
        return self._host(book).app.state.simulator


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _decide(book: str, sheet: Path) -> None:
    """What a person makes of the proposals: this book's client, and what its invoice names."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with sheet.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, fieldnames=list(rows[0]))
        out.writeheader()
        out.writerows(_decided(book, rows))


def _decided(book: str, rows: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    for row in rows:
        if row["kind"] == "contact":
            if row["source"] == str(CLIENTS[book]):
                yield row
        elif row["kind"] in _DECIDED[book]:
            target, meaning = _DECIDED[book][row["kind"]]
            yield {**row, "target": target, "meaning": meaning}
