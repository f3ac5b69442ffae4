"""Invoices are read in short steps; the watermark moves only after a whole read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from syncd.core.service.invoice_reading import INVOICES_NOT_READ
from syncd.core.store.database import Database
from syncd.core.store.invoices import (
    all_invoices,
    count_invoices,
    invoices_by_key,
    shown_digest,
    store_invoices,
)
from syncd.core.store.issues import open_issues
from syncd.sdk.errors import PluginError, ProtocolError
from tests.builders_intake import ScriptedKeeper, marked, read_once
from tests.builders_invoices import START, connected, invoice, line


async def test_a_first_read_asks_for_everything_and_the_next_from_its_start_less_the_overlap(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1"), invoice("2")], [invoice("3")]])
    found = await read_once(database, psa, keeper)
    assert (found.read, found.stored.new) == (3, 3)
    again = await read_once(database, psa, keeper, after=timedelta(minutes=15))
    assert keeper.since == [None, START - timedelta(minutes=60)]
    assert (again.stored.new, again.stored.changed, again.stored.same) == (0, 0, 3)


async def test_a_read_that_breaks_keeps_what_came_and_leaves_the_watermark(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    broken = ProtocolError("totals and rows differ", connection=psa.name)
    keeper = ScriptedKeeper(batches=[[invoice("1")]], fails=broken)
    with pytest.raises(ProtocolError):
        await read_once(database, psa, keeper)
    assert await marked(database, psa) is None
    async with database.reader() as conn:
        assert await count_invoices(conn, psa.id) == 1
        (issue,) = await open_issues(conn)
    assert issue.code == INVOICES_NOT_READ
    assert "syncd invoices read" in issue.remedy
    keeper.fails = None
    await read_once(database, psa, keeper)
    async with database.reader() as conn:
        assert await open_issues(conn) == []
    assert await marked(database, psa) == START


async def test_what_a_plugin_raises_by_mistake_is_told_without_its_text(database: Database) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(fails=KeyError("client Acme"))
    with pytest.raises(PluginError) as caught:
        await read_once(database, psa, keeper)
    assert "Acme" not in str(caught.value)


async def test_an_older_state_never_replaces_a_newer_one(database: Database) -> None:
    psa, _ = await connected(database)
    new = invoice("1", line(price="99.00"), modified=START)
    async with database.writer() as conn:
        await store_invoices(conn, psa.id, [new], now=START)
        stored = await store_invoices(conn, psa.id, [invoice("1")], now=START)
        assert stored.older == 1
        found = (await invoices_by_key(conn, psa.id, ["1"]))["1"]
    assert found.invoice == new


async def test_every_page_of_stored_invoices_comes_once_and_exact(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.core.store.invoices._PAGE", 2)
    psa, _ = await connected(database)
    seven = line(quantity="3", price="0.1234567")
    made = [invoice(str(n), seven) for n in range(1, 6)]
    async with database.writer() as conn:
        await store_invoices(conn, psa.id, made, now=START)
    async with database.reader() as conn:
        found = [one.invoice async for one in all_invoices(conn, psa.id)]
    assert found == made
    assert found[0].lines[0].unit_price == Decimal("0.1234567")


async def test_amounts_beyond_measure_and_strange_text_are_kept_and_stop_nobody(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    odd = invoice(
        "1",
        number="A\x00B",
        client_name="Ltd\x00",
        total=Decimal("123456789012345.678901234"),
    )
    keeper = ScriptedKeeper(batches=[[odd, invoice("2")]])
    await read_once(database, psa, keeper)
    async with database.reader() as conn:
        found = await invoices_by_key(conn, psa.id, ["1", "2"])
    assert found["1"].invoice == odd
    assert found["2"].counts


@pytest.mark.parametrize(
    "change",
    [
        {"number": "X"},
        {"client": "c9"},
        {"currency": "EUR"},
        {"reference": "PO 7"},
        {"total": Decimal("24.01")},
        {"voided": True},
    ],
    ids=["number", "client", "currency", "reference", "total", "voided"],
)
def test_the_digest_changes_with_what_the_document_shows(change) -> None:
    assert shown_digest(invoice("1", **change)) != shown_digest(invoice("1"))


@pytest.mark.parametrize(
    "change",
    [
        {"paid": Decimal(5)},
        {"foreign": {"x": "1"}},
        {"modified": START},
        {"version": "7"},
        {"total": Decimal("24.000")},
    ],
    ids=["paid", "foreign", "modified", "version", "zeros"],
)
def test_the_digest_keeps_still_about_everything_else(change) -> None:
    assert shown_digest(invoice("1", **change)) == shown_digest(invoice("1"))


def test_the_digest_sees_each_line() -> None:
    one = invoice("1")
    other = msgspec.structs.replace(one, lines=(line(description="Other"),))
    assert shown_digest(one) != shown_digest(other)


def test_tax_that_is_left_to_the_books_is_no_part_of_what_is_shown() -> None:
    """Written back by us, it must not look like an edit of somebody."""
    before = invoice("1", line(rate="0"), delegated_tax=True)
    taxed = msgspec.structs.replace(
        before,
        tax=Decimal("1.65"),
        total=Decimal("21.65"),
        lines=(msgspec.structs.replace(before.lines[0], tax=Decimal("1.65"), tax_rate=Decimal(8)),),
    )
    assert shown_digest(taxed) == shown_digest(before)
    dearer = line(quantity="3", rate="0")
    assert shown_digest(invoice("1", dearer, delegated_tax=True)) != shown_digest(before)
    assert shown_digest(msgspec.structs.replace(taxed, delegated_tax=False)) != shown_digest(before)
