"""Lists of plans of invoices, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import insert

from syncd.core.store.connections import ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.invoice_plan_history import list_invoice_plans
from syncd.core.store.tables.ledger import InvoicePlan, InvoicePlanRow

NOW = datetime(2026, 12, 5, 11, tzinfo=UTC)


async def test_the_newest_are_listed_first_and_those_without_rows_not_at_all(
    database: Database,
) -> None:
    async with database.writer() as conn:
        psa = await ensure_connection(conn, "halo", "psa")
        book = await ensure_connection(conn, "books", "ledger")
        for plan, states in (
            ("inv-b", ["applied", "held", "applied"]),
            ("inv-a", ["ready"]),
            ("inv-z", []),
        ):
            head = {
                "id": plan,
                "psa_connection_id": psa.id,
                "ledger_connection_id": book.id,
                "book_key": "org-1",
                "data_version": 1,
                "read_at": NOW,
                "made_at": NOW,
                "made_by": "pat",
            }
            await conn.execute(insert(InvoicePlan), head)
            for n, state in enumerate(states):
                row = {
                    "plan_id": plan,
                    "key": f"post:{n}",
                    "invoice_key": str(n),
                    "step": "post",
                    "state": state,
                    "digest": "d",
                    "currency": "GBP",
                    "effect": Decimal("1.00"),
                }
                await conn.execute(insert(InvoicePlanRow), row)

    async with database.reader() as conn:
        every = await list_invoice_plans(conn, limit=20)
        one = await list_invoice_plans(conn, limit=1)

    assert [(plan.id, plan.book, plan.rows) for plan in every] == [
        ("inv-a", "books", {"ready": 1}),
        ("inv-b", "books", {"applied": 2, "held": 1}),
    ]
    assert every[0].organisation == "org-1"
    assert every[0].made_by == "pat"
    assert [plan.id for plan in one] == ["inv-a"]
