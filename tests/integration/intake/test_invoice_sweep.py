"""What nothing was heard of is asked for by its id; an answer that shows nothing is doubted."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from syncd.core.service.invoice_sweep import GONE_BEFORE_POSTING, INVOICES_DOUBTED
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.invoices import invoices_by_key
from syncd.core.store.issues import open_issues
from syncd.sdk.invoice_records import Ownership
from tests.builders_intake import ScriptedKeeper, marked, read_once
from tests.builders_invoices import START, connected, invoice


async def test_an_invoice_is_not_gone_for_being_absent_but_for_not_being_found_by_its_id(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1"), invoice("2")]])
    await read_once(database, psa, keeper)
    keeper.batches = []
    keeper.there = {"1": invoice("1")}
    soon = await read_once(database, psa, keeper, after=timedelta(hours=1))
    assert (soon.asked_again, soon.gone) == (0, 0)
    later = await read_once(database, psa, keeper, after=timedelta(hours=30))
    assert sorted(keeper.asked) == ["1", "2"]
    assert (later.asked_again, later.gone) == (2, 1)
    async with database.reader() as conn:
        found = await invoices_by_key(conn, psa.id, ["1", "2"])
    assert found["1"].gone_at is None
    assert found["2"].gone_at is not None
    assert not found["2"].counts
    keeper.batches = [[invoice("2", modified=START + timedelta(hours=31))]]
    back = await read_once(database, psa, keeper, after=timedelta(hours=32))
    assert back.stored.changed == 1


async def gone_at(database: Database, psa: ConnectionRef, key: str) -> datetime | None:
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
    await read_once(database, psa, keeper)
    keeper.batches = []
    found = await read_once(database, psa, keeper, after=timedelta(hours=30))
    assert (found.asked_again, found.gone) == (2, 0)
    assert await gone_at(database, psa, "1") is None
    (message,) = (await issues_of(database, INVOICES_DOUBTED)).values()
    assert "none of 2 invoices" in message
    keeper.there = {"1": invoice("1"), "2": invoice("2")}
    await read_once(database, psa, keeper, after=timedelta(hours=31))
    assert await issues_of(database, INVOICES_DOUBTED) == {}


async def test_a_doubted_read_is_not_whole_and_is_asked_for_again_from_where_it_was(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1"), invoice("2")]])
    await read_once(database, psa, keeper)
    keeper.batches = []
    found = await read_once(database, psa, keeper, after=timedelta(hours=30))
    assert found.doubted
    assert await marked(database, psa) == START
    keeper.there = {"1": invoice("1"), "2": invoice("2")}
    await read_once(database, psa, keeper, after=timedelta(hours=31))
    assert keeper.since[-1] == START - timedelta(minutes=60)
    assert await marked(database, psa) == START + timedelta(hours=31)


async def test_once_a_week_changes_of_two_months_are_read_again_since_rights_come_and_go(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1")]], there={"1": invoice("1")})
    for days in (0, 1, 6, 7, 8):
        await read_once(database, psa, keeper, after=timedelta(days=days))
    hour = timedelta(minutes=60)
    assert keeper.since == [
        None,
        START - hour,
        START + timedelta(days=1) - hour,
        START + timedelta(days=7 - 60),
        START + timedelta(days=7) - hour,
    ]


async def test_an_answer_that_lacks_what_the_list_has_just_shown_is_not_believed(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1")]])
    await read_once(database, psa, keeper)
    keeper.batches = [[invoice("2")]]
    doubted = await read_once(database, psa, keeper, after=timedelta(hours=30))
    assert (doubted.asked_again, doubted.gone) == (1, 0)
    assert set(await issues_of(database, INVOICES_DOUBTED)) == {psa.name}
    keeper.there = {"2": invoice("2")}
    believed = await read_once(database, psa, keeper, after=timedelta(hours=31))
    assert believed.gone == 1
    assert await gone_at(database, psa, "1") is not None
    assert await issues_of(database, INVOICES_DOUBTED) == {}


async def test_what_is_gone_is_asked_for_again_for_some_days_and_comes_back(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    keeper = ScriptedKeeper(batches=[[invoice("1"), invoice("2")]])
    await read_once(database, psa, keeper)
    keeper.batches, keeper.there = [], {"1": invoice("1")}
    await read_once(database, psa, keeper, after=timedelta(hours=30))
    first = await gone_at(database, psa, "2")
    assert first is not None
    keeper.asked.clear()
    await read_once(database, psa, keeper, after=timedelta(hours=31))
    assert keeper.asked == []
    keeper.batches = [[invoice("1")]]
    again = await read_once(database, psa, keeper, after=timedelta(hours=37))
    assert (keeper.asked, again.gone) == (["2", "1"], 0)
    assert await gone_at(database, psa, "2") == first
    keeper.there["2"] = invoice("2")
    await read_once(database, psa, keeper, after=timedelta(hours=44))
    assert await gone_at(database, psa, "2") is None
    del keeper.there["2"]
    await read_once(database, psa, keeper, after=timedelta(days=4))
    keeper.asked.clear()
    await read_once(database, psa, keeper, after=timedelta(days=30))
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
    await read_once(database, psa, keeper)
    keeper.batches, keeper.there = [], {"1": invoice("1", dated=day)}
    await read_once(database, psa, keeper, after=timedelta(hours=20))
    assert keeper.asked == []
    begun = timedelta(hours=26)
    await read_once(database, psa, keeper, after=begun)
    assert keeper.asked == ["1"]
    async with database.reader() as conn:
        assert (await invoices_by_key(conn, psa.id, ["1"]))["1"].counts


async def test_a_draft_of_the_day_is_asked_for_until_the_day_has_begun_everywhere(
    database: Database,
) -> None:
    psa, _ = await connected(database)
    draft = invoice("1", dated=date(2026, 11, 22), finalised=False)
    keeper = ScriptedKeeper(batches=[[draft]], there={"1": draft})
    await read_once(database, psa, keeper)
    keeper.batches = []
    for hours in range(1, 24 * 7):
        await read_once(database, psa, keeper, after=timedelta(hours=hours))
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
    await read_once(database, psa, keeper)
    keeper.batches, keeper.there = [], {"1": invoice("1")}
    await read_once(database, psa, keeper, after=timedelta(hours=30))
    told = await issues_of(database, GONE_BEFORE_POSTING)
    assert list(told) == [f"{psa.name}/2"]
    assert "INV-00002 of Acme Ltd over 24.00 GBP" in told[f"{psa.name}/2"]
    keeper.there["2"] = invoice("2")
    await read_once(database, psa, keeper, after=timedelta(hours=37))
    assert await issues_of(database, GONE_BEFORE_POSTING) == {}
