"""What invoices are read with beside themselves: names, the day where they are made, an address."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from syncd.sdk.invoice_records import PsaInvoice
from tests.builders_halopsa import Bench, Call, opened
from tests.builders_halopsa_marks import RIGHTS, row

AUCKLAND, HONOLULU = ZoneInfo("Pacific/Auckland"), ZoneInfo("Pacific/Honolulu")


async def read(bench: Bench, number: int) -> PsaInvoice:
    return (await bench.psa.read_invoices([str(number)]))[str(number)]


@pytest.mark.parametrize("shape", ["moved", "pointed"])
async def test_the_client_that_is_invoiced_has_its_name_in_either_shape(shape: str) -> None:
    async with opened({"alternate": shape}, **RIGHTS) as bench:
        number = bench.sim.hand.finish(1002, original_client=1001)
        name = bench.sim.state.row("client", 1002)["name"]
        one = await read(bench, number)
        assert (one.client, one.client_name, one.original_client) == ("1002", name, "1001")
        bench.wire.calls.clear()
        await read(bench, number)
        assert "GET /api/Client" not in bench.wire.names


async def test_no_list_of_clients_is_read_for_invoices_that_name_theirs() -> None:
    async with opened(**RIGHTS) as bench:
        await read(bench, bench.sim.hand.finish(1002))
        assert "GET /api/Client" not in bench.wire.names


async def test_a_name_that_cannot_be_read_stops_no_invoice() -> None:
    async with opened({"alternate": "pointed"}, **RIGHTS) as bench:
        number = bench.sim.hand.finish(1002, original_client=1001)

        def refused(call: Call) -> Any:
            return httpx.Response(403) if call.path == "/api/Client" else None

        bench.wire.breaker = refused
        one = await read(bench, number)
        assert (one.client, one.client_name) == ("1002", "")


@pytest.mark.parametrize(
    ("zone", "moment", "final"),
    [
        (UTC, datetime(2026, 11, 30, 23, 0, tzinfo=UTC), False),
        (UTC, datetime(2026, 12, 1, 0, 0, tzinfo=UTC), True),
        (AUCKLAND, datetime(2026, 11, 30, 10, 59, tzinfo=UTC), False),
        (AUCKLAND, datetime(2026, 11, 30, 11, 0, tzinfo=UTC), True),
        (HONOLULU, datetime(2026, 12, 1, 9, 59, tzinfo=UTC), False),
        (HONOLULU, datetime(2026, 12, 1, 10, 0, tzinfo=UTC), True),
    ],
    ids=["utc-before", "utc", "auckland-before", "auckland", "honolulu-before", "honolulu"],
)
async def test_an_invoice_is_dated_once_its_day_begins_in_the_configured_time_zone(
    zone: Any, moment: datetime, final: bool
) -> None:
    async with opened(zone=zone, finalised="dated", **RIGHTS) as bench:
        number = bench.sim.hand.draft(1001)
        row(bench, number)["invoice_date"] = "2026-12-01T00:00:00"
        bench.clock.now = moment
        assert (await read(bench, number)).finalised is final


async def test_an_invoice_has_the_address_of_its_page() -> None:
    async with opened(**RIGHTS) as bench:
        number = bench.sim.hand.finish(1001)
        assert (await read(bench, number)).url == (
            f"http://127.0.0.1:9/invoices?mainview=invoices&selid=-1&sellevel=1&invoiceid={number}"
        )
    async with opened(invoice_page="https://desk.example/i/{id}", **RIGHTS) as bench:
        number = bench.sim.hand.finish(1001)
        assert (await read(bench, number)).url == f"https://desk.example/i/{number}"
    async with opened(invoice_page="", **RIGHTS) as bench:
        assert (await read(bench, bench.sim.hand.finish(1001))).url == ""
