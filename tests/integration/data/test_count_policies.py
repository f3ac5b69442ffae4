"""Files that decide which units count: exclusions by hand, and days until a unit is stale."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.service.csv_text import BadFile
from syncd.core.store.billing_data import load_billing_data
from tests.builders_data import NOW, Office

EXCLUSIONS = "connection,account,product,unit,reason\n"
RULES = (
    "connection,product,client,count_method,override,included,block,minimum,maximum,bill_blocks,"
    "pool,included_reasons,stale_after_days,valid_from,valid_until,reason\n"
)
GOOD = EXCLUSIONS + "rmm,a,,1,second agent\nrmm,b,device:workstation,3,on loan\n"


async def held(office: Office, **more: object) -> set[tuple[str, str, str]]:
    async with office.database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-11-01", **more)  # type: ignore[arg-type]
    assert all(row[0].account_id == key for key, row in data.exclusions.items())
    return {
        (one.product_key, one.unit, one.reason) for rows in data.exclusions.values() for one in rows
    }


async def test_an_exclusion_is_stored_exported_with_the_units_name_and_ended(
    office: Office,
) -> None:
    change = await office.take("exclusions", GOOD)
    assert [edit.subject for edit in change.added] == [
        "rmm/a (Client a): unit 1 (host-1)",
        "rmm/b (Client b): unit 3 (host-3) as device:workstation",
    ]
    assert change.added[0].after == "not counted, because: second agent"
    version = await office.version()
    assert version == 1
    assert await held(office) == {
        ("", "1", "second agent"),
        ("device:workstation", "3", "on loan"),
    }
    exported = await office.give("exclusions")
    assert exported.splitlines() == [
        "connection,account,account_name,product,unit,unit_name,reason",
        "rmm,a,Client a,,1,host-1,second agent",
        "rmm,b,Client b,device:workstation,3,host-3,on loan",
    ]
    renamed = exported.replace("host-1", "whatever it was called")
    again = await office.take("exclusions", renamed, prune=True, now=NOW + timedelta(days=1))
    assert (again.edits, await office.version()) == (0, version)
    left = exported.replace("rmm,a,Client a,,1,host-1,second agent\n", "").replace(
        "rmm,a,Client a,,1,host-1,second agent\r\n", ""
    )
    ended = await office.take("exclusions", left, prune=True, now=NOW + timedelta(days=2))
    assert len(ended.ended) == 1
    assert await office.version() == version + 1
    assert await held(office) == {("device:workstation", "3", "on loan")}
    before = await held(office, as_of=NOW + timedelta(days=1))
    assert ("", "1", "second agent") in before


async def test_a_unit_that_is_gone_is_still_known(office: Office) -> None:
    from tests.builders_census import pull

    await pull(office.database, office.source, [], roster=("a", "b"))
    assert len((await office.take("exclusions", GOOD)).added) == 2


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("rmm,a,,99,x", "line 2, column unit: account a (Client a) never had a unit '99'"),
        ("rmm,a,,3,x", "account a (Client a) never had a unit '3'"),
        ("rmm,zz,,1,x", "line 2, column account: rmm has no account 'zz'"),
        ("nope,a,,1,x", "connection 'nope' is not known"),
        ("rmm,a,device:toaster,1,x", "line 2, column product: rmm has no product 'device:toaster'"),
        ("rmm,a,device:workstation,1,x", "unit '1' (host-1) was never counted as device:workst"),
        ("rmm,a,,,x", "line 2, column unit: the cell is empty"),
        ("rmm,a,,1,", "line 2, column reason: an exclusion needs a reason"),
        ("rmm,a,,1,x\nrmm,a,,1,y", "line 3: rmm/a (Client a): unit 1 (host-1) stands on line 2"),
    ],
)
async def test_a_bad_exclusion_is_refused_with_its_line(
    sqlite_office: Office, row: str, told: str
) -> None:
    with pytest.raises(BadFile) as refused:
        await sqlite_office.take("exclusions", f"{EXCLUSIONS}{row}\n")
    assert told in str(refused.value)
    assert await sqlite_office.rows("unit_exclusion") == 0


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("rmm,device:server,,,,,,,,,,,0,2026-11-01,,", "0 days cannot be waited for"),
        ("rmm,device:server,,,,,,,,,,,3651,2026-11-01,,", "3651 days cannot be waited for"),
        ("rmm,device:server,,,,,,,,,,,2.5,2026-11-01,,", "'2.5' is not a whole number"),
        ("rmm,storage:all,,,,,,,,,,,9,2026-11-01,,", "not a storage"),
        ("rmm,device:server,,,,,,,,,,stale,9,2026-11-01,,", "already says which stale units"),
        ("rmm,device:server,,,,,,,,,,by_hand,,2026-11-01,,", "does not count for any rule"),
    ],
)
async def test_a_bad_limit_of_silence_is_refused(
    sqlite_office: Office, row: str, told: str
) -> None:
    with pytest.raises(BadFile) as refused:
        await sqlite_office.take("rules", f"{RULES}{row}\n")
    assert told in str(refused.value)


async def test_a_limit_of_silence_is_kept_with_its_rule(office: Office) -> None:
    change = await office.take("rules", RULES + "rmm,device:server,,,,,,,,,,,14,2026-11-01,,\n")
    assert change.added[0].after == "point_in_time, stale after 14 days"
    async with office.database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-11-01")
    assert [rule.stale_after_days for rule in data.rules.values()] == [14]
    exported = await office.give("rules")
    assert (await office.take("rules", exported)).edits == 0
    other = await office.take("rules", exported.replace(",14,", ",15,"))
    assert [edit.after for edit in other.changed] == ["point_in_time, stale after 15 days"]
