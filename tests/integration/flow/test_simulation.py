"""Past months under another policy, beside what was billed and what the present rules give."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.cli.policy import months_csv
from syncd.core.service.csv_text import BadFile
from syncd.core.service.mapping_csv import sheet_context
from syncd.core.service.policy import Policy, read_policy
from syncd.core.service.refusals import ClientUnknown
from syncd.core.service.simulation import Simulation, simulate
from syncd.core.store.connections import data_version
from syncd.core.store.database import Database
from tests.builders_month import DESKTOP, DISK, NOVEMBER, OCTOBER, SERVER, Office
from tests.builders_whatif import terms

RULES = (
    "connection,product,client,count_method,override,included,block,minimum,maximum,bill_blocks,"
    "pool,included_reasons,valid_from,valid_until,reason\n"
)
RATES = "connection,product,client,cost,price,restore_cost,restore_price,currency,valid_from\n"


async def policy(office: Office, *settings: str, rules: str = "", rates: str = "") -> Policy:
    async with office.database.reader() as conn:
        context = await sheet_context(
            conn, psa=office.psa_connection, currency="GBP", confirmed_by=""
        )
    return read_policy(
        context,
        settings=settings,
        rules=("rules.csv", (RULES + rules).encode()) if rules else None,
        rates=("rates.csv", (RATES + rates).encode()) if rates else None,
    )


async def tried(
    office: Office, *settings: str, last: int = 1, clients: tuple[str, ...] = (), **files: str
) -> Simulation:
    other = await policy(office, *settings, **files)
    return await simulate(office.database, other, terms(office), last=last, clients=clients)


def figures(found: Simulation) -> list[tuple[object, ...]]:
    return [
        (one.client, one.period, one.billed, one.present, one.other, one.difference)
        for one in found.months
    ]


async def test_what_was_billed_what_now_gives_and_what_the_other_policy_gives(
    database: Database,
) -> None:
    office = await Office.open(database)
    await office.usual()
    await office.bill()
    await office.rate(DESKTOP.key, "2.00", "6.00")
    found = await tried(office, f"{DESKTOP.key}: included=4")
    assert figures(found) == [
        ("1001", "2026-10", Decimal("80.00"), Decimal("90.00"), Decimal("66.00"), Decimal("-24.00"))
    ]
    assert (found.total.billed, found.total.difference) == (Decimal("80.00"), Decimal("-24.00"))


async def test_each_month_has_its_own_counts_and_its_own_decisions(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    await office.rate(DESKTOP.key, "2.00", "7.00", valid_from="2026-11-01")
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 20, SERVER.key: 2}})
    found = await tried(office, f"{DESKTOP.key}: included=4", last=2)
    assert [(one.period, one.present, one.other) for one in found.months] == [
        ("2026-10", Decimal("80.00"), Decimal("60.00")),
        ("2026-11", Decimal("170.00"), Decimal("142.00")),
    ]
    assert found.clients[0].difference == found.total.difference == Decimal("-48.00")


async def test_another_method_counts_the_days_again(database: Database) -> None:
    office = await Office.open(database)
    await office.usual(counts={"5": {DESKTOP.key: 4}})
    await office.pull({"5": {DESKTOP.key: 9}}, at=office.month_end(OCTOBER, days=10))
    await office.pull({"5": {DESKTOP.key: 4}}, at=office.month_end(OCTOBER, hours=1))
    (month,) = (await tried(office, f"{DESKTOP.key}: count_method=peak")).months
    assert (month.present, month.other) == (Decimal("20.00"), Decimal("45.00"))


async def test_a_part_is_changed_in_the_rule_of_everybody_and_in_those_of_clients(
    database: Database,
) -> None:
    office = await Office.open(database)
    await office.usual(
        counts={"5": {DESKTOP.key: 10}, "6": {DESKTOP.key: 10}},
        accounts={"5": "1001", "6": "1002"},
    )
    await office.rule(DESKTOP.key, client_key="1002", minimum=Decimal(8))
    found = await tried(office, f"source-eu/{DESKTOP.key}: included=5")
    assert {one.client: one.other for one in found.months} == {
        "1001": Decimal("25.00"),
        "1002": Decimal("40.00"),
    }


async def test_files_replace_whole_rules_and_rates_whatever_their_days(database: Database) -> None:
    office = await Office.open(database)
    await office.usual(counts={"5": {DESKTOP.key: 10}})
    await office.rule(DESKTOP.key, included=Decimal(9))
    found = await tried(
        office,
        rules=f"source-eu,{DESKTOP.key},1001,,,,,,,,,,2030-01-01,,\n",
        rates=f"source-eu,{DESKTOP.key},,1,3,,,GBP,2030-01-01\n",
    )
    (month,) = found.months
    assert (month.present, month.other) == (Decimal("5.00"), Decimal("30.00"))


async def test_months_without_counts_say_so_and_are_not_zero(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    found = await tried(office, f"{DESKTOP.key}: included=4", last=2)
    before, october = found.months
    assert (before.period, before.present, before.other, before.note) == (
        "2026-09",
        None,
        None,
        "no counts",
    )
    assert october.note == ""


async def test_a_policy_that_would_stop_a_bill_says_so(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    await office.configure("c2", "Disks", "total", [DISK.key], asset_type_key="20")
    found = await tried(office, f"{DISK.key}: block=50, bill_blocks=yes")
    assert found.months[0].note == ""
    await office.rule(DISK.key, block=Decimal(50), bill_blocks=True)
    found = await tried(office, f"{DISK.key}: bill_blocks=no")
    (month,) = found.months
    assert month.other is None
    assert month.note == f"would stop: BLOCK_RULES_NEED_BILL_BLOCKS:{DISK.key}"


async def test_only_named_clients_and_only_those_that_the_policy_concerns(
    database: Database,
) -> None:
    office = await Office.open(database)
    await office.usual(
        counts={"5": {DESKTOP.key: 10}, "6": {DESKTOP.key: 10}},
        accounts={"5": "1001", "6": "1002"},
    )
    named = await tried(office, f"{DESKTOP.key}: included=1", clients=("globex",))
    assert [one.client for one in named.months] == ["1002"]
    rule = f"source-eu,{DESKTOP.key},1001,,,1,,,,,,,2026-01-01,,\n"
    found = await tried(office, rules=rule)
    assert ([one.client for one in found.months], found.unconcerned) == (["1001"], 1)
    with pytest.raises(ClientUnknown):
        await tried(office, f"{DESKTOP.key}: included=1", clients=("nobody",))


async def test_a_simulation_writes_nothing(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    async with database.reader() as conn:
        before = await data_version(conn)
    await tried(office, f"{DESKTOP.key}: included=4")
    async with database.reader() as conn:
        assert await data_version(conn) == before
    assert (await tried(office, f"{DESKTOP.key}: included=0")).total.difference == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("included=5", "names no product and part"),
        (f"{DESKTOP.key}:", "names no product and part"),
        (f"{DESKTOP.key}: included", "names no product and part"),
        ("device:dsktop: included=5", f"did you mean '{DESKTOP.key}'"),
        (f"{DESKTOP.key}: includes=5", "did you mean 'included'"),
        (f"{DESKTOP.key}: included=-5", "-5 is negative"),
        (f"{DESKTOP.key}: included=2.5", "cannot be computed with"),
        (f"{DESKTOP.key}: count_method=mean", "'mean' is not known"),
        (f"{DESKTOP.key}: valid_from=2026-01-01", "a rule has no such part"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused(
    sqlite_database: Database, setting: str, said: str
) -> None:
    office = await Office.open(sqlite_database)
    await office.usual()
    with pytest.raises(BadFile, match="--set has a mistake") as refused:
        await policy(office, setting)
    assert said in str(refused.value)


async def test_a_bad_file_is_refused_with_its_lines(sqlite_database: Database) -> None:
    office = await Office.open(sqlite_database)
    await office.usual()
    with pytest.raises(BadFile, match=r"rates\.csv has a mistake") as refused:
        await policy(office, rates=f'source-eu,{DESKTOP.key},,1,"1.234,50",,,GBP,2026-01-01\n')
    assert "line 2, column price: '1.234,50' is not an amount" in str(refused.value)


async def test_the_csv_has_amounts_to_add_up_and_names_that_no_spreadsheet_runs(
    sqlite_database: Database,
) -> None:
    office = await Office.open(sqlite_database, {"1001": "=cmd()"})
    await office.usual()
    lines = months_csv(await tried(office, f"{DESKTOP.key}: included=4", last=2)).splitlines()
    assert lines[1] == "1001,'=cmd(),2026-09,GBP,,,,,,,no counts"
    assert lines[2] == "1001,'=cmd(),2026-10,GBP,,80.00,60.00,-20.00,32.00,24.00,"
