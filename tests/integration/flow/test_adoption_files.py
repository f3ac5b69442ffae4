"""A file of adoptions: every mistake at once, and nothing of it taken while there is one."""

from __future__ import annotations

import pytest

from syncd.core.service.adoption_csv import choices_of, export_adoptions
from syncd.core.service.adoption_plan import proposed_choices
from syncd.core.service.csv_text import BadFile
from syncd.core.store.database import Database
from tests.builders_adoption import by_hand, chosen_in, plan_adoptions, put, view_of
from tests.builders_month import DESKTOP, SERVER, Office


async def _office(database: Database) -> Office:
    office = await Office.open(database)
    await office.usual(
        accounts={"5": "1001"},
        counts={"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 3}},
    )
    await office.link("6", "1002")
    put(
        office,
        by_hand("88", "Managed workstation", asset_type="10"),
        by_hand("89", "Managed server", 2, asset_type="11"),
        by_hand("95", "Managed workstation", 3, client="1002", asset_type="10"),
    )
    return office


async def test_an_export_imports_as_what_was_proposed(database: Database) -> None:
    office = await _office(database)
    view = await view_of(office)
    text = export_adoptions(view)
    chosen = await choices_of(view, text.encode(), "adopt.csv", psa=office.psa)
    assert [(one.line.key, one.record.key) for one in chosen] == [
        (one.line.key, one.record.key) for one in proposed_choices(view)
    ]
    assert {one.record.key for one in chosen} == {"88", "89", "95"}
    assert all(one.evidence.endswith("confirmed in a file") for one in chosen)


async def test_a_row_without_a_record_leaves_its_line_as_it_is(sqlite_database: Database) -> None:
    office = await _office(sqlite_database)
    view = await view_of(office, "1001")
    desktops = next(one.line.key for one in view.lines.values() if one.line.asset_type == "10")
    servers = next(one.line.key for one in view.lines.values() if one.line.asset_type == "11")
    chosen = await chosen_in(office, view, f"source-eu,5,{desktops},88", f"source-eu,5,{servers},")
    assert [one.record.key for one in chosen] == ["88"]


async def test_all_mistakes_of_a_file_are_told_at_once(database: Database) -> None:
    office = await _office(database)
    put(office, by_hand("90", "Ended", active=False), by_hand("91", "X", marker="syncd:other"))
    view = await view_of(office, "1001")
    line = next(one.line.key for one in view.lines.values() if one.line.asset_type == "10")
    server = next(one.line.key for one in view.lines.values() if one.line.asset_type == "11")
    with pytest.raises(BadFile) as bad:
        await chosen_in(
            office,
            view,
            f"source-eu,5,{line},88",
            f"source-eu,5,{server},88",
            f"source-eu,5,{server},95",
            f"source-eu,5,{line},4711",
            f"source-eu,5,{line},90",
            f"source-eu,5,{line},91",
            "source-eu,5,c9/10,89",
        )
    told = str(bad.value)
    for sentence in (
        "line 2, column record: record 88 is adopted 2 times",
        "line 3, column record: record 88 is adopted 2 times",
        "line 4, column record: CLIENT_CHANGED: record 95 'Managed workstation' is of client 1002",
        "line 5, column record: the PSA has no record 4711",
        "line 6, column record: PSA_RECORD_INACTIVE: record 90 'Ended' is not active",
        "line 7, column record: ALREADY_OURS: record 91 'X' carries a key of syncd",
        "line 8, column line: no line 'c9/10' of account 5 at 'source-eu' waits for a record",
        f"line 3, column line: line '{server}' stands in 2 rows",
    ):
        assert sentence in told
    assert "syncd adopt --export" in bad.value.remedy
    assert office.psa.history == []


async def test_a_record_of_ours_and_a_line_with_a_record_are_refused(
    sqlite_database: Database,
) -> None:
    office = await _office(sqlite_database)
    before = await view_of(office, "1001")
    desktops = next(one.line.key for one in before.lines.values() if one.line.asset_type == "10")
    servers = next(one.line.key for one in before.lines.values() if one.line.asset_type == "11")
    chosen = await chosen_in(office, before, f"source-eu,5,{desktops},88")
    await office.apply((await plan_adoptions(office, chosen, view=before)).id)
    view = await view_of(office, "1001")
    with pytest.raises(BadFile, match="waits for a record"):
        await chosen_in(office, view, f"source-eu,5,{desktops},89")
    with pytest.raises(BadFile, match="carries another line of ours"):
        await chosen_in(office, view, f"source-eu,5,{servers},88")


@pytest.mark.parametrize(
    "content",
    [b"", b"connection,account,line\nsource-eu,5,c1/10\n", b"a;b\n", b"\xff\xfe\x00", b'"open\n'],
)
async def test_what_is_no_such_file_is_refused(sqlite_database: Database, content: bytes) -> None:
    office = await _office(sqlite_database)
    view = await view_of(office)
    with pytest.raises(BadFile) as bad:
        await choices_of(view, content, "adopt.csv", psa=office.psa)
    assert "syncd adopt --export" in bad.value.remedy
