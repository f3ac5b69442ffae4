"""A write reaches the PSA exactly once, whatever becomes of its answer."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from syncd.core.billing.identity import observed_digest
from syncd.core.service.delivery import DeliveryReport, deliver_pending
from syncd.core.store.attempts import attempts
from syncd.core.store.database import Database
from syncd.core.store.delivery_lock import DeliveryBusy, delivery_turn
from syncd.core.store.issues import open_issues
from syncd.core.store.lines import RecordStatus, record_of_key
from syncd.core.store.outbox import OutboxState, of_plan
from syncd.sdk.errors import AuthError
from syncd.sdk.records import BatchLimit, Subscription
from tests.builders_flow import Clock, FakePsa, Lines, Stage, create, fields, queue, stage, update


class Desk:
    """A database with a stage, a fake PSA, a clock and a log."""

    def __init__(self, database: Database, on: Stage) -> None:
        self.database = database
        self.on = on
        self.clock = Clock()
        self.psa = FakePsa(clock=self.clock)
        self.log = Lines()

    async def deliver(self, **given: float) -> DeliveryReport:
        return await deliver_pending(
            self.database,
            self.psa,
            self.on.psa,
            clock=self.clock,
            log=self.log,
            sleep=self.clock.sleep,
            **given,
        )

    async def states(self) -> dict[str, OutboxState]:
        async with self.database.reader() as conn:
            return {item.key: item.state for item in await of_plan(conn, self.on.plan_id)}

    async def codes(self) -> dict[str, str]:
        async with self.database.reader() as conn:
            return {issue.subject: issue.code for issue in await open_issues(conn)}


@pytest.fixture
async def desk(database: Database) -> Desk:
    return Desk(database, await stage(database))


def _stored(remote: str, quantity: int, **values: object) -> Subscription:
    whole = {
        "key": remote,
        "client": "1001",
        "site": None,
        "marker": "m:k:d",
        "name": "Workstations",
        "quantity": quantity,
        "unit_price": Decimal("5.00"),
        "unit_cost": Decimal("2.00"),
        "asset_type": "10",
        "start": "2026-10-01",
        **values,
    }
    return msgspec.convert(whole, Subscription, strict=False)


async def test_a_delivered_write_leaves_receipt_ledger_row_and_log_line(desk: Desk) -> None:
    await queue(desk.database, desk.on, create("a", 14))
    report = await desk.deliver()
    assert (report.delivered, report.calls, report.waiting) == (1, 1, 0)
    async with desk.database.reader() as conn:
        record = await record_of_key(conn, "k:a")
    assert record is not None
    assert (record.remote, record.sent.quantity, record.sent_period) == ("9001", 14, "2026-10")
    assert record.total_price == Decimal("70.00")
    (line,) = desk.log.of("change.delivered")
    assert (line["client"], line["period"], line["money"]) == ("Acme Ltd", "2026-10", "70.00")


async def test_a_create_whose_answer_was_lost_is_found_and_not_repeated(desk: Desk) -> None:
    desk.psa.faults = ["lost_after"]
    await queue(desk.database, desk.on, create("a"))
    report = await desk.deliver()
    assert report.delivered == 1
    assert desk.psa.writes == {"k:a": 1}
    assert [line["key"] for line in desk.log.of("change.unknown")] == ["k:a"]
    assert [line["outcome"] for line in desk.log.of("change.resolved")] == ["delivered"]
    assert await desk.codes() == {}


async def test_the_look_up_waits_until_the_vendor_has_settled(desk: Desk) -> None:
    desk.psa.faults = ["lost_after"]
    desk.psa.write_batch = BatchLimit(size=1, settle_seconds=30.0)
    await queue(desk.database, desk.on, create("a"))
    report = await desk.deliver(patience_seconds=10.0)
    assert (report.delivered, report.waiting, desk.psa.calls["find_many"]) == (0, 1, 0)
    assert await desk.codes() == {"psa/k:a": "OUTCOME_UNKNOWN"}
    desk.clock.advance(seconds=31)
    assert (await desk.deliver(patience_seconds=0.0)).delivered == 1
    assert desk.psa.writes == {"k:a": 1}
    assert await desk.codes() == {}


async def test_a_write_proven_absent_is_sent_again(desk: Desk) -> None:
    desk.psa.faults = ["lost_before"]
    await queue(desk.database, desk.on, create("a"))
    report = await desk.deliver()
    assert (report.delivered, report.calls, desk.psa.writes["k:a"]) == (1, 2, 1)


async def test_a_write_that_never_arrives_is_parked_and_not_sent_for_ever(desk: Desk) -> None:
    desk.psa.faults = ["lost_before"] * 9
    await queue(desk.database, desk.on, create("a"))
    report = await desk.deliver()
    assert (report.parked, report.calls) == (1, 3)
    assert await desk.codes() == {"psa/k:a": "OUTCOME_UNKNOWN"}
    assert desk.log.of("change.parked")[0]["reason"] == "OUTCOME_UNKNOWN"


async def test_what_was_surely_not_sent_is_sent_later_without_a_look_up(desk: Desk) -> None:
    desk.psa.faults = ["not_sent", "not_sent"]
    await queue(desk.database, desk.on, create("a"))
    report = await desk.deliver()
    assert (report.delivered, report.calls, desk.psa.calls["find_many"]) == (1, 3, 0)


async def test_not_sent_tries_do_not_count_towards_parking(desk: Desk) -> None:
    desk.psa.faults = ["not_sent", "not_sent", "not_sent", "lost_before"]
    await queue(desk.database, desk.on, create("a"))
    report = await desk.deliver()
    assert (report.delivered, report.parked) == (1, 0)


async def test_one_refused_item_does_not_stop_the_others(desk: Desk) -> None:
    desk.psa.faults = ["", "refused", ""]
    await queue(desk.database, desk.on, create("a"), create("b"), create("c"))
    report = await desk.deliver()
    assert (report.delivered, report.rejected) == (2, 1)
    assert await desk.codes() == {"psa/k:b": "DELIVERY_REJECTED"}
    assert await desk.states() == {
        "k:a": OutboxState.DELIVERED,
        "k:b": OutboxState.REJECTED,
        "k:c": OutboxState.DELIVERED,
    }


async def test_a_record_that_is_gone_is_not_made_again(desk: Desk) -> None:
    await queue(desk.database, desk.on, create("d", 12))
    await desk.deliver()
    desk.psa.records.clear()
    await queue(desk.database, desk.on, update("d", "9001", 13), again=True)
    report = await desk.deliver()
    assert report.rejected == 1
    assert desk.psa.records == {}
    assert await desk.codes() == {"psa/k:d": "PSA_RECORD_GONE"}
    async with desk.database.reader() as conn:
        record = await record_of_key(conn, "k:d")
    assert record is not None
    assert record.status is RecordStatus.GONE


@pytest.mark.parametrize(
    ("found", "state"),
    [(12, OutboxState.DELIVERED), (10, OutboxState.DELIVERED), (99, OutboxState.NEEDS_REVIEW)],
    ids=["as sent", "as before: sent again", "somebody else's value: parked"],
)
async def test_an_update_whose_answer_was_lost_is_judged_by_what_the_record_holds(
    desk: Desk, found: int, state: OutboxState
) -> None:
    before = _stored("7", 10)
    desk.psa.records["7"] = before
    change = update("d", "7", 12)
    await queue(
        desk.database,
        desk.on,
        change,
        observed={"k:d": observed_digest(before, change.fields)},
    )
    desk.psa.faults = ["lost_before"]

    def edit(name: str) -> None:
        if name == "read_many:before" and desk.psa.calls["read_many"] == 0:
            desk.psa.edit("7", quantity=found)

    desk.psa.point = edit
    await desk.deliver()
    assert await desk.states() == {"k:d": state}
    assert desk.psa.writes["k:d"] == (1 if found == 10 else 0)
    if state is OutboxState.NEEDS_REVIEW:
        async with desk.database.reader() as conn:
            (issue,) = await open_issues(conn)
        assert issue.code == "PSA_DRIFT"
        assert "sent as 12, found 99" in issue.message


async def test_two_records_with_our_key_are_a_person_s_decision(desk: Desk) -> None:
    desk.psa.records["7"] = _stored("7", 10, marker="m:k:a")
    desk.psa.records["8"] = _stored("8", 10, marker="m:k:a")
    desk.psa.faults = ["lost_before"]
    await queue(desk.database, desk.on, create("a"))
    report = await desk.deliver()
    assert report.parked == 1
    assert await desk.codes() == {"psa/k:a": "DUPLICATE_IN_PSA"}
    async with desk.database.reader() as conn:
        (issue,) = await open_issues(conn)
    assert issue.evidence["records"] == ["7", "8"]


async def test_a_foreign_record_under_our_key_is_shown_with_both_sides(desk: Desk) -> None:
    desk.psa.records["7"] = _stored("7", 3, marker="m:k:a")
    desk.psa.faults = ["lost_before"]
    await queue(desk.database, desk.on, create("a", 10))
    await desk.deliver()
    async with desk.database.reader() as conn:
        (issue,) = await open_issues(conn)
    assert (
        issue.code,
        issue.evidence["sent"]["quantity"],
        issue.evidence["found"]["quantity"],
    ) == (
        "PSA_DRIFT",
        "10",
        "3",
    )


async def test_a_failing_look_up_proves_nothing_and_is_tried_again(desk: Desk) -> None:
    desk.psa.faults = ["lost_after"]
    await queue(desk.database, desk.on, create("a"))

    def broken(name: str) -> None:
        if name == "find_many:before" and desk.psa.calls["find_many"] < 1:
            desk.psa.calls["find_many"] += 1
            from syncd.sdk.errors import VendorUnavailable

            raise VendorUnavailable("502")

    desk.psa.point = broken
    report = await desk.deliver()
    assert (report.delivered, desk.psa.writes["k:a"]) == (1, 1)


async def test_a_look_up_that_skips_a_key_is_no_proof_of_absence(desk: Desk) -> None:
    desk.psa.faults = ["lost_after"]
    await queue(desk.database, desk.on, create("a"))

    async def forgetful(keys: object) -> dict[str, list[object]]:
        return {}

    desk.psa.find_many = forgetful  # type: ignore[method-assign,assignment]
    report = await desk.deliver()
    assert report.stopped_by is not None
    assert (report.waiting, desk.psa.writes["k:a"], report.calls) == (1, 1, 1)


async def test_refused_credentials_stop_the_delivery_and_lose_nothing(desk: Desk) -> None:
    await queue(desk.database, desk.on, create("a"), create("b"))
    desk.psa.write_batch = BatchLimit(size=1)

    def refuse(name: str) -> None:
        if name == "apply:before":
            raise AuthError("the secret is wrong")

    desk.psa.point = refuse
    report = await desk.deliver()
    assert isinstance(report.stopped_by, AuthError)
    assert (report.waiting, report.calls) == (2, 1)
    assert set((await desk.states()).values()) == {OutboxState.PENDING}
    assert await desk.codes() == {}
    desk.psa.point = None
    desk.clock.advance(minutes=5)
    assert (await desk.deliver()).delivered == 2
    assert desk.psa.writes == {"k:a": 1, "k:b": 1}


async def test_a_defect_of_the_connector_is_an_unknown_outcome(desk: Desk) -> None:
    desk.psa.faults = ["", "raise"]
    await queue(desk.database, desk.on, create("a"), create("b"))
    report = await desk.deliver()
    assert report.stopped_by is not None
    assert "RuntimeError" in str(report.stopped_by)
    desk.clock.advance(minutes=5)
    await desk.deliver()
    assert desk.psa.writes == {"k:a": 1, "k:b": 1}


async def test_a_value_that_the_psa_shows_otherwise_is_an_issue(desk: Desk) -> None:
    await queue(desk.database, desk.on, create("a", 3, price="5.3333"))
    whole = desk.psa._store

    def rounding(change: object) -> Subscription:
        record = whole(change)  # type: ignore[arg-type]
        rounded = msgspec.structs.replace(record, unit_price=Decimal("5.33"))
        desk.psa.records[record.key] = rounded
        return rounded

    desk.psa._store = rounding  # type: ignore[method-assign]
    assert (await desk.deliver()).delivered == 1
    async with desk.database.reader() as conn:
        (issue,) = await open_issues(conn)
    assert issue.code == "READBACK_DIFFERS"
    assert "unit price sent as 5.3333, found 5.33" in issue.message


async def test_only_one_process_delivers_at_a_time(desk: Desk) -> None:
    await queue(desk.database, desk.on, create("a"))
    async with delivery_turn(
        desk.database, desk.on.psa.id, wait_seconds=0.0, sleep=desk.clock.sleep
    ):
        with pytest.raises(DeliveryBusy):
            await desk.deliver(lock_seconds=1.0)
    assert desk.psa.calls["apply"] == 0
    assert (await desk.deliver()).delivered == 1


async def test_a_frozen_clock_does_not_stop_the_delivery(desk: Desk) -> None:
    desk.psa.faults = ["lost_before", "not_sent"]
    await queue(desk.database, desk.on, create("a"))

    async def sleep(_seconds: float) -> None:
        return None

    report = await deliver_pending(
        desk.database, desk.psa, desk.on.psa, clock=desk.clock, log=desk.log, sleep=sleep
    )
    assert report.delivered == 1


async def test_batches_never_exceed_what_the_vendor_takes(desk: Desk) -> None:
    desk.psa.write_batch = BatchLimit(size=2)
    await queue(desk.database, desk.on, *(create(f"a{n}") for n in range(5)))
    assert (await desk.deliver()).calls == 3


async def test_every_try_is_on_record(desk: Desk) -> None:
    desk.psa.faults = ["lost_before"]
    await queue(desk.database, desk.on, create("a"))
    await desk.deliver()
    async with desk.database.reader() as conn:
        (item,) = await of_plan(conn, desk.on.plan_id)
        tries = (await attempts(conn, [item.id]))[item.id]
    assert [(one.what, one.outcome) for one in tries] == [
        ("send", "OUTCOME_UNKNOWN"),
        ("find", "pending"),
        ("send", "delivered"),
    ]


async def test_delivering_nothing_calls_nobody(desk: Desk) -> None:
    report = await desk.deliver()
    assert report == DeliveryReport()
    assert sum(desk.psa.calls.values()) == 0
    assert fields(1).quantity == 1


async def test_a_receipt_that_cannot_be_stored_does_not_take_the_others_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from syncd.core.service import settlement

    whole = settlement._ledger_row

    def broken(item: object, remote: str, now: object) -> object:
        if remote == "9002":
            raise ValueError("9002 cannot be stored")
        return whole(item, remote, now)  # type: ignore[arg-type]

    await queue(desk.database, desk.on, create("a"), create("b"), create("c"))
    monkeypatch.setattr(settlement, "_ledger_row", broken)
    with pytest.raises(ValueError, match="9002"):
        await desk.deliver()
    assert await desk.states() == {
        "k:a": OutboxState.DELIVERED,
        "k:b": OutboxState.SENDING,
        "k:c": OutboxState.DELIVERED,
    }
    monkeypatch.setattr(settlement, "_ledger_row", whole)
    assert (await desk.deliver()).delivered == 1
    assert desk.psa.writes == {"k:a": 1, "k:b": 1, "k:c": 1}
