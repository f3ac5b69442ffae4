"""The bill of a finished month sent last, as much of it as planning the next one needs.

Thousands of bills are read at once, so the basis of a bill stays text until somebody asks for it,
and lines are read only where their figures count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from syncd.core.store.bills import last_bills
from syncd.core.store.outbox import chunks
from syncd.core.store.plans import PlanKind
from syncd.core.store.tables import Bill, BillLine, PlanRow
from syncd.sdk.records import LineState


@dataclass(frozen=True, slots=True, kw_only=True)
class LastBill:
    """A bill that was sent for a finished month.

    Attributes:
        period: month billed.
        total_price: None when unknown.
        decisions: JSON of what it rested on; empty where it has no line.
        lines: by line key; empty where lines were not asked for.
    """

    period: str
    total_price: Decimal | None
    decisions: bytes
    lines: dict[str, LineState]


class _Bill(msgspec.Struct, frozen=True):
    decisions: msgspec.Raw


class _Line(msgspec.Struct, frozen=True):
    units: int


class _Basis(msgspec.Struct, frozen=True):
    """As much of a line's basis as is read here; see `service.basis`."""

    bill: _Bill
    line: _Line


_DECODER = msgspec.json.Decoder(_Basis)


async def load_last_bills(
    conn: AsyncConnection, account_ids: Collection[int], *, with_lines: bool
) -> dict[int, LastBill]:
    """The bill of the newest finished month of each account, of it the newest revision.

    Args:
        conn: a reader's connection.
        account_ids: whose bills.
        with_lines: with what each line said.
    """
    found: dict[int, LastBill] = {}
    for chunk in chunks(account_ids):
        if with_lines:
            for account_id, bill in (await last_bills(conn, chunk)).items():
                bases = [_DECODER.decode(line.basis) for line in bill.lines]
                found[account_id] = LastBill(
                    period=bill.period,
                    total_price=bill.total_price,
                    decisions=bytes(bases[0].bill.decisions) if bases else b"",
                    lines={
                        line.key: LineState(
                            quantity=line.quantity,
                            unit_price=line.unit_price,
                            unit_cost=line.unit_cost,
                            total_price=line.total_price,
                            total_cost=line.total_cost,
                            units=None if basis.line.units == line.quantity else basis.line.units,
                        )
                        for line, basis in zip(bill.lines, bases, strict=True)
                    },
                )
        else:
            for row in await conn.execute(_heads(chunk)):
                decisions = _DECODER.decode(row.basis).bill.decisions if row.basis else b""
                found[row.account_id] = LastBill(
                    period=row.period,
                    total_price=row.total_price,
                    decisions=bytes(decisions),
                    lines={},
                )
    return found


def _heads(account_ids: Collection[int]) -> Any:
    """Each account's last bill with the basis of its first line."""
    running = select(col(PlanRow.id)).where(col(PlanRow.kind) == PlanKind.RUNNING.value)
    newest = (
        select(
            col(Bill.id).label("id"),
            func.row_number()
            .over(
                partition_by=col(Bill.account_id),
                order_by=(col(Bill.period).desc(), col(Bill.revision).desc()),
            )
            .label("place"),
        )
        .where(col(Bill.account_id).in_(account_ids), ~col(Bill.plan_id).in_(running))
        .subquery()
    )
    line = aliased(BillLine)
    first = (
        select(func.min(col(line.id)))
        .where(col(line.bill_id) == col(Bill.id))
        .correlate(Bill)
        .scalar_subquery()
    )
    return (
        select(col(Bill.account_id), col(Bill.period), col(Bill.total_price), col(BillLine.basis))
        .join(newest, newest.c.id == col(Bill.id))
        .outerjoin(BillLine, col(BillLine.id) == first)
        .where(newest.c.place == 1)
    )
