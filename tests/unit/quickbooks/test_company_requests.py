"""Request ids, batches, limits and faults of the simulated QuickBooks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.builders_quickbooks_company import asked, fault, invoice, line, plain


def create(number: str, name: str = "", **more: Any) -> dict[str, Any]:
    return {"bId": name or number, "operation": "create", "Invoice": invoice(number, **more)}


async def test_a_repeated_request_is_answered_again_and_not_executed() -> None:
    async with asked() as app:
        first = await app.post("/invoice", invoice(), requestid="one")
        second = await app.post("/invoice", invoice(), requestid="one")
        assert first.content == second.content
        assert len(app.hand.documents()) == 1


async def test_without_a_request_id_a_repeat_makes_a_second_document_where_it_may() -> None:
    async with asked(duplicates="allowed") as app:
        for _ in range(2):
            await app.post("/invoice", invoice())
        assert len(app.hand.documents()) == 2


async def test_a_known_request_id_with_another_body_is_refused_or_answered_as_before() -> None:
    async with asked() as app:
        first = await app.post("/invoice", invoice(), requestid="one")
        other = invoice("2044")
        assert fault(await app.post("/invoice", other, requestid="one")) == (400, "600")
        app.simulator.options.replay_other = "same"
        assert (await app.post("/invoice", other, requestid="one")).content == first.content


async def test_request_ids_are_forgotten_after_their_time() -> None:
    async with asked(replay_seconds=600.0, duplicates="allowed") as app:
        await app.post("/invoice", invoice(), requestid="one")
        app.clock.now += 600
        await app.post("/invoice", invoice(), requestid="one")
        assert len(app.hand.documents()) == 2


async def test_a_repeat_while_the_first_runs_is_refused() -> None:
    async with asked(busy_seconds=5.0) as app:
        began, gate = asyncio.Event(), asyncio.Event()

        async def wait(_: float) -> None:
            began.set()
            await gate.wait()

        app.simulator.options.sleep = wait
        first = asyncio.create_task(app.post("/invoice", invoice(), requestid="one"))
        await began.wait()
        assert fault(await app.post("/invoice", invoice(), requestid="one")) == (400, "600")
        gate.set()
        assert (await first).status_code == 200


@pytest.mark.parametrize(("replayed", "status"), [(True, 400), (False, 200)])
async def test_faults_are_answered_again_or_forgotten(replayed: bool, status: int) -> None:
    async with asked(replay_faults=replayed, refused_items={"2043": "6000"}) as app:
        await app.post("/invoice", invoice(), requestid="one")
        assert (await app.post("/invoice", invoice(), requestid="one")).status_code == status


async def test_request_ids_have_a_length() -> None:
    async with asked() as app:
        assert fault(await app.post("/invoice", invoice(), requestid="x" * 51)) == (400, "2130")
        body = {"BatchItemRequest": [create("1")]}
        assert fault(await app.post("/batch", body, requestid="x" * 37)) == (400, "2130")
        body = {"BatchItemRequest": [create("1", "elevenchars")]}
        assert fault(await app.post("/batch", body, requestid="x")) == (400, "2130")


async def test_items_of_a_batch_succeed_and_fail_by_themselves() -> None:
    async with asked() as app:
        bad = create("2", lines=[line(code="7")])
        many = await app.batch(create("1"), bad, create("3"), {"bId": "q", "Query": "select"})
        assert many["1"]["Invoice"]["DocNumber"] == "1"
        assert many["2"]["Fault"]["Error"][0]["code"] == "610"
        assert many["3"]["Invoice"]["DocNumber"] == "3"
        assert many["q"]["Fault"]["Error"][0]["code"] == "4000"


async def test_a_batch_queries_and_voids_and_answers_in_any_order() -> None:
    async with asked() as app:
        made = (await app.batch(create("1")))["1"]["Invoice"]
        token = {"Id": made["Id"], "SyncToken": "0"}
        void = {"bId": "v", "operation": "update", "optionsData": "void", "Invoice": token}
        find = {"bId": "f", "Query": "select * from Invoice where DocNumber = '1'"}
        answer = await app.post("/batch", {"BatchItemRequest": [find, void]})
        items = plain(answer)["BatchItemResponse"]
        assert [one["bId"] for one in items] == ["v", "f"]
        assert items[1]["QueryResponse"]["Invoice"][0]["SyncToken"] == "0"
        assert items[0]["Invoice"]["TotalAmt"] == 0


async def test_a_batch_holds_thirty_items_with_names_of_their_own() -> None:
    async with asked() as app:
        many = [create(str(number)) for number in range(31)]
        assert fault(await app.post("/batch", {"BatchItemRequest": many})) == (400, "1040")
        twice = [create("1"), create("1")]
        assert fault(await app.post("/batch", {"BatchItemRequest": twice})) == (400, "2010")
        assert not app.hand.documents()


@pytest.mark.parametrize("replay", ["whole", "items"])
async def test_a_repeated_batch_makes_nothing_twice(replay: str) -> None:
    async with asked(batch_replay=replay, duplicates="allowed") as app:
        first = await app.batch(create("1"), create("2"), key="b")
        second = await app.batch(create("1"), create("2"), key="b")
        assert first == second
        assert len(app.hand.documents()) == 2


async def test_items_of_a_batch_may_be_throttled_inside_of_a_200() -> None:
    async with asked(throttled_items=1) as app:
        many = await app.batch(create("1"), create("2"))
        assert many["1"]["Fault"]["Error"][0]["code"] == "3001"
        assert "Invoice" in many["2"]


async def test_ten_calls_a_second_and_five_hundred_a_minute_are_answered() -> None:
    async with asked(app_second=10, realm_minute=500) as app:
        for second in range(50):
            app.clock.now = 1.0 + second
            assert [(await app.get("/preferences")).status_code for _ in range(10)] == [200] * 10
        assert fault(await app.get("/preferences")) == (429, "3001")
        app.clock.now = 61.5
        assert (await app.get("/preferences")).status_code == 200
        app.simulator.quotas["4620816365"].others(500)
        app.clock.now = 63.0
        assert fault(await app.get("/preferences")) == (429, "3001")


async def test_eight_hundred_calls_a_minute_of_one_app_over_all_interfaces_are_answered() -> None:
    async with asked(app_minute=800) as app:
        app.simulator.quotas["4620816365"].elsewhere(799)
        assert (await app.get("/preferences")).status_code == 200
        assert fault(await app.get("/preferences")) == (429, "3001")
        app.clock.now = 60.0
        assert (await app.get("/preferences")).status_code == 200


async def test_forty_batches_a_minute_are_answered() -> None:
    async with asked(batch_minute=40) as app:
        query = {"bId": "q", "Query": "select * from Term"}
        for _ in range(40):
            await app.batch(query)
        answer = await app.post("/batch", {"BatchItemRequest": [query]})
        assert fault(answer) == (429, "3001")
        assert (await app.get("/preferences")).status_code == 200
        app.clock.now = 60.0
        await app.batch(query)


@pytest.mark.parametrize(
    ("shape", "text"),
    [("gateway", '"fault"'), ("entity", '"Fault"'), ("text", "message=ThrottleExceeded")],
)
async def test_a_429_has_one_of_its_shapes(shape: str, text: str) -> None:
    async with asked(realm_minute=1, throttle_shape=shape) as app:
        await app.get("/preferences")
        answer = await app.get("/preferences")
        assert answer.status_code == 429
        assert text in answer.text
        assert "003001" in answer.text or shape == "entity"


async def test_the_quota_of_reads_spares_writes() -> None:
    async with asked(month_reads=1) as app:
        await app.get("/preferences")
        assert fault(await app.get("/preferences")) == (429, "3001")
        assert (await app.post("/invoice", invoice())).status_code == 200


async def test_faults_come_in_two_casings_and_even_with_status_200() -> None:
    async with asked(casing="both") as app:
        bodies = [plain(await app.get("/invoice/1")) for _ in range(2)]
        assert ["Fault" in body for body in bodies] == [True, False]
        app.simulator.options.casing = "upper"
        app.simulator.options.fault_in_200 = True
        assert fault(await app.get("/invoice/1")) == (200, "610")
