"""Invoices are read in short steps; the watermark moves only after a whole read."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from syncd.core.service.invoice_reading import INVOICES_NOT_READ, KIND, InvoiceRead, read_invoices
from syncd.core.service.invoice_sweep import GONE_BEFORE_POSTING, INVOICES_DOUBTED
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.invoices import (
    all_invoices,
    count_invoices,
    invoices_by_key,
    shown_digest,
    store_invoices,
)
from syncd.core.store.issues import open_issues
from syncd.core.store.watermarks import watermark
from syncd.sdk.errors import PluginError, ProtocolError
from syncd.sdk.invoice_records import Ownership
from tests.builders_data import StrictLog
from tests.builders_intake import ScriptedKeeper
from tests.builders_invoices import START, connected, invoice, line


async def read(
    database: Database,
    psa: ConnectionRef,
    keeper: ScriptedKeeper,
    *,
    after: timedelta | None = None,
) -> InvoiceRead:
    return await read_invoices(
        database,
        psa,
        keeper,
        overlap=timedelta(minutes=60),
        sweep_days=400,
        clock=lambda: START + (after or timedelta(0)),
        log=StrictLog(),
    )


async def marked(database: Database, psa: ConnectionRef):
    async with database.reader() as conn:
        return await watermark(conn, psa.id, KIND)


async def test_a_first_read_asks_for_everything_and_the_next_from_its_start_less_the_overlap(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1"), invoice("2")], [invoice("3")]])
    found = await read(database, psa, keeper)
    assert (found.read, found.stored.new) == (3, 3)
    again = await read(database, psa, keeper, after=timedelta(minutes=15))
    assert keeper.since == [None, START - timedelta(minutes=60)]
    assert (again.stored.new, again.stored.changed, again.stored.same) == (0, 0, 3)


async def test_a_read_that_breaks_keeps_what_came_and_leaves_the_watermark(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    broken = ProtocolError("totals and rows differ", connection=psa.name)
    keeper = ScriptedKeeper(batches=[[invoice("1")]], fails=broken)
    with pytest.raises(ProtocolError):
        await read(database, psa, keeper)
    assert await marked(database, psa) is None
    async with database.reader() as conn:
        assert await count_invoices(conn, psa.id) == 1
        (issue,) = await open_issues(conn)
    assert issue.code == INVOICES_NOT_READ
    assert "syncd invoices read" in issue.remedy
    keeper.fails = None
    await read(database, psa, keeper)
    async with database.reader() as conn:
        assert await open_issues(conn) == []
    assert await marked(database, psa) == START


async def test_what_a_plugin_raises_by_mistake_is_told_without_its_text(database: Database) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(fails=KeyError("client Acme"))
    with pytest.raises(PluginError) as caught:
        await read(database, psa, keeper)
    assert "Acme" not in str(caught.value)


async def test_an_invoice_is_not_gone_for_being_absent_but_for_not_being_found_by_its_id(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1"), invoice("2")]])
    await read(database, psa, keeper)
    keeper.batches = []
    keeper.there = {"1": invoice("1")}
    soon = await read(database, psa, keeper, after=timedelta(hours=1))
    assert (soon.asked_again, soon.gone) == (0, 0)
    later = await read(database, psa, keeper, after=timedelta(hours=30))
    assert sorted(keeper.asked) == ["1", "2"]
    assert (later.asked_again, later.gone) == (2, 1)
    async with database.reader() as conn:
        found = await invoices_by_key(conn, psa.id, ["1", "2"])
    assert found["1"].gone_at is None
    assert found["2"].gone_at is not None
    assert not found["2"].counts
    keeper.batches = [[invoice("2", modified=START + timedelta(hours=31))]]
    back = await read(database, psa, keeper, after=timedelta(hours=32))
    assert back.stored.changed == 1


async def gone_at(database: Database, psa: ConnectionRef, key: str):
    async with database.reader() as conn:
        return (await invoices_by_key(conn, psa.id, [key]))[key].gone_at


async def issues_of(database: Database, code: str) -> dict[str, str]:
    async with database.reader() as conn:
        return {one.subject: one.message for one in await open_issues(conn) if one.code == code}


async def test_an_answer_that_shows_none_of_several_invoices_is_not_believed(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1"), invoice("2")]])
    await read(database, psa, keeper)
    keeper.batches = []
    found = await read(database, psa, keeper, after=timedelta(hours=30))
    assert (found.asked_again, found.gone) == (2, 0)
    assert await gone_at(database, psa, "1") is None
    (message,) = (await issues_of(database, INVOICES_DOUBTED)).values()
    assert "none of 2 invoices" in message
    keeper.there = {"1": invoice("1"), "2": invoice("2")}
    await read(database, psa, keeper, after=timedelta(hours=31))
    assert await issues_of(database, INVOICES_DOUBTED) == {}


async def test_an_answer_that_lacks_what_the_list_has_just_shown_is_not_believed(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1")]])
    await read(database, psa, keeper)
    keeper.batches = [[invoice("2")]]
    doubted = await read(database, psa, keeper, after=timedelta(hours=30))
    assert (doubted.asked_again, doubted.gone) == (1, 0)
    assert set(await issues_of(database, INVOICES_DOUBTED)) == {psa.name}
    keeper.there = {"2": invoice("2")}
    believed = await read(database, psa, keeper, after=timedelta(hours=31))
    assert believed.gone == 1
    assert await gone_at(database, psa, "1") is not None
    assert await issues_of(database, INVOICES_DOUBTED) == {}


async def test_what_is_gone_is_asked_for_again_for_some_days_and_comes_back(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1"), invoice("2")]])
    await read(database, psa, keeper)
    keeper.batches, keeper.there = [], {"1": invoice("1")}
    await read(database, psa, keeper, after=timedelta(hours=30))
    first = await gone_at(database, psa, "2")
    assert first is not None
    keeper.asked.clear()
    await read(database, psa, keeper, after=timedelta(hours=31))
    assert keeper.asked == []
    keeper.batches = [[invoice("1")]]
    again = await read(database, psa, keeper, after=timedelta(hours=37))
    assert (keeper.asked, again.gone) == (["2", "1"], 0)
    assert await gone_at(database, psa, "2") == first
    keeper.there["2"] = invoice("2")
    await read(database, psa, keeper, after=timedelta(hours=44))
    assert await gone_at(database, psa, "2") is None
    del keeper.there["2"]
    await read(database, psa, keeper, after=timedelta(days=4))
    keeper.asked.clear()
    await read(database, psa, keeper, after=timedelta(days=30))
    assert "2" not in keeper.asked


async def test_an_invoice_that_is_finished_by_its_day_alone_is_read_again_on_that_day(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    day = date(2026, 11, 22)
    early = invoice("1", dated=day, finalised=False)
    draft = invoice("2", dated=date(2026, 12, 24), finalised=False)
    old = invoice("3", dated=date(2026, 11, 18), finalised=False)
    keeper = ScriptedKeeper(batches=[[early, draft, old]])
    await read(database, psa, keeper)
    keeper.batches, keeper.there = [], {"1": invoice("1", dated=day)}
    await read(database, psa, keeper, after=timedelta(hours=20))
    assert keeper.asked == []
    begun = timedelta(hours=26)
    await read(database, psa, keeper, after=begun)
    assert keeper.asked == ["1"]
    async with database.reader() as conn:
        assert (await invoices_by_key(conn, psa.id, ["1"]))["1"].counts


async def test_a_draft_of_the_day_is_asked_for_until_the_day_has_begun_everywhere(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    draft = invoice("1", dated=date(2026, 11, 22), finalised=False)
    keeper = ScriptedKeeper(batches=[[draft]], there={"1": draft})
    await read(database, psa, keeper)
    keeper.batches = []
    for hours in range(1, 24 * 7):
        await read(database, psa, keeper, after=timedelta(hours=hours))
    assert 3 <= len(keeper.asked) <= 6


async def test_a_finished_invoice_that_is_gone_before_it_was_posted_is_told(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(
        batches=[
            [
                invoice("1"),
                invoice("2"),
                invoice("3", dated=date(2026, 10, 1)),
                invoice("4", client="c9"),
                invoice("5", owner=Ownership.OTHER),
                invoice("6", finalised=False),
            ]
        ]
    )
    await read(database, psa, keeper)
    keeper.batches, keeper.there = [], {"1": invoice("1")}
    await read(database, psa, keeper, after=timedelta(hours=30))
    told = await issues_of(database, GONE_BEFORE_POSTING)
    assert list(told) == [f"{psa.name}/2"]
    assert "INV-00002 of Acme Ltd over 24.00 GBP" in told[f"{psa.name}/2"]
    keeper.there["2"] = invoice("2")
    await read(database, psa, keeper, after=timedelta(hours=37))
    assert await issues_of(database, GONE_BEFORE_POSTING) == {}


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
    await read(database, psa, keeper)
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
