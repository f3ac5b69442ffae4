"""The seller's bill is read to the cent, or it is said why it proves nothing."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syncd_csp.sandbox.books import Books
from syncd_csp.sandbox.line_rows import made_up_total
from syncd_csp.sandbox.options import Options
from syncd_csp.sandbox.spans import month_of

from syncd.sandbox.presets import demo
from syncd.sdk.errors import (
    ConnectorError,
    PermissionMissing,
    ProtocolError,
    RequestRejected,
    TransientError,
)
from syncd.sdk.period import Period
from syncd.sdk.records import PurchaseLine, ScopeState
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_partner import NOVEMBER, OCTOBER, connected, market

Sums = dict[tuple[str, str, str], tuple[Decimal, Decimal]]


def sums(lines: Iterable[PurchaseLine]) -> Sums:
    """Quantity and cost by customer, subscription and charge."""
    found: defaultdict[tuple[str, str, str], tuple[Decimal, Decimal]] = defaultdict(
        lambda: (Decimal(0), Decimal(0))
    )
    for line in lines:
        key = (line.account, line.subscription, line.charge)
        quantity, cost = found[key]
        found[key] = quantity + line.quantity, cost + line.cost
    return dict(found)


def charged(world: Any, period: Period) -> Sums:
    """What the simulated books say was charged, without any file or line."""
    books = Books(world, Options())
    books.refresh()
    first, last = month_of(date(period.year, period.month, 1))
    found: defaultdict[tuple[str, str, str], tuple[Decimal, Decimal]] = defaultdict(
        lambda: (Decimal(0), Decimal(0))
    )
    for one in books.lines(first, last):
        key = (one.contract.customer, one.contract.id, one.kind.lower())
        quantity, cost = found[key]
        found[key] = quantity + one.quantity, cost + one.subtotal
    return dict(found)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"keys": "camel"},
        {"numbers_as_text": True},
        {"manifest": "link"},
        {"org_ids": True},
        {"upper_ids": True, "dates": "zoneless"},
        {"blobs": 9, "member_lines": 3},
        {"running": 6, "poll_after": None},
        {"bom": False},
        {"graph_throttled": 2},
        {"sas_dies_after": 2, "blobs": 7},
    ],
    ids=str,
)
async def test_each_line_is_read_to_the_cent(options: dict[str, Any]) -> None:
    world = market(7)
    expected = charged(world, OCTOBER)
    async with connected(world, options=options) as seller:
        lines, proof = await seller.purchases(OCTOBER)
    assert proof.state is ScopeState.COMPLETE, proof
    assert proof.lines == len(lines.all)
    assert len(proof.documents) == 1
    assert sums(lines.all) == expected
    assert {line.document for line in lines.all} == set(proof.documents)
    assert {line.currency for line in lines.all} == {"EUR"}


async def test_lines_that_move_seats_cancel_out_what_they_replace() -> None:
    world = demo()
    world.clock.set(datetime(2027, 1, 12, tzinfo=UTC))
    async with connected(world) as seller:
        lines, proof = await seller.purchases(Period(2026, 12))
    assert proof.state is ScopeState.COMPLETE
    assert sums(lines.all) == charged(world, Period(2026, 12))
    moves = [line for line in lines.all if line.charge in {"addquantity", "removequantity"}]
    assert any(line.quantity < 0 and line.cost < 0 for line in moves)
    assert any(line.quantity > 0 and line.cost > 0 for line in moves)


async def test_what_is_counted_beside_gives_lines_their_product() -> None:
    async with connected(market(7)) as seller:
        sink, _ = await seller.pull()
        lines, _ = await seller.purchases(OCTOBER)
    products = {unit.unit: unit.product for unit in sink.observations}
    assert {line.product for line in lines.all} <= set(products.values())
    assert all(line.product == products[line.subscription] for line in lines.all)


async def test_what_is_not_invoiced_yet_is_read_apart() -> None:
    world = market(7)
    async with connected(world) as seller:
        running, proof = await seller.purchases(NOVEMBER, billed=False)
        billed, none = await seller.purchases(NOVEMBER)
        assert proof.state is none.state is ScopeState.COMPLETE
        assert proof.documents == none.documents == ()
        assert billed.all == []
        assert any(note.startswith("NO_INVOICE_YET") for note in none.notes)
        assert sums(running.all) == charged(world, NOVEMBER)
        world.clock.set(datetime(2026, 12, 11, tzinfo=UTC))
        after, done = await seller.purchases(NOVEMBER)
        assert sums(after.all) == sums(running.all)
        assert done.documents
        waiting, empty = await seller.purchases(NOVEMBER, billed=False)
        assert (waiting.all, empty.state) == ([], ScopeState.COMPLETE)
        assert any(note.startswith("EXPORT_EMPTY") for note in empty.notes)


async def test_changed_data_have_another_version_and_unchanged_ones_the_same() -> None:
    async with connected(market(7)) as seller:
        first, one = await seller.purchases()
        _, same = await seller.purchases()
        seller.simulator.export.revision += 1
        changed, other = await seller.purchases()
    assert one.version == same.version != ""
    assert other.version != one.version
    assert first.cost - changed.cost == Decimal("1.00")


UNPROVEN: list[tuple[dict[str, Any], type[ConnectorError]]] = [
    ({"cut_blob": 1}, ProtocolError),
    ({"cut_blob": 0, "member_lines": 2}, ProtocolError),
    ({"short_manifest": 1}, ProtocolError),
    ({"sas_dies_after": 1, "sas_renews": False, "blobs": 3}, ProtocolError),
    ({"export_fails": "5001"}, TransientError),
    ({"missing_rights": ("PartnerBilling.Read.All",)}, PermissionMissing),
    ({"export_refusal": 400}, RequestRejected),
    ({"graph_throttled": 100}, TransientError),
]


@pytest.mark.parametrize(("options", "kind"), UNPROVEN, ids=str)
async def test_a_bill_that_is_not_whole_proves_nothing(
    options: dict[str, Any], kind: type[ConnectorError]
) -> None:
    async with connected(market(7), options=options) as seller:
        with pytest.raises(kind) as raised:
            await seller.purchases()
        assert raised.value.remedy
        assert "sig=" not in repr(raised.value)
        assert "sig=" not in repr(seller.log.events)


async def test_an_invoice_without_lines_is_not_taken_for_an_empty_month() -> None:
    async with connected(market(7), options={"export_fails": "5000"}) as seller:
        lines, proof = await seller.purchases()
    assert lines.all == []
    assert proof.state is not ScopeState.COMPLETE
    assert proof.reasons[0].startswith("EXPORT_EMPTY: ")


async def test_an_export_that_is_never_ready_is_given_up() -> None:
    async with connected(options={"running": 10**9, "poll_after": 30}, export_minutes=5) as seller:
        with pytest.raises(TransientError, match="EXPORT_TOO_SLOW"):
            await seller.purchases()
        assert seller.stopwatch.now <= 300


@pytest.mark.parametrize("action", [Action.CUT_BODY, Action.CUT_BEFORE, Action.STATUS_BEFORE])
async def test_a_file_that_breaks_off_once_is_read_and_nothing_counts_twice(action: Action) -> None:
    world = market(7)
    async with connected(world, options={"blobs": 3}) as seller:
        seller.break_with(Fault(action=action, status=503, path="^/store/", nth=2, count=1))
        lines, proof = await seller.purchases()
    assert proof.state is ScopeState.COMPLETE
    assert sums(lines.all) == charged(world, OCTOBER)
    assert proof.lines == len(lines.all)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(action=Action.TRUNCATE, path="^/store/", nth=2),
        Fault(action=Action.REPLACE, path="^/store/", nth=2),
        Fault(action=Action.REPLACE, path="^/store/", nth=2, body="{}\n"),
        Fault(action=Action.CUT_BODY, path="^/store/", nth=2),
        Fault(action=Action.STATUS_BEFORE, status=503, path="^/store/"),
        Fault(action=Action.STATUS_BEFORE, status=302, headers={"location": "/x"}, path="^/store/"),
        Fault(action=Action.REPLACE, path="/operations/", count=1),
        Fault(action=Action.STATUS_BEFORE, status=404, path="/operations/"),
        Fault(action=Action.STATUS_BEFORE, status=200, body="{}", path="/billed/export$"),
        Fault(action=Action.STATUS_BEFORE, status=202, path="/billed/export$"),
        Fault(action=Action.REPLACE, path="/v1/invoices"),
    ],
    ids=lambda fault: f"{fault.action}-{fault.status}-{fault.path}",
)
async def test_damage_anywhere_on_the_way_proves_nothing(fault: Fault) -> None:
    async with connected(market(7), options={"blobs": 3}) as seller:
        seller.break_with(fault)
        with pytest.raises(ConnectorError):
            await seller.purchases()


@given(
    blobs=st.integers(1, 80),
    member_lines=st.integers(0, 9),
    chunk_bytes=st.integers(1, 4000),
    keys=st.sampled_from(["camel", "pascal"]),
    text=st.booleans(),
    manifest=st.sampled_from(["inline", "link"]),
    people=st.integers(0, 30),
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_split_into_files_gives_the_same_sums(
    blobs: int,
    member_lines: int,
    chunk_bytes: int,
    keys: str,
    text: bool,
    manifest: str,
    people: int,
) -> None:
    world = market(5, people)
    options = {
        "blobs": blobs,
        "member_lines": member_lines,
        "chunk_bytes": chunk_bytes,
        "keys": keys,
        "numbers_as_text": text,
        "manifest": manifest,
    }
    async with connected(world, options=options) as seller:
        lines, proof = await seller.purchases()
    assert proof.state is ScopeState.COMPLETE
    assert sums(lines.all) == charged(world, OCTOBER)


class Counter:
    """Adds up and forgets."""

    def __init__(self) -> None:
        self.lines, self.cost, self.largest = 0, Decimal(0), 0

    async def add(self, batch: list[PurchaseLine]) -> None:
        self.lines += len(batch)
        self.cost += sum((line.cost for line in batch), Decimal(0))
        self.largest = max(self.largest, len(batch))


async def test_a_large_bill_is_never_held_whole() -> None:
    wanted = 120_000
    async with connected(options={"generated": wanted, "blobs": 3}) as seller:
        assert seller.ports.purchases is not None
        sink = Counter()
        tracemalloc.start()
        try:
            proof = await seller.ports.purchases.purchases(sink, OCTOBER, billed=True)  # type: ignore[arg-type]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert proof.lines == sink.lines == wanted
    assert sink.cost == made_up_total(wanted)
    assert sink.largest < wanted / 10
    # The lines are 70 MB, of which the simulator in this process holds a block of 6 MB.
    assert peak < 48 * 2**20
