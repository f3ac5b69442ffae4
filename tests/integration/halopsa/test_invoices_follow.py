"""What the connector saves is what the client's next invoice says, to the cent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from syncd.sandbox.presets import small
from syncd.sdk.records import Delivered
from tests.builders_halopsa import ALPHA, create, opened, update


def billed(invoice: dict[str, Any], name: str) -> list[Decimal]:
    """Quantity, price and net amount of one line of an invoice."""
    (line,) = [one for one in invoice["lines"] if one["item_shortdescription"] == name]
    return [line["qty_order"], line["unit_price"], line["net_amount"]]


async def test_one_lasting_record_gives_each_month_s_invoice_that_month_s_count() -> None:
    world = small()
    async with opened({"invoiced_period": "behind", "extras": False}, world=world) as bench:
        (made,) = await bench.psa.apply([create(quantity=4)])
        assert isinstance(made, Delivered)
        remote = made.receipt.remote
        line = bench.sim.hand.link(int(remote))
        seen: list[tuple[str, list[Any]]] = []
        for month, (count, price) in enumerate(
            ((4, "15.00"), (7, "15.00"), (6, "15.45")), start=12
        ):
            year, own = 2026 + (month - 1) // 12, (month - 1) % 12 + 1
            world.clock.set(datetime(year, own, 1, 0, 20, tzinfo=UTC))
            await bench.psa.apply([update(remote, quantity=count, unit_price=Decimal(price))])
            (invoice,) = bench.sim.hand.invoice(client=int(ALPHA))
            seen.append((invoice["period_start_date"][:7], billed(invoice, "Managed workstations")))
            assert invoice["revenue"] == 250 + invoice["lines"][-1]["net_amount"]
        assert seen == [
            ("2026-11", [4, 15, 60]),
            ("2026-12", [7, 15, 105]),
            ("2027-01", [6, Decimal("15.45"), Decimal("92.7")]),
        ]
        assert len(bench.sim.hand.subscriptions(client=int(ALPHA))) == 1
        lines = {
            one.key: one
            async for batch in bench.psa.recurring_lines(clients=[ALPHA])
            for one in batch
        }
        assert lines[str(line)].last_value == Decimal("92.7")
        assert lines[str(line)].last_made == datetime(2027, 2, 1, 0, 20, tzinfo=UTC)


async def test_a_line_without_the_linked_price_bills_its_own_whatever_is_saved() -> None:
    async with opened({"extras": False}) as bench:
        (made,) = await bench.psa.apply([create(quantity=4)])
        assert isinstance(made, Delivered)
        line = bench.sim.hand.link(int(made.receipt.remote), linked_price=False)
        bench.sim.hand.edit_line(line, unit_price=Decimal("9.99"))
        (invoice,) = bench.sim.hand.invoice(client=int(ALPHA))
        assert billed(invoice, "Managed workstations") == [4, Decimal("9.99"), Decimal("39.96")]


async def test_a_count_saved_within_a_period_is_prorated_by_a_line_that_does_so() -> None:
    world = small(start=datetime(2026, 11, 30, 23, 0, tzinfo=UTC))
    async with opened({"extras": False}, world=world) as bench:
        (made,) = await bench.psa.apply([create(quantity=4)])
        assert isinstance(made, Delivered)
        bench.sim.hand.link(int(made.receipt.remote), pro_rata=1)
        bench.sim.hand.invoice(client=int(ALPHA))
        world.clock.set(datetime(2026, 12, 16, 8, 0, tzinfo=UTC))
        await bench.psa.apply([update(made.receipt.remote, quantity=6)])
        (row,) = [
            part
            async for batch in bench.psa.recurring_lines(clients=[ALPHA])
            for one in batch
            for part in one.proration
        ]
        assert row.day == "2026-12-16"
        assert row.quantity == 2
        (invoice,) = bench.sim.hand.invoice(client=int(ALPHA))
        # 250 + 6 x 15.00, and 2 x 15.00 x 16/31 = 15.4839
        assert invoice["revenue"] == Decimal("355.48")
