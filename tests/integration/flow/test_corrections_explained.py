"""A correction on a bill explains itself: counts, units, the pull, who accepted it and why."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.cli.explain import _show
from syncd.cli.output import Output
from syncd.core.service.evidence_pack import EvidencePack
from syncd.core.service.explain import explain
from syncd.core.service.explanation import Explanation
from syncd.core.service.leaks import read_leaks
from syncd.core.service.margin import By, read_margin
from syncd.core.service.reckoning import Sources
from syncd.core.store.database import Database
from tests.builders_corrections import SAME, accept, late, november, october, open_office
from tests.builders_month import DECEMBER, DESKTOP, LONDON, NOVEMBER, Office

NAME = "Correction 2026-10: Managed - Workstation"


@pytest.fixture
async def office(database: Database) -> Office:
    """October's late desktop is on the bill of November."""
    made = await october(await open_office(database))
    await late(made, 11)
    await accept(made)
    await november(made)
    await made.bill()
    return made


async def explained(office: Office, product: str | None = None, **asked: Any) -> Explanation:
    return await explain(
        office.database,
        "1001",
        product,
        psa_name="psa",
        timezone=LONDON,
        period=NOVEMBER,
        **asked,
    )


async def test_the_line_tells_the_counts_the_units_and_the_pull(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await explained(office)
    line = found.lines[-1].line
    assert line.name == NAME
    (one,) = line.corrections
    assert (one.period, one.price, one.cost, one.by) == ("2026-10", Decimal(5), Decimal(2), "ann")
    (product,) = one.products
    assert (product.raw_before, product.raw_after) == (10, 11)
    assert product.pull is not None
    assert product.pull.seq == 2
    assert one.units[0].joined == ("de11.local",)
    _show(Output(), found, LONDON)
    shown = capsys.readouterr().out
    assert "corrects 2026-10 by +5.00 GBP" in shown
    assert "Desktops (device:desktop) 10 -> 11" in shown
    assert "shown by pull 2" in shown
    assert "+ de11.local" in shown
    assert "by ann: the device was there" in shown


async def test_a_product_names_its_corrections_too(office: Office) -> None:
    names = [one.line.name for one in (await explained(office, "desktops")).lines]
    assert names == ["Managed - Workstation", NAME]


async def test_what_was_known_then_stays_what_it_was(office: Office) -> None:
    now = office.clock()
    before = msgspec.json.encode(await explained(office, as_of=now))
    office.clock.advance(days=1)
    await late(office, 10, before_end=timedelta(minutes=5))
    await accept(office)
    await office.month(DECEMBER, SAME)
    await office.bill()
    assert msgspec.json.encode(await explained(office, as_of=now)) == before


async def test_the_rows_for_the_client_add_up_to_the_bill(office: Office) -> None:
    found = await explained(office)
    for internal in (False, True):
        pack = {
            file.name: (file.columns, list(file.rows()))
            for file in EvidencePack(found=found, zone=LONDON, internal=internal).files()
        }
        columns, rows = pack["lines.csv"]
        assert {len(row) for row in rows} == {len(columns)}
        place = columns.index("line_total")
        whole = sum((Decimal(row[place]) for row in rows if row[place]), Decimal(0))
        bill_columns, (bill,) = pack["bill.csv"]
        assert whole == Decimal(bill[bill_columns.index("total")]) == Decimal(85)
        words = rows[-1][columns.index("calculation")]
        assert words.startswith("2026-10 corrected: Desktops 10 -> 11 (joined de11.local)")
        assert ("the device was there" in words) is internal


async def test_margins_count_it(office: Office) -> None:
    async def margin(by: By) -> dict[str, Decimal | None]:
        found = await read_margin(
            office.database, psa_name="psa", period=NOVEMBER, client=None, by=by
        )
        return {row.key: row.margin for row in found.rows}

    assert await margin(By.CLIENT) == {"1001": Decimal(51)}
    products = await margin(By.PRODUCT)
    assert products["correction"] == Decimal(3)
    assert products[DESKTOP.key] == Decimal(30)


async def test_a_correction_that_stands_is_no_leak(office: Office) -> None:
    found = await read_leaks(
        office.database,
        psa=office.psa_connection,
        sources=Sources(active=office.active),
        period=NOVEMBER,
        timezone=LONDON,
        rules=office.settings,
    )
    assert (found.not_billed, found.not_counted) == ((), ())
