"""A round of the daemon takes every book through its steps; commands show what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from syncd.books import look_back, record_payments, refreshing
from syncd.bootstrap import App
from syncd.core.store.issues import open_issues
from syncd.daemon.duties import duties_of
from syncd.daemon.duty import last_due
from syncd.open_books import OpenBook
from syncd.plugins import Plugins
from syncd.sdk.connector import Capability, Context, Ports
from syncd.sdk.errors import VendorUnavailable
from syncd.sdk.ledger_records import EntryStatus
from syncd.sdk.webhooks import Announced
from tests.builders_after import LivingBook
from tests.builders_books import CATALOGUE, FakeKeeper, Fate, Time, connected, invoice
from tests.builders_command import Office
from tests.builders_host import connector

CONFIG = """
[syncd]
database = "sqlite:///syncd.db"
timezone = "Europe/London"

[billing]
currency = "GBP"

[connections.psa]
plugin = "fake-psa"
client_id = "x"
client_secret = { env = "SECRET" }

[connections.books]
plugin = "fake-books"
client_id = "x"
client_secret = { env = "SECRET" }

[connections.another]
plugin = "fake-books"
client_id = "x"
client_secret = { env = "SECRET" }

[invoices.another]

[invoices.books]
approved = true
approval = "APPROVAL"
"""


class Broken:
    """A book that cannot be reached."""

    async def book(self) -> None:
        message = "the books are down"
        raise VendorUnavailable(message)


@dataclass
class Place(Office):
    """An installation with a PSA, a book that works, and one that does not."""

    time: Time | None = None
    book: LivingBook | None = None
    keeper: FakeKeeper | None = None
    opened: list[str] = field(default_factory=list)

    def run(self, work: Callable[[App], Any]) -> Any:
        async def inside() -> Any:
            async with App.start(self.folder / "syncd.toml") as app:
                return await work(app)

        return asyncio.run(inside())

    def round(self) -> None:
        """The daemon's round, due a quarter of an hour later."""
        assert self.time is not None
        self.time.now += timedelta(minutes=15)
        self.run(one_round)

    def runs(self) -> list[tuple[str, str, str]]:
        async def read(app: App) -> Any:
            async with app.database.reader() as conn:
                found = await conn.execute(
                    text("SELECT subject, kind, status FROM run ORDER BY id")
                )
                return [tuple(row) for row in found]

        return self.run(read)

    def codes(self) -> list[str]:
        async def read(app: App) -> Any:
            async with app.database.reader() as conn:
                return [one.code for one in await open_issues(conn, connection="books")]

        return self.run(read)


async def one_round(app: App) -> None:
    (duty,) = [one for one in duties_of(app) if one.kind == "invoices"]
    assert duty.subject == "psa"
    await duty.do(last_due(duty.schedule, app.clock()))


@pytest.fixture
def place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Place:
    fate = Fate()
    time = Time(now=datetime(2026, 11, 20, 8, 0, tzinfo=UTC), fate=fate)
    book = LivingBook(time=time, fate=fate, catalogue=list(CATALOGUE))
    keeper = FakeKeeper(fate)
    for one in (invoice("1"), invoice("2")):
        keeper.invoices_by_key[one.key] = one

    openings: list[str] = []

    @asynccontextmanager
    async def opened(context: Context[Any]) -> AsyncIterator[Ports]:
        openings.append(context.connection)
        if context.connection == "psa":
            yield Ports(psa=keeper)  # type: ignore[arg-type]
        else:
            yield Ports(ledger=book if context.connection == "books" else Broken())  # type: ignore[arg-type]

    known = (
        replace(connector("fake-psa", Capability.PSA), open=opened),
        replace(connector("fake-books", Capability.LEDGER), open=opened),
    )
    monkeypatch.setattr("syncd.plugins.load", lambda: Plugins({one.name: one for one in known}))
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _settings: lambda: time.now)
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("COLUMNS", "160")
    approval = getattr(request, "param", "automatic")
    (tmp_path / "syncd.toml").write_text(CONFIG.replace("APPROVAL", approval), encoding="utf-8")
    made = Place(
        tmp_path, {}, keeper, capsys,  # type: ignore[arg-type]
        time=time, book=book, keeper=keeper, opened=openings,
    )  # fmt: skip
    made.run(lambda app: connected(app.database))
    return made


def test_a_round_posts_reads_back_and_records_and_one_broken_book_stops_no_other(
    place: Place,
) -> None:
    assert place.book is not None
    assert place.keeper is not None
    place.round()
    assert [one.number for one in place.book.entries.values()] == ["INV-00001", "INV-00002"]
    first = next(iter(place.book.entries))
    place.book.pay(first, "24.00")
    place.round()

    assert [one.amount for one in place.keeper.payments] == [Decimal("24.00")]
    runs = place.runs()
    assert ("another", "books", "failed") in runs
    assert ("another", "read back", "failed") in runs
    assert runs.count(("books", "books", "succeeded")) == 2
    assert ("books", "payments", "succeeded") in runs
    assert ("books", "books", "failed") not in runs


def test_a_book_is_opened_once_in_a_round(place: Place) -> None:
    place.round()
    assert place.opened.count("books") == 1
    place.opened.clear()
    place.round()
    assert place.opened.count("books") == 1


def test_a_round_whose_psa_could_not_be_read_posts_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.book is not None
    place.book.down = True
    place.round()
    place.book.down = False

    async def unread(_self: FakeKeeper, *, since: datetime | None) -> AsyncIterator[Any]:
        message = "the PSA is down"
        raise VendorUnavailable(message)
        yield []

    with monkeypatch.context() as broken:
        broken.setattr(FakeKeeper, "invoices", unread)
        place.round()
    assert place.book.entries == {}
    assert ("books", "books", "partial") in place.runs()

    place.round()
    assert len(place.book.entries) == 2


def test_the_psa_is_told_although_the_book_cannot_be_reached(place: Place) -> None:
    assert place.book is not None
    assert place.keeper is not None
    place.round()
    first = next(iter(place.book.entries))
    place.book.pay(first, "24.00")

    async def queue(app: App) -> None:
        async with OpenBook(app, "books") as book:
            await look_back(app, book, None)
        await record_payments(app, "books", None)

    place.run(queue)
    place.book.down = True
    place.round()
    assert [one.amount for one in place.keeper.payments] == [Decimal("24.00")]
    assert ("books", "books", "failed") in place.runs()


def test_what_waits_to_be_recorded_waits_while_payments_are_off(place: Place) -> None:
    assert place.book is not None
    assert place.keeper is not None
    place.round()
    place.book.pay(next(iter(place.book.entries)), "24.00")

    async def look(app: App) -> None:
        async with OpenBook(app, "books") as book:
            await look_back(app, book, None)

    place.run(look)
    file = place.folder / "syncd.toml"
    live = file.read_text(encoding="utf-8")
    file.write_text(f'{live}payments = "off"\n', encoding="utf-8")
    place.round()
    assert place.keeper.payments == []

    file.write_text(live, encoding="utf-8")
    place.round()
    assert [one.amount for one in place.keeper.payments] == [Decimal("24.00")]


def test_a_round_that_was_taken_is_not_taken_again(place: Place) -> None:
    place.round()
    before = place.runs()
    place.run(one_round)
    assert place.runs() == before


@pytest.mark.parametrize("place", ["by_hand"], indirect=True)
def test_by_hand_a_round_plans_and_says_once_how_much_waits(place: Place) -> None:
    assert place.book is not None
    place.round()
    place.round()

    assert place.book.entries == {}
    assert place.codes() == ["APPROVAL_NEEDED"]
    assert ("books", "books", "held") in place.runs()
    told = [one for one in place.json("issues") if one["code"] == "APPROVAL_NEEDED"]
    assert told[0]["message"].startswith("2 documents wait")


def test_an_announcement_is_looked_at_without_a_round(place: Place) -> None:
    assert place.book is not None
    place.round()
    first = next(iter(place.book.entries))
    place.book.edit(first, status=EntryStatus.VOIDED)

    async def announced(app: App) -> None:
        async with refreshing(app, "books") as refresh:
            await refresh(Announced.DOCUMENT, [first, "theirs"])
            await refresh(Announced.PAYMENT, ["p9"])

    place.run(announced)
    assert place.codes() == ["BOOKS_VOIDED"]


def test_outstanding_money_is_shown_by_client_and_written_as_csv(place: Place) -> None:
    assert place.book is not None
    place.round()
    first = next(iter(place.book.entries))
    place.book.pay(first, "4.00")
    place.round()

    code, out, _ = place("invoices", "outstanding")
    assert code == 0
    assert "Acme Ltd (c1)" in out
    assert "44.00 GBP" in out
    assert "days sales outstanding = outstanding / invoiced in the last 90 days x 90" in out
    (row,) = place.json("invoices", "outstanding", "acme ltd")["rows"]
    assert (row["outstanding"], row["documents"], row["days"]) == ("44.00", 2, "5.5")
    file = place.folder / "open.csv"
    assert place("invoices", "outstanding", "--documents", "--csv", str(file))[0] == 0
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert lines[1] == ("INV-00001,invoice,c1,Acme Ltd,2026-11-15,2026-12-15,GBP,24.00,20.00,open")
    for remote in place.book.entries:
        place.book.pay(remote, "20.00" if remote == first else "24.00")
    place.round()
    out = place("invoices", "outstanding")[1]
    assert "Acme Ltd (c1)" not in out
    assert "nothing that was posted or linked is known to be open" in out


def test_payments_are_listed_and_one_that_waits_is_answered(place: Place) -> None:
    assert place.book is not None
    place.round()
    place.book.money_of(remote="over", contact="contact-1", amount=Decimal("5.00"))
    place.round()

    (held,) = place.json("invoices", "payments", "--held")["payments"]
    assert (held["state"], held["number"], held["amount"]) == ("held", "", "5.00")
    assert "5.00 GBP" in place("invoices", "payments")[1]
    code, _, err = place("invoices", "payments", "--dismiss", str(held["id"]))
    assert (code, "needs its reason" in err) == (2, True)
    refused = place("invoices", "payments", "--record", str(held["id"]), "--why", "x")
    assert "settles no invoice" in refused[2]
    answered = place(
        "invoices", "payments", "--dismiss", str(held["id"]), "--why", "goes to next year"
    )
    assert answered[0] == 0
    assert place.codes() == []
    assert place.json("invoices", "payments", "--held")["payments"] == []


def test_drift_is_listed_with_both_versions_and_kept_by_a_word(place: Place) -> None:
    assert place.book is not None
    place.round()
    assert "as it was" in place("invoices", "drift")[1]
    first = next(iter(place.book.entries))
    place.book.edit(first, total=Decimal("25.00"))
    place.round()

    (one,) = place.json("invoices", "drift")["drift"]
    assert (one["document"], one["code"]) == ("INV-00001", "BOOKS_EDITED")
    assert "total 24.00 -> 25.00" in one["message"]
    assert place("invoices", "drift", "--keep", "INV-00001")[0] == 2
    assert place("invoices", "drift", "--keep", "INV-9", "--why", "x")[0] == 6
    assert place("invoices", "drift", "--keep", "INV-00001", "--why", "agreed")[0] == 0
    assert place.json("invoices", "drift")["drift"] == []
    place.round()
    assert place.codes() == []
