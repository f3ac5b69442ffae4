"""Mapping files on both databases: what is stored, what is refused, what is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.service.csv_text import BadFile
from syncd.core.store.billing_data import load_billing_data
from tests.builders_data import NOW, Office

LINKS = "connection,account,client,site\n"
PRODUCTS = "connection,product,asset_type\n"
RATES = "connection,product,client,cost,price,restore_cost,restore_price,currency,valid_from\n"
RULES = (
    "connection,product,client,count_method,override,included,block,minimum,maximum,"
    "bill_blocks,pool,included_reasons,valid_from,valid_until,reason\n"
)
CONFIGURATIONS = (
    "uid,connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,"
    "position\n"
)
BILLING = "connection,account,automatic,billing_start\n"

FILES = {
    "links": LINKS + "rmm,a,1,12\nrmm,b,Globex,\n",
    "products": PRODUCTS + "rmm,device:server,Server\nrmm,device:workstation,20\n",
    "rates": RATES
    + "rmm,device:server,,2.5,9.99,,,GBP,2026-11-01\n"
    + "rmm,device:server,2,,8,,,EUR,2026-11-01\n"
    + "rmm,storage:all,,0.023,0.03,0.01,0,,2026-11-01\n",
    "rules": RULES
    + "rmm,device:server,,,,5,,10,,,,spare;trial,2026-11-01,,agreed in March\n"
    + "rmm,storage:all,1,average,,,50,,,yes,no,,2026-11-01,2027-10-31,\n",
    "configurations": CONFIGURATIONS
    + ",rmm,,Devices,average,device:server;device:workstation,,Parts Co,,psa,1\n"
    + ",rmm,b,Own,total,storage:all,Cloud disk,,,,2\n",
    "billing": BILLING + "rmm,a,no,2026-11-15\nrmm,b,,2026-12-01\n",
}

BAD = [
    ("links", "", "the file is empty"),
    ("links", "connection,account,client\nrmm,a,1\n", "column site: the column is missing"),
    ("links", "connection,account,client,site,colour\n", "column colour: the column is unknown"),
    ("links", "connection,account,client,site,site\n", "column site: the column is there twice"),
    ("links", "connection;account;client;site\n", "separated by semicolons"),
    ("links", LINKS + "rmm,a,1\n", "line 2: 3 cells where the header has 4"),
    ("links", LINKS + 'rmm,a,"1,\n', "the quotes do not fit"),
    ("links", LINKS + "rmn,a,1,\n", "connection 'rmn' is not known; did you mean 'rmm'?"),
    ("links", LINKS + ",a,1,\n", "line 2, column connection: the cell is empty"),
    ("links", LINKS + "rmm,zz,1,\n", "rmm has no account 'zz'"),
    ("links", LINKS + "rmm,a,99,\n", "client '99' is not known to desk"),
    ("links", LINKS + "rmm,a,Acme Limited,\n", "client 'Acme Limited' is not known"),
    (
        "links",
        LINKS + "rmm,a,TWIN,\n",
        "2 of the clients are called 'TWIN'; write the id: one of 3, 4",
    ),
    ("links", LINKS + "rmm,a,1,21\n", "site '21' is not known"),
    ("links", LINKS + "rmm,a,,11\n", "there is a site and no client"),
    ("links", LINKS + "rmm,a,5,\n", "client 5 (Gone Inc) is not active in desk"),
    (
        "links",
        LINKS + "rmm,a,1,\nrmm,b,2,\nrmm,a,2,\n",
        "line 4: rmm/a (Client a) stands on line 2 too, as client 1 (Acme Ltd)",
    ),
    (
        "links",
        "connection,account,client,client_name,site\nrmm,a,1,Globex,\n",
        "the id beside it is called 'Acme Ltd', not 'Globex'",
    ),
    (
        "links",
        "connection,account,account_name,client,site\nrmm,a,Client b,1,\n",
        "the id beside it is called 'Client a', not 'Client b'",
    ),
    ("products", PRODUCTS + "rmm,device:servers,10\n", "did you mean 'device:server'?"),
    ("products", PRODUCTS + "rmm,device:server,Toaster\n", "asset type 'Toaster' is not known"),
    ("rates", RATES + 'rmm,device:server,,"1,234.50",,,,,2026-11-01\n', "is not an amount"),
    ("rates", RATES + 'rmm,device:server,,"1.234,50",,,,,2026-11-01\n', "is not an amount"),
    ("rates", RATES + "rmm,device:server,,-1,,,,,2026-11-01\n", "-1 is negative"),
    ("rates", RATES + "rmm,device:server,,0.000000001,,,,,2026-11-01\n", "more than 8 decimals"),
    ("rates", RATES + f"rmm,device:server,,{10**12},,,,,2026-11-01\n", "outside of what can be"),
    ("rates", RATES + f"rmm,device:server,,{10**9},,,,,2026-11-01\n", "more than 100,000,000"),
    (
        "rates",
        RATES + "rmm,device:server,,100000,100000.01,,,,2026-11-01\n",
        "column price: 100000.01 for one unit is more than the 100,000 that a rate may be",
    ),
    (
        "rates",
        RATES.replace("currency", "currency,cycle")
        + "rmm,device:server,,1,,,,,weekly,2026-11-01\n",
        "'weekly' is not known; write one of monthly, quarterly, annual",
    ),
    (
        "configurations",
        CONFIGURATIONS.replace("owner,position", "owner,billed_in,position")
        + ",rmm,,N,total,device:server,,,,,later,1\n",
        "'later' is not known; write one of arrears, advance",
    ),
    ("rates", RATES + "rmm,device:server,,1e9,,,,,2026-11-01\n", "'1e9' is not an amount"),
    ("rates", RATES + "rmm,device:server,,NaN,,,,,2026-11-01\n", "'NaN' is not an amount"),
    ("rates", RATES + 'rmm,device:server,,"1 234,50",,,,,2026-11-01\n', "is not an amount"),
    ("rates", RATES + "rmm,device:server,,1\u00a0234.50,,,,,2026-11-01\n", "is not an amount"),
    ("rates", RATES + "rmm,device:server,,12\u0660,,,,,2026-11-01\n", "is not an amount"),
    ("rates", RATES + "rmm,device:server,,=1+1,,,,,2026-11-01\n", "'=1+1' is a formula"),
    ("rates", RATES + "rmm,device:server,,+1,,,,,2026-11-01\n", "'+1' is a formula"),
    ("rates", RATES + "rmm,device:server,,@x,,,,,2026-11-01\n", "'@x' is a formula"),
    (
        "rates",
        RATES + "rmm,device:server,99,1,,,,,2026-11-01\n",
        "client '99' is not known to desk",
    ),
    ("rates", RATES.replace(",", ";"), "the cells are separated by semicolons"),
    ("rates", RATES.replace(",", "\t"), "the cells are separated by tabs"),
    ("links", LINKS + "rmm,a,=1+1,\n", "client '=1+1' is not known to desk"),
    ("links", LINKS + "rmm,\x00a,1,\n", "column account: the cell holds a NUL character"),
    ("links", " \n\n", "the file is empty"),
    ("rules", RULES + "rmm,device:server,,,,,,-3,,,,,2026-11-01,,x\n", "-3 is negative"),
    ("rates", RATES + "rmm,device:server,,1,,,,pound,2026-11-01\n", "'POUND' is not a currency"),
    ("rates", RATES + "rmm,device:server,,1,,,,,01/11/2026\n", "'01/11/2026' is not a day"),
    ("rates", RATES + "rmm,device:server,,1,,,,,2026-02-30\n", "'2026-02-30' is not a day"),
    ("rates", RATES + "rmm,device:server,,1,,,,,\n", "column valid_from: the cell is empty"),
    ("rates", RATES + "rmm,device:server,,,,1,,,2026-11-01\n", "device:server is not a storage"),
    (
        "rates",
        RATES + "rmm,device:server,,1,,,,,2026-11-01\nrmm,device:server,,2,,,,GBP,2026-11-01\n",
        "line 3: rmm/device:server in GBP from 2026-11-01 stands on line 2 too",
    ),
    ("rules", RULES + "rmm,device:server,,often,,,,,,,,,2026-11-01,,\n", "'often' is not known"),
    ("rules", RULES + "rmm,device:server,,,,,,,,maybe,,,2026-11-01,,\n", "neither yes nor no"),
    (
        "rules",
        RULES + "rmm,device:server,,,,,0.5,,,,,,2026-11-01,,\n",
        "0.5 cannot be computed with",
    ),
    ("rules", RULES + "rmm,device:server,,,1.5,,,,,,,,2026-11-01,,x\n", "column override"),
    ("rules", RULES + "rmm,device:server,,,7,,,,,,,,2026-11-01,,\n", "needs a reason"),
    ("rules", RULES + "rmm,device:server,,,,1,,,,,,,2026-11-01,2026-10-31,\n", "ends before"),
    ("rules", RULES + "rmm,storage:all,,,,,50,,,,,,2026-11-01,,\n", "need billing by blocks"),
    (
        "configurations",
        CONFIGURATIONS + ",rmm,,X,average,device:server;storage:all,,,,,\n",
        "line 2, column mode: licences and storage in one configuration allow only the mode total",
    ),
    (
        "configurations",
        CONFIGURATIONS + ",rmm,,X,total,device:server,,,,,\n,rmm,,Y,total,device:server,,,,,\n",
        "line 3, column products: product device:server is in two configurations",
    ),
    (
        "configurations",
        CONFIGURATIONS + ",rmm,,X,total,device:server,,,,,\n,rmm,,X,total,storage:all,,,,,\n",
        "line 3, column name: the name 'X' stands on line 2 already",
    ),
    (
        "configurations",
        CONFIGURATIONS + "cafe0001,rmm,,X,total,device:server,,,,,\n",
        "no configuration of this connection has the uid 'cafe0001'",
    ),
    ("configurations", CONFIGURATIONS + ",rmm,,X,mean,device:server,,,,,\n", "'mean' is not known"),
    ("configurations", CONFIGURATIONS + ",rmm,,X,total,,,,,,\n", "names no product"),
    (
        "configurations",
        CONFIGURATIONS + ",rmm,,,total,device:server,,,,,\n",
        "column name: the cell",
    ),
    (
        "configurations",
        CONFIGURATIONS + ",rmm,,=1+1,total,device:server,,,,,\n",
        "column name: '=1+1' begins like a formula",
    ),
    (
        "configurations",
        CONFIGURATIONS + ",rmm,,X,total,device:server,,Nobody,,,\n",
        "supplier 'Nobody' is not known to desk",
    ),
    (
        "configurations",
        CONFIGURATIONS + ",rmm,,X,total,device:server,,,psa,,\n",
        "column price_owner",
    ),
    (
        "configurations",
        CONFIGURATIONS + ",rmm,,X,total,device:server,,,,,first\n",
        "'first' is not a whole number",
    ),
    ("billing", BILLING + "rmm,zz,no,\n", "rmm has no account 'zz'"),
    ("billing", BILLING + "rmm,a,sometimes,\n", "'sometimes' is neither yes nor no"),
    ("billing", BILLING + "rmm,a,no,15.11.2026\n", "'15.11.2026' is not a day"),
    (
        "billing",
        BILLING + "rmm,a,no,\nrmm,a,yes,\n",
        "line 3: rmm/a (Client a) stands on line 2 too, as billed by hand",
    ),
]


async def imported(office: Office) -> None:
    for name, content in FILES.items():
        await office.take(name, content)


@pytest.mark.parametrize("sheet", FILES)
async def test_a_file_is_stored_whole_and_importing_it_again_changes_nothing(
    office: Office, sheet: str
) -> None:
    first = await office.take(sheet, FILES[sheet])
    version = await office.version()
    again = await office.take(sheet, FILES[sheet], now=NOW + timedelta(days=1))
    assert len(first.added) == FILES[sheet].count("\n") - 1
    assert (again.edits, again.unchanged) == (0, len(first.added))
    assert await office.version() == version


@pytest.mark.parametrize("sheet", FILES)
async def test_an_export_imports_as_itself(office: Office, sheet: str) -> None:
    await imported(office)
    exported, version = await office.give(sheet), await office.version()
    change = await office.take(sheet, exported, prune=True, now=NOW + timedelta(days=1))
    assert change.edits == 0
    assert (await office.give(sheet), await office.version()) == (exported, version)


@pytest.mark.parametrize(("sheet", "content", "told"), BAD)
async def test_a_bad_file_is_refused_with_its_line_and_nothing_is_stored(
    sqlite_office: Office, sheet: str, content: str, told: str
) -> None:
    with pytest.raises(BadFile) as refused:
        await sqlite_office.take(sheet, content)
    assert told in str(refused.value)
    assert all(problem.remedy for problem in refused.value.problems)
    assert await sqlite_office.version() == 0
    (issue,) = await sqlite_office.issues("CSV_REJECTED")
    assert issue.subject == sheet
    assert f"--import {sheet}.csv" in issue.remedy


async def test_all_mistakes_come_in_one_answer_and_the_good_rows_wait(office: Office) -> None:
    content = LINKS + "rmm,a,1,\nrmm,zz,1,\nrmm,b,TWIN,\nnope,c,9,\n"
    with pytest.raises(BadFile) as refused:
        await office.take("links", content)
    assert [problem.line for problem in refused.value.problems] == [3, 4, 5, 5]
    assert await office.rows("client_link") == 0


async def test_the_issue_of_a_bad_file_closes_when_a_good_one_is_imported(office: Office) -> None:
    with pytest.raises(BadFile):
        await office.take("links", "nonsense")
    await office.take("links", FILES["links"])
    assert await office.issues("CSV_REJECTED") == []


async def test_a_file_that_is_not_utf8_is_refused_with_its_line(sqlite_office: Office) -> None:
    with pytest.raises(BadFile, match="line 3: the text is not UTF-8"):
        await sqlite_office.take("links", LINKS.encode() + b"rmm,a,1,\nrmm,b,Gl\xf6bex,\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-16-be-sig"])
async def test_a_file_in_utf16_is_refused_with_what_to_save(
    sqlite_office: Office, encoding: str
) -> None:
    """What spreadsheets call 'Unicode text'."""
    mark = b"\xfe\xff" if encoding.endswith("-sig") else b""
    content = mark + FILES["links"].encode(encoding.removesuffix("-sig"))
    with pytest.raises(BadFile, match="line 1: the text is UTF-16") as refused:
        await sqlite_office.take("links", content)
    assert "CSV UTF-8" in refused.value.problems[0].remedy
    assert await sqlite_office.rows("client_link") == 0


async def test_a_byte_order_mark_and_other_line_ends_are_taken(sqlite_office: Office) -> None:
    content = "\ufeff" + LINKS.replace("\n", "\r\n") + "rmm,a,1,\r\n\r\n , ,,\r\nrmm,b,2,\r\n"
    change = await sqlite_office.take("links", content)
    assert len(change.added) == 2


async def test_a_dry_run_tells_the_same_and_stores_nothing(office: Office) -> None:
    told = await office.take("links", FILES["links"], dry_run=True)
    assert await office.rows("client_link") == 0
    done = await office.take("links", FILES["links"])
    assert (told.added, told.changed, told.ended) == (done.added, done.changed, done.ended)
    with pytest.raises(BadFile):
        await office.take("links", "nonsense", dry_run=True)
    assert await office.issues("CSV_REJECTED") == []


async def test_an_edit_supersedes_and_the_past_can_be_replayed(office: Office) -> None:
    await office.take("rates", FILES["rates"])
    later = NOW + timedelta(days=2)
    change = await office.take("rates", FILES["rates"].replace("9.99", "12"), now=later)
    (edit,) = change.changed
    assert (edit.before, edit.after) == ("cost 2.50, price 9.99", "cost 2.5, price 12")
    assert change.unchanged == 2
    async with office.database.reader() as conn:
        today = await load_billing_data(conn, period_first_day="2026-11-01")
        then = await load_billing_data(
            conn, period_first_day="2026-11-01", as_of=later - timedelta(seconds=1)
        )
    server = next(one.id for one in today.products.values() if one.key == "device:server")
    assert str(today.rates_for(server, "")[0].price) == "12.00"
    assert str(then.rates_for(server, "")[0].price) == "9.99"


async def test_rows_that_the_file_lacks_hold_on_unless_they_are_pruned(office: Office) -> None:
    await office.take("links", FILES["links"])
    kept = await office.take("links", LINKS + "rmm,a,1,12\nrmm,b,,\n")
    assert (kept.edits, kept.kept) == (0, ["rmm/b (Client b)"])
    ended = await office.take("links", LINKS + "rmm,a,1,12\n", prune=True)
    assert [edit.subject for edit in ended.ended] == ["rmm/b (Client b)"]
    async with office.database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-11-01")
    assert len(data.links) == 1


async def test_pruning_leaves_connections_alone_that_the_file_does_not_name(
    office: Office,
) -> None:
    await office.take("links", FILES["links"])
    change = await office.take("links", LINKS, prune=True)
    assert (change.edits, await office.rows("client_link")) == (0, 2)


async def test_a_configuration_keeps_its_uid_when_it_is_renamed(office: Office) -> None:
    await office.take("configurations", FILES["configurations"])
    renamed = (await office.give("configurations")).replace("Devices", "All devices")
    change = await office.take("configurations", renamed)
    assert len(change.changed) == 1
    assert not change.added
    exported = await office.give("configurations")
    assert [line.split(",")[0] for line in exported.splitlines()] == [
        line.split(",")[0] for line in renamed.splitlines()
    ]


async def test_a_pruned_configuration_may_come_back_with_its_uid(office: Office) -> None:
    await office.take("configurations", FILES["configurations"])
    whole = await office.give("configurations")
    without = "\n".join(line for line in whole.splitlines() if ",Own," not in line)
    assert len((await office.take("configurations", without, prune=True)).ended) == 1
    assert len((await office.take("configurations", whole)).added) == 1
    assert await office.give("configurations") == whole


async def test_a_product_already_billed_by_a_configuration_outside_of_the_file_is_refused(
    office: Office,
) -> None:
    await office.take("configurations", FILES["configurations"])
    row = ",rmm,,More,average,device:server,,,,,\n"
    with pytest.raises(BadFile, match="device:server is in two configurations"):
        await office.take("configurations", CONFIGURATIONS + row)


async def test_what_stands_may_stay_although_its_client_is_gone(office: Office) -> None:
    await office.take("links", FILES["links"])
    await office.forget_client("2")
    exported = await office.give("links")
    assert (await office.take("links", exported)).edits == 0
    with pytest.raises(BadFile, match=r"client 2 .* is not active"):
        await office.take("links", LINKS + "rmm,a,2,\n")


async def test_several_accounts_of_one_client_are_normal(office: Office) -> None:
    change = await office.take("links", LINKS + "rmm,a,1,\nrmm,b,1,12\n")
    assert len(change.added) == 2


async def test_the_export_of_an_empty_office_lists_what_is_to_be_decided(office: Office) -> None:
    assert (await office.give("links")).splitlines()[1:] == [
        "rmm,a,Client a,,,,",
        "rmm,b,Client b,,,,",
    ]
    assert len((await office.give("products")).splitlines()) == 4
    assert "rmm,device:server,Servers,,,,,,,GBP," in await office.give("rates")


async def test_a_rate_from_the_middle_of_a_month_says_when_it_begins(office: Office) -> None:
    row = "rmm,device:server,,1,2,,,,2026-11-15\n"
    change = await office.take("rates", RATES + row)
    assert change.notes == [
        "rmm/device:server in GBP from 2026-11-15 prices its first whole month: 2026-12"
    ]


async def test_links_and_asset_types_close_their_issues_in_the_same_import(office: Office) -> None:
    from syncd.core.service.mapping_issues import sync_mapping_issues

    await sync_mapping_issues(office.database, office.source, now=NOW, log=office.log)
    assert {issue.code for issue in await office.issues()} == {
        "UNLINKED_ACCOUNT",
        "UNMAPPED_PRODUCT",
    }
    await office.take("links", FILES["links"])
    assert await office.issues("UNLINKED_ACCOUNT") == []
    await office.take("products", FILES["products"])
    assert await office.issues("UNMAPPED_PRODUCT") == []


async def test_an_account_without_a_choice_is_billed_automatically_and_without_bound(
    office: Office,
) -> None:
    await office.take("billing", BILLING + "rmm,a,no,2026-11-15\nrmm,b,,\n")
    async with office.database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-11-01")
    chosen = {one.key: data.choice_for(one.id) for one in data.accounts.values()}
    assert (chosen["a"].automatic, chosen["a"].start) == (False, "2026-11-15")
    assert (chosen["b"].automatic, chosen["b"].start) == (True, "")


async def test_a_choice_can_be_replayed_as_it_was(office: Office) -> None:
    await office.take("billing", BILLING + "rmm,a,no,\n")
    later = NOW + timedelta(days=2)
    change = await office.take("billing", BILLING + "rmm,a,yes,2027-01-31\n", now=later)
    (edit,) = change.changed
    assert (edit.before, edit.after) == ("billed by hand", "billed automatically from 2027-01 on")
    async with office.database.reader() as conn:
        then = await load_billing_data(
            conn, period_first_day="2026-11-01", as_of=later - timedelta(seconds=1)
        )
    assert [one.automatic for one in then.choices.values()] == [False]


async def test_a_file_from_before_a_column_leaves_what_it_says_as_it_is(office: Office) -> None:
    """An old export changes no annual price to a monthly one, and bills nothing at another time."""
    rates = "connection,product,client,cost,price,restore_cost,restore_price,currency,{}valid_from"
    await office.take(
        "rates",
        f"{rates.format('cycle,')}\nrmm,device:server,,1,120,,,GBP,annual,2026-11-01\n",
    )
    change = await office.take(
        "rates", f"{rates.format('')}\nrmm,device:server,,1,130,,,GBP,2026-11-01\n"
    )
    (edit,) = change.changed
    assert "annual" in (edit.after or "")

    rules = (
        "connection,product,client,count_method,override,included,block,minimum,maximum,"
        "bill_blocks,pool,included_reasons,{}valid_from,valid_until,reason"
    )
    await office.take(
        "rules",
        f"{rules.format('stale_after_days,')}\n"
        "rmm,device:server,,point_in_time,,,,,,,,,30,2026-11-01,,\n",
    )
    change = await office.take(
        "rules", f"{rules.format('')}\nrmm,device:server,,point_in_time,,2,,,,,,,2026-11-01,,\n"
    )
    (edit,) = change.changed
    assert "stale after 30 days" in (edit.after or "")

    configurations = (
        "uid,connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,"
        "{}position"
    )
    await office.take(
        "configurations",
        f"{configurations.format('billed_in,')}\n"
        ",rmm,,Devices,average,device:server,,,,,advance,0\n",
    )
    change = await office.take(
        "configurations",
        f"{configurations.format('')}\n,rmm,,Devices,total,device:server,,,,,0\n",
    )
    (edit,) = change.changed
    assert "billed in advance" in (edit.after or "")
