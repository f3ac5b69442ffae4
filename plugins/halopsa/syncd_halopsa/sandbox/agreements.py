"""The client agreements of the simulated HaloPSA, and how each stands today.

The first client has one of each: in force, expired, not begun, and marked not to be invoiced.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from syncd.sdk.sandbox import World
from syncd_halopsa.sandbox import CLIENT_OFFSET
from syncd_halopsa.sandbox.fields import ZERO_DATE

Row = dict[str, Any]

IN_FORCE, EXPIRED, NOT_BEGUN, NOT_INVOICED = 601, 602, 603, 604
_YEAR = timedelta(days=365)


def agreement(
    number: int,
    client_id: int,
    ref: str,
    *,
    start: date | None = None,
    end: date | None = None,
    **more: Any,
) -> Row:
    """A row of `/ClientContract`; a date that is not set is written as the vendor writes none."""
    return {
        "id": number,
        "client_id": client_id,
        "ref": ref,
        "refextra": "",
        "start_date": _written(start),
        "end_date": _written(end),
        "status": 1,
        "contract_status": "Active",
        "closed": False,
        "billingperiod": 3,
        "periodchargeamount": 0,
        "dontinvoice": False,
        "next_invoice_date": ZERO_DATE,
        **more,
    }


def by_hand(world: World) -> list[Row]:
    """The agreements that people made."""
    present = [one for one in world.clients() if not one.internal]
    if not present:
        return []
    client, today = CLIENT_OFFSET + present[0].id, world.now().date()
    begun = (today - _YEAR).replace(day=1)
    return [
        agreement(IN_FORCE, client, "Managed services", start=begun),
        agreement(EXPIRED, client, "Old care plan", start=begun - _YEAR, end=begun),
        agreement(NOT_BEGUN, client, "Next year's plan", start=today + _YEAR),
        agreement(NOT_INVOICED, client, "Goodwill", start=begun, dontinvoice=True),
    ]


def with_standing(row: Row, now: datetime) -> Row:
    """The row with what HaloPSA works out of its dates when it is read."""
    today = now.date().isoformat()
    started = row["start_date"] == ZERO_DATE or row["start_date"][:10] <= today
    expired = row["end_date"] != ZERO_DATE and row["end_date"][:10] < today
    shown = {name: one for name, one in row.items() if name != "closed"}
    active = started and not expired and not row["closed"]
    return {**shown, "started": started, "expired": expired, "active": active}


def _written(day: date | None) -> str:
    return ZERO_DATE if day is None else f"{day.isoformat()}T00:00:00"
