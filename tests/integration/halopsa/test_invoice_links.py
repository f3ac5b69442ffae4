"""The link of an invoice leads to the document that stands, also after one was reissued."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from syncd.sdk.psa_records import Delivered, Rejected
from tests.builders_halopsa import Call, opened
from tests.builders_halopsa_marks import RIGHTS, SAVE, finished, mark, saves


@pytest.mark.parametrize("lists", [True, False], ids=["links in lists", "links apart"])
@pytest.mark.parametrize("answer", ["array", "empty"])
async def test_a_document_reissued_under_its_number_gets_a_link_of_its_own(
    lists: bool, answer: str
) -> None:
    options = {"list_links": lists, "multi_answer": answer}
    async with opened(options, **RIGHTS) as bench:
        numbers = finished(bench, 7)
        await bench.psa.mark_posted([mark(one) for one in numbers])
        again = [mark(one, remote=f"doc-{one}-2") for one in numbers]
        outcomes = await bench.psa.mark_posted(again)
        assert all(isinstance(one, Delivered) for one in outcomes)
        found = await bench.psa.read_invoices([str(one) for one in numbers])
        assert {key: one.foreign["link"] for key, one in found.items()} == {
            str(one): f"doc-{one}-2" for one in numbers
        }
        bench.wire.calls.clear()
        outcomes = await bench.psa.mark_posted(again)
        assert all(isinstance(one, Delivered) for one in outcomes)
        assert saves(bench) == 0


async def test_an_invoice_that_a_person_posted_under_the_number_is_linked_all_the_same() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        bench.sim.hand.edit_invoice(number, thirdpartyinvoicenumber=f"INV-{number}")
        bench.sim.hand.post_invoice(number)
        (outcome,) = await bench.psa.mark_posted([mark(number)])
        assert isinstance(outcome, Delivered)
        found = (await bench.psa.read_invoices([str(number)]))[str(number)]
        assert found.foreign["link"] == f"doc-{number}"


@pytest.mark.parametrize(("changed", "calls"), [(1, 1), (3, 3), (8, 3)])
async def test_links_are_asked_for_by_invoice_or_from_the_whole_list_whichever_is_fewer(
    changed: int, calls: int
) -> None:
    options = {"quota_calls": 0, "multi_answer": "array"}
    async with opened(options, page_size=100, **RIGHTS) as bench:
        numbers = finished(bench, 230)
        await bench.psa.mark_posted([mark(one) for one in numbers])
        clock: Any = bench.sim.state.world.clock
        later = bench.sim.state.world.now() + timedelta(days=2)
        clock.set(later)
        for number in numbers[:changed]:
            bench.sim.hand.edit_invoice(number, reference="PO 7")
        bench.wire.calls.clear()
        found = [one async for some in bench.psa.invoices(since=later) for one in some]
        assert [one.foreign["link"] for one in found] == [f"doc-{n}" for n in numbers[:changed]]
        assert bench.wire.names.count("GET /api/ExternalLink") == calls


async def test_a_link_that_is_dropped_is_told_where_it_replaces_another() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        await bench.psa.mark_posted([mark(number)])

        def drop(call: Call) -> httpx.Response | None:
            if call.name != SAVE:
                return None
            return httpx.Response(201, content=b"[]")

        bench.wire.breaker = drop
        (outcome,) = await bench.psa.mark_posted([mark(number, remote="doc-b")])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "MARK_NOT_KEPT"
        assert "doc-b" in outcome.message


async def test_where_links_cannot_be_read_number_and_posted_state_are_enough() -> None:
    def hidden(whole: httpx.Response) -> httpx.Response:
        return httpx.Response(200, content=whole.content.replace(b"external_links", b"x"))

    def no_links(call: Call) -> Any:
        if call.path == "/api/ExternalLink":
            return httpx.Response(404)
        return hidden if call.path.startswith("/api/Invoice") and call.method == "GET" else None

    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        await bench.psa.mark_posted([mark(number)])
        bench.wire.breaker = no_links
        bench.wire.calls.clear()
        (outcome,) = await bench.psa.mark_posted([mark(number)])
        assert isinstance(outcome, Delivered)
        assert saves(bench) == 0
