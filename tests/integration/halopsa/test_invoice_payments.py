"""Payments of invoices: each recorded once, and none beside one that may be the same."""

from __future__ import annotations

import msgspec
import pytest

from syncd.sdk.errors import ProtocolError
from syncd.sdk.psa_records import Delivered, NotSent, Rejected
from tests.builders_halopsa import opened
from tests.builders_halopsa_marks import PAY, RIGHTS, finished, payment, saves


async def test_a_payment_by_hand_of_the_same_amount_and_day_is_shown_to_a_person() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        bench.sim.hand.pay(number, "10.05", day="2026-12-01")
        like, other = await bench.psa.record_payments(
            [payment(number), payment(number, "3.00", "syncd-b")]
        )
        assert isinstance(like, Rejected)
        assert like.code == "PAYMENT_LIKE"
        assert isinstance(other, Delivered)
        assert saves(bench, PAY) == 1


async def test_a_payment_that_is_known_to_be_another_one_is_recorded_beside_its_like() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        bench.sim.hand.pay(number, "10.05", day="2026-12-01")
        other = msgspec.structs.replace(payment(number), alike=1)
        (outcome,) = await bench.psa.record_payments([other])
        assert isinstance(outcome, Delivered)
        bench.sim.hand.pay(number, "10.05", day="2026-12-01")
        third = msgspec.structs.replace(payment(number, marker="syncd-b"), alike=1)
        (outcome,) = await bench.psa.record_payments([third])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "PAYMENT_LIKE"
        assert len(bench.sim.hand.payments()) == 3


async def test_a_payment_whose_marker_is_dropped_is_told_and_not_repeated() -> None:
    async with opened(payment_key_field="reference", **RIGHTS) as bench:
        (number,) = finished(bench)
        (first,) = await bench.psa.record_payments([payment(number)])
        assert isinstance(first, Rejected)
        assert first.code == "MARKER_NOT_KEPT"
        (again,) = await bench.psa.record_payments([payment(number)])
        assert isinstance(again, Rejected)
        assert again.code == "PAYMENT_LIKE"
        assert len(bench.sim.hand.payments()) == 1


async def test_a_changed_or_doubled_payment_of_ours_is_told() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        bench.sim.hand.pay(number, "9.5", thirdpartyid="syncd-a")
        (outcome,) = await bench.psa.record_payments([payment(number)])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "PAYMENT_DIFFERS"
        assert "our marker over 9.50 instead of 10.05" in outcome.message
        bench.sim.hand.pay(number, "10.05", thirdpartyid="syncd-a")
        (outcome,) = await bench.psa.record_payments([payment(number)])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "PAYMENT_DOUBLE"


async def test_a_payment_without_an_amount_is_not_taken_for_nothing() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        found = bench.sim.hand.pay(number, "10.05")
        bench.sim.hand._state.tables["invoicepayment"][found]["amount"] = None
        with pytest.raises(ProtocolError, match="has no amount"):
            await bench.psa.find_payments([str(number)])
        (outcome,) = await bench.psa.record_payments([payment(number)])
        assert isinstance(outcome, NotSent)
        assert len(bench.sim.hand.payments()) == 1


async def test_nothing_more_is_sent_after_one_payment_could_not_be() -> None:
    async with opened(**RIGHTS) as bench:
        (number,) = finished(bench)
        bench.wire.breaker = lambda call: "refuse" if call.name == PAY else None
        outcomes = await bench.psa.record_payments(
            [payment(number, "1", "syncd-a"), payment(number, "2", "syncd-b")]
        )
        assert all(isinstance(one, NotSent) for one in outcomes)
        assert bench.sim.hand.payments() == []
        with pytest.raises(ValueError, match="marker"):
            await bench.psa.record_payments([payment(number, "1", "")])
