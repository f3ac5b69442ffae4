"""What tests of corrections share: a billed October, late pulls, and a person's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.core.service.correction_views import CorrectionView, list_corrections
from syncd.core.service.corrections import (
    accept_corrections,
    dismiss_corrections,
    settle_corrections,
)
from syncd.core.service.late_changes import find_late_changes
from syncd.core.service.reckoning import Sources
from syncd.core.service.reopening import look_at_bills, reopen_bills
from syncd.core.store.bills import SentBill, bills_of
from syncd.core.store.database import Database
from syncd.sdk.period import Period
from syncd.sdk.records import Observation
from tests import builders_census as census
from tests.builders_life import choose
from tests.builders_month import DESKTOP, LONDON, NOVEMBER, OCTOBER, PRODUCTS, SERVER, Office

HOUR = timedelta(hours=1)
SAME = {"5": {DESKTOP.key: 10, SERVER.key: 2}}
LINE = "c1/10/correction/2026-10"


async def open_office(database: Database, **usual: Any) -> Office:
    made = await Office.open(database)
    await made.usual(**usual)
    return made


async def october(office: Office) -> Office:
    """October is billed by hand on 1 November, and some days pass."""
    await choose(office, automatic=False)
    report = await office.bill(OCTOBER)
    assert report.exit_code == 0
    office.clock.moment = datetime(2026, 11, 5, 9, 0, tzinfo=UTC)
    return office


async def late(
    office: Office,
    desktops: int,
    servers: int = 2,
    *,
    before_end: timedelta = HOUR,
    of: Period = OCTOBER,
) -> int:
    """A pull of before the month's end that is recorded now, and the look for differences."""
    units = [
        Observation("5", key, f"{key[7:9]}{n}", 1, f"{key[7:9]}{n}.local", b"{}", None)
        for key, count in ((DESKTOP.key, desktops), (SERVER.key, servers))
        for n in range(1, count + 1)
    ]
    await census.pull(
        office.database,
        office.source,
        units,
        roster=["5"],
        at=of.end(LONDON) - before_end,
        recorded_at=office.clock(),
        products=PRODUCTS,
    )
    return await look(office)


async def look(office: Office) -> int:
    return await find_late_changes(
        office.database,
        rules=office.settings,
        timezone=LONDON,
        psa_connection=office.psa_connection,
        sources=Sources(active=office.active),
        now=office.clock(),
        log=office.log,
    )


async def listed(office: Office, *, everything: bool = False) -> list[CorrectionView]:
    return await list_corrections(office.database, office.psa_connection.id, everything=everything)


async def accept(office: Office, *ids: int, by: str = "ann") -> list[CorrectionView]:
    """Accept these, or the newest one that is open."""
    return await accept_corrections(
        office.database,
        ids or [(await listed(office))[0].id],
        psa_connection=office.psa_connection,
        currency=office.settings.currency,
        reason="the device was there",
        by=by,
        clock=office.clock,
        log=office.log,
    )


async def dismiss(office: Office, *ids: int, by: str = "ann") -> list[CorrectionView]:
    return await dismiss_corrections(
        office.database,
        ids or [(await listed(office))[0].id],
        psa_connection=office.psa_connection,
        reason="agreed with Bob",
        by=by,
        clock=office.clock,
        log=office.log,
    )


async def settle(office: Office, *ids: int) -> list[CorrectionView]:
    return await settle_corrections(
        office.database,
        ids,
        psa_connection=office.psa_connection,
        reason="on invoice 77 by hand",
        by="ann",
        clock=office.clock,
        log=office.log,
    )


async def newest(office: Office, period: Period) -> SentBill:
    """The newest revision of the account's bill of a month."""
    async with office.database.reader() as conn:
        return (await bills_of(conn, 1, period=str(period)))[0]


async def november(office: Office, counts: Mapping[str, Mapping[str, int]] | None = None) -> None:
    """November ends with these counts."""
    await office.month(NOVEMBER, counts or SAME)


def standing(office: Office) -> dict[str, tuple[int, Any]]:
    """Quantity and price of every record, by name."""
    return {one.name: (one.quantity, one.unit_price) for one in office.psa.records.values()}


def money(bills: Sequence[SentBill]) -> list[Any]:
    return [bill.total_price for bill in bills]


async def reopen(office: Office, period: Period = OCTOBER) -> None:
    found = await look_at_bills(
        office.database,
        client="1001",
        period=period,
        rules=office.settings,
        timezone=LONDON,
        psa_connection=office.psa_connection,
        sources=Sources(active=office.active),
    )
    await reopen_bills(
        office.database,
        found,
        reason="look again",
        by="ann",
        timezone=LONDON,
        clock=office.clock,
        log=office.log,
    )
