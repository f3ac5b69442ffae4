"""Marks and payments on invoices: never over somebody else's, never twice, nothing else changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest
from syncd_halopsa.config import SCOPE

from syncd.sdk.errors import PermissionMissing, ProtocolError
from syncd.sdk.invoice_records import Ownership
from syncd.sdk.ledger_port import TaxKeeper
from syncd.sdk.psa_records import Delivered, Rejected, Unknown
from tests.builders_halopsa import Call, opened
from tests.builders_halopsa_marks import (
    RIGHTS,
    SAVE,
    finished,
    mark,
    payment,
    row,
    saves,
)


async def test_a_number_or_id_of_somebody_else_is_never_overwritten() -> None:
    async with opened(**RIGHTS) as bench:
        numbered, carried, free = finished(bench, 3)
        bench.sim.hand.edit_invoice(numbered, thirdpartyinvoicenumber="X-9")
        bench.sim.hand.carry(carried, "xero", "a-b")
        outcomes = {
            one.key: one
            for one in await bench.psa.mark_posted([mark(numbered), mark(carried), mark(free)])
        }
        for number in (numbered, carried):
            refused = outcomes[f"k{number}"]
            assert isinstance(refused, Rejected)
            assert refused.code == "FOREIGN_MARK"
        assert isinstance(outcomes[f"k{free}"], Delivered)
        assert row(bench, numbered)["thirdpartyinvoicenumber"] == "X-9"
        assert not row(bench, carried)["thirdpartyinvoicenumber"]


async def test_a_reissued_document_is_marked_anew_over_our_own_mark() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        await bench.psa.mark_posted([mark(number)])
        (outcome,) = await bench.psa.mark_posted([mark(number, number="INV-B", remote="doc-b")])
        assert isinstance(outcome, Delivered)
        found = (await bench.psa.read_invoices([str(number)]))[str(number)]
        assert found.foreign["link"] == "doc-b"
        assert row(bench, number)["thirdpartyinvoicenumber"] == "INV-B"


async def test_an_edit_at_the_same_moment_wins_and_the_mark_is_tried_on_it() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        edits = iter([{"unit_price": Decimal(55)}])

        def meddle(call: Call) -> None:
            if call.name == SAVE and (columns := next(edits, None)):
                bench.sim.hand.edit_invoice(number, columns=columns)

        bench.wire.breaker = meddle
        (outcome,) = await bench.psa.mark_posted([mark(number)])
        assert isinstance(outcome, Delivered)
        assert saves(bench) == 2
        assert row(bench, number)["total"] == 66
        assert row(bench, number)["posted"]


async def test_an_invoice_that_never_rests_is_refused_and_not_fought_over() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        prices = iter(range(1, 99))

        def meddle(call: Call) -> None:
            if call.name == SAVE:
                bench.sim.hand.edit_invoice(number, columns={"unit_price": next(prices)})

        bench.wire.breaker = meddle
        (outcome,) = await bench.psa.mark_posted([mark(number)])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "REFUSED_BY_PSA"
        assert saves(bench) == 2


@pytest.mark.parametrize("fault", ["lose", "lose_answer"])
@pytest.mark.parametrize("batch", [1, 20])
async def test_lost_answers_of_arrays_are_looked_up(fault: str, batch: int) -> None:
    async with opened({"multi_answer": "array"}, write_batch=batch, **RIGHTS) as bench:
        numbers = finished(bench, 7)
        broken: list[Call] = []

        def lose_first(call: Call) -> str | None:
            if call.name != SAVE or broken:
                return None
            broken.append(call)
            return fault

        bench.wire.breaker = lose_first
        outcomes = await bench.psa.mark_posted([mark(one) for one in numbers])
        for outcome in outcomes:
            stands = row(bench, int(outcome.key[1:]))["posted"]
            assert isinstance(outcome, Delivered if stands else Unknown)
        assert sum(isinstance(one, Unknown) for one in outcomes) == (
            0 if fault == "lose_answer" else batch if batch == 1 else 7
        )
        again = await bench.psa.mark_posted([mark(one) for one in numbers])
        assert all(isinstance(one, Delivered) for one in again)
        links = bench.sim.state.tables["externallink"].values()
        assert sorted(one["halo_id"] for one in links) == numbers


async def test_a_bad_one_in_an_array_stops_no_other() -> None:
    for mode in ("stop", "atomic", "skip"):
        async with opened({"partial_failure": mode, "posted_locked": True}, **RIGHTS) as bench:
            first, locked, last = finished(bench, 3)
            bench.sim.hand.post_invoice(locked)
            outcomes = {
                one.key: one
                for one in await bench.psa.mark_posted([mark(one) for one in (first, locked, last)])
            }
            assert isinstance(outcomes[f"k{first}"], Delivered), mode
            assert isinstance(outcomes[f"k{last}"], Delivered), mode
            assert isinstance(outcomes[f"k{locked}"], Rejected), mode
            links = bench.sim.state.tables["externallink"].values()
            assert sorted(one["halo_id"] for one in links) == [first, last]


async def test_ids_of_documents_are_written_only_while_halopsa_s_modules_are_off() -> None:
    fields = {"xero": "xeroid", "qbo": "qboid"}
    for state, kept in (("off", "doc-"), ("unreadable", "")):
        options = {"xero_module": state}
        async with opened(options, foreign_id_fields=fields, **RIGHTS) as bench:
            one, other = finished(bench, 2)
            outcomes = await bench.psa.mark_posted(
                [mark(one), mark(other, system="qbo", remote="145")]
            )
            assert all(isinstance(one, Delivered) for one in outcomes)
            assert row(bench, one)["xeroid"] == (f"{kept}{one}" if kept else "")
            assert row(bench, other)["qboid"] == (145 if kept else 0)


async def test_tax_of_the_books_is_written_back_with_every_line_as_it_was() -> None:
    async with opened({"delegated_tax": True}, write_tax=True, **RIGHTS) as bench:
        lines = [
            {"item_shortdescription": "A", "qty_order": 2, "unit_price": 0.125},
            {"item_shortdescription": "B", "unit_price": 7, "qty_order": 1, "nominal_code": "200"},
        ]
        number = bench.sim.hand.finish(1001, lines)
        before = [dict(line) for line in row(bench, number)["lines"]]
        read = (await bench.psa.read_invoices([str(number)]))[str(number)]
        assert read.delegated_tax
        assert read.tax == 0
        (outcome,) = await bench.psa.mark_posted([mark(number, tax=Decimal("0.62"))])
        assert isinstance(outcome, Delivered)
        after = row(bench, number)
        assert (after["tax_total"], after["total"]) == (Decimal("0.62"), Decimal("7.87"))
        moved = {"tax_amount", "total_price", "override_ast_total"}
        for old, new in zip(before, after["lines"], strict=True):
            assert {k: v for k, v in old.items() if k not in moved} == {
                k: v for k, v in new.items() if k not in moved
            }


@pytest.mark.parametrize("let", [True, False])
async def test_whether_tax_of_the_books_is_written_back_is_told(let: bool) -> None:
    async with opened(write_tax=let, **RIGHTS) as bench:
        assert isinstance(bench.psa, TaxKeeper)
        assert bench.psa.writes_tax is let


async def test_a_missing_right_is_named_and_nothing_was_written() -> None:
    rights = tuple(f"{SCOPE}".split())
    async with opened({"agent_rights": rights}, **RIGHTS) as bench:
        (number,) = finished(bench)
        with pytest.raises(PermissionMissing) as refused:
            await bench.psa.mark_posted([mark(number)])
        assert "edit:invoices" in refused.value.remedy
        with pytest.raises(PermissionMissing):
            await bench.psa.record_payments([payment(number)])
        assert not row(bench, number)["posted"]


async def test_the_check_names_what_is_missing_and_what_the_settings_make_of_it() -> None:
    async with opened({"xero_module": "unreadable"}) as bench:
        bench.sim.hand.draft(1001)
        found = await bench.psa.check_invoices()
        assert not found.ok
        assert "edit:invoices" in (found.error or "")
        assert any("cannot be read" in one for one in found.warnings)
        assert any("none of 1 invoices is final" in one for one in found.warnings)
        assert await bench.psa.bookkeeping() is None
    async with opened({"quickbooks_module": "on", "xero_module": "unreadable"}, **RIGHTS) as bench:
        assert await bench.psa.bookkeeping() == ("QuickBooks",)
        found = await bench.psa.check_invoices()
        assert any("QuickBooks module is on" in one for one in found.warnings)
        (number,) = finished(bench)
        one = (await bench.psa.read_invoices([str(number)]))[str(number)]
        assert one.owner is Ownership.OTHER


async def test_a_list_that_shrinks_while_it_is_read_is_read_again_then_refused() -> None:
    async with opened({"page_cap": 2}, **RIGHTS) as bench:
        numbers = finished(bench, 7)
        gone = iter(numbers[:1])

        def once(call: Call) -> None:
            if call.params.get("page_no") == "2" and (number := next(gone, None)):
                bench.sim.hand.delete_invoice(number)

        bench.wire.breaker = once
        found = [one.key async for some in bench.psa.invoices(since=None) for one in some]
        assert sorted(found) == sorted(str(one) for one in numbers[1:])
        gone = iter(numbers[1:])
        with pytest.raises(ProtocolError, match="not whole"):
            async for _ in bench.psa.invoices(since=None):
                pass


async def test_a_truncated_page_is_refused_and_nothing_is_believed() -> None:
    async with opened({"page_cap": 2}, **RIGHTS) as bench:
        finished(bench, 5)

        def cut(whole: httpx.Response) -> httpx.Response:
            return httpx.Response(200, content=whole.content[: len(whole.content) // 2])

        bench.wire.breaker = lambda call: cut if call.params.get("page_no") == "3" else None
        with pytest.raises(ProtocolError):
            async for _ in bench.psa.invoices(since=None):
                pass


@pytest.mark.parametrize("mode", ["works", "ignored", "invoice_date"])
async def test_an_old_invoice_that_was_edited_is_seen_whatever_the_filter_does(mode: str) -> None:
    async with opened({"changes_filter": mode}, changes_overlap_hours=0, **RIGHTS) as bench:
        old, other = finished(bench, 2)
        clock: Any = getattr(bench.sim.state.world, "clock")  # noqa: B009 - of simulated worlds only
        start = bench.sim.state.world.now()
        for number in (old, other):
            row(bench, number)["invoice_date"] = "2026-01-05T10:00:00"
            row(bench, number)["last_modified"] = "2026-01-05T10:00:00"
        clock.set(start.replace(hour=23, minute=30))
        bench.sim.hand.void_invoice(old)
        found = [one.key async for some in bench.psa.invoices(since=start) for one in some]
        assert found == [str(old)]
        lists = [one for one in bench.wire.calls if one.path == "/api/Invoice"]
        assert len(lists) == (3 if mode == "invoice_date" else 2)


async def test_a_thousand_invoices_cost_a_call_per_hundred() -> None:
    async with opened({"quota_calls": 0, "multi_answer": "array"}, **RIGHTS) as bench:
        numbers = finished(bench, 300)
        seen = [one async for some in bench.psa.invoices(since=None) for one in some]
        assert len(seen) == 300
        assert len(bench.wire.names) == 3 + 3  # currencies and two modules
        bench.wire.calls.clear()
        outcomes = await bench.psa.mark_posted([mark(one) for one in numbers])
        assert all(isinstance(one, Delivered) for one in outcomes)
        assert saves(bench) == 15
        assert len(bench.wire.names) == 15 + 3


async def test_a_payment_moves_what_is_paid_and_not_what_is_invoiced() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        before = (await bench.psa.read_invoices([str(number)]))[str(number)]
        await bench.psa.record_payments([payment(number, "20")])
        after = (await bench.psa.read_invoices([str(number)]))[str(number)]
        assert (before.paid, after.paid) == (Decimal(0), Decimal(20))
        assert after.lines == before.lines
        assert after.total == before.total


async def test_fractions_of_cents_are_kept_on_lines_and_printed_as_cents_in_totals() -> None:
    async with opened({"line_decimals": 5}, **RIGHTS) as bench:
        lines = [{"item_shortdescription": "GB", "qty_order": 2.345, "unit_price": 0.37}]
        number = bench.sim.hand.finish(1001, lines)
        assert row(bench, number)["total"] == Decimal("1.04118")
        one = (await bench.psa.read_invoices([str(number)]))[str(number)]
        assert one.lines[0].net == Decimal("0.86765")
        assert (one.net, one.tax, one.total) == (
            Decimal("0.87"),
            Decimal("0.17"),
            Decimal("1.04"),
        )
