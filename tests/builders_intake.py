"""An installation with a PSA of invoices and two books, and commands as a user types them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from syncd.core.service.invoice_reading import KIND, InvoiceRead, read_invoices
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.watermarks import watermark
from syncd.plugins import Plugins
from syncd.sdk.connector import Capability, Context, Ports
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry, LedgerReference, ReferenceKind
from syncd.sdk.records import CheckResult, PsaClient
from tests.builders_books import FakeBook, Fate, Time
from tests.builders_command import Office
from tests.builders_data import SmallPsa, StrictLog
from tests.builders_host import connector
from tests.builders_invoices import CATALOGUE, START, invoice

CONFIG = """
[syncd]
database = "sqlite:///syncd.db"
timezone = "Europe/London"

[billing]
currency = "GBP"

[connections.desk]
plugin = "desk"
client_id = "x"
client_secret = { env = "SECRET" }

[connections.uk-books]
plugin = "tally"
client_id = "x"
client_secret = { env = "SECRET" }

[invoices]
history_days = 3000

[invoices.uk-books]
"""

SECOND = """
[connections.eu-books]
plugin = "tally"
client_id = "x"
client_secret = { env = "SECRET" }

[invoices.eu-books]
"""

BLOCKED = LedgerReference(
    kind=ReferenceKind.CONTACT,
    key="vendor-9",
    name="Gamma Ltd",
    blocked=True,
    namespace="names",
    detail={"type": "a vendor"},
)


@dataclass(slots=True)
class ScriptedKeeper:
    """A PSA that tells what it is told to, in batches, and remembers what it was asked.

    Attributes:
        batches: of invoices, as they come.
        fails: raised after the batches.
        modules: its own bookkeeping.
    """

    batches: list[Sequence[PsaInvoice]] = field(default_factory=list)
    fails: BaseException | None = None
    modules: tuple[str, ...] | None = ()
    since: list[datetime | None] = field(default_factory=list)
    there: dict[str, PsaInvoice] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def bookkeeping(self) -> tuple[str, ...] | None:
        return self.modules

    async def check_invoices(self) -> CheckResult:
        return CheckResult(ok=True, summary="invoices can be read")

    async def invoices(self, *, since: datetime | None) -> AsyncIterator[Sequence[PsaInvoice]]:
        self.since.append(since)
        for batch in self.batches:
            yield batch
        if self.fails is not None:
            raise self.fails

    async def read_invoices(self, keys: Collection[str]) -> Mapping[str, PsaInvoice]:
        self.asked += keys
        return {key: self.there[key] for key in keys if key in self.there}

    async def mark_posted(self, marks: Sequence[Any]) -> Sequence[Any]:
        raise NotImplementedError

    async def find_payments(self, invoices: Collection[str]) -> Mapping[str, Sequence[Any]]:
        raise NotImplementedError

    async def record_payments(self, payments: Sequence[Any]) -> Sequence[Any]:
        raise NotImplementedError


class DeskPsa(SmallPsa, ScriptedKeeper):
    """Lists and invoices of one PSA."""

    def __init__(self) -> None:
        SmallPsa.__init__(
            self,
            client_list=(
                PsaClient("c1", "Acme Ltd"),
                PsaClient("c2", "Beta Ltd"),
                PsaClient("c3", "Gamma Ltd"),
            ),
        )
        ScriptedKeeper.__init__(self)

    async def check(self) -> CheckResult:
        return CheckResult(ok=True, summary="3 clients")


class CheckedBook(FakeBook):
    """A book that lets itself be checked."""

    async def check(self) -> CheckResult:
        return CheckResult(ok=True, summary="rights are there")


@dataclass
class BookOffice(Office):
    """Commands with a PSA of invoices and books."""

    desk: DeskPsa = field(default_factory=DeskPsa)
    books: dict[str, CheckedBook] = field(default_factory=dict)

    def write(self, name: str, text: str) -> str:
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return str(file)


def new_book(key: str = "org-1") -> CheckedBook:
    """A book with the usual catalogue, and a vendor that holds a name."""
    fate = Fate()
    return CheckedBook(time=Time(fate=fate), fate=fate, key=key, catalogue=[*CATALOGUE, BLOCKED])


def open_books(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    second: bool = False,
) -> BookOffice:
    """An installation in a folder, with a PSA and one or two books, for one test."""
    desk = DeskPsa()
    books = {"uk-books": new_book()}
    if second:
        books["eu-books"] = new_book("org-2")

    @asynccontextmanager
    async def opened(context: Context[Any]) -> AsyncIterator[Ports]:
        if context.connection == "desk":
            yield Ports(psa=desk)  # type: ignore[arg-type]
        else:
            yield Ports(ledger=books[context.connection])

    known = (
        replace(connector("desk", Capability.PSA), open=opened),
        replace(connector("tally", Capability.LEDGER), open=opened),
    )
    monkeypatch.setattr("syncd.plugins.load", lambda: Plugins({one.name: one for one in known}))
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _settings: lambda: START)
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "syncd.toml").write_text(CONFIG + (SECOND if second else ""), encoding="utf-8")
    return BookOffice(tmp_path, {}, desk, capsys, desk=desk, books=books)


MAPPED = """\
kind,source,currency,target,meaning
contact,c1,,contact-1,
account,*,,200,
tax,1,,OUT20,standard
"""


def furnish(office: BookOffice, *invoices: PsaInvoice) -> None:
    """Everything read, nothing decided."""
    office.desk.batches = [list(invoices or [invoice("1"), invoice("2")])]
    assert office("map", "refresh")[0] == 0
    assert office("invoices", "read")[0] == 0


def document(number: str = "INV-00001", **more: object) -> LedgerEntry:
    """An open document of the first client over 24.00."""
    values: dict[str, object] = {
        "remote": f"doc-{number}",
        "kind": "invoice",
        "number": number,
        "contact": "contact-1",
        "contact_name": "Acme Ltd",
        "currency": "GBP",
        "dated": date(2026, 11, 15),
        "status": EntryStatus.OPEN,
        "net": Decimal("20.00"),
        "tax": Decimal("4.00"),
        "total": Decimal("24.00"),
        "balance": Decimal("24.00"),
        **more,
    }
    return msgspec.convert(values, LedgerEntry)


def mapped(office: BookOffice, text: str = MAPPED, *, book: str = "uk-books") -> None:
    file = office.write("map.csv", text)
    code, out, err = office(
        "map", "books", book, "--import", file, "--yes", "--why", "agreed by mail"
    )
    assert code == 0, out + err


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def read_once(
    database: Database,
    psa: ConnectionRef,
    keeper: ScriptedKeeper,
    *,
    after: timedelta | None = None,
) -> InvoiceRead:
    """One read, so long after the first."""
    return await read_invoices(
        database,
        psa,
        keeper,
        overlap=timedelta(minutes=60),
        sweep_days=400,
        clock=lambda: START + (after or timedelta(0)),
        log=StrictLog(),
    )


async def marked(database: Database, psa: ConnectionRef) -> datetime | None:
    """Until when invoices are known."""
    async with database.reader() as conn:
        return await watermark(conn, psa.id, KIND)
