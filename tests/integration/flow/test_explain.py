"""Every billed number is explained from what was stored with it, also after everything changed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.service.explain import explain
from syncd.core.service.explanation import Explanation
from syncd.core.service.refusals import ClientUnknown, NothingToExplain
from syncd.core.store.database import Database
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    LONDON,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
    recurring,
)

NOVEMBER_UNITS = {
    "5": {DESKTOP.key: ["d1", "d2", "d4", "spare"], SERVER.key: ["s1"]},
}


@pytest.fixture
async def office(database: Database) -> Office:
    """October: d1 to d3. November: d3 left, d4 joined, a spare that does not count."""
    made = await Office.open(database)
    await made.usual(
        counts={"5": {DESKTOP.key: ["d1", "d2", "d3"], SERVER.key: ["s1"]}},  # type: ignore[dict-item]
    )
    await made.bill()
    made.psa.recurring = [recurring("9001")]
    await made.pull(
        NOVEMBER_UNITS,
        at=made.month_end(NOVEMBER),
        excluded={"spare": "tag:spare"},
        names={"d1": "ACME-PC1"},
    )
    made.clock.moment = NOVEMBER.end(LONDON)
    await made.bill()
    return made


async def ask(
    office: Office, client: str = "Acme Ltd", *words: str, **given: object
) -> Explanation:
    return await explain(
        office.database,
        client,
        words[0] if words else None,
        psa_name="psa",
        timezone=LONDON,
        **given,  # type: ignore[arg-type]
    )


async def test_a_number_names_its_units_its_pull_and_its_record(office: Office) -> None:
    found = await ask(office, "Acme Ltd", DESKTOP.key)
    (line,) = found.lines
    (product,) = line.products
    assert (found.period, line.status, line.line.quantity) == ("2026-11", "sent", 3)
    assert [unit.name for unit in product.counted] == ["ACME-PC1", "d2.local", "d4.local"]
    assert [(unit.unit, unit.excluded) for unit in product.excluded] == [("spare", "tag:spare")]
    assert product.since is not None
    assert product.since.period == "2026-10"
    assert [one.unit.unit for one in product.since.movements.joined] == ["d4"]
    assert [one.unit.unit for one in product.since.movements.left] == ["d3"]
    assert line.bill.snapshot is not None
    assert line.bill.snapshot.seq == 2
    assert (line.remote, line.line.billed_by) == ("9001", "Monthly / Managed service (r9001)")
    assert product.steps == (
        "3: counted at the last proven pull of the month",
        "no quantity rule: 3 billed",
        f"price: 3 x 5 = 15 GBP (rate {product.basis.rate_version}, valid from 2026-01-01)",
        f"cost: 3 x 2 = 6 GBP (rate {product.basis.rate_version}, valid from 2026-01-01)",
        "mode average: the line sends 3 at 5 GBP = 15 GBP",
    )


async def test_the_answer_survives_later_pulls_edits_and_renames(office: Office) -> None:
    before = await ask(office, "1001", DESKTOP.key, period=NOVEMBER)
    await office.rate(DESKTOP.key, "9.00", "99.00")
    await office.rule(DESKTOP.key, included=Decimal(2))
    await office.configure("c1", "Renamed", "total", [DESKTOP.key, SERVER.key])
    await office.rename_account("5", "Somebody else")
    await office.month(DECEMBER, {"5": {DESKTOP.key: 40, SERVER.key: 9}})
    await office.bill()
    await office.link("5", "1002")
    after = await ask(office, "1001", DESKTOP.key, period=NOVEMBER)
    assert after == before
    newest = await ask(office, "1001", DESKTOP.key)
    assert newest.period == "2026-12"


async def test_a_line_that_the_psa_refused_is_not_called_sent(office: Office) -> None:
    counts = {"5": {DESKTOP.key: 7, SERVER.key: 3}}
    await office.month(DECEMBER, counts)
    office.psa.faults = ["refused"]
    assert (await office.bill()).exit_code == 6
    found = await ask(office)
    assert {line.line.quantity: line.status for line in found.lines} == {
        7: "not sent, rejected by the PSA",
        3: "sent",
    }


async def test_without_a_product_every_line_is_explained(office: Office) -> None:
    found = await ask(office)
    assert [line.line.name for line in found.lines] == ["Managed - Workstation", "Managed - Server"]


async def test_what_was_never_sent_is_explained_from_the_newest_plan(database: Database) -> None:
    office = await Office.open(database)
    await office.usual()
    with pytest.raises(NothingToExplain):
        await ask(office)
    stored = await office.plan()
    found = await ask(office)
    assert {line.status for line in found.lines} == {"planned, held"}
    assert {line.plan_id for line in found.lines} == {stored.id}
    assert found.lines[0].remote is None


async def test_every_rule_is_a_step_with_its_numbers(database: Database) -> None:
    office = await Office.open(database)
    await office.usual(counts={"5": {DESKTOP.key: 12}})
    await office.rule(
        DESKTOP.key, included=Decimal(2), block=Decimal(4), minimum=Decimal(5), maximum=Decimal(9)
    )
    await office.plan()
    found = await ask(office, "Acme Ltd", "desktops")
    assert found.lines[0].products[0].steps[1:4] == (
        "minus 2 included: 12 -> 10",
        "in blocks of 4, rounded up: 10 -> 3",
        "at least 5: 3 -> 5",
    )


async def test_a_pool_names_its_accounts_and_this_account_s_part(database: Database) -> None:
    office = await Office.open(database)
    await office.usual(
        accounts={"5": "1001", "6": "1001"},
        counts={"5": {DESKTOP.key: 4}, "6": {DESKTOP.key: 4}},
    )
    await office.rule(DESKTOP.key, included=Decimal(5))
    await office.plan()
    found = await ask(office, "1001", DESKTOP.key)
    (line,) = found.lines
    assert line.bill.account == "6"
    assert line.products[0].steps[1:4] == (
        "the client's accounts share the rule: 4 (Client 5) + 4 (Client 6) = 8",
        "minus 5 included: 8 -> 3",
        "of these 3, this account carries 3",
    )


async def test_an_average_shows_the_days_behind_it(database: Database) -> None:
    office = await Office.open(database)
    await office.pull({"5": {DESKTOP.key: 10}}, at=OCTOBER.start(LONDON))
    await office.usual(counts={"5": {DESKTOP.key: 4}})
    await office.rule(DESKTOP.key, count_method="average")
    await office.plan()
    found = await ask(office, "1001", DESKTOP.key)
    product = found.lines[0].products[0]
    assert [(span.first.day, span.last.day, span.quantity) for span in product.days] == [
        (1, 30, 10),
        (31, 31, 4),
    ]
    assert product.steps[1] == "304 unit-days / 31 days, rounded half up = 10"
    assert product.basis.raw == 10


async def test_an_ambiguous_name_is_answered_with_a_list(database: Database) -> None:
    office = await Office.open(
        database, {"1": "Twin Ltd", "2": "twin ltd", "3": "Acme Corp", "4": "Acme Capital"}
    )
    await office.usual(accounts={"5": "3"})
    with pytest.raises(ClientUnknown, match=r"1 \(Twin Ltd\), 2 \(twin ltd\)"):
        await ask(office, "Twin Ltd")
    with pytest.raises(ClientUnknown, match="no client"):
        await ask(office, "Initech")
    await office.plan()
    assert (await ask(office, "acme corp")).client == "3"


async def test_an_unknown_product_is_answered_with_those_that_are_billed(office: Office) -> None:
    with pytest.raises(NothingToExplain) as refused:
        await ask(office, "1001", "device:toaster")
    assert DESKTOP.key in refused.value.remedy
